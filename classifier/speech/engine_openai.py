"""Whisper in openai-whisper (PyTorch). Imported only when a transcriber is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from typing import Any

import torch
import whisper

from classifier.errors import WeightsCode, WeightsError
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
from classifier.speech.weights import unknown_model

CHECKPOINT = "whisper.pt"


def load(model: str, placement: Placement, decoding: Decoding) -> tuple[str, OpenAIWhisper]:
    """Return the model's name and the engine with its weights; see `recognition.load_transcriber`.

    Raises:
        WeightsError: The model is unknown or is "packaged" (faster-whisper only), its weights can't
            be loaded, or the compute type is not available on the device.
    """
    name, source = _source(model)
    device = _device(placement.device)
    half = _half(placement.compute_type, device)
    try:
        loaded = whisper.load_model(source, device, download_root=str(placement.weights_folder))
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError.not_loaded("openai-whisper", model, error) from error
    except (UnpicklingError, EOFError, LookupError, TypeError) as error:
        # Do not show torch's message: it advises ``weights_only=False``, which may run code in the
        # file.
        raise WeightsError(WeightsCode.NOT_A_CHECKPOINT, {"path": source}) from error
    torch.set_num_threads(placement.threads)
    return name, OpenAIWhisper(loaded, decoding, half)


def _source(model: str) -> tuple[str, str]:
    if model == "packaged":
        raise WeightsError(WeightsCode.OTHER_ENGINE, {"file": CHECKPOINT})
    if model in whisper.available_models():
        return model, model
    checkpoint = Path(model) / CHECKPOINT
    if not checkpoint.is_file():
        raise unknown_model(model, CHECKPOINT, whisper.available_models())
    return checkpoint.parent.name, str(checkpoint)


def _device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _half(compute_type: str | None, device: str) -> bool:
    """Whether to compute in float16, which openai-whisper supports on a GPU only."""
    chosen = compute_type or ("float16" if device == "cuda" else "float32")
    if chosen == "float32" or (chosen == "float16" and device == "cuda"):
        return chosen == "float16"
    facts = {"compute_type": chosen, "device": device}
    raise WeightsError(WeightsCode.COMPUTE_TYPE, facts)


@dataclass(frozen=True, slots=True)
class OpenAIWhisper:
    """The `Recogniser` of openai-whisper."""

    whisper: Any
    decoding: Decoding
    half: bool
    # During a call the library attaches its cache to the shared model.
    lock: Lock = field(default_factory=Lock)

    def recognise(self, clips: Sequence[Audio]) -> list[tuple[str, list[Utterance]]]:
        """See `Recogniser`: clips have the shape (samples,)."""
        with self.lock:
            return [self._recognise_clip(clip) for clip in clips]

    def _recognise_clip(self, clip: Audio) -> tuple[str, list[Utterance]]:
        # For the library, greedy decoding (None) and a beam of one differ; the latter is slower.
        beam_size = self.decoding.beam_size if self.decoding.beam_size > 1 else None
        result = self.whisper.transcribe(
            clip,
            language=self.decoding.language,
            beam_size=beam_size,
            temperature=TEMPERATURE,
            compression_ratio_threshold=None,
            logprob_threshold=LOG_PROB_THRESHOLD,
            no_speech_threshold=NO_SPEECH_THRESHOLD,
            condition_on_previous_text=False,
            sample_len=MAX_TOKENS,
            fp16=self.half,
        )
        utterances = [
            Utterance(
                segment["start"],
                segment["end"],
                segment["text"].strip(),
                segment["avg_logprob"],
                segment["no_speech_prob"],
            )
            for segment in result["segments"]
            if segment["text"].strip()
        ]
        return result["language"], utterances
