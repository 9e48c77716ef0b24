"""Nobody without a name and a tenant does anything; what is refused is audited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

import gateway.store
from gateway.errors import Forbidden
from gateway.ports import Caller
from gateway.store import SqlStore
from gateway.trust.policy import decide, permit

KNOWN, NAMELESS, NOWHERE = Caller("clinic"), Caller(""), Caller("clinic", tenant="")


@pytest.fixture
def store(tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[SqlStore]:
    opened = gateway.store.open(f"sqlite:///{tmp_path / 'g.sqlite'}", clock=clock)
    yield opened
    opened.close()


@pytest.mark.parametrize(("caller", "allowed"), [(KNOWN, True), (NAMELESS, False), (NOWHERE, False)])
def test_a_caller_has_a_principal_and_a_tenant(caller: Caller, allowed: bool) -> None:
    found = decide(caller, action="R", type="Patient", id="p1")
    assert (found.allowed, found.basis) == (allowed, "caller" if allowed else "no-caller")


def test_what_is_allowed_goes_on_and_leaves_no_row(store: SqlStore) -> None:
    permit(KNOWN, action="U", type="Patient", store=store)
    assert store.audit(KNOWN) == []


def test_what_is_refused_is_audited_by_type(store: SqlStore) -> None:
    with pytest.raises(Forbidden):
        permit(NAMELESS, action="U", type="Patient", store=store)
    (row,) = store.audit(KNOWN)
    told = {name: row[name] for name in ("principal", "action", "event", "entities", "outcome", "basis")}
    assert told == {
        "principal": "",
        "action": "U",
        "event": "refused",
        "entities": ("Patient",),
        "outcome": "refused",
        "basis": "no-caller",
    }
