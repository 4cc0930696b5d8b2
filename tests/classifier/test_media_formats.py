"""Undamaged files of every container: length, sound, pictures and their order."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from samples import COLOURS, CONTAINERS, TONE, make_media, picture

from classifier.media import (
    MAX_FRAMES,
    SAMPLE_RATE,
    Frame,
    Media,
    decode,
    encode_jpeg,
    looks_like,
)

THEORA = Path(__file__).resolve().parent.parent / "data" / "theora.ogv"
SECONDS = 4.0
# name -> (codecs other than the usual ones, container, video codec, audio codec)
FILES: dict[str, tuple[dict[str, str], str, str | None, str]] = {
    "spot.wav": ({}, "wav", None, "pcm_s16le"),
    "phone.wav": ({"audio": "pcm_alaw"}, "wav", None, "pcm_alaw"),
    "spot.mp3": ({}, "mp3", None, "mp3"),
    "opus.ogg": ({}, "ogg", None, "opus"),
    "vorbis.ogg": ({"audio": "vorbis"}, "ogg", None, "vorbis"),
    "spot.mp4": ({}, "mp4", "h264", "aac"),
    "spot.avi": ({}, "avi", "mpeg4", "mp3"),
    "spot.flv": ({}, "flv", "flv1", "mp3"),
    "vp8.webm": ({}, "webm", "vp8", "opus"),
    "vorbis.webm": ({"audio": "vorbis"}, "webm", "vp8", "vorbis"),
    "vp9.wbm": ({}, "webm", "vp9", "opus"),
    "spot.m4a": ({}, "mp4", None, "aac"),
    "spot.flac": ({}, "flac", None, "flac"),
    "h265.mp4": ({"video": "libx265"}, "mp4", "hevc", "aac"),
    "spot.mov": ({}, "mov", "h264", "aac"),
    "spot.mkv": ({}, "matroska", "h264", "aac"),
    "spot.mpg": ({}, "mpeg", "mpeg2video", "mp2"),
}
# codec of a wav, rate
WAVS = [
    ("pcm_u8", 8_000),
    ("pcm_s16le", 22_050),
    ("pcm_s24le", 48_000),
    ("pcm_s32le", 96_000),
    ("pcm_f32le", 44_100),
    ("pcm_alaw", 16_000),
]


def loudest_frequency(audio: NDArray[np.float32]) -> float:
    """Return the strongest frequency in the middle of a sound, Hz."""
    middle = audio[len(audio) // 4 : -len(audio) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / len(middle)


def second_shown(frame: Frame) -> int:
    """Return which second of a sample a picture shows, by its colour."""
    mean = frame.image.reshape(-1, 3).mean(axis=0)
    return int(np.argmin([np.abs(mean - colour).sum() for colour in COLOURS]))


def assert_pictures_match_their_times(media: Media) -> None:
    for frame in media.frames:
        moment = frame.seconds % 1.0
        if 0.1 < moment < 0.9:
            assert second_shown(frame) == int(frame.seconds)


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_gives_its_sound_and_its_pictures(tmp_path: Path, name: str) -> None:
    codecs, container, video, audio = FILES[name]
    shape = {"rate": 8_000, "stereo": False} if name == "phone.wav" else {}
    media = decode(make_media(tmp_path / name, SECONDS, **codecs, **shape))  # type: ignore[arg-type]

    probe = media.probe
    assert (probe.container, probe.video_codec, probe.audio_codec) == (container, video, audio)
    assert probe.declared_seconds == pytest.approx(SECONDS, abs=0.1)
    assert probe.decoded_seconds == pytest.approx(SECONDS, abs=0.1)
    assert (probe.partial, probe.share_read, probe.bad_packets) == (False, 1.0, 0)

    assert media.audio.dtype == np.float32
    # Encoders pad the last packet and some decoders return the priming: at most 2,048 samples at 48
    # kHz.
    assert len(media.audio) == pytest.approx(SECONDS * SAMPLE_RATE, abs=0.05 * SAMPLE_RATE)
    assert loudest_frequency(media.audio) == pytest.approx(TONE, abs=1.0)
    assert np.abs(media.audio).max() == pytest.approx(0.5, abs=0.05)

    if video is None:
        assert media.frames == ()
        return
    assert (probe.width, probe.height, probe.fps) == (320, 180, 25.0)
    times = [frame.seconds for frame in media.frames]
    assert times == pytest.approx(np.arange(8) * 0.52, abs=0.05)
    assert {second_shown(frame) for frame in media.frames} == set(range(4))
    assert all(frame.image.shape == (180, 320, 3) for frame in media.frames)
    assert_pictures_match_their_times(media)


@pytest.mark.parametrize(("codec", "rate"), WAVS)
def test_wavs_of_every_depth_and_rate_are_decoded(tmp_path: Path, codec: str, rate: int) -> None:
    media = decode(make_media(tmp_path / "spot.wav", 1.0, audio=codec, rate=rate))
    probe = media.probe
    assert (probe.audio_codec, probe.sample_rate, probe.channels) == (codec, rate, 2)
    assert probe.streams == (f"audio: {codec}",)
    assert (probe.declared_seconds, probe.partial) == (pytest.approx(1.0, abs=0.01), False)
    # The resampler does not output its last taps.
    assert len(media.audio) == pytest.approx(SAMPLE_RATE, abs=0.01 * SAMPLE_RATE)
    assert loudest_frequency(media.audio) == pytest.approx(TONE, abs=2.0)
    assert np.abs(media.audio).max() == pytest.approx(0.5, abs=0.05)


def test_theora_is_read_although_its_still_pictures_are_empty_packets() -> None:
    media = decode(THEORA)
    assert (media.probe.container, media.probe.video_codec) == ("ogg", "theora")
    assert media.probe.decoded_seconds == pytest.approx(3.0, abs=0.1)
    assert not media.probe.partial
    assert [second_shown(frame) for frame in media.frames] == [0, 1, 2]
    assert loudest_frequency(media.audio) == pytest.approx(TONE, abs=1.0)


def test_content_decides_the_format_not_the_extension(tmp_path: Path) -> None:
    sound = make_media(tmp_path / "spot.wav", 1.0)
    media = decode(sound.rename(tmp_path / "spot.mp4"))
    assert media.probe.container == "wav"
    film = make_media(tmp_path / "film.flv", 1.0)
    assert decode(film.rename(tmp_path / "film")).probe.container == "flv"


@pytest.mark.parametrize(
    ("name", "container", "expected"),
    [
        ("Ролик.MP4", "mp4", ""),
        ("spot.mp4", "mov", ""),
        ("spot.mp4", "flv", "mp4"),
        ("spot.wav", "mp3", "wav"),
        ("spot.wbm", "webm", ""),
        ("spot", "flv", ""),
        ("spot.dat", "mpeg", ""),
    ],
)
def test_extension_of_another_format_is_reported(name: str, container: str, expected: str) -> None:
    assert looks_like(name, container) == expected


def test_file_names_that_look_like_options_or_addresses_are_read(tmp_path: Path) -> None:
    sound = make_media(tmp_path / "spot.wav", 1.0)
    for name in ("Ролик «Ёлка» (1).AVI", "-i.wav", "http:x.wav", "concat:a|b", "%d.wav"):
        assert len(decode(shutil.copy(sound, tmp_path / name)).audio) == SAMPLE_RATE


def test_a_long_film_gives_sixteen_pictures_over_its_whole_length(tmp_path: Path) -> None:
    media = decode(make_media(tmp_path / "long.mp4", 40.0, size=(160, 90), audio=None))
    times = [frame.seconds for frame in media.frames]
    assert len(times) == MAX_FRAMES
    assert times[0] == 0
    assert times[-1] > 38
    assert max(np.diff(times)) < 2 * min(np.diff(times))
    assert len(media.audio) == 0
    assert media.probe.audio_codec is None


def test_dense_key_frames_are_enough(tmp_path: Path) -> None:
    media = decode(make_media(tmp_path / "spot.mp4", 6.0, gop=15))
    times = [frame.seconds for frame in media.frames]
    # Pictures after the last key frame are decoded, too, so that the end is included.
    assert times == pytest.approx([*(np.arange(10) * 0.6), 5.92])
    assert_pictures_match_their_times(media)
    assert media.probe.decoded_seconds == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("name", ["spot.avi", "spot.mp4"])
@pytest.mark.parametrize("gop", [75, 500])
@pytest.mark.parametrize("card", [2.0, 5.0])
def test_end_card_is_always_among_the_pictures(
    tmp_path: Path, name: str, gop: int, card: float
) -> None:
    """The last 2 or 5 of 30 seconds show a card; key frames are 3 or 20 seconds apart."""
    path = tmp_path / name
    write_film(path, 30.0, lambda second: 0 if second < 30.0 - card else 3, gop)
    shown = [second_shown(frame) for frame in decode(path).frames]
    assert len(shown) <= MAX_FRAMES
    assert shown[0] == 0
    assert shown[-1] == 3


def test_a_short_scene_in_a_long_film_gets_its_picture(tmp_path: Path) -> None:
    path = tmp_path / "long.avi"
    write_film(path, 60.0, lambda second: 1 if 31.2 <= second < 33.4 else 0, gop=25)
    media = decode(path)
    shown = [second_shown(frame) for frame in media.frames]
    assert len(shown) == MAX_FRAMES
    assert shown.count(1) == 1
    assert max(np.diff([frame.seconds for frame in media.frames])) < 9.0


def write_film(path: Path, seconds: float, colour: Callable[[float], int], gop: int) -> None:
    """Write five small pictures a second in the colour that ``colour`` returns for their time.

    There is a key frame every ``gop`` / 25 seconds.
    """
    muxer, codec, _ = CONTAINERS[path.suffix[1:]]
    assert codec is not None
    with av.open(str(path), "w", format=muxer) as out:
        options = (
            {"sc_threshold": "1000000000"} if codec == "mpeg4" else {"x264-params": "scenecut=0"}
        )
        stream = out.add_stream(codec, rate=5, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", gop // 5
        stream.codec_context.thread_count = 1
        for number in range(round(seconds * 5)):
            image = np.full((48, 64, 3), COLOURS[colour(number / 5)], np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1280, 720), (640, 360)), ((720, 1280), (640, 1138)), ((64, 3000), (27, 1280))],
)
def test_pictures_are_scaled_to_fit(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    media = decode(make_media(tmp_path / "big.mp4", 1.0, size=size))
    height, width, channels = media.frames[0].image.shape
    assert (width, height, channels) == (*expected, 3)
    assert (media.probe.width, media.probe.height) == size
    assert second_shown(media.frames[0]) == 0


def test_video_with_long_still_pictures_is_not_partial(tmp_path: Path) -> None:
    path = tmp_path / "slides.webm"
    with av.open(str(path), "w", format="webm") as out:
        options = {"deadline": "realtime", "cpu-used": "8"}
        stream = out.add_stream("libvpx", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in (*range(25), *range(50, 325, 50)):
            frame = av.VideoFrame.from_ndarray(picture(number / 50), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    media = decode(path)
    assert media.probe.decoded_seconds == pytest.approx(12.0, abs=0.1)
    assert not media.probe.partial
    times = [frame.seconds for frame in media.frames]
    assert times == pytest.approx([0, 0.52, 2, 4, 6, 8, 10, 12], abs=0.05)


def test_black_pictures_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samples.COLOURS", ((0, 0, 0),))
    media = decode(make_media(tmp_path / "black.mp4", 3.0))
    assert len(media.frames) == 6
    assert max(int(frame.image.max()) for frame in media.frames) <= 2


def test_cover_art_of_an_mp3_is_not_video(tmp_path: Path) -> None:
    path = make_media(tmp_path / "song.mp3", 2.0)
    body = b"\x00image/jpeg\x00\x03\x00" + encode_jpeg(picture(0, 64, 64))
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\x00\x00" + body
    length = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + length + frame + path.read_bytes())
    media = decode(path)
    assert media.frames == ()
    assert media.probe.video_codec is None
    assert media.probe.decoded_seconds == pytest.approx(2.0, abs=0.1)


def test_samples_that_are_not_finite_or_beyond_full_scale_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "float.wav"
    samples = np.full(SAMPLE_RATE, 7.0, np.float32)
    samples[1000:2000], samples[5000:6000] = np.nan, -np.inf
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(4)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    content = bytearray(path.read_bytes())
    content[20:22] = (3).to_bytes(2, "little")  # WAVE_FORMAT_IEEE_FLOAT
    path.write_bytes(content)
    audio = decode(path).audio
    assert len(audio) == SAMPLE_RATE
    assert np.isfinite(audio).all()
    assert (audio[0], audio[1500], audio[5500]) == (1.0, 0.0, -1.0)
