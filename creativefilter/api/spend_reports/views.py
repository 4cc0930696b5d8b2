"""Views of spend reports: the figures of the charts, and the creatives behind them."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, IntegerField
from django.db.models.functions import Cast
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from creativefilter.api.core import generics
from creativefilter.api.core.pagination import Column, CursorPages
from creativefilter.api.core.permissions import RolePermissions
from creativefilter.api.spend_reports.filters import SpendFilterSerializer, filters_of
from creativefilter.api.spend_reports.serializers import (
    MONTH,
    CreativeSpendSerializer,
    ExpectedReportSerializer,
    MonthlyQuerySerializer,
    MonthlyReportSerializer,
    ReportProgressSerializer,
    ReportQuerySerializer,
    ReportSerializer,
    key_of,
    name_of,
)
from creativefilter.spend.reports import expected_spend_jobs, figures
from creativefilter.spend.reports.figure_types import Dimension, Overview, Total
from creativefilter.spend.reports.simulation import COVERAGE
from creativefilter.spend.totals import recount_jobs


class Reports(generics.KnownParameters[Any]):
    """Base of the reports, which read their filters from the query string."""

    permission_classes = [RolePermissions]
    required = {"GET": "creatives.view_creative"}
    form_class: type[SpendFilterSerializer] = SpendFilterSerializer

    def parameter_names(self) -> set[str]:
        return super().parameter_names() | set(self.form_class().fields)

    def asked(self) -> dict[str, Any]:
        """Return the validated query string.

        Raises:
            ValidationError: A parameter is invalid.
        """
        form = self.form_class(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


class ReportView(Reports):
    """Sums of spend."""

    serializer_class = ReportSerializer
    form_class = ReportQuerySerializer

    @extend_schema(
        operation_id="spend_report",
        summary="Spend by segment, advertiser, brand, media type or month",
        parameters=[ReportQuerySerializer],
    )
    def get(self, request: Request) -> Response:
        asked = self.asked()
        is_current = recount_jobs.keep_up() is None
        filters, by = filters_of(asked), asked["by"]
        if by == MONTH:
            totals = figures.by_month(filters)
        else:
            totals = figures.totals(filters, Dimension(by), asked["most"])
        answer = {
            "by": by,
            "is_current": is_current,
            "overview": _overview(figures.overview(filters)),
            "rows": [_row(by, total) for total in totals],
        }
        return Response(self.get_serializer(answer).data)


def _overview(found: Overview) -> dict[str, Any]:
    return {
        "amount": found.amount,
        "placements": found.placements,
        "advertisements": found.advertisements,
        "classified": found.classified,
        "unclassified": found.unclassified,
        "without_creative": found.without_creative,
        "first": f"{found.first:%Y-%m}" if found.first else None,
        "last": f"{found.last:%Y-%m}" if found.last else None,
    }


def _row(by: str, total: Total) -> dict[str, Any]:
    return {
        "key": key_of(by, total.key),
        "name": name_of(by, total.key),
        "amount": total.amount,
        "placements": total.placements,
        "advertisements": total.advertisements,
        "share": total.share,
    }


class MonthlyReportView(Reports):
    """Sums of spend by month."""

    serializer_class = MonthlyReportSerializer
    form_class = MonthlyQuerySerializer

    @extend_schema(
        operation_id="spend_report_monthly",
        summary="Spend month by month, by segment, advertiser, brand or media type",
        parameters=[MonthlyQuerySerializer],
    )
    def get(self, request: Request) -> Response:
        asked = self.asked()
        is_current = recount_jobs.keep_up() is None
        by = asked["by"]
        found = figures.monthly(filters_of(asked), Dimension(by), asked["most"])
        series: list[dict[str, Any]] = [
            {"key": key_of(by, key), "name": name_of(by, key), "amounts": amounts}
            for key, amounts in zip(found.keys, found.amounts, strict=True)
        ]
        if found.rest:
            series.append({"key": None, "name": None, "amounts": found.rest})
        answer = {
            "by": by,
            "is_current": is_current,
            "months": [f"{month:%Y-%m}" for month in found.months],
            "series": series,
        }
        return Response(self.get_serializer(answer).data)


class ExpectedReportView(Reports):
    """Expected spend by segment."""

    serializer_class = ExpectedReportSerializer

    @extend_schema(
        operation_id="spend_report_expected",
        summary="Expected spend by segment, and the creatives to review first",
        description="A label counts fully, a prediction by its probabilities. With very many "
        "predictions the report is computed in the background.",
        parameters=[SpendFilterSerializer],
        responses={
            200: ExpectedReportSerializer,
            202: OpenApiResponse(
                ReportProgressSerializer,
                "There is no answer yet; ask again after `Retry-After` seconds.",
            ),
        },
    )
    def get(self, request: Request) -> Response:
        asked = self.asked()
        recount = recount_jobs.keep_up()
        study, job = expected_spend_jobs.get_or_queue(filters_of(asked))
        is_current = recount is None and job is None
        if study is None:
            progress = job.progress if job else 0
            wait = {"Retry-After": "5"}
            return Response({"progress": progress}, status.HTTP_202_ACCEPTED, headers=wait)
        answer = {
            "coverage": COVERAGE,
            "is_current": is_current,
            "made_at": study.made_at,
            "not_classified": study.estimate.not_classified,
            "segments": study.estimate.segments,
            "predicted": study.worth.predicted,
            "width": study.worth.width,
            "width_after": study.worth.width_after,
            "review": study.worth.creatives,
        }
        return Response(self.get_serializer(answer).data)


class CreativeSpendPages(CursorPages):
    """Pages with the largest spend first, then in the order of the advertisements' keys."""

    def _columns(self, queryset: Any, request: Request, view: Any) -> list[Column]:
        return [
            Column("units", True, BigIntegerField()),
            Column("advertisement", False, IntegerField()),
        ]


class CreativeSpendView(Reports):
    """Spend by creative."""

    serializer_class = CreativeSpendSerializer
    pagination_class = CreativeSpendPages

    @extend_schema(
        operation_id="spend_creatives",
        summary="Spend by creative, the largest first",
        parameters=[SpendFilterSerializer],
        responses={200: CreativeSpendSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        asked = self.asked()
        recount_jobs.keep_up()
        creatives = figures.creatives(filters_of(asked))
        # The stored integers of the amounts, which a cursor can hold exactly.
        sums = creatives.sums().annotate(units=Cast("amount", BigIntegerField()))
        rows = sums.values("advertisement", "amount", "placements", "units")
        page = self.paginate_queryset(rows) or []
        spent = creatives.described(
            [(row["advertisement"], row["amount"], row["placements"]) for row in page]
        )
        return self.get_paginated_response(self.get_serializer(spent, many=True).data)


urlpatterns = [
    path("report", ReportView.as_view(), name="spend-report"),
    path("report/monthly", MonthlyReportView.as_view(), name="spend-report-monthly"),
    path("report/expected", ExpectedReportView.as_view(), name="spend-report-expected"),
    path("creatives", CreativeSpendView.as_view(), name="spend-creatives"),
]
