"""The migrations make the schema that `tables.py` describes, on each engine; migrating again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

import gateway.store
from gateway.errors import Misconfigured
from gateway.store.tables import metadata


def driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with create_engine(driver(url), poolclass=NullPool).connect() as opened:
        yield opened


def schema(connection: Connection, *, where: str | None = None) -> dict[str, object]:
    """Everything that the database itself says about our tables."""
    seen = inspect(connection)
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), getattr(c["type"], "collation", None), c["nullable"])
                for c in seen.get_columns(table, schema=where)
            ],
            "key": seen.get_pk_constraint(table, schema=where)["constrained_columns"],
            "indexes": sorted(
                (str(i["name"]), tuple(i["column_names"]), bool(i["unique"]), bool(i["dialect_options"]))
                for i in seen.get_indexes(table, schema=where)
            ),
        }
        for table in seen.get_table_names(schema=where)
        if table != "alembic_version"
    }


def test_the_migrations_make_the_schema(connection: Connection, tmp_path: Path) -> None:
    migrated = schema(connection)
    if connection.dialect.name == "sqlite":
        with create_engine(f"sqlite:///{tmp_path / 'other.sqlite'}").connect() as other:
            metadata.create_all(other)
            made = schema(other)
            sql = "SELECT sql FROM sqlite_master WHERE name IN ('outbox_ready', 'search_entry_value') ORDER BY 1"
            assert other.execute(text(sql)).all() == connection.execute(text(sql)).all()
    else:
        connection.execute(text("CREATE SCHEMA made"))
        connection.execute(text("SET search_path TO made"))
        metadata.create_all(connection)
        made = schema(connection, where="made")
        connection.rollback()
    assert set(migrated) == set(metadata.tables)
    assert migrated == made


def test_alembic_finds_nothing_to_add(connection: Connection) -> None:
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_a_current_database_does_nothing(url: str) -> None:
    assert gateway.store.migrate(url) == []


def test_migrating_an_empty_one_tells_what_was_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'gateway.sqlite'}"
    assert gateway.store.migrate(url) == ["0001", "0002", "0003", "0004", "0005"]
    assert gateway.store.migrate(url) == []
    assert (tmp_path / "new" / "gateway.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_migration_that_is_cut_off_leaves_an_empty_database(tmp_path: Path, monkeypatch) -> None:
    def cut_off(name: str) -> None:
        raise ZeroDivisionError(name)

    url = f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    monkeypatch.setattr(gateway.store.sql, "hook", cut_off)
    with pytest.raises(ZeroDivisionError):
        gateway.store.migrate(url)
    monkeypatch.undo()
    with create_engine(url).connect() as connection:
        assert inspect(connection).get_table_names() == []
    assert gateway.store.migrate(url) == ["0001", "0002", "0003", "0004", "0005"]


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(gateway.store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [gateway.store.HEAD]


def test_a_database_of_another_version_is_not_opened(url: str, clock) -> None:
    with create_engine(driver(url), poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    try:
        with pytest.raises(Misconfigured, match="ecm-gateway migrate"):
            gateway.store.open(url, clock=clock, migrating=False)
    finally:
        with create_engine(driver(url), poolclass=NullPool).begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{gateway.store.HEAD}'"))


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:", "mysql://x/y", "gateway.sqlite"])
def test_other_addresses_are_refused(url: str, clock) -> None:
    with pytest.raises(Misconfigured):
        gateway.store.migrate(url)
    with pytest.raises(Misconfigured):
        gateway.store.open(url, clock=clock)
