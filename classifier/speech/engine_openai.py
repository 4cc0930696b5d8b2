"""Whisper by openai-whisper (PyTorch). Imported only when a transcriber is loaded."""

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


def load(model: str, where: Placement, decoding: Decoding) -> tuple[str, OpenAIWhisper]:
    """The name of the model and the engine with its weights; see `recognition.load_transcriber`."""
    name, source = _source(model)
    device = _device(where.device)
    half = _half(where.compute_type, device)
    try:
        loaded = whisper.load_model(source, device, download_root=str(where.weights_folder))
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError.not_loaded("openai-whisper", model, error) from error
    except (UnpicklingError, EOFError, LookupError, TypeError) as error:
        # torch's own words advise to read the file without its safeguard: not for a person's eyes.
        raise WeightsError(WeightsCode.NOT_A_CHECKPOINT, {"path": source}) from error
    torch.set_num_threads(where.threads)
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
    """Whether to compute in float16, which the library can do on a GPU only."""
    chosen = compute_type or ("float16" if device == "cuda" else "float32")
    if chosen == "float32" or (chosen == "float16" and device == "cuda"):
        return chosen == "float16"
    facts = {"compute_type": chosen, "device": device}
    raise WeightsError(WeightsCode.COMPUTE_TYPE, facts)


@dataclass(frozen=True, slots=True)
class OpenAIWhisper:
    """A `Recogniser`."""

    whisper: Any
    decoding: Decoding
    half: bool
    # The library hangs its cache on the shared model for the time of a call.
    lock: Lock = field(default_factory=Lock)

    def recognise(self, clips: Sequence[Audio]) -> list[tuple[str, list[Utterance]]]:
        """See `Recogniser`."""
        with self.lock:
            return [self._one(clip) for clip in clips]

    def _one(self, clip: Audio) -> tuple[str, list[Utterance]]:
        # The library tells "greedy" and "a beam of one" apart; the second is slower.
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
