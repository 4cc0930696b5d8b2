"""How a transformer is fine-tuned, and how far its training is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """How to fine-tune. The learning rate falls to 0 in a straight line over `epochs`.

    `patience`: epochs without a better macro-F1 on the held-out part before training ends.
    `tokens`: a longer text is cut; half a minute of speech has about 150.
    """

    epochs: int = 20
    patience: int = 4
    batch: int = 16
    learning_rate: float = 1e-4
    tokens: int = 256
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """How training stands after `number` of at most `most` epochs."""

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
