"""Faults that are injected into a site. Each begins, may last for some seconds, and ends."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import redis

from tests.long.chaos.site import Embedded, Production, Site
from tests.stack import Process

# Least and most seconds between the end of a fault and the next one.
PAUSES = (2.0, 6.0)
AN_HOUR = 3600


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Args:
        name: The fault in the results.
        begin: Injects the fault and returns a word for what was hit; raises ``LookupError`` if
            there is nothing to hit now.
        end: Undoes the fault.
        seconds: Least and most duration.
        sites: The sites that can have it.
        codes: Error codes that it explains for jobs that run during it or start soon after it.
    """

    name: str
    begin: Callable[[Site, random.Random], str]
    end: Callable[[Site], None] = lambda site: None
    seconds: tuple[float, float] = (0.0, 0.0)
    sites: tuple[str, ...] = ("embedded", "postgresql")
    codes: tuple[str, ...] = ("worker_lost",)


@dataclass(frozen=True)
class Planned:
    """A fault with the pause before it and its duration, in seconds."""

    fault: Fault
    pause: float
    seconds: float


def plan(site: str, seed: int, rounds: int) -> list[Planned]:
    """Return every fault of the site, ``rounds`` times each, in an order given by the seed."""
    chance = random.Random(seed)
    order: list[Fault] = []
    for _round in range(rounds):
        each = [fault for fault in FAULTS if site in fault.sites]
        chance.shuffle(each)
        order += each
    return [
        Planned(fault, chance.uniform(*PAUSES), chance.uniform(*fault.seconds)) for fault in order
    ]


def _kill(found: list[Process], chance: random.Random) -> str:
    """Kill one of these processes; return its command."""
    if not found:
        raise LookupError("no such process runs now")
    chosen = chance.choice(found)
    with suppress(ProcessLookupError):
        os.kill(chosen.pid, signal.SIGKILL)
    return chosen.command.split("/")[-1].strip()


def _kill_worker_child(site: Site, chance: random.Random) -> str:
    return _kill(site.children_of("manage.py worker"), chance)


def _kill_worker(site: Site, chance: random.Random) -> str:
    return _kill(site.main_of("manage.py worker"), chance)


def _kill_web(site: Site, chance: random.Random) -> str:
    return _kill(site.main_of("manage.py web"), chance)


def _kill_web_child(site: Site, chance: random.Random) -> str:
    return _kill(site.children_of("manage.py web"), chance)


def _kill_supervisor(site: Site, _chance: random.Random) -> str:
    site.services["supervisor"].kill()
    return "manage.py run"


def _kill_beat(site: Site, _chance: random.Random) -> str:
    site.services["beat"].kill()
    return "manage.py beat"


def _kill_everything(site: Site, _chance: random.Random) -> str:
    """Kill all processes at once, as a power failure does, without losing the disk's cache."""
    # Brokers are found by their parent, so before it is killed.
    brokers = site.brokers() if isinstance(site, Embedded) else []
    for service in site.services.values():
        service.kill()
    for process in (*brokers, *site.running()):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    return "all"


def _kill_broker(site: Site, chance: random.Random) -> str:
    if isinstance(site, Embedded):
        return _kill(site.brokers(), chance)
    site.services["broker"].kill(chance.uniform(1, 5))
    return "valkey"


def _pause_broker(site: Site, _chance: random.Random) -> str:
    if isinstance(site, Embedded) and not site.brokers():
        raise LookupError("there is no broker now")
    site.pause_broker(True)
    return "valkey"


def _empty_broker(site: Site, _chance: random.Random) -> str:
    address = site.broker_address()
    if not address:
        raise LookupError("there is no broker now")
    with redis.Redis.from_url(address, socket_timeout=5) as broker:
        try:
            broker.flushall()
        except redis.RedisError as error:
            raise LookupError(str(error)) from error
    return "valkey"


def _kill_postgres(site: Site, chance: random.Random) -> str:
    site.services["postgres"].kill(chance.uniform(1, 6))
    return "postgres"


def _fill_disk(site: Site, _chance: random.Random) -> str:
    site.fill_disk()
    return "data folder"


def _clock(seconds: int) -> Callable[[Site, random.Random], str]:
    def move(site: Site, _chance: random.Random) -> str:
        site.set_clock(seconds)
        return f"{seconds:+d} s"

    return move


def _cut_network(site: Site, _chance: random.Random) -> str:
    assert isinstance(site, Production)
    site.cut_network(True)
    return "database and broker"


def _repair_network(site: Site) -> None:
    assert isinstance(site, Production)
    site.cut_network(False)


_NOTHING = (0.0, 0.0)
_MACHINE = ("worker_lost", "database_busy")
FAULTS = (
    Fault("worker child killed", _kill_worker_child),
    Fault("worker killed", _kill_worker),
    Fault("web killed", _kill_web),
    Fault("web child killed", _kill_web_child),
    Fault("supervisor killed", _kill_supervisor, sites=("embedded",)),
    Fault("beat killed", _kill_beat, sites=("postgresql",)),
    Fault("everything killed", _kill_everything),
    Fault("broker killed", _kill_broker),
    Fault("broker paused", _pause_broker, lambda site: site.pause_broker(False), (3, 8)),
    Fault("broker emptied", _empty_broker),
    Fault("PostgreSQL killed", _kill_postgres, sites=("postgresql",), codes=_MACHINE),
    Fault("disk full", _fill_disk, Site.free_disk, (4, 8), codes=("storage_full",)),
    Fault("clock ahead", _clock(AN_HOUR), lambda site: site.set_clock(0), (6, 12)),
    Fault("clock behind", _clock(-AN_HOUR), lambda site: site.set_clock(0), (6, 12)),
    Fault("network cut", _cut_network, _repair_network, (4, 10), ("postgresql",), codes=_MACHINE),
)
