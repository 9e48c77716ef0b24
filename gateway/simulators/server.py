"""The HTTP side of a simulated partner: loopback only, one thread a connection, everything recorded.

with Simulator() as partner:
    ... partner.url, partner.recorded, partner.memory.effects
"""

from __future__ import annotations

import base64
import socket
import socketserver
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, BinaryIO, Protocol, cast

from gateway.simulators.faults import AMNESIA, FAULTS, OK, Answer, Script, Wire, whole
from gateway.simulators.fhir import FhirMemory

RECORDED = "/recorded"
"""Where everything that came is served; beside the partner's own addresses, met by no fault and recorded nowhere."""
_LONGEST_LINE = 65536
_LONGEST_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came, and the fault it met."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    fault: str

    @property
    def delivery(self) -> str:
        """The sender's id of the delivery."""
        return self.headers.get("idempotency-key", "")

    def plain(self) -> dict[str, object]:
        """As JSON: what came, with its body as text, or in base64 where it is none."""
        try:
            body = {"body": self.body.decode()}
        except UnicodeDecodeError:
            body = {"body_base64": base64.b64encode(self.body).decode()}
        return {"method": self.method, "path": self.path, "headers": self.headers, **body, "fault": self.fault}


class Memory(Protocol):
    """What a partner knows: it answers requests whose paths are below its address."""

    base: str

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer: ...

    def forget(self) -> None: ...


class Simulator:
    """A partner on loopback. `faults` names the fault for each request in turn ("ok": none)."""

    def __init__(
        self,
        *,
        memory: Memory | None = None,
        faults: Callable[[], str] | None = None,
        port: int = 0,
        slow: float = 0.05,
        heard: Callable[[Recorded], None] = lambda recorded: None,
    ) -> None:
        """`port` 0 takes a free one. `slow`: seconds between dripped bytes. `heard` is called with every request."""
        self.memory: Any = memory or FhirMemory()
        self.faults = faults or Script()
        self.recorded: list[Recorded] = []
        self._heard = heard
        self._slow = slow
        self._stopping = Event()
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port), self._serve)
        self.memory.base = self.url
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/fhir"

    def close(self) -> None:
        """Stop listening and cut every connection."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for one in self._sockets:
                _cut(one)
        self._thread.join()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)
        try:
            with connection.makefile("rwb") as file:
                while not self._stopping.is_set() and self._request(cast(BinaryIO, file)):
                    pass
        except (OSError, ValueError):
            pass  # the other side went away
        finally:
            with self._lock:
                self._sockets.discard(connection)
            _cut(connection)

    def _request(self, file: BinaryIO) -> bool:
        """Answer one request; whether another may follow."""
        read = _read(file)
        if read is None:
            return False
        method, path, headers, body = read
        if (method, path) == ("GET", RECORDED):
            file.write(whole(Answer(200, [one.plain() for one in self.recorded], {"Content-Type": "application/json"})))
            file.flush()
            return True
        name = self.faults()
        recorded = Recorded(method, path, headers, body, name)
        with self._lock:
            self.recorded.append(recorded)
        self._heard(recorded)
        fault = FAULTS.get(name)
        answer = Answer(200)
        if fault is None or fault.acts:
            if name == AMNESIA:
                self.memory.forget()
            answer = self.memory.answer(method, path.removeprefix("/fhir"), body, headers)
        if fault is None:
            assert name in (OK, AMNESIA)
            file.write(whole(answer))
            file.flush()
            return True
        fault.run(Wire(file, self._stopping, self._slow), answer)
        return fault.keep


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._serve(request)


def _read(file: BinaryIO) -> tuple[str, str, dict[str, str], bytes] | None:
    """Method, path, headers and body of the next request; None when there is none."""
    first = file.readline(_LONGEST_LINE).decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := file.readline(_LONGEST_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = file.read(min(length, _LONGEST_BODY))
    return (first[0], first[1], headers, body) if len(body) == length else None


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
