"""Ask a partner what has changed since it was last asked, and keep what is new, to be applied.

What is found goes into the inbox, once for each version of each resource, however often and in whatever order it is
found again: an overlap makes good what late indexes and other clocks hid. Never sooner than the partner's interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from gateway.errors import GatewayError, PartnerRefused, PartnerUnavailable
from gateway.fhir import codec
from gateway.ports import AuditEntry, Caller, Cursor, Found, Json, Polled, Receipt
from gateway.trust.disclosure import content
from gateway.usecases.partner_health import Health
from gateway.usecases.services import Services

CONTENT_TYPE = "application/fhir+json; from=poll"
"""Marks what was polled: resources under the partner's own ids, with their addresses there."""
OUR_IDS = {"system": "urn:ecm-gateway:polled", "code": "our-ids"}
"""Tag of a Bundle from a partner that keeps what we sent under our ids."""
NO_TASKS = {"system": "urn:ecm-gateway:polled", "code": "no-tasks"}
"""Marks what comes from a partner that is asked for no Tasks: a referral of its has none but ours."""
LEASE_SECONDS = 600.0
"""How long a cursor stays with a poll that says nothing: longer than one page and all that it refers to takes."""
RENEW_SECONDS = 60.0
LONGEST_WAIT = 3600.0
_KEPT = 10_000


class Stopped(Exception):
    """The process ends."""


class Overtaken(Exception):
    """Somebody else is asking: this process stood still for longer than its lease."""


@dataclass(frozen=True, slots=True)
class Polling:
    """How one poll ended: how many versions were found and how many of them were new; `error` says why it stopped."""

    found: int
    new: int
    error: GatewayError | None = None


@dataclass(slots=True)
class Recent:
    """Versions seen lately: spares a partner the reading of what is here already. Safe for threads."""

    _seen: dict[str, None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._seen

    def add(self, key: str) -> None:
        with self._lock:
            self._seen[key] = None
            while len(self._seen) > _KEPT:
                del self._seen[next(iter(self._seen))]


def poll_partner(
    partner: Polled,
    type: str,
    caller: Caller,
    *,
    services: Services,
    health: Health,
    recent: Recent,
    sweep: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    renew: Sequence[Cursor] = (),
) -> Polling | None:
    """Ask once for the changes of a type; None when it is not due, or somebody else is asking.

    `sweep` asks for everything there is: what was missed, for whatever reason, is found. What `stopping` breaks off is
    due again at once; whatever else breaks it off, after the interval. However long it takes, nobody else asks
    meanwhile; the cursors `renew` are held with it.
    """
    now = services.clock()
    if health.allowance(partner.name, now=now) == 0:
        return None
    cursors = services.store.cursors
    cursor = cursors.claim(caller, partner=partner.name, name=type, now=now, lease_seconds=LEASE_SECONDS)
    if cursor is None:
        return None
    due = now + timedelta(seconds=partner.every_seconds)
    go_on = _GoOn([cursor, *renew], services, stopping, now)
    try:
        done = _asked(partner, cursor, caller, services=services, recent=recent, sweep=sweep, go_on=go_on)
    except Overtaken:
        return None
    except Stopped:
        cursors.settle(cursor, through=None, due=now)
        return None
    except Exception:
        with suppress(GatewayError):  # without the database the lease runs out
            cursors.settle(cursor, through=None, due=due)
        raise
    error = done.error
    health.told(partner.name, _receipt(error), now=services.clock())
    asked_to_wait = min(getattr(error, "retry_after", None) or 0.0, LONGEST_WAIT)
    due = max(due, now + timedelta(seconds=asked_to_wait))
    cursors.settle(cursor, through=None if error else now, due=due)
    services.store.note(
        caller, AuditEntry("E", "poll", (), "failed" if error else "success", recipient=partner.name, basis=type)
    )
    return done


@dataclass(slots=True)
class _GoOn:
    """Asked between one thing found and the next: raises Stopped or Overtaken, and renews the lease now and then."""

    cursors: Sequence[Cursor]
    services: Services
    stopping: Callable[[], bool]
    renewed: datetime

    def __call__(self) -> None:
        if self.stopping():
            raise Stopped
        now = self.services.clock()
        if (now - self.renewed).total_seconds() < RENEW_SECONDS:
            return
        renew = self.services.store.cursors.renew
        if not all(renew(one, now=now, lease_seconds=LEASE_SECONDS) for one in self.cursors):
            raise Overtaken
        self.renewed = now


def _asked(
    partner: Polled,
    cursor: Cursor,
    caller: Caller,
    *,
    services: Services,
    recent: Recent,
    sweep: bool,
    go_on: Callable[[], None],
) -> Polling:
    until = services.clock()
    overlap = timedelta(seconds=partner.overlap_seconds)
    since = None if sweep or cursor.through is None else cursor.through - overlap
    members = enrolled(partner.base, caller, services=services) if partner.by_member(cursor.name) else iter(())
    found = new = 0

    def each() -> Iterator[str]:
        for member in members:
            go_on()
            yield member

    try:
        for one in partner.changes(cursor.name, since=since, until=until, members=each()):
            go_on()
            found += 1
            key = f"{partner.name}:{one.key}"
            if key not in recent:
                new += _kept(partner, one, caller, services=services)
                recent.add(key)
    except (PartnerUnavailable, PartnerRefused) as error:
        return Polling(found, new, error)
    return Polling(found, new)


def _kept(partner: Polled, found: Found, caller: Caller, *, services: Services) -> bool:
    whole, tasks = partner.whole(found), "Task" in partner.types
    body = codec.write(bundle_of(whole, base=partner.base, our_ids=partner.our_ids, tasks=tasks))
    keep = services.store.inbox.keep
    return keep(
        caller,
        partner=partner.name,
        key=f"poll:{found.key}",
        content_type=CONTENT_TYPE,
        body=body,
        now=services.clock(),
    )


def bundle_of(resources: Iterable[Json], *, base: str, our_ids: bool, tasks: bool) -> Json:
    """A resource, last, and before it what it refers to, each with its address at the partner.

    `tasks`: whether the partner is asked for Tasks.
    """
    entries = [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    tags = ([OUR_IDS] if our_ids else []) + ([] if tasks else [NO_TASKS])
    meta: Json = {"tag": tags} if tags else {}
    return {"resourceType": "Bundle", "meta": meta, "type": "collection", "entry": entries}


def enrolled(base: str, caller: Caller, *, services: Services) -> Iterator[str]:
    """`Patient/id` at the partner of every member who is known there: who carries an identifier of its address."""
    query = services.search.parse("Patient", [("identifier", f"{base}|"), ("_count", "100")])
    while True:
        page = services.store.search(caller, query)
        for kept in page.matches:
            listed = content(kept).get("identifier", [])
            yield from (one["value"] for one in listed if one.get("system") == base and "value" in one)
        if page.next is None:
            return
        query = replace(query, page=page.next)


def _receipt(error: GatewayError | None) -> Receipt:
    if error is None:
        return Receipt(True)
    retry = isinstance(error, PartnerUnavailable)
    return Receipt(False, retry=retry, retry_after=getattr(error, "retry_after", None), reason=error.issues[0].message)
