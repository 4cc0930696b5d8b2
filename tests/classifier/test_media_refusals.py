"""Files that can't be creatives are refused; no other file or address is opened for them."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import wave
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import av
import pytest
from samples import make_media

from classifier.errors import ErrorCode, MediaError
from classifier.media import SAMPLE_RATE, decode, pool
from classifier.media.types import Limits, Probe

INFINITE_HEIGHT = json.dumps(
    {
        "probe": dict.fromkeys((field.name for field in fields(Probe)), 0) | {"streams": []},
        "times": [0.0],
        "height": float("inf"),
        "width": 1,
    }
)
pytestmark = pytest.mark.usefixtures("scratch")


def refusal(path: Path) -> ErrorCode:
    with pytest.raises(MediaError) as caught:
        decode(path)
    return caught.value.code


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    assert refusal(path) is ErrorCode.EMPTY


def test_wav_without_samples_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "silent.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
    assert refusal(path) is ErrorCode.EMPTY


def test_missing_and_non_regular_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert refusal(tmp_path / "gone.wav") is ErrorCode.NOT_FOUND
    assert refusal(tmp_path) is ErrorCode.UNREADABLE
    assert refusal(tmp_path / "pipe.wav") is ErrorCode.UNREADABLE
    assert refusal(Path("nul\0.wav")) is ErrorCode.UNREADABLE
    assert refusal(tmp_path / ("long" * 100)) is ErrorCode.UNREADABLE


def test_file_with_subtitles_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.mkv"
    with av.open(str(path), "w", format="matroska") as out:
        stream = out.add_stream("srt")
        stream.codec_context.subtitle_header = b"[Script Info]\n"
        packet = av.Packet(b"hello")
        packet.stream, packet.pts, packet.dts, packet.duration = stream, 0, 0, 1000
        out.mux(packet)
    assert refusal(path) is ErrorCode.NO_STREAMS


def test_unknown_codec_is_reported(tmp_path: Path) -> None:
    path = make_media(tmp_path / "odd.wav", 1.0)
    content = bytearray(path.read_bytes())
    content[20:22] = (0x7777).to_bytes(2, "little")  # a format tag that is not registered
    path.write_bytes(content)
    assert refusal(path) is ErrorCode.UNSUPPORTED_CODEC


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


def bait(kind: str, canary: Path, address: str) -> bytes:
    """Return a text file; most kinds make a careless reader open other files or addresses."""
    playlist = (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:2.0,\n{address}/a.ts\n#EXTINF:2.0,\nfile:{canary}\n#EXT-X-ENDLIST\n"
    )
    texts = {
        "text": "Скидки до конца недели. " * 40,
        "m3u8": playlist,
        "concat": f"ffconcat version 1.0\nfile '{canary}'\nfile '{address}/a.wav'\n",
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{address}/a.png"/>'
        f'<image xlink:href="file://{canary}"/></svg>',
        "html": f'<!doctype html><video src="{address}/a.mp4" autoplay></video>' * 20,
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet '
        f'mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{address}/a.mp4'
        "</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\n",
        "subtitles": "1\n00:00:00,000 --> 00:00:02,000\nСкидки\n",
    }
    return texts[kind].encode()


KINDS = ["text", "m3u8", "concat", "svg", "html", "dash", "sdp", "subtitles"]


@pytest.mark.parametrize("extension", ["mp4", "avi", "m3u8"])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_and_playlists_are_not_media_and_request_no_address(
    tmp_path: Path, listener: socket.socket, kind: str, extension: str
) -> None:
    canary = make_media(tmp_path / "canary.wav", 2.0)
    path = tmp_path / f"{kind}.{extension}"
    path.write_bytes(bait(kind, canary, f"http://127.0.0.1:{listener.getsockname()[1]}"))
    assert refusal(path) is ErrorCode.NOT_MEDIA
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_playlist_in_the_subtitles_of_an_avi_is_never_opened(
    tmp_path: Path, listener: socket.socket
) -> None:
    """FFmpeg opens the subtitles in an avi ("GAB2") as a file of its own, of any format."""
    canary = make_media(tmp_path / "canary.wav", 2.0)
    playlist = bait("m3u8", canary, f"http://127.0.0.1:{listener.getsockname()[1]}")
    path = tmp_path / "subtitled.avi"
    path.write_bytes(avi_with_subtitles(playlist))
    media = decode(path)
    assert (media.probe.container, len(media.audio)) == ("avi", SAMPLE_RATE)
    assert not media.audio.any()  # the sound of the avi is silence, that of the canary a tone
    assert "subtitle" in "".join(media.probe.streams)
    with pytest.raises(BlockingIOError):
        listener.accept()


def avi_with_subtitles(content: bytes) -> bytes:
    """Return an avi of a second of silence at 16 kHz with ``content`` as its first subtitle."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return tag + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    def stream(kind: bytes, scale: int, rate: int, length: int, size: int, form: bytes) -> bytes:
        numbers = (0, 0, 0, scale, rate, 0, length, 0, 0xFFFFFFFF, size, 0, 0)
        header = kind + bytes(4) + struct.pack("<12I", *numbers)
        return chunk(b"LIST", b"strl" + chunk(b"strh", header) + chunk(b"strf", form))

    sound = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    name = "s".encode("utf-16-le")
    subtitle = b"GAB2\0" + struct.pack("<HI", 2, len(name)) + name
    subtitle += struct.pack("<HI", 4, len(content)) + content
    header = chunk(b"avih", struct.pack("<14I", 40_000, *bytes(5), 2, *bytes(7)))
    header += stream(b"auds", 2, 2 * SAMPLE_RATE, SAMPLE_RATE, 2, sound)
    header += stream(b"txts", 1, 1, 1, 0, bytes(4))
    data = chunk(b"01tx", subtitle) + chunk(b"00wb", bytes(2 * SAMPLE_RATE))
    body = chunk(b"LIST", b"hdrl" + header) + chunk(b"LIST", b"movi" + data)
    return chunk(b"RIFF", b"AVI " + body)


def test_codec_that_is_not_allowed_is_not_decoded(tmp_path: Path) -> None:
    """FFmpeg can decode it, but it is made for screen recordings and no spot uses it."""
    path = tmp_path / "odd.avi"
    with av.open(str(path), "w", format="avi") as out:
        stream = out.add_stream("zmbv", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        out.mux(stream.encode(av.VideoFrame(64, 48, "bgr0")))
        out.mux(stream.encode(None))
    assert refusal(path) is ErrorCode.UNSUPPORTED_CODEC


def test_zip_of_media_is_not_media(tmp_path: Path) -> None:
    path = tmp_path / "spots.mp4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(make_media(tmp_path / "spot.wav", 1.0), "spot.wav")
    assert refusal(path) is ErrorCode.NOT_MEDIA


def test_child_gets_no_secrets_and_no_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_children: None
) -> None:
    environment = tmp_path / "environment"
    spy = tmp_path / "python"
    spy.write_text(f'#!/bin/sh\nenv > "{environment}"\nexec "{sys.executable}" "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("DJANGO_SECRET_KEY", "hush")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "executable", str(spy))
    monkeypatch.chdir(tmp_path)
    assert len(decode(make_media(tmp_path / "spot.wav", 1.0)).audio) == SAMPLE_RATE
    assert "hush" not in environment.read_text()
    assert "proxy" not in environment.read_text()


@pytest.mark.parametrize(
    "report",
    ["", "[1]", "[" * 60_000, '{"error": "no such code", "detail": ""}', INFINITE_HEIGHT],
    ids=["empty", "list", "nested", "unknown_code", "infinite_height"],
)
def test_any_report_of_a_hostile_child_is_a_media_error(
    report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(descriptors: list[int], limits: Limits) -> int:
        os.write(descriptors[pool.DESCRIPTORS.index("report")], report.encode())
        return 0

    monkeypatch.setattr(pool, "run", run)
    with pytest.raises(MediaError) as caught:
        decode(make_media(tmp_path / "spot.wav", 0.2))
    assert caught.value.code is ErrorCode.INTERNAL
