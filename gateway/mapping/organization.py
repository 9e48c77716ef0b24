"""Organization, as US Core profiles it. https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-organization.html"""

from __future__ import annotations

from gateway.domain import identifiers as identifiers_of
from gateway.domain.member import Address, Organization
from gateway.fhir.codec import Json
from gateway.fhir.element import filled, some
from gateway.mapping import datatypes, systems
from gateway.mapping.context import Context
from gateway.mapping.ids import Ids

PROFILE = systems.US_CORE + "us-core-organization"
_SHORT = {"plan": systems.PLAN, "tin": systems.TIN}


def to_fhir(organization: Organization, *, ids: Ids, contact: Json | None = None) -> Json:
    """An organization as stated in one document. `contact` is where to reach whoever acts for it."""
    return ids.as_stated(
        filled(
            {
                "resourceType": "Organization",
                "meta": systems.meta(PROFILE),
                "identifier": identifiers(organization.npi, organization.tin),
                "active": True,
                "name": organization.name,
                "telecom": datatypes.telecom(organization.phones, organization.email, organization=True),
                "address": some(datatypes.address(organization.address)),
                "contact": some(contact),
            }
        )
    )


def from_fhir(resource: Json) -> Organization:
    return Organization(
        name=resource["name"],
        npi=identifier_from(resource, systems.NPI),
        tin=identifier_from(resource, systems.TIN),
        phones=datatypes.phones_from(resource.get("telecom")),
        email=datatypes.email_from(resource.get("telecom")),
        address=first_address(resource),
    )


def plan(code: str | None, *, context: Context) -> Json | None:
    """The managed care plan as an Organization: one for each of our plan codes."""
    if code is None:
        return None
    return {
        "resourceType": "Organization",
        "id": context.ids.of("Organization", "plan", code),
        "meta": systems.meta(PROFILE),
        "identifier": [{"system": systems.PLAN, "value": code}],
        "active": True,
        "name": context.plan_names.get(code, code),
    }


def identifiers(npi: str | None, tin: str | None = None) -> list[Json]:
    return some(
        {"system": systems.NPI, "value": npi} if npi else None,
        {"system": systems.TIN, "value": tin} if tin else None,
    )


def identifier_from(resource: Json, system: str) -> str | None:
    """The value of the first identifier of one system."""
    return next((one["value"] for one in resource.get("identifier", ()) if one.get("system") == system), None)


def known_as(text: str) -> str:
    """What `npi|1234567893`, `plan|health-net`, `tin|..` or `system|value` names, as `system|value`; also a reference.

    Raises ValueError, whose text says how it is to be written.
    """
    system, mark, value = text.partition("|")
    if not mark and text.startswith("Organization/"):
        return text
    if system == "npi":
        return f"{systems.NPI}|{identifiers_of.npi(value)}"
    if not value or (system not in _SHORT and ":" not in system):
        raise ValueError("is none of npi|number, plan|code, tin|number, system|value, Organization/id")
    return f"{_SHORT.get(system, system)}|{value}"


def first_address(element: Json) -> Address | None:
    """The first of an element's addresses."""
    return datatypes.address_from(next(iter(element.get("address", ())), None))
