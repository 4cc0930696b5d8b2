"""The report of an evaluation: a self-contained HTML page with charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from creativefilter.training import figure_tables
from creativefilter.training.figure_tables import Grid, Measured, segment_titles

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from classifier.evaluation.figures import Evaluation

_PLAIN = {"displayModeBar": False, "responsive": True}
_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
_FONT = {"family": "system-ui, sans-serif", "size": 13, "color": "#1f2937"}
_BLUE, _TEAL, _AMBER, _GREY = "#2563eb", "#0d9488", "#d97706", "#9ca3af"


@dataclass(frozen=True, slots=True)
class Section:
    """The charts and tables of one evaluation."""

    title: str
    confusion: SafeString
    curve: SafeString
    bars: SafeString
    grids: list[Grid]


@dataclass(frozen=True, slots=True)
class Page:
    """The contents of a report.

    ``model``: its name. ``notes``: sentences at the top. ``measured``: the evaluations compared in
    tables. ``drawn``: the evaluations shown with charts.
    """

    model: str
    notes: Sequence[str]
    measured: Sequence[Measured]
    drawn: Sequence[Measured]


def write(path: Path, page: Page) -> None:
    """Write the page in the user's language.

    Raises:
        OSError: The file can't be written.
    """
    path.write_text(render(page), encoding="utf-8")


def render(page: Page, nonce: str = "") -> str:
    """Render the page as HTML. Plotly is included, so that nothing is fetched.

    Args:
        page: The contents.
        nonce: The nonce of the content security policy for scripts; "" for a file.
    """
    from plotly.offline import get_plotlyjs

    return render_to_string(
        "training/evaluation.html",
        {
            "language": (get_language() or "ru")[:2],
            "model": page.model,
            "made": timezone.localtime(),
            "notes": page.notes,
            "overview": (
                figure_tables.quality(page.measured),
                figure_tables.automation(page.measured),
            ),
            "sections": [_section(one, nonce) for one in page.drawn],
            "nonce": nonce,
            "plotly": mark_safe(get_plotlyjs()),  # noqa: S308  the library's own code
        },
    )


def _section(measured: Measured, nonce: str) -> Section:
    evaluation = measured.evaluation
    return Section(
        measured.title,
        _chart(_confusion(evaluation), nonce),
        _chart(_curve(evaluation), nonce),
        _chart(_bars(evaluation), nonce),
        figure_tables.details(evaluation),
    )


def _chart(figure: Figure, nonce: str) -> SafeString:
    comma = (get_language() or "ru").startswith("ru")
    figure.update_layout(
        template="plotly_white",
        font=_FONT,
        margin=_MARGIN,
        separators=", " if comma else ".,",
        hoverlabel={"bgcolor": "white", "font": _FONT},
    )
    html = figure.to_html(full_html=False, include_plotlyjs=False, config=_PLAIN)
    if nonce:
        html = html.replace("<script", f'<script nonce="{nonce}"')
    return mark_safe(html)  # noqa: S308  numbers, and names from our own dictionary


def _confusion(evaluation: Evaluation) -> Figure:
    """Return a heat map: rows are true segments, columns decided ones, colours row shares."""
    import plotly.graph_objects as go

    counts, numbers = evaluation.confusion, evaluation.numbers
    occurring = [
        place for place in range(len(numbers)) if counts[place].any() or counts[:, place].any()
    ]
    across = [*occurring, *([len(numbers)] if evaluation.undecided else [])]
    titles = segment_titles(numbers)
    names = [titles[numbers[place]] for place in occurring]
    decided = [*names, *([_("undecided")] if evaluation.undecided else [])]
    cells = counts[occurring][:, across]
    shares = cells / counts[occurring].sum(axis=1, keepdims=True).clip(min=1)
    pairs = [
        [f"{count} ({figure_tables.percent(share, 0)})" for count, share in zip(*row, strict=True)]
        for row in zip(cells.tolist(), shares.tolist(), strict=True)
    ]
    hover = _("labelled: %(true)s<br>decided: %(said)s<br>creatives: %(count)s")
    places = {"true": "%{y}", "said": "%{x}", "count": "%{customdata}"}
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=decided, y=names, customdata=pairs,
            text=[[str(count or "") for count in row] for row in cells.tolist()],
            texttemplate="%{text}", hovertemplate=hover % places + "<extra></extra>",
            colorscale="Blues", zmin=0, zmax=1, xgap=1, ygap=1, showscale=False,
        )
    )  # fmt: skip
    figure.update_yaxes(
        autorange="reversed", title=_("labelled as"), automargin=True, ticklabelstandoff=6
    )
    figure.update_xaxes(side="top", tickangle=-45, title=_("decided as"), automargin=True)
    figure.update_layout(height=220 + 32 * len(occurring))
    return figure


def _curve(evaluation: Evaluation) -> Figure:
    """Return the calibration curve: accuracy against mean probability in each tenth."""
    import plotly.graph_objects as go

    probabilities, accuracies, counts = (
        zip(*evaluation.curve, strict=True) if evaluation.curve else ((),) * 3
    )
    largest = max(counts, default=1)
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", name=_("perfect calibration"),
                line={"color": _GREY, "dash": "dash"}, hoverinfo="skip",
            ),
            go.Scatter(
                x=probabilities, y=accuracies, mode="lines+markers", name=_("measured"),
                line={"color": _BLUE}, cliponaxis=False,
                marker={"size": [7 + 17 * (count / largest) ** 0.5 for count in counts]},
                customdata=counts,
                hovertemplate=_("probability %(sure)s<br>right %(right)s<br>creatives: %(count)s")
                % {"sure": "%{x:.1%}", "right": "%{y:.1%}", "count": "%{customdata}"}
                + "<extra></extra>",
            ),
        ]
    )  # fmt: skip
    axis: dict[str, Any] = {"tickformat": ".0%", "range": [0, 1.03], "automargin": True}
    figure.update_xaxes(title=_("mean probability"), **axis)
    figure.update_yaxes(title=_("share of right decisions"), **axis)
    figure.update_layout(height=420, legend={"x": 0.02, "y": 0.98})
    return figure


def _bars(evaluation: Evaluation) -> Figure:
    """Return bars of precision, recall and F1 of each segment, in the order of the dictionary."""
    import plotly.graph_objects as go

    titles = segment_titles(evaluation.numbers)
    names = [titles[one.number] for one in evaluation.segments]
    counts = [one.count for one in evaluation.segments]
    hover = "%{y}<br>%{fullData.name}: %{x:.3f}<br>"
    hover += _("creatives: %s") % "%{customdata}" + "<extra></extra>"
    series = (
        (_("precision"), _TEAL, [one.precision for one in evaluation.segments]),
        (_("recall"), _AMBER, [one.recall for one in evaluation.segments]),
        ("F1", _BLUE, [one.f1 for one in evaluation.segments]),
    )
    figure = go.Figure(
        [
            go.Bar(
                y=names, x=values, name=name, orientation="h", marker={"color": colour},
                customdata=counts, hovertemplate=hover,
            )
            for name, colour, values in series
        ]
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", automargin=True, ticklabelstandoff=6)
    figure.update_xaxes(range=[0, 1], side="top")
    figure.update_layout(
        barmode="group",
        bargap=0.25,
        height=110 + 46 * max(1, len(names)),
        legend={"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
    )
    return figure
