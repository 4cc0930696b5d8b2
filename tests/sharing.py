"""Distribution of the suite over processes (``pytest -n 2``): by file, waiting tests first.

Tests that start processes spend their time waiting for them. They form one unit that starts first
and runs in one process: they never disturb each other, and the other process computes meanwhile.
"""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WAITING = re.compile(r"tests/(embedded|browser)/|tests/\w+/test_\w*(worker|order)\w*\.py")


class Sharing(LoadScopeScheduling):
    """Scheduler that gives a process the next file when it has finished the previous one."""

    def _split_scope(self, nodeid: str) -> str:
        return "waiting" if WAITING.match(nodeid) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    config.option.loadscopereorder = False
    return Sharing(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: WAITING.match(item.nodeid) is None)
