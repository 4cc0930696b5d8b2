"""Speech recognition: from audio arrays to transcripts with times.

Two engines have one interface. This module has what they share: cleaning of the array, voice
activity detection, and times relative to the original audio. `engine_faster_whisper` and
`engine_openai` run Whisper; they and their libraries are imported when a transcriber is loaded,
never before. Load a transcriber in the process that uses it: CTranslate2 does not survive a fork.
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

# A shorter clip holds no word, and Whisper would invent one.
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
    """Load a speech recognition engine and its weights.

    Args:
        engine: One of ENGINES.
        model: "packaged" (Whisper base from the installed packages, faster-whisper only), a name
            such as "small" (downloaded from the hub), or a folder with model.bin (faster-whisper)
            or whisper.pt (openai-whisper).
        weights_folder: Where packaged weights are assembled and downloads are kept.
        device: "auto" (the GPU if there is one), "cpu" or "cuda".
        compute_type: None chooses float16 on a GPU, else int8 (faster-whisper) or float32
            (openai-whisper).
        threads: CPU threads, at least 1. openai-whisper sets this for the whole process.
        language: ISO 639-1 code; None detects the language of each clip.
        beam_size: Width of the beam search; 1 is greedy.
        vad: Whether to remove everything but speech before recognition.

    Raises:
        WeightsError: The engine or model is unknown, the folder is missing, weights are damaged,
            the hub can't be reached, or the device or compute type is not available on this
            machine.
    """
    if engine not in ENGINES:
        facts = {"engine": engine, "engines": ", ".join(ENGINES)}
        raise WeightsError(WeightsCode.UNKNOWN_ENGINE, facts)
    decoding = Decoding(language=language, beam_size=beam_size)
    placement = Placement(weights_folder, device, compute_type, threads)
    recogniser: Recogniser
    if engine == "faster-whisper":
        from classifier.speech import engine_faster_whisper

        name, recogniser = engine_faster_whisper.load(model, placement, decoding)
    else:
        from classifier.speech import engine_openai

        name, recogniser = engine_openai.load(model, placement, decoding)
    return SpeechTranscriber(engine, name, recogniser, language or "", vad)


@dataclass(frozen=True, slots=True)
class SpeechTranscriber:
    """The `Transcriber` of both engines.

    Attributes:
        silent_language: Language of transcripts without speech: the given one, or "".
        vad: Whether to remove everything but speech before recognition.
    """

    engine: str
    model: str
    recogniser: Recogniser
    silent_language: str
    vad: bool

    def transcribe(self, audio: Sequence[Audio]) -> list[Transcript]:
        """See `Transcriber`: arrays have the shape (samples,).

        Silence, NaN, and arrays that are empty or too short give transcripts without utterances.
        """
        clips = [cut_speech(array, self.vad) for array in audio]
        voiced = [index for index, clip in enumerate(clips) if clip.audio.size]
        results = self.recogniser.recognise([clips[index].audio for index in voiced])
        transcripts = [Transcript(self.silent_language, (), self.engine, self.model) for _ in clips]
        for index, (language, utterances) in zip(voiced, results, strict=True):
            placed = tuple(clips[index].restore(utterance) for utterance in utterances)
            transcripts[index] = Transcript(language, placed, self.engine, self.model)
        return transcripts


@dataclass(frozen=True, slots=True)
class SpeechCut:
    """The joined speech of an array; `parts` are its (start, end) samples in the original."""

    audio: Audio
    parts: tuple[tuple[int, int], ...]

    def restore(self, utterance: Utterance) -> Utterance:
        """Return the utterance with its times relative to the original audio."""
        start = self._original_time(utterance.start, at_end=False)
        end = self._original_time(utterance.end, at_end=True)
        return replace(utterance, start=start, end=max(start, end))

    def _original_time(self, seconds: float, *, at_end: bool) -> float:
        # At the seam of two parts, an end belongs to the first part and a start to the second.
        offset = max(0, round(seconds * SAMPLE_RATE))
        for start, end in self.parts:
            length = end - start
            if offset < length or (at_end and offset == length):
                return (start + offset) / SAMPLE_RATE
            offset -= length
        return self.parts[-1][1] / SAMPLE_RATE


def cut_speech(audio: Audio, vad: bool) -> SpeechCut:
    """Keep the parts of `audio` with speech; nothing if there is none.

    Samples that are not finite count as silence.

    Args:
        audio: 16 kHz mono, shape (samples,).
        vad: Whether to detect speech; if False, everything is kept.

    Raises:
        ValueError: `audio` is not one-dimensional.
    """
    if audio.ndim != 1:
        raise ValueError(f"expected mono audio of shape (n,), got {audio.shape}")
    clean = np.nan_to_num(audio.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
    if clean.size < SHORTEST_SECONDS * SAMPLE_RATE:
        return SpeechCut(np.zeros(0, np.float32), ())
    if not vad:
        return SpeechCut(clean, ((0, clean.size),))
    from faster_whisper.vad import get_speech_timestamps

    # Silero VAD with faster-whisper's own settings for Whisper: threshold 0.5, parts padded by 0.4
    # s, pauses under 2 s kept so that Whisper gets whole sentences.
    parts = tuple((part["start"], part["end"]) for part in get_speech_timestamps(clean))
    if not parts:
        return SpeechCut(np.zeros(0, np.float32), ())
    return SpeechCut(np.concatenate([clean[start:end] for start, end in parts]), parts)
