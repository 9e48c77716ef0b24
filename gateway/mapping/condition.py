"""Need -> Condition (a health concern) and back. Profile: ecm-need, on US Core 6.1.0 problems and health concerns.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-condition-problems-health-concerns.html
"""

from __future__ import annotations

from gateway.domain.care_plan import Need
from gateway.domain.codes import NeedStatus, PlanDomain
from gateway.domain.referral import Key
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, codes_of, coding, concept, filled
from gateway.mapping import datatypes, labels, systems
from gateway.mapping.context import Context

PROFILES = (systems.definition("need"), systems.US_CORE + "us-core-condition-problems-health-concerns")
KIND = "/need"
_CLINICAL = systems.THO + "condition-clinical"
_STATUS = {NeedStatus.OPEN: "active", NeedStatus.MET: "resolved", NeedStatus.INACTIVE: "inactive"}
_STATUS_BACK = {code: status for status, code in _STATUS.items()}
_CONCERN = concept("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern", "Health Concern")


def to_fhir(need: Need, *, key: Key, subject: Json, context: Context) -> Json:
    """`key` is the plan's; a need's id is unique within its plan."""
    return filled(
        {
            "resourceType": "Condition",
            "id": context.ids.keyed("Condition", key, need.id),
            "meta": systems.meta(*PROFILES),
            "identifier": [{**systems.identifier(key, kind=KIND), "value": need.id}],
            "clinicalStatus": concept(_CLINICAL, _STATUS[need.status]),
            "category": [_CONCERN, concept(systems.PLAN_DOMAIN, need.domain.value, labels.PLAN_DOMAIN[need.domain])],
            "code": filled(
                {
                    "coding": [coding(systems.ICD10, need.diagnosis)] if need.diagnosis else None,
                    "text": need.description,
                }
            ),
            "subject": subject,
            "recordedDate": datatypes.day(need.identified),
        }
    )


def from_fhir(resource: Json) -> Need:
    return Need(
        id=resource["identifier"][0]["value"],
        domain=PlanDomain(codes_of(resource["category"], systems.PLAN_DOMAIN)[0]),
        description=resource["code"]["text"],
        status=_STATUS_BACK[code_of(resource["clinicalStatus"], _CLINICAL) or ""],
        diagnosis=code_of(resource["code"], systems.ICD10),
        identified=datatypes.day_from(resource.get("recordedDate")),
    )
