"""Coverage -> Coverage with the plan as payor, and back. Profile: ecm-coverage, on US Core 6.1.0.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-coverage.html
US Core demands a member number and a payor; where they are not known their place is marked so.
A member has one Coverage by a plan, in which all documents meet: `gateway.mapping.known` says how.
"""

from __future__ import annotations

from gateway.domain.member import Coverage, Member
from gateway.domain.referral import Key
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import absent, extension, extension_value, filled, some
from gateway.mapping import datatypes, organization, patient, systems
from gateway.mapping.context import Context

PROFILES = (systems.definition("coverage"), systems.US_CORE + "us-core-coverage")
COUNTY = systems.definition("county")
AID_CODE = systems.definition("aid-code")
MEDICARE = systems.definition("medicare")
_CLASS = systems.THO + "coverage-class"


def to_fhir(
    coverage: Coverage | None, *, key: Key, member: Member, beneficiary: Json, context: Context, collected: Collected
) -> Json | None:
    """Add the coverage and its plan to what is collected; return the Reference, None where nothing is known of it."""
    if coverage is None:
        return None
    plan = organization.plan(coverage.plan, context=context)
    return collected.add(
        filled(
            {
                "resourceType": "Coverage",
                "id": context.ids.coverage(beneficiary["reference"], plan=coverage.plan, key=key),
                "meta": systems.meta(*PROFILES),
                "extension": some(
                    extension(COUNTY, "String", coverage.county),
                    extension(AID_CODE, "String", coverage.aid_code),
                    extension(MEDICARE, "Boolean", coverage.medicare),
                ),
                "identifier": some(
                    patient.member_id(member.member_id, coverage=coverage) if member.member_id else None
                ),
                "status": "active",
                "type": {"text": "Medi-Cal managed care"},
                "subscriberId": member.cin,
                "_subscriberId": None if member.cin or member.member_id else absent(),
                "beneficiary": beneficiary,
                "relationship": {"coding": [{"system": systems.THO + "subscriber-relationship", "code": "self"}]},
                "period": datatypes.period(coverage.period),
                "payor": [collected.add(plan) if plan else absent()],
                "class": [{"type": {"coding": [{"system": _CLASS, "code": "plan"}]}, "value": coverage.plan_code}]
                if coverage.plan_code
                else None,
            }
        )
    )


def from_fhir(ref: Json | None, *, resolver: Resolver) -> Coverage | None:
    resource = resolver.find(ref)
    if resource is None:
        return None
    payor = resolver.find(resource["payor"][0])
    return Coverage(
        plan=organization.identifier_from(payor, systems.PLAN) if payor else None,
        plan_code=next((one["value"] for one in resource.get("class", ()) if _is_plan(one)), None),
        county=extension_value(resource, COUNTY),
        aid_code=extension_value(resource, AID_CODE),
        medicare=extension_value(resource, MEDICARE),
        period=datatypes.period_from(resource.get("period")),
    )


def _is_plan(one: Json) -> bool:
    return any(coding.get("code") == "plan" for coding in one["type"].get("coding", ()))
