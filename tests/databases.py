"""Fixtures for tests on both engines: a fresh SQLite file, and PostgreSQL (ECM_TEST_POSTGRES, or started here).

Import the fixtures into the conftest of the room that uses them.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import gateway.store
from gateway.ports import Caller, Owed
from gateway.store import SqlStore

SKIP = "LOUD SKIP: no PostgreSQL here; set ECM_TEST_POSTGRES=postgresql://... or install it: half the store is untested"
TABLES = (
    "resource, resource_version, search_entry, audit, outbox, probe, subscription, subscription_event, inbound, "
    "poll_cursor"
)
NOW_UTC = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
"""What the fixture clock says."""
CALLER = Caller("tester", tenant="plan-a", request_id="req-1")
"""Tenant plan-a."""
OTHER = Caller("tester", tenant="plan-b")


def binaries() -> Path | None:
    """Where the newest installed PostgreSQL keeps its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A PostgreSQL of our own in a temporary folder, on a Unix socket only, run by a user who is not root."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        self._user = next((u for u in ("postgres", "nobody") if _known(u)), None) if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return int((self.folder / "db" / "postmaster.pid").read_text().split("\n")[0])

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections=200"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a crash would, and clear what blocks the next start."""
        doomed = [self.pid]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == doomed[0]:
                    doomed.append(int(stat.parent.name))
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(_alive(pid) for pid in doomed):
            time.sleep(0.02)
        for left in ("db/postmaster.pid", ".s.PGSQL.5432.lock", ".s.PGSQL.5432"):
            (self.folder / left).unlink(missing_ok=True)

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "-w", "stop", check=False)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "runuser"
        as_user = [runuser, "-u", self._user, "--"] if self._user else []
        command = [*as_user, str(self.programs / program), "-D", str(self.folder / "db"), *arguments]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


def _alive(pid: int) -> bool:
    """A zombie is dead: nobody may be there to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a migrated PostgreSQL database."""
    given = os.environ.get("ECM_TEST_POSTGRES")
    programs = binaries()
    if given:
        gateway.store.migrate(given)
        yield given
    elif programs is None:
        pytest.skip(SKIP)
    else:
        with tempfile.TemporaryDirectory(prefix="ecm-pg-", dir="/tmp") as folder:
            cluster = Cluster(Path(folder), programs)
            try:
                gateway.store.migrate(cluster.url)
                yield cluster.url
            finally:
                cluster.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "gateway.sqlite"
    gateway.store.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated file."""
    shutil.copy(sqlite_template, tmp_path / "gateway.sqlite")
    return f"sqlite:///{tmp_path / 'gateway.sqlite'}"


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The server with empty tables."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
    return postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """A fresh database on each engine in turn."""
    found = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    assert isinstance(found, str)
    return found


@pytest.fixture
def store(url: str, clock: Callable[[], datetime]) -> Iterator[SqlStore]:
    opened = gateway.store.open(url, clock=clock, index=index, wait_seconds=30)
    yield opened
    opened.close()


def index(resource: dict[str, Any]) -> list[Any]:
    """A stand-in for the search parameters: family names as strings, status as a token, birth date as a range."""
    found = [SimpleNamespace(param="status", system="", value=resource.get("status"), low=None, high=None)]
    for name in resource.get("name", []):
        found.append(SimpleNamespace(param="family", system=None, value=name["family"].lower(), low=None, high=None))
    if "birthDate" in resource:
        found.append(SimpleNamespace(param="birthdate", system=None, value=None, low=1, high=2))
    return found


def patient(id: str = "p1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"family": "Zanzibarovna"}], **more}


def owed(version: int = 1, **changed: Any) -> Owed:
    values = {"partner": "ehr", "member": "Patient/p1", "kind": "resource", "type": "Patient", "id": "p1"}
    return Owed(**{**values, "version": version, **changed})


def owe(store: SqlStore, *messages: Owed, caller: Caller = CALLER) -> None:
    with store.begin(caller) as tx:
        tx.owe(messages)
