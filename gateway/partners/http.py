"""HTTP to partners: one deadline over the whole exchange, and no reply believed that is not whole.

The usual clients take a reply that breaks off in its headers for a good one, and let a partner that drips a byte now
and then hold a worker for ever: their timeouts are per read. Here every read ends at the exchange's deadline, a reply
needs a complete header block and a body that is known to be complete, redirects are never followed (the content would
go where nobody decided to send it), and proxies and credentials of the environment are not used.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from gateway.partners.addresses import addresses, connected

MAX_REPLY = 4 * 1024 * 1024
"""Largest reply body that is read."""
_KEPT_OPEN = 8
Judge = Callable[[str, Sequence[str]], bool]
"""Whether a host that has these addresses may be connected to."""
_NEVER_A_BODY = (204, 304)


class Unanswered(Exception):
    """No reply that can be believed. `reason` says what happened, never what was sent or said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Keeps connections to one server open. Safe for threads."""

    def __init__(
        self,
        base_url: str,
        *,
        seconds: float,
        ca_file: str | None = None,
        judge: Judge | None = None,
        status_only: bool = False,
    ) -> None:
        """`seconds` is the deadline of each exchange, from looking for a connection to the reply's last byte.

        `judge` decides whether the addresses of the host may be connected to: for hosts that others name.
        `status_only`: nobody reads the replies' bodies, so that one without a length says enough by its status.
        """
        self._judge = judge
        self._status_only = status_only
        parts = urlsplit(base_url)
        self._https = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._https else 80)
        self._path = parts.path.rstrip("/")
        self._seconds = seconds
        self._tls = ssl.create_default_context(cafile=ca_file) if self._https else None
        self._open: list[_Connection] = []
        self._lock = Lock()

    def deadline(self) -> float:
        """When an exchange that begins now has to be over, on the monotonic clock."""
        return time.monotonic() + self._seconds

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str],
        deadline: float | None = None,
        once: bool = False,
    ) -> Reply:
        """Send a request to `path` below the base, and read the whole reply; Unanswered without one.

        `deadline` (of `deadline()`) is shared by several requests that make one exchange. A request that fails
        on a kept connection before any byte of a reply came is sent once more on a new one, unless it may be sent
        `once` only (a create that the server does not know again): that takes a new connection at once.
        """
        deadline = self.deadline() if deadline is None else deadline
        kept = None if once else self._take()
        if kept is not None:
            try:
                return self._once(kept, method, path, body, headers, deadline)
            except _Stale:
                pass
        try:
            return self._once(self._connection(), method, path, body, headers, deadline)
        except _Stale:
            raise Unanswered("the connection was closed before a reply") from None

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.pop().close()

    def _once(
        self, connection: _Connection, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> Reply:
        whole = answered = False
        try:
            connection.until(deadline)
            connection.request(method, self._path + path, body=body or None, headers=dict(headers))
            with connection.getresponse() as response:  # what is read to its end and what is not: closed
                answered = True
                reply, reusable = _read(response, status_only=self._status_only)
            whole = reusable
        except TimeoutError:
            raise Unanswered("no whole reply in time") from None
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if answered:
                raise Unanswered("the reply breaks off") from None
            raise _Stale from None
        except ssl.SSLError:
            raise Unanswered("the TLS connection failed") from None
        except ConnectionRefusedError:
            raise Unanswered("the connection was refused") from None
        except UnicodeError:
            raise Unanswered("the address is not ASCII") from None
        except http.client.HTTPException:
            raise Unanswered("the reply is not whole HTTP") from None
        except OSError:
            raise Unanswered("the connection failed") from None
        else:
            return reply
        finally:
            self._give_back(connection) if whole else connection.close()

    def _take(self) -> _Connection | None:
        with self._lock:
            return self._open.pop() if self._open else None

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._open) < _KEPT_OPEN:
                self._open.append(connection)
                return
        connection.close()

    def _connection(self) -> _Connection:
        return _Connection(self._host, self._port, tls=self._tls, judge=self._judge)


class _Stale(Exception):
    """Closed by the other side before any byte of a reply."""


class _Timed(io.RawIOBase):
    """Reads from a socket; every read ends at the deadline."""

    def __init__(self, connection: socket.socket, raw: io.RawIOBase, deadline: float) -> None:
        """`raw` is the socket's own file: it keeps the socket open while a reply is read."""
        self._socket = connection
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._raw.readinto(buffer) or 0

    def close(self) -> None:
        self._raw.close()
        super().close()


class _WholeLines:
    """The reply's file, in which a line that breaks off (header, chunk size, trailer) is the error that it is."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._status_seen = False

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._file.readline(limit)
        if self._status_seen and not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        self._status_seen = self._status_seen or bool(line)
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Response(http.client.HTTPResponse):
    """A response whose header block and chunks must be complete."""

    def begin(self) -> None:
        self.fp = _WholeLines(self.fp)  # type: ignore[assignment]
        super().begin()


class _Connection(http.client.HTTPConnection):
    """A connection that obeys one deadline per exchange."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None, judge: Judge | None = None) -> None:
        super().__init__(host, port)
        self._judge = judge
        self._tls = tls
        self._deadline = 0.0

    def until(self, deadline: float) -> None:
        self._deadline = deadline
        if self.sock is not None:
            self.sock.settimeout(self._left())

    def connect(self) -> None:
        found = addresses(self.host, self.port, seconds=self._left())
        if self._judge is not None and not self._judge(self.host, found):
            raise OSError("the address may not be reached")
        self.sock = connected(found, self.port, deadline=self._deadline)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            self.sock.settimeout(self._left())
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(self._left())

    def response_class(self, sock: Any, *args: Any, **kwargs: Any) -> _Response:  # type: ignore[override]
        response = _Response(sock, *args, **kwargs)
        response.fp = io.BufferedReader(_Timed(sock, response.fp.detach(), self._deadline))
        return response

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _read(response: http.client.HTTPResponse, *, status_only: bool) -> tuple[Reply, bool]:
    """The whole reply, and whether its connection can be used again."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    measured = response.chunked or response.length is not None or response.status in _NEVER_A_BODY
    if response.length is not None and response.length > MAX_REPLY:
        raise Unanswered("the reply is too large")
    body = b"" if response.status in _NEVER_A_BODY else response.read(MAX_REPLY + 1)
    if len(body) > MAX_REPLY:
        raise Unanswered("the reply is too large")
    if response.length and not response.chunked:
        raise http.client.IncompleteRead(body, response.length)
    if not measured and not status_only and response.status < 300 and not body.rstrip().endswith(b"}"):
        # Closed instead of measured: a success is believed only if its JSON can be complete.
        raise Unanswered("the reply may be cut: it has no length")
    reusable = measured and not response.will_close and response.isclosed()
    return Reply(response.status, headers, body), reusable
