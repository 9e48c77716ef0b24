"""Bring a database to the present schema, by Alembic; several processes may try at once and one does it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import Misconfigured
from gateway.store.sql import step, unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD = "0005"
"""The newest migration (a test compares); stores open only a database that stands there."""
LOCK = 0x65636D67
"""PostgreSQL advisory lock under which migrations run."""
_FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str) -> list[str]:
    """Apply what is missing; the revisions applied, in order (none: the schema was current)."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import SQLAlchemyError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    try:
        with _alone(url) as connection:
            before = _revision(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            step("migrated")
    except SQLAlchemyError as error:
        raise unavailable(error) from error
    heads = [revision.revision for revision in script.iterate_revisions("head", before or "base")]
    return heads[::-1]


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A connection in a transaction that no other migrating process has at the same time."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    if url.startswith("sqlite:///"):
        path = sqlite_path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        for made in (path, path.with_name(path.name + ".lock")):
            os.close(os.open(made, os.O_RDWR | os.O_CREAT, 0o600))
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
            _whole_or_not_at_all(engine)
            with engine.begin() as connection:
                yield connection
        finally:
            os.close(lock)
    elif not url.startswith(("postgresql://", "postgres://")):
        raise Misconfigured("A database is sqlite:///path or postgresql://user@host/database.")
    else:
        address = url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )
        with create_engine(address, poolclass=NullPool).begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection


def _whole_or_not_at_all(engine: Engine) -> None:
    """Make Python's sqlite3 keep schema changes in the transaction too: left alone it commits each at once."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _(connection: Any, record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    path = url.removeprefix("sqlite:///")
    if not path or path == ":memory:" or "?" in path:
        raise Misconfigured("A SQLite database is a file: sqlite:///relative/path or sqlite:////absolute/path.")
    return Path(path)
