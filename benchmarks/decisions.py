"""How long does it take to decide all creatives again, and how much does the database grow?

    python benchmarks/decisions.py [--creatives 100000] [--quick]

Creatives with generated speech, a third of them with text on the screen, on databases of their own,
SQLite and PostgreSQL. First the starter predicts all of them, as after the activation of a version.
Then the settings of decisions change three times: another target precision, a mix of segments, and
both. The job runs in this process, so "CPU" is the time of one core, without that of the
PostgreSQL server. "bytes" is the growth of the database for each creative, without a vacuum.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common, spots  # noqa: E402

CREATIVES, QUICK_CREATIVES = 100_000, 60
WORDS = 28
AT_ONCE = 5_000


def main() -> None:
    if sys.argv[1:2] == ["child"]:
        run_child(int(sys.argv[2]))
        return
    parser = common.options(__doc__)
    parser.add_argument("--creatives", type=int, default=CREATIVES)
    options = parser.parse_args()
    count = QUICK_CREATIVES if options.quick else options.creatives
    with common.new_databases() as new:
        for kind in ("SQLite", "PostgreSQL"):
            print(f"{kind}, {count} creatives", flush=True)
            common.child(__file__, *new(kind, "decisions"), ["child", str(count)])


def run_child(count: int) -> None:
    common.start_django()
    create(count)
    report("predicted by a version", count)
    from creativefilter.creatives import decision_settings
    from creativefilter.creatives.models import DecisionChange

    mix = {0: 40.0, 3: 9.0, 8: 6.0, 12: 1.0, 17: 3.0}
    for name, precision, shares in (
        ("target .90", 0.90, None),
        ("a mix", 0.90, mix),
        ("target .99, the mix", 0.99, mix),
        ("target .95, no mix", 0.95, None),
    ):
        before = DecisionChange.objects.count()
        decision_settings.change(precision, shares, None)
        report(name, count)
        print(f"    changes of segment or decision: {DecisionChange.objects.count() - before}")


def create(count: int) -> None:
    """Create analysed creatives without files."""
    from creativefilter.creatives.models import Creative, MediaVersion, ScreenReading, Transcript

    dice = random.Random(0)
    texts = [one.speech.split() for one in spots.load() if one.speech]
    screens = ["\n".join(map("\n".join, one.cards)) for one in spots.load() if one.cards]
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, count))
        creatives = Creative.objects.bulk_create(
            Creative(advertisement_id=str(number), name="x", state=Creative.State.DONE)
            for number in numbers
        )
        media = MediaVersion.objects.bulk_create(
            MediaVersion(creative=one, sha256=one.advertisement_id, size=0) for one in creatives
        )
        Transcript.objects.bulk_create(
            Transcript(
                media=one, engine="e", model="m", text=text, speech=text, spoken=True,
                seconds_taken=1,
            )
            for one in media
            for text in [" ".join(dice.choices(dice.choice(texts), k=WORDS))]
        )  # fmt: skip
        ScreenReading.objects.bulk_create(
            ScreenReading(media=one, engine="e", text=dice.choice(screens), seconds_taken=1)
            for one in media[::3]
        )
        for one, version in zip(creatives, media, strict=True):
            one.current_media = version
        Creative.objects.bulk_update(creatives, ["current_media"], batch_size=500)


def report(name: str, count: int) -> None:
    """Run the job that decides all creatives again; print its time and the growth."""
    from creativefilter.creatives.analysis.redecision import decide_again
    from creativefilter.jobs import stage_runner
    from creativefilter.jobs.models import Job

    size = database_bytes()
    queued = decide_again(None)
    assert queued is not None
    assert queued.creatives == count
    began, cpu, turns = time.perf_counter(), time.process_time(), 0
    job: Job | None = queued.job
    while job:
        job = stage_runner.run_stage(str(queued.job.pk), queued.job.stage, "benchmark")
        turns += 1
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    queued.job.refresh_from_db()
    assert queued.job.state == Job.State.DONE, queued.job.error_detail
    growth = (database_bytes() - size) / count
    print(
        f"  {name}: {taken:.1f} s in {turns} turns, CPU {used:.1f} s, {count / used:.0f} a second "
        f"a core, {growth:.0f} bytes",
        flush=True,
    )


def database_bytes() -> int:
    """Return the size of the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(connection.settings_dict["NAME"]).stat().st_size


if __name__ == "__main__":
    main()
