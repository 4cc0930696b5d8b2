"""The shape of a spot, on sounds and pictures with known values."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.decision import spot_shape
from classifier.decision.spot_shape import NAMES, SILENCE, SpotShape, loudness_of
from classifier.media import SAMPLE_RATE, Frame, Media, Probe, decode
from classifier.speech.types import Utterance

DEMO = Path(__file__).resolve().parents[2] / "demo"

Audio = NDArray[np.float32]


def media(audio: Audio, images: list[NDArray[np.uint8]] | None = None, every: float = 1.0) -> Media:
    frames = tuple(Frame(index * every, image) for index, image in enumerate(images or []))
    seconds = max(len(audio) / SAMPLE_RATE, len(frames) * every)
    return Media(audio, frames, Probe(
        container="mp4", declared_seconds=seconds, decoded_seconds=seconds, audio_codec="aac",
        video_codec="h264" if frames else None, sample_rate=44_100, width=None, height=None,
        fps=None, partial=False, share_read=1.0, bad_packets=0,
    ))  # fmt: skip


def measure(media: Media, utterances: list[Utterance]) -> SpotShape:
    return spot_shape.measure(media.audio, media.frames, media.probe.decoded_seconds, utterances)


def utterance(start: float, end: float, text: str = "слово") -> Utterance:
    return Utterance(start, end, text, -0.3, 0.0)


def seconds(count: float) -> NDArray[np.float64]:
    return np.arange(round(count * SAMPLE_RATE)) / SAMPLE_RATE


def tone(hertz: float, count: float, level: float = 1.0) -> Audio:
    return (level * np.sin(2 * np.pi * hertz * seconds(count))).astype(np.float32)


def noise(count: float, level: float = 0.1, seed: int = 0) -> Audio:
    random = np.random.default_rng(seed)
    return (level * random.normal(size=len(seconds(count)))).astype(np.float32)


def flat(red: int, green: int, blue: int, width: int = 64, height: int = 36) -> NDArray[np.uint8]:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


SILENT = np.zeros(0, np.float32)
BLACK, WHITE, GREY = flat(0, 0, 0), flat(255, 255, 255), flat(128, 128, 128)


def test_overlapping_utterances_count_once_within_the_spot() -> None:
    utterances = [
        utterance(1, 3, "раз два три"),
        utterance(2, 4, "четыре"),
        utterance(9, 12, "пять шесть"),
    ]
    shape = measure(media(noise(10)), utterances)
    assert shape.seconds == 10
    assert shape.speech_share == pytest.approx(0.4)  # 1 to 4 and 9 to 10
    assert shape.words_per_second == pytest.approx(6 / 4)


def test_spot_without_speech_has_no_speech_share() -> None:
    shape = measure(media(noise(5)), [])
    assert (shape.speech_share, shape.words_per_second) == (0, 0)


def test_loudness_of_the_reference_tone_of_the_standard() -> None:
    """ITU-R BS.1770-4, annex 1: 997 Hz at full scale in one channel reads -3.01 LKFS."""
    assert loudness_of(tone(997, 10))[0] == pytest.approx(-3.01, abs=0.02)
    assert loudness_of(tone(997, 10, level=0.1))[0] == pytest.approx(-23.01, abs=0.02)


def test_loudness_weights_low_tones_less_and_high_ones_more() -> None:
    middle = loudness_of(tone(997, 5))[0]
    assert loudness_of(tone(40, 5))[0] < middle - 4
    assert loudness_of(tone(4000, 5))[0] > middle + 2


def test_pauses_do_not_lower_loudness() -> None:
    sound = tone(997, 5, level=0.1)
    paused = np.concatenate([sound, np.zeros(10 * SAMPLE_RATE, np.float32), sound])
    assert loudness_of(paused)[0] == pytest.approx(loudness_of(sound)[0], abs=0.3)


def test_loudness_range_of_two_levels_is_their_difference() -> None:
    """EBU Tech 3342, compliance signal 1: -20 then -30 dBFS gives 10 LU; one level gives 0."""
    loud, soft = tone(997, 20, level=0.1), tone(997, 20, level=0.1 * 10**-0.5)
    assert loudness_of(np.concatenate([loud, soft]))[1] == pytest.approx(10, abs=0.5)
    assert loudness_of(loud)[1] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    "audio", [SILENT, np.zeros(SAMPLE_RATE, np.float32), np.zeros(10, np.float32)]
)
def test_silence_has_the_lowest_loudness(audio: Audio) -> None:
    assert loudness_of(audio) == (SILENCE, 0.0)


def test_loudness_of_a_quarter_of_a_second() -> None:
    assert loudness_of(tone(997, 0.25))[0] == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize(("hertz", "syllables"), [(1, False), (4, True), (5, True), (9, False)])
def test_syllable_share_is_high_only_for_modulation_at_4_to_5_hertz(
    hertz: float, syllables: bool
) -> None:
    swell = 1 + 0.9 * np.sin(2 * np.pi * hertz * seconds(10))
    share = measure(media((noise(10) * swell).astype(np.float32)), []).syllable_share
    assert share > 0.9 if syllables else share < 0.1


@pytest.mark.parametrize("hertz", [100, 440, 523.25])
def test_steady_tone_has_no_syllable_share(hertz: float) -> None:
    assert measure(media(tone(hertz, 5, level=0.5)), []).syllable_share < 0.001


def test_cuts_are_counted_between_frames() -> None:
    scenes = [BLACK, BLACK, WHITE, WHITE, flat(200, 0, 0), flat(200, 0, 0), flat(200, 0, 0)]
    assert measure(media(SILENT, scenes, every=0.5), []).cuts_per_second == pytest.approx(2 / 3)


def test_noise_drift_and_movement_are_not_cuts() -> None:
    random = np.random.default_rng(0)
    noisy = [
        np.clip(GREY + random.normal(0, 12, GREY.shape), 0, 255).astype(np.uint8) for _ in range(4)
    ]
    drift = [flat(value, value, value) for value in range(100, 140, 4)]
    picture = random.integers(0, 256, (36, 64, 3), dtype=np.uint8)
    moving = [np.roll(picture, 8 * step, axis=1) for step in range(6)]
    for frames in (noisy, drift, moving):
        assert measure(media(SILENT, frames), []).cuts_per_second == 0


def test_single_frame_has_no_cut() -> None:
    assert measure(media(SILENT, [WHITE]), []).cuts_per_second == 0


@pytest.mark.parametrize(
    ("image", "brightness"),
    [(BLACK, 0), (WHITE, 1), (flat(255, 0, 0), 0.2126), (flat(0, 255, 0), 0.7152)],
)
def test_brightness_is_luma(image: NDArray[np.uint8], brightness: float) -> None:
    assert measure(media(SILENT, [image]), []).brightness == pytest.approx(brightness, abs=1e-6)


def test_colourfulness_of_plain_colours() -> None:
    """Grey has 0. Plain red has no spread and an offset of hypot(255, 127.5)."""
    assert measure(media(SILENT, [GREY]), []).colourfulness == pytest.approx(0)
    red = measure(media(SILENT, [flat(255, 0, 0)]), []).colourfulness
    assert red == pytest.approx(0.3 * math.hypot(255, 127.5))
    half = np.concatenate([flat(255, 0, 0), flat(0, 0, 255)])
    # Red and blue in equal parts: spreads 127.5 and 191.25, offsets 127.5 and -63.75.
    wanted = math.hypot(127.5, 191.25) + 0.3 * math.hypot(127.5, 63.75)
    assert measure(media(SILENT, [half]), []).colourfulness == pytest.approx(wanted)


def test_missing_tracks_have_zeros_and_the_loudness_of_silence() -> None:
    sound_shape = measure(media(noise(2)), [])
    assert (
        sound_shape.has_video,
        sound_shape.aspect,
        sound_shape.brightness,
        sound_shape.colourfulness,
    ) == (False,) + (0.0,) * 3
    video_shape = measure(media(SILENT, [flat(9, 9, 9, width=90, height=160)] * 2), [])
    assert (video_shape.has_video, video_shape.loudness, video_shape.syllable_share) == (
        True,
        SILENCE,
        0,
    )
    assert video_shape.aspect == pytest.approx(9 / 16)


def test_vector_is_in_the_order_of_names() -> None:
    shape = SpotShape(30, 0.5, 2, -23, 6, 0.3, 0.2, 0.6, 40, True, 1.5)
    vector = shape.as_vector()
    assert vector.dtype == np.float32
    assert dict(zip(NAMES, vector.tolist(), strict=True))["has_video"] == 1
    assert NAMES[:4] == ("seconds", "speech_share", "words_per_second", "loudness")
    assert vector.tolist() == pytest.approx([30, 0.5, 2, -23, 6, 0.3, 0.2, 0.6, 40, 1, 1.5])


def test_vectors_are_finite() -> None:
    for one in (media(SILENT, [BLACK]), media(np.zeros(5, np.float32)), media(noise(0.5))):
        assert np.isfinite(measure(one, [utterance(0, 0)]).as_vector()).all()


def ebur128(audio: Audio) -> tuple[float, float]:
    """Return integrated loudness and loudness range as measured by FFmpeg's ``ebur128``."""
    import av
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=SAMPLE_RATE, layout="mono")
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    step = SAMPLE_RATE // 10
    for begin in range(0, len(audio) // step * step, step):
        block = audio[None, begin : begin + step]
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, begin
        graph.push(frame)
    graph.push(None)
    last: dict[str, str] = {}
    while True:
        try:
            last = dict(graph.pull().metadata)
        except av.EOFError:
            return float(last["lavfi.r128.I"]), float(last["lavfi.r128.LRA"])


@pytest.mark.parametrize("name", ["90000004.ogg", "90000014.wav", "90000038.mp4"])
def test_loudness_agrees_with_ffmpeg(name: str) -> None:
    audio = decode(DEMO / "creatives" / name).audio
    integrated, spread = loudness_of(audio)
    wanted, wanted_spread = ebur128(audio)
    assert integrated == pytest.approx(wanted, abs=0.2)
    assert spread == pytest.approx(wanted_spread, abs=0.5)


def test_shape_of_the_demonstration_creatives() -> None:
    """The files have wide pictures, three cards with a light last one, and speech or music."""
    with (DEMO / "scripts.csv").open(encoding="utf-8", newline="") as file:
        segments = {row["file"]: row["segment"] for row in csv.DictReader(file)}
    music, speech = [], []
    for name in ("90000006.mp4", "90000009.flv", "90000022.avi", "90000037.wav", "90000038.mp4"):
        shape = measure(decode(DEMO / "creatives" / name), [])
        (speech if segments[name] else music).append(shape.syllable_share)
        assert -21 < shape.loudness < -18
        assert shape.has_video == (not name.endswith(".wav"))
        if shape.has_video:
            assert shape.aspect == pytest.approx(640 / 360)
            assert 1 <= round(shape.cuts_per_second * shape.seconds) <= 2
    assert min(speech) > max(music) + 0.05
