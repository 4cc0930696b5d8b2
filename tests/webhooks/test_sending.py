"""A single request: its content, redirects, proxies, timeouts and certificates."""

from __future__ import annotations

import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from creativefilter.webhooks import sending
from creativefilter.webhooks.sending import ANSWER_BYTES, post
from tests.webhooks.receiving import Receiver, drip

pytestmark = pytest.mark.usefixtures("private_allowed")


def test_the_request_and_its_answer(receiver: Receiver) -> None:
    outcome = post(receiver.url, {"X-One": "1"}, "тело".encode())
    assert (outcome.status_code, outcome.error, outcome.answer) == (200, "", "answer 200")
    assert outcome.delivered
    [request] = receiver.received
    assert (request.path, request.body.decode()) == ("/hook?x=1", "тело")
    assert request.headers["x-one"] == "1"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    outcome = post(receiver.url, {}, b"{}")
    assert outcome.status_code == status
    assert not outcome.delivered
    assert len(receiver.received) == 1


def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(receiver.url, {}, b"{}").delivered


def test_only_the_beginning_of_an_answer_is_stored(receiver: Receiver) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 500 Oops\r\n\r\n")
        try:
            for _ in range(10_000):
                handler.wfile.write(b"\x00" + b"x" * 1023)
        except OSError:
            pass

    receiver.answers = [endless]
    outcome = post(receiver.url, {}, b"{}")
    assert outcome.status_code == 500
    assert len(outcome.answer) == ANSWER_BYTES
    assert "\x00" not in outcome.answer


def test_a_slow_answer_times_out(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.4)
    receiver.answers = [drip]
    outcome = post(receiver.url, {}, b"{}")
    assert (outcome.status_code, outcome.error) == (None, "timeout")


def test_a_missing_answer_times_out(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    release = threading.Event()
    receiver.answers = [lambda handler: release.wait(5)]
    assert post(receiver.url, {}, b"{}").error == "timeout"
    release.set()


def test_a_receiver_that_is_no_web_server_counts_as_no_answer(receiver: Receiver) -> None:
    receiver.answers = [lambda handler: handler.wfile.write(b"220 mail ready\r\n")]
    assert post(receiver.url, {}, b"{}").error == "no_answer"
    assert post("http://127.0.0.1:1025/", {}, b"{}").error == "no_answer"


@pytest.fixture
def secure(tmp_path: Path) -> Any:
    """An HTTPS server for ``hooks.test``: its port, certificate file and requested names.

    Each request adds two names: that of its TLS handshake (SNI) and its ``Host`` header.
    """
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=hooks.test",
         "-addext", "subjectAltName=DNS:hooks.test"],
        check=True, capture_output=True,
    )  # fmt: skip
    requested_names: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requested_names.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda _socket, name, _context: requested_names.append(name)  # type: ignore[assignment, return-value]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1], certificate, requested_names
    server.shutdown()
    server.server_close()
    thread.join()


def test_certificates_are_checked_against_the_name_not_the_address(
    secure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate, requested_names = secure
    monkeypatch.setattr(sending, "resolve", lambda target: ["127.0.0.1"])
    assert post(f"https://hooks.test:{port}/", {}, b"{}").error == "tls", (
        "the certificate is self-signed"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    requested_names.clear()
    assert post(f"https://hooks.test:{port}/", {}, b"{}").status_code == 204
    assert requested_names == ["hooks.test", f"hooks.test:{port}"]
    assert post(f"https://other.test:{port}/", {}, b"{}").error == "tls", (
        "the certificate has another name"
    )
