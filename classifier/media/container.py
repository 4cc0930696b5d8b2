"""Open a media file, choose its streams and iterate over its packets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media.memory import exhausted
from classifier.media.tracks import Damage, frame_rate
from classifier.media.types import Limits

if TYPE_CHECKING:
    import av

# Demuxers that read one file and open no others: no hls, dash, concat, image lists or devices.
_DEMUXERS = "wav,aiff,flac,mp3,aac,ogg,mov,matroska,avi,flv,asf,mpeg,mpegts"
# FFmpeg's names of the codecs in which spots are delivered. Some of them PyAV's build can't decode.
_SOUND = (
    "pcm_u8 pcm_s8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le "
    "pcm_f32be pcm_f64le pcm_f64be pcm_alaw pcm_mulaw adpcm_ms adpcm_ima_wav adpcm_ima_qt "
    "adpcm_swf mp1 mp2 mp3 aac ac3 eac3 dts vorbis opus flac alac wmav1 wmav2 wmapro speex "
    "nellymoser gsm gsm_ms amr_nb amr_wb"
)
_PICTURES = (
    "h264 hevc av1 vp6 vp6a vp6f vp8 vp9 theora mpeg1video mpeg2video mpeg4 msmpeg4v1 "
    "msmpeg4v2 msmpeg4v3 h263 flv1 wmv1 wmv2 wmv3 vc1 mjpeg dvvideo prores dnxhd cinepak "
    "svq1 svq3 qtrle rawvideo"
)
_CODECS = frozenset(f"{_SOUND} {_PICTURES}".split())
# Decoders of these codecs whose names differ from the names of the codecs.
_DECODERS = "flv,mp3float,mp2float,mp1float,libdav1d,dca,amrnb,amrwb"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
_MAX_BOXES = 64
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
# The largest number of streams listed in a probe: a damaged header may claim thousands.
_MAX_STREAMS = 16
# After this many failures in a row, without a packet in between, the demuxer has nothing left.
_MAX_FAILURES = 20
# RIFF sizes from here on are placeholders, written by programs that could not go back to the
# header.
_RIFF_UNKNOWN = 0x7FFFFF00


def open_media(file: BinaryIO, limits: Limits) -> av.container.InputContainer:
    """Open ``file`` with one of the allowed demuxers, chosen by its content.

    No other file is read: names that the content refers to are refused.

    Raises:
        MediaError: No demuxer can open the file; the code is ``DAMAGED`` if it begins like a media
            file, else ``NOT_MEDIA``.
        MemoryError: The process reached its memory limit.
    """
    import av

    file.seek(0)
    head = file.read(16)
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            options={
                "format_whitelist": _DEMUXERS,
                "codec_whitelist": ",".join((*_CODECS, _DECODERS)),
                "protocol_whitelist": "file",
            },
            metadata_errors="replace",
            io_open=_refuse,
        )
    except Exception as error:
        if isinstance(error, MemoryError) and exhausted(limits):
            raise
        code = ErrorCode.DAMAGED if _looks_like_media(head) else ErrorCode.NOT_MEDIA
        raise MediaError(code, repr(error)) from error


def _refuse(url: str, *_: object) -> BinaryIO:
    raise PermissionError(f"a file under examination asked for {url[:200]!r}")


def _looks_like_media(head: bytes) -> bool:
    """Whether a file that no demuxer could open begins like a media file."""
    return head[4:8] in _BOXES or head[8:12] in _RIFF_KINDS or head.startswith(_SIGNATURES)


def choose(
    file: BinaryIO, container: av.container.InputContainer
) -> tuple[av.AudioStream | None, av.VideoStream | None]:
    """Return the first audio and the first video stream that can be decoded, or None for each.

    Cover art does not count as video.

    Raises:
        MediaError: The file has no audio or video stream (``NO_STREAMS``), or none with an allowed
            codec (``UNSUPPORTED_CODEC``); ``DAMAGED`` if the file is a truncated mp4.
    """
    from av.stream import Disposition

    audio = list(container.streams.audio)
    video = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not audio and not video:
        code = ErrorCode.DAMAGED if _boxes_truncated(file) else ErrorCode.NO_STREAMS
        raise MediaError(code, f"{len(container.streams)} other streams")
    supported_audio, supported_video = (
        [s for s in audio if _is_supported(s)],
        [s for s in video if _is_supported(s)],
    )
    if not supported_audio and not supported_video:
        codecs = ", ".join(codec_name(stream) for stream in container.streams)
        code = ErrorCode.DAMAGED if _boxes_truncated(file) else ErrorCode.UNSUPPORTED_CODEC
        raise MediaError(code, f"no stream can be decoded: {codecs}")
    return next(iter(supported_audio), None), next(iter(supported_video), None)


def _boxes_truncated(file: BinaryIO) -> bool:
    """Whether an mp4 ends before its boxes do, and so perhaps before its stream descriptions."""
    descriptor, place = file.fileno(), 0
    size = os.fstat(descriptor).st_size
    for _ in range(_MAX_BOXES):
        box = os.pread(descriptor, 16, place)
        if box[4:8] not in _BOXES:
            return False
        length = int.from_bytes(box[:4], "big")
        place += int.from_bytes(box[8:16], "big") if length == 1 else length
        if length == 0 or place == size:
            return False
        if place > size or 1 < length < 8:
            return True
    return False


def _is_supported(stream: av.stream.Stream) -> bool:
    return codec_name(stream) in _CODECS


def codec_name(stream: av.stream.Stream) -> str:
    """Return FFmpeg's name of the codec, or "unknown" if there is no decoder for it."""
    context = stream.codec_context
    return "unknown" if context is None else str(context.codec.canonical_name)


def probe(
    file: BinaryIO,
    container: av.container.InputContainer,
    audio: av.AudioStream | None,
    video: av.VideoStream | None,
) -> dict[str, Any]:
    """Return the fields of ``Probe`` that are known before decoding."""
    duration = container.duration
    return {
        "container": _container_name(file, container),
        "declared_seconds": duration / 1_000_000 if duration and duration > 0 else None,
        "audio_codec": None if audio is None else codec_name(audio),
        "video_codec": None if video is None else codec_name(video),
        "sample_rate": None if audio is None else audio.codec_context.sample_rate,
        "channels": None if audio is None else audio.codec_context.channels,
        "width": None if video is None else video.codec_context.width,
        "height": None if video is None else video.codec_context.height,
        "fps": None if video is None else frame_rate(video),
        "streams": [
            f"{stream.type}: {codec_name(stream)}"
            for stream in islice(container.streams, _MAX_STREAMS)
        ],
    }


def _container_name(file: BinaryIO, container: av.container.InputContainer) -> str:
    """Return FFmpeg's name of the format; of several names, the one for this file."""
    name = str(container.format.name)
    if name.startswith("mov,"):
        return "mov" if container.metadata.get("major_brand") == "qt  " else "mp4"
    if name.startswith("matroska,"):
        # Read with pread: the demuxer uses the position of the file object.
        return "matroska" if b"matroska" in os.pread(file.fileno(), 64, 0) else "webm"
    return name


def packets(
    container: av.container.InputContainer, streams: Sequence[av.stream.Stream], damage: Damage
) -> Iterator[av.Packet[Any]]:
    """Yield every packet that the demuxer can read, continuing after errors.

    After an error most demuxers find the next packet. Running out of memory counts as an error,
    too: FFmpeg refuses an absurd packet size in this way. Errors are added to ``damage``.
    """
    failures = 0
    while failures < _MAX_FAILURES:
        try:
            for packet in container.demux(streams):
                # Empty packets mean "repeat the last picture" (Theora) or "flush" (PyAV).
                if not packet.size:
                    continue
                # Failures count only once a packet follows: an flv in which a stream appears late
                # ends with a failure.
                damage.packets += failures
                damage.bad += failures
                failures = 0
                yield packet
            return
        except Exception:
            failures += 1
    damage.packets += 1
    damage.bad += 1


def declared(file: BinaryIO, container: str, seconds: float | None) -> float | None:
    """Return the length in seconds that the file declares, or None if it declares none.

    FFmpeg shortens the length of a truncated wav or avi to what is in the file. Here the length
    that the header declares is restored.
    """
    if seconds is None or container not in ("wav", "avi"):
        return seconds
    file.seek(0)
    size = int.from_bytes(file.read(8)[4:8], "little")
    actual_size = os.fstat(file.fileno()).st_size
    return seconds * (size + 8) / actual_size if actual_size < size + 8 < _RIFF_UNKNOWN else seconds


def cut_short(file: BinaryIO, container: str) -> bool:
    """Whether an ogg file lacks its last page; ogg files do not declare their length elsewhere."""
    if container != "ogg":
        return False
    # A page has at most 65,307 bytes (RFC 3533, section 6), so the last one begins in this part.
    file.seek(max(0, os.fstat(file.fileno()).st_size - 65_536))
    end = file.read(65_536)
    page = end.rfind(b"OggS")
    return page < 0 or not end[page + 5 : page + 6] or not end[page + 5] & 4
