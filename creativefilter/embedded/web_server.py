"""The web server: gunicorn manages the processes, waitress serves requests in each.

Waitress' main thread receives a whole request, a long body into a temporary file, before it passes
the request to a thread that runs the application. It also sends the response. So a slow client
holds a connection, but no thread. This module adds deadlines for headers and bodies, limits of
bodies that are checked before the body is received, and a log of requests.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from creativefilter.site.problem_details import API_PREFIXES
from creativefilter.site.request_limits import largest_body

logger = logging.getLogger(__name__)

# Longer than every interval at which clients poll, so that no poll meets a closing connection.
KEEP_ALIVE_SECONDS = 90
HEADER_SECONDS = 20
# After BODY_SECONDS, a body must have arrived at this mean rate.
BODY_SECONDS = 60
BODY_BYTES_PER_SECOND = 4096
# How long data from a refused client is read and dropped, so that the client can read the response.
LINGER_SECONDS = 2.0
HEADER_BYTES = 64 * 1024
CONNECTIONS = 2000
# Responses that can't be sent from a file and are longer than this occupy a thread until a slow
# client has read them.
ANSWER_BYTES = 64 * 1024**2


class Request(HTTPRequestParser):
    """A request while it is received. A body over the limit is discarded, and later refused."""

    content_length: int
    body_rcv: Any
    limit = 0
    body_discarded = False

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started_at = time.monotonic()
        # Bodies have the application's limits, see ``parse_header``.
        self.adj = SimpleNamespace(
            max_request_header_size=adj.max_request_header_size,
            max_request_body_size=float("inf"),
            inbuf_overflow=adj.inbuf_overflow,
            url_scheme=adj.url_scheme,
        )

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        self.limit = largest_body(
            is_api=self.path.startswith(API_PREFIXES),
            is_form=self.headers.get("CONTENT_TYPE", "").startswith("multipart/form-data"),
            is_known=self._has_session(),
        )
        if self.content_length > self.limit:
            self._discard_body(self.content_length)

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.chunked and self.body_bytes_received > self.limit and not self.error:
            self._discard_body(self.body_bytes_received)
            self.completed = True
            consumed = len(data)
        if self.completed:
            # Otherwise waitress would send "100 Continue" and wait for the body of a request that
            # has none, or whose body is refused.
            self.expect_continue = False
        return consumed

    def is_late(self) -> bool:
        """Return whether the header or the body has taken longer than allowed."""
        seconds = time.monotonic() - self.started_at
        if not self.headers_finished:
            return seconds > HEADER_SECONDS
        return seconds > BODY_SECONDS and self.body_bytes_received < seconds * BODY_BYTES_PER_SECOND

    def _has_session(self) -> bool:
        try:
            return settings.SESSION_COOKIE_NAME in SimpleCookie(self.headers.get("COOKIE", ""))
        except CookieError:
            return False

    def _discard_body(self, length: int) -> None:
        """Drop the body and set its length in the headers, so that ``LimitBody`` refuses it."""
        if self.body_rcv is not None:
            self.body_rcv.getbuf().close()
            self.body_rcv = None
        self.content_length = 0
        self.headers["CONTENT_LENGTH"] = str(length)
        self.headers["CONNECTION"] = "close"
        self.body_discarded = True


class Task(WSGITask):
    """Runs the application for one request and logs a line.

    Django expects the server to send no body in response to HEAD, but waitress would send one.
    """

    def service(self) -> None:
        try:
            super().service()
        finally:
            logger.info(
                "%s %s %s %s %d bytes %.3f s",
                self.channel.addr[0],
                self.request.command,
                self.request.path,
                self.status.partition(" ")[0],
                self.content_bytes_written,
                time.time() - self.start_time,
            )

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.file_wrapper"] = discard_file if self._is_head() else file_wrapper
        return environ

    def build_response_header(self) -> bytes:
        header: bytes = super().build_response_header()
        if self._is_head():
            self.chunked_response = False  # also suppresses the last, empty chunk
        return header

    def write(self, data: bytes) -> None:
        super().write(b"" if self._is_head() else data)

    def _is_head(self) -> bool:
        return bool(self.request.command == "HEAD")


def discard_file(file: Any, block_size: int = 0) -> list[bytes]:
    """Close the file and return an empty body."""
    file.close()
    return []


def file_wrapper(file: Any, block_size: int = 64 * 1024) -> Any:
    """Return an iterable of a file.

    The main thread sends files that have a descriptor; the thread of the request sends all others.
    """
    try:
        file.fileno()
    except (AttributeError, OSError):
        return _blocks(file, block_size)
    return ReadOnlyFileBasedBuffer(file, block_size)


def _blocks(file: Any, size: int) -> Any:
    try:
        while block := file.read(size):
            yield block
    finally:
        file.close()


class Channel(HTTPChannel):
    """A connection. After a discarded body it drops incoming data for a while, then closes."""

    parser_class = Request
    task_class = Task
    body_refused = False
    lingers_until = 0.0

    def service(self) -> None:
        self.body_refused = self.requests[0].body_discarded
        super().service()

    def is_late(self) -> bool:
        """Return whether the connection is to be closed because the client is too slow."""
        if self.lingers_until:
            return time.monotonic() > self.lingers_until
        return self.request is not None and not self.requests and bool(self.request.is_late())

    def readable(self) -> bool:
        return bool(self.lingers_until) or bool(super().readable())

    def handle_read(self) -> None:
        if not self.lingers_until:
            super().handle_read()
            return
        try:
            more = self.recv(self.adj.recv_bytes)
        except OSError:
            more = b""
        if not more:
            super().handle_close()

    def handle_close(self) -> None:
        if self.body_refused and self.connected and not self.lingers_until:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:
                    raise
            else:
                self.lingers_until = time.monotonic() + LINGER_SECONDS
                self.will_close = False
                return
        super().handle_close()


class Server(TcpWSGIServer):
    """Accepts connections only while no request waits for a thread: another process may be free."""

    channel_class = Channel

    def readable(self) -> bool:
        return bool(super().readable()) and not self.task_dispatcher.queue

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.is_late():
                channel.lingers_until = channel.body_refused = False
                channel.will_close = True

    def is_busy(self) -> bool:
        """Return whether a request is being answered."""
        channels = self.active_channels.values()
        return any(channel.requests or channel.total_outbufs_len for channel in channels)


class BufferingWorker(Worker):
    """A gunicorn worker process that serves requests by waitress."""

    def run(self) -> None:
        map_: dict[int, Any] = {}
        adjustments = Adjustments(
            threads=self.cfg.threads,
            channel_timeout=self.cfg.keepalive,
            cleanup_interval=1,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,
            max_request_header_size=HEADER_BYTES,
            recv_bytes=256 * 1024,
            outbuf_high_watermark=ANSWER_BYTES,
            ident="",
            # Which proxies are trusted is decided by Django's settings and by the proxy.
            clear_untrusted_proxy_headers=False,
        )
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(self.cfg.threads)
        servers = [
            Server(
                self.wsgi,
                map_,
                _sock=listener.sock,
                dispatcher=dispatcher,
                adj=adjustments,
                sockinfo=(listener.sock.family, listener.sock.type, 0, listener.sock.getsockname()),
                bind_socket=False,
            )
            for listener in self.sockets
        ]
        while self.alive and self.ppid == os.getppid():
            self._step(map_, seconds=1)
        self._finish(servers, map_)
        dispatcher.shutdown(timeout=1)

    def _step(self, map_: dict[int, Any], seconds: float) -> None:
        self.notify()
        wasyncore.loop(timeout=seconds, use_poll=True, map=map_, count=1)

    def _finish(self, servers: list[Server], map_: dict[int, Any]) -> None:
        """Answer the requests that were received, for as long as gunicorn waits."""
        for server in servers:
            server.del_channel(map_)
        deadline = time.monotonic() + self.cfg.graceful_timeout - 1
        while any(server.is_busy() for server in servers) and time.monotonic() < deadline:
            self._step(map_, seconds=0.1)
