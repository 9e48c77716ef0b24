"""Resources, versions, search index, audit and outbox in one database: `open(url)` is the way in.

`sqlite:///path` for one machine, `postgresql://...` for more; the same behaviour and the same tests.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import Misconfigured
from gateway.ports import Clock
from gateway.store import new_file
from gateway.store.migrate import HEAD, migrate, sqlite_path
from gateway.store.sql import Engine, Index
from gateway.store.store import SqlStore
from gateway.store.subscriptions import Watch

__all__ = ["HEAD", "SqlStore", "Watch", "migrate", "open"]


def open(
    url: str,
    *,
    clock: Clock,
    index: Index = lambda resource: (),
    watch: Watch | None = None,
    prepare: Callable[[], object] = lambda: None,
    migrating: bool | None = None,
    wait_seconds: float = 5.0,
    connections: int = 8,
) -> SqlStore:
    """The store at `url`, with its `outbox`; StoreUnavailable if it cannot be reached.

    `index` gives the search entries of a resource (param, system, value, low, high); `watch` which changes are events
    of a Subscription (None: nothing is matched, for those that never change a resource). `prepare` is called before
    each transaction: what `index` and `watch` load at first must not be loaded while everyone waits for its end.
    `migrating` brings the schema up to date first (None: for SQLite files only; a server is migrated by `ecm-gateway
    migrate`). A writer gives up after `wait_seconds`; `connections` bounds the pool of PostgreSQL. Open a store after
    forking, one a process.
    """
    engine: Engine
    if url.startswith("sqlite:///"):
        from gateway.store.sqlite import SqliteEngine

        engine = SqliteEngine(sqlite_path(url), wait=wait_seconds)
        migrating = migrating is not False
    elif url.startswith(("postgresql://", "postgres://")):
        from gateway.store.postgresql import PostgresEngine

        engine = PostgresEngine(url, wait=wait_seconds, connections=connections)
    else:
        raise Misconfigured("ECM_DATABASE is sqlite:///path or postgresql://user@host/database.")
    try:
        if migrating and revision(engine) is None and engine.dialect == "sqlite":
            new_file.fill(sqlite_path(url))
        if revision(engine) != HEAD and migrating:
            migrate(url)
        if revision(engine) != HEAD:
            raise Misconfigured("The database schema is not that of this version: run `ecm-gateway migrate`.")
    except BaseException:
        engine.close()
        raise
    return SqlStore(engine, clock=clock, index=index, watch=watch, prepare=prepare)


def revision(engine: Engine) -> str | None:
    """The migration at which the database stands; None for an empty one."""
    if engine.dialect == "sqlite":
        there = engine.rows("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    else:
        there = engine.rows("SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL")
    found = engine.rows("SELECT version_num FROM alembic_version") if there else []
    return found[0][0] if found else None
