"""Part of a resource says that it is one, and never leaves out what changes its meaning."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.trust.subset import SUBSETTED, subset

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
    "note": [{"text": "long"}],
}
ALWAYS = {"resourceType", "id", "meta", "implicitRules", "modifierExtension"}
MANDATORY = {"status", "_status", "intent", "code", "subject"}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"elements": ["priority"]}, ALWAYS | MANDATORY | {"priority", "_priority"}),
        ({"elements": ["note.text"]}, ALWAYS | MANDATORY | {"note"}),
        ({"elements": ["nothing"]}, ALWAYS | MANDATORY),
        ({"summary": "text"}, ALWAYS | MANDATORY | {"text"}),
        ({"summary": "data"}, set(REQUEST) - {"text"}),
        ({"summary": "true"}, set(REQUEST) - {"text", "contained", "extension", "note"}),
    ],
)
def test_what_is_left(how: dict[str, Any], expected: set[str]) -> None:
    left = subset(REQUEST, **how)
    assert set(left) == expected
    assert left["meta"] == {"versionId": "3", "tag": [{"code": "kept"}, SUBSETTED]}
    assert {name: left[name] for name in expected - {"meta"}} == {name: REQUEST[name] for name in expected - {"meta"}}


def test_what_has_no_meta_gets_the_tag_too() -> None:
    assert subset({"resourceType": "Patient", "active": True}, elements=["active"])["meta"] == {"tag": [SUBSETTED]}


def test_the_resource_itself_stays_as_it_is() -> None:
    before = repr(REQUEST)
    subset(REQUEST, elements=["priority"])
    assert repr(REQUEST) == before
