"""Export of the advertisements behind a figure as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from creativefilter.creatives.models import Prediction, Segment
from creativefilter.sheets.write import ColumnType, Sheet
from creativefilter.spend.models import NOT_CLASSIFIED
from creativefilter.spend.reports.creatives_of_figure import CreativesOfFigure, CreativeSpend
from creativefilter.spend.reports.filters import Filters


def predicted(filters: Filters) -> Sheet:
    """Return a table of all Advertisement IDs that the filters let through. Rows are streamed."""
    columns = (
        (_("Advertisement ID"), ColumnType.TEXT),
        (_("Segment number"), ColumnType.COUNT),
        (_("Segment"), ColumnType.TEXT),
        (_("Probability"), ColumnType.SHARE),
        (_("Decision"), ColumnType.TEXT),
        (_("Reviewed"), ColumnType.TEXT),
        (_("Spend, RUB"), ColumnType.MONEY),
        (_("Placements"), ColumnType.COUNT),
        (_("Advertiser"), ColumnType.TEXT),
        (_("Brand"), ColumnType.TEXT),
        (_("Media type"), ColumnType.TEXT),
        (_("Creative"), ColumnType.TEXT),
    )
    return Sheet(columns, _predicted_rows(CreativesOfFigure(filters)))


def _predicted_rows(creatives: CreativesOfFigure) -> Iterator[Sequence[Any]]:
    titles = {segment.number: segment.title for segment in Segment.objects.all()}
    for each in creatives.iterator():
        yield (
            each.advertisement_id,
            each.segment if each.segment != NOT_CLASSIFIED else None,
            titles.get(each.segment, _("Not classified")),
            each.probability,
            decision_of(each),
            _("yes") if each.reviewed else _("no"),
            each.amount,
            each.placements,
            each.advertiser,
            each.brand,
            each.media_type,
            each.name if each.creative else _("no creative here"),
        )


def decision_of(each: CreativeSpend) -> str:
    """Return in words who decides on the segment; "" if there is neither a label nor a creative."""
    if each.reviewed:
        return _("a person")
    if each.creative is None:
        return ""
    if each.decision is None:
        return _("no prediction yet")
    return str(Prediction.Decision(each.decision).label)
