"""The audit trail tells when a row of it was changed, moved or taken out; on each engine."""

from __future__ import annotations

import pytest

from gateway.ports import AuditEntry
from gateway.store import SqlStore
from gateway.store import store as module
from tests.databases import CALLER, OTHER, patient

READ = AuditEntry("R", "read", ("Patient/p1/_history/1",), basis="caller")


@pytest.fixture
def trail(store: SqlStore) -> SqlStore:
    """Nine rows: of writes and reads, and one of another tenant among them."""
    for number in range(3):
        with store.begin(CALLER) as tx:
            tx.put(patient(f"p{number}"))
            tx.note(AuditEntry("C", "create", (f"Patient/p{number}/_history/1",)))
        store.note(CALLER, READ)
        store.note(OTHER if number == 1 else CALLER, READ)
    return store


def run(store: SqlStore, sql: str, *parameters: object) -> None:
    with store.engine.writing() as session:
        session.run(sql, parameters)


def seqs(store: SqlStore) -> list[int]:
    return [row["seq"] for row in store.audit(CALLER)]


def test_a_trail_as_it_was_written_is_whole(trail: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(seqs(trail)) == 8
    assert trail.broken_audit(CALLER) == trail.broken_audit(OTHER) == []
    monkeypatch.setattr(module, "AUDIT_ROWS", 3)
    assert trail.broken_audit(CALLER) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("principal", "nobody"), ("event", "update"), ("entities", "Patient/p9/_history/1"), ("outcome", "refused"),
     ("recipient", "x"), ("at", 1), ("basis", "x"), ("purpose", "TREAT2"), ("hash", b"x" * 32)],
)  # fmt: skip
def test_a_row_that_says_something_else_is_found(trail: SqlStore, column: str, value: object) -> None:
    changed = seqs(trail)[3]
    run(trail, f"UPDATE audit SET {column} = ? WHERE seq = ?", value, changed)
    assert changed in trail.broken_audit(CALLER)


def in_one_strand(store: SqlStore) -> list[int]:
    """The rows of the longest strand, oldest first."""
    strands: dict[str, list[int]] = {}
    for row in store.audit(CALLER):
        strands.setdefault(row["strand"], []).append(row["seq"])
    return max(strands.values(), key=len)


def test_a_row_that_is_gone_is_found(trail: SqlStore) -> None:
    *before_the_last, _ = in_one_strand(trail)
    assert len(before_the_last) > 1
    for seq in before_the_last:
        run(trail, "DELETE FROM audit WHERE seq = ?", seq)
        assert trail.broken_audit(CALLER), seq


def test_rows_that_changed_places_are_found(trail: SqlStore) -> None:
    first, second = in_one_strand(trail)[:2]
    for was, becomes in ((first, -1), (second, first), (-1, second)):
        run(trail, "UPDATE audit SET seq = ? WHERE seq = ?", becomes, was)
    assert trail.broken_audit(CALLER)


def test_what_is_cut_off_at_the_end_is_not_found(trail: SqlStore) -> None:
    """As docs/decisions.md says: whoever fears that copies the newest hashes elsewhere."""
    run(trail, "DELETE FROM audit WHERE seq = ?", seqs(trail)[-1])
    assert trail.broken_audit(CALLER) == []
