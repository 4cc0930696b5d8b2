"""The facts about a training, for the manifest of its bundle."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from classifier.decision.bundle import Bundle
from classifier.decision.rule import LEAST_HELD_OUT
from classifier.evaluation.figures import by_other_folds, evaluate
from classifier.learning.dataset import Example, Table
from classifier.learning.text_heads import LINEAR
from classifier.learning.types import Config, Trained
from classifier.text.lexicon import lexicon_digest
from classifier.text.linear_model import TextModel


def facts_of(
    dataset: Sequence[Example], table: Table, config: Config, learned: Trained
) -> dict[str, Any]:
    """Return the facts about a training, as JSON values."""
    parts, text, fused = learned.parts, learned.text, learned.fused
    masks = Counter(fused.masks.tolist())
    facts: dict[str, Any] = {
        "training": {
            "creatives": len(table.examples),
            "families": table.family_count,
            "by_channels": {str(mask): count for mask, count in sorted(masks.items())},
        },
        "left_out": asdict(table.left_out),
        "recipe": {
            "text": LINEAR if isinstance(parts.text, TextModel) else config.text,
            "pictures": config.pictures if parts.pictures else "",
            "encoder": config.encoder if parts.pictures else "",
            "seed": config.seed,
        },
        "origin": origin(dataset, config),
        "lineage": {
            "active": _digest(config.active),
            "teacher": _digest(text.teacher),
            "share_of_labels": text.share,
        },
        "metrics": {},
        "libraries": _libraries(),
    }
    if fused.scores:
        facts["fusion_scores"] = dict(zip(("stack", "pool"), fused.scores, strict=True))
    rows = fused.measured
    if rows.sum() >= LEAST_HELD_OUT:
        values, columns, fold = fused.probabilities[rows], table.columns[rows], learned.fold[rows]
        automatic = by_other_folds(values, columns, fold)
        figures = evaluate(values, columns, table.numbers, automatic, table.families[rows])
        facts["evaluation"] = figures.facts()
        facts["metrics"] = {
            "macro_f1_grouped": round(figures.macro_f1, 6),
            "ece_grouped": round(figures.ece, 6),
        }
    return facts


def origin(dataset: Sequence[Example], config: Config) -> dict[str, Any]:
    """Return what a bundle is made of, as JSON values: the examples, the ancestor and the options.

    Training again with the same origin is needless.
    """
    digest = hashlib.sha256()
    for one in dataset:
        vectors = sorted(one.features.vectors)
        parts = (one.id, one.segment, one.exam, one.features.speech, one.features.screen, vectors)
        digest.update(json.dumps(parts, ensure_ascii=False).encode())
    return {
        "examples": digest.hexdigest(),
        "ancestor": _digest(config.ancestor),
        "text": config.text,
        "pictures": config.pictures,
        "encoder": config.encoder,
        "least_labels": config.least_labels,
        "seed": config.seed,
        "lexicon": lexicon_digest(),
        "libraries": _libraries(),
    }


def _libraries() -> dict[str, str]:
    return {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "catboost")}


def _digest(bundle: Bundle | None) -> str:
    return bundle.artefact.digest if bundle and bundle.artefact else ""
