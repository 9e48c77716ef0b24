"""The one exit: what leaves is decided, audited, and only then bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.errors import Forbidden, StoreUnavailable
from gateway.fhir import codec
from gateway.fhir.part import Outline, Part
from gateway.ports import AuditEntry, Caller, Kept
from gateway.trust.disclosure import Collected, Entry, disclose

AT = datetime(2026, 3, 2, tzinfo=UTC)
CALLER = Caller("local", request_id="r-1")
NOBODY = Caller("")


def kept(id: str, version: int = 1) -> Kept:
    body = b'{"resourceType":"Patient","id":"%s","active":true,"name":[{"family":"Zanzibarovna"}]}' % id.encode()
    return Kept("Patient", id, version, AT, body)


def test_the_exact_bytes_leave_and_the_version_is_audited() -> None:
    notes: list[AuditEntry] = []
    one = kept("p", 3)
    assert disclose(one, caller=CALLER, note=notes.append, event="read").body == one.body
    assert notes == [AuditEntry("R", "read", ("Patient/p/_history/3",), "success", "local", "caller")]


def test_nothing_leaves_when_the_audit_row_cannot_be_kept() -> None:
    def full(entry: AuditEntry) -> None:
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        disclose(kept("p"), caller=CALLER, note=full, event="read")


def test_a_caller_without_a_name_sees_nothing_and_that_is_audited() -> None:
    notes: list[AuditEntry] = []
    with pytest.raises(Forbidden):
        disclose(kept("p"), caller=NOBODY, note=notes.append, event="read")
    assert [note.outcome for note in notes] == ["refused"]


def test_a_bundle_names_every_version_in_one_row() -> None:
    notes: list[AuditEntry] = []
    inner = Collected(
        {"resourceType": "Bundle", "type": "searchset"}, [Entry({"search": {"mode": "match"}}, kept("b"))]
    )
    outer = Collected(
        {"resourceType": "Bundle", "type": "batch-response"},
        [
            Entry({"fullUrl": "x", "response": {"status": "200 OK"}}, kept("a")),
            Entry({}, collected=inner),
            Entry({"z": 1}),
        ],
    )
    body = disclose(outer, caller=CALLER, note=notes.append, event="batch", wrote=[kept("c", 2)], recipient="county")
    assert notes[0].entities == ("Patient/c/_history/2", "Patient/a/_history/1", "Patient/b/_history/1")
    assert notes[0].recipient == "county"
    assert len(notes) == 1
    bundle = codec.read(body.body)
    assert list(bundle["entry"][0]) == ["fullUrl", "resource", "response"]
    assert bundle["entry"][1]["resource"]["entry"][0]["resource"]["id"] == "b"
    assert bundle["entry"][2] == {"z": 1}


def test_elements_leave_only_what_was_asked_for_and_are_marked() -> None:
    body = disclose(
        Collected(
            {"resourceType": "Bundle"},
            [Entry({}, kept("a"))],
            Part(lambda type: Outline(frozenset(["resourceType", "id", "meta"])), ("active",)),
        ),
        caller=CALLER,
        note=lambda entry: None,
        event="search",
    ).body
    resource = codec.read(body)["entry"][0]["resource"]
    assert resource.keys() == {"resourceType", "id", "active", "meta"}
    assert resource["meta"]["tag"][0]["code"] == "SUBSETTED"
