"""Send a POST request to a checked address, without redirects or a proxy, with a time limit."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from creativefilter.webhooks.addresses import AddressError, NameUnknownError, Target, parse, resolve

# Time limit for connection, TLS handshake, request and response together. Name resolution is not
# included.
SECONDS = 10.0
# Bytes of a response body that are stored in the history.
ANSWER_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an attempt.

    ``status_code``: the HTTP status; None if there was no response. ``error``: then a code of
    ``site.codes``. ``answer``: the beginning of the response body.
    """

    status_code: int | None
    error: str = ""
    answer: str = ""

    @property
    def delivered(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class _DeadlineError(Exception):
    """The deadline has passed."""


def post(url: str, headers: dict[str, str], body: bytes) -> Outcome:
    """Send a POST request and return its outcome.

    Refused addresses, and failures of the name resolution, the network and the receiver, are
    outcomes, not exceptions.
    """
    try:
        target = parse(url)
        return _exchange(target, resolve(target), headers, body)
    except AddressError as error:
        return Outcome(None, error.code)
    except NameUnknownError:
        return Outcome(None, "name_unknown")
    except (_DeadlineError, TimeoutError):
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
    timed_out = threading.Event()

    def end_connection() -> None:
        timed_out.set()
        # Call the method of the plain socket: SSLSocket.shutdown would drop the TLS session while
        # the other thread reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    # A socket timeout limits only a single read. This timer also ends a response that arrives
    # slowly, byte by byte.
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end_connection)
    timer.daemon = True
    timer.start()
    try:
        outcome = _request(target, sock, headers, body)
    except (OSError, http.client.HTTPException, ValueError):
        if timed_out.is_set():
            raise _DeadlineError from None
        raise
    finally:
        timer.cancel()
        sock.close()
    # If the timer ends the connection within the headers, the parser takes that for their end and
    # raises nothing.
    if timed_out.is_set():
        raise _DeadlineError
    return outcome


def _connect(target: Target, addresses: list[str], deadline: float) -> socket.socket:
    """Connect to the first address that accepts, without the TLS handshake."""
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


def _request(target: Target, sock: socket.socket, headers: dict[str, str], body: bytes) -> Outcome:
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    kind = http.client.HTTPSConnection if target.secure else http.client.HTTPConnection
    connection = kind(target.host, target.port)
    # The socket is connected; with auto_open = 0 the connection never resolves the name itself.
    connection.auto_open = 0
    connection.sock = sock
    connection.request("POST", target.path, body, {**headers, "Connection": "close"})
    response = connection.getresponse()
    return Outcome(response.status, answer=_answer_text(response))


def _answer_text(response: http.client.HTTPResponse) -> str:
    """Return the first ``ANSWER_BYTES`` of the body as text; "" if it can't be read.

    The status alone decides whether the message is delivered. If the body can't be read because
    the deadline has passed, ``_exchange`` discards the whole outcome.
    """
    try:
        content = response.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return content.decode("utf-8", "replace").replace("\x00", "�")
