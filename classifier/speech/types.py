"""Transcripts, and what the two engines of Whisper have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

# Settings of Whisper that both engines use.
# Both thresholds are those of Radford et al. 2022, section 4.5: a window is silent when the
# no-speech token is likelier than 0.6 and the text is unlikely (mean log probability < -1).
NO_SPEECH_THRESHOLD = 0.6
LOG_PROB_THRESHOLD = -1.0
# One temperature, no fallback: sampling again gives other words on each run and costs up to six
# times as much, and the rule that asks for it (compression ratio 2.4 of UTF-8) is wrong for
# Cyrillic, whose letters take two bytes. Loops are cut from the text later.
TEMPERATURE = 0.0
# 448 positions of the decoder less the prompt. openai-whisper's own 224 cuts the small print
# that is read fast at the end of Russian advertisements.
MAX_TOKENS = 440


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech. Times in seconds of the original audio, 0 ≤ start ≤ end ≤ duration.

    `avg_logprob` is the mean log probability of the tokens (≤ 0), `no_speech_prob` the
    probability of the no-speech token in the 30 s window that the utterance comes from.
    """

    start: float
    end: float
    text: str
    avg_logprob: float
    no_speech_prob: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one creative; no utterances when nobody speaks.

    `language` is the ISO 639-1 code, empty when it was to be detected and nobody speaks.
    """

    language: str
    utterances: tuple[Utterance, ...]
    engine: str
    model: str

    @property
    def text(self) -> str:
        """The utterances in one line."""
        return " ".join(utterance.text for utterance in self.utterances)


class Transcriber(Protocol):
    """Turns audio into transcripts."""

    @property
    def engine(self) -> str: ...

    @property
    def model(self) -> str: ...

    def transcribe(self, audio: Sequence[Audio]) -> list[Transcript]:
        """One transcript for each array, in order. Arrays: 16 kHz mono float32, shape (n,)."""
        ...


class Recogniser(Protocol):
    """An engine with its weights loaded: the part that differs between the libraries."""

    def recognise(self, clips: Sequence[Audio]) -> list[tuple[str, list[Utterance]]]:
        """Language and utterances for each clip, in order; times within the array given."""
        ...


@dataclass(frozen=True, slots=True)
class Decoding:
    """How Whisper is asked to write."""

    language: str | None
    beam_size: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights lie and on what they run."""

    weights_folder: Path
    device: str
    compute_type: str | None
    threads: int
