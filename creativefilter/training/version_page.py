"""What a model version says of itself: its manifest as tables, notes and a page."""

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
    """The facts of its manifest; empty where the folder is gone or damaged."""
    try:
        text = (Path(model_versions.path(version)) / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def measured(facts: dict[str, Any]) -> list[Measured]:
    """Its figures: held out, those of the version before on the same creatives, out of fold.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for facts of another program.
    """
    from classifier.evaluation.figures import Evaluation

    result = []
    held_out = facts.get("hold_out", {})
    if "new" in held_out:
        result.append(Measured(_("this version, held out"), Evaluation.from_facts(held_out["new"])))
    if "base" in held_out:
        title = _("the version before, the same creatives")
        result.append(Measured(title, Evaluation.from_facts(held_out["base"])))
    if "evaluation" in facts:
        title = _("all creatives that it learned from, out of fold")
        result.append(Measured(title, Evaluation.from_facts(facts["evaluation"])))
    return result


def notes(facts: dict[str, Any]) -> list[str]:
    """From what it was learned, in sentences."""
    training, held_out = facts.get("training", {}), facts.get("hold_out", {})
    count = training.get("creatives", training.get("rows"))
    said = []
    if count:
        said.append(
            _("Learned from %(count)d labelled creatives, %(families)d without near duplicates.")
            % {"count": count, "families": training.get("families", count)}
        )
    if held_out.get("base_has_seen"):
        said.append(
            _("The version before has learned from %d of the creatives held out: it looks better.")
            % held_out["base_has_seen"]
        )
    if "stack" in held_out:
        said.append(
            _("Stacking was tried on what was held out: macro-F1 %(stack)s, pooling %(pool)s.")
            % {
                "stack": figure_tables.shown(held_out["stack"]),
                "pool": figure_tables.shown(held_out["pool"]),
            }
        )
    return said


def told_of(version: ModelVersion) -> dict[str, Any]:
    """What its page in the admin shows; without figures where there are none that can be read."""
    facts = facts_of(version)
    try:
        shown = measured(facts)
    except (KeyError, TypeError, ValueError):
        shown = []
    if not shown:
        return {"notes": [_("Its figures can't be read.")], "grids": []}
    grids = [
        figure_tables.quality(shown),
        figure_tables.automation(shown),
        *figure_tables.details(shown[0].evaluation),
    ]
    return {"notes": notes(facts), "grids": grids}


def page_of(version: ModelVersion) -> Page | None:
    """Its figures as a page with charts; None where there are none that can be read."""
    from creativefilter.training.html_report import Page

    facts = facts_of(version)
    try:
        shown = measured(facts)
    except (KeyError, TypeError, ValueError):
        return None
    return Page(str(version), notes(facts), shown, shown[:1]) if shown else None
