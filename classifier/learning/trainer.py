"""From labelled creatives to a bundle: what analysts said becomes the next version.

One part in five of the families of near duplicates takes no part and measures. On the rest every
channel is learned, calibrated and weighed by what it said of creatives that it had not seen. Then
the same is done with all of them, and that is the bundle.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.channels import PICTURES, SCREEN, SPEECH
from classifier.decision import stacking
from classifier.decision.bundle import LEAST_HELD_OUT, Bundle
from classifier.decision.bundle_parts import HeldOut, Parts
from classifier.decision.fusion import SCREEN_SHARPNESS, Fusion, Opinions, pool
from classifier.decision.types import SpotFeatures
from classifier.evaluation.figures import Evaluation, by_other_folds, evaluate
from classifier.learning.dataset import LEAST_CREATIVES, Example, Table
from classifier.learning.model_card import render_trained
from classifier.learning.text_heads import (
    LINEAR,
    Learned,
    LinearHead,
    TextRows,
    TransformerHead,
    UnchangedHead,
)
from classifier.pictures.classifiers import train_picture_classifier
from classifier.pictures.types import PictureClassifier
from classifier.screen import terms
from classifier.segments import NUMBERS
from classifier.text.families import fingerprints
from classifier.text.training import FOLDS, SEED
from classifier.types import Probabilities

_SHARPNESSES = np.arange(0.2, 1.55, 0.1)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Config:
    """How to learn.

    ``folder``: where the bundle is written. ``base``: the bundle to be compared with, whose text
    model also goes into the new one where it has not learned from these very creatives.
    ``text``: "linear", or an encoder to fine-tune by name or folder. ``pictures``: "nearest",
    "catboost", or "" for none; ``encoder``: whose vectors. ``weights_folder``: of downloads.
    """

    folder: Path
    base: Bundle | None = None
    text: str = LINEAR
    pictures: str = "nearest"
    encoder: str = ""
    weights_folder: Path = Path()
    seed: int = SEED


def train(
    dataset: Sequence[Example], config: Config, progress: Progress = lambda _: None
) -> Bundle:
    """Learn a bundle from labelled creatives, measure it, and write it to ``config.folder``.

    The same creatives and libraries give the same bytes. Creatives without words and pictures
    teach nothing. ``progress`` is told each step. The manifest's facts hold ``hold_out`` (figures
    of the new and of the base bundle on the same creatives) and ``evaluation`` (out of fold, all).

    Raises ``TooFewError``; ``WeightsError`` for an encoder that cannot be loaded.
    """
    table = Table.of(dataset, config.encoder if config.pictures else "", config.seed)
    progress(f"{len(table.examples)} creatives, {table.families.max() + 1} families")
    measuring = table.hold_out()
    progress(f"{measuring.sum()} of them measure and teach nothing")
    rest, kept = table.only(~measuring), table.only(measuring)
    learned = _learn(rest, config, progress)
    figures = _measure(learned, rest, kept, config)
    stacked = bool(figures.pop("stacked"))
    progress(f"on what was held out: macro-F1 {figures['new']['macro_f1']:.3f}")
    final = _learn(table, config, progress, stacked)
    facts = _facts(table, config, figures, final)
    final.parts.save(config.folder, facts, render_trained(facts))
    progress(f"written: {config.folder}")
    return Bundle.load(config.folder)


@dataclass(frozen=True, slots=True)
class _Learned:
    """The parts of a bundle, and what was said out of fold of the creatives they come from."""

    parts: Parts
    opinions: Opinions
    fused: Probabilities
    fold: NDArray[np.int64]


def _learn(table: Table, config: Config, progress: Progress, stacked: bool = False) -> _Learned:
    fold = table.folds()
    texts, speech, screen = _learn_texts(table, config, fold, progress)
    classifier, pictures = _learn_pictures(table, config, fold, progress)
    screens = [one.screen for one in table.features]
    sharpness = {SCREEN: _screen_sharpness(screens, screen, table.columns)}
    if classifier:
        sharpness[PICTURES] = _best_sharpness(pictures, table.columns)
    fusion = Fusion(sharpness=sharpness)
    opinions: dict[str, Probabilities] = {
        SPEECH: speech,
        SCREEN: fusion.sharpen(SCREEN, screen),
    }
    if classifier:
        opinions[PICTURES] = fusion.sharpen(PICTURES, pictures)
    together = Opinions(opinions, terms.likelihood(screens))
    fused = pool(together, fusion)
    stack = None
    if stacked:
        stack, fused = _stack(table, together, fold, progress)
    parts = Parts(
        text=texts.head,
        fusion=fusion,
        held_out=_held_out(table, together, fused),
        shares=np.bincount(table.columns, minlength=len(NUMBERS)) / len(table.columns),
        seen=texts.seen,
        pictures=classifier,
        stack=stack,
    )
    return _Learned(parts, together, fused, fold)


def _learn_texts(
    table: Table, config: Config, fold: NDArray[np.int64], progress: Progress
) -> tuple[Learned, Probabilities, Probabilities]:
    """The text model, and what it said out of fold of speeches and of screens."""
    rows = TextRows.of(table.features, table.columns, table.families, fold)
    head: LinearHead | TransformerHead | UnchangedHead
    if len(rows.texts) < LEAST_CREATIVES and config.base:
        head = UnchangedHead(rows, config.base)
    elif config.text == LINEAR:
        head = LinearHead(rows, config.base)
    else:
        head = TransformerHead(rows, config.text, config.weights_folder)
    learned = head.learn(progress)
    speech, screen = (np.full((len(table.columns), len(NUMBERS)), np.nan) for _ in range(2))
    speech[rows.creative[~rows.screen]] = learned.out_of_fold[~rows.screen]
    screen[rows.creative[rows.screen]] = learned.out_of_fold[rows.screen]
    return learned, speech, screen


def _learn_pictures(
    table: Table, config: Config, fold: NDArray[np.int64], progress: Progress
) -> tuple[PictureClassifier | None, Probabilities]:
    """The classifier of pictures and what it said out of fold; none where too few have vectors."""
    result = np.full((len(table.columns), len(NUMBERS)), np.nan)
    there = np.array([config.encoder in one.vectors for one in table.features], np.bool_)
    enough = there.sum() >= LEAST_CREATIVES and len(np.unique(table.columns[there])) > 1
    if not config.pictures or not enough:
        return None, result

    def fitted(rows: NDArray[np.intp]) -> PictureClassifier:
        return train_picture_classifier(
            config.pictures,
            np.stack([table.features[row].vectors[config.encoder] for row in rows]),
            [table.examples[row].segment for row in rows],
            [table.examples[row].id for row in rows],
            encoder=config.encoder,
        )

    for number in np.unique(fold):
        outside = np.flatnonzero(there & (fold == number))
        if len(outside):
            vectors = np.stack([table.features[row].vectors[config.encoder] for row in outside])
            result[outside] = fitted(np.flatnonzero(there & (fold != number))).predict_proba(
                vectors
            )
        progress(f"pictures: fold {number + 1} of {FOLDS}")
    return fitted(np.flatnonzero(there)), result


def _screen_sharpness(
    screens: Sequence[str], screen: Probabilities, columns: NDArray[np.int64]
) -> float:
    """How sure of a screen the text model may be: by the least log loss where enough are there."""
    rows = np.flatnonzero(~np.isnan(screen[:, 0]))
    if len(rows) < LEAST_HELD_OUT:
        return SCREEN_SHARPNESS
    texts = [screens[row] for row in rows.tolist()]

    likely = terms.likelihood(texts)

    def loss(sharpness: float) -> float:
        said = Fusion(sharpness={SCREEN: sharpness}).sharpen(SCREEN, screen[rows])
        return _log_loss(terms.weigh(said, likely), columns[rows])

    return round(float(min(_SHARPNESSES, key=loss)), 2)


def _best_sharpness(said: Probabilities, columns: NDArray[np.int64]) -> float:
    rows = np.flatnonzero(~np.isnan(said[:, 0]))

    def loss(sharpness: float) -> float:
        sharpened = Fusion(sharpness={PICTURES: sharpness}).sharpen(PICTURES, said[rows])
        return _log_loss(sharpened, columns[rows])

    return round(float(min(_SHARPNESSES, key=loss)), 2)


def _log_loss(probabilities: Probabilities, columns: NDArray[np.int64]) -> float:
    likely = probabilities[np.arange(len(columns)), columns]
    return float(-np.log(np.maximum(likely, 1e-6)).mean())


def _stack(
    table: Table, opinions: Opinions, fold: NDArray[np.int64], progress: Progress
) -> tuple[stacking.Stack, Probabilities]:
    """The stack, and what stacks of the other folds said of each creative."""
    result = np.zeros((len(table.columns), len(NUMBERS)))
    for number in np.unique(fold):
        rest, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        features = [table.features[row] for row in rest]
        one = stacking.train(opinions.of(rest), features, table.columns[rest])
        held = [table.features[row] for row in here]
        result[here] = one.probabilities(opinions.of(here), held)
        progress(f"stack: fold {number + 1} of {FOLDS}")
    return stacking.train(opinions, table.features, table.columns), result


def _held_out(table: Table, opinions: Opinions, fused: Probabilities) -> HeldOut:
    there = ~np.isnan(fused[:, 0])
    return HeldOut(fused[there], table.columns[there], opinions.masks()[there])


def _measure(learned: _Learned, rest: Table, kept: Table, config: Config) -> dict[str, Any]:
    """Figures on the creatives that were kept back: pooled, stacked if that may be, and of the
    base; ``stacked`` says whether the stack won."""
    segments = [one.segment for one in kept.examples]

    def judged(parts: Parts) -> Evaluation:
        return Bundle(parts).evaluate(kept.features, segments, kept.families)

    pooled = judged(learned.parts)
    result: dict[str, Any] = {"new": pooled.facts(), "stacked": False}
    several = np.array([mask.bit_count() > 1 for mask in learned.opinions.masks().tolist()])
    if several.sum() >= stacking.LEAST_CREATIVES:
        stack = stacking.train(learned.opinions, rest.features, rest.columns)
        with_stack = judged(replace(learned.parts, stack=stack))
        better = with_stack.macro_f1 > pooled.macro_f1
        result["stacked"] = better
        result["stack"] = with_stack.macro_f1
        result["pool"] = pooled.macro_f1
        if better:
            result["new"] = with_stack.facts()
    if config.base:
        result["base"] = judged(config.base.parts).facts()
        known = np.isin(_prints(kept.features), config.base.parts.seen)
        result["base_has_seen"] = int(known.sum())
    return result


def _prints(features: Sequence[SpotFeatures]) -> NDArray[np.uint64]:
    return fingerprints([one.speech or one.screen for one in features])


def _facts(
    table: Table, config: Config, figures: dict[str, Any], final: _Learned
) -> dict[str, Any]:
    automatic = by_other_folds(final.fused, table.columns, final.fold)
    grouped = evaluate(final.fused, table.columns, automatic, table.families)
    digest = hashlib.sha256()
    for one in table.examples:
        digest.update(f"{one.id}\t{one.segment}\t{one.features.speech}\t".encode())
        digest.update(f"{one.features.screen}\n".encode())
    masks = Counter(final.opinions.masks().tolist())
    return {
        "training": {
            "creatives": len(table.examples),
            "families": int(table.families.max()) + 1,
            "by_channels": {str(mask): count for mask, count in sorted(masks.items())},
            "sha256": digest.hexdigest(),
        },
        "recipe": {
            "text": config.text,
            "pictures": config.pictures if final.parts.pictures else "",
            "encoder": config.encoder if final.parts.pictures else "",
            "seed": config.seed,
        },
        "hold_out": figures,
        "evaluation": grouped.facts(),
        "metrics": {
            "macro_f1_hold_out": figures["new"]["macro_f1"],
            "macro_f1_grouped": round(grouped.macro_f1, 6),
            "ece_grouped": round(grouped.ece, 6),
        },
        "libraries": {
            name: version(name) for name in ("numpy", "scipy", "scikit-learn", "catboost")
        },
    }
