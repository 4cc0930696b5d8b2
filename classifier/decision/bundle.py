"""A bundle: everything that decides on a creative, as one model folder.

It holds a text model, which reads what is said and what stands on the screen, where there were
labels to learn from a video classifier and a stack, how the channels are weighed, and what was
said of creatives while they were held out, for thresholds. Needs numpy alone unless it holds
neural channels; several can be loaded side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import MANIFEST, Artefact, ArtefactError, read_artefact, write_artefact
from classifier.decision import fusion as fusing
from classifier.decision.fusion import SCREEN, SPEECH, VIDEO, Fusion, Opinions, Probabilities
from classifier.evaluation.figures import Evaluation, evaluate
from classifier.evaluation.metrics import threshold_for
from classifier.screen import terms
from classifier.segments import NUMBERS
from classifier.text.evidence import Evidence
from classifier.text.linear_model import TextModel, TextPrediction, prior_factors

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.decision.stacking import Stack
    from classifier.pictures.classifiers import VideoClassifier
    from classifier.pictures.nearest_neighbours import Neighbour

KIND = "creative-filter/bundle"
VERSION = 1
STARTER = Path(__file__).parents[1] / "starter_model"
CARD = "MODEL_CARD.md"
PRECISION = 0.95

_TEXT, _TRANSFORMER, _VIDEO, _STACK = "text", "transformer", "video", "stack"
_ARRAYS = "held_out.npz"
# With fewer creatives held out a threshold is luck.
LEAST_HELD_OUT = 50
_MOST_EVIDENCE = 6

Decision = Literal["auto", "review"]


@dataclass(frozen=True, slots=True)
class SpotFeatures:
    """What is known of one creative; whatever is absent is empty or None.

    ``speech``: ``Speech.text`` where somebody speaks. ``screen``: ``ScreenText.text``.
    ``vectors``: by `VideoEncoder.name`, float32 (dimension,). ``shape``: of the spot.
    """

    speech: str = ""
    screen: str = ""
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    shape: SpotShape | None = None
    advertiser: str = ""
    brand: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ChannelView:
    """What one channel says: ``name`` is one of ``fusion.CHANNELS``.

    ``evidence``: places in ``SpotFeatures.speech`` or ``.screen`` that spoke for the segment that
    the channel itself holds likeliest. ``neighbours``: the labelled creatives that look most alike.
    """

    name: str
    probabilities: dict[int, float]
    evidence: tuple[Evidence, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated ``probabilities`` of every segment number; empty where no channel speaks.

    ``decision``: ``auto`` where the bundle's threshold is reached and nothing contradicts.
    ``conflict``: a channel is sure of another segment. ``channels``: the surest of the decided
    segment first.
    """

    probabilities: dict[int, float]
    decision: Decision = "review"
    conflict: bool = False
    channels: tuple[ChannelView, ...] = ()

    @property
    def segment(self) -> int | None:
        return self.candidates(1)[0][0] if self.probabilities else None

    @property
    def probability(self) -> float | None:
        return self.candidates(1)[0][1] if self.probabilities else None

    def candidates(self, n: int) -> tuple[tuple[int, float], ...]:
        """The ``n`` likeliest segments with their probabilities, the likeliest first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ranked[:n])


class TextHead(Protocol):
    """A `TextModel` or a `TransformerText`."""

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]: ...

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact: ...


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What was said of labelled creatives while they were held out, and what was true.

    ``probabilities`` (creatives, 18), ``columns`` (creatives,) the place of the true segment in
    ``NUMBERS``, ``masks`` (creatives,) as ``Opinions.masks``.
    """

    probabilities: NDArray[np.floating[Any]]
    columns: NDArray[np.integer[Any]]
    masks: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Parts:
    """What training yields: all that a bundle is.

    ``shares`` float64 (18,) how the training creatives fall on ``NUMBERS``; ``seen`` uint64, the
    fingerprints of their texts: of what it has learned from a model must not be judged.
    """

    text: TextHead
    fusion: Fusion
    held_out: HeldOut
    shares: NDArray[np.float64]
    seen: NDArray[np.uint64]
    video: VideoClassifier | None = None
    stack: Stack | None = None

    def opinions(self, features: Sequence[SpotFeatures]) -> Opinions:
        """What each channel says of each creative."""
        screens = [one.screen for one in features]
        said = {
            SPEECH: self._of_texts([one.speech for one in features]),
            SCREEN: self.fusion.sharpen(SCREEN, self._of_texts(screens)),
        }
        if self.video:
            said[VIDEO] = self._of_vectors(features, self.video)
        return Opinions(said, terms.likelihood(screens))

    def fuse(self, opinions: Opinions, features: Sequence[SpotFeatures]) -> Probabilities:
        """Probabilities (creatives, 18) as in training; NaN where no channel speaks."""
        pooled = fusing.pool(opinions, self.fusion)
        if self.stack is None:
            return pooled
        stacked = self.stack.probabilities(opinions, features)
        result: Probabilities = np.where(np.isnan(pooled), np.nan, stacked)
        return result

    def _of_texts(self, texts: Sequence[str]) -> Probabilities:
        result = _nothing(len(texts))
        rows = [row for row, text in enumerate(texts) if text]
        for row, said in zip(rows, self.text.predict([texts[row] for row in rows]), strict=True):
            result[row] = [said.probabilities.get(number, 0.0) for number in NUMBERS]
        return result

    def _of_vectors(
        self, features: Sequence[SpotFeatures], video: VideoClassifier
    ) -> Probabilities:
        result = _nothing(len(features))
        rows = [row for row, one in enumerate(features) if video.encoder in one.vectors]
        if rows:
            vectors = np.stack([features[row].vectors[video.encoder] for row in rows])
            said = video.predict_proba(vectors)
            result[rows] = self.fusion.sharpen(VIDEO, said)
        return result

    def save(self, folder: Path, facts: Mapping[str, Any], card: str) -> Artefact:
        """Write them as a model folder with the facts about their making and its card."""

        def write(aside: Path) -> None:
            (aside / CARD).write_text(card, encoding="utf-8")
            np.savez_compressed(
                aside / _ARRAYS,
                probabilities=self.held_out.probabilities.astype(np.float16),
                columns=self.held_out.columns.astype(np.uint8),
                masks=self.held_out.masks,
                shares=self.shares,
                seen=np.unique(self.seen),
            )
            linear = isinstance(self.text, TextModel)
            self.text.save(aside / (_TEXT if linear else _TRANSFORMER), {})
            if self.video:
                self.video.save(aside / _VIDEO, {})
            if self.stack:
                self.stack.save(aside / _STACK)

        inside = [SPEECH, SCREEN, *([VIDEO] if self.video else [])]
        known = {
            "channels": inside,
            "fusion": {"method": "stack" if self.stack else "pool", **asdict(self.fusion)},
        }
        return write_artefact(folder, KIND, VERSION, write, {**facts, **known})


def _nothing(rows: int) -> Probabilities:
    return np.full((rows, len(NUMBERS)), np.nan)


class Bundle:
    """Predicts and explains. ``precision`` and ``priors`` say what decides by itself."""

    def __init__(
        self,
        parts: Parts,
        artefact: Artefact | None = None,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> None:
        """``precision``: of the decisions that no person looks at. ``priors``: how often each
        segment number occurs where the creatives come from, in any unit; without them, as often
        as in the training data. Raises ``ValueError`` for priors as ``prior_factors`` does.
        """
        self.parts = parts
        self.artefact = artefact
        self.precision = precision
        self._thresholds: dict[float, dict[int, float | None]] = {}
        self._factors = np.ones(len(NUMBERS))
        if priors is not None:
            known = parts.shares > 0
            numbers = np.array(NUMBERS)[known]
            self._factors[known] = prior_factors(numbers, parts.shares[known], priors)

    @classmethod
    def load(
        cls,
        folder: Path = STARTER,
        precision: float = PRECISION,
        priors: Mapping[int, float] | None = None,
    ) -> Bundle:
        """Read a model folder; raises ``ArtefactError`` unless it is whole and of this format."""
        artefact = read_artefact(folder, KIND, VERSION)
        if foreign := sorted(name for name in artefact.files if not _is_known(name)):
            raise ArtefactError(folder, f"{foreign[0]} is no part of a bundle")
        arrays = artefact.arrays(_ARRAYS)
        try:
            settings = dict(artefact.facts["fusion"])
            stacked = settings.pop("method") == "stack"
            seeing = VIDEO in artefact.facts["channels"]
            parts = Parts(
                text=_load_text(artefact),
                fusion=Fusion(**settings),
                held_out=HeldOut(arrays["probabilities"], arrays["columns"], arrays["masks"]),
                shares=arrays["shares"],
                seen=arrays["seen"],
                video=_load_video(artefact) if seeing else None,
                stack=_load_stack(artefact) if stacked else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(folder, f"a part of it is missing: {error!r}") from error
        return cls(parts, artefact, precision, priors)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the manifest says of its making; empty for a bundle that was not saved."""
        return self.artefact.facts if self.artefact else MappingProxyType({})

    @property
    def encoder(self) -> str:
        """The `VideoEncoder.name` of the vectors that it wants; "" for none."""
        return self.parts.video.encoder if self.parts.video else ""

    def predict(self, features: Sequence[SpotFeatures], evidence: bool = True) -> list[Prediction]:
        """One prediction for each creative, in their order.

        Without ``evidence`` (whose finding takes most of the time) channels carry probabilities
        alone.
        """
        if not features:
            return []
        opinions = self.parts.opinions(features)
        fused = self.weighed(self.parts.fuse(opinions, features))
        contradicted = self._contradicted(opinions, fused)
        masks = opinions.masks()
        said = {channel: opinions.says(channel) for channel in opinions.probabilities}
        automatic = self._automatic(fused, masks, contradicted, self.precision)
        result = []
        for row, one in enumerate(features):
            if not masks[row]:
                result.append(Prediction({}))
                continue
            result.append(
                Prediction(
                    _by_number(fused[row]),
                    "auto" if automatic[row] else "review",
                    bool(contradicted[row]),
                    self._views(said, row, one, NUMBERS[fused[row].argmax()], evidence),
                )
            )
        return result

    def evaluate(
        self,
        features: Sequence[SpotFeatures],
        segments: Sequence[int],
        families: NDArray[np.integer[Any]] | None = None,
    ) -> Evaluation:
        """Figures on labelled creatives: ``segments`` are their canonical numbers, ``families``
        those of near duplicates. Raises ``ValueError`` when there are none."""
        if not features:
            raise ValueError("there is nothing to judge")
        opinions = self.parts.opinions(features)
        fused = self.weighed(self.parts.fuse(opinions, features))
        contradicted = self._contradicted(opinions, fused)

        def automatic(target: float) -> NDArray[np.bool_]:
            return self._automatic(fused, opinions.masks(), contradicted, target)

        return evaluate(fused, np.searchsorted(NUMBERS, segments), automatic, families)

    def _contradicted(self, opinions: Opinions, fused: Probabilities) -> NDArray[np.bool_]:
        """Priors move all channels alike: what they moved contradicts nothing."""
        moved = {name: self.weighed(opinions.says(name)) for name in opinions.probabilities}
        return fusing.conflicts(Opinions(moved), fused, self.parts.fusion)

    def _automatic(
        self,
        fused: Probabilities,
        masks: NDArray[np.uint8],
        contradicted: NDArray[np.bool_],
        precision: float,
    ) -> NDArray[np.bool_]:
        least = {mask: self.threshold(mask, precision) for mask in np.unique(masks).tolist()}
        needed = [np.inf if (one := least[mask]) is None else one for mask in masks.tolist()]
        result: NDArray[np.bool_] = (np.nan_to_num(fused).max(axis=1) >= needed) & ~contradicted
        return result

    def threshold(self, mask: int, precision: float | None = None) -> float | None:
        """From which probability on creatives with these channels decide by themselves.

        Chosen on what was held out with the same channels, or with some of them, whatever asks
        for more; ``None`` where that was never measured: then a person has to look.
        ``precision``: another than that of this bundle.
        """
        asked = self.precision if precision is None else precision
        if asked not in self._thresholds:
            self._thresholds[asked] = self._measured_thresholds(asked)
        measured = self._thresholds[asked]
        if mask in measured:
            return measured[mask]
        within = [least for known, least in measured.items() if known & mask == known]
        if not within or None in within:
            return None
        return max(least for least in within if least is not None)

    def _measured_thresholds(self, precision: float) -> dict[int, float | None]:
        held = self.parts.held_out
        probabilities = self.weighed(held.probabilities.astype(np.float64))
        right = probabilities.argmax(axis=1) == held.columns
        found: dict[int, float | None] = {}
        for mask in np.unique(held.masks).tolist():
            rows = held.masks == mask
            if rows.sum() >= LEAST_HELD_OUT:
                weights = self._factors[held.columns[rows]]
                sure = probabilities[rows].max(axis=1)
                found[mask] = threshold_for(sure, right[rows], precision, weights)
        return found

    def weighed(self, probabilities: Probabilities) -> Probabilities:
        """Probabilities (creatives, 18) as in training, moved to the priors of this bundle."""
        weighed = probabilities * self._factors
        result: Probabilities = weighed / weighed.sum(axis=1, keepdims=True)
        return result

    def _views(
        self,
        said: Mapping[str, Probabilities],
        row: int,
        one: SpotFeatures,
        segment: int,
        evidence: bool,
    ) -> tuple[ChannelView, ...]:
        views = []
        for channel, probabilities in said.items():
            if np.isnan(probabilities[row, 0]):
                continue
            words: tuple[Evidence, ...] = ()
            alike: tuple[Neighbour, ...] = ()
            if evidence and channel == VIDEO:
                alike = self._neighbours(one)
            elif evidence:
                words = self._words(one, channel, NUMBERS[probabilities[row].argmax()])
            views.append(ChannelView(channel, _by_number(probabilities[row]), words, alike))
        return tuple(sorted(views, key=lambda view: -view.probabilities[segment]))

    def _words(self, one: SpotFeatures, channel: str, segment: int) -> tuple[Evidence, ...]:
        model = self.parts.text
        if not isinstance(model, TextModel) or segment not in model.parameters.numbers:
            return terms.evidence(one.screen, segment) if channel == SCREEN else ()
        if channel == SPEECH:
            return model.explain(one.speech, segment)
        named = terms.evidence(one.screen, segment)
        phrases = [
            phrase
            for phrase in model.explain(one.screen, segment)
            if not any(word.start < phrase.end and phrase.start < word.end for word in named)
        ]
        return (*named, *phrases)[:_MOST_EVIDENCE]

    def _neighbours(self, one: SpotFeatures) -> tuple[Neighbour, ...]:
        from classifier.pictures.nearest_neighbours import NearestNeighbours

        video = self.parts.video
        if not isinstance(video, NearestNeighbours):
            return ()
        return video.neighbours(one.vectors[video.encoder][None])[0]


def _by_number(row: NDArray[np.float64]) -> dict[int, float]:
    return dict(zip(NUMBERS, row.tolist(), strict=True))


def _is_known(name: str) -> bool:
    return name in {CARD, _ARRAYS} or name.split("/")[0] in {_TEXT, _TRANSFORMER, _VIDEO, _STACK}


def _inside(artefact: Artefact, part: str) -> Path:
    """The folder of a part; raises ``ArtefactError`` where the manifest does not vouch for it."""
    return artefact.path(f"{part}/{MANIFEST}").parent


def _load_text(artefact: Artefact) -> TextHead:
    if f"{_TRANSFORMER}/{MANIFEST}" in artefact.files:
        from classifier.text.transformer import TransformerText

        return TransformerText.load(_inside(artefact, _TRANSFORMER))
    return TextModel.load(_inside(artefact, _TEXT))


def _load_video(artefact: Artefact) -> VideoClassifier:
    from classifier.pictures.classifiers import load_video_classifier

    return load_video_classifier(_inside(artefact, _VIDEO))


def _load_stack(artefact: Artefact) -> Stack:
    from classifier.decision.stacking import Stack

    return Stack.load(_inside(artefact, _STACK))
