"""REST views of the dictionary of segments."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_one_segment_is_shown(api: APIClient, stranger: APIClient) -> None:
    rows = api.get("/api/v1/segments").json()
    response = api.get("/api/v1/segments/12")
    assert response.json() == next(row for row in rows if row["number"] == 12)
    headers = {"If-None-Match": response["ETag"]}
    assert api.get("/api/v1/segments/12", headers=headers).status_code == 304
    assert api.get("/api/v1/segments/6").status_code == 404
    assert stranger.get("/api/v1/segments/12").status_code == 403
