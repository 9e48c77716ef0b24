"""Who refers -> the requester: Patient, RelatedPerson, Practitioner, PractitionerRole or Organization; and back.

| known of the referrer                          | requester        |
| the member, nothing more                       | Patient          |
| member, family or private person               | RelatedPerson    |
| a professional and an organization             | PractitionerRole |
| a professional alone                           | Practitioner     |
| an organization, with a phone to call perhaps  | Organization     |

What the requester cannot carry (the kind of source, the wished way of updates) stands in one extension of the request.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain import codes
from gateway.domain.member import Organization, PersonName, Professional
from gateway.domain.referral import Referrer
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import extension, extension_value, filled, some
from gateway.mapping import datatypes, kinship, organization, practitioner, related_person, systems
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension

ORGANIZATION = systems.definition("referring-organization")
TITLE = systems.definition("title")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is said about the referrer beside name and address."""

    relationship: codes.Relationship | None = None
    relationship_other: str | None = None
    source_category: codes.SourceCategory | None = None
    is_member: bool | None = None
    is_ecm_provider: bool | None = None
    updates_by: codes.UpdatesBy | None = None


ABOUT = RecordExtension(About, "referrer")


@dataclass(frozen=True, slots=True)
class Requester:
    """The reference for `requester`, the organization that may own a Task, and the extensions of the request."""

    reference: Json
    organization: Json | None
    extensions: list[Json]


def to_fhir(referrer: Referrer, *, patient: Json, context: Context, collected: Collected) -> Requester:
    """Add whoever refers to what is collected."""
    about = About(
        relationship=referrer.relationship,
        relationship_other=referrer.relationship_other,
        source_category=referrer.source_category,
        is_member=referrer.is_member,
        is_ecm_provider=referrer.is_ecm_provider,
        updates_by=referrer.updates_by,
    )
    extensions = some(ABOUT.write(about) if about != About() else None)
    stated = _as_professional(referrer)
    reachable = bool(referrer.phones or referrer.email or referrer.address)
    if _is_private(referrer):
        private = not (stated or reachable or referrer.kinship)
        who = patient if referrer.is_member and private else collected.add(_private(referrer, patient, context))
        if referrer.organization is None:
            return Requester(who, None, extensions)
        where = collected.add(organization.to_fhir(referrer.organization, ids=context.ids))
        return Requester(who, where, [*extensions, {"url": ORGANIZATION, "valueReference": where}])
    if stated is None and referrer.organization is not None:
        return _organization(referrer, referrer.organization, extensions, context, collected)
    professional = stated or Professional(
        name=PersonName(), phones=referrer.phones, email=referrer.email, organization=referrer.organization
    )
    person = practitioner.practitioner(professional, context=context, address=referrer.address)
    who = practitioner.role(professional, person=person, context=context, collected=collected)
    return Requester(who, who if referrer.organization else None, extensions)


def from_fhir(request: Json, *, resolver: Resolver) -> Referrer:
    """The referrer of a ServiceRequest. Raises ValueError where the requester is of another kind."""
    about = ABOUT.read(request) or About()
    requester = resolver.find(request["requester"])
    separate = resolver.find(extension_value(request, ORGANIZATION))
    stated = _stated(requester, resolver) if requester else Referrer()
    return Referrer(
        name=stated.name,
        title=stated.title,
        npi=stated.npi,
        organization=organization.from_fhir(separate) if separate else stated.organization,
        phones=stated.phones,
        email=stated.email,
        address=stated.address,
        relationship=about.relationship,
        relationship_other=about.relationship_other,
        kinship=stated.kinship,
        is_member=about.is_member,
        source_category=about.source_category,
        updates_by=about.updates_by,
        is_ecm_provider=about.is_ecm_provider,
    )


def _is_private(referrer: Referrer) -> bool:
    """Whether the referrer speaks as a private person; with an NPI nobody does, without more knowledge one does."""
    if referrer.is_member or referrer.kinship or referrer.relationship is codes.Relationship.MEMBER_OR_FAMILY:
        return True
    works = (codes.Relationship.MEDICAL_PROVIDER, codes.Relationship.SOCIAL_SERVICES)
    return not (referrer.npi or referrer.organization or referrer.relationship in works)


def _as_professional(referrer: Referrer) -> Professional | None:
    """The referring person; None where neither name nor title nor NPI is known."""
    if not (referrer.name or referrer.title or referrer.npi):
        return None
    return Professional(
        name=referrer.name or PersonName(),
        title=referrer.title,
        npi=referrer.npi,
        phones=referrer.phones,
        email=referrer.email,
        organization=referrer.organization,
    )


def _private(referrer: Referrer, patient: Json, context: Context) -> Json:
    relationship = kinship.relationship(referrer.kinship, self=bool(referrer.is_member))
    return context.ids.as_stated(
        filled(
            {
                "resourceType": "RelatedPerson",
                "meta": systems.meta(related_person.PROFILE),
                "extension": some(extension(TITLE, "String", referrer.title)),
                "identifier": organization.identifiers(referrer.npi),
                "active": True,
                "patient": patient,
                "relationship": relationship or (None if referrer.name else related_person.UNKNOWN),
                "name": some(datatypes.person_name(referrer.name)),
                "telecom": datatypes.telecom(referrer.phones, referrer.email),
                "address": some(datatypes.address(referrer.address)),
            }
        )
    )


def _organization(
    referrer: Referrer, stated: Organization, extensions: list[Json], context: Context, collected: Collected
) -> Requester:
    contact = filled(
        {
            "telecom": datatypes.telecom(referrer.phones, referrer.email),
            "address": datatypes.address(referrer.address),
        }
    )
    where = collected.add(organization.to_fhir(stated, ids=context.ids, contact=contact))
    return Requester(where, where, extensions)


def _stated(requester: Json, resolver: Resolver) -> Referrer:
    kind = requester["resourceType"]
    if kind == "Patient":
        return Referrer()
    if kind == "Organization":
        contact: Json = next(iter(requester.get("contact", ())), {})
        return Referrer(
            organization=organization.from_fhir(requester),
            phones=datatypes.phones_from(contact.get("telecom")),
            email=datatypes.email_from(contact.get("telecom")),
            address=datatypes.address_from(contact.get("address")),
        )
    if kind not in ("Practitioner", "PractitionerRole", "RelatedPerson"):
        raise ValueError("not a referrer")
    person = resolver.find(requester["practitioner"]) if kind == "PractitionerRole" else requester
    workplace = resolver.find(requester.get("organization"))
    if person is None:
        raise ValueError("not a person")
    return Referrer(
        name=datatypes.named_from(person.get("name")),
        title=extension_value(person, TITLE) or practitioner.title_from(person),
        npi=organization.identifier_from(person, systems.NPI),
        organization=organization.from_fhir(workplace) if workplace else None,
        phones=datatypes.phones_from(person.get("telecom")),
        email=datatypes.email_from(person.get("telecom")),
        address=organization.first_address(person),
        kinship=kinship.kinship_from(person.get("relationship")),
    )
