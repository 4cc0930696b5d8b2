"""How long do spend totals take to follow changes of 475,000 creatives?

    python benchmarks/spend_many.py

Uses 500,000 generated advertisements, 475,000 of them with a creative; a third are labelled, all
have predictions of two model versions. The rows are the same on PostgreSQL and SQLite. Prints the
seconds that a page waits ("look"), that its job takes (in parts, each a transaction), and that the
next page waits ("look again"): without a change, after a switch to the other model version, after
100,000 labels in one batch, and after the batch is undone. Also prints the seconds and the memory
of the intervals of expected spend.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.spend_report import ADVERTISEMENTS, generate, start_django  # noqa: E402

LABELLED = 100_000
CHUNK = 5_000
T = TypeVar("T")
# Tables that are copied to SQLite. ``spend_spendrow`` is not needed.
TABLES = (
    "creatives_segment", "creatives_modelversion", "creatives_creative", "creatives_mediaversion",
    "creatives_prediction", "creatives_label", "spend_line", "spend_advertisement",
    "spend_monthlyspend", "spend_spendtotal", "spend_watermark",
)  # fmt: skip
MEDIA = """
    INSERT INTO creatives_mediaversion (id, creative_id, file, original_name, sha256, size,
            container, partial, probe, shape, created_at)
        SELECT id, id, '', '', id::text, 1, '', FALSE, '{}', '{}', now() - INTERVAL '1 day'
        FROM creatives_creative;
    UPDATE creatives_creative SET current_media_id = id,
        created_at = now() - INTERVAL '1 day';
    INSERT INTO creatives_label (creative_id, segment_id, note, created_at)
        SELECT creative_id, segment, '', now() - INTERVAL '1 day'
        FROM spend_advertisement WHERE reviewed;
"""
PREDICTION = (
    "COPY creatives_prediction (id, creative_id, media_id, model_version_id, segment_id, reason,"
    " probability, probabilities, decision, channels, conflict, created_at) FROM STDIN"
)


def main() -> None:
    task = sys.argv[1] if sys.argv[1:] else ""
    if task == "child":
        start_django()
        {"fill": fill, "copy": copy, "catch_up": measure_changes, "intervals": intervals}[
            sys.argv[2]
        ]()
        return
    from tests import postgres

    server = postgres.start(Path(tempfile.mkdtemp(prefix="spend-benchmark-")))
    try:
        with tempfile.TemporaryDirectory(prefix="spend-benchmark-") as folder:
            urls = {
                "PostgreSQL": postgres.create_database(server.url("postgres"), "many"),
                "SQLite": f"sqlite:///{folder}/db.sqlite3",
            }
            child("fill", folder, urls["PostgreSQL"])
            child("copy", folder, urls["SQLite"], urls["PostgreSQL"])
            for name, url in urls.items():
                print(name, flush=True)
                child("intervals", folder, url)
                child("catch_up", folder, url)
    finally:
        server.stop()


def child(task: str, folder: str, url: str, source: str = "") -> None:
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": url, "SOURCE": source}
    subprocess.run([sys.executable, __file__, "child", task], env=environment, check=True)


def fill() -> None:
    """Generate the rows of ``spend_report.py`` on PostgreSQL, with labels and predictions."""
    from django.db import connection

    from creativefilter.creatives import model_versions
    from creativefilter.creatives.models import ModelVersion
    from creativefilter.spend.totals import segment_changes

    generate()
    versions = [ModelVersion.objects.create(name=n, digest=n, folder=n) for n in ("old", "new")]
    model_versions.activate(versions[0])
    with connection.cursor() as cursor:
        for statement in MEDIA.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        with cursor.copy(PREDICTION) as rows:
            for row in predictions([version.pk for version in versions]):
                rows.write_row(row)
        cursor.execute(
            "SELECT setval('creatives_prediction_id_seq', MAX(id)) FROM creatives_prediction"
        )
        cursor.execute("VACUUM ANALYZE")
    moved_count, taken_seconds = timed(segment_changes.catch_up)
    print(
        f"the first catch_up, in one transaction: {moved_count:,} moved in {taken_seconds:.0f} s",
        flush=True,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def predictions(versions: list[int]) -> Iterator[tuple[Any, ...]]:
    """Yield a prediction of each creative by each version, with random probabilities."""
    import json

    import numpy as np

    from classifier.segments import NUMBERS

    random = np.random.default_rng(1)
    names = [str(number) for number in NUMBERS]
    keys = [n for n in range(1, ADVERTISEMENTS + 1) if n % 20]
    number = 0
    for version in versions:
        for first in range(0, len(keys), CHUNK):
            batch_keys = keys[first : first + CHUNK]
            for key, probabilities in zip(
                batch_keys, random.dirichlet([0.1] * len(NUMBERS), len(batch_keys)), strict=True
            ):
                number += 1
                probabilities = probabilities.round(6)
                best = int(probabilities.argmax())
                yield (
                    number, key, key, version, NUMBERS[best], "", float(probabilities[best]),
                    json.dumps(dict(zip(names, probabilities.tolist(), strict=True))),
                    "auto", "[]", False, "2026-01-01 00:00:00+00",
                )  # fmt: skip


def copy() -> None:
    """Copy the rows from PostgreSQL to SQLite."""
    import psycopg
    from django.db import connection

    connection.close()
    path = str(connection.settings_dict["NAME"])
    target = sqlite3.connect(path)
    target.execute("PRAGMA foreign_keys = OFF")
    sqlite3.register_adapter(bool, int)
    with psycopg.connect(os.environ["SOURCE"]) as source:
        for table in TABLES:
            names = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
            # Django stores dates and JSON as text on SQLite.
            texts = ("date", "timestamp with time zone", "jsonb")
            types = dict(
                source.execute(
                    "SELECT column_name, data_type FROM information_schema.columns"
                    " WHERE table_name = %s", [table]
                ).fetchall()
            )  # fmt: skip
            columns = ", ".join(f"{n}::text" if types[n] in texts else f'"{n}"' for n in names)
            target.execute(f"DELETE FROM {table}")  # noqa: S608
            marks = ", ".join("?" * len(names))
            with source.cursor("rows") as rows:
                rows.itersize = CHUNK
                rows.execute(f"SELECT {columns} FROM {table}")  # type: ignore[arg-type]  # noqa: S608
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
            target.commit()
    target.execute("ANALYZE")
    target.commit()
    target.close()


def measure_changes() -> None:
    from creativefilter.creatives import model_versions
    from creativefilter.creatives.labels import batches
    from creativefilter.creatives.models import Creative, ModelVersion, Segment
    from creativefilter.spend.totals import checks, segment_changes

    def measure_catch_up(title: str) -> None:
        pending, first_look = timed(segment_changes.pending_changes)
        began, parts, moved_count = time.perf_counter(), [0.0], 0
        for moved_in_part, _share in segment_changes.catch_up_in_parts(pending):
            parts.append(time.perf_counter() - began - sum(parts))
            moved_count += moved_in_part
        segment_changes.save_watermark(pending)
        whole = time.perf_counter() - began
        _nothing, second_look = timed(segment_changes.pending_changes)
        print(f"  {title:24} look {first_look:6.3f} s   moved {moved_count:>8,} in {whole:6.2f} s,"
              f" longest part {max(parts):5.2f} s   look again {second_look:6.3f} s",
              flush=True)  # fmt: skip

    measure_catch_up("nothing happened")
    model_versions.activate(ModelVersion.objects.get(name="new"))
    measure_catch_up("another model version")
    chosen = Creative.objects.filter(pk__lte=LABELLED * 20 // 19)
    segment = Segment.objects.get(pk=5)
    preview, preview_seconds = timed(lambda: batches.preview(chosen, segment))
    batch, taken_seconds = timed(
        lambda: batches.relabel(chosen, segment, None, "", preview.changing)
    )
    print(
        f"  preview {preview_seconds:.2f} s, {batch.size:,} labels {taken_seconds:.2f} s",
        flush=True,
    )
    measure_catch_up("labels in one batch")
    undone, taken_seconds = timed(lambda: batches.undo(batch, None))
    print(f"  {undone:,} undone {taken_seconds:.2f} s", flush=True)
    measure_catch_up("batch undone")
    checked = checks.check()
    assert (checked.misplaced, checked.unlinked) == (0, 0), checked


def intervals() -> None:
    from creativefilter.spend.reports import answer_cache, expected_spend
    from creativefilter.spend.reports.filters import Filters

    answer_cache.version()
    megabytes_before = megabytes()
    estimate, taken_seconds = timed(lambda: expected_spend.study(Filters())[0])
    _gain, gain_seconds = timed(lambda: expected_spend.study(Filters())[1])
    print(f"  intervals {taken_seconds:.1f} s, of the same page {gain_seconds:.3f} s more, peak RSS"
          f" {megabytes():.0f} MB (before: {megabytes_before:.0f})", flush=True)  # fmt: skip
    for row in estimate.segments[:3]:
        print(f"    {row.segment}: {row.low:,.0f} … {row.expected:,.0f} … {row.high:,.0f}")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
