"""What the store asks of a database: rows, statements, one transaction at a time. SQL is written once, with `?`.

Two engines answer: `sqlite` (one file, one writer at a time) and `postgresql` (a pool of connections).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gateway.errors import StoreUnavailable, Trouble

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]
REVISION = "SELECT max(revision) FROM subscription WHERE tenant = ?"
"""Of the subscriptions of a tenant: moves with every change to one."""


class Indexed(Protocol):
    """One value under which a resource is found, as `gateway.search` extracts it."""

    @property
    def param(self) -> str: ...
    @property
    def system(self) -> str | None: ...
    @property
    def value(self) -> str | None: ...
    @property
    def low(self) -> int | None: ...
    @property
    def high(self) -> int | None: ...


Index = Callable[[dict[str, Any]], Iterable[Indexed]]
"""Resource to its index entries: injected, so that the store knows no search parameter."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version about to be kept: it replaces version - 1 (version 1 replaces nothing)."""

    tenant: str
    type: str
    id: str
    version: int
    at: int
    """Microseconds UTC."""
    deleted: bool
    body: str
    entries: Sequence[Indexed]
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One audit row before it is chained."""

    tenant: str
    at: int
    principal: str
    purpose: str
    request_id: str
    action: str
    event: str
    entities: str
    """References divided by spaces."""
    outcome: str
    recipient: str | None
    basis: str | None


class Reader(Protocol):
    """Anything that answers a SELECT: an engine (its own snapshot each time) or an open Session."""

    @property
    def dialect(self) -> Dialect: ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement; `?` marks a parameter on both engines."""


@dataclass(slots=True)
class Changed:
    """What a statement that runs later did; known when the transaction has ended."""

    number: int = 0
    """How many rows it changed."""


class Session(Reader, Protocol):
    """One open transaction."""

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement now; how many rows it changed."""

    def later(self, sql: str, parameters: Sequence[object] = ()) -> Changed:
        """Run one statement before the commit, in order, in the commit's own round trip where there is one."""

    def last(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of the transaction's last statement, in the commit's own round trip where there is one."""

    def keep(self, version: Version) -> bool:
        """Keep version, pointer and index; False when the version it replaces is not the current one."""

    def append(self, notes: Sequence[Note]) -> None:
        """Chain audit rows and keep them before the commit."""

    def lock(self, names: Iterable[str]) -> None:
        """Let no other transaction that names the same proceed until this one has ended."""

    def share(self, name: str) -> None:
        """Let no other transaction lock `name` until this one has ended; any number may share it."""

    def revision(self, tenant: str) -> int:
        """The tenant's newest revision of subscriptions when something was last kept here; 0: there are none."""


class Engine(Reader, Protocol):
    """A database that can be read and, in one transaction at a time per session, written."""

    def writing(self) -> AbstractContextManager[Session]:
        """A transaction: committed and durable when the block has ended, undone when it raised."""

    def close(self) -> None: ...


hook: Callable[[str], None] | None = None
"""Set only by fault tests: called with the name of each step of a write, so that a test can stop the process there."""


def step(name: str) -> None:
    """Pass a named step of a write (bench/torture.py stops the process at each)."""
    if hook is not None:
        hook(name)


def unavailable(error: BaseException) -> StoreUnavailable:
    """The database failed; its own words may quote data, so only their class is told."""
    return StoreUnavailable(
        f"The database cannot do this now ({type(error).__name__}): nothing was kept, repeat later."
    )


def defect(error: Exception) -> Trouble:
    """The database refused a statement of ours."""
    return Trouble(f"The database refused a statement ({type(error).__name__}): nothing was kept.")
