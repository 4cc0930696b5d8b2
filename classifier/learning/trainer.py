"""Training of a bundle from labelled creatives.

1. One in five families of near duplicates is held out.
2. On the rest, every channel is trained, and calibrated on out-of-fold predictions.
3. The result is evaluated on the held-out creatives.
4. The bundle is trained in the same way on all creatives.
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
from classifier.decision.bundle_parts import HeldOut, Parts, known_by_channel
from classifier.decision.fusion import SCREEN_SHARPNESS, Fusion, Opinions, pool
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
from classifier.segments import move_columns
from classifier.text.families import has_fingerprint, segments_in_several
from classifier.text.training import FOLDS, SEED
from classifier.types import Probabilities

_SHARPNESSES = np.arange(0.2, 1.55, 0.1)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Config:
    """The options of training.

    ``folder``: where the bundle is written. ``base``: the bundle to compare with. If both text
    models are linear, that of ``base`` is mixed into the new one, provided that at least half of
    the calibration texts, and 50, are unknown to it. With fewer than 50 labelled texts, or nearly
    all of one segment, it is kept unchanged. ``text``: "linear", or the name or folder of an
    encoder to fine-tune.
    ``pictures``: "nearest", "catboost", or "" for no picture classifier. ``encoder``: the name of
    the encoder of the picture vectors. ``weights_folder``: the cache of downloads. ``seed``: of
    the random splits.
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
    """Train a bundle on labelled creatives, evaluate it, and write it to ``config.folder``.

    The same creatives, options and libraries give the same bytes, except for an encoder on a GPU.
    Creatives with neither words nor a picture vector are left out. The manifest's facts include
    ``hold_out`` (figures of the new and of the base bundle on the same held-out creatives) and
    ``evaluation`` (out-of-fold figures on all).

    Args:
        dataset: The labelled creatives.
        config: The options of training.
        progress: Called with a sentence after each step.

    Raises:
        TooFewError: There are too few labelled creatives.
        WeightsError: The encoder to fine-tune can't be loaded.
        TooFewRowsError: There are too few texts to fine-tune an encoder.
        ValueError: ``config.pictures`` is unknown, or the picture vectors can't be used.
    """
    encoder = config.encoder if config.pictures else ""
    table = Table.of(dataset, encoder, config.seed, config.base.numbers if config.base else ())
    progress(f"{len(table.examples)} creatives, {table.families.max() + 1} families")
    measuring = table.hold_out()
    progress(f"{measuring.sum()} creatives are held out")
    training, held_out = table.only(~measuring), table.only(measuring)
    learned = _learn(training, config, progress)
    figures = _measure(learned, training, held_out, config)
    stacked = bool(figures.pop("stacked"))
    progress(f"on held-out creatives: macro-F1 {figures['new']['macro_f1']:.3f}")
    final = _learn(table, config, progress, stacked)
    facts = _facts(table, config, figures, final)
    final.parts.save(config.folder, facts, render_trained(facts))
    progress(f"written: {config.folder}")
    return Bundle.load(config.folder)


@dataclass(frozen=True, slots=True)
class _Learned:
    """The parts of a bundle, and the predictions of models trained on the other folds.

    ``opinions``: by channel. ``fused``: (creatives, segments). ``fold``: (creatives,), the fold in
    which a creative is held out.
    """

    parts: Parts
    opinions: Opinions
    fused: Probabilities
    fold: NDArray[np.int64]


def _learn(table: Table, config: Config, progress: Progress, stacked: bool = False) -> _Learned:
    fold = table.folds()
    texts, speech, screen = _learn_texts(table, config, fold, progress)
    classifier, pictures = _learn_pictures(table, config, fold, progress)
    screens = [one.screen for one in table.features]
    sharpness = {SCREEN: _screen_sharpness(screens, screen, table)}
    if classifier:
        sharpness[PICTURES] = _best_sharpness(pictures, table.columns)
    fusion = Fusion(sharpness=sharpness)
    known = known_by_channel(table.numbers, texts.head, classifier)
    out_of_fold = {SPEECH: speech, SCREEN: screen}
    if classifier:
        out_of_fold[PICTURES] = pictures
    opinions = {
        channel: _sharpened(fusion, channel, values, known[channel])
        for channel, values in out_of_fold.items()
    }
    likely = terms.likelihood(screens, table.numbers)
    together = Opinions(table.numbers, opinions, likely, known)
    fused = pool(together, fusion)
    stack = None
    if stacked:
        stack, fused = _stack(table, together, fused, fold, progress)
    parts = Parts(
        numbers=table.numbers,
        text=texts.head,
        fusion=fusion,
        held_out=_held_out(table, together, fused),
        shares=np.bincount(table.columns, minlength=len(table.numbers)) / len(table.columns),
        training_fingerprints=texts.training_fingerprints,
        pictures=classifier,
        stack=stack,
    )
    return _Learned(parts, together, fused, fold)


def _learn_texts(
    table: Table, config: Config, fold: NDArray[np.int64], progress: Progress
) -> tuple[Learned, Probabilities, Probabilities]:
    """Train the text model; also return out-of-fold probabilities of speech and of screens."""
    rows = TextRows.of(table.features, table.numbers, table.columns, table.families, fold)
    head: LinearHead | TransformerHead | UnchangedHead
    if config.base and not _is_enough(rows.columns, rows.fold):
        head = UnchangedHead(rows, config.base)
    elif config.text == LINEAR:
        head = LinearHead(rows, config.base)
    else:
        head = TransformerHead(rows, config.text, config.weights_folder)
    learned = head.learn(progress)
    speech, screen = (_missing(table) for _ in range(2))
    speech[rows.creative[~rows.screen]] = learned.out_of_fold[~rows.screen]
    screen[rows.creative[rows.screen]] = learned.out_of_fold[rows.screen]
    return learned, speech, screen


def _is_enough(columns: NDArray[np.int64], fold: NDArray[np.int64]) -> bool:
    """Return whether a channel can be trained on so many rows, also without those of any fold."""
    return len(columns) >= LEAST_CREATIVES and segments_in_several(columns, fold) > 1


def _learn_pictures(
    table: Table, config: Config, fold: NDArray[np.int64], progress: Progress
) -> tuple[PictureClassifier | None, Probabilities]:
    """Train the picture classifier; also return its out-of-fold probabilities.

    There is no classifier if too few creatives have a vector.
    """
    result = _missing(table)
    has_vector = np.array([config.encoder in one.vectors for one in table.features], np.bool_)
    if not config.pictures or not _is_enough(table.columns[has_vector], fold[has_vector]):
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
        outside = np.flatnonzero(has_vector & (fold == number))
        if len(outside):
            vectors = np.stack([table.features[row].vectors[config.encoder] for row in outside])
            classifier = fitted(np.flatnonzero(has_vector & (fold != number)))
            own = classifier.predict_proba(vectors)
            result[outside] = move_columns(own, classifier.numbers, table.numbers)
        progress(f"pictures: fold {number + 1} of {FOLDS}")
    return fitted(np.flatnonzero(has_vector)), result


def _sharpened(
    fusion: Fusion, channel: str, values: Probabilities, known: NDArray[np.bool_]
) -> Probabilities:
    """Sharpen probabilities, (creatives, segments), as ``Parts.opinions`` does; 0 if not known."""
    result = np.where(np.isnan(values), np.nan, 0.0)
    result[:, known] = fusion.sharpen(channel, values[:, known])
    return result


def _missing(table: Table) -> Probabilities:
    return np.full((len(table.columns), len(table.numbers)), np.nan)


def _screen_sharpness(screens: Sequence[str], screen: Probabilities, table: Table) -> float:
    """Return the exponent for screens with the least log loss; the default if there are too few."""
    rows = np.flatnonzero(~np.isnan(screen[:, 0]))
    if len(rows) < LEAST_HELD_OUT:
        return SCREEN_SHARPNESS
    texts = [screens[row] for row in rows.tolist()]

    likely = terms.likelihood(texts, table.numbers)

    def loss(sharpness: float) -> float:
        probabilities = Fusion(sharpness={SCREEN: sharpness}).sharpen(SCREEN, screen[rows])
        return _log_loss(terms.weigh(probabilities, likely, table.numbers), table.columns[rows])

    return round(float(min(_SHARPNESSES, key=loss)), 2)


def _best_sharpness(probabilities: Probabilities, columns: NDArray[np.int64]) -> float:
    rows = np.flatnonzero(~np.isnan(probabilities[:, 0]))

    def loss(sharpness: float) -> float:
        sharpened = Fusion(sharpness={PICTURES: sharpness}).sharpen(PICTURES, probabilities[rows])
        return _log_loss(sharpened, columns[rows])

    return round(float(min(_SHARPNESSES, key=loss)), 2)


def _log_loss(probabilities: Probabilities, columns: NDArray[np.int64]) -> float:
    likely = probabilities[np.arange(len(columns)), columns]
    return float(-np.log(np.maximum(likely, 1e-6)).mean())


def _stack(
    table: Table,
    opinions: Opinions,
    pooled: Probabilities,
    fold: NDArray[np.int64],
    progress: Progress,
) -> tuple[stacking.Stack, Probabilities]:
    """Train the stack; also return out-of-fold probabilities, fused as in ``Parts.fuse``."""
    result = np.zeros((len(table.columns), len(table.numbers)))
    for number in np.unique(fold):
        training, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        features = [table.features[row] for row in training]
        one = stacking.train(opinions.select(training), features, table.columns[training])
        held = [table.features[row] for row in here]
        result[here] = one.fuse(pooled[here], opinions.select(here), held)
        progress(f"stack: fold {number + 1} of {FOLDS}")
    return stacking.train(opinions, table.features, table.columns), result


def _held_out(table: Table, opinions: Opinions, fused: Probabilities) -> HeldOut:
    decided = ~np.isnan(fused[:, 0])
    return HeldOut(fused[decided], table.columns[decided], opinions.masks()[decided])


def _measure(learned: _Learned, training: Table, held_out: Table, config: Config) -> dict[str, Any]:
    """Return figures on the held-out creatives.

    ``new``: of the new bundle. ``stacked``: whether it has a stack, which is so if the stack has a
    better macro-F1 than the pool. ``base``: of the base bundle. ``base_has_seen``: how many of
    these creatives the base was trained on. ``stack`` and ``pool``: macro-F1 with and without the
    stack, if there were enough creatives to try it.
    """
    segments = [one.segment for one in held_out.examples]

    def evaluate_parts(parts: Parts) -> Evaluation:
        return Bundle(parts).evaluate(held_out.features, segments, held_out.families)

    pooled = evaluate_parts(learned.parts)
    result: dict[str, Any] = {"new": pooled.facts(), "stacked": False}
    several = np.array([mask.bit_count() > 1 for mask in learned.opinions.masks().tolist()])
    if several.sum() >= stacking.LEAST_CREATIVES:
        stack = stacking.train(learned.opinions, training.features, training.columns)
        with_stack = evaluate_parts(replace(learned.parts, stack=stack))
        better = with_stack.macro_f1 > pooled.macro_f1
        result["stacked"] = better
        result["stack"] = with_stack.macro_f1
        result["pool"] = pooled.macro_f1
        if better:
            result["new"] = with_stack.facts()
    if config.base:
        result["base"] = evaluate_parts(config.base.parts).facts()
        texts = [one.speech or one.screen for one in held_out.features]
        seen = has_fingerprint(texts, config.base.parts.training_fingerprints)
        result["base_has_seen"] = int(seen.sum())
    return result


def _facts(
    table: Table, config: Config, figures: dict[str, Any], final: _Learned
) -> dict[str, Any]:
    automatic = by_other_folds(final.fused, table.columns, final.fold)
    grouped = evaluate(final.fused, table.columns, table.numbers, automatic, table.families)
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
