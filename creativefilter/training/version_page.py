"""Tables, notes and report page of a model version, from the facts of its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from creativefilter.creatives import model_versions
from creativefilter.training import figure_tables
from creativefilter.training.figure_tables import Measured

if TYPE_CHECKING:
    from creativefilter.creatives.models import ModelVersion
    from creativefilter.training.html_report import Page


def facts_of(version: ModelVersion) -> dict[str, Any]:
    """Return the facts of the version's manifest; {} if the folder is missing or damaged."""
    try:
        text = (Path(model_versions.path(version)) / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def measured(facts: dict[str, Any]) -> list[Measured]:
    """Return the evaluations in a manifest's facts.

    These are the version's figures on held-out creatives, those of the previous version on the same
    creatives, and out-of-fold figures.

    Raises:
        KeyError, TypeError, ValueError: The facts have another structure.
    """
    from classifier.evaluation.figures import Evaluation

    result = []
    held_out = facts.get("hold_out", {})
    if "new" in held_out:
        result.append(Measured(_("this version, held out"), Evaluation.from_facts(held_out["new"])))
    if "base" in held_out:
        title = _("the previous version, on the same creatives")
        result.append(Measured(title, Evaluation.from_facts(held_out["base"])))
    if "evaluation" in facts:
        title = _("all its training creatives, out of fold")
        result.append(Measured(title, Evaluation.from_facts(facts["evaluation"])))
    return result


def notes(facts: dict[str, Any]) -> list[str]:
    """Return sentences about the training data and the choice between stacking and pooling."""
    training, held_out = facts.get("training", {}), facts.get("hold_out", {})
    count = training.get("creatives", training.get("rows"))
    sentences = []
    if count:
        sentences.append(
            _("Trained on %(count)d labelled creatives, %(families)d without near duplicates.")
            % {"count": count, "families": training.get("families", count)}
        )
    if held_out.get("base_has_seen"):
        sentences.append(
            _(
                "The previous version was trained on %d of the held-out creatives: its figures "
                "are too good."
            )
            % held_out["base_has_seen"]
        )
    if "stack" in held_out:
        sentences.append(
            _("On held-out creatives stacking reached macro-F1 %(stack)s, pooling %(pool)s.")
            % {
                "stack": figure_tables.format_figure(held_out["stack"]),
                "pool": figure_tables.format_figure(held_out["pool"]),
            }
        )
    return sentences


def admin_context(version: ModelVersion) -> dict[str, Any]:
    """Return the context of the version's admin page: notes and tables.

    If the manifest has no readable figures, a note says so and there are no tables.
    """
    facts = facts_of(version)
    try:
        measurements = measured(facts)
    except (KeyError, TypeError, ValueError):
        measurements = []
    if not measurements:
        return {"notes": [_("The figures of this version can't be read.")], "grids": []}
    grids = [
        figure_tables.quality(measurements),
        figure_tables.automation(measurements),
        *figure_tables.details(measurements[0].evaluation),
    ]
    return {"notes": notes(facts), "grids": grids}


def page_of(version: ModelVersion) -> Page | None:
    """Return the report page of a version; None if its manifest has no readable figures."""
    from creativefilter.training.html_report import Page

    facts = facts_of(version)
    try:
        measurements = measured(facts)
    except (KeyError, TypeError, ValueError):
        return None
    return (
        Page(str(version), notes(facts), measurements, measurements[:1]) if measurements else None
    )
