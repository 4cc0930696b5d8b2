"""A delay after wrong passwords, which grows with every failure by account and by address.

Why not django-axes: it locks for one fixed time, and a lock by account lets anyone lock out the
owner. Here a delay starts at the last failure *from this address for this account*; failures from
other addresses neither start nor extend it. Its length depends on three counts of failures: from
this address for this account, for the account from all addresses, and from the address for all
accounts.

An attempt is counted as failed before the password is checked, so that concurrent attempts can't
all pass; ``succeeded`` and ``withdraw`` revert that. Attempts during a delay are not counted.
"""

from __future__ import annotations

import hashlib
import math
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

from creativefilter.site.client_address import network_of
from creativefilter.site.shared_counters import ask, increment

# Failures at which the delay begins to grow, from one second: for an account from one address, for
# an account from all addresses, and from an address for all accounts (such as that of an office).
FREE_OF_PAIR = 3
FREE_OF_ACCOUNT = 10
FREE_OF_ADDRESS = 30
# Attempts from an address in a minute, for all accounts: each costs a hash and an audit entry.
PER_MINUTE = 60
LONGEST_SECONDS = 15 * 60
# How long failures count after the last one.
RETENTION_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Login:
    """Keys of the counters for login attempts at one account from one address."""

    account: str
    address: str
    pair: str
    until: str

    @classmethod
    def of(cls, username: str, address: str) -> Login:
        """Return the keys; they are digests, so names may have any length and letters.

        Args:
            username: The name as entered.
            address: The address of the client.
        """
        name = unicodedata.normalize("NFKC", username).casefold()
        account, place = _digest(name), _digest(network_of(address))
        pair = f"{account}-{place}"
        return cls(
            f"login-account-{account}",
            f"login-address-{place}",
            f"login-pair-{pair}",
            f"login-until-{pair}",
        )


def begin(login: Login) -> int:
    """Count an attempt as failed, unless it is refused: during a delay or beyond ``PER_MINUTE``.

    Returns:
        The seconds to wait before the next attempt; 0 lets this attempt through.
    """
    return ask(lambda counters: _begin(counters, login), 0)


def succeeded(login: Login) -> None:
    """Forget the failures for this account, because the password was right."""
    ask(lambda counters: _forget(counters, login), None)


def withdraw(login: Login) -> None:
    """Revert the failure that ``begin`` counted, because the password was not checked."""
    ask(lambda counters: _withdraw(counters, login), None)


def is_first_refusal(login: Login, seconds: int) -> bool:
    """Return whether this is the first refused attempt of a delay; only that one is audited.

    Args:
        login: The attempt.
        seconds: What ``begin`` returned.
    """
    key = login.until.replace("until", "noted")
    return ask(lambda counters: bool(counters.add(key, 1, timeout=seconds)), False)


def delay(pair: int, account: int, address: int) -> int:
    """Return the seconds until the next attempt. All numbers include the current failure.

    Args:
        pair: Failures from the address for the account.
        account: Failures for the account from all addresses.
        address: Failures from the address for all accounts.
    """
    free = FREE_OF_PAIR if address < FREE_OF_ADDRESS else 1
    if pair < free:
        return 0
    more = max(pair - free, account - FREE_OF_ACCOUNT, address - FREE_OF_ADDRESS)
    return min(LONGEST_SECONDS, 2 ** min(more, 10))


def _begin(counters: Any, login: Login) -> int:
    now = time.time()
    left = math.ceil((counters.get(login.until) or 0) - now)
    if left > 0:
        return min(left, LONGEST_SECONDS)  # more only if the clock was set back
    minute = int(now // 60)
    if increment(counters, f"{login.address}-{minute}", 120) > PER_MINUTE:
        return math.ceil((minute + 1) * 60 - now) or 1
    failures = [_increment(counters, key) for key in (login.pair, login.account, login.address)]
    if seconds := delay(*failures):
        counters.set(login.until, now + seconds, timeout=RETENTION_SECONDS)
    return 0


def _increment(counters: Any, key: str) -> int:
    number = increment(counters, key, RETENTION_SECONDS)
    counters.touch(key, RETENTION_SECONDS)
    return number


def _forget(counters: Any, login: Login) -> None:
    # Failures from this address for other accounts still count.
    counters.decr(login.address, counters.get(login.pair) or 0)
    counters.delete_many([login.pair, login.until, login.account])


def _withdraw(counters: Any, login: Login) -> None:
    for key in (login.pair, login.account, login.address):
        if counters.get(key):
            counters.decr(key)
    # An earlier delay would have refused this attempt.
    counters.delete(login.until)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
