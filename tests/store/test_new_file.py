"""A new SQLite file is what the migrations would have made of it, whoever comes first."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import gateway.store
from gateway.store import new_file


def test_the_script_makes_what_the_migrations_make(tmp_path: Path) -> None:
    path = tmp_path / "migrated.sqlite"
    gateway.store.migrate(f"sqlite:///{path}")
    assert new_file.SCRIPT.read_text(encoding="utf-8") == new_file.written(path), "run python -m gateway.store.new_file"


def test_a_file_of_the_script_is_at_the_newest_migration(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    new_file.fill(path)
    assert gateway.store.migrate(f"sqlite:///{path}") == []


def test_a_file_with_something_in_it_is_left_to_the_migrations(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE something (of_somebody TEXT)")
    new_file.fill(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("something",)]


def test_many_that_open_a_new_file_at_once_find_it_whole(tmp_path: Path) -> None:
    def opened(_: int) -> None:
        store = gateway.store.open(f"sqlite:///{tmp_path / 'shared.sqlite'}", clock=lambda: datetime.now(UTC))
        store.ready()
        store.close()

    with ThreadPoolExecutor(8) as many:
        list(many.map(opened, range(8)))
