"""One request to one checked address: no redirect, no proxy, ten seconds for all of it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from creativefilter.webhooks.addresses import AddressError, NameUnknownError, Target, parse, resolve

# For connecting, greeting, asking and being answered together.
SECONDS = 10.0
# How much of an answer is kept for the history.
ANSWER_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: the status of the answer, or why there is none (``site.codes``)."""

    status_code: int | None
    error: str = ""
    answer: str = ""

    @property
    def delivered(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class _OutOfTimeError(Exception):
    """The deadline has passed."""


def post(url: str, headers: dict[str, str], body: bytes) -> Outcome:
    """Sends a request and tells what came of it; never raises for what others do."""
    try:
        target = parse(url)
        return _exchange(target, resolve(target), headers, body)
    except AddressError as error:
        return Outcome(None, error.code)
    except NameUnknownError:
        return Outcome(None, "name_unknown")
    except (_OutOfTimeError, TimeoutError):
        return Outcome(None, "timeout")
    except ssl.SSLError:
        return Outcome(None, "tls")
    except (OSError, http.client.HTTPException, ValueError):
        return Outcome(None, "no_answer")


def _exchange(
    target: Target, addresses: list[str], headers: dict[str, str], body: bytes
) -> Outcome:
    deadline = time.monotonic() + SECONDS
    sock = _connect(target, addresses, deadline)
    cut = threading.Event()

    def cut_off() -> None:
        cut.set()
        # The method of the plain socket: that of a TLS one would pull the session from under the
        # thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    # A timeout of the socket bounds one read; who sends a byte every nine seconds needs this.
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut_off)
    timer.daemon = True
    timer.start()
    try:
        outcome = _ask(target, sock, headers, body)
    except (OSError, http.client.HTTPException, ValueError):
        if cut.is_set():
            raise _OutOfTimeError from None
        raise
    finally:
        timer.cancel()
        sock.close()
    # To the parser of headers their being cut off is their end.
    if cut.is_set():
        raise _OutOfTimeError
    return outcome


def _connect(target: Target, addresses: list[str], deadline: float) -> socket.socket:
    """A connection to the first address that takes it, not yet greeted."""
    failure: OSError = TimeoutError()
    for address in addresses:
        if (left := deadline - time.monotonic()) <= 0:
            break
        try:
            plain = socket.create_connection((address, target.port), timeout=left)
        except OSError as error:
            failure = error
            continue
        if not target.secure:
            return plain
        return ssl.create_default_context().wrap_socket(
            plain, server_hostname=target.host, do_handshake_on_connect=False
        )
    raise failure


def _ask(target: Target, sock: socket.socket, headers: dict[str, str], body: bytes) -> Outcome:
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    kind = http.client.HTTPSConnection if target.secure else http.client.HTTPConnection
    connection = kind(target.host, target.port)
    # It is connected already, and never looks the name up by itself.
    connection.auto_open = 0
    connection.sock = sock
    connection.request("POST", target.path, body, {**headers, "Connection": "close"})
    response = connection.getresponse()
    return Outcome(response.status, answer=_beginning(response))


def _beginning(response: http.client.HTTPResponse) -> str:
    """What can be read of the answer; it is for people, and the status has come already."""
    try:
        found = response.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return found.decode("utf-8", "replace").replace("\x00", "�")
