"""`ecm-gateway prune`, as an operator runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import gateway.store
from gateway.cli import cli
from gateway.errors import Misconfigured
from gateway.ports import Caller, Owed

CALLER = Caller("test")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with a delivery that was heard, and one that is parked, 100 days ago; and a message applied then."""
    url = f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    monkeypatch.setenv("ECM_DATABASE", url)
    then = datetime.now(UTC) - timedelta(days=100)
    store = gateway.store.open(url, clock=lambda: then)
    with store.begin(CALLER) as tx:
        tx.owe([Owed("ehr", f"Patient/{n}", "resource", "Task", str(n), 1) for n in (1, 2)])
    heard, parked = store.outbox.claim("w", now=then, limit=2, lease_seconds=9)
    store.outbox.delivered(heard, now=then)
    store.outbox.park(parked, now=then, reason="http-422")
    store.inbox.keep(CALLER, partner="ehr", key="k", content_type="application/json", body=b"{}", now=then)
    message = store.inbox.claim(now=then, lease_seconds=9)
    assert message is not None
    store.inbox.settle(message, state="applied", now=then)
    store.close()
    return message.id


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_says_what_it_would_do_and_does_it(old: str) -> None:
    said = [
        "1 deliveries that were heard",
        "0 events of subscriptions that were taken",
        "1 contents of applied messages",
    ]
    said.append("0 applied messages")
    assert run("prune", "--dry-run").splitlines() == [f"Would let go of {one}" for one in said]
    assert run("prune").splitlines() == [f"Let go of {one}" for one in said]
    assert run("prune").count("of 0 ") == 4
    assert "parked" in run("outbox", "list")
    assert "no longer kept" in run("inbox", "show", old, "--body")


def test_keys_that_would_be_forgotten_too_soon_are_refused(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECM_KEEP_KEYS_DAYS", "29")
    with pytest.raises(Misconfigured):
        run("prune")
