"""View that sets one segment for all creatives behind a figure.

Preview, confirmation and undoing are those of ``creatives.admin.label_batch_page``.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from creativefilter.creatives.admin.label_batch_page import EXAMPLES, Listed, answer, ticked
from creativefilter.creatives.models import Creative
from creativefilter.spend.admin.filter_bar import address, chips_of
from creativefilter.spend.admin.notices import keep_up
from creativefilter.spend.admin.wording import segment_names
from creativefilter.spend.reports import figures
from creativefilter.spend.reports.filters import Filters
from creativefilter.ui.formats import format_number
from creativefilter.ui.pages import Theme


def relabel(theme: Theme, request: HttpRequest) -> HttpResponse:
    """Label the creatives ``?creative=…``; without any, all that the filters let through."""
    keep_up()
    filters, chosen = Filters.of(request.GET), ticked(request)
    if chosen:
        back = address("charts", filters, tab="certainty")
        creatives = Creative.objects.real().filter(pk__in=chosen)
        return answer(theme, request, Listed(creatives, back, [_("ticked one by one")]))
    listed, overview = figures.creatives(filters), figures.overview(filters)
    facts = [_("Spend of the list: %s ₽") % format_number(overview.amount)]
    if overview.without_creative:
        left = format_number(overview.without_creative)
        facts.append(_("Advertisement IDs without a creative here, left out: %s") % left)
    largest = [each.creative for each in listed[:EXAMPLES] if each.creative]
    found = Creative.objects.in_bulk(largest)
    return answer(
        theme,
        request,
        Listed(
            creatives=listed.creatives(),
            back=address("advertisement_changelist", filters),
            chips=[name for name, _rest in chips_of(filters, segment_names())],
            facts=facts,
            examples=[found[key] for key in largest if key in found],
        ),
    )
