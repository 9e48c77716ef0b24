"""For every invariant of the published profiles and of ours, what breaks it alone."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.fhir import codec
from gateway.shipped import folder
from tests.validation.conftest import NARRATIVE
from tests.validation.invariants import GONE, OWN, PERSON, Case, Json, coded, laid

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
CODES = "https://ecm-gateway.example/fhir/CodeSystem/"
NPI = "http://hl7.org/fhir/sid/us-npi"
TODAY = "2026-03-02"
_NPI = {"system": NPI, "value": "1234567893"}
_ROLE = {"resourceType": "PractitionerRole", "text": NARRATIVE, "practitioner": {"reference": "Practitioner/1"},
         "telecom": [{"system": "phone", "value": "1"}]}  # fmt: skip
_RELATED = {"resourceType": "RelatedPerson", "text": NARRATIVE, "active": True, "patient": PERSON,
            "name": [{"text": "x"}]}  # fmt: skip
_COVERED = {"resourceType": "Coverage", "text": NARRATIVE, "status": "active", "subscriberId": "1",
            "beneficiary": PERSON, "relationship": coded("subscriber-relationship", "self"),
            "payor": [{"reference": "Organization/1"}]}  # fmt: skip
_GROUP = {"resourceType": "Organization", "text": NARRATIVE, "active": True, "name": "x"}
_DOCTOR = {
    "resourceType": "Practitioner",
    "text": NARRATIVE,
    "identifier": [_NPI],
    "name": [{"family": "Zanzibarovna"}],
}
_WHO = {"resourceType": "Patient", "text": NARRATIVE,
        "identifier": [{"system": "https://plan.example/m", "value": "1"}],
        "name": [{"family": "Zanzibarovna", "given": ["Ada"]}], "gender": "female"}  # fmt: skip
_TOLD = {
    "resourceType": "Provenance", "text": NARRATIVE, "target": [PERSON], "recorded": "2026-03-02T09:30:00Z",
    "contained": [{**_DOCTOR, "id": "p"}],
    "agent": [{"who": {"reference": "#p"}, "onBehalfOf": {"reference": "Organization/1"}}],
}  # fmt: skip
_RACE = {"url": US_CORE + "race", "extension": [
    {"url": "ombCategory", "valueCoding": coded("v3-NullFlavor", "UNK")["coding"][0]},
    {"url": "text", "valueString": "x"}]}  # fmt: skip
_ASIAN = {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2028-9"}}
_BOTH = ("6.1.0", "7.0.0")
_US_CORE: tuple[tuple[str, str, tuple[str, ...], Json, Json, str], ...] = (
    ("pd-1", "practitionerrole", _BOTH, _ROLE, {"telecom": GONE}, "PractitionerRole"),
    ("us-core-13", "practitionerrole", _BOTH, _ROLE, {"practitioner": GONE}, "PractitionerRole"),
    ("us-core-14", "relatedperson", _BOTH, _RELATED, {"name": GONE}, "RelatedPerson"),
    ("us-core-15", "coverage", _BOTH, _COVERED, {"subscriberId": GONE}, "Coverage"),
    ("us-core-16", "organization", _BOTH, {**_GROUP, "identifier": [_NPI]},
     {"identifier": {0: {"value": "12345678930"}}}, "Organization.identifier[0]"),
    ("us-core-16", "practitioner", _BOTH, _DOCTOR, {"identifier": {0: {"value": "12345678930"}}},
     "Practitioner.identifier[0]"),
    ("us-core-17", "organization", _BOTH, {**_GROUP, "identifier": [_NPI]},
     {"identifier": {0: {"value": "1234567890"}}}, "Organization.identifier[0]"),
    ("us-core-17", "practitioner", _BOTH, _DOCTOR, {"identifier": {0: {"value": "1234567890"}}},
     "Practitioner.identifier[0]"),
    ("us-core-18", "organization", _BOTH,
     {**_GROUP, "identifier": [{"system": "urn:oid:2.16.840.1.113883.4.7", "value": "05D1234567"}]},
     {"identifier": {0: {"value": "05D123456"}}}, "Organization.identifier[0]"),
    ("us-core-19", "organization", _BOTH,
     {**_GROUP, "identifier": [{"system": "urn:oid:2.16.840.1.113883.6.300", "value": "12345"}]},
     {"identifier": {0: {"value": "1234"}}}, "Organization.identifier[0]"),
    ("us-core-23", "patient", ("7.0.0",), {**_WHO, "extension": [_RACE]},
     {"extension": {0: {"extension": {2: _ASIAN}}}}, "Patient.extension[0]"),
    ("us-core-6", "patient", _BOTH, _WHO, {"name": {0: {"family": GONE, "given": GONE, "text": "x"}}},
     "Patient.name[0]"),
    ("provenance-1", "provenance", _BOTH, _TOLD, {"agent": {0: {"onBehalfOf": GONE}}}, "Provenance.agent[0]"),
)  # fmt: skip


def of_profiles() -> Iterator[Case]:
    for key, name, versions, control, change, place in _US_CORE:
        for version in versions:
            profile = f"{US_CORE}{name}|{version}"
            yield Case(key, profile, control, change, place, profile)


# Our own: on what the mappers write


def _status(code: str) -> Json:
    return {"businessStatus": {"coding": {0: {"code": code}}}}


_REASON = {
    "statusReason": {"coding": [{"system": CODES + "ecm-loop-closure-reason", "code": "no-longer-needed"}], "text": "x"}
}


def _written(case: str, kind: str) -> Json:
    bundles = codec.read((folder("fixtures") / case / "bundles.json").read_bytes())
    found: Json = next(e["resource"] for e in bundles[0]["entry"] if e["resource"]["resourceType"] == kind)
    return found


def of_ours() -> Iterator[Case]:
    task, patient = (_written("referrals/json-adult-filled", kind) for kind in ("Task", "Patient"))
    team = _written("care-teams/filled", "CareTeam")
    pending = laid({"businessStatus": {"coding": {0: {"display": GONE}}}}, task)
    closed = laid({"status": "completed", **_REASON, **_status("loop-closed")}, pending)
    declined = laid({"status": "rejected", **_REASON, **_status("declined")}, pending)
    leads = [n for n, one in enumerate(team["participant"]) if "lead-care-manager" in str(one["role"])]
    profile = OWN + "ecm-referral-task"
    yield Case("ecm-task-1", profile, closed, {"status": "in-progress"}, "Task")
    yield Case("ecm-task-2", profile, closed, {"statusReason": GONE}, "Task")
    yield Case("ecm-task-3", profile, declined, {"status": "failed"}, "Task")
    yield Case(
        "ecm-cin-1", OWN + "ecm-patient", patient, {"identifier": {0: {"value": "9123456"}}}, "Patient.identifier[0]"
    )
    nameless = [{"family": "Zanzibarovna"}, {"given": ["Ada"]}]
    yield Case("ecm-patient-1", OWN + "ecm-patient", patient, {"name": nameless}, "Patient")
    ended = {n: {"period": {"start": "2020-01-01", "end": "2020-02-01"}} for n in leads}
    yield Case("ecm-team-1", OWN + "ecm-care-team", team, {"participant": ended}, "CareTeam")
