"""The attacked application, and clients that call it from several addresses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter

from tests.stack import ROOT

PASSWORD = "quite-a-long-one-8"
NAMES = ("viewer", "lead", "owner", "target", "other", "mary", "slow", "poll0", "poll1", "poll2",
         "poll3")  # fmt: skip
_SETUP = f"""
import json
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from creativefilter.accounts import tokens
from creativefilter.accounts.roles import Role, assign
made, password = {{}}, make_password({PASSWORD!r})
for name in {NAMES!r}:
    user = User.objects.create(username=name, password=password, is_staff=True)
    assign(user, {{"viewer": Role.VIEWER, "lead": Role.LEAD}}.get(name, Role.ANALYST))
    made[name] = tokens.issue(user).value
print("result:" + json.dumps(made))
"""


class Row(NamedTuple):
    """A line of the printed table.

    Attributes:
        finding: Number of the finding in the security review.
        request: What was requested.
        then: The answer at the time of the review.
        now: The answer now.
        right: Whether it is right now.
    """

    finding: str
    request: str
    then: str
    now: str
    right: bool


class SourceAddressAdapter(HTTPAdapter):
    """Adapter that connects from an address in 127.0.0.0/8."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


@dataclass
class Site:
    """A running application on 127.0.0.1, with a user of each name in ``NAMES``."""

    port: int
    environ: Mapping[str, str]
    has_worker: bool
    tokens: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Create the users and their tokens."""
        self.tokens = self.shell(_SETUP)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shell(self, code: str) -> Any:
        """Run code in ``manage.py shell``; return the JSON printed after ``result:`` or None."""
        argv = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
        environ = {**self.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, env=environ, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        _before, found, result = done.stdout.rpartition("result:")
        return json.loads(result) if found else None

    def client(self, address: str = "127.0.0.1", token: str = "") -> requests.Session:
        """Return a client.

        Args:
            address: The address from which it connects.
            token: Name of the user whose token it sends; "" for none.
        """
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", SourceAddressAdapter(address))
        session.headers["Accept-Language"] = "en"
        if token:
            session.headers["Authorization"] = f"Token {self.tokens[token]}"
        return session

    def get(self, session: requests.Session, path: str, **arguments: Any) -> requests.Response:
        return session.get(self.address + path, timeout=90, **arguments)

    def post(self, session: requests.Session, path: str, **arguments: Any) -> requests.Response:
        return session.post(self.address + path, timeout=90, **arguments)

    def log_in(
        self, session: requests.Session, username: str, password: str = PASSWORD
    ) -> requests.Response:
        """Send the login form; return the response without following redirects."""
        return self.form(session, "/admin/login/", {"username": username, "password": password})

    def form(
        self, session: requests.Session, path: str, values: dict[str, str]
    ) -> requests.Response:
        """Send a form with its CSRF token; return the response without following redirects."""
        if "csrftoken" not in session.cookies:
            self.get(session, path)
        token = session.cookies["csrftoken"]
        data = {**values, "csrfmiddlewaretoken": token}
        return self.post(session, path, data=data, allow_redirects=False)

    def logged_in(self, username: str, address: str = "127.0.0.1") -> requests.Session:
        session = self.client(address)
        answer = self.log_in(session, username)
        if answer.status_code != 302:
            raise RuntimeError(f"{username} can't log in: {answer.status_code}")
        return session
