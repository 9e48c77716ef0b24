"""Member -> Patient and back. Profile: ecm-patient, on US Core 6.1.0.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-patient.html
"""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from gateway.domain import codes
from gateway.domain.member import Address, ContactPreference, Coverage, Member, MemberName
from gateway.domain.referral import Key
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import extension, extension_value, extension_values, filled, some
from gateway.mapping import datatypes, demographics, organization, practitioner, related_person, systems
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension

PROFILES = (systems.definition("patient"), systems.US_CORE + "us-core-patient")
PREFERENCE = RecordExtension(ContactPreference, "contact-preference")
FORMAT = systems.definition("alternative-format")
ACCESS_NEEDS = systems.definition("access-needs")
NO_FIXED_ADDRESS = systems.definition("no-fixed-address")
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
_TYPES = systems.THO + "v2-0203"
_MRN = "/mrn"


def to_fhir(member: Member, *, key: Key, coverage: Coverage | None, context: Context, collected: Collected) -> Json:
    """Add the member's Patient (and primary care provider) to what is collected; return the Reference."""
    id = context.ids.patient(member, coverage=coverage, key=key)
    name = member.name
    return collected.add(
        filled(
            {
                "resourceType": "Patient",
                "id": id,
                "meta": systems.meta(*PROFILES),
                "extension": some(
                    demographics.race(member.races),
                    demographics.ethnicity(member.ethnicity),
                    extension(INTERPRETER, "Boolean", member.interpreter_needed),
                    PREFERENCE.write(member.contact_preference),
                    *(extension(FORMAT, "Code", one.value) for one in member.formats),
                    extension(ACCESS_NEEDS, "String", member.access_needs),
                    extension(NO_FIXED_ADDRESS, "Boolean", member.no_fixed_address),
                ),
                "identifier": _identifiers(member, key, coverage)
                or [{"use": "secondary", "system": systems.PATIENT, "value": id}],
                "name": some(
                    filled(
                        {
                            "use": "official",
                            "family": name.last,
                            "given": [name.first, name.middle] if name.middle else [name.first],
                            "suffix": [name.suffix] if name.suffix else None,
                        }
                    ),
                    {"use": "nickname", "given": [name.preferred]} if name.preferred else None,
                ),
                "telecom": datatypes.telecom(member.phones, member.email),
                "gender": member.gender.value if member.gender else "unknown",
                "birthDate": member.birth_date.isoformat(),
                "address": some(
                    datatypes.address(member.address, use="home", type="physical"),
                    datatypes.address(member.mailing_address, use="home", type="postal"),
                    {"use": "temp", "text": member.found_at} if member.found_at else None,
                ),
                "contact": [related_person.contact(one) for one in member.supports],
                "communication": demographics.communication(member.spoken_language, member.written_language),
                "generalPractitioner": [practitioner.to_fhir(member.pcp, context=context, collected=collected)]
                if member.pcp
                else None,
            }
        )
    )


def from_fhir(resource: Json, *, resolver: Resolver) -> Member:
    names = resource["name"]
    official = next((one for one in names if one.get("use") == "official"), names[0])
    given = official["given"]
    pcps = resource.get("generalPractitioner", ())
    return Member(
        name=MemberName(
            first=given[0],
            last=official["family"],
            middle=" ".join(given[1:]) or None,
            suffix=" ".join(official.get("suffix", ())) or None,
            preferred=next((one["given"][0] for one in names if one.get("use") == "nickname"), None),
        ),
        birth_date=date.fromisoformat(resource["birthDate"]),
        cin=organization.identifier_from(resource, systems.CIN),
        member_id=_typed(resource, "MB"),
        mrn=_typed(resource, "MR"),
        address=_address(resource, use="home", type="physical"),
        mailing_address=_address(resource, use="home", type="postal"),
        no_fixed_address=extension_value(resource, NO_FIXED_ADDRESS),
        found_at=next((one["text"] for one in resource.get("address", ()) if one.get("use") == "temp"), None),
        phones=datatypes.phones_from(resource.get("telecom")),
        email=datatypes.email_from(resource.get("telecom")),
        spoken_language=demographics.language_from(resource, demographics.SPOKEN),
        written_language=demographics.language_from(resource, demographics.WRITTEN),
        interpreter_needed=extension_value(resource, INTERPRETER),
        contact_preference=PREFERENCE.read(resource),
        gender=None if resource["gender"] == "unknown" else codes.Gender(resource["gender"]),
        races=demographics.races_from(resource),
        ethnicity=demographics.ethnicity_from(resource),
        formats=tuple(codes.AccessFormat(one) for one in extension_values(resource, FORMAT)),
        access_needs=extension_value(resource, ACCESS_NEEDS),
        supports=tuple(related_person.contact_from(one) for one in resource.get("contact", ())),
        pcp=practitioner.from_fhir(pcps[0], resolver=resolver) if pcps else None,
    )


def member_id(number: str, *, coverage: Coverage | None) -> Json:
    """The plan's number of the member; without the plan it is not known whose number it is."""
    plan = coverage.plan if coverage and coverage.plan else "unknown"
    return {
        "type": {"coding": [{"system": _TYPES, "code": "MB", "display": "Member Number"}]},
        "system": systems.MEMBER_ID + quote(plan, safe=""),
        "value": number,
    }


def _identifiers(member: Member, key: Key, coverage: Coverage | None) -> list[Json]:
    return some(
        {"use": "official", "system": systems.CIN, "value": member.cin} if member.cin else None,
        member_id(member.member_id, coverage=coverage) if member.member_id else None,
        {
            "type": {"coding": [{"system": _TYPES, "code": "MR", "display": "Medical record number"}]},
            "system": systems.sid(key.source) + _MRN,
            "value": member.mrn,
        }
        if member.mrn
        else None,
    )


def _typed(resource: Json, code: str) -> str | None:
    return next(
        (
            one["value"]
            for one in resource.get("identifier", ())
            for coding in one.get("type", {}).get("coding", ())
            if coding.get("system") == _TYPES and coding.get("code") == code
        ),
        None,
    )


def _address(resource: Json, *, use: str, type: str) -> Address | None:
    """The address of one use and type; where the type is not said it is where the member lives."""
    found = (
        one for one in resource.get("address", ()) if one.get("use") == use and one.get("type", "physical") == type
    )
    return datatypes.address_from(next(found, None))
