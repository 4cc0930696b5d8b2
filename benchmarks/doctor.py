"""How long does ``manage.py doctor`` take for half a million creatives, and how much memory?

    python benchmarks/doctor.py [--creatives 500000] [--quick]

Uses a temporary data folder with SQLite, or the empty database of ``DATABASE_URL``. At first every
creative has a media version and its file. Then the files of a hundred media versions are removed,
and the rows of a hundred others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from django.core.management import call_command  # noqa: E402

from benchmarks import common  # noqa: E402

BATCH = 10_000
REMOVED = 100


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--creatives", type=int, default=500_000)
    options = parser.parse_args()
    count = 2 * REMOVED if options.quick else options.creatives
    data = Path(tempfile.mkdtemp(prefix="doctor-"))
    os.umask(0o077)
    os.environ |= {"DATA_DIR": str(data), "ENV_FILE": "", "LC_ALL": "en_US.UTF-8"}
    try:
        common.start_django(migrate=False)
        call_command("prepare")
        _, seconds = common.timed(lambda: fill(count))
        print(f"{count:,} creatives made in {seconds:.0f} s")
        print(f"nothing wrong: {run_doctor(0)}")
        remove_some()
        print(f"{REMOVED} rows without file, {REMOVED} files without row: {run_doctor(1)}")
        print(f"--fix: {run_doctor(1, '--fix')}")
    finally:
        shutil.rmtree(data)


def fill(count: int) -> None:
    """Create creatives and media versions with empty files, named as intake names them."""
    from django.conf import settings

    from creativefilter.creatives.models import Creative, MediaVersion, storage_name

    root = Path(settings.MEDIA_ROOT)
    for number in range(256):
        (root / "creatives" / f"{number:02x}").mkdir(parents=True)
    for first in range(1, count + 1, BATCH):
        numbers = range(first, min(first + BATCH, count + 1))
        Creative.objects.bulk_create(
            Creative(pk=n, advertisement_id=str(n), name=str(n), state=Creative.State.DONE)
            for n in numbers
        )
        rows = [
            MediaVersion(pk=n, creative_id=n, original_name=f"{n}.mp4", sha256=f"{n:064x}", size=1)
            for n in numbers
        ]
        for row in rows:
            row.file.name = storage_name(row, row.original_name)
            path = root / str(row.file.name)
            path.touch()
            os.utime(path, (1, 1))
        MediaVersion.objects.bulk_create(rows)


def remove_some() -> None:
    from django.conf import settings

    from creativefilter.creatives.models import MediaVersion

    rows = list(MediaVersion.objects.order_by("sha256")[: 2 * REMOVED])
    for row in rows[:REMOVED]:
        (Path(settings.MEDIA_ROOT) / str(row.file.name)).unlink()
    MediaVersion.objects.filter(pk__in=[row.pk for row in rows[REMOVED:]])._raw_delete("default")


def run_doctor(status: int, *arguments: str) -> str:
    """Run the command, which has to exit with ``status``; return its time and memory."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "manage.py", "doctor", *arguments], cwd=ROOT)
    _pid, wait_status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(wait_status) == status
    seconds, processor = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    return (
        f"{seconds:.0f} s, {processor:.0f} s of them on a processor, {usage.ru_maxrss // 1024} MB"
    )


if __name__ == "__main__":
    main()
