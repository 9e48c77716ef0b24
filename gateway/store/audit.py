"""Audit rows: append-only, each chained to the one before it on the same connection (a strand).

A strand's link holds the hash of the link before it; its first link holds the hash of the tenant's newest row at that
time. Changing or removing a row therefore breaks a link, and no writer ever waits for another's hash.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from gateway.errors import GatewayError, StoreUnavailable
from gateway.ports import AuditEntry, Caller
from gateway.store.sql import Note, Row

_INTO = (
    "INSERT INTO audit (strand, link, tenant, at, principal, purpose, request_id, action, event, entities, outcome,"
    " recipient, basis, previous, hash) VALUES "
)
_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT = _INTO + _VALUES
TOGETHER = 64
"""Most rows of one statement: far below every limit on parameters."""
NEWEST = "SELECT hash FROM audit WHERE tenant = ? ORDER BY seq DESC LIMIT 1"
NAMES = (
    "seq", "strand", "link", "tenant", "at", "principal", "purpose", "request_id", "action", "event", "entities",
    "outcome", "recipient", "basis", "previous", "hash",
)  # fmt: skip
SELECT = f"SELECT {', '.join(NAMES)} FROM audit"  # noqa: S608 (names of our own)
_encode = msgspec.json.Encoder().encode


def note(caller: Caller, entry: AuditEntry, *, at: int) -> Note:
    """`entry` as a row of `caller`'s tenant."""
    return Note(
        caller.tenant,
        at,
        caller.principal,
        caller.purpose,
        caller.request_id,
        entry.action,
        entry.event,
        " ".join(entry.entities),
        entry.outcome,
        entry.recipient,
        entry.basis,
    )


def digest(previous: bytes, strand: str, link: int, fields: Sequence[object]) -> bytes:
    """The hash of one row: over the row before it, its place and all it says."""
    return hashlib.sha256(previous + _encode([strand, link, *fields])).digest()


def statements(rows: Sequence[Row]) -> Iterator[tuple[str, list[object]]]:
    """INSERTs of many rows each: the interpreter's lock is given away once a statement, not once a row."""
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        yield _INTO + ", ".join([_VALUES] * len(some)), [value for row in some for value in row]


class Strand:
    """The chain that one connection writes; after a failed commit a new one is begun."""

    __slots__ = ("_heads", "_name")

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._heads: dict[str, tuple[int, bytes]] = {}

    def chain(self, notes: Iterable[Note], *, newest: Callable[[str], bytes]) -> list[Row]:
        """Rows for INSERT; `newest` answers a tenant's newest hash (empty if none), asked once a tenant."""
        rows: list[Row] = []
        for item in notes:
            fields = _fields(item)
            link, previous = self._heads.get(item.tenant) or (0, newest(item.tenant))
            link += 1
            hashed = digest(previous, self._name, link, fields)
            self._heads[item.tenant] = (link, hashed)
            rows.append((self._name, link, *fields, previous, hashed))
        return rows


def _fields(item: Note) -> Row:
    return (
        item.tenant,
        item.at,
        item.principal,
        item.purpose,
        item.request_id,
        item.action,
        item.event,
        item.entities,
        item.outcome,
        item.recipient,
        item.basis,
    )


def broken(rows: Iterable[Row]) -> list[int]:
    """The `seq` of every row (in NAMES order, oldest first) whose hash or link does not fit those before it."""
    found: list[int] = []
    heads: dict[str, tuple[int, bytes]] = {}
    seen: set[bytes] = set()
    for seq, strand, link, *rest in rows:
        *fields, previous, hashed = rest
        before = heads.get(strand)
        fits = (
            (link, bytes(previous)) == (before[0] + 1, before[1])
            if before
            else (link == 1 and (not previous or bytes(previous) in seen))
        )
        if not fits or digest(bytes(previous), strand, link, fields) != bytes(hashed):
            found.append(seq)
        heads[strand] = (link, bytes(hashed))
        seen.add(bytes(hashed))
    return found


class _Place:
    __slots__ = ("done", "error", "note", "turn")

    def __init__(self, note: Note) -> None:
        self.note = note
        self.turn = threading.Lock()
        self.turn.acquire()
        self.done = False
        self.error: BaseException | None = None


class Gathering:
    """Audit rows of many callers in one commit: whoever comes first writes for all who came meanwhile.

    `keep` opens a transaction and then takes the notes, so that those who came while it waited are with them.
    """

    def __init__(self, keep: Callable[[Callable[[], list[Note]]], None]) -> None:
        self._keep = keep
        self._mutex = threading.Lock()
        self._places: list[_Place] = []
        self._led = False

    def add(self, note: Note) -> None:
        """Keep `note`; durable when this returns."""
        place = _Place(note)
        with self._mutex:
            self._places.append(place)
            leads, self._led = not self._led, True
        if not leads:
            place.turn.acquire()  # released when the note is kept, or when it is our turn to lead
        if not place.done:
            self._lead()
        if place.error is not None:
            issues = place.error.issues if isinstance(place.error, GatewayError) else ()
            raise StoreUnavailable(issues=issues) from place.error

    def _lead(self) -> None:
        batch: list[_Place] = []

        def take() -> list[Note]:
            with self._mutex:
                came, self._places = self._places, []
            batch.extend(came)
            return [place.note for place in came]

        error: BaseException | None = None
        try:
            self._keep(take)
        except BaseException as caught:
            error = caught
            if not batch:
                take()
        with self._mutex:
            heir = self._places[0] if self._places else None
            self._led = heir is not None
        for place in batch:
            place.done, place.error = True, error
            place.turn.release()
        if heir is not None:
            heir.turn.release()
