"""Opening a file, seeing what is in it, and walking over its packets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media.tracks import Damage, frame_rate

if TYPE_CHECKING:
    import av

# Demuxers that read one file and open no other: no hls, dash, concat, image lists, devices.
_DEMUXERS = "wav,aiff,flac,mp3,aac,ogg,mov,matroska,avi,flv,asf,mpeg,mpegts"
_NAMES = {"mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "webm"}
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide")
_RIFF_KINDS = (b"WAVE", b"AVI ")
# ogg, flv, matroska, flac, mp3 (tagged or not), mpeg, asf
_SIGNATURES = (
    b"OggS",
    b"FLV\x01",
    b"\x1a\x45\xdf\xa3",
    b"fLaC",
    b"ID3",
    b"\xff\xfb",
    b"\xff\xf3",
    b"\x00\x00\x01\xba",
    b"\x30\x26\xb2\x75",
)
# A demuxer that failed this often in a row without one packet between has nothing left.
_PATIENCE = 20
# RIFF sizes from here on are placeholders of writers that could not go back to the header.
_RIFF_UNKNOWN = 0x7FFFFF00


def open_media(file: BinaryIO) -> av.container.InputContainer:
    import av

    file.seek(0)
    head = file.read(16)
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
            io_open=_refuse,
        )
    except MemoryError:
        raise
    except Exception as error:
        code = ErrorCode.DAMAGED if _looks_like_media(head) else ErrorCode.NOT_MEDIA
        raise MediaError(code, repr(error)) from error


def _refuse(url: str, *_: object) -> BinaryIO:
    raise PermissionError(f"a file under examination asked for {url[:200]!r}")


def _looks_like_media(head: bytes) -> bool:
    """Whether a file that no demuxer could open at least begins as one that ought to open."""
    return head[4:8] in _BOXES or head[8:12] in _RIFF_KINDS or head.startswith(_SIGNATURES)


def choose(
    container: av.container.InputContainer,
) -> tuple[av.AudioStream | None, av.VideoStream | None]:
    """The first sound and the first moving picture that have a decoder; cover art is neither."""
    from av.stream import Disposition

    audio = list(container.streams.audio)
    video = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not audio and not video:
        raise MediaError(ErrorCode.NO_STREAMS, f"{len(container.streams)} other streams")
    known_audio = [s for s in audio if s.codec_context is not None]
    known_video = [s for s in video if s.codec_context is not None]
    if not known_audio and not known_video:
        raise MediaError(ErrorCode.UNSUPPORTED_CODEC, "no stream has a decoder")
    return next(iter(known_audio), None), next(iter(known_video), None)


def probe(
    container: av.container.InputContainer,
    audio: av.AudioStream | None,
    video: av.VideoStream | None,
) -> dict[str, Any]:
    name = container.format.name
    duration = container.duration
    return {
        "container": _NAMES.get(name, name),
        "declared_seconds": duration / 1_000_000 if duration and duration > 0 else None,
        "audio_codec": None if audio is None else audio.codec_context.codec.canonical_name,
        "video_codec": None if video is None else video.codec_context.codec.canonical_name,
        "sample_rate": None if audio is None else audio.codec_context.sample_rate,
        "width": None if video is None else video.codec_context.width,
        "height": None if video is None else video.codec_context.height,
        "fps": None if video is None else frame_rate(video),
    }


def packets(
    container: av.container.InputContainer, streams: Sequence[av.stream.Stream], damage: Damage
) -> Iterator[av.Packet[Any]]:
    """Every packet there is: a demuxer that stumbles is sent on, for most find the next one.

    Running out of memory is a stumble too here: it is how FFmpeg refuses an absurd packet size.
    """
    stumbles = 0
    while stumbles < _PATIENCE:
        try:
            for packet in container.demux(streams):
                # Empty packets say "the same picture again" (Theora) or "flush" (PyAV).
                if not packet.size:
                    continue
                # A stumble with nothing after it is the end of a stream that grew late (flv).
                damage.packets += stumbles
                damage.bad += stumbles
                stumbles = 0
                yield packet
            return
        except Exception:
            stumbles += 1
    damage.packets += 1
    damage.bad += 1


def declared(file: BinaryIO, container: str, seconds: float | None) -> float | None:
    """The claimed length. FFmpeg shortens that of a cut wav or avi to what is there."""
    if seconds is None or container not in ("wav", "avi"):
        return seconds
    file.seek(0)
    size = int.from_bytes(file.read(8)[4:8], "little")
    there = os.fstat(file.fileno()).st_size
    return seconds * (size + 8) / there if there < size + 8 < _RIFF_UNKNOWN else seconds


def cut_short(file: BinaryIO, container: str) -> bool:
    """Whether an ogg file lacks its last page, which is all it has to tell its length by."""
    if container != "ogg":
        return False
    # A page is at most 65,307 bytes: the last one begins within these (RFC 3533, section 6).
    file.seek(max(0, os.fstat(file.fileno()).st_size - 65_536))
    end = file.read(65_536)
    page = end.rfind(b"OggS")
    return page < 0 or not end[page + 5 : page + 6] or not end[page + 5] & 4
