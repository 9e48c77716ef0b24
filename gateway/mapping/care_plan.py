"""CarePlan -> transaction Bundle of CarePlan, Goals, Conditions and who stands around them; and back.

Profile: ecm-care-plan, on US Core 6.1.0.
https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-careplan.html
The same plan's next version has the same id: it becomes the next version of the resource.
"""

from __future__ import annotations

from typing import Any

from gateway.domain.care_plan import CarePlan, ClinicalOversight, Conference, DomainSummary, PlanAgreement, PlanCopy
from gateway.domain.codes import CarePlanStatus, PopulationOfFocus
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import codes_of, concept, extension, extension_value, filled, some
from gateway.mapping import (
    activity,
    condition,
    coverage,
    datatypes,
    document,
    goal,
    labels,
    organization,
    plan_text,
    practitioner,
    related_person,
    systems,
)
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension

PROFILES = (systems.definition("care-plan"), systems.US_CORE + "us-core-careplan")
DOMAIN = RecordExtension(DomainSummary, "plan-domain-summary")
AGREEMENT = RecordExtension(PlanAgreement, "plan-agreement")
CONFERENCE = RecordExtension(Conference, "conference")
COPY = RecordExtension(PlanCopy, "plan-copy")
OVERSIGHT = systems.definition("clinical-oversight")
VERSION = systems.definition("plan-version")
REVISED = systems.definition("plan-revised")
REVIEW_DUE = systems.definition("review-due")
STRENGTH, RISK, PREFERENCE = "strength", "risk", "preference"
_ASSESS = concept("http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan")
_ECM = concept(systems.SERVICE, "ecm-care-plan", "ECM care management plan")


def to_fhir(plan: CarePlan, *, context: Context) -> Json:
    """The transaction Bundle of one care plan: CarePlan first."""
    collected = Collected()
    subject, insurance = document.begun(plan, context=context, collected=collected)
    author = practitioner.to_fhir(plan.author, context=context, collected=collected) if plan.author else None
    provider = collected.add(organization.to_fhir(plan.provider, ids=context.ids)) if plan.provider else None
    supports = [collected.add(related_person.to_fhir(one, patient=subject, context=context)) for one in plan.supports]
    needs = {
        one.id: collected.add(condition.to_fhir(one, key=plan.key, subject=subject, context=context))
        for one in plan.needs
    }
    goals = {
        one.id: collected.add(goal.to_fhir(one, key=plan.key, subject=subject, needs=needs, context=context))
        for one in plan.goals
    }
    written = collected.add(
        filled(
            {
                "resourceType": "CarePlan",
                "id": context.ids.keyed("CarePlan", plan.key),
                "meta": systems.meta(*PROFILES),
                "text": plan_text.narrative(plan),
                "extension": _extensions(plan, context, collected),
                "identifier": [systems.identifier(plan.key)],
                "replaces": some(systems.logical("CarePlan", plan.replaces)),
                "status": plan.status.value,
                "intent": "plan",
                "category": [
                    _ASSESS,
                    _ECM,
                    *(concept(systems.POPULATION, one.value, labels.POPULATION[one]) for one in plan.populations),
                ],
                "title": plan.title,
                "description": plan.summary,
                "subject": subject,
                "period": datatypes.period(plan.period),
                "created": datatypes.day(plan.created),
                "author": author,
                "contributor": some(provider),
                "addresses": list(needs.values()),
                "supportingInfo": some(systems.logical("ServiceRequest", plan.referral), insurance, *supports),
                "goal": list(goals.values()),
                "activity": [activity.to_fhir(one, key=plan.key, goals=goals) for one in plan.activities],
                "note": some(
                    *(datatypes.note(one, STRENGTH) for one in plan.strengths),
                    *(datatypes.note(one, RISK) for one in plan.risks),
                    *(datatypes.note(one, PREFERENCE) for one in plan.preferences),
                    *(datatypes.note(one) for one in plan.notes),
                ),
            }
        )
    )
    who = provider or (author if author and author["reference"].startswith("PractitionerRole/") else None)
    return document.ended(written, author=who, context=context, collected=collected)


def from_fhir(bundle: Json) -> CarePlan:
    """The care plan in a Bundle of one CarePlan and what it refers to; Unmappable where it is not one of ours."""
    return document.read(bundle, "CarePlan", "an ECM care plan", reader=_care_plan)


def _care_plan(resource: Json, resolver: Resolver) -> CarePlan:
    notes = resource.get("note")
    providers = [found for ref in resource.get("contributor", ()) if (found := resolver.find(ref))]
    replaced = resource.get("replaces", ())
    populations = codes_of(resource["category"], systems.POPULATION)
    return CarePlan(
        key=systems.key_of(resource["identifier"][0]),
        member=document.member_of(resource, resolver),
        status=CarePlanStatus(resource["status"]),
        title=resource.get("title"),
        version=extension_value(resource, VERSION),
        replaces=systems.key_of(replaced[0]["identifier"]) if replaced else None,
        populations=tuple(PopulationOfFocus(one) for one in populations),
        period=datatypes.period_from(resource.get("period")),
        created=datatypes.day_from(resource.get("created")),
        revised=datatypes.day_from(extension_value(resource, REVISED)),
        review_due=datatypes.day_from(extension_value(resource, REVIEW_DUE)),
        author=practitioner.from_fhir(resource.get("author"), resolver=resolver),
        provider=organization.from_fhir(providers[0]) if providers else None,
        summary=resource.get("description"),
        domains=DOMAIN.read_all(resource),
        strengths=datatypes.notes_from(notes, STRENGTH),
        risks=datatypes.notes_from(notes, RISK),
        preferences=datatypes.notes_from(notes, PREFERENCE),
        needs=tuple(condition.from_fhir(_there(ref, resolver)) for ref in resource.get("addresses", ())),
        goals=tuple(goal.from_fhir(_there(ref, resolver), resolver=resolver) for ref in resource.get("goal", ())),
        activities=tuple(activity.from_fhir(one, resolver=resolver) for one in resource.get("activity", ())),
        agreements=AGREEMENT.read_all(resource),
        oversight=_oversight_from(resource, resolver),
        conferences=CONFERENCE.read_all(resource),
        copies=COPY.read_all(resource),
        notes=datatypes.notes_from(notes),
        **_supporting(resource.get("supportingInfo", ()), resolver),
    )


def _supporting(references: list[Json], resolver: Resolver) -> dict[str, Any]:
    found = [(ref, resolver.find(ref)) for ref in references]
    there = [one for _, one in found if one]
    logical = [ref for ref, one in found if one is None and ref.get("type") == "ServiceRequest"]
    covered = [ref for ref, one in found if one and one["resourceType"] == "Coverage"]
    return {
        "referral": systems.key_of(logical[0]["identifier"]) if logical else None,
        "coverage": coverage.from_fhir(covered[0], resolver=resolver) if covered else None,
        "supports": tuple(related_person.from_fhir(one) for one in there if one["resourceType"] == "RelatedPerson"),
    }


def _extensions(plan: CarePlan, context: Context, collected: Collected) -> list[Json]:
    return some(
        extension(VERSION, "String", plan.version),
        extension(REVISED, "Date", datatypes.day(plan.revised)),
        extension(REVIEW_DUE, "Date", datatypes.day(plan.review_due)),
        *(DOMAIN.write(one) for one in plan.domains),
        *(AGREEMENT.write(one) for one in plan.agreements),
        _oversight(plan.oversight, context, collected) if plan.oversight else None,
        *(CONFERENCE.write(one) for one in plan.conferences),
        *(COPY.write(one) for one in plan.copies),
    )


def _oversight(oversight: ClinicalOversight, context: Context, collected: Collected) -> Json:
    clinician = practitioner.to_fhir(oversight.clinician, context=context, collected=collected)
    return {
        "url": OVERSIGHT,
        "extension": some(
            extension("clinician", "Reference", clinician),
            extension("reviewed", "Date", datatypes.day(oversight.reviewed)),
        ),
    }


def _oversight_from(resource: Json, resolver: Resolver) -> ClinicalOversight | None:
    found = next((one for one in resource.get("extension", ()) if one["url"] == OVERSIGHT), None)
    clinician = practitioner.from_fhir(extension_value(found, "clinician"), resolver=resolver)
    if clinician is None:
        return None
    return ClinicalOversight(clinician=clinician, reviewed=datatypes.day_from(extension_value(found, "reviewed")))


def _there(ref: Json, resolver: Resolver) -> Json:
    found = resolver.find(ref)
    if found is None:
        raise LookupError("reference")
    return found
