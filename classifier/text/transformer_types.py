"""Settings and progress of the fine-tuning of a transformer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyperparameters of fine-tuning.

    `epochs`: the largest number of epochs. `patience`: the number of epochs without improvement on
    the held-out rows (a better macro-F1, or the same with less loss) after which training ends.
    `batch`: texts per step. `learning_rate`: the peak, after a linear warm-up over the first tenth
    of all steps and before a linear decay to 0. `tokens`: longer texts are truncated; half a minute
    of speech has about 150. `seed`: of the split, the new head and the order of texts.
    """

    epochs: int = 20
    patience: int = 4
    batch: int = 16
    learning_rate: float = 1e-4
    tokens: int = 256
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """Losses and macro-F1 after `number` of at most `most` epochs."""

    number: int
    most: int
    training_loss: float
    held_out_loss: float
    held_out_macro_f1: float

    def __str__(self) -> str:
        return (
            f"epoch {self.number} of at most {self.most}: loss {self.training_loss:.3f}, "
            f"held out {self.held_out_loss:.3f}, macro-F1 {self.held_out_macro_f1:.3f}"
        )
