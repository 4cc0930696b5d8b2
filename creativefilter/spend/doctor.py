"""System check of spend: sums that differ from the rows they are made of."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem
from creativefilter.spend.models import SpendImport
from creativefilter.spend.totals import checks

_REBUILD_ADVICE = gettext_lazy(
    "manage.py doctor --fix recomputes the totals from the rows, as manage.py check_spend "
    "--rebuild does. Imports wait meanwhile."
)
SUMS = Problem(
    "spend_sums_differ",
    gettext_lazy("Sums of spend that differ from their rows: %(count)d."),
    _REBUILD_ADVICE,
    repairable=True,
)
MISPLACED = Problem(
    "spend_misplaced",
    gettext_lazy("Advertisements whose spend is counted under another segment: %(count)d."),
    _REBUILD_ADVICE,
    repairable=True,
)
UNLINKED = Problem(
    "spend_unlinked",
    gettext_lazy("Creatives that are not linked to their spend: %(count)d."),
    _REBUILD_ADVICE,
    repairable=True,
)
ROWS_GONE = Problem(
    "spend_rows_gone",
    gettext_lazy("Imports of spend whose rows are missing: %(count)d."),
    gettext_lazy(
        "Rows were deleted from the database by hand, or lost. Restore it from a backup, or import "
        "these months again and replace them."
    ),
)


def look() -> Iterator[Finding]:
    """Compare the sums with the rows; yield a finding for each kind of difference."""
    found = checks.check()
    table = SpendImport._meta.db_table
    sums = [each for each in found.differences if each.table != table]
    imports = [each for each in found.differences if each.table == table]
    if sums:
        yield SUMS.found(map(str, sums))
    if imports:
        yield ROWS_GONE.found(map(str, imports))
    if found.misplaced:
        yield MISPLACED.found(count=found.misplaced)
    if found.unlinked:
        yield UNLINKED.found(count=found.unlinked)


doctor.register(
    Check(
        gettext_noop("sums of spend"),
        (SUMS, MISPLACED, UNLINKED, ROWS_GONE),
        look,
        checks.rebuild,
    )
)
