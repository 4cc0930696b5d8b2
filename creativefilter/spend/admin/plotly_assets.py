"""Plotly's JavaScript, served from the installed Python package, and its translated texts."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.dates import MONTHS, MONTHS_3, WEEKDAYS, WEEKDAYS_ABBR
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

_YEAR_SECONDS = 365 * 24 * 3600


def plotly_version() -> str:
    """Return the version of the Python package, which contains the JavaScript library."""
    return version("plotly")


def plotly(request: HttpRequest, release: str) -> HttpResponse:
    """Serve the library. Its address contains its version, so browsers may cache it for good."""
    if release != plotly_version():
        raise Http404
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    body = _packed() if packed else gzip.decompress(_packed())
    response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
    if packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@lru_cache(maxsize=1)
def _packed() -> bytes:
    """Return the compressed library (4.8 MB become 1.4 MB); each process compresses it once."""
    # Read as a file: importing the package takes longer than compressing.
    source = files("plotly").joinpath("package_data/plotly.min.js")
    return gzip.compress(source.read_bytes(), 6)


def words() -> dict[str, Any]:
    """Return the texts and the formats of dates and numbers for the page's script."""
    russian = (get_language() or "ru").startswith("ru")
    sunday_first = [6, 0, 1, 2, 3, 4, 5]
    return {
        "locale": "ru" if russian else "en",
        "separators": ",\u202f" if russian else ".,",
        "format": {
            "days": [str(WEEKDAYS[day]) for day in sunday_first],
            "shortDays": [str(WEEKDAYS_ABBR[day]) for day in sunday_first],
            "months": [capfirst(str(MONTHS[month])) for month in range(1, 13)],
            "shortMonths": [capfirst(str(MONTHS_3[month])) for month in range(1, 13)],
            "date": "%d.%m.%Y" if russian else "%m/%d/%Y",
        },
        "dictionary": {
            "Autoscale": _("Show everything"),
            "Box Select": _("Box select"),
            "Click to enter Component A title": "",
            "Double-click to zoom back out": _("Double-click to show everything"),
            "Lasso Select": _("Lasso select"),
            "Pan": _("Pan"),
            "Reset axes": _("Reset the view"),
            "Zoom": _("Zoom"),
            "Zoom in": _("Zoom in"),
            "Zoom out": _("Zoom out"),
        },
        "png": _("Save as PNG"),
        "rest": _("Rows that are only in the download: %s"),
        "failed": _("The chart could not be loaded. Try again."),
        "nothing": _("No spend matches these filters."),
        "creatives": _("Creatives"),
        "only": _("Show only this"),
        "spent": _("mln ₽"),
        "refine": _("Only the largest are shown: type a part of the name."),
    }
