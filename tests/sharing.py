"""How two processes share the suite (``pytest -n 2``): by files, and who waits goes first.

What starts processes of its own spends its time waiting for them. It is one unit, begun first, in
one process: its parts never disturb each other, and the other process computes meanwhile.
"""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WAITING = re.compile(r"tests/(embedded|browser)/|tests/\w+/test_\w*(worker|order)\w*\.py")


class Sharing(LoadScopeScheduling):
    """A process takes the next file once it is through with its last."""

    def _split_scope(self, nodeid: str) -> str:
        return "waiting" if WAITING.match(nodeid) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    config.option.loadscopereorder = False
    return Sharing(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: WAITING.match(item.nodeid) is None)
