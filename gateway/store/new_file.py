"""A new SQLite file gets its schema from `new_file.sql` in milliseconds; Alembic takes half a second to import.

The script is what the migrations make, written by `python -m gateway.store.new_file` and held to them by a test.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.store.sql import unavailable

SCRIPT = Path(__file__).with_name("new_file.sql")


def fill(path: Path) -> None:
    """Give the file its schema if there is nothing in it; several processes may try at once and one does it."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in statements():
                connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise unavailable(error) from error
    finally:
        connection.close()
        os.close(lock)


def statements() -> Iterator[str]:
    """The statements of the script."""
    whole = ""
    for line in SCRIPT.read_text(encoding="utf-8").splitlines(keepends=True):
        whole += line
        if sqlite3.complete_statement(whole):
            yield whole
            whole = ""


def written(path: Path) -> str:
    """The script that makes what a migrated file holds."""
    with sqlite3.connect(path) as connection:
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        ).fetchall()
        ((revision,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    stamp = f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')"  # noqa: S608 (a revision of ours)
    return "".join(f"{statement.strip()};\n" for (statement,) in [*made, (stamp,)])


def _main() -> None:
    import tempfile

    from gateway.store.migrate import migrate

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.sqlite"
        migrate(f"sqlite:///{path}")
        SCRIPT.write_text(written(path), encoding="utf-8")


if __name__ == "__main__":
    _main()
