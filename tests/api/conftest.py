"""Fixtures of the tests of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.creatives.analysing import analyst, folders, recogniser
from tests.tasks.queueing import broker_away, waiting

__all__ = ["analyst", "broker_away", "folders", "recogniser", "waiting"]


def upload(content: bytes, name: str = "creative.avi", **fields: str) -> dict[str, Any]:
    """Return the fields of a multipart request with one file."""
    return {"file": SimpleUploadedFile(name, content), **fields}


@pytest.fixture
def form() -> Callable[..., dict[str, Any]]:
    return upload


@pytest.fixture
def russian(api: APIClient) -> APIClient:
    """The analyst's client, with Russian as the preferred language."""
    api.credentials(**{**api._credentials, "HTTP_ACCEPT_LANGUAGE": "ru-RU,ru;q=0.9,en;q=0.5"})
    return api


@pytest.fixture
def anonymous() -> APIClient:
    client = APIClient()
    client.credentials(HTTP_ACCEPT_LANGUAGE="en")
    return client


@pytest.fixture
def stranger(db: None) -> APIClient:
    """A client with the token of a user without permissions and without rows."""
    _row, token = AuthToken.objects.create(user=User.objects.create_user("stranger"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client
