"""$status and $events: where a subscription stands, and what it missed.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-status.html,
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-events.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from gateway.errors import BadRequest, Gone, Issue
from gateway.ports import Caller, Kept, Standing
from gateway.subscriptions import notification
from gateway.subscriptions.rules import CONTENTS, Content, content_of
from gateway.trust.disclosure import Collected, Disclosed, Entry, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.notifications import notified
from gateway.usecases.services import Services
from gateway.usecases.subscribe import offered, own

Parameters = Sequence[tuple[str, str]]
MOST_EVENTS = 1000
"""Events in one answer: ask again from where it ends."""
STATUSES = ("requested", "active", "error", "off")


def status(
    caller: Caller, parameters: Parameters, *, services: Services, base: str, id: str | None = None
) -> Disclosed:
    """$status of one Subscription, or of the caller's own by `id` and `status`: a searchset of status Parameters."""
    offered(services)
    permit(caller, action="R", type="Subscription", store=services.store)
    if id is not None:
        _only(parameters, ())
        found = [own(caller, id, services=services)]
    else:
        found = _selected(caller, parameters, services)
    entries = []
    for kept in found:
        standing = services.store.subscriptions.standing(caller, kept.id)
        assert standing is not None
        told = notification.status(content(kept), "query-status", base=base, count=standing.events)
        entries.append(Entry({"fullUrl": f"urn:uuid:{told['id']}", "search": {"mode": "match"}}, resource=told))
    head = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    note = partial(services.store.note, caller)
    return disclose(Collected(head, entries), caller=caller, note=note, event="subscription.status")


def events(caller: Caller, parameters: Parameters, *, services: Services, base: str, id: str) -> Disclosed:
    """$events: those from eventsSinceNumber to eventsUntilNumber, both inclusive, as one query-event notification.

    `content` may ask for less than the Subscription says, never for more.
    """
    permit(caller, action="R", type="Subscription", store=services.store)
    kept = own(caller, id, services=services)
    _only(parameters, ("eventsSinceNumber", "eventsUntilNumber", "content"))
    asked = dict(parameters)
    subscription = content(kept)
    standing = services.store.subscriptions.standing(caller, id)
    assert standing is not None
    first, last = _number(asked, "eventsSinceNumber", 1), _number(asked, "eventsUntilNumber", standing.events)
    found = services.store.subscriptions.events(
        caller, id, first=first, last=min(last, standing.events), limit=MOST_EVENTS
    )
    lost = found[0].number > max(first, 1) if found else first <= min(last, standing.events)
    if lost and "eventsSinceNumber" in asked:
        _gone(first, caller, standing, services)
    return notified(
        subscription,
        "query-event",
        subscriber=caller,
        store=services.store,
        base=base,
        at=services.clock(),
        count=standing.events,
        events=found,
        most=_content(asked.get("content"), content_of(subscription["channel"])),
        event="subscription.events",
        party=services.parties.get(caller.principal),
    )


def _gone(first: int, caller: Caller, standing: Standing, services: Services) -> NoReturn:
    """Events that were asked for by number are no longer kept: said, never left out in silence."""
    kept = services.store.subscriptions.events(caller, standing.id, first=first, last=standing.events, limit=1)
    kept_from = kept[0].number if kept else standing.events + 1
    raise Gone(f"Events before number {kept_from} are no longer kept: read the resources, and ask from there.")


def _selected(caller: Caller, parameters: Parameters, services: Services) -> list[Kept]:
    """The caller's own, by any of the ids and any of the statuses that are named."""
    _only(parameters, ("id", "status"), repeat=True)
    ids = {part for name, value in parameters if name == "id" for part in value.split(",")}
    statuses = {part for name, value in parameters if name == "status" for part in value.split(",")}
    if not statuses <= set(STATUSES):
        _refuse(f"status is one of {', '.join(STATUSES)}.")
    found = []
    for standing in services.store.subscriptions.own(caller):
        if (not ids or standing.id in ids) and (not statuses or standing.status in statuses):
            kept = services.store.read(caller, "Subscription", standing.id)
            if kept is not None and not kept.deleted:
                found.append(kept)
    return found


def _content(asked: str | None, most: Content) -> Content:
    if asked is None:
        return most
    if asked not in CONTENTS:
        _refuse(f"content is one of {', '.join(CONTENTS)}.")
    return CONTENTS[min(CONTENTS.index(asked), CONTENTS.index(most))]


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        _refuse(f"{name} is a number of an event.")
    return int(text)


def _only(parameters: Parameters, known: tuple[str, ...], *, repeat: bool = False) -> None:
    names = [name for name, _ in parameters if name not in ("_format", "_pretty")]
    if any(name not in known for name in names):
        _refuse(f"The parameters are {', '.join(known)}." if known else "There are no parameters.")
    if not repeat and len(names) != len(set(names)):
        _refuse("A parameter is given twice.")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(issues=[Issue("error", "value", message, rule="operation-parameter")])
