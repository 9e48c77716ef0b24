"""Open loops: what each waits for, from whom, until when. docs/closed-loop.md"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from gateway.domain.clocks import NextAction, next_action
from gateway.domain.dates import PACIFIC
from gateway.domain.loop import OPEN, TaskStatus
from gateway.domain.loop_events import Stood, events_of
from gateway.domain.loop_meaning import IN_CARE
from gateway.errors import BadRequest, Issue
from gateway.fhir.element import extension_value
from gateway.mapping import care_team, loop, service_request, task, team_membership
from gateway.ports import Caller, Json, Kept
from gateway.trust.disclosure import Disclosed, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.every_match import every
from gateway.usecases.named_loop import Reads, asked_for, one_loop
from gateway.usecases.references import relative
from gateway.usecases.services import Services
from gateway.usecases.standing import Outside

OTHER = "other"
"""What asks for neither Enhanced Care Management nor a Community Support: the clocks are not about it."""
MOST = 1_000
"""Most loops in one answer."""


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """One open loop. `action` None: no clock is running (it is not reported to the state)."""

    kept: Kept
    status: str
    state: str | None
    since: datetime
    service: str
    action: NextAction | None
    overdue: bool
    also: tuple[str, ...] = field(default=())
    """Tasks of other senders that are the same loop."""

    def plain(self) -> Json:
        """As JSON, without any person's data."""
        action = self.action
        return {
            "task": self.kept.reference,
            "also": list(self.also),
            "service": self.service,
            "status": self.status,
            "state": self.state,
            "since": self.since.isoformat(),
            "next": action.event if action else None,
            "who": action.who if action else None,
            "due": action.due.isoformat() if action else None,
            "clock": action.clock if action else None,
            "overdue": self.overdue,
        }


def open_loops(caller: Caller, *, services: Services, overdue: bool = False, who: str | None = None) -> list[OpenLoop]:
    """Every open loop, what is due first first; only those `overdue`, or waiting for `who` (plan, provider).

    Reads the history of every open Task. BadRequest for a party that no clock waits for.
    """
    permit(caller, action="R", type="Task", store=services.store)
    parties = sorted({rule.who for rule in services.loops.rules})
    if who is not None and who not in parties:
        message = f"Nothing waits for this party: there are {', '.join(parties)}."
        raise BadRequest(issues=[Issue("error", "value", message, rule="loops-parameters")])
    now = services.clock()
    groups = grouped(_open_tasks(caller, services), Outside(services.store, caller))
    found = [_loop(group, caller, services=services, now=now) for group in groups]
    wanted = [
        one for one in found if (one.overdue or not overdue) and (who is None or (one.action and one.action.who == who))
    ]
    return sorted(wanted, key=lambda one: (one.action is None, one.action.due if one.action else now))


def shown(
    caller: Caller, *, services: Services, overdue: bool = False, who: str | None = None, count: int = 100
) -> Disclosed:
    """The same as JSON that may leave, at most `count` loops, and the care teams that need a lead:
    `{"total": 12, "loops": [...], "teams_without_lead": ["CareTeam/..."]}`.
    """
    found = open_loops(caller, services=services, overdue=overdue, who=who)
    listed = found[: min(count, MOST)]
    teams = teams_without_lead(caller, services=services)[:MOST]
    return disclose(
        {
            "total": len(found),
            "loops": [one.plain() for one in listed],
            "teams_without_lead": [kept.reference for kept in teams],
        },
        caller=caller,
        note=partial(services.store.note, caller),
        event="loops",
        wrote=[*(one.kept for one in listed), *teams],
    )


def teams_without_lead(caller: Caller, *, services: Services) -> list[Kept]:
    """Care teams of members in care that have not exactly one Lead Care Manager today.

    A team that is only proposed counts once its member is cared for.
    """
    permit(caller, action="R", type="CareTeam", store=services.store)
    today = services.clock().astimezone(PACIFIC).date()
    return [
        kept
        for kept in _all(caller, "CareTeam", [("status", "active,suspended,proposed")], services)
        if care_team.PROFILES[0] in (team := content(kept)).get("meta", {}).get("profile", ())
        and team_membership.leads(team, on=today) != 1
        and (team["status"] != "proposed" or _is_cared_for(team["subject"]["reference"], caller, services))
    ]


def _is_cared_for(patient: str, caller: Caller, services: Services) -> bool:
    """Whether a referral of the member for Enhanced Care Management has led to care."""
    tasks = (content(one) for one in _all(caller, "Task", [("patient", patient), ("code", "fulfill")], services))
    kept = Outside(services.store, caller)
    return any(
        _in_care(one) and loop.is_referral_task(one) and asked_for(one, kept) == service_request.ECM_SERVICE
        for one in tasks
    )


def _in_care(task: Json) -> bool:
    state = loop.state_of(task)
    return state in IN_CARE or (task["status"] == TaskStatus.COMPLETED and state != "discontinued")


def grouped(tasks: Iterable[Kept], kept: Reads) -> list[list[Kept]]:
    """The Tasks by loop: those that name one group, where they are of one loop."""
    named: dict[str, list[list[Kept]]] = {}
    for one in tasks:
        resource = content(one)
        loops = named.setdefault(loop.group_of(resource), [])
        mine = next((group for group in loops if one_loop(resource, content(group[0]), kept)), None)
        if mine is None:
            loops.append([one])
        else:
            mine.append(one)
    return [one for loops in named.values() for one in loops]


def _open_tasks(caller: Caller, services: Services) -> Iterator[Kept]:
    found = _all(caller, "Task", [("code", "fulfill"), ("status", ",".join(sorted(OPEN)))], services)
    return (kept for kept in found if loop.is_referral_task(content(kept)))


def _all(caller: Caller, type: str, where: list[tuple[str, str]], services: Services) -> Iterator[Kept]:
    return every(services.search.parse(type, where), partial(services.store.search, caller))


def _loop(group: Sequence[Kept], caller: Caller, *, services: Services, now: datetime) -> OpenLoop:
    """The loop of these Tasks; the one that the others joined counts, as long as it is open."""
    first, *others = sorted(group, key=lambda kept: (kept.id != loop.group_of(content(kept)), kept.id))
    history = [
        _stood(content(one))
        for one in reversed(services.store.history(caller, "Task", first.id))
        if not one.deleted and loop.is_referral_task(content(one))
    ]
    request = _request(content(first), caller, services)
    tables = services.loops
    service = (service_request.asked_for(request) or OTHER) if request else service_request.ECM_SERVICE
    events = events_of(history, tables.signs) | _of_team(content(first), caller, services)
    rules = () if service == OTHER else tables.rules
    action = next_action(
        events.items(), rules=rules, calendar=tables.calendar, kinds=_kinds(request, tables.unreported)
    )
    return OpenLoop(
        kept=first,
        status=history[-1].status,
        state=history[-1].state,
        since=history[-1].at,
        service=service,
        action=action,
        overdue=action is not None and action.is_overdue(now),
        also=tuple(one.reference for one in others),
    )


def _of_team(resource: Json, caller: Caller, services: Services) -> dict[str, datetime]:
    """What the member's care team says has happened: that the primary care provider was told."""
    patient = (resource.get("for") or {}).get("reference", "")
    if relative(patient) is None:
        return {}
    found = _all(caller, "CareTeam", [("patient", patient)], services)
    told = [day for one in found if (day := extension_value(content(one), care_team.PCP_NOTIFIED))]
    return {"pcp-told": loop.instant(min(told))} if told else {}


def _stood(resource: Json) -> Stood:
    at = loop.since_of(resource) or task.received_from(resource) or loop.loop_of(resource).since
    return Stood(at, resource["status"], loop.state_of(resource))


def _request(resource: Json, caller: Caller, services: Services) -> Json | None:
    target = relative((resource.get("focus") or {}).get("reference", ""))
    kept = services.store.read(caller, *target) if target else None
    return content(kept) if kept is not None and not kept.deleted else None


def _kinds(request: Json | None, unreported: Collection[str]) -> frozenset[str]:
    """What kind of case it is, in the words of the clocks. No priority is routine: the longest clock that holds."""
    request = request or {}
    urgent = request.get("priority") in ("urgent", "asap", "stat")
    kinds = {"urgent" if urgent else "routine", "renewal" if request.get("replaces") else "initial"}
    return frozenset(kinds if service_request.service_from(request) in unreported else {*kinds, "reported"})
