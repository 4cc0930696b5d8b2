"""Speech recognition: audio arrays in, transcripts with times out.

Two engines, one interface. What both share is here: cleaning of the array, voice activity
detection, times brought back to the original audio. What runs Whisper is in
`engine_faster_whisper` and `engine_openai`; they and their libraries are imported when a
transcriber is loaded, never before. Load it in the process that uses it: CTranslate2 does not
survive a fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from classifier.errors import WeightsCode, WeightsError
from classifier.media import SAMPLE_RATE
from classifier.speech.types import (
    Audio,
    Decoding,
    Placement,
    Recogniser,
    Transcriber,
    Transcript,
    Utterance,
)

ENGINES = ("faster-whisper", "openai-whisper")

# Less than a tenth of a second holds no word; Whisper invents one.
SHORTEST_SECONDS = 0.1


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
        facts = {"engine": engine, "engines": ", ".join(ENGINES)}
        raise WeightsError(WeightsCode.UNKNOWN_ENGINE, facts)
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
