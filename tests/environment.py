"""Loaded before Django's settings are: where the suite keeps its data, and on which database.

``TEST_DATABASE=postgresql`` runs it on a PostgreSQL server that is started here, on a free port,
and stops with the suite; otherwise it runs on SQLite.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import postgres

DATA_DIR = Path(tempfile.mkdtemp(prefix="creative-filter-tests-"))
DATABASE = os.environ.get("TEST_DATABASE", "sqlite")

for name in ("PRODUCTION", "REDIS_URL", "SECRET_KEY", "PORT", "PREDICT_ANONYMOUS"):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = str(DATA_DIR)
# What looks at pictures takes seconds to load; the tests that are about it ask for it.
os.environ["VIDEO_ENCODER"] = ""
# The suite asks faster than people do; the tests that are about limits set their own.
os.environ["API_RATE"] = os.environ["API_ANONYMOUS_RATE"] = ""
# A sweep or a republish must never help a test that should work without it.
os.environ.setdefault("JOB_REPUBLISH_SECONDS", "3600")
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

if DATABASE == "postgresql":
    server = postgres.start(Path(tempfile.mkdtemp(prefix="creative-filter-postgres-")))
    atexit.register(server.stop)
    os.environ["DATABASE_URL"] = server.url("postgres")
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
