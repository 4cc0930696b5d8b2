"""Whisper in faster-whisper (CTranslate2). Imported only when a transcriber is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
from faster_whisper import WhisperModel, available_models

from classifier.errors import WeightsError
from classifier.speech.types import (
    LOG_PROB_THRESHOLD,
    MAX_TOKENS,
    NO_SPEECH_THRESHOLD,
    TEMPERATURE,
    Audio,
    Decoding,
    Placement,
    Utterance,
)
from classifier.speech.weights import PACKAGED_NAME, packaged_whisper, unknown_model


def load(model: str, placement: Placement, decoding: Decoding) -> tuple[str, FasterWhisper]:
    """Return the model's name and the engine with its weights; see `recognition.load_transcriber`.

    Raises:
        WeightsError: The model is unknown, or its weights can't be loaded.
    """
    name, source = _source(model, placement.weights_folder)
    device = _device(placement.device)
    try:
        whisper = WhisperModel(
            str(source),
            device=device,
            compute_type=placement.compute_type or _compute_type(device),
            cpu_threads=placement.threads,
            download_root=str(placement.weights_folder),
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError.not_loaded("faster-whisper", model, error) from error
    return name, FasterWhisper(whisper, decoding)


def _source(model: str, weights_folder: Path) -> tuple[str, str | Path]:
    if model == "packaged":
        return PACKAGED_NAME, packaged_whisper(weights_folder / PACKAGED_NAME)
    if model in available_models():
        return model, model
    folder = Path(model)
    if not (folder / "model.bin").is_file():
        raise unknown_model(model, "model.bin", available_models())
    return folder.name, folder


def _device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def _compute_type(device: str) -> str:
    return "float16" if device == "cuda" else "int8"


@dataclass(frozen=True, slots=True)
class FasterWhisper:
    """The `Recogniser` of faster-whisper."""

    whisper: Any
    decoding: Decoding

    def recognise(self, clips: Sequence[Audio]) -> list[tuple[str, list[Utterance]]]:
        """See `Recogniser`: clips have the shape (samples,)."""
        return [self._recognise_clip(clip) for clip in clips]

    def _recognise_clip(self, clip: Audio) -> tuple[str, list[Utterance]]:
        segments, info = self.whisper.transcribe(
            clip,
            language=self.decoding.language,
            beam_size=self.decoding.beam_size,
            temperature=TEMPERATURE,
            compression_ratio_threshold=None,
            log_prob_threshold=LOG_PROB_THRESHOLD,
            no_speech_threshold=NO_SPEECH_THRESHOLD,
            condition_on_previous_text=False,
            max_new_tokens=MAX_TOKENS,
        )
        utterances = [
            Utterance(
                segment.start,
                segment.end,
                segment.text.strip(),
                segment.avg_logprob,
                segment.no_speech_prob,
            )
            for segment in segments
        ]
        return info.language, utterances
