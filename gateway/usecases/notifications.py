"""Notifications as they may leave: what is told of each event is decided now, through `disclose`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gateway.ports import Caller, Json, Kept, Store, SubscriptionEvent
from gateway.subscriptions import notification
from gateway.subscriptions.notification import Told
from gateway.subscriptions.rules import Content, content_of
from gateway.subscriptions.topics import topic_of
from gateway.trust.disclosure import Collected, Disclosed, Entry, content, disclose
from gateway.trust.policy import decide
from gateway.usecases.references import relative
from gateway.usecases.services import Subscriber
from gateway.usecases.standing import Outside, Standing


def notified(
    subscription: Json,
    type: notification.Type,
    *,
    subscriber: Caller,
    store: Store,
    base: str,
    at: datetime,
    count: int,
    events: Sequence[SubscriptionEvent] = (),
    most: Content | None = None,
    event: str = "notify",
    party: Subscriber | None = None,
) -> Disclosed:
    """One notification Bundle. `most` tells less than the Subscription asks for (`$events` with a content hint).

    An event whose focus the subscriber may not see (any more) keeps its number and names nothing. With `party` it may
    see what concerns one of those organizations (`gateway.usecases.standing`).
    """
    sight = _Sight(subscriber, store, Standing(Outside(store, subscriber), at), party)
    how = most or content_of(subscription["channel"])
    told = [_told(one, subscription, sight, naming=how != "empty") for one in events]
    parameters = notification.status(subscription, type, base=base, count=count, events=told, content=how)
    entries = [
        Entry(notification.status_entry(parameters, subscription=subscription["id"], base=base), resource=parameters)
    ]
    if how != "empty":
        entries += _entries(told, subscriber, store, base=base, full=how == "full-resource")
    note = partial(store.note, subscriber)
    whole = Collected(notification.head(at), entries)
    return disclose(whole, caller=subscriber, note=note, event=event, recipient=f"subscription:{subscription['id']}")


@dataclass(frozen=True, slots=True)
class _Sight:
    """What one subscriber may see at this moment."""

    subscriber: Caller
    store: Store
    standing: Standing
    party: Subscriber | None

    def sees(self, type: str, id: str, version: int | None = None) -> bool:
        """Whether it may be named a resource, as it was in a version."""
        if not decide(self.subscriber, action="R", type=type, id=id).allowed:
            return False
        if self.party is None:
            return True
        kept = self.store.read(self.subscriber, type, id, version)
        return kept is not None and self.standing.may_have(self.party, kept).allowed


def _told(event: SubscriptionEvent, subscription: Json, sight: _Sight, *, naming: bool) -> Told:
    if not naming or not sight.sees(event.type, event.id, event.version):
        return Told(event, focus=False)
    subscriber, store = sight.subscriber, sight.store
    topic = topic_of(subscription["criteria"])
    focus = store.read(subscriber, event.type, event.id, event.version) if topic and topic.context else None
    if focus is None or focus.deleted or topic is None:
        return Told(event)
    found = [relative(str((content(focus).get(name) or {}).get("reference", ""))) for name in topic.context]
    context = [f"{type}/{id}" for type, id in filter(None, found) if sight.sees(type, id)]
    return Told(event, context=context)


def _entries(told: Sequence[Told], subscriber: Caller, store: Store, *, base: str, full: bool) -> list[Entry]:
    """An entry an event, then what comes along, each once."""
    entries, along = [], dict[str, None]()
    for one in told:
        if one.focus:
            event = one.event
            kept = store.read(subscriber, event.type, event.id, event.version) if full else None
            entries.append(Entry(notification.event_entry(event, base=base), _there(kept)))
            along |= dict.fromkeys(one.context)
    for reference in along:
        type, _, id = reference.partition("/")
        kept = store.read(subscriber, type, id) if full else None
        entries.append(Entry(notification.context_entry(reference, base=base), _there(kept)))
    return entries


def _there(kept: Kept | None) -> Kept | None:
    return None if kept is None or kept.deleted else kept
