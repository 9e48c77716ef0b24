"""Part of a resource says that it is one, and never leaves out what changes its meaning."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.part import SUBSETTED, Part, is_part, outlines
from gateway.packages.definitions import Definitions
from tests.profiles.ecm import PACKAGES

REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "s1",
    "meta": {"versionId": "3", "tag": [{"code": "kept"}]},
    "implicitRules": "http://rules.example",
    "text": {"status": "generated", "div": "<div/>"},
    "contained": [{"resourceType": "Organization", "id": "o"}],
    "extension": [{"url": "http://x", "valueString": "x"}],
    "modifierExtension": [{"url": "http://not", "valueBoolean": True}],
    "status": "active",
    "_status": {"extension": []},
    "intent": "order",
    "priority": "urgent",
    "_priority": {"id": "p"},
    "code": {"text": "ECM"},
    "subject": {"reference": "Patient/p1"},
    "occurrencePeriod": {"start": "2026-03-02"},
    "note": [{"text": "long"}],
}
ALWAYS = {"resourceType", "id", "meta", "implicitRules", "modifierExtension"}
MANDATORY = {"status", "_status", "intent", "subject"}
OUTLINES = outlines(Definitions.load(PACKAGES).structure)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"elements": ("priority",)}, ALWAYS | MANDATORY | {"priority", "_priority"}),
        ({"elements": ("note.text", "ServiceRequest.code")}, ALWAYS | MANDATORY | {"note", "code"}),
        ({"elements": ("nothing",)}, ALWAYS | MANDATORY),
        ({"elements": ("occurrence",)}, ALWAYS | MANDATORY | {"occurrencePeriod"}),
        ({"elements": ("occurrencePeriod",)}, ALWAYS | MANDATORY | {"occurrencePeriod"}),
        ({"summary": "text"}, ALWAYS | MANDATORY | {"text"}),
        ({"summary": "data"}, set(REQUEST) - {"text"}),
        ({"summary": "true"}, set(REQUEST) - {"text", "contained", "extension", "note"}),
    ],
)
def test_what_is_left(how: dict[str, Any], expected: set[str]) -> None:
    left = Part(OUTLINES, **how).of(REQUEST)
    assert set(left) == expected
    assert left["meta"] == {"versionId": "3", "tag": [{"code": "kept"}, SUBSETTED]}
    assert {name: left[name] for name in expected - {"meta"}} == {name: REQUEST[name] for name in expected - {"meta"}}
    assert is_part(left)
    assert not is_part(REQUEST)


def test_what_has_no_meta_gets_the_tag_too() -> None:
    part = Part(OUTLINES, elements=("active",))
    assert part.of({"resourceType": "Patient", "active": True})["meta"] == {"tag": [SUBSETTED]}


def test_the_resource_itself_stays_as_it_is() -> None:
    before = repr(REQUEST)
    Part(OUTLINES, elements=("priority",)).of(REQUEST)
    assert repr(REQUEST) == before


def test_nothing_is_left_out_where_nothing_is_asked_for() -> None:
    assert [Part(OUTLINES, summary=word).is_whole for word in ("false", "count", "true")] == [True, True, False]
