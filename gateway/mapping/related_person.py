"""Support persons: as Patient.contact where they stand with the member, as RelatedPerson where they act.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-relatedperson.html
"""

from __future__ import annotations

from gateway.domain.member import PersonName, SupportAuthorization, SupportPerson
from gateway.fhir.codec import Json
from gateway.fhir.element import extension, extension_value, filled, some
from gateway.mapping import datatypes, kinship, systems
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension

PROFILE = systems.US_CORE + "us-core-relatedperson"
AUTHORIZATION = RecordExtension(SupportAuthorization, "support-authorization")
MAKES_DECISIONS = systems.definition("makes-decisions")
LANGUAGE = systems.definition("contact-language")
UNKNOWN = [{"coding": [{"system": systems.THO + "v2-0131", "code": "U", "display": "Unknown"}]}]


def contact(person: SupportPerson) -> Json:
    """A support person as Patient.contact."""
    return filled(
        {
            "extension": [*_extensions(person), *some(extension(LANGUAGE, "Code", person.language))],
            "relationship": kinship.relationship(person.kinship, other=person.kinship_other),
            "name": datatypes.person_name(person.name),
            "telecom": datatypes.telecom(person.phones, person.email),
            "address": datatypes.address(person.address),
        }
    )


def contact_from(element: Json) -> SupportPerson:
    return _person(
        element,
        name=datatypes.person_name_from(element.get("name", {})),
        address=element.get("address"),
        language=extension_value(element, LANGUAGE),
    )


def to_fhir(person: SupportPerson, *, patient: Json, context: Context) -> Json:
    """A support person as a RelatedPerson of the patient referred to."""
    return context.ids.as_stated(
        filled(
            {
                "resourceType": "RelatedPerson",
                "meta": systems.meta(PROFILE),
                "extension": _extensions(person),
                "active": True,
                "patient": patient,
                "relationship": kinship.relationship(person.kinship, other=person.kinship_other)
                or (UNKNOWN if person.name == PersonName() else None),
                "name": some(datatypes.person_name(person.name)),
                "telecom": datatypes.telecom(person.phones, person.email),
                "address": some(datatypes.address(person.address)),
                "communication": [{"language": {"coding": [{"system": systems.BCP47, "code": person.language}]}}]
                if person.language
                else None,
            }
        )
    )


def from_fhir(resource: Json) -> SupportPerson:
    spoken = resource.get("communication", ())
    return _person(
        resource,
        name=datatypes.named_from(resource.get("name")) or PersonName(),
        address=next(iter(resource.get("address", ())), None),
        language=spoken[0]["language"]["coding"][0]["code"] if spoken else None,
    )


def _extensions(person: SupportPerson) -> list[Json]:
    return some(
        extension(MAKES_DECISIONS, "Boolean", person.makes_decisions),
        AUTHORIZATION.write(person.authorization),
    )


def _person(element: Json, *, name: PersonName, address: Json | None, language: str | None) -> SupportPerson:
    return SupportPerson(
        name=name,
        kinship=kinship.kinship_from(element.get("relationship")),
        kinship_other=kinship.text_from(element.get("relationship")),
        phones=datatypes.phones_from(element.get("telecom")),
        email=datatypes.email_from(element.get("telecom")),
        address=datatypes.address_from(address),
        language=language,
        makes_decisions=extension_value(element, MAKES_DECISIONS),
        authorization=AUTHORIZATION.read(element),
    )
