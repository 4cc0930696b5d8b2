"""Speech recognition, picture vectors and classification."""

from __future__ import annotations

import os

from environs import validate

from creativefilter.settings.environment import BASE_DIR, DATA_DIR, env
from creativefilter.site import setting_values

CPUS = os.cpu_count() or 1
WORKER_PROCESSES: int = env.int("WORKER_PROCESSES", min(CPUS, 4), validate=validate.Range(1, 64))
WHISPER_ENGINE: str = env.str(
    "WHISPER_ENGINE",
    "faster-whisper",
    validate=validate.OneOf(["faster-whisper", "openai-whisper"]),
)
# "packaged" (whisper-base from the installed weight packages, faster-whisper only), a name such as
# "small" (downloaded: by faster-whisper from the hub, by openai-whisper from OpenAI), or a folder.
WHISPER_MODEL: str = env.str("WHISPER_MODEL", "packaged")
WHISPER_LANGUAGE: str = env.str("WHISPER_LANGUAGE", "ru", validate=setting_values.language)
WHISPER_BEAM_SIZE: int = env.int("WHISPER_BEAM_SIZE", 5, validate=validate.Range(1, 10))
WHISPER_THREADS: int = env.int(
    "WHISPER_THREADS", max(1, CPUS // WORKER_PROCESSES), validate=validate.Range(1, 1024)
)
WEIGHTS_FOLDER = DATA_DIR / "weights"
# Encoder of picture vectors: "efficientnet-lite0", an X-CLIP model (its name on the hub, or a
# folder), or "" for none.
PICTURES_ENCODER: str = env.str("PICTURES_ENCODER", "efficientnet-lite0")
STARTER_MODEL = BASE_DIR / "classifier" / "starter_model"
# Promised precision of automatic decisions: the share of them that has to be right.
TARGET_PRECISION: float = env.float("TARGET_PRECISION", 0.95, validate=validate.Range(0.5, 0.999))
# Labels that a segment needs to take part in training.
LEAST_LABELS_OF_SEGMENT: int = env.int(
    "LEAST_LABELS_OF_SEGMENT", 20, validate=validate.Range(2, 100_000)
)
# Share of each segment among incoming creatives, in any unit; "" for the shares in the training
# data.
SEGMENT_MIX: dict[int, float] | None = env.segment_mix("SEGMENT_MIX", "")
