"""`ecm-gateway migrate` and `ecm-gateway outbox`, as an operator runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import gateway.store
from gateway.cli import cli
from gateway.errors import Conflict, NotFound
from gateway.ports import Caller, Owed
from gateway.store import HEAD

CALLER = Caller("test")
NOW = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    monkeypatch.setenv("ECM_DATABASE", url)
    return url


@pytest.fixture
def parked(database: str) -> str:
    """The id of a parked delivery; another waits behind it."""
    store = gateway.store.open(database, clock=lambda: NOW)
    with store.begin(CALLER) as tx:
        tx.owe([Owed("ehr", "Patient/1", "resource", "Task", name, 1) for name in ("a", "b")])
    (front,) = store.outbox.claim("w", now=NOW, limit=1, lease_seconds=9)
    store.outbox.park(front, now=NOW, reason="http-422")
    store.close()
    return front.id


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_migrating_tells_what_it_did_and_can_be_repeated(database: str) -> None:
    applied = ", ".join(f"{number:04}" for number in range(1, int(HEAD) + 1))
    assert run("migrate") == f"Migrated: {applied}. The schema is now {HEAD}.\n"
    assert run("migrate") == f"Nothing to do: the schema is {HEAD}.\n"
    assert json.loads(run("migrate", "--json")) == {"applied": [], "schema": HEAD}


def test_what_is_parked_is_listed_and_shown(parked: str) -> None:
    (line,) = run("outbox", "list", "--state", "parked").splitlines()
    assert line.startswith(parked)
    assert line.endswith("Task/a/_history/1  1 tries  http-422")
    listed = [json.loads(line) for line in run("outbox", "list", "--json").splitlines()]
    assert [(d["state"], d["reference"]) for d in listed] == [
        ("parked", "Task/a/_history/1"),
        ("waiting", "Task/b/_history/1"),
    ]
    assert json.loads(run("outbox", "show", parked, "--json")) == listed[0]
    assert "http-422" in run("outbox", "show", parked)
    assert run("outbox", "list", "--partner", "nobody") == ""


def test_a_parked_delivery_is_retried_once(parked: str, database: str) -> None:
    assert run("outbox", "retry", parked) == f"{parked}: waiting\n"
    with pytest.raises(Conflict):
        run("outbox", "retry", parked)
    store = gateway.store.open(database, clock=lambda: NOW)
    assert [(row["event"], row["entities"]) for row in store.audit(CALLER)] == [
        ("outbox.release", (f"Delivery/{parked}",))
    ]
    store.close()


def test_a_parked_delivery_is_dropped_with_a_reason(parked: str) -> None:
    assert CliRunner().invoke(cli, ["outbox", "drop", parked]).exit_code == 2
    assert run("outbox", "drop", parked, "--reason", "sent by fax") == f"{parked}: dropped\n"
    assert json.loads(run("outbox", "show", parked, "--json"))["reason"] == "sent by fax"


def test_an_unknown_delivery_is_not_found(database: str) -> None:
    with pytest.raises(NotFound):
        run("outbox", "show", "none")
