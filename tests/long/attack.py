"""Hostile, slow and persistent clients against a running application: ``make attack``.

Starts an application and sends each request that once froze it, broke it or disclosed something;
then slow connections, many polling programs and wrong logins. Prints a table; the exit status is 0
if every line of it is right.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.long.attacks import clients, findings, logins
from tests.long.attacks.site import Row, Site
from tests.stack import Data, running

PARTS = ("findings", "slow", "polling", "logins", "guesses")
TITLES = ("finding", "request", "answer then", "answer now", "right?")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of polling")
    parser.add_argument("--logins", type=int, default=1000, help="wrong ones")
    parser.add_argument("--clients", type=int, default=40, help="that poll")
    parser.add_argument("--slow", type=int, default=60, help="slow connections")
    parser.add_argument("--slow-seconds", type=float, default=45, help="how long they are held")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    options = parser.parse_args()
    # The suite switches request limits off; this check needs the default ones.
    for name in ("API_RATE", "API_ANONYMOUS_RATE"):
        os.environ.pop(name, None)
    with (
        tempfile.TemporaryDirectory(prefix="attack-") as folder,
        running(Data.new(Path(folder) / "data")) as stack,
    ):
        site = Site(stack.port, stack.data.environ, has_worker=True)
        site.prepare()
        rows = attacks(
            site,
            wrong_logins=options.logins,
            guesses=60,
            refusals=1800,
            slow=options.slow,
            slow_seconds=options.slow_seconds,
            clients_=options.clients,
            minutes=options.minutes,
            only=options.only,
        )
        return report(rows)


def attacks(
    site: Site,
    *,
    wrong_logins: int,
    guesses: int,
    refusals: int,
    slow: int,
    slow_seconds: float,
    clients_: int,
    minutes: float,
    only: Collection[str] = PARTS,
) -> Iterator[Row]:
    """Run the parts one after the other; an exception ends its part with a wrong line.

    Args:
        site: The application.
        wrong_logins: Wrong logins from one address.
        guesses: Wrong passwords before the right one.
        refusals: Refused requests, see ``logins.guesses``.
        slow: Slow connections.
        slow_seconds: How long they are held.
        clients_: Polling clients.
        minutes: How long they poll.
        only: Names of the parts to run.
    """
    parts: dict[str, Callable[[], Iterable[Row]]] = {
        "findings": lambda: findings.all_of(site),
        "slow": lambda: clients.slow_connections(site, slow // 3, slow_seconds),
        "polling": lambda: clients.polling(site, clients_, minutes),
        "logins": lambda: logins.wrong_logins(site, wrong_logins),
        "guesses": lambda: logins.guesses(site, guesses, refusals),
    }
    for name in only:
        try:
            yield from parts[name]()
        except Exception as error:
            yield Row("", f"{name} broke off", "", f"{type(error).__name__}: {error}"[:300], False)


def report(rows: Iterable[Row]) -> int:
    """Print the table line by line, as rows arrive; return the exit status."""
    wrong = count = 0
    print(" | ".join(TITLES), flush=True)
    for row in rows:
        count += 1
        wrong += not row.right
        print(" | ".join([*row[:4], "yes" if row.right else "NO"]), flush=True)
    print(f"{count - wrong} of {count} right")
    return int(wrong > 0 or not count)


if __name__ == "__main__":
    sys.exit(main())
