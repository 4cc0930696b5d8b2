"""Which answers are stored for an Idempotency-Key, and what a repeated request gets."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import FileResponse, StreamingHttpResponse
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from creativefilter.api.core import idempotency
from creativefilter.api.core.idempotency import Idempotent
from creativefilter.api.models import IdempotencyKey

pytestmark = pytest.mark.django_db


class Counting(Idempotent, APIView):
    """A view whose answer is what ``answer`` returns; ``calls`` counts how often it is asked."""

    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser, MultiPartParser)
    shown_once = ("secret",)
    answer: ClassVar[Callable[[Any], Any]]
    calls: ClassVar[int] = 0

    def post(self, request: Any) -> Any:
        type(self).calls += 1
        return type(self).answer(request)


@pytest.fixture
def ask(analyst: User) -> Any:
    """``ask(answer, data, key=…)`` sends a request to ``Counting`` and returns the response."""

    def send(
        answer: Callable[[Any], Any], data: Any = None, key: str | None = "key", **how: Any
    ) -> Any:
        Counting.answer = staticmethod(answer)  # type: ignore[assignment]
        headers = {"Idempotency-Key": key} if key else {}
        how.setdefault("format", "json")
        request = APIRequestFactory().post("/answers", data or {}, headers=headers, **how)
        force_authenticate(request, analyst)
        response = Counting.as_view()(request)
        return response.render() if hasattr(response, "render") else response

    Counting.calls = 0
    return send


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 410, 413, 422])
def test_final_answers_are_stored(ask: Any, status: int) -> None:
    for replayed in (False, True):
        response = ask(lambda _: Response({"call": Counting.calls}, status))
        assert (response.status_code, "Idempotent-Replayed" in response) == (status, replayed)
    assert Counting.calls == 1


@pytest.mark.parametrize("status", [409, 412, 429, 500, 503])
def test_answers_that_another_attempt_may_change_are_not_stored(ask: Any, status: int) -> None:
    for _attempt in range(2):
        response = ask(lambda _: Response({}, status))
        assert (response.status_code, "Idempotent-Replayed" in response) == (status, False)
    assert Counting.calls == 2
    assert not IdempotencyKey.objects.exists()


def test_requests_without_a_key_are_carried_out_each_time(ask: Any) -> None:
    for _attempt in range(2):
        assert ask(lambda _: Response({}), key=None).status_code == 200
    assert Counting.calls == 2
    assert not IdempotencyKey.objects.exists()


def test_files_are_repeated_byte_for_byte(ask: Any) -> None:
    content = bytes(range(256)) * 20
    first = ask(lambda _: FileResponse(io.BytesIO(content), filename="a.bin"))
    assert b"".join(first.streaming_content) == content
    second = ask(lambda _: FileResponse(io.BytesIO(b"other"), filename="b.bin"))
    assert second.content == content
    assert second["Content-Disposition"] == first["Content-Disposition"]
    assert Counting.calls == 1


def test_streams_of_unknown_length_and_large_answers_are_not_stored(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _attempt in range(2):
        response = ask(lambda _: StreamingHttpResponse(iter([b"part"])))
        assert b"".join(response.streaming_content) == b"part"
    assert Counting.calls == 2
    monkeypatch.setattr(idempotency, "LARGEST", 10)
    for _attempt in range(2):
        assert ask(lambda _: Response({"text": "longer than ten bytes"})).status_code == 200
    assert Counting.calls == 4
    assert not IdempotencyKey.objects.exists()


def test_secrets_are_null_in_a_repeated_answer(ask: Any) -> None:
    first = ask(lambda _: Response({"id": 1, "secret": "whsec"}))
    assert first.data == {"id": 1, "secret": "whsec"}
    second = ask(lambda _: Response({}))
    assert second.content == b'{"id":1,"secret":null}'


def test_lists_are_stored_as_they_are(ask: Any) -> None:
    ask(lambda _: Response(["secret"]))
    assert ask(lambda _: Response([])).content == b'["secret"]'


def test_a_view_can_read_an_uploaded_file_from_its_beginning(ask: Any) -> None:
    upload = SimpleUploadedFile("a.wav", b"content")
    response = ask(
        lambda request: Response({"read": request.FILES["file"].read().decode()}),
        {"file": upload},
        format="multipart",
    )
    assert response.data == {"read": "content"}
