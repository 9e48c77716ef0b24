"""What every Store does, on each engine."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

import gateway.store
from gateway.errors import NotFound, StaleVersion
from gateway.fhir import codec
from gateway.ports import AuditEntry
from gateway.store import SqlStore
from tests.databases import CALLER, OTHER, owed, patient

READ = AuditEntry("R", "read", ("Patient/p1/_history/1",))


def put(store: SqlStore, resource: dict, *, expected: int | None = None):
    with store.begin(CALLER) as tx:
        return tx.put(resource, expected=expected)


def raise_after_writing(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put(patient())
        tx.note(READ)
        tx.owe([owed()])
        raise ZeroDivisionError


def test_what_is_put_is_read_back_byte_for_byte(store: SqlStore) -> None:
    kept = put(store, patient(), expected=0)
    assert store.read(CALLER, "Patient", "p1") == kept
    assert (kept.version, kept.etag, kept.reference, kept.deleted) == (1, 'W/"1"', "Patient/p1", False)


def test_decimals_and_letters_survive_as_written(store: SqlStore) -> None:
    put(store, patient(multipleBirth=Decimal("72.50"), text="Žofie \U0001f600 O'Brien \\ % ? %s {}"))
    read = store.read(CALLER, "Patient", "p1")
    assert read is not None
    assert b"72.50" in read.body
    assert codec.read(read.body)["text"] == "Žofie \U0001f600 O'Brien \\ % ? %s {}"


def test_a_version_is_stamped_and_the_members_keep_their_order(store: SqlStore) -> None:
    given = {"resourceType": "Patient", "id": "p1", "language": "en", "meta": {"source": "urn:x"}, "active": True}
    kept = put(store, given)
    body = codec.read(kept.body)
    assert list(body) == ["resourceType", "id", "language", "meta", "active"]
    assert body["meta"] == {"versionId": "1", "lastUpdated": "2026-03-02T17:30:00.000Z", "source": "urn:x"}
    assert kept.at == datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    assert given["meta"] == {"source": "urn:x"}, "the caller's own resource is not changed"


def test_a_stale_stamp_is_replaced_where_it_stands(store: SqlStore) -> None:
    meta = {"profile": ["http://x"], "versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z"}
    body = codec.read(put(store, patient(meta=meta)).body)
    assert list(body["meta"]) == ["profile", "versionId", "lastUpdated"]
    assert body["meta"]["versionId"] == "1"


def test_every_version_stays_readable_newest_first(store: SqlStore) -> None:
    first, second = put(store, patient()), put(store, patient(active=True), expected=1)
    assert store.read(CALLER, "Patient", "p1", 1) == first
    assert store.read(CALLER, "Patient", "p1", 2) == second
    assert store.read(CALLER, "Patient", "p1", 3) is None
    assert store.history(CALLER, "Patient", "p1") == [second, first]


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_a_put_that_expects_another_version_is_stale_and_keeps_nothing(store: SqlStore, expected: int) -> None:
    put(store, patient())
    with pytest.raises(StaleVersion):
        put(store, patient(active=True), expected=expected)
    assert len(store.history(CALLER, "Patient", "p1")) == 1


def test_a_put_that_expects_a_version_of_nothing_is_stale(store: SqlStore) -> None:
    with pytest.raises(StaleVersion):
        put(store, patient(), expected=3)
    assert store.read(CALLER, "Patient", "p1") is None


def test_a_put_without_expectation_takes_the_next_version(store: SqlStore) -> None:
    assert [put(store, patient()).version for _ in range(3)] == [1, 2, 3]


def test_a_deletion_is_a_version_with_no_body(store: SqlStore) -> None:
    put(store, patient())
    with store.begin(CALLER) as tx:
        gone = tx.delete("Patient", "p1", expected=1)
    assert (gone.version, gone.deleted, gone.body) == (2, True, b"")
    assert store.read(CALLER, "Patient", "p1") == gone
    with store.begin(CALLER) as tx:
        assert tx.delete("Patient", "p1") == gone, "deleting again changes nothing"
    assert put(store, patient(), expected=2).version == 3


def test_deleting_nothing_is_not_found_and_a_stale_deletion_is_refused(store: SqlStore) -> None:
    with pytest.raises(NotFound), store.begin(CALLER) as tx:
        tx.delete("Patient", "nobody")
    put(store, patient())
    with pytest.raises(StaleVersion), store.begin(CALLER) as tx:
        tx.delete("Patient", "p1", expected=4)


def test_a_transaction_sees_what_it_wrote_and_nobody_else_does_before_it_ends(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        kept = tx.put(patient())
        assert tx.read("Patient", "p1") == kept
        assert store.read(CALLER, "Patient", "p1") is None
    assert store.read(CALLER, "Patient", "p1") == kept


def test_a_transaction_that_raises_leaves_nothing(store: SqlStore) -> None:
    with pytest.raises(ZeroDivisionError):
        raise_after_writing(store)
    assert store.read(CALLER, "Patient", "p1") is None
    assert store.audit(CALLER) == []
    assert store.outbox.list(CALLER) == []
    for table in ("resource", "resource_version", "search_entry", "audit", "outbox"):
        assert store.engine.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_version_index_audit_and_outbox_are_kept_together(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put(patient())
        tx.note(READ)
        tx.owe([owed()])
    counts = [
        store.engine.rows(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("resource", "resource_version", "search_entry", "audit", "outbox")
    ]
    assert counts == [1, 1, 2, 1, 1]


def test_the_index_holds_the_current_version_only(store: SqlStore) -> None:
    put(store, patient(status="active"))
    put(store, patient(status="inactive", birthDate="1980-01-01"))
    rows = store.engine.rows("SELECT param, system, value, low, high FROM search_entry ORDER BY param")
    assert rows == [
        ("birthdate", None, None, 1, 2),
        ("family", None, "zanzibarovna", None, None),
        ("status", "", "inactive", None, None),
    ]
    with store.begin(CALLER) as tx:
        tx.delete("Patient", "p1")
    assert store.engine.rows("SELECT * FROM search_entry") == []


def test_another_tenant_sees_nothing_and_has_its_own_ids(store: SqlStore) -> None:
    put(store, patient())
    store.note(CALLER, READ)
    assert store.read(OTHER, "Patient", "p1") is None
    assert store.read(OTHER, "Patient", "p1", 1) is None
    assert store.history(OTHER, "Patient", "p1") == []
    assert store.audit(OTHER) == []
    with store.begin(OTHER) as tx:
        assert tx.read("Patient", "p1") is None
        assert tx.put(patient(active=False), expected=0).version == 1
    mine = store.read(CALLER, "Patient", "p1")
    assert mine is not None
    assert b"active" not in mine.body


def test_audit_rows_say_who_what_and_when(store: SqlStore) -> None:
    store.note(CALLER, AuditEntry("R", "read", ("Patient/p1", "Task/t"), recipient="ehr", basis="treatment"))
    (row,) = store.audit(CALLER)
    said = {k: row[k] for k in ("principal", "tenant", "request_id", "action", "event", "entities", "outcome")}
    assert said == {
        "principal": "tester",
        "tenant": "plan-a",
        "request_id": "req-1",
        "action": "R",
        "event": "read",
        "entities": ("Patient/p1", "Task/t"),
        "outcome": "success",
    }
    assert (row["recipient"], row["basis"]) == ("ehr", "treatment")
    assert row["at"] == datetime(2026, 3, 2, 17, 30, tzinfo=UTC)


def test_audit_is_paged_by_sequence(store: SqlStore) -> None:
    for number in range(5):
        store.note(CALLER, AuditEntry("R", f"read.{number}"))
    first = store.audit(CALLER, limit=2)
    rest = store.audit(CALLER, after=first[-1]["seq"])
    assert [row["event"] for row in [*first, *rest]] == [f"read.{n}" for n in range(5)]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET principal = 'someone else' WHERE seq = 3",
        "UPDATE audit SET recipient = 'ehr' WHERE seq = 3",
        "UPDATE audit SET at = at + 1 WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
    ],
)
def test_a_changed_or_removed_audit_row_breaks_the_chain(store: SqlStore, tampering: str) -> None:
    for _ in range(5):
        store.note(CALLER, READ)
    assert store.broken_audit(CALLER) == []
    with store.engine.writing() as session:
        session.run(tampering)
    assert store.broken_audit(CALLER)


def test_the_audit_chain_holds_over_failures_and_reopening(store: SqlStore, url: str, clock) -> None:
    store.note(CALLER, READ)
    with pytest.raises(ZeroDivisionError):
        raise_after_writing(store)
    put(store, patient())
    store.note(CALLER, READ)
    again = gateway.store.open(url, clock=clock)
    again.note(CALLER, READ)
    again.close()
    store.note(CALLER, READ)
    assert len(store.audit(CALLER)) == 4
    assert store.broken_audit(CALLER) == []


def test_the_audit_chain_holds_when_a_commit_fails_after_it_was_written(store: SqlStore, monkeypatch) -> None:
    def cut_off(name: str) -> None:
        if name == "before commit":
            raise ZeroDivisionError

    store.note(CALLER, READ)
    monkeypatch.setattr(gateway.store.sql, "hook", cut_off)
    with pytest.raises(ZeroDivisionError), store.begin(CALLER) as tx:
        tx.note(READ)
    monkeypatch.undo()
    for _ in range(10):  # on every connection that there may be
        store.note(CALLER, READ)
    assert len(store.audit(CALLER)) == 11
    assert store.broken_audit(CALLER) == []


def test_a_ready_store_says_so(store: SqlStore) -> None:
    store.ready()


def test_writing_around_an_open_transaction_is_a_mistake(store: SqlStore) -> None:
    with store.begin(CALLER):
        with pytest.raises(RuntimeError, match="write through it"):
            store.note(CALLER, READ)
        with pytest.raises(RuntimeError, match="write through it"), store.begin(CALLER):
            pass
    store.note(CALLER, READ)


def test_several_are_read_at_once_each_as_it_is_now_and_only_its_tenants(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        for id in ("p1", "p2", "p3"):
            tx.put(patient(id))
        tx.put(patient("p1", active=True))
        tx.delete("Patient", "p3")
    with store.begin(OTHER) as tx:
        tx.put(patient("p9"))
    names = [("Patient", "p1"), ("Patient", "p2"), ("Patient", "p3"), ("Patient", "p9"), ("Task", "p1")]
    found = store.read_many(CALLER, names)
    assert {name: (one.version, one.deleted) for name, one in found.items()} == {
        ("Patient", "p1"): (2, False), ("Patient", "p2"): (1, False), ("Patient", "p3"): (2, True),
    }  # fmt: skip
    assert found["Patient", "p1"] == store.read(CALLER, "Patient", "p1")
    assert store.read_many(CALLER, []) == {}
