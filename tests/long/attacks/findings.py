"""Requests that froze, broke or disclosed something in the security review."""

from __future__ import annotations

import io
import stat
import time
import uuid
import wave
from collections.abc import Iterator
from pathlib import Path

from tests.long.attacks.site import PASSWORD, Row, Site
from tests.stack import wait_until

BACKTRACKING = "a" * 26 + "!"
PAGES = ("/admin/creatives/creative/", "/admin/auth/user/", "/api/v1/docs", "/api/v1/redoc")
CHANGED = "another-long-one-9"


def all_of(site: Site) -> Iterator[Row]:
    """Yield the rows of all findings; those that need a worker only if the site has one."""
    yield from _lookups(site)
    yield _login_without_next(site)
    yield _nested(site)
    yield from _private_files(site)
    yield from _headers(site)
    yield from _revoked_tokens(site)
    yield from _ends_with_password(site)
    yield from _ends_with_user(site)
    if site.has_worker:
        yield _long_field(site)
        yield from _table(site)


def _status(finding: str, request: str, then: str, now: int, right: int) -> Row:
    return Row(finding, request, then, str(now), now == right)


def _sound() -> bytes:
    """Return half a second of near silence as WAV, with bytes unlike any other call."""
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "NONE"))
        file.writeframes(bytes(8000) + uuid.uuid4().bytes)
    return body.getvalue()


def _lookups(site: Site) -> Iterator[Row]:
    files = {"file": (f"{BACKTRACKING}.wav", _sound())}
    uploaded = site.post(site.client(token="other"), "/api/v1/predict", files=files)
    yield _status("3", "upload of a name that makes patterns slow", "202",
                  uploaded.status_code, 202)  # fmt: skip
    viewer, began = site.logged_in("viewer"), time.monotonic()
    path = "/admin/creatives/creative/?name__regex=^(a%2B)%2B$"
    answer = site.get(viewer, path)
    took = time.monotonic() - began
    now = f"{answer.status_code} in {took:.2f} s"
    yield Row("3", f"GET {path} by a viewer", "200 in 13 s", now, answer.status_code == 400)
    path = "/admin/auth/user/?auth_token_set__digest__startswith=a"
    answer = site.get(site.logged_in("lead"), path)
    yield _status("3", f"GET {path} by a lead", "200", answer.status_code, 400)


def _login_without_next(site: Site) -> Row:
    session = site.client()
    answer = site.log_in(session, "other")
    landing = site.get(session, answer.headers.get("Location", "/nowhere"))
    return _status(
        "9", "POST /admin/login/ without next, followed", "404", landing.status_code, 200
    )


def _nested(site: Site) -> Row:
    body = b"[" * 1500 + b"]" * 1500
    headers = {"Content-Type": "application/json"}
    answer = site.post(
        site.client(token="other"), "/api/v1/labels/batches", data=body, headers=headers
    )
    return _status("9", "JSON nested 1,500 deep", "500", answer.status_code, 400)


def _private_files(site: Site) -> Iterator[Row]:
    folder = Path(site.environ["DATA_DIR"])
    database = folder / "db.sqlite3"
    for what, path, then in (("DATA_DIR", folder, "755"), ("db.sqlite3", database, "644")):
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            yield Row("9", f"mode of {what}", then, f"{mode:o}", not mode & 0o077)
    if site.has_worker:
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        open_ones = [path for path in files if path.stat().st_mode & 0o077]
        now = f"{len(open_ones)} of {len(files)} files"
        yield Row("9", "files in DATA_DIR that others can read", "all", now, not open_ones)


def _headers(site: Site) -> Iterator[Row]:
    session = site.logged_in("lead")
    policies = [site.get(session, page).headers.get("Content-Security-Policy") for page in PAGES]
    strict = [policy for policy in policies if policy and "default-src 'none'" in policy]
    now = f"{len(strict)} of {len(PAGES)} pages"
    yield Row("9", "Content-Security-Policy", "0 pages", now, len(strict) == len(PAGES))
    answer = site.get(site.client(token="other"), "/api/v1/segments")
    now = answer.headers.get("Cache-Control", "none")
    yield Row("9", "Cache-Control of an answer in JSON", "none", now, now == "no-store")


def _status_with_token(site: Site, value: str) -> int:
    session = site.client()
    session.headers["Authorization"] = f"Token {value}"
    return site.get(session, "/api/v1/segments").status_code


def _revoked_tokens(site: Site) -> Iterator[Row]:
    session = site.client(token="mary")
    other = site.post(session, "/api/v1/tokens", json={"name": "b"}).json()["value"]
    answer = session.delete(f"{site.address}/api/v1/tokens", timeout=90)
    yield _status("9", "DELETE /api/v1/tokens", "405", answer.status_code, 204)
    yield _status("9", "another token after that", "200", _status_with_token(site, other), 401)


def _ends_with_password(site: Site) -> Iterator[Row]:
    token, elsewhere, here = site.tokens["mary"], site.logged_in("mary"), site.logged_in("mary")
    values = {"old_password": PASSWORD, "new_password1": CHANGED, "new_password2": CHANGED}
    changed = site.form(here, "/admin/password_change/", values)
    yield _status("9", "POST /admin/password_change/", "302", changed.status_code, 302)
    yield _status("9", "a token after that", "200", _status_with_token(site, token), 401)
    yield _session(site, elsewhere, "a session elsewhere after that")


def _session(site: Site, session: object, what: str) -> Row:
    answer = site.get(session, PAGES[0], allow_redirects=False)  # type: ignore[arg-type]
    to_login = "/admin/login/" in answer.headers.get("Location", "")
    now = "led to the login" if to_login else str(answer.status_code)
    return Row("9", what, "led to the login", now, to_login)


def _ends_with_user(site: Site) -> Iterator[Row]:
    """Check sessions and tokens of a user who is deactivated and activated again."""
    token, session = site.tokens["target"], site.logged_in("target", "127.0.0.9")
    change = (
        "from django.contrib.auth.models import User\n"
        "user = User.objects.get(username='target')\nuser.is_active = {}\nuser.save()\n"
    )
    site.shell(change.format(False))
    yield _session(site, session, "a session after its user is switched off")
    yield _status(
        "9", "a token after its user is switched off", "401", _status_with_token(site, token), 401
    )
    site.shell(change.format(True))
    yield _status(
        "9", "that token after the user is back", "200", _status_with_token(site, token), 401
    )


def _long_field(site: Site) -> Row:
    lines = ["Advertisement ID,Advertiser,Brand,Media Type,Estimated cost RUB,Year,Month",
             f"1,a,{'b' * 131_100},TV,5,2025,1", "2,a,b,TV,5,2025,1"]  # fmt: skip
    session = site.client(token="other")
    files = {"file": ("longfield.csv", "\n".join(lines))}
    answer = site.post(session, "/api/v1/spend/imports", files=files, data={"dry_run": "true"})
    path = answer.headers["Location"].removeprefix(site.address)

    def checked() -> dict[str, object] | None:
        found = site.get(session, path).json()
        return found if found["job"]["state"] in ("done", "failed") else None

    found = wait_until(checked, 120, "the import is checked")
    now = f"{found['state']}, {found['rows']} rows, {found['bad_rows']} bad"
    right = found["state"] == "checked" and found["rows"] >= 1
    return Row("9", "import with a field of 131,100 characters", "failed", now, right)


def _table(site: Site) -> Iterator[Row]:
    """Classify a table with a Russian heading and decorated ids of a known creative."""
    session = site.client(token="other")
    site.post(session, "/api/v1/predict", files={"file": ("90000006.wav", _sound())})
    sheet = "Идентификатор рекламы;Комментарий\n№ 90000006;a\n'90000006;b\n"
    files = {"file": ("plan.csv", sheet.encode())}
    made = site.post(session, "/api/v1/predict_table?wait=60", files=files)
    path = made.json()["file"].removeprefix(site.address)
    lines = site.get(session, path).content.decode("utf-8-sig").splitlines()
    found = [line.rsplit(";", 1)[-1] for line in lines[1:]]
    what = "table with «Идентификатор рекламы», № 90000006, '90000006"
    right = len(found) == 2 and "unknown" not in found
    yield Row("9", what, "unknown", ", ".join(found), right)
