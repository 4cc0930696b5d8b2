"""An import whose process is killed, and the next import of the same file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from creativefilter.spend.models import Advertisement, BrandLine, SpendImport, SpendRow, SpendTotal
from tests.conftest import ROOT, database_url
from tests.spend.spend_files import everything, imported, sums, table

Mode = SpendImport.Mode

# Imports a file. After ``times`` calls of a function, kills itself instead of calling it again.
PROGRAM = """
import os, signal, sys
import django
django.setup()
from creativefilter.spend.imports import importer, merging, staging
from creativefilter.spend.imports import rows
from pathlib import Path
file, where, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows.CHUNK = 100
module, name = {"staging": (staging, "add"), "merging": (merging, "_execute")}[where]
real = getattr(module, name)
def deadly(*args):
    global times
    times -= 1
    if times < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)
setattr(module, name, deadly)
importer.import_file(Path(file), mode="replace")
"""


@pytest.mark.parametrize(
    ("where", "times"),
    # In the merge: after the old months are deleted, and after all rows are written.
    [("staging", 3), ("merging", 6), ("merging", 12)],
)
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_changes_nothing_and_the_next_one_succeeds(
    where: str, times: int, tmp_path: Path
) -> None:
    imported(table(tmp_path, "1,A,B,TV,7,2021,3", "1,A,B,TV,1,2021,4"))
    before = everything()
    rows = [f"{n % 9},МАГНИТ,B{n % 7},TV,{n}.001,2021,3" for n in range(1_000)]
    path = table(tmp_path, *rows, name="second.csv")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), where, str(times)],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "creativefilter.settings"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert everything() == before
    assert Advertisement.objects.count() == BrandLine.objects.count() == 1

    imported(path, mode=Mode.REPLACE)
    assert sums() == {"2021-03": Decimal("499501"), "2021-04": Decimal(1)}
    assert (SpendRow.objects.count(), SpendTotal.objects.count()) == (1_001, 8)
