"""The care team follows the referral: who serves the member joins, follows another, or leaves. docs/closed-loop.md"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.codes import TeamRole
from gateway.domain.dates import PACIFIC
from gateway.domain.loop_meaning import Meaning
from gateway.domain.member import Organization, Professional
from gateway.domain.referral_change import ReferralChange
from gateway.errors import Invalid, Issue
from gateway.fhir.bundle import Collected
from gateway.mapping import organization, practitioner, team_membership
from gateway.mapping.care_team import PROFILES
from gateway.mapping.context import Context
from gateway.mapping.service_request import ECM_SERVICE
from gateway.mapping.team_membership import ECM_STAFF, LEAD, Comer
from gateway.ports import AuditEntry, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.every_match import every
from gateway.usecases.join_loop import members
from gateway.usecases.keep import Written, put
from gateway.usecases.named_loop import asked_for, request_of
from gateway.usecases.references import relative
from gateway.usecases.services import Services

NO_LEAD = "team-one-lead"
LIVE = ("active", "suspended", "proposed")
_UNLED = "The member's care team has no one active Lead Care Manager: name one."
_TWO_TEAMS = "The member has another care team with a Lead Care Manager: one of them has to end."


@dataclass(frozen=True, slots=True)
class TeamChanged:
    """What was kept, and what a person should be told."""

    written: list[tuple[Written, Json]]
    issues: list[Issue]


def team_follows(
    change: ReferralChange, meaning: Meaning, task: Json, *, context: Context, tx: Transaction, services: Services
) -> TeamChanged:
    """Keep the member's team as the news makes it: who comes, who leaves, and whether one lead is left.

    What ends for one sender while others of the same loop are open ends nothing for the member; nor does the end of
    what is neither Enhanced Care Management nor a Community Support.
    """
    subject = task.get("for") or {}
    patient = relative(subject.get("reference", ""))
    if patient is None or not (change.provider or change.lead or meaning.ends_care or meaning.in_care):
        return TeamChanged([], [])
    asked = asked_for(task, tx)
    if not (change.provider or change.lead or meaning.ends_care):
        return TeamChanged([], _unled(task, tx, services) if asked == ECM_SERVICE else [])
    if meaning.ends_care and (asked is None or members(task, tx, services)):
        return TeamChanged([], [])
    service = None if asked == ECM_SERVICE else asked
    kept = _team(subject["reference"], tx, services)
    if kept is None and meaning.ends_care:
        return TeamChanged([], [])
    on = change.since.astimezone(PACIFIC).date()
    before = content(kept) if kept else _begun(task, on, context, tx)
    collected = Collected()
    after = _changed(before, change, meaning, service=service, on=on, context=context, collected=collected)
    today = services.clock().astimezone(PACIFIC).date()
    after = team_membership.settled(after, on=on, today=today)
    if kept and after == before:
        return TeamChanged([], [])
    if issues := [issue for one in (*collected, after) for issue in services.validator.faults(one)]:
        raise Invalid(issues=issues)
    written = [(put(tx, one), one) for one in (*collected, after)]
    return TeamChanged(written, _alarm(after, today, written[-1][0].kept, tx, in_care=meaning.in_care))


def one_team(written: Written, team: Json, *, tx: Transaction, services: Services) -> TeamChanged:
    """What follows when a document has stated an ECM care team: the one that this gateway began by rule ends, and there
    is one Lead Care Manager or an alarm."""
    if team["resourceType"] != "CareTeam" or not written.changed:
        return TeamChanged([], [])
    today = services.clock().astimezone(PACIFIC).date()
    issues = _alarm(team, today, written.kept, tx)
    ended = []
    for kept in _teams(team["subject"]["reference"], tx, services):
        other = content(kept)
        if kept.id == team["id"] or other["status"] not in LIVE or team["status"] not in LIVE:
            continue
        if team_membership.begun_here(other):
            last = date.fromordinal(today.toordinal() - 1)
            over = team_membership.ended(other, set(TeamRole), on=last)
            over = over | {"status": "inactive", "period": over.get("period", {}) | {"end": last.isoformat()}}
            ended.append((put(tx, _in_order(over)), over))
        elif team_membership.leads(other, on=today) and team_membership.leads(team, on=today):
            issues += _alarm_of(_TWO_TEAMS, written.kept, tx)
    return TeamChanged(ended, issues)


def _in_order(team: Json) -> Json:
    """A team that ended before it began ends when it began."""
    period = team["period"]
    return team | {"period": period | {"end": max(period["end"], period.get("start", period["end"])[:10])}}


def _changed(
    team: Json,
    change: ReferralChange,
    meaning: Meaning,
    *,
    service: str | None,
    on: date,
    context: Context,
    collected: Collected,
) -> Json:
    """The team as the news makes it."""
    if meaning.ends_care:
        return team_membership.ended(team, ECM_STAFF if service is None else {TeamRole.CS_PROVIDER}, on=on)
    if change.provider:
        role = TeamRole.ECM_PROVIDER if service is None else TeamRole.CS_PROVIDER
        team = _served_by(team, change.provider, role=role, on=on, context=context, collected=collected)
    if change.lead and service is None:
        lead = change.lead if change.lead.organization else replace(change.lead, organization=change.provider)
        who = practitioner.to_fhir(lead, context=context, collected=collected)
        team = team_membership.joined(team, Comer(LEAD, who, _person_id(lead, context)), since=on)
    return team


def _served_by(
    team: Json, provider: Organization, *, role: TeamRole, on: date, context: Context, collected: Collected
) -> Json:
    """The team with a provider. A change of the ECM provider ends the lead, who works for the one that leaves."""
    id = context.ids.of("membership", role.value, provider.npi or provider.name.casefold())
    present = team_membership.holder(team, role, on=on)
    who = collected.add(organization.to_fhir(provider, ids=context.ids))
    after = team_membership.joined(team, Comer(role, who, id), since=on)
    if role is not TeamRole.ECM_PROVIDER or team_membership.holder(after, role, on=on) != id:
        return after
    if present not in (None, id):
        after = team_membership.ended(after, ECM_STAFF - {role}, on=date.fromordinal(on.toordinal() - 1))
    return after | {"managingOrganization": [who]}


def _person_id(lead: Professional, context: Context) -> str:
    name = lead.name
    said = lead.npi or " ".join(filter(None, (name.first, name.last, name.text))).casefold()
    return context.ids.of("membership", LEAD.value, said)


def _team(patient: str, tx: Transaction, services: Services) -> Kept | None:
    """The member's ECM care team that is not over, else the last one that this gateway has."""
    found = _teams(patient, tx, services)
    order = {"active": 0, "suspended": 1, "proposed": 2}
    return min(found, key=lambda kept: (order.get(content(kept)["status"], 3), kept.id), default=None)


def _teams(patient: str, tx: Transaction, services: Services) -> list[Kept]:
    """The member's ECM care teams."""
    return [
        kept
        for kept in every(services.search.parse("CareTeam", [("patient", patient)]), tx.search)
        if PROFILES[0] in content(kept).get("meta", {}).get("profile", ())
    ]


def _begun(task: Json, on: date, context: Context, tx: Transaction) -> Json:
    """A team of this member and plan: its id is made of both, so it is begun once."""
    request = request_of(task, tx)
    plan = (task.get("owner") or {}).get("reference", "")
    id = context.ids.of("CareTeam", "member", task["for"]["reference"], plan)
    return team_membership.new_team(
        id, subject={"reference": task["for"]["reference"]}, request=content(request) if request else None, since=on
    )


def _unled(task: Json, tx: Transaction, services: Services) -> list[Issue]:
    """The alarm of a member who is cared for and has no team, or one without exactly one lead."""
    team = _team(task["for"]["reference"], tx, services)
    today = services.clock().astimezone(PACIFIC).date()
    if team is not None and team_membership.leads(content(team), on=today) == 1:
        return []
    about = team or tx.read("Task", task["id"])
    assert about is not None
    return _alarm_of(_UNLED, about, tx)


def _alarm(team: Json, today: date, kept: Kept, tx: Transaction, *, in_care: bool = False) -> list[Issue]:
    """A member in care without exactly one lead: told to the sender, kept in the audit, listed by loops."""
    waits = team["status"] == "proposed" and not in_care
    if waits or team["status"] not in LIVE or team_membership.leads(team, on=today) == 1:
        return []
    return _alarm_of(_UNLED, kept, tx)


def _alarm_of(message: str, kept: Kept, tx: Transaction) -> list[Issue]:
    tx.note(AuditEntry("E", "care-team.no-lead", (f"{kept.reference}/_history/{kept.version}",), "failed"))
    return [Issue("warning", "business-rule", message, "CareTeam.participant", NO_LEAD)]
