"""Examples of requests and answers about spend."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from creativefilter.api.core.examples import HERE, WHEN, answered, asked

JOB = "0b6ee6e2-6f0b-4f5b-9d5c-2f4c1c1b7a10"
_CARDS = {"segment_num": 12, "segment": "Кредитные карты"}
_OVERVIEW = {
    "amount": "2750000.7500",
    "placements": 4,
    "advertisements": 3,
    "classified": 1,
    "unclassified": 1,
    "without_creative": 1,
    "first": "2021-03",
    "last": "2022-04",
}

REPORT = answered(
    "By segment",
    {
        "by": "segment",
        "is_current": True,
        "overview": _OVERVIEW,
        "rows": [
            {
                "key": "12",
                "name": "Кредитные карты",
                "amount": "2000000.2500",
                "placements": 2,
                "advertisements": 1,
                "share": 0.727,
            },
            {
                "key": "none",
                "name": None,
                "amount": "750000.5000",
                "placements": 2,
                "advertisements": 2,
                "share": 0.273,
            },
        ],
    },
)
MONTHLY = answered(
    "By media type",
    {
        "by": "media_type",
        "is_current": True,
        "months": ["2021-03", "2021-04"],
        "series": [
            {"key": "TV Nat", "name": "TV Nat", "amounts": ["2000000.2500", "0.0000"]},
            {"key": "Radio", "name": "Radio", "amounts": ["0.0000", "500000.0000"]},
        ],
    },
)
EXPECTED = answered(
    "One segment",
    {
        "coverage": 0.9,
        "is_current": True,
        "made_at": None,
        "not_classified": "750000.5000",
        "segments": [
            {
                **_CARDS,
                "counted": "2000000.2500",
                "certain": "1000000.0000",
                "expected": "1940000.2400",
                "low": "1700000.0000",
                "high": "2000000.2500",
            }
        ],
        "predicted": 40,
        "width": "300000.2500",
        "width_after": "120000.0000",
        "review": [
            {
                "creative": 4711,
                "url": f"{HERE}/creatives/4711",
                "advertisement_id": "4297908",
                "name": "4297908.mp4",
                "segment_num": 12,
                "probability": 0.55,
                "amount": "300000.0000",
                "at_stake": "149248.1156",
                "share": 0.61,
            }
        ],
    },
)
BEING_MADE = answered("Not yet", {"progress": 40}, 202)
SPENT = answered(
    "A row of the list",
    {
        "advertisement_id": "4297908",
        "creative": 4711,
        "url": f"{HERE}/creatives/4711",
        "name": "4297908.mp4",
        **_CARDS,
        "probability": 0.94,
        "decision": "auto",
        "reviewed": False,
        "advertiser": "БАНК",
        "brand": "БАНК",
        "media_type": "TV Nat",
        "amount": "2000000.2500",
        "placements": 2,
    },
)

_FILTERS = {"from": "2023-01", "to": "2023-12", "segment": ["12", "none"]}
_EXPORT: dict[str, Any] = {
    "id": JOB,
    "url": f"{HERE}/exports/{JOB}",
    "job_url": f"{HERE}/jobs/{JOB}",
    "kind": "creatives",
    "format": "xlsx",
    "filters": {**_FILTERS, "advertiser": [], "brand": [], "media_type": [], "reviewed": None},
    "state": "queued",
    "progress": 0,
    "created_at": WHEN,
    "finished_at": None,
    "error": None,
    "rows": None,
    "bytes": None,
    "download_url": None,
    "kept_until": None,
}
EXPORT_CREATE = asked(
    "A year of two segments", {"kind": "creatives", "format": "xlsx", "filters": _FILTERS}
)
EXPORT_QUEUED = answered("It is queued", _EXPORT, 202)
EXPORT_DONE = answered(
    "It can be fetched",
    {
        **_EXPORT,
        "state": "done",
        "progress": 100,
        "finished_at": WHEN,
        "rows": 18239,
        "bytes": 1048576,
        "download_url": f"{HERE}/exports/{JOB}/download",
        "kept_until": "2026-11-09T09:30:00Z",
    },
)

_MONTHS = [{"month": "2023-01-01", "rows": 1200, "amount": "2750000.7500"}]
_IMPORT: dict[str, Any] = {
    "id": 8,
    "url": f"{HERE}/spend/imports/8",
    "name": "spend-2023.csv",
    "state": "imported",
    "mode": "add",
    "strict": False,
    "rows": 1200,
    "bad_rows": 1,
    "amount": "2750000.7500",
    "owner": "anna",
    "created_at": WHEN,
    "imported_at": WHEN,
    "error": None,
    "job": {"id": JOB, "url": f"{HERE}/jobs/{JOB}", "state": "done", "progress": 100},
}
_DETAILS: dict[str, Any] = {
    "header": ["Advertisement ID", "Advertiser", "Brand", "Media type", "Cost", "Year", "Month"],
    "report": {
        "container": "csv",
        "encoding": "utf-8",
        "delimiter": ";",
        "decimal_mark": ",",
        "rows": 1200,
        "bad_rows": 1,
        "rounded": 0,
        "amount": "2750000.7500",
        "advertisements": 300,
        "known_creatives": 280,
        "months": _MONTHS,
        "existing": [],
        "known_import": None,
        "bad_examples": [
            {
                "line": 17,
                "reason": "not_a_number",
                "message": "the cost is not a number",
                "cells": ["4297908", "БАНК", "БАНК", "TV Nat", "дорого", "2023", "1"],
            }
        ],
    },
    "bad_rows_url": f"{HERE}/spend/imports/8/bad-rows.csv",
}
_WAITING: dict[str, Any] = {
    "state": "uploaded",
    "mode": "",
    "rows": 0,
    "bad_rows": 0,
    "amount": "0.0000",
    "imported_at": None,
    "job": {"id": JOB, "url": f"{HERE}/jobs/{JOB}", "state": "queued", "progress": 0},
    "header": [],
    "report": None,
}
IMPORTS = answered("A row of the list", _IMPORT)
IMPORT = answered("An import that is done", {**_IMPORT, **_DETAILS})
IMPORT_QUEUED = answered("It is queued", {**_IMPORT, **_DETAILS, **_WAITING}, 202)
IMPORT_CREATE = asked(
    "A look at a file",
    {"file": "the bytes of spend-2023.csv", "dry_run": True},
    "multipart/form-data",
)
IMPORT_START = asked("Once more, instead of what is there", {"mode": "replace", "strict": False})
BAD_ROWS = OpenApiExample(
    "One row",
    value="line of the file;reason;Advertisement ID;Cost\r\n17;not_a_number;4297908;дорого\r\n",
    response_only=True,
    media_type="text/csv",
)
