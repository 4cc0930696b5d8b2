"""A delay after wrong passwords that grows with every failure, by account and by address.

Why not django-axes: it locks for one fixed time, and a lock by account lets anybody lock out its
owner. Here a delay begins with the last failure *of this address for this account*: failures from
other addresses neither begin nor prolong it. How long it is depends on the failures of the account
from everywhere and of the address for all accounts.

An attempt counts as failed before the password is looked at, so that many attempts at the same
moment do not all pass; ``succeeded`` and ``withdraw`` take that back. Attempts during a delay are
not counted.
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

# Failures without a delay: of an account from one address, of an account from everywhere, of an
# address for all accounts (a whole office may share one).
FREE_OF_PAIR = 3
FREE_OF_ACCOUNT = 10
FREE_OF_ADDRESS = 30
# Attempts of an address in a minute, for whatever accounts: each costs a hash and an audit entry.
PER_MINUTE = 60
LONGEST_SECONDS = 15 * 60
# After the last failure.
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who tries to log in to an account from an address."""

    account: str
    address: str
    pair: str
    until: str

    @classmethod
    def of(cls, username: str, address: str) -> Login:
        """Keys of the counters; names and addresses of any length and letters."""
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
    """Return the seconds that are left to wait; 0 lets this attempt through."""
    return ask(lambda counters: _begin(counters, login), 0)


def succeeded(login: Login) -> None:
    """The password was right."""
    ask(lambda counters: _forget(counters, login), None)


def withdraw(login: Login) -> None:
    """Forget this attempt: the password was not checked."""
    ask(lambda counters: _withdraw(counters, login), None)


def is_first_refusal(login: Login, seconds: int) -> bool:
    """Whether this is the first attempt refused in this delay; only that one is audited."""
    key = login.until.replace("until", "noted")
    return ask(lambda counters: bool(counters.add(key, 1, timeout=seconds)), False)


def delay(pair: int, account: int, address: int) -> int:
    """Seconds until the next attempt, after so many failures, this one included."""
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
        counters.set(login.until, now + seconds, timeout=KEPT_SECONDS)
    return 0


def _increment(counters: Any, key: str) -> int:
    number = increment(counters, key, KEPT_SECONDS)
    counters.touch(key, KEPT_SECONDS)
    return number


def _forget(counters: Any, login: Login) -> None:
    # What others have failed at from this address stays.
    counters.decr(login.address, counters.get(login.pair) or 0)
    counters.delete_many([login.pair, login.until, login.account])


def _withdraw(counters: Any, login: Login) -> None:
    for key in (login.pair, login.account, login.address):
        if counters.get(key):
            counters.decr(key)
    # A delay that had begun before would have refused this attempt.
    counters.delete(login.until)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
