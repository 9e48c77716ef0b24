"""References: found, rewritten, checked."""

from __future__ import annotations

from gateway.usecases.references import references, relative, rewritten

REQUEST = {
    "resourceType": "ServiceRequest",
    "subject": {"reference": "urn:uuid:1"},
    "insurance": [{"reference": "Coverage/c"}, {"identifier": {"value": "logical"}}],
    "instantiatesUri": ["urn:uuid:1"],
    "contained": [{"resourceType": "Provenance", "target": [{"reference": "#"}]}],
    "text": {"status": "generated", "div": '<div><a href="urn:uuid:1">urn:uuid:1</a></div>'},
}


def test_each_is_found_with_its_place() -> None:
    assert list(references(REQUEST)) == [
        ("ServiceRequest.subject.reference", "urn:uuid:1"),
        ("ServiceRequest.insurance[0].reference", "Coverage/c"),
        ("ServiceRequest.contained[0].target[0].reference", "#"),
    ]


def test_each_is_rewritten_and_text_is_not() -> None:
    done = rewritten(REQUEST, {"urn:uuid:1": "Patient/p"})
    assert done["subject"] == {"reference": "Patient/p"}
    assert done["instantiatesUri"] == ["Patient/p"]
    assert done["text"]["div"] == '<div><a href="Patient/p">urn:uuid:1</a></div>'
    assert REQUEST["subject"] == {"reference": "urn:uuid:1"}, "the input is not changed"


def test_what_is_a_relative_reference() -> None:
    assert relative("Patient/p") == ("Patient", "p")
    assert relative("Patient/p/_history/3") == ("Patient", "p")
    for other in ("http://x/Patient/p", "Patient", "Patient/p/x", "Patient/a_b", "#p", "urn:uuid:1", "../Patient/p"):
        assert relative(other) is None
