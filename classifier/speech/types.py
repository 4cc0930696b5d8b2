"""Transcripts, and the settings and interfaces that both engines of Whisper share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

# Settings of Whisper that both engines use. Both thresholds are those of Radford et al. 2022,
# section 4.5: a window is silent if the probability of the no-speech token is above 0.6 and the
# mean log probability of the text is below -1.
NO_SPEECH_THRESHOLD = 0.6
LOG_PROB_THRESHOLD = -1.0
# One temperature without fallback. Sampling again gives other words on each run and takes up to six
# times as long, and the rule that triggers it (compression ratio 2.4 in UTF-8) does not suit
# Cyrillic, whose letters take two bytes. Loops are removed from the text later
# (`classifier.speech.cleaning`).
TEMPERATURE = 0.0
# 448 positions of the decoder minus the prompt. openai-whisper's default of 224 cuts off the small
# print that is read fast at the end of Russian advertisements.
MAX_TOKENS = 440


@dataclass(frozen=True, slots=True)
class Utterance:
    """A part of a transcript with its times.

    Attributes:
        start: Seconds of the original audio.
        end: Seconds of the original audio, start <= end <= duration.
        text: The recognised words.
        avg_logprob: Mean log probability of the tokens (<= 0).
        no_speech_prob: Probability of the no-speech token in the 30 s window of the utterance.
    """

    start: float
    end: float
    text: str
    avg_logprob: float
    no_speech_prob: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of everything that is spoken in one creative; no utterances if there is no speech.

    `language` is an ISO 639-1 code, empty if it was to be detected and there is no speech.
    """

    language: str
    utterances: tuple[Utterance, ...]
    engine: str
    model: str

    @property
    def text(self) -> str:
        """The texts of all utterances, joined by spaces."""
        return " ".join(utterance.text for utterance in self.utterances)


class Transcriber(Protocol):
    """Recognises speech in audio."""

    @property
    def engine(self) -> str: ...

    @property
    def model(self) -> str: ...

    def transcribe(self, audio: Sequence[Audio]) -> list[Transcript]:
        """Return one transcript for each array (16 kHz mono float32, (samples,)), in order."""
        ...


class Recogniser(Protocol):
    """An engine with its weights loaded: the part that differs between the libraries."""

    def recognise(self, clips: Sequence[Audio]) -> list[tuple[str, list[Utterance]]]:
        """Return language and utterances of each clip, in order.

        Clips are 16 kHz mono float32, shape (samples,). Times are relative to the clip.
        """
        ...


@dataclass(frozen=True, slots=True)
class Decoding:
    """Options of Whisper's decoder; `language` None detects the language of each clip."""

    language: str | None
    beam_size: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights are stored, and the device, compute type and threads that run them."""

    weights_folder: Path
    device: str
    compute_type: str | None
    threads: int
