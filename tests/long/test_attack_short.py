"""A short run of the attack check against the web server alone.

The parts ``findings`` and ``logins`` are left out: other tests cover them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from creativefilter.embedded.broker import Broker
from tests import environment
from tests.long import attack
from tests.long.attacks.site import Site
from tests.serving import copy_tables, serving

pytestmark = pytest.mark.stack


def test_the_web_server_withstands_a_short_attack(
    tmp_path: Path, broker_server: Broker, django_db_setup: None
) -> None:
    data = tmp_path / "data"
    if environment.DATABASE == "sqlite":
        copy_tables(data)
    settings = {
        "REDIS_URL": broker_server.url,
        "API_ANONYMOUS_RATE": "20/d",
        "API_RATE": "25/d",
        "LANG": "en_US.UTF-8",
    }
    with serving(tmp_path, migrate=True, **settings) as web:
        database = f"sqlite:///{data / 'db.sqlite3'}"
        environ = {**os.environ, **settings, "DATA_DIR": str(data), "DATABASE_URL": database}
        site = Site(web.port, environ, has_worker=False)
        site.prepare()
        rows = list(
            attack.attacks(
                site,
                wrong_logins=0,
                guesses=10,
                refusals=30,
                slow=15,
                slow_seconds=2,
                clients_=5,
                minutes=0.05,
                only=("slow", "polling", "guesses"),
            )
        )
    assert len(rows) == 10
    assert [row for row in rows if not row.right] == []
