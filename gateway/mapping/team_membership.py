"""Who joins, leaves and follows whom on a kept CareTeam: memberships end, they are never taken out.

Profile: ecm-care-team. A period's days both count, so the one who leaves has the day before the one who comes; a
membership that would have lasted no day is taken out (its version remains in the history).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.domain.codes import TeamRole
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, coding, extension, filled, some
from gateway.mapping import care_team, labels, systems
from gateway.mapping.care_team import MARKS, Marks

LEAD = TeamRole.LEAD_CARE_MANAGER
ECM_STAFF = frozenset(
    [
        LEAD,
        TeamRole.ECM_PROVIDER,
        TeamRole.BACKUP_CARE_MANAGER,
        TeamRole.CARE_COORDINATOR,
        TeamRole.ECM_DIRECTOR,
        TeamRole.CLINICAL_CONSULTANT,
        TeamRole.NURSE_CARE_MANAGER,
        TeamRole.BH_CARE_MANAGER,
        TeamRole.CHW,
    ]
)
"""Those who serve the member as Enhanced Care Management: they leave when it ends."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Comer:
    """Who comes: as what, a reference to them, and an id that stays while the membership lasts."""

    role: TeamRole
    who: Json
    id: str


def new_team(id: str, *, subject: Json, request: Json | None, since: date) -> Json:
    """A team that this gateway begins by rule, without anyone on it yet."""
    request = request or {}
    identifier = next(iter(request.get("identifier", ())), None)
    populations = [one for one in request.get("reasonCode", ()) if code_of(one, systems.POPULATION)]
    return filled(
        {
            "resourceType": "CareTeam",
            "id": id,
            "meta": systems.meta(*care_team.PROFILES),
            "extension": some(
                extension(care_team.COVERAGE, "Reference", next(iter(request.get("insurance", ())), None)),
                extension(
                    care_team.REFERRAL,
                    "Reference",
                    {"type": "ServiceRequest", "identifier": identifier} if identifier else None,
                ),
            ),
            "identifier": [{"system": systems.sid("ecm-gateway"), "value": id}],
            "status": "proposed",
            "name": "ECM care team",
            "subject": subject,
            "period": {"start": since.isoformat()},
            "reasonCode": populations,
        }
    )


def begun_here(team: Json) -> bool:
    """Whether this gateway began the team by rule."""
    return any(one.get("system") == systems.sid("ecm-gateway") for one in team.get("identifier", ()))


def joined(team: Json, comer: Comer, *, since: date) -> Json:
    """The team with `comer` from `since` on, who follows whoever has the same role; unchanged by older news."""
    present = [one for one in team.get("participant", ()) if _role(one) == comer.role and _active(one, since)]
    later = [one for one in team.get("participant", ()) if _role(one) == comer.role and _start(one) > since]
    if later:
        return team
    if same := next((one for one in present if _id(one) == comer.id), None):
        return _with(team, [one | {"member": comer.who} if one is same else one for one in team["participant"]])
    stays = ended(team, {comer.role}, on=since - _DAY) if present else team
    return _with(stays, [*stays.get("participant", ()), _participant(comer, since)])


def ended(team: Json, roles: Collection[TeamRole], *, on: date) -> Json:
    """The team on which those with `roles` have `on` as their last day."""
    kept = []
    for one in team.get("participant", ()):
        if _role(one) not in roles or not _active(one, on + _DAY):
            kept.append(one)
        elif _start(one) <= on:
            kept.append(one | {"period": one.get("period", {}) | {"end": on.isoformat()}})
    return _with(team, kept)


def replaced(before: Json, stated: Json, *, today: date) -> Json:
    """The team as a document states it now; who was on it and is left out had yesterday as last day, or the day before
    the Lead Care Manager who follows. Who had left already stays in the history."""
    named = {_id(one) for one in stated.get("participant", ())}
    lead = next(
        (_start(one) for one in stated.get("participant", ()) if _role(one) == LEAD and _active(one, today)), today
    )
    kept = []
    for one in before.get("participant", ()):
        if _id(one) in named and _id(one) is not None:
            continue
        last = min(today, lead if _role(one) == LEAD and lead > date.min else today) - _DAY
        if not _active(one, last + _DAY):
            kept.append(one)
        elif _start(one) <= last:
            kept.append(one | {"period": one.get("period", {}) | {"end": last.isoformat()}})
    return _with(stated, [*stated.get("participant", ()), *kept])


def holder(team: Json, role: TeamRole, *, on: date) -> str | None:
    """The membership id of who has a role on a day."""
    return next((_id(one) for one in team.get("participant", ()) if _role(one) == role and _active(one, on)), None)


def who(team: Json, role: TeamRole, *, on: date) -> Json | None:
    """The reference to who has a role on a day; the first one where there are several."""
    people = (one for one in team.get("participant", ()) if _role(one) == role and _active(one, on))
    return next((one["member"] for one in people if "member" in one), None)


def leads(team: Json, *, on: date) -> int:
    """How many Lead Care Managers the team has on a day; it should be one."""
    return sum(_role(one) == LEAD and _active(one, on) for one in team.get("participant", ()))


def settled(team: Json, *, on: date, today: date) -> Json:
    """The team with the status that follows from who is on it: only a team with one lead today is active."""
    people = [one for one in team.get("participant", ()) if _role(one) in ECM_STAFF]
    if people and not any(_active(one, on + _DAY) for one in people):
        return team | {"status": "inactive", "period": team.get("period", {}) | {"end": on.isoformat()}}
    period = {name: value for name, value in team.get("period", {}).items() if name != "end"}
    if leads(team, on=today) == 1:
        status = "active"
    else:
        status = "suspended" if any(_role(one) == LEAD for one in people) else "proposed"
    return team | filled({"status": status, "period": period})


def _with(team: Json, participants: list[Json]) -> Json:
    rest = {name: value for name, value in team.items() if name != "participant"}
    return rest | {"participant": participants} if participants else rest


def _participant(comer: Comer, since: date) -> Json:
    role = comer.role
    return filled(
        {
            "extension": some(MARKS.write(Marks(id=comer.id))),
            "role": [
                {
                    "coding": some(
                        coding(systems.TEAM_ROLE, role.value, labels.TEAM_ROLE[role]), care_team.NUCC.get(role)
                    )
                }
            ],
            "member": comer.who,
            "period": {"start": since.isoformat()},
        }
    )


def _role(participant: Json) -> TeamRole | None:
    found = next((code for one in participant.get("role", ()) if (code := code_of(one, systems.TEAM_ROLE))), None)
    return TeamRole(found) if found in set(TeamRole) else None


def _id(participant: Json) -> str | None:
    marks = MARKS.read(participant)
    return marks.id if marks else None


def _start(participant: Json) -> date:
    text = participant.get("period", {}).get("start")
    return date.fromisoformat(f"{text}-01-01"[:10]) if text else date.min


def _active(participant: Json, on: date) -> bool:
    end = participant.get("period", {}).get("end")
    return _start(participant) <= on and (not end or on <= _last_day(end))


def _last_day(text: str) -> date:
    """The last day of a FHIR dateTime of any precision."""
    year, month = int(text[:4]), int(text[5:7] or 12)
    return date.fromisoformat(text[:10]) if len(text) >= 10 else date(year, month, monthrange(year, month)[1])
