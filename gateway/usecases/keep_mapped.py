"""Keep what a document was mapped to: all of its resources, or none; nothing anew if it was here before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from gateway.domain.dates import PACIFIC
from gateway.errors import Conflict, Invalid, Issue
from gateway.fhir.outcome import outcome
from gateway.mapping import stated_on, team_membership
from gateway.mapping.known import SHARED, known
from gateway.mapping.stated_on import Days
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import Disclosed, content
from gateway.trust.policy import permit
from gateway.usecases.answered import answered_write, disclosed_writes
from gateway.usecases.fan_out import fan_out
from gateway.usecases.intake import Intaken
from gateway.usecases.join_loop import join
from gateway.usecases.keep import Written, check, put_over, unless_overtaken, within
from gateway.usecases.references import missing
from gateway.usecases.services import Services
from gateway.usecases.team_rules import one_team

MOVED_BY_THE_LOOP = {"ServiceRequest": ("status",)}
"""Elements that belong to whoever works on the thing once it is here; hearing of it again does not set them back."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a document: the resource it is about, whether that is new, and the answer that may leave."""

    main: Kept
    created: bool
    changed: bool
    disclosed: Disclosed


def keep_mapped(
    mapped: Intaken, caller: Caller, *, services: Services, base: str, event: str, full: bool = False
) -> Received:
    """Check every resource, keep those that changed with audit and owed messages, in one transaction."""
    permit(caller, action="C", type=mapped.main["resourceType"], store=services.store)
    _check(mapped.resources, services)
    keep = partial(_keep, mapped, caller, services=services, base=base, event=event, full=full)
    return unless_overtaken(keep)


def _keep(mapped: Intaken, caller: Caller, *, services: Services, base: str, event: str, full: bool) -> Received:
    with services.store.begin(caller) as tx:
        _same_person(mapped.resources, tx)
        mapped = join(mapped, tx, services)
        written = _put_all(mapped, tx, services)
        teams = one_team(*written[0], tx=tx, services=services)
        written += teams.written
        fan_out(written, caller, tx, services, kind=event)
        entries = [answered_write(one, base=base, full=full) for one, _ in written]
        if remarks := [*mapped.remarks, *teams.issues]:
            entries[0].fields["response"]["outcome"] = outcome(remarks)
        kept = [one for one, _ in written]
        shown = disclosed_writes(entries, kept, caller=caller, tx=tx, event=event, action="C")
    main = written[0][0]
    return Received(main.kept, main.created, any(one.changed for one, _ in written), shown)


def issues_of(resources: Sequence[Json], look: Callable[[Json], Sequence[Issue]]) -> list[Issue]:
    """What `look` finds in the resources, each at its entry."""
    return [
        within(issue, at=f"Bundle.entry[{at}]", type=resource["resourceType"])
        for at, resource in enumerate(resources)
        for issue in look(resource)
    ]


def _check(resources: Sequence[Json], services: Services) -> None:
    """Raise Invalid with every broken rule of every resource."""
    if issues := issues_of(resources, services.validator.faults):
        raise Invalid(issues=issues)


def _put_all(mapped: Intaken, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """Each resource kept where it says something new; those that are written once stay as they are."""
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in mapped.resources}
    if services.check_references:
        lost = [
            issue
            for at, resource in enumerate(mapped.resources)
            for issue in missing(resource, tx, known=known, types=services.types, at=f"Bundle.entry[{at}].resource")
        ]
        if lost:
            raise Invalid(issues=lost)
    return [_put(resource, mapped, tx, services) for resource in mapped.resources]


def _put(resource: Json, mapped: Intaken, tx: Transaction, services: Services) -> tuple[Written, Json]:
    current = tx.read(resource["resourceType"], resource["id"])
    if current is not None and not current.deleted:
        if current.reference in mapped.once:
            return Written(current, created=False, changed=False), resource
        if current.type in SHARED:
            return _put_known(resource, current, mapped.day, tx, services)
        if current.type == "CareTeam":
            today = services.clock().astimezone(PACIFIC).date()
            resource = team_membership.replaced(content(current), resource, today=today)
            check(resource, services)
        else:
            resource = _as_moved(resource, current)
    elif resource["resourceType"] in SHARED:
        resource = known(resource, {"resourceType": resource["resourceType"]}, on=mapped.day)
    return put_over(current, resource, tx), resource


def _put_known(
    stated: Json, current: Kept, day: date | None, tx: Transaction, services: Services
) -> tuple[Written, Json]:
    """What documents share, as the newest of each kind says. Where only the day of it is newer, nobody is told."""
    before = content(current)
    resource = known(stated, before, on=day)
    if stated_on.undated(resource) == stated_on.undated(before):
        if stated_on.days_of(before) in (Days(), stated_on.days_of(resource)):
            return Written(current, created=False, changed=False), before
        return Written(put_over(current, resource, tx).kept, created=False, changed=False), resource
    if resource != stated:
        check(resource, services)
    return put_over(current, resource, tx), resource


def _as_moved(resource: Json, current: Kept) -> Json:
    """The resource with those elements that the loop has moved since it came first."""
    moved = MOVED_BY_THE_LOOP.get(current.type, ())
    if not moved:
        return resource
    before = content(current)
    return resource | {name: before[name] for name in moved if name in before}


def _same_person(resources: Sequence[Json], tx: Transaction) -> None:
    """Raise Conflict if the member is known here with another birth date: two people must never become one."""
    for at, resource in enumerate(resources):
        if resource["resourceType"] != "Patient" or (current := tx.read("Patient", resource["id"])) is None:
            continue
        if not current.deleted and content(current).get("birthDate") != resource.get("birthDate"):
            message = "A member with this number is known here with another birth date: a person has to look."
            place = f"Bundle.entry[{at}].resource.birthDate"
            raise Conflict(issues=[Issue("error", "conflict", message, place, "one-number-two-members")])
