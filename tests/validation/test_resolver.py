"""Resources outside the one being checked are held to target profiles where the caller gives them."""

from __future__ import annotations

import copy

from gateway.validation import Validator
from gateway.validation.references import MAX_RESOLVED
from tests.validation.conftest import NARRATIVE, PATIENT, SERVICE_REQUEST, US_CORE, Json, profile

ORDER: Json = {key: value for key, value in SERVICE_REQUEST.items() if key not in ("contained", "requester")}
CARE_TEAM_OF = profile(
    "ServiceRequest",
    [{"id": "ServiceRequest.subject", "path": "ServiceRequest.subject",
      "type": [{"code": "Reference", "targetProfile": [US_CORE + "us-core-patient"]}]}],
    name="of-a-us-core-patient",
)  # fmt: skip
PROFILES = [CARE_TEAM_OF["url"]]


def errors(validator: Validator, resource: Json) -> list[tuple[str | None, str | None]]:
    return [(i.rule, i.expression) for i in validator.check(resource, PROFILES) if i.is_error]


def loaded(*known: Json) -> tuple[Validator, list[str]]:
    asked: list[str] = []
    by_reference = {f"{one['resourceType']}/{one['id']}": one for one in known}

    def resolver(reference: str) -> Json | None:
        asked.append(reference)
        return by_reference.get(reference)

    return Validator.load(["hl7.fhir.us.core#6.1.0"], resources=[CARE_TEAM_OF], resolver=resolver), asked


def test_a_target_that_meets_its_profile() -> None:
    validator, asked = loaded(PATIENT)
    before = copy.deepcopy(PATIENT)
    assert errors(validator, ORDER) == []
    assert validator.is_valid(ORDER, PROFILES)
    assert set(asked) == {"Patient/p1"}
    assert before == PATIENT


def test_a_target_that_does_not() -> None:
    nameless = {"resourceType": "Patient", "id": "p1", "text": NARRATIVE}
    validator, _ = loaded(nameless)
    assert errors(validator, ORDER) == [("reference-profile", "ServiceRequest.subject")]
    assert not validator.is_valid(ORDER, PROFILES)


def test_what_the_resolver_does_not_know_is_not_judged() -> None:
    validator, asked = loaded()
    assert errors(validator, ORDER) == []
    assert asked == ["Patient/p1"]


def test_a_target_is_looked_at_in_its_own_surroundings() -> None:
    """`#` inside it means its own contained resources, not those of the resource that points to it."""
    with_doctor = {**PATIENT, "contained": [{**SERVICE_REQUEST["contained"][0], "id": "own"}],
                   "generalPractitioner": [{"reference": "#own"}]}  # fmt: skip
    validator, _ = loaded(with_doctor)
    assert errors(validator, SERVICE_REQUEST) == []


def test_resources_that_point_at_each_other_end() -> None:
    circle = profile("Patient", [{"id": "Patient.link.other", "path": "Patient.link.other", "type": [
        {"code": "Reference", "targetProfile": ["https://ecm-gateway.example/fhir/StructureDefinition/circle"]}]}],
        name="circle")  # fmt: skip
    one, other = (
        {"resourceType": "Patient", "id": a, "text": NARRATIVE,
         "link": [{"other": {"reference": f"Patient/{b}"}, "type": "seealso"}]} for a, b in (("a", "b"), ("b", "a"))
    )  # fmt: skip
    validator = Validator.load(resources=[circle], resolver={"Patient/a": one, "Patient/b": other}.get)
    assert [i for i in validator.check(one, [circle["url"]]) if i.is_error] == []


def test_a_resolver_is_asked_a_bounded_number_of_times() -> None:
    validator, asked = loaded()
    many = {**ORDER, "basedOn": [{"reference": f"CarePlan/{n}"} for n in range(2 * MAX_RESOLVED)],
            "supportingInfo": [{"reference": f"Patient/{n}"} for n in range(2 * MAX_RESOLVED)]}  # fmt: skip
    validator.check(many, [US_CORE + "us-core-servicerequest"])
    assert len(asked) <= MAX_RESOLVED


def test_extensions_of_example_addresses_are_refused_where_asked() -> None:
    patient = {**PATIENT, "extension": [*PATIENT["extension"], {"url": "http://example.org/x", "valueString": "x"}]}
    assert Validator.load(["hl7.fhir.us.core#6.1.0"]).is_valid(patient)
    strict = Validator.load(["hl7.fhir.us.core#6.1.0"], example_urls="refuse")
    assert [(i.rule, i.expression) for i in strict.check(patient) if i.is_error] == [
        ("extension-unknown", "Patient.extension[1]")
    ]
    assert not strict.is_valid(patient)
