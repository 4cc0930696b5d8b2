"""The parts of a bundle, and its model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import MANIFEST, Artefact, ArtefactError, read_artefact, write_artefact
from classifier.channels import (
    FORMER_NAMES,
    PICTURES,
    SCREEN,
    SPEECH,
    current_name,
)
from classifier.decision import fusion as fusing
from classifier.decision.fusion import Fusion, Opinions
from classifier.decision.types import SpotFeatures
from classifier.screen import terms
from classifier.segments import NUMBERS, move_columns
from classifier.text.linear_model import TextModel, TextPrediction
from classifier.types import Numbers, Probabilities

if TYPE_CHECKING:
    from classifier.decision.stacking import Stack
    from classifier.pictures.types import PictureClassifier

KIND = "creative-filter/bundle"
VERSION = 1
STARTER = Path(__file__).parents[1] / "starter_model"
CARD = "MODEL_CARD.md"

_TEXT, _TRANSFORMER, _STACK = "text", "transformer", "stack"
_ARRAYS = "held_out.npz"
# Texts that are predicted at once, to bound the memory.
_BATCH = 256


class TextHead(Protocol):
    """The interface that `TextModel` and `TransformerText` share."""

    @property
    def numbers(self) -> Numbers:
        """The segments that the model predicts, ascending."""
        ...

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]: ...

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return probabilities, (texts, segments), columns as ``numbers``."""
        ...

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact: ...


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Out-of-fold predictions for labelled creatives, and their true segments.

    ``probabilities``: (creatives, segments). ``columns``: (creatives,), the index of the true
    segment in the ``numbers`` of the bundle. ``masks``: (creatives,), the channels as in
    ``Opinions.masks``.
    """

    probabilities: NDArray[np.floating[Any]]
    columns: NDArray[np.integer[Any]]
    masks: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Parts:
    """The trained parts of a bundle.

    ``numbers``: the segments that the bundle predicts, in the order of the columns of its arrays.
    ``shares``: float64 (segments,), the share of each in the training data.
    ``training_fingerprints``: uint64 (texts,), fingerprints of the training texts, because a model
    must not be evaluated on them. ``training_creatives``: uint64 (creatives,), digests of the
    identifiers of the training creatives (``learning.dataset.digest_of``); empty for bundles of
    version 0.2 and older, and for the starter.
    """

    numbers: Numbers
    text: TextHead
    fusion: Fusion
    held_out: HeldOut
    shares: NDArray[np.float64]
    training_fingerprints: NDArray[np.uint64]
    training_creatives: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    pictures: PictureClassifier | None = None
    stack: Stack | None = None

    def opinions(self, features: Sequence[SpotFeatures]) -> Opinions:
        """Return the probabilities that each channel gives to each creative."""
        screens = [one.screen for one in features]
        probabilities: dict[str, Probabilities] = {
            SPEECH: self._text_probabilities(SPEECH, [one.speech for one in features]),
            SCREEN: self._text_probabilities(SCREEN, screens),
        }
        if self.pictures:
            probabilities[PICTURES] = self._picture_probabilities(features, self.pictures)
        likely = terms.likelihood(screens, self.numbers)
        return Opinions(self.numbers, probabilities, likely, self.known)

    @property
    def known(self) -> dict[str, NDArray[np.bool_]]:
        """By channel, the segments that it has learned, (segments,)."""
        return known_by_channel(self.numbers, self.text, self.pictures)

    def fuse(self, opinions: Opinions, features: Sequence[SpotFeatures]) -> Probabilities:
        """Return fused probabilities, (creatives, segments), under the priors of the training data.

        Rows of creatives without a channel are NaN. On segments that the stack never learned it
        abstains: they keep their pooled probability, and the stack divides the rest.
        """
        pooled = fusing.pool(opinions, self.fusion)
        if self.stack is None:
            return pooled
        return self.stack.fuse(pooled, opinions, features)

    def _text_probabilities(self, channel: str, texts: Sequence[str]) -> Probabilities:
        rows = [row for row, text in enumerate(texts) if text]
        known = self.text.numbers
        # Spots of one campaign have the same words.
        places = {text: place for place, text in enumerate(dict.fromkeys(filter(None, texts)))}
        unique = list(places)
        found = [
            self.text.probabilities(unique[begin : begin + _BATCH])
            for begin in range(0, len(unique), _BATCH)
        ]
        own = np.concatenate([np.zeros((0, len(known))), *found])
        own = own[[places[texts[row]] for row in rows]]
        return self._all_rows(channel, own, known, rows, len(texts))

    def _picture_probabilities(
        self, features: Sequence[SpotFeatures], classifier: PictureClassifier
    ) -> Probabilities:
        encoder = classifier.encoder
        rows = [row for row, one in enumerate(features) if encoder in one.vectors]
        if not rows:
            return np.full((len(features), len(self.numbers)), np.nan)
        vectors = np.stack([features[row].vectors[encoder] for row in rows])
        own = classifier.predict_proba(vectors)
        return self._all_rows(PICTURES, own, classifier.numbers, rows, len(features))

    def _all_rows(
        self, channel: str, own: Probabilities, known: Numbers, rows: list[int], creatives: int
    ) -> Probabilities:
        """Return sharpened probabilities, (creatives, segments); NaN except for ``rows``.

        ``own``: those of a model with the segments ``known``, (rows, known segments).
        """
        result = np.full((creatives, len(self.numbers)), np.nan)
        sharpened = self.fusion.sharpen(channel, own)
        result[rows] = move_columns(sharpened, known, self.numbers)
        return result

    def save(self, folder: Path, facts: Mapping[str, Any], card: str) -> Artefact:
        """Write the bundle's model folder, with facts about the training and the model card."""

        arrays: dict[str, Any] = {}
        if len(self.training_creatives):
            arrays["creatives"] = np.unique(self.training_creatives)

        def write(aside: Path) -> None:
            (aside / CARD).write_text(card, encoding="utf-8")
            np.savez_compressed(
                aside / _ARRAYS,
                probabilities=self.held_out.probabilities.astype(np.float16),
                columns=self.held_out.columns.astype(np.uint16),
                masks=self.held_out.masks,
                shares=self.shares,
                seen=np.unique(self.training_fingerprints),
                **arrays,
            )
            linear = isinstance(self.text, TextModel)
            self.text.save(aside / (_TEXT if linear else _TRANSFORMER), {})
            if self.pictures:
                self.pictures.save(aside / PICTURES, {})
            if self.stack:
                self.stack.save(aside / _STACK)

        inside = [SPEECH, SCREEN, *([PICTURES] if self.pictures else [])]
        known = {
            "segments": list(self.numbers),
            "channels": inside,
            "fusion": {"method": "stack" if self.stack else "pool", **asdict(self.fusion)},
        }
        return write_artefact(folder, KIND, VERSION, write, {**facts, **known})


def known_by_channel(
    numbers: Numbers, text: TextHead, pictures: PictureClassifier | None
) -> dict[str, NDArray[np.bool_]]:
    """Return, by channel, which of ``numbers`` its model has learned, (segments,)."""
    by_text = np.isin(numbers, text.numbers)
    result = {SPEECH: by_text, SCREEN: by_text}
    if pictures:
        result[PICTURES] = np.isin(numbers, pictures.numbers)
    return result


def load_parts(folder: Path) -> tuple[Artefact, Parts]:
    """Read the model folder of a bundle.

    Raises:
        ArtefactError: The folder is damaged or of another format, has a file that is no part of a
            bundle, or lacks a part.
    """
    artefact = read_artefact(folder, KIND, VERSION)
    if foreign := sorted(name for name in artefact.files if not _is_known(name)):
        raise ArtefactError(folder, f"{foreign[0]} is no part of a bundle")
    arrays = artefact.arrays(_ARRAYS)
    try:
        channels = {current_name(name) for name in artefact.facts["channels"]}
        numbers = _numbers(artefact)
        parts = Parts(
            numbers=numbers,
            text=_load_text(artefact),
            fusion=_fusion(artefact),
            held_out=HeldOut(arrays["probabilities"], arrays["columns"], arrays["masks"]),
            shares=arrays["shares"],
            training_fingerprints=arrays["seen"],
            training_creatives=arrays.get("creatives", np.zeros(0, np.uint64)),
            pictures=_load_pictures(artefact) if PICTURES in channels else None,
            stack=_load_stack(artefact, len(numbers)) if _is_stacked(artefact) else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(folder, f"a part of it is missing: {error!r}") from error
    predicted = {*parts.text.numbers, *(parts.pictures.numbers if parts.pictures else ())}
    if not predicted <= set(numbers) or not _fits(numbers, parts.shares, parts.held_out):
        raise ArtefactError(folder, "its parts do not fit its segments")
    return artefact, parts


def load_rule_parts(
    folder: Path,
) -> tuple[Artefact, Numbers, NDArray[np.float64], HeldOut, float]:
    """Read what the rule of decision needs of a bundle, without its models.

    Returns:
        The verified folder; the segments; the share of each in the training data, (segments,); the
        held-out predictions; and ``Fusion.clash``.

    Raises:
        ArtefactError: The folder is damaged or of another format, or lacks one of these.
    """
    artefact = read_artefact(folder, KIND, VERSION)
    arrays = artefact.arrays(_ARRAYS)
    try:
        numbers, clash = _numbers(artefact), _fusion(artefact).clash
        held_out = HeldOut(arrays["probabilities"], arrays["columns"], arrays["masks"])
        shares = arrays["shares"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(folder, f"a part of it is missing: {error!r}") from error
    if not _fits(numbers, shares, held_out):
        raise ArtefactError(folder, "its parts do not fit its segments")
    return artefact, numbers, shares, held_out, clash


def _numbers(artefact: Artefact) -> Numbers:
    # Bundles of version 0.2 and older name no segments: they have those of the dictionary.
    return tuple(int(number) for number in artefact.facts.get("segments", NUMBERS))


def _fusion(artefact: Artefact) -> Fusion:
    settings = dict(artefact.facts["fusion"])
    settings.pop("method")
    sharpness = settings.pop("sharpness")
    return Fusion(**settings, sharpness={current_name(name): sharpness[name] for name in sharpness})


def _is_stacked(artefact: Artefact) -> bool:
    return bool(artefact.facts["fusion"]["method"] == "stack")


def _fits(numbers: Numbers, shares: NDArray[np.float64], held_out: HeldOut) -> bool:
    """Return whether all arrays have the segments of the bundle."""
    return bool(
        list(numbers) == sorted(set(numbers))
        and shares.shape == (len(numbers),)
        and held_out.probabilities.shape[1:] == (len(numbers),)
        and (held_out.columns < len(numbers)).all()
    )


def _is_known(name: str) -> bool:
    folders = {_TEXT, _TRANSFORMER, PICTURES, _STACK, *FORMER_NAMES}
    return name in {CARD, _ARRAYS} or name.split("/")[0] in folders


def _inside(artefact: Artefact, part: str) -> Path:
    """Return the folder of a part; raise ``ArtefactError`` if the manifest does not list it."""
    return artefact.path(f"{part}/{MANIFEST}").parent


def _load_text(artefact: Artefact) -> TextHead:
    if f"{_TRANSFORMER}/{MANIFEST}" in artefact.files:
        from classifier.text.transformer import TransformerText

        return TransformerText.load(_inside(artefact, _TRANSFORMER))
    return TextModel.load(_inside(artefact, _TEXT))


def _load_pictures(artefact: Artefact) -> PictureClassifier:
    from classifier.pictures.classifiers import load_picture_classifier

    names = (PICTURES, *FORMER_NAMES)
    there = [name for name in names if f"{name}/{MANIFEST}" in artefact.files]
    return load_picture_classifier(_inside(artefact, there[0] if there else PICTURES))


def _load_stack(artefact: Artefact, segments: int) -> Stack:
    from classifier.decision.stacking import Stack

    return Stack.load(_inside(artefact, _STACK), segments)
