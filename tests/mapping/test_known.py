"""A document that says less of a member or a coverage takes nothing away; what it states replaces what was stated."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mapping.known import known

Json = dict[str, Any]
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
FORMAT = "https://ecm-gateway.example/fhir/StructureDefinition/ecm-alternative-format"


def _spoken(mode: str, language: str) -> Json:
    proficiency = {"url": "type", "valueCoding": {"code": mode}}
    return {"extension": [{"url": "p", "extension": [proficiency]}], "language": {"text": language}, "preferred": True}


BEFORE: Json = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"versionId": "3", "profile": ["a"]},
    "extension": [{"url": FORMAT, "valueCode": "braille"}, {"url": INTERPRETER, "valueBoolean": True}],
    "identifier": [{"system": "cin", "value": "91234567A"}, {"system": "clinic/mrn", "value": "7"}],
    "name": [
        {"use": "official", "family": "Zanzibarovna", "given": ["Ana", "María"], "suffix": ["Jr."]},
        {"use": "nickname", "given": ["Anita"]},
    ],
    "telecom": [{"system": "phone", "value": "+12135550123"}, {"system": "email", "value": "ana@example.org"}],
    "gender": "female",
    "birthDate": "1980-04-05",
    "address": [{"use": "home", "type": "physical", "city": "Los Angeles"}, {"use": "temp", "text": "the bridge"}],
    "communication": [_spoken("ESP", "es"), _spoken("RWR", "en")],
    "contact": [{"name": {"text": "Rosa"}}],
}
SPARSE: Json = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"profile": ["a"]},
    "identifier": [{"system": "cin", "value": "91234567A"}],
    "name": [{"use": "official", "family": "Zanzibarovna", "given": ["Ana"]}],
    "gender": "unknown",
    "birthDate": "1980-04-05",
}


def test_a_sparse_document_takes_nothing_away() -> None:
    assert known(SPARSE, BEFORE) == BEFORE | {"meta": SPARSE["meta"]}
    assert known(BEFORE, SPARSE) == BEFORE


def test_the_same_document_again_changes_nothing() -> None:
    merged = known(SPARSE, BEFORE)
    assert known(SPARSE, merged) == merged


STATED: dict[str, tuple[Any, Any]] = {
    "telecom": ([{"system": "phone", "value": "+12135550999"}], BEFORE["telecom"][1:]),
    "identifier": ([{"system": "hospital/mrn", "value": "8"}], BEFORE["identifier"]),
    "address": ([{"use": "temp", "text": "the shelter"}], BEFORE["address"][:1]),
    "communication": ([_spoken("RWR", "es")], BEFORE["communication"][:1]),
    "extension": ([{"url": FORMAT, "valueCode": "audio-cd"}], BEFORE["extension"][1:]),
    "contact": ([{"name": {"text": "Lee"}}], []),
    "name": ([{"use": "official", "family": "Zanzibarovna", "given": ["Anna"]}], BEFORE["name"][1:]),
}


@pytest.mark.parametrize("element", STATED)
def test_what_is_stated_replaces_what_was_stated_of_its_kind(element: str) -> None:
    stated, stays = STATED[element]
    assert known({**SPARSE, element: stated}, BEFORE)[element] == [*stated, *stays]


def test_a_gender_that_is_stated_counts() -> None:
    assert known({**SPARSE, "gender": "other"}, BEFORE)["gender"] == "other"
    assert known(SPARSE, SPARSE)["gender"] == "unknown"


@pytest.mark.parametrize(
    "official",
    [
        {"use": "official", "family": "Zanzibarovna", "given": ["Ana", "Eva"]},
        {"use": "official", "family": "Okafor-Zanzibarovna", "given": ["Ana"]},
        {"use": "official", "family": "Zanzibarovna", "given": ["Ana"], "suffix": ["Sr."]},
    ],
)
def test_another_name_replaces_the_name(official: Json) -> None:
    assert known({**SPARSE, "name": [official]}, BEFORE)["name"] == [official, BEFORE["name"][1]]


COVERED: Json = {
    "resourceType": "Coverage",
    "id": "c",
    "extension": [{"url": "county", "valueString": "Napa"}, {"url": "aid-code", "valueString": "M1"}],
    "status": "active",
    "_subscriberId": {"extension": [{"url": "absent", "valueCode": "unknown"}]},
    "period": {"start": "2024-01-01", "end": "2024-12-31"},
    "class": [{"type": {"coding": [{"code": "plan"}]}, "value": "304"}],
}


def test_a_coverage_keeps_what_is_unsaid_and_takes_what_is_said() -> None:
    now = {
        "resourceType": "Coverage",
        "id": "c",
        "extension": [{"url": "aid-code", "valueString": "M3"}],
        "status": "active",
        "subscriberId": "91234567A",
        "period": {"start": "2025-06-01"},
    }
    assert known(now, COVERED) == now | {
        "extension": [{"url": "aid-code", "valueString": "M3"}, {"url": "county", "valueString": "Napa"}],
        "class": COVERED["class"],
    }
    assert known({"resourceType": "Coverage", "id": "c", "status": "active"}, COVERED) == COVERED
