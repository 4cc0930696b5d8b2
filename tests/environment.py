"""Loaded before Django's settings are: where the suite keeps its data, and on which database.

``TEST_DATABASE=postgresql`` runs it on a PostgreSQL server that is started here, on a free port,
and stops with the suite; otherwise it runs on SQLite. The processes that pytest-xdist starts have
a data folder and a database each, below the folder and on the server of the one that started them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import postgres

DATABASE = os.environ.get("TEST_DATABASE", "sqlite")
# "" in the process that starts the others, and where there is only one.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")

if PROCESS:
    DATA_DIR = Path(os.environ["DATA_DIR"]) / PROCESS
    DATA_DIR.mkdir()
    # As many processes as processors: threads of their own would only wait for each other.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
else:
    DATA_DIR = Path(tempfile.mkdtemp(prefix="creative-filter-tests-"))
    atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

for name in ("PRODUCTION", "REDIS_URL", "SECRET_KEY", "PORT", "PREDICT_ANONYMOUS"):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = str(DATA_DIR)
# The settings of whoever develops here are not those of the suite.
os.environ["ENV_FILE"] = ""
# What looks at pictures takes seconds to load; the tests that are about it ask for it.
os.environ["PICTURES_ENCODER"] = ""
# The suite asks faster than people do; the tests that are about limits set their own.
os.environ["API_RATE"] = os.environ["API_ANONYMOUS_RATE"] = ""
# A sweep or a republish must never help a test that should work without it.
os.environ.setdefault("JOB_REPUBLISH_SECONDS", "3600")

if DATABASE == "postgresql":
    if PROCESS:
        server_url = os.environ["DATABASE_URL"]
    else:
        server = postgres.start(Path(tempfile.mkdtemp(prefix="creative-filter-postgres-")))
        atexit.register(server.stop)
        server_url = os.environ["DATABASE_URL"] = server.url("postgres")
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
