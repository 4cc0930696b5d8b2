"""Environment variables of the suite (data folder, database), set before Django's settings load.

``TEST_DATABASE=postgresql`` starts a PostgreSQL server on a free port, which stops with the suite;
otherwise the suite uses SQLite. Each process of pytest-xdist has its own data folder, below that of
the main process, and its own database, on the server of the main process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import postgres

DATABASE = os.environ.get("TEST_DATABASE", "sqlite")
# "" in the main process, also without pytest-xdist.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")

if PROCESS:
    DATA_DIR = Path(os.environ["DATA_DIR"]) / PROCESS
    DATA_DIR.mkdir()
    # There are as many processes as processors, so more threads would only compete.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
else:
    DATA_DIR = Path(tempfile.mkdtemp(prefix="creative-filter-tests-"))
    atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

for name in ("PRODUCTION", "REDIS_URL", "SECRET_KEY", "PORT", "PREDICT_ANONYMOUS"):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = str(DATA_DIR)
# Ignore the developer's .env.
os.environ["ENV_FILE"] = ""
# Loading the picture encoder takes seconds; tests that need it set it.
os.environ["PICTURES_ENCODER"] = ""
# No request limits; tests of limits set their own.
os.environ["API_RATE"] = os.environ["API_ANONYMOUS_RATE"] = ""
# Long, so that no test passes only because the sweep sent a message again.
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
