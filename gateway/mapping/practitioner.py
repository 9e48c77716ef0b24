"""Practitioner and PractitionerRole, as US Core profiles them: someone who works for the member, and where.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-practitioner.html
With an organization the reference goes to a PractitionerRole (both its ends are there, as Gravity asks); without one to
the Practitioner. Where US Core demands what is not known: a family name is marked absent, an identifier is our own id,
and a role's phone is the person's, else the organization's, else marked absent (US Core 7.0.0, pd-1).
"""

from __future__ import annotations

from gateway.domain.member import Address, Organization, PersonName, Professional
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import absent, filled, some
from gateway.mapping import datatypes, organization, systems
from gateway.mapping.context import Context

PROFILE = systems.US_CORE + "us-core-practitioner"
ROLE_PROFILES = (
    systems.US_CORE + "us-core-practitionerrole",
    systems.SDOHCC + "SDOHCC-practitionerrole",
)

NO_PHONE = {"system": "phone", "_value": absent()}


def to_fhir(professional: Professional, *, context: Context, collected: Collected) -> Json:
    """Add the person (and where they work) to what is collected; return the reference to use."""
    person = practitioner(professional, context=context)
    return role(professional, person=person, context=context, collected=collected)


def from_fhir(ref: Json | None, *, resolver: Resolver) -> Professional | None:
    """The person behind a reference to a Practitioner or PractitionerRole."""
    found = resolver.find(ref)
    if found is None:
        return None
    person = resolver.find(found["practitioner"]) if found["resourceType"] == "PractitionerRole" else found
    workplace = resolver.find(found.get("organization"))
    if person is None or person["resourceType"] != "Practitioner":
        raise ValueError("not a person")
    return Professional(
        name=datatypes.named_from(person.get("name")) or PersonName(),
        title=title_from(person),
        npi=organization.identifier_from(person, systems.NPI),
        phones=datatypes.phones_from(person.get("telecom")),
        email=datatypes.email_from(person.get("telecom")),
        organization=organization.from_fhir(workplace) if workplace else None,
    )


def practitioner(professional: Professional, *, context: Context, address: Address | None = None) -> Json:
    """The person alone, with an id of what is stated."""
    resource = context.ids.as_stated(
        filled(
            {
                "resourceType": "Practitioner",
                "meta": systems.meta(PROFILE),
                "identifier": organization.identifiers(professional.npi),
                "name": [datatypes.named(professional.name)],
                "telecom": datatypes.telecom(professional.phones, professional.email),
                "address": some(datatypes.address(address)),
                "qualification": [{"code": {"text": professional.title}}] if professional.title else None,
            }
        )
    )
    resource.setdefault("identifier", [{"system": systems.PRACTITIONER, "value": resource["id"]}])
    return resource


def role(professional: Professional, *, person: Json, context: Context, collected: Collected) -> Json:
    """Add a person and, where the organization is known, their role there; return the reference to use."""
    who = collected.add(person)
    if professional.organization is None:
        return who
    where = collected.add(organization.to_fhir(professional.organization, ids=context.ids))
    return collected.add(
        context.ids.as_stated(
            filled(
                {
                    "resourceType": "PractitionerRole",
                    "meta": systems.meta(*ROLE_PROFILES),
                    "practitioner": who,
                    "organization": where,
                    "code": [{"text": professional.title}] if professional.title else None,
                    "telecom": person.get("telecom") or _workplace(professional.organization) or [NO_PHONE],
                }
            )
        )
    )


def _workplace(stated: Organization) -> list[Json]:
    return datatypes.telecom(stated.phones, stated.email)


def title_from(person: Json) -> str | None:
    found = person.get("qualification", ())
    return found[0]["code"]["text"] if found else None
