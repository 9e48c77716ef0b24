"""The ways in which a simulated partner misbehaves, on the wire and in what it says.

Each fault is a function of the connection's file, the request and the answer that would be right. Those marked with
`acts` do what was asked before they spoil the answer: the worst case, for the sender cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import BinaryIO, NamedTuple

from gateway.fhir import codec

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, JSON body (None: empty), headers."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wire:
    """The connection that a fault writes to; `stopping` ends its waits when the simulator is closed."""

    file: BinaryIO
    stopping: Event
    slow: float
    """Seconds between two dripped bytes, and twenty of them before a slow answer."""


class Fault(NamedTuple):
    """One way to misbehave; `keep` says whether the connection may go on."""

    acts: bool
    run: Callable[[Wire, Answer], None]
    keep: bool = False


def whole(answer: Answer, *, close: bool = False) -> bytes:
    """The answer as HTTP/1.1."""
    body = b"" if answer.body is None else codec.write(answer.body)
    headers = {"Content-Type": FHIR_JSON, **answer.headers, "Content-Length": str(len(body))}
    if close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} Simulated", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _says(status: int, body: object = None, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(False, lambda wire, answer: _write(wire, whole(Answer(status, body, named))), keep=True)


def _write(wire: Wire, data: bytes) -> None:
    wire.file.write(data)
    wire.file.flush()


def _drip(wire: Wire, data: bytes) -> None:
    for at in range(len(data)):
        _write(wire, data[at : at + 1])
        if wire.stopping.wait(wire.slow):
            return


def _drip_headers(wire: Wire, answer: Answer) -> None:
    _drip(wire, whole(answer))


def _drip_body(wire: Wire, answer: Answer) -> None:
    data = whole(answer)
    head = data.index(b"\r\n\r\n") + 4
    _write(wire, data[:head])
    _drip(wire, data[head:])


def _cut_headers(wire: Wire, answer: Answer) -> None:
    _write(wire, whole(answer)[:28])


def _cut_after_status(wire: Wire, answer: Answer) -> None:
    data = whole(answer)
    _write(wire, data[: data.index(b"\r\n") + 2])


def _cut_body(wire: Wire, answer: Answer) -> None:
    _write(wire, whole(answer)[:-3])


def _cut_chunk(wire: Wire, answer: Answer) -> None:
    body = codec.write(answer.body)
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {FHIR_JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    _write(wire, head.encode() + f"{len(body):x}\r\n".encode() + body[:-3])


def _cut_before_last_chunk(wire: Wire, answer: Answer) -> None:
    body = codec.write(answer.body)
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {FHIR_JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    _write(wire, head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n")


def _cut_without_length(wire: Wire, answer: Answer) -> None:
    body = codec.write(answer.body)
    _write(wire, f"HTTP/1.0 {answer.status} OK\r\nContent-Type: {FHIR_JSON}\r\n\r\n".encode() + body[: len(body) // 2])


def _nothing(wire: Wire, answer: Answer) -> None:
    """Close without a word."""


def _slow(wire: Wire, answer: Answer) -> None:
    if not wire.stopping.wait(wire.slow * 20):
        _write(wire, whole(answer))


def _garbage(wire: Wire, answer: Answer) -> None:
    _write(wire, b"\x16\x03\x01 this is not HTTP\r\n\r\n")


def _html(wire: Wire, answer: Answer) -> None:
    page = b"<html><body>Please sign in</body></html>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
    _write(wire, head.encode() + page)


def _endless(wire: Wire, answer: Answer) -> None:
    _write(wire, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not wire.stopping.is_set():
        _write(wire, b"10000\r\n" + b" " * 65536 + b"\r\n")


def outcome(code: str, severity: str = "error") -> dict[str, object]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


def _not_all(wire: Wire, answer: Answer) -> None:
    """A transaction-response that is one entry short."""
    body = answer.body
    if isinstance(body, dict) and isinstance(body.get("entry"), list):
        body = {**body, "entry": body["entry"][:-1]}
    _write(wire, whole(Answer(answer.status, body)))


FAULTS: dict[str, Fault] = {
    "429": _says(429, outcome("throttled"), Retry_After="1"),
    "500": _says(500, outcome("exception")),
    "503": _says(503, None, Retry_After="1"),
    "401": _says(401, outcome("login")),
    "202": _says(202),
    "redirect": _says(307, None, Location="http://127.0.0.1:9/elsewhere"),
    "error-in-200": _says(200, outcome("transient")),
    "html": Fault(False, _html, keep=True),
    "garbage": Fault(False, _garbage),
    "close": Fault(False, _nothing),
    "lost-reply": Fault(True, _nothing),
    "slow": Fault(True, _slow),
    "drip-headers": Fault(True, _drip_headers),
    "drip-body": Fault(True, _drip_body),
    "cut-headers": Fault(True, _cut_headers),
    "cut-after-status": Fault(True, _cut_after_status),
    "cut-body": Fault(True, _cut_body),
    "cut-chunk": Fault(True, _cut_chunk),
    "cut-before-last-chunk": Fault(True, _cut_before_last_chunk),
    "cut-without-length": Fault(True, _cut_without_length),
    "endless": Fault(False, _endless),
    "not-all-entries": Fault(True, _not_all, keep=True),
    "400": _says(400, outcome("invalid")),
    "422": _says(422, outcome("processing")),
    "error-in-200-for-good": _says(200, outcome("processing")),
    "404": _says(404, outcome("not-found")),
    "wrong-tenant": _says(403, outcome("forbidden")),
}
"""Faults by name. The last five are refusals: trying again will not help, but for the last two perhaps."""
DRAGS = frozenset(["drip-body", "drip-headers", "slow"])
"""Faults that go on for as long as the simulator is slow: only the sender's deadline ends them."""
REFUSALS = frozenset(["400", "422", "error-in-200-for-good", "404", "wrong-tenant"])
OK = "ok"
AMNESIA = "amnesia"
"""Forgets all that it was ever told, and then does what it is asked."""
SAYS_YES = (OK, AMNESIA)


class Script:
    """Which fault comes next: the names in turn, then `ok` for ever. Safe for threads."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: Iterator[str] = iter(names)
        self._lock = Lock()

    def __call__(self) -> str:
        with self._lock:
            name = next(self._names, OK)
        if name not in SAYS_YES and name not in FAULTS:
            raise ValueError(f"{name} is no fault; there are: {', '.join([*SAYS_YES, *FAULTS])}")
        return name
