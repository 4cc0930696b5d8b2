"""Views of media files: byte ranges, permissions, and headers that keep files from running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from creativefilter.creatives.models import MediaVersion
from tests.creatives.analysing import DEMO, MUSIC, analysed, take_in

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 1000
SIZE = len(CONTENT)


@pytest.fixture
def media(folders: Path) -> MediaVersion:
    return take_in(CONTENT, "4297908.mp4").media


@pytest.fixture
def viewer(db: None) -> Client:
    """The client of a user whose only permission is to view creatives."""
    user = User.objects.create_user("viewer")
    user.user_permissions.add(Permission.objects.get(codename="view_creative"))
    client = Client()
    client.force_login(user)
    return client


def address(media: MediaVersion) -> str:
    return f"/api/v1/media/{media.pk}"


def body(response: Any) -> bytes:
    return response.getvalue() if response.streaming else response.content


def test_the_whole_file_is_served_with_its_length(viewer: Client, media: MediaVersion) -> None:
    response = viewer.get(address(media))
    assert response.status_code == 200
    assert body(response) == CONTENT
    assert response["Content-Length"] == str(SIZE)
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("byte_range", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-70000", 100, 70_000),
        (f"bytes={SIZE - 10}-", SIZE - 10, SIZE - 1),
        ("bytes=-7", SIZE - 7, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes=5-{SIZE * 2}", 5, SIZE - 1),
    ],
)
def test_a_range_is_served(
    viewer: Client, media: MediaVersion, byte_range: str, first: int, last: int
) -> None:
    response = viewer.get(address(media), headers={"Range": byte_range})
    assert response.status_code == 206
    assert body(response) == CONTENT[first : last + 1]
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "byte_range", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"]
)
def test_a_range_beyond_the_end_is_refused(
    viewer: Client, media: MediaVersion, byte_range: str
) -> None:
    response = viewer.get(address(media), headers={"Range": byte_range})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "byte_range",
    [
        "bytes=9-5",
        "bytes=-",
        "bytes=a-b",
        "items=0-1",
        "bytes=0-1,5-6",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_malformed_range_gets_the_whole_file(
    viewer: Client, media: MediaVersion, byte_range: str
) -> None:
    response = viewer.get(address(media), headers={"Range": byte_range})
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_head_has_the_length_and_no_body(viewer: Client, media: MediaVersion) -> None:
    response = viewer.head(address(media))
    assert response.status_code == 200
    assert response["Content-Length"] == str(SIZE)
    assert body(response) == b""


def test_other_methods_are_refused(viewer: Client, media: MediaVersion) -> None:
    assert viewer.post(address(media)).status_code == 405
    assert viewer.delete(address(media)).status_code == 405


@pytest.mark.parametrize("path", ["", "/audio.wav", "/frame-00.jpg"])
def test_files_require_a_permission(media: MediaVersion, path: str) -> None:
    assert Client().get(address(media) + path).status_code in (401, 403)
    other = Client()
    other.force_login(User.objects.create_user("other", is_staff=True))
    assert other.get(address(media) + path).status_code == 403


@pytest.mark.parametrize("byte_range", ["", "bytes=0-9"])
def test_headers_keep_browsers_from_running_uploads(
    viewer: Client, media: MediaVersion, byte_range: str
) -> None:
    response = viewer.get(address(media), headers={"Range": byte_range})
    assert response["X-Content-Type-Options"] == "nosniff"
    policy = response["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert response["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.wav.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a.js", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.avi", "application/octet-stream"),
        ("a.mkv", "application/octet-stream"),
        ("a.wbm", "video/webm"),
        ("a.webm", "video/webm"),
        ("a.MP4", "video/mp4"),
        ("a.wav", "audio/wav"),
        ("a.ogg", "audio/ogg"),
        ("a.mp3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.flac", "audio/flac"),
    ],
)
def test_only_files_that_browsers_play_get_their_media_type(
    viewer: Client, folders: Path, name: str, kind: str
) -> None:
    media = take_in(b"<script>alert(1)</script>", name).media
    assert viewer.get(address(media))["Content-Type"] == kind


def test_deleted_files_are_not_found(viewer: Client, media: MediaVersion) -> None:
    Path(media.file.path).unlink()
    assert viewer.get(address(media)).status_code == 404
    url = address(media)
    media.creative.delete()
    assert viewer.get(url).status_code == 404


def test_the_decoded_sound_is_served_in_ranges(
    viewer: Client, folders: Path, recogniser: None
) -> None:
    media = analysed(DEMO / MUSIC).current_media
    assert media is not None
    response = viewer.get(address(media) + "/audio.wav", headers={"Range": "bytes=0-3"})
    assert (response.status_code, body(response)) == (206, b"RIFF")
    assert response["Content-Type"] == "audio/wav"


def test_a_working_copy_that_disappears_during_the_request_is_not_found(
    viewer: Client, media: MediaVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    assert viewer.get(address(media) + "/audio.wav").status_code == 404


def test_frames_are_served_as_jpeg(viewer: Client, folders: Path, recogniser: None) -> None:
    media = analysed(DEMO / "90000038.mp4").current_media
    assert media is not None
    response = viewer.get(address(media) + "/frame-00.jpg")
    assert response["Content-Type"] == "image/jpeg"
    assert body(response).startswith(b"\xff\xd8")


def test_other_names_are_not_found(viewer: Client, folders: Path, recogniser: None) -> None:
    media = analysed(DEMO / MUSIC).current_media
    assert media is not None
    names = ["..%2Faudio.wav", "..", "audio.wav.html", "frame-999.jpg", "frame-99.jpg", "x.json"]
    for name in names:
        assert viewer.get(f"{address(media)}/{name}").status_code == 404, name
