"""Helpers that load PyTorch models, most of them with transformers, by hub name or from a folder.

Imported only when such a model or EfficientNet is loaded; imports PyTorch and transformers.
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
# The exceptions observed for damaged files, absent devices and unreachable hubs.
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
    """Return keyword arguments for `from_pretrained`; downloads are cached in `weights_folder`."""
    return {"cache_dir": weights_folder, "local_files_only": Path(model).is_dir()}


@contextmanager
def loading(library: str, model: str) -> Iterator[None]:
    """Turn the exceptions of loading `model` with `library` into `WeightsError`.

    Raises:
        WeightsError: `model` is neither a folder nor a name on the hub, or the library failed.
    """
    if not Path(model).is_dir() and not _HUB_NAME.fullmatch(model):
        raise WeightsError(WeightsCode.NO_FOLDER, {"model": model})
    # Progress bars are of no use in a worker. transformers only warns about missing weights, which
    # it replaces by random ones: callers check for them and raise an error.
    library_logging: Any = logging
    library_logging.disable_progress_bar()
    library_logging.set_verbosity_error()
    try:
        yield
    except _CAUSES as error:
        raise WeightsError.not_loaded(library, model, error) from error


def device_of(device: str) -> str:
    """Return `device`, with "auto" resolved to "cuda" where there is a GPU, else to "cpu"."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
