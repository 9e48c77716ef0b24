"""CareTeam -> transaction Bundle of CareTeam and its members; and back. Profile: ecm-care-team, on US Core 6.1.0.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-careteam.html
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import PopulationOfFocus, TeamRole, TeamStatus
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, codes_of, coding, concept, extension, extension_value, filled, some
from gateway.mapping import (
    coverage,
    datatypes,
    document,
    labels,
    organization,
    practitioner,
    related_person,
    systems,
)
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension

PROFILES = (systems.definition("care-team"), systems.US_CORE + "us-core-careteam")
COVERAGE = systems.definition("team-coverage")
REFERRAL = systems.definition("team-referral")
PCP_NOTIFIED = systems.definition("pcp-notified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What CareTeam.participant has no element for."""

    id: str
    note: str | None = None


MARKS = RecordExtension(Marks, "membership")
_CASE_MANAGER = coding(systems.NUCC, "171M00000X", "Case Manager/Care Coordinator")
NUCC = {  # only the taxonomy codes that a published source names for the role
    TeamRole.LEAD_CARE_MANAGER: _CASE_MANAGER,
    TeamRole.BACKUP_CARE_MANAGER: _CASE_MANAGER,
    TeamRole.CARE_COORDINATOR: _CASE_MANAGER,
    TeamRole.CHW: coding(systems.NUCC, "172V00000X", "Community Health Worker"),
}


def to_fhir(team: CareTeam, *, context: Context) -> Json:
    """The transaction Bundle of one care team: CareTeam first."""
    collected = Collected()
    subject, insurance = document.begun(team, context=context, collected=collected)
    provider = collected.add(organization.to_fhir(team.provider, ids=context.ids)) if team.provider else None
    written = collected.add(
        filled(
            {
                "resourceType": "CareTeam",
                "id": context.ids.keyed("CareTeam", team.key),
                "meta": systems.meta(*PROFILES),
                "extension": some(
                    extension(COVERAGE, "Reference", insurance),
                    extension(REFERRAL, "Reference", systems.logical("ServiceRequest", team.referral)),
                    extension(PCP_NOTIFIED, "Date", datatypes.day(team.pcp_notified)),
                ),
                "identifier": [systems.identifier(team.key)],
                "status": team.status.value,
                "name": team.name,
                "subject": subject,
                "period": datatypes.period(team.period),
                "participant": [
                    _participant(one, subject=subject, context=context, collected=collected) for one in team.members
                ],
                "reasonCode": [
                    concept(systems.POPULATION, one.value, labels.POPULATION[one]) for one in team.populations
                ],
                "managingOrganization": some(provider),
                "note": some(*(datatypes.note(one) for one in team.notes)),
            }
        )
    )
    return document.ended(written, author=provider, context=context, collected=collected)


def from_fhir(bundle: Json) -> CareTeam:
    """The team in a Bundle of one CareTeam and what it refers to; Unmappable where it is not one of ours."""
    return document.read(bundle, "CareTeam", "an ECM care team", reader=_care_team)


def _care_team(resource: Json, resolver: Resolver) -> CareTeam:
    providers = [found for ref in resource.get("managingOrganization", ()) if (found := resolver.find(ref))]
    referral = extension_value(resource, REFERRAL)
    populations = codes_of(resource.get("reasonCode", ()), systems.POPULATION)
    return CareTeam(
        key=systems.key_of(resource["identifier"][0]),
        member=document.member_of(resource, resolver),
        status=TeamStatus(resource["status"]),
        members=tuple(_membership(one, resolver) for one in resource.get("participant", ())),
        name=resource.get("name"),
        period=datatypes.period_from(resource.get("period")),
        provider=organization.from_fhir(providers[0]) if providers else None,
        coverage=coverage.from_fhir(extension_value(resource, COVERAGE), resolver=resolver),
        populations=tuple(PopulationOfFocus(one) for one in populations),
        referral=systems.key_of(referral["identifier"]) if referral else None,
        pcp_notified=datatypes.day_from(extension_value(resource, PCP_NOTIFIED)),
        notes=datatypes.notes_from(resource.get("note")),
    )


def _participant(one: Membership, *, subject: Json, context: Context, collected: Collected) -> Json:
    if one.professional:
        who = practitioner.to_fhir(one.professional, context=context, collected=collected)
    elif one.organization:
        who = collected.add(organization.to_fhir(one.organization, ids=context.ids))
    elif one.support:
        who = collected.add(related_person.to_fhir(one.support, patient=subject, context=context))
    else:
        who = subject
    return filled(
        {
            "extension": some(MARKS.write(Marks(id=one.id, note=one.note))),
            "role": [
                {
                    "coding": some(
                        coding(systems.TEAM_ROLE, one.role.value, labels.TEAM_ROLE[one.role]), NUCC.get(one.role)
                    )
                }
            ],
            "member": who,
            "period": datatypes.period(one.period),
        }
    )


def _membership(element: Json, resolver: Resolver) -> Membership:
    marks = MARKS.read(element)
    found = resolver.find(element["member"])
    if marks is None or found is None:
        raise LookupError("member")
    kind = found["resourceType"]
    return Membership(
        id=marks.id,
        role=TeamRole(next(code for one in element["role"] if (code := code_of(one, systems.TEAM_ROLE)))),
        professional=practitioner.from_fhir(element["member"], resolver=resolver) if "Practitioner" in kind else None,
        organization=organization.from_fhir(found) if kind == "Organization" else None,
        support=related_person.from_fhir(found) if kind == "RelatedPerson" else None,
        period=datatypes.period_from(element.get("period")),
        note=marks.note,
    )
