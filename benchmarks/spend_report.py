"""How long do the charts of spend by segment take, and are their intervals right?

    python benchmarks/spend_report.py reference      # 386,693 rows, SQLite and PostgreSQL
    python benchmarks/spend_report.py large          # 10 million generated rows, PostgreSQL
    python benchmarks/spend_report.py intervals      # coverage, simulated and on real transcripts
    python benchmarks/spend_report.py --quick        # 200 generated rows; coverage, simulated

Times are medians of ``RUNS`` warm runs with the slowest of four filters. "first" is the first run
after a change of spend or segments, when no counts of advertisements are cached. The baseline
("plain") computes the sums and placements of the same chart, but not the counts of advertisements,
by a GROUP BY over the spend rows, joined with the brand lines and the advertisements' segments.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common, spend_intervals  # noqa: E402

RUNS = 5
TARGETS = {"reference": 0.150, "large": 0.500}
# Measured, but without a target.
NOT_CHARTS = {"page of creatives", "intervals"}
ADVERTISEMENTS, QUICK_ADVERTISEMENTS, ROWS_EACH = 500_000, 10, 20


def main() -> None:
    if sys.argv[1:2] == ["child"]:
        run_child(sys.argv[2], int(sys.argv[3]))
        return
    parser = common.options(__doc__)
    choices = ("reference", "large", "intervals")
    parser.add_argument("data_set", nargs="?", choices=choices, default="reference")
    options = parser.parse_args()
    if options.quick:
        spend_intervals.main(None, 20)
    elif options.data_set == "intervals":
        spend_intervals.main(common.REFERENCE, spend_intervals.RESAMPLES)
        return
    generated = options.quick or options.data_set == "large"
    count = QUICK_ADVERTISEMENTS if options.quick else ADVERTISEMENTS
    with common.new_databases() as new:
        for kind in ["PostgreSQL"] if generated else ["PostgreSQL", "SQLite"]:
            data_set = "large" if generated else "reference"
            print(f"{kind}, {data_set}", flush=True)
            common.child(__file__, *new(kind, "report"), ["child", data_set, str(count)])


def run_child(data_set: str, advertisements: int) -> None:
    common.start_django()
    if data_set == "reference":
        load_reference()
    else:
        generate(advertisements)
    print_times(TARGETS[data_set])


def load_reference() -> None:
    from tests.spend import reference_spend

    reference_spend.load(common.REFERENCE)
    analyze()


# 200 brands of 150 advertisers in 5 media types over 65 months. As in the reference data, most
# advertisements have one brand and run for a few months; each has 20 rows. Amounts span more than
# four orders of magnitude.
GENERATED = """
    SELECT setseed(0.5);
    INSERT INTO spend_line (id, advertiser, brand, media_type)
        SELECT b * 5 + m, 'Advertiser ' || b % 150, 'Brand ' || b, 'Media ' || m
        FROM generate_series(0, 199) b, generate_series(1, 5) m;
    INSERT INTO creatives_creative (id, advertisement_id, name, state, error_code, advertiser,
            brand, media_type, is_demo, created_at)
        SELECT i, i, i, 'done', '', '', '', '', FALSE, now() FROM generate_series(1, {count}) i
        WHERE i % 20 > 0;
    INSERT INTO spend_advertisement (id, advertisement_id, creative_id, segment, reviewed, stale)
        SELECT i, i, CASE WHEN i % 20 > 0 THEN i END,
            CASE WHEN i % 20 > 0 THEN floor(18 * random() ^ 2)::int ELSE -1 END,
            i % 20 > 0 AND i % 3 = 0, FALSE
        FROM generate_series(1, {count}) i;
    UPDATE spend_advertisement SET segment = 18 WHERE segment = 6;
    INSERT INTO spend_spendimport (id, file, name, digest, state, mode, strict, rows, bad_rows,
            amount, header, report, error_code, error_params, created_at)
        VALUES (1, '', 'generated', '', 'imported', '', FALSE, 0, 0, 0, '[]', '{{}}', '', '{{}}',
            now());
    INSERT INTO spend_spendrow (spend_import_id, advertisement_id, line_id, month, amount)
        SELECT 1, a.i, (a.brand + CASE WHEN random() < 0.01 THEN 1 ELSE 0 END) % 200 * 5
                + 1 + floor(5 * random() ^ 2)::int,
            (DATE '2018-01-01' + (a.start + floor(a.length * random())::int)
                * INTERVAL '1 month')::date,
            floor(exp(5 + 10 * random()) * 10000)::bigint
        FROM (SELECT i, floor(200 * random() ^ 1.5)::int AS brand,
                floor(60 * random())::int AS start, 1 + floor(6 * random() ^ 2)::int AS length
            FROM generate_series(1, {count}) i) a, generate_series(1, {each});
"""


def generate(advertisements: int) -> None:
    from django.db import connection

    from creativefilter.spend.totals import checks, spend_totals

    sql = GENERATED.format(count=advertisements, each=ROWS_EACH)
    with connection.cursor() as cursor:
        for statement in sql.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute(checks.FILL_MONTHS)
    spend_totals.rebuild()
    analyze()


def charts() -> dict[str, tuple[Callable[[Any], object], str]]:
    """Return for each chart the function that computes it and the baseline's GROUP BY columns.

    The columns are separated by spaces; "" means that there is no baseline.
    """
    from creativefilter.spend.reports import expected_spend, figures
    from creativefilter.spend.reports.figure_types import Dimension

    names = {each: f"brand_line__{each}" for each in Dimension} | {
        Dimension.SEGMENT: "advertisement__segment"
    }
    found: dict[str, tuple[Callable[[Any], object], str]] = {}
    for each, name in names.items():
        found[f"monthly, {each}"] = (partial(figures.monthly, dimension=each), f"month {name}")
    for each, name in names.items():
        found[f"totals, {each}"] = (partial(figures.totals, dimension=each), name)
    leaves = "brand_line__advertiser brand_line__brand advertisement__segment"
    return found | {
        "year over year": (figures.year_over_year, "month"),
        "tree": (figures.tree, leaves),
        "placements": (figures.placements, "brand_line__advertiser"),
        "overview": (figures.overview, ""),
        "page of creatives": (lambda filters: figures.creatives(filters)[:50], "advertisement"),
        "intervals": (expected_spend.study, ""),
    }


def print_times(target: float) -> None:
    from creativefilter.spend.reports import answer_cache

    settings = sample_filters()
    print(f"  {'':24}{'median':>8}{'first':>8}{'plain':>8}   ratio    (ms; median under "
          f"{target * 1000:.0f})")  # fmt: skip
    version = answer_cache.version
    changes = count()
    for name, (compute, grouped) in charts().items():
        medians, first_runs = [], []
        for each in settings:
            answer_cache.version = lambda: (next(changes),)
            first_runs.append(seconds(compute, each))
            answer_cache.version = version
            compute(each)
            medians.append(statistics.median(seconds(compute, each) for _ in range(RUNS)))
        worst = max(range(len(settings)), key=medians.__getitem__)
        line = f"  {name:24}{medians[worst] * 1000:8.0f}{max(first_runs) * 1000:8.0f}"
        if grouped:
            plain = statistics.median(
                seconds(partial(plain_sums, columns=grouped.split()), settings[worst])
                for _ in range(3 if target < 0.3 else 1)
            )
            line += f"{plain * 1000:8.0f}{plain / medians[worst]:7.1f}x"
        verdict = "" if medians[worst] < target or name in NOT_CHARTS else "   LATE"
        print(line + verdict, flush=True)


def sample_filters() -> list[Any]:
    """Return four filters: none, a year, the largest advertiser, reviewed in two segments."""
    from creativefilter.spend.reports import figures
    from creativefilter.spend.reports.filters import Filters

    largest = figures.choices(Filters(), figures.Dimension.ADVERTISER)[0].key
    return [
        Filters(),
        Filters(first=date(2021, 1, 1), last=date(2021, 12, 1)),
        Filters(advertisers=(str(largest),)),
        Filters(segments=(0, 3), reviewed=True),
    ]


def plain_sums(filters: Any, columns: list[str]) -> object:
    from django.db.models import Count, Sum

    from creativefilter.spend.models import SpendRow

    # Conditions on MonthlySpend fit SpendRow, too: both have month, brand line and advertisement.
    rows = SpendRow.objects.filter(filters.on_months()).order_by().values_list(*columns)
    return list(rows.annotate(Sum("amount"), Count("pk")))


def seconds(compute: Callable[[Any], object], filters: Any) -> float:
    return common.timed(lambda: compute(filters))[1]


def analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        for table in ("spendrow", "advertisement", "monthlyspend", "spendtotal", "line"):
            cursor.execute(f"SELECT COUNT(*) FROM spend_{table}")  # noqa: S608
            print(f"  {table:16} {cursor.fetchone()[0]:>12,}", flush=True)


if __name__ == "__main__":
    main()
