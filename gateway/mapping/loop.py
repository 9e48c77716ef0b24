"""The loop's state in the referral's Task and ServiceRequest, both ways.

Task for Referral Management: https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/. Task.status carries the state,
statusReason why, businessStatus the state's own Referral Status, lastModified since when. ServiceRequest.status is the
requester's and follows: active while the loop is open, and what the closure reason says when it is closed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.domain.closed_loop import ClosedLoop, ClosureRow
from gateway.domain.dates import PACIFIC
from gateway.domain.loop import Loop, Party, TaskStatus, check_move, hear
from gateway.errors import IllegalMove, Issue
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, coding
from gateway.mapping import systems

TASK_CODES = "http://hl7.org/fhir/CodeSystem/task-code"
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LOOP = systems.BASE + "/sid/loop"
"""System of the identifier that the Tasks of one loop share."""
CLOSURE = systems.code_system("loop-closure-reason")
DISCONTINUATION = systems.code_system("discontinuation-reason")
LIFE_CYCLE = systems.code_system("life-cycle-state")
DISPLAYS = {
    "pending": "Pending",
    "accepted": "Accepted",
    "declined": "Declined",
    "outreach-initiated": "Outreach Initiated",
    "loop-closed": "Referral Loop Closed",
}
_REQUEST_STATUS = {
    TaskStatus.COMPLETED: "completed",
    TaskStatus.CANCELLED: "revoked",
    TaskStatus.FAILED: "revoked",
    TaskStatus.ENTERED_IN_ERROR: "entered-in-error",
    TaskStatus.ON_HOLD: "on-hold",
}


def is_referral_task(resource: Json) -> bool:
    """Whether this is the Task of a referral: fulfil an order."""
    return (
        resource.get("resourceType") == "Task"
        and resource.get("intent") == "order"
        and code_of(resource.get("code"), TASK_CODES) == "fulfill"
    )


def group_of(task: Json) -> str:
    """The id of the loop that a Task is part of: its own, unless it has joined an earlier referral's.

    A group of anybody else's (an order's, of another system) is none.
    """
    group = task.get("groupIdentifier") or {}
    return str((group.get("system") == LOOP and group.get("value")) or task["id"])


def loop_of(task: Json) -> Loop:
    """The loop as a kept, valid Task states it. A status that no referral uses raises ValueError."""
    since = task.get("lastModified") or begun(task)
    return Loop(TaskStatus(task["status"]), instant(since), (task.get("statusReason") or {}).get("text"))


def begun(task: Json) -> str:
    """When a kept Task was authored; one that does not say (FHIR lets it) is as old as the version that is kept."""
    return str(task.get("authoredOn") or task["meta"]["lastUpdated"])


def day_begun(task: Json) -> date:
    """The same as California's day."""
    return instant(begun(task)).astimezone(PACIFIC).date()


def moved(
    task: Json,
    loop: Loop,
    *,
    closed_loop: ClosedLoop,
    closure: ClosureRow | None,
    plan: str | None,
    state: str | None = None,
    discontinuation: str | None = None,
) -> Json:
    """The Task in its new state. `closure` is the reason for loop closure, where the loop is closed with one.

    `state` is the state of ECM, where one is known; it stands beside the Referral Status in businessStatus.
    """
    on = loop.since.astimezone(PACIFIC).date()
    made = {name: value for name, value in task.items() if name != "statusReason"}
    since = stamp(loop.since)
    made |= {"status": loop.status.value, "lastModified": since}
    authored = task.get("authoredOn")
    same = authored and since.startswith(authored)  # a day or month alone cannot be told to be before a moment in it
    if authored and (
        same or instant(authored) > instant(since)
    ):  # our Task is younger: it is at work since then (inv-1)
        made["authoredOn"] = since
    if loop.reason or closure:
        made["statusReason"] = _reason(closure, loop.reason, discontinuation)
    if loop.status is not TaskStatus.ENTERED_IN_ERROR:  # a mistake is not reported: it keeps what was said last
        code = closed_loop.status_of(loop.status, on=on, plan=plan)
        codings = [coding(systems.REFERRAL_STATUS, code, DISPLAYS.get(code))]
        if state is not None:
            codings.append(coding(LIFE_CYCLE, state))
        made["businessStatus"] = {"coding": codings}
    return made


def stamp(at: datetime) -> str:
    """A moment as a Task says it: to the millisecond, as versions are, where it is no whole second."""
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def state_of(task: Json) -> str | None:
    """The state of ECM that a Task is in, where one was said."""
    return code_of(task.get("businessStatus"), LIFE_CYCLE)


def with_state(task: Json, state: str) -> Json:
    """The Task with another state of ECM and all else as it was."""
    said = (task.get("businessStatus") or {}).get("coding", ())
    codings = [one for one in said if one.get("system") != LIFE_CYCLE]
    return task | {"businessStatus": {"coding": [*codings, coding(LIFE_CYCLE, state)]}}


def since_of(task: Json) -> datetime | None:
    """Since when the Task has its status; None for one that has never moved."""
    return instant(task["lastModified"]) if "lastModified" in task else None


def request_moved(request: Json, loop: Loop, *, closure: ClosureRow | None, party: Party | None = None) -> Json:
    """The ServiceRequest as it follows the loop: what the closure reason says, else what the status does.

    A target that withdraws without a closure reason leaves the request as it is: the order is the requester's.
    """
    if closure is None and party is Party.TARGET and loop.status is TaskStatus.CANCELLED:
        return request
    status = closure.request_status if closure else _REQUEST_STATUS.get(loop.status, "active")
    return request | {"status": status}


def guard(before: Json | None, after: Json) -> list[Issue]:
    """What forbids this next version of a referral's Task; none if its status stays or may move so by either party.

    The first version (`before` None) may have any status that a referral uses. Which of the two parties writes is not
    known until callers are authenticated: the move must be open to one of them.
    """
    moves = before is not None and is_referral_task(before)
    if not moves and not is_referral_task(after):
        return []
    try:
        loop, to = loop_of(before) if before and moves else None, TaskStatus(after["status"])
    except ValueError:
        return [Issue("error", "business-rule", "This status is not used by a referral.", "Task.status", "loop-status")]
    if before is None or loop is None or to is loop.status:
        return []
    changed = after.get("lastModified")
    at = instant(changed) if changed and changed != before.get("lastModified") else None
    return check_move(loop, to, party=None, at=at, reason=(after.get("statusReason") or {}).get("text"))


def guard_news(before: Json | None, after: Json) -> list[Issue]:
    """The same for a version that another system has: steps in between may have been missed."""
    wrong = guard(before, after)
    if not wrong or before is None:
        return wrong
    try:
        loop, to = loop_of(before), TaskStatus(after["status"])
    except ValueError:
        return wrong
    reason = (after.get("statusReason") or {}).get("text")
    for party in Party:
        try:
            hear(loop, to, party=party, at=loop.since, reason=reason)
        except IllegalMove:
            continue
        return []
    return wrong


def _reason(closure: ClosureRow | None, text: str | None, discontinuation: str | None) -> Json:
    if closure is None:
        return {"text": text}
    codings = [coding(CLOSURE, closure.code)]
    if discontinuation is not None:
        codings.append(coding(DISCONTINUATION, discontinuation))
    return {"coding": codings, "text": text or closure.code.replace("-", " ")}


def instant(text: str) -> datetime:
    """The start of a FHIR dateTime of any precision; a day begins in California's winter time.

    A leap second is the one before it. What no referral can be dated with (FHIR lets the year 1) counts as 1900 or
    2200: it compares as it should, and can be brought to any zone.
    """
    whole = text if len(text) > 10 else f"{text}{'0000-01-01'[len(text) :]}T00:00:00-08:00"
    return min(max(datetime.fromisoformat(whole.replace(":60", ":59")), _FIRST), _LAST)
