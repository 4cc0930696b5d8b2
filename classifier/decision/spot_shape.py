"""The shape of a spot: its length, loudness, share of speech, cuts and colours.

Cheap features beside the words and the picture vector. Needs numpy alone; half a minute of video
takes a few hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.media import SAMPLE_RATE

if TYPE_CHECKING:
    from classifier.media import Frame
    from classifier.speech.types import Utterance

SILENCE = -70.0  # LUFS: the absolute gate of ITU-R BS.1770

# ITU-R BS.1770-4, annex 1, tables 1 and 2: both filters of the K-weighting at 48 kHz, (b, a).
_FILTERS = (
    (
        (1.53512485958697, -2.69169619938640, 1.19839281085285),
        (-1.69065929318241, 0.73248077421585),
    ),
    ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621)),
)
_FILTER_RATE = 48_000
_STEP = SAMPLE_RATE // 10
_MOMENTARY, _SHORT_TERM = 4, 30  # steps: 0.4 s (BS.1770) and 3 s (EBU Tech 3342)

_ENVELOPE_STEP = SAMPLE_RATE // 100
_BANDS = np.geomspace(100.0, 6000.0, 9)  # Hz

_PIXELS = 4  # every fourth row and column is enough for colours
_BINS = 8
# Measured on the demonstration creatives: another background gives 0.7 or more, new words on the
# same background 0.14 or less, the noise of the codecs 0.03.
_CUT = 0.3
_LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. ITU-R BT.709


@dataclass(frozen=True, slots=True)
class SpotShape:
    """Numbers about one spot; 0 for a missing track, `SILENCE` for its loudness.

    `seconds`: the length. `speech_share`: speech as a share of the length, 0 to 1.
    `words_per_second`: words per second of speech.
    `loudness`: integrated loudness, LUFS by ITU-R BS.1770-4 of the mono mix at 16 kHz, so without
    frequencies above 8 kHz. `loudness_range`: LU by EBU Tech 3342.
    `syllable_share`: 0 to 1; of the modulation energy of the sound's envelope between 0.5 and
    20 Hz, the share at 3 to 6 Hz, the rate of syllables (Scheirer and Slaney 1997, "4 Hz modulation
    energy"). High for speech, low for music.
    `cuts_per_second`: changes of the colour histogram between neighbouring frames. Media has at
    most 16 frames, which limits the rate. `brightness`: mean luma, 0 to 1. `colourfulness`: M of
    Hasler and Suesstrunk 2003: 0 is grey, 33 moderate, 82 high. `has_video`: 1 or 0. `aspect`:
    width / height.
    """

    seconds: float
    speech_share: float
    words_per_second: float
    loudness: float
    loudness_range: float
    syllable_share: float
    cuts_per_second: float
    brightness: float
    colourfulness: float
    has_video: bool
    aspect: float

    def as_vector(self) -> NDArray[np.float32]:
        """Return the numbers in the order of `NAMES`, float32 (11,)."""
        return np.array([getattr(self, name) for name in NAMES], np.float32)


NAMES: tuple[str, ...] = tuple(field.name for field in fields(SpotShape))


def measure(
    audio: NDArray[np.float32],
    frames: Sequence[Frame],
    seconds: float,
    utterances: Sequence[Utterance],
) -> SpotShape:
    """Measure the shape of a decoded spot.

    Args:
        audio: Mono sound at `SAMPLE_RATE`, (samples,).
        frames: The frames as in ``Media``.
        seconds: The length of the spot.
        utterances: The utterances of its transcript.
    """
    spoken = _covered([(one.start, one.end) for one in utterances], seconds)
    words = sum(len(one.text.split()) for one in utterances)
    loudness, spread = loudness_of(audio)
    height, width = frames[0].image.shape[:2] if frames else (1, 0)
    brightness, colourfulness = _colours(frames)
    return SpotShape(
        seconds=seconds,
        speech_share=spoken / seconds if seconds else 0.0,
        words_per_second=words / spoken if spoken else 0.0,
        loudness=loudness,
        loudness_range=spread,
        syllable_share=_syllable_share(audio),
        cuts_per_second=_cut_rate(frames),
        brightness=brightness,
        colourfulness=colourfulness,
        has_video=bool(frames),
        aspect=width / height,
    )


def loudness_of(audio: NDArray[np.float32]) -> tuple[float, float]:
    """Return integrated loudness in LUFS and loudness range in LU of sound (samples,).

    ``audio`` is mono at `SAMPLE_RATE`.
    """
    power = _weighted_power(audio)
    momentary = _mean_over(power, _MOMENTARY)
    audible = momentary[_lufs(momentary) > SILENCE]
    if not len(audible):
        return SILENCE, 0.0
    integrated = _lufs(audible[_lufs(audible) > _lufs(audible.mean()) - 10.0].mean())
    short = _mean_over(power, _SHORT_TERM)
    short = short[_lufs(short) > SILENCE]
    if not len(short):
        return float(integrated), 0.0
    levels = _lufs(short)
    levels = levels[levels > _lufs(short.mean()) - 20.0]
    low, high = np.percentile(levels, [10, 95])
    return float(integrated), float(high - low)


def _weighted_power(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the K-weighted mean square of each 0.1 s, by the filters' gain on the spectrum."""
    count = len(audio) // _STEP
    spectrum = np.fft.rfft(audio[: count * _STEP].reshape(count, _STEP), axis=1)
    power = np.abs(spectrum).astype(np.float64) ** 2 / _STEP**2
    power[:, 1:-1] *= 2  # for the negative frequencies
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(_STEP, 1 / SAMPLE_RATE) / _FILTER_RATE)
    gain = np.ones(len(turn))
    for (b0, b1, b2), (a1, a2) in _FILTERS:
        gain *= np.abs((b0 + b1 * turn + b2 * turn**2) / (1 + a1 * turn + a2 * turn**2)) ** 2
    result: NDArray[np.float64] = power @ gain
    return result


def _mean_over(power: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Return the moving average over `steps` values; over all of them if there are fewer."""
    steps = max(1, min(steps, len(power)))
    total = np.cumsum(np.concatenate([[0.0], power]))
    result: NDArray[np.float64] = (total[steps:] - total[:-steps]) / steps
    return result


def _lufs(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = -0.691 + 10 * np.log10(np.maximum(power, 1e-12))
    return result


def _syllable_share(audio: NDArray[np.float32]) -> float:
    """Return `SpotShape.syllable_share`, from envelopes of eight bands at 100 values a second."""
    count = len(audio) // _ENVELOPE_STEP
    if count < 100:
        return 0.0
    blocks = audio[: count * _ENVELOPE_STEP].reshape(count, _ENVELOPE_STEP)
    window = np.hanning(_ENVELOPE_STEP).astype(np.float32)
    power = np.abs(np.fft.rfft(blocks * window, axis=1)) ** 2
    pitch = np.fft.rfftfreq(_ENVELOPE_STEP, 1 / SAMPLE_RATE)
    movement = np.zeros(count // 2 + 1)
    for low, high in pairwise(_BANDS):
        envelope = np.sqrt(power[:, (pitch >= low) & (pitch < high)].sum(axis=1, dtype=np.float64))
        envelope -= envelope.mean()
        movement += np.abs(np.fft.rfft(envelope * np.hanning(count))) ** 2
    rate = np.fft.rfftfreq(count, _ENVELOPE_STEP / SAMPLE_RATE)
    total = movement[(rate >= 0.5) & (rate <= 20.0)].sum()
    syllables = movement[(rate >= 3.0) & (rate <= 6.0)].sum()
    # Rounding errors move the envelope of a steady tone by a relative 1e-7 or so.
    trembling = 1e-12 * count**2 * power.sum(axis=1).mean()
    return float(syllables / total) if total > trembling else 0.0


def _covered(spans: Sequence[tuple[float, float]], seconds: float) -> float:
    """Return the length of the union of the spans within the spot, in seconds."""
    total = reached = 0.0
    for start, end in sorted(spans):
        end = min(end, seconds)
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _cut_rate(frames: Sequence[Frame]) -> float:
    span = frames[-1].seconds - frames[0].seconds if frames else 0.0
    if span <= 0:
        return 0.0
    histograms = [_histogram(frame.image) for frame in frames]
    cuts = sum(
        float(np.abs(one - other).sum(axis=1).mean()) / 2 >= _CUT
        for one, other in pairwise(histograms)
    )
    return cuts / span


def _histogram(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of pixels in eight bins for each colour channel, (3, 8).

    A value between two bins counts for both in part. With hard borders the noise of a plain
    background near a border would look like a cut.
    """
    place = np.arange(256) / 255 * (_BINS - 1)
    share = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(_BINS)))
    pixels = image[::_PIXELS, ::_PIXELS].reshape(-1, 3)
    counts = np.stack([np.bincount(pixels[:, channel], minlength=256) for channel in range(3)])
    result: NDArray[np.float64] = counts @ share / len(pixels)
    return result


def _colours(frames: Sequence[Frame]) -> tuple[float, float]:
    """Return mean brightness and mean colourfulness of the frames."""
    if not frames:
        return 0.0, 0.0
    brightness, colourfulness = [], []
    for frame in frames:
        pixels = frame.image[::_PIXELS, ::_PIXELS].reshape(-1, 3).astype(np.float64)
        brightness.append(float((pixels @ _LUMA).mean()) / 255)
        red, green, blue = pixels.T
        opponents = np.stack([red - green, (red + green) / 2 - blue])
        spread = np.hypot(*opponents.std(axis=1))
        offset = np.hypot(*opponents.mean(axis=1))
        colourfulness.append(float(spread + 0.3 * offset))
    return float(np.mean(brightness)), float(np.mean(colourfulness))
