"""Machine learning for advertising creatives: media, speech, screen, pictures, decision.

Plain Python: no Django, no Celery, no database. Functions take paths, arrays and options, and
return arrays and frozen dataclasses. Importing this package loads no heavy library.

``Bundle.load(path).predict(features)`` predicts segments; ``train(dataset, config)`` trains a
bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifier.decision.bundle import Bundle
    from classifier.learning.trainer import train

__all__ = ["Bundle", "train"]


def __getattr__(name: str) -> Any:
    if name == "Bundle":
        from classifier.decision.bundle import Bundle

        return Bundle
    if name == "train":
        from classifier.learning.trainer import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
