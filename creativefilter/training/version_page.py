"""Tables, notes and report page of a model version, from the facts of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from creativefilter.creatives.models import ModelVersion
from creativefilter.training import figure_tables
from creativefilter.training.comparison import stored_comparison
from creativefilter.training.facts import facts_of
from creativefilter.training.figure_tables import Measured
from creativefilter.training.label_use import LabelUse

if TYPE_CHECKING:
    from creativefilter.training.html_report import Page


def measured(version: ModelVersion) -> list[Measured]:
    """Return the stored evaluations of a version.

    These are its figures on the exam set, those of the version that was active then, and
    out-of-fold figures. Versions of release 0.2 have figures on creatives that were held out
    instead of the exam set.

    Raises:
        KeyError, TypeError, ValueError: The facts have another structure.
    """
    from classifier.evaluation.figures import Evaluation

    facts = facts_of(version)
    compared, held_out = stored_comparison(version), facts.get("hold_out", {})
    result = []
    if compared.new:
        result.append(Measured(_("this version, exam set"), compared.new))
    if compared.old:
        title = _("%s, active before, on the same creatives") % compared.old_name
        result.append(Measured(title, compared.old))
    if "new" in held_out:
        result.append(Measured(_("this version, held out"), Evaluation.from_facts(held_out["new"])))
    if "evaluation" in facts:
        title = _("its training creatives, out of fold")
        result.append(Measured(title, Evaluation.from_facts(facts["evaluation"])))
    return result


def notes(version: ModelVersion) -> list[str]:
    """Return sentences about the training data, the lineage and the choices of the training."""
    facts = facts_of(version)
    training, lineage = facts.get("training", {}), facts.get("lineage", {})
    count = training.get("creatives", training.get("rows"))
    sentences = []
    if count:
        sentences.append(
            _("Trained on %(count)d labelled creatives, %(families)d without near duplicates.")
            % {"count": count, "families": training.get("families", count)}
        )
    if "left_out" in facts:
        sentences.append(str(LabelUse.of(version)))
        sentences.append(_lineage(lineage))
        sentences.append(str(stored_comparison(version)))
    if scores := facts.get("fusion_scores"):
        sentences.append(
            _("Out of fold, stacking reached macro-F1 %(stack)s, pooling %(pool)s.")
            % {name: figure_tables.format_figure(score) for name, score in scores.items()}
        )
    return sentences


def _lineage(lineage: dict[str, Any]) -> str:
    """Return a sentence about the text model that is mixed into that of the version."""
    if not lineage["teacher"]:
        return _("Its text model was trained on the labels alone.")
    teacher = ModelVersion.objects.filter(digest=lineage["teacher"]).first()
    name = str(teacher) if teacher else lineage["teacher"][:8]
    share = lineage["share_of_labels"]
    if not share:
        return _("Its text model is that of %s, unchanged.") % name
    return _(
        "Its text model is mixed with that of %(version)s, which has the weight %(weight)s."
    ) % {
        "version": name,
        "weight": figure_tables.percent(1 - share, 0),
    }


def admin_context(version: ModelVersion) -> dict[str, Any]:
    """Return the context of the version's admin page: notes and tables.

    If the manifest has no readable figures, a note says so and there are no tables.
    """
    try:
        measurements, sentences = measured(version), notes(version)
    except (KeyError, TypeError, ValueError):
        measurements, sentences = [], []
    if not measurements and not sentences:
        return {"notes": [_("The figures of this version can't be read.")], "grids": []}
    if not measurements:
        return {"notes": sentences, "grids": []}
    grids = [
        figure_tables.quality(measurements),
        figure_tables.automation(measurements),
        *figure_tables.details(measurements[0].evaluation),
    ]
    return {"notes": sentences, "grids": grids}


def page_of(version: ModelVersion) -> Page | None:
    """Return the report page of a version; None if its manifest has no readable figures."""
    from creativefilter.training.html_report import Page

    try:
        measurements, sentences = measured(version), notes(version)
    except (KeyError, TypeError, ValueError):
        return None
    if not measurements:
        return None
    return Page(str(version), sentences, measurements, measurements[:1])
