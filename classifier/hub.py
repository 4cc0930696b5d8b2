"""Models of the transformers library: from a hub by name or from a local folder, or a plain error.

Imported only when such a model is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging

from classifier.errors import WeightsCode, WeightsError

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
# What damaged files, absent devices and unreachable hubs were seen to raise.
_CAUSES = (
    OSError,
    RuntimeError,
    ValueError,
    ImportError,
    LookupError,
    TypeError,
    AssertionError,
    SafetensorError,
)


def arguments(model: str, weights_folder: Path) -> dict[str, Any]:
    """What `from_pretrained` needs besides the name; downloads are kept in `weights_folder`."""
    return {"cache_dir": weights_folder, "local_files_only": Path(model).is_dir()}


@contextmanager
def loading(library: str, model: str) -> Iterator[None]:
    """Turn what goes wrong inside into a `WeightsError` that names `library` and `model`."""
    if not Path(model).is_dir() and not _HUB_NAME.fullmatch(model):
        raise WeightsError(WeightsCode.NO_FOLDER, {"model": model})
    # Bars for nobody, and warnings about random weights that the callers turn into errors.
    said: Any = logging
    said.disable_progress_bar()
    said.set_verbosity_error()
    try:
        yield
    except _CAUSES as error:
        raise WeightsError.not_loaded(library, model, error) from error


def device_of(device: str) -> str:
    """The GPU for "auto", if there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
