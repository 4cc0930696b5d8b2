"""Helpers that load PyTorch models, most of them with transformers, by hub name or from a folder.

Imported only when such a model or EfficientNet is loaded; imports PyTorch and transformers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import torch
from huggingface_hub import constants, get_session
from safetensors import SafetensorError
from transformers.utils import logging

from classifier.errors import WeightsCode, WeightsError

# Loading from a hub that does not answer would take a minute and a half of retries.
_ANSWER_SECONDS = 3.0
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
    """Return keyword arguments for `from_pretrained`; downloads are cached in `weights_folder`.

    If the hub does not answer, only the cache is used.
    """
    return {
        "cache_dir": weights_folder,
        "local_files_only": Path(model).is_dir() or not _hub_answers(),
    }


def _hub_answers() -> bool:
    """Return whether the hub answers in time, whatever the answer is."""
    answered = Event()

    def ask() -> None:
        with suppress(
            Exception
        ):  # the exceptions of the HTTP client, which the hub's library chose
            get_session().head(constants.ENDPOINT, timeout=_ANSWER_SECONDS)
            answered.set()

    # The time limit of the client does not include the resolution of the name.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS + 1)
    return answered.is_set()


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
