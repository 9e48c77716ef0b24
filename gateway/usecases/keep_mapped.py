"""Keep what a document was mapped to: all of its resources, or none; nothing anew if it was here before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Conflict, Invalid, Issue
from gateway.fhir.outcome import outcome
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import Collected, Disclosed, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.intake import Intaken
from gateway.usecases.keep import Written, messages_for, put, within
from gateway.usecases.references import missing
from gateway.usecases.services import Services
from gateway.usecases.transaction import answered_write

ABOUT_THE_RECEIPT = frozenset(["Provenance"])
"""Types that tell of one receipt: kept only when the receipt changed something."""
MOVED_BY_THE_LOOP = {
    "Task": ("status", "statusReason", "businessStatus", "owner", "output", "lastModified", "authoredOn")
}
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
    permit(caller, action="C", type=mapped.main["resourceType"])
    _check(mapped.resources, services)
    with services.store.begin(caller) as tx:
        _same_person(mapped.resources, tx)
        written = _put_all(mapped.resources, tx, services)
        tx.owe(messages_for(written, subscribers=services.subscribers, kind=event))
        entries = [answered_write(one, base=base, full=full) for one, _ in written]
        if mapped.remarks:
            entries[0].fields["response"]["outcome"] = outcome(mapped.remarks)
        shown = disclose(
            Collected({"resourceType": "Bundle", "type": "transaction-response"}, entries),
            caller=caller,
            note=tx.note,
            event=event,
            action="C",
            wrote=[one.kept for one, _ in written if one.changed],
        )
    main = next(one for one, resource in written if resource is mapped.main or _same(one, mapped.main))
    return Received(main.kept, main.created, any(one.changed for one, _ in written), shown)


def _same(written: Written, resource: Json) -> bool:
    return written.kept.reference == f"{resource['resourceType']}/{resource['id']}"


def issues_of(resources: Sequence[Json], services: Services) -> list[Issue]:
    """What the profiles say against the resources, each at its entry."""
    return [
        within(issue, at=f"Bundle.entry[{at}]", type=resource["resourceType"])
        for at, resource in enumerate(resources)
        for issue in services.validator.check(resource)
    ]


def _check(resources: Sequence[Json], services: Services) -> None:
    """Raise Invalid with every broken rule of every resource."""
    issues = issues_of(resources, services)
    if any(issue.is_error for issue in issues):
        raise Invalid(issues=issues)


def _put_all(resources: Sequence[Json], tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """Those about the thing first; those about this receipt only if the receipt changed something."""
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    facts = [resource for resource in resources if resource["resourceType"] not in ABOUT_THE_RECEIPT]
    receipts = [resource for resource in resources if resource["resourceType"] in ABOUT_THE_RECEIPT]
    if services.check_references:
        lost = [issue for resource in resources for issue in missing(resource, tx, known=known, types=services.types)]
        if lost:
            raise Invalid(issues=lost)
    written = [(put(tx, merged), merged) for merged in (_as_moved(resource, tx) for resource in facts)]
    if any(one.changed for one, _ in written):
        written += [(put(tx, resource), resource) for resource in receipts]
    return written


def _as_moved(resource: Json, tx: Transaction) -> Json:
    """The resource with those elements that the loop has moved since it came first."""
    moved = MOVED_BY_THE_LOOP.get(resource["resourceType"])
    current = tx.read(resource["resourceType"], resource["id"]) if moved else None
    if moved is None or current is None or current.deleted:
        return resource
    before = content(current)
    merged = {name: value for name, value in resource.items() if name not in moved}
    return merged | {name: before[name] for name in moved if name in before}


def _same_person(resources: Sequence[Json], tx: Transaction) -> None:
    """Raise Conflict if the member is known here with another birth date: two people must never become one."""
    for at, resource in enumerate(resources):
        if resource["resourceType"] != "Patient" or (current := tx.read("Patient", resource["id"])) is None:
            continue
        if not current.deleted and content(current).get("birthDate") != resource.get("birthDate"):
            message = "A member with this number is known here with another birth date: a person has to look."
            place = f"Bundle.entry[{at}].resource.birthDate"
            raise Conflict(issues=[Issue("error", "conflict", message, place, "one-number-two-members")])
