"""A referral as FHIR: who asks, for whom, what is not known, and what is not one of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.codes import Kinship, PopulationOfFocus, Relationship, SourceCategory, Urgency
from gateway.domain.member import Coverage, Organization, PersonName, Phone
from gateway.domain.referral import Referral, Referrer
from gateway.errors import Unmappable
from gateway.fhir.bundle import Resolver
from gateway.mapping import referral
from tests.mapping.contexts import CONTEXT
from tests.mapping.filled import REFERRAL

JANE = PersonName(text="Jane Zanzibarovna")
CLINIC = Organization(name="Clinic")
PHONE = (Phone(number="+12135550123"),)


def first(record: Referral, type: str) -> dict[str, Any]:
    found = Resolver(referral.to_fhir(record, context=CONTEXT)).all(type)
    return found[0]


@pytest.mark.parametrize(
    ("referrer", "requester", "task_requester"),
    [
        (Referrer(is_member=True), "Patient", "Organization"),
        (Referrer(is_member=True, name=JANE), "RelatedPerson", "Organization"),
        (Referrer(name=JANE, kinship=Kinship.PARENT), "RelatedPerson", "Organization"),
        (Referrer(name=JANE), "RelatedPerson", "Organization"),
        (Referrer(name=JANE, relationship=Relationship.MEDICAL_PROVIDER), "Practitioner", "Organization"),
        (Referrer(name=JANE, npi="1234567893"), "Practitioner", "Organization"),
        (Referrer(name=JANE, organization=CLINIC), "PractitionerRole", "PractitionerRole"),
        (Referrer(organization=CLINIC, phones=PHONE), "Organization", "Organization"),
    ],
)
def test_who_refers_is_the_requester(referrer: Referrer, requester: str, task_requester: str) -> None:
    record = replace(REFERRAL, referrer=referrer)
    assert first(record, "ServiceRequest")["requester"]["reference"].startswith(requester + "/")
    assert first(record, "Task")["requester"]["reference"].startswith(task_requester + "/")


@pytest.mark.parametrize(
    ("urgency", "priority"), [(Urgency.ROUTINE, "routine"), (Urgency.EXPEDITED, "urgent"), (None, None)]
)
def test_urgency_is_the_priority_and_unknown_is_not_routine(urgency: Urgency | None, priority: str | None) -> None:
    record = replace(REFERRAL, urgency=urgency)
    assert first(record, "ServiceRequest").get("priority") == priority
    assert first(record, "Task").get("priority") == priority


def test_populations_are_reasons_and_the_plan_insures() -> None:
    record = replace(
        REFERRAL, populations=(PopulationOfFocus.INCARCERATION, PopulationOfFocus.SMH_SUD), diagnoses=("Z65.1",)
    )
    request = first(record, "ServiceRequest")
    assert [one["coding"][0]["code"] for one in request["reasonCode"]] == ["4", "3", "Z65.1"]
    assert request["insurance"][0]["reference"].startswith("Coverage/")
    assert first(record, "Task")["owner"] == first(record, "Coverage")["payor"][0]


def test_the_social_need_is_there_for_gravity_partners_to_filter_by() -> None:
    categories = first(replace(REFERRAL, populations=(PopulationOfFocus.HOMELESS_FAMILY,)), "ServiceRequest")[
        "category"
    ]
    assert "homelessness" in {coding["code"] for one in categories for coding in one["coding"]}


@pytest.mark.parametrize(
    ("category", "origin"), [(SourceCategory.PLAN, "plan"), (SourceCategory.HOSPITAL, "community"), (None, "community")]
)
def test_only_the_plan_itself_is_plan_sourced(category: SourceCategory | None, origin: str) -> None:
    record = replace(REFERRAL, referrer=Referrer(name=JANE, source_category=category))
    extensions = first(record, "ServiceRequest")["extension"]
    assert [one["valueCode"] for one in extensions if one["url"].endswith("ecm-referral-origin")] == [origin]


def test_what_is_not_known_of_the_coverage_is_marked_absent() -> None:
    nobody = replace(REFERRAL.member, cin=None, member_id=None)
    coverage = first(replace(REFERRAL, member=nobody, coverage=Coverage(medicare=True)), "Coverage")
    assert "subscriberId" not in coverage
    for element in (coverage["_subscriberId"], coverage["payor"][0]):
        assert element["extension"][0]["valueCode"] == "unknown"


def test_a_task_and_provenance_are_for_writing_once() -> None:
    entries = referral.to_fhir(REFERRAL, context=CONTEXT)["entry"]
    once = {e["resource"]["resourceType"] for e in entries if e["request"].get("ifNoneMatch") == "*"}
    assert once == {"Task", "Provenance"}


def test_provenance_names_the_source_its_hash_and_the_mapping() -> None:
    provenance = first(REFERRAL, "Provenance")
    assert provenance["entity"][0]["what"]["identifier"]["value"] == CONTEXT.source.sha256
    assert provenance["extension"][0]["valueString"]
    assert provenance["target"][0]["reference"].startswith("ServiceRequest/")


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda request: request.pop("identifier"), "not-ecm-referral"),
        (lambda request: request["identifier"][0].update(system="urn:x"), "not-ecm-referral"),
        (lambda request: request["reasonCode"][0]["coding"][0].update(code="Zanzibarovna"), "not-ecm-referral"),
        (lambda request: request.update(priority="stat"), "not-ecm-referral"),
        (lambda request: request["subject"].update(reference="Patient/absent"), "not-ecm-referral"),
        (lambda request: request.update(extension="Zanzibarovna"), "not-ecm-referral"),
        (lambda request: request.update(resourceType="Basic"), None),
    ],
)
def test_what_is_not_a_referral_of_ours_is_refused_without_quoting_it(spoil: Any, rule: str | None) -> None:
    bundle = referral.to_fhir(REFERRAL, context=CONTEXT)
    spoil(bundle["entry"][0]["resource"])
    with pytest.raises(Unmappable) as caught:
        referral.from_fhir(bundle)
    assert caught.value.issues[0].rule == rule
    assert "Zanzibarovna" not in str(caught.value)
