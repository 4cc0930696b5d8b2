"""Password and token guessing: login page, password change page, REST."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime

import requests

from tests.long.attacks.site import PASSWORD, Row, Site

ATTACKER, OWNER, GUESSER, STRANGER, FORGER = (f"127.0.0.{n}" for n in range(2, 7))
# Least duration of the wrong logins, so that several delays end meanwhile.
SPREAD_SECONDS = 8.0
_WAIT = re.compile(r"Too many wrong passwords\. Wait (\d+) (second|minute)")
_AUDIT = """
import json
from collections import Counter
from datetime import datetime
from creativefilter.accounts.models import AuditEntry
rows = AuditEntry.objects.filter(at__gte=datetime.fromisoformat({since!r}), address={address!r})
print("result:" + json.dumps(Counter(rows.values_list("action", flat=True))))
"""


def seconds_to_wait(answer: requests.Response) -> int:
    """Return the delay that the page announces; 0 if it announces none."""
    found = _WAIT.search(answer.text)
    if not found:
        return 0
    return int(found[1]) * (60 if found[2] == "minute" else 1)


def wrong_logins(site: Site, count: int) -> list[Row]:
    """Send ``count`` wrong passwords from one address, then check who can still log in."""
    since = datetime.now(UTC).isoformat()
    attacker, delays, kinds = site.client(ATTACKER), [], Counter[str]()
    began = time.monotonic()
    for number in range(count):
        answer = site.log_in(attacker, "owner", f"wrong {number}")
        kinds["delayed" if (wait := seconds_to_wait(answer)) else "wrong"] += 1
        kinds[f"status {answer.status_code}"] += 1
        if wait and (not delays or wait > delays[-1]):
            delays.append(wait)
        time.sleep(SPREAD_SECONDS / count)
    took = time.monotonic() - began
    what = f"{count} wrong logins from one address"
    logged_in = site.log_in(attacker, "owner").status_code == 302
    rows = [
        Row("4", what, "each looked at", f"{kinds['wrong']} looked at, {kinds['delayed']} delayed, "
            f"in {took:.0f} s", kinds["status 200"] == count and kinds["wrong"] < 20),
        Row("4", "the delay grows", "none", f"{delays} s announced", len(delays) > 1),
        Row("4", "then the right password, at once", "302", "302" if logged_in else "delayed",
            not logged_in),
    ]  # fmt: skip
    audited = site.shell(_AUDIT.format(since=since, address=ATTACKER))
    expected = audited.get("login_failed") == kinds["wrong"]
    delays_audited = 1 <= audited.get("login_delayed", 0) <= kinds["wrong"]
    rows.append(Row("4", "the audit log has", "nothing", str(audited), expected and delays_audited))
    rows += _others(site)
    rows.append(_after_the_delay(site, attacker))
    return rows


def _others(site: Site) -> list[Row]:
    """Check that the attack locks out neither other addresses nor other accounts."""
    found = {
        "the owner from another address": site.log_in(site.client(OWNER), "owner"),
        "another account from the attacker's address": site.log_in(site.client(ATTACKER), "other"),
    }
    rows = [
        Row("4", what, "302", str(answer.status_code), answer.status_code == 302)
        for what, answer in found.items()
    ]
    answer = site.get(site.client(ATTACKER, "owner"), "/api/v1/segments")
    what = "the owner's token from the attacker's address"
    return [*rows, Row("4", what, "200", str(answer.status_code), answer.status_code == 200)]


def _after_the_delay(site: Site, attacker: requests.Session) -> Row:
    waited, answer = 0, site.log_in(attacker, "owner")
    while wait := seconds_to_wait(answer):
        time.sleep(wait)
        waited += wait
        answer = site.log_in(attacker, "owner")
        if waited > 1000:
            break
    what = "the right password after its delay"
    now = f"{answer.status_code} after {waited} s"
    return Row("4", what, "302", now, answer.status_code == 302)


def guesses(site: Site, times: int, refusals: int) -> list[Row]:
    """Send wrong passwords, and requests without a token, with a wrong one and without permission.

    Args:
        site: The application.
        times: Wrong passwords before the right one.
        refusals: Requests without permission; at most 200 without a token and with a wrong one.
    """
    guesser = site.client(GUESSER)
    for number in range(times):
        site.log_in(guesser, "target", f"wrong {number}")
    logged_in = site.log_in(guesser, "target").status_code == 302
    what = f"{times} wrong passwords, then the right one"
    rows = [
        Row("4", what, "302", "302" if logged_in else "delayed", not logged_in),
        _old_password(site),
    ]
    forged = site.client(FORGER)
    forged.headers["Authorization"] = "Token " + "0" * 64
    viewer = site.client(token="viewer")
    few = min(200, refusals)
    rows.append(_count_refusals(site, site.client(STRANGER), few, "anonymous GETs"))
    rows.append(_count_refusals(site, forged, few, "GETs with a wrong token"))
    rows.append(_count_refusals(site, viewer, refusals, "forbidden POSTs", post=True))
    return rows


def _count_refusals(
    site: Site, session: requests.Session, count: int, what: str, *, post: bool = False
) -> Row:
    refused: Counter[int] = Counter()
    for _time in range(count):
        if post:
            answer = site.post(session, "/api/v1/creatives/retry_failed", json={})
        else:
            answer = site.get(session, "/api/v1/segments")
        refused[answer.status_code] += 1
    then = str({403 if post else 401: count})
    return Row("4", f"{count} {what}", then, str(dict(refused)), refused[429] > 0)


def _old_password(site: Site) -> Row:
    """Guess the old password at the password change page, with a session of the user."""
    thief = site.logged_in("slow", GUESSER)
    new = "brand-new-one-77"
    values = {"new_password1": new, "new_password2": new}
    # Until the delay is so long that a slow machine can't outlast it with the next request.
    for number in range(100):
        wrong = values | {"old_password": f"wrong {number}"}
        if seconds_to_wait(site.form(thief, "/admin/password_change/", wrong)) >= 4:
            break
    right = values | {"old_password": PASSWORD}
    answer = site.form(thief, "/admin/password_change/", right)
    changed, delayed = answer.status_code == 302, seconds_to_wait(answer)
    what = "wrong old passwords, then the right one"
    now = "changed" if changed else f"delayed, {delayed} s announced"
    return Row("4", what, "changed", now, not changed and delayed > 0)
