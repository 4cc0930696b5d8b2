"""Speech recognition: audio arrays in, transcripts with times out.

Two engines, one interface. What both share is here: cleaning of the array, voice activity
detection, times brought back to the original audio. What runs Whisper is in
`asr_faster_whisper` and `asr_openai`; they and their libraries are imported when a transcriber is
loaded, never before. Load it in the process that uses it: CTranslate2 does not survive a fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.speech.weights import WeightsError

Audio = NDArray[np.float32]

SAMPLE_RATE = 16_000
ENGINES = ("faster-whisper", "openai-whisper")

# Less than a tenth of a second holds no word; Whisper invents one.
SHORTEST_SECONDS = 0.1

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


def load_transcriber(
    engine: str = "faster-whisper",
    model: str = "packaged",
    *,
    weights_folder: Path,
    device: str = "auto",
    compute_type: str | None = None,
    threads: int = 1,
    language: str | None = "ru",
    beam_size: int = 5,
    vad: bool = True,
) -> Transcriber:
    """Load an engine and its weights.

    `engine`: one of ENGINES. `model`: "packaged" (Whisper base from the installed packages, for
    faster-whisper), a name such as "small" (through the hub, kept under `weights_folder`), or a
    folder: with model.bin for faster-whisper, with whisper.pt for openai-whisper.
    `weights_folder`: where packaged weights are joined and downloads are kept.
    `device`: "auto" (the GPU if there is one), "cpu" or "cuda".
    `compute_type`: None chooses float16 on a GPU, else int8 (faster-whisper) or float32
    (openai-whisper).
    `threads`: of the CPU, at least 1; with openai-whisper it holds for the whole process.
    `language`: None detects it for each clip. `beam_size`: 1 is greedy.
    `vad`: leave out what is not speech before Whisper hears it.

    Raises WeightsError for an unknown engine or model, a missing folder, damaged weights, an
    unreachable hub, or a device or compute type that is not to be had here.
    """
    if engine not in ENGINES:
        raise WeightsError(
            f"Unknown speech recognition engine “{engine}”: choose {' or '.join(ENGINES)}.",
            f"Неизвестный движок распознавания «{engine}»: выберите {' или '.join(ENGINES)}.",
        )
    decoding = Decoding(language=language, beam_size=beam_size)
    where = Placement(weights_folder, device, compute_type, threads)
    recogniser: Recogniser
    if engine == "faster-whisper":
        from classifier.speech import engine_faster_whisper

        name, recogniser = engine_faster_whisper.load(model, where, decoding)
    else:
        from classifier.speech import engine_openai

        name, recogniser = engine_openai.load(model, where, decoding)
    return SpeechTranscriber(engine, name, recogniser, language or "", vad)


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


@dataclass(frozen=True, slots=True)
class SpeechTranscriber:
    """The Transcriber of both engines."""

    engine: str
    model: str
    recogniser: Recogniser
    silent_language: str
    vad: bool

    def transcribe(self, audio: Sequence[Audio]) -> list[Transcript]:
        """See Transcriber. Silence, NaN, and arrays that are empty or too short are no error."""
        clips = [cut_speech(array, self.vad) for array in audio]
        voiced = [index for index, clip in enumerate(clips) if clip.audio.size]
        heard = self.recogniser.recognise([clips[index].audio for index in voiced])
        transcripts = [Transcript(self.silent_language, (), self.engine, self.model) for _ in clips]
        for index, (language, utterances) in zip(voiced, heard, strict=True):
            placed = tuple(clips[index].restore(utterance) for utterance in utterances)
            transcripts[index] = Transcript(language, placed, self.engine, self.model)
        return transcripts


@dataclass(frozen=True, slots=True)
class SpeechCut:
    """The speech of an array, joined; `parts` are its (start, end) samples in the original."""

    audio: Audio
    parts: tuple[tuple[int, int], ...]

    def restore(self, utterance: Utterance) -> Utterance:
        """The utterance with the times of the original audio."""
        start = self._original(utterance.start, at_end=False)
        end = self._original(utterance.end, at_end=True)
        return replace(utterance, start=start, end=max(start, end))

    def _original(self, seconds: float, *, at_end: bool) -> float:
        # A time on the seam of two parts belongs to the first as an end, to the second as a start.
        left = max(0, round(seconds * SAMPLE_RATE))
        for start, end in self.parts:
            length = end - start
            if left < length or (at_end and left == length):
                return (start + left) / SAMPLE_RATE
            left -= length
        return self.parts[-1][1] / SAMPLE_RATE


def cut_speech(audio: Audio, vad: bool) -> SpeechCut:
    """Keep the stretches where somebody speaks; nothing if nobody does.

    Without `vad` everything is kept. Samples that are no numbers count as silence.
    Raises ValueError when `audio` is not one-dimensional.
    """
    if audio.ndim != 1:
        raise ValueError(f"expected mono audio of shape (n,), got {audio.shape}")
    clean = np.nan_to_num(audio.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
    if clean.size < SHORTEST_SECONDS * SAMPLE_RATE:
        return SpeechCut(np.zeros(0, np.float32), ())
    if not vad:
        return SpeechCut(clean, ((0, clean.size),))
    from faster_whisper.vad import get_speech_timestamps

    # Silero VAD with faster-whisper's own settings for Whisper: threshold 0.5, parts padded by
    # 0.4 s, pauses under 2 s kept so that Whisper hears whole sentences.
    parts = tuple((part["start"], part["end"]) for part in get_speech_timestamps(clean))
    if not parts:
        return SpeechCut(np.zeros(0, np.float32), ())
    return SpeechCut(np.concatenate([clean[start:end] for start, end in parts]), parts)
