"""Subscriptions at change time: what is kept is matched, numbered and owed in its own transaction.

A writer locks the subscription's row while it numbers an event, so numbers have no gap over rollbacks and their order
is the order of commits. Compiled subscriptions are kept per tenant until the tenant's `revision` moves; a transaction
holds a shared lock against a Subscription being changed under it. https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.fhir import codec
from gateway.ports import Caller, Change, Json, Owed, Standing, SubscriptionEvent
from gateway.store.outbox_rows import EVENT as EVENT_KIND
from gateway.store.outbox_rows import PROMOTE, lane_name
from gateway.store.rows import micros, moment
from gateway.store.sql import Engine, Row, Session, Version, step

Matcher = Callable[[Change], bool]
Watch = Callable[[Json, str, str], Matcher]
"""(Subscription, principal, tenant) -> which changes are events of it. Never raises: injected by wiring."""
COUNTED = "('requested', 'active', 'error')"
"""Statuses in which events happen; only while active are they owed at once."""
COLUMNS = "tenant, id, principal, status, events, owed, sent, heartbeat, ends, spoke_at"
BODIES = (
    "SELECT s.id, s.principal, v.body FROM subscription s JOIN resource r ON r.tenant = s.tenant AND"  # noqa: S608
    " r.type = 'Subscription' AND r.id = s.id JOIN resource_version v ON v.tenant = r.tenant AND v.type = r.type"
    f" AND v.id = r.id AND v.version = r.version WHERE s.tenant = ? AND r.deleted = 0 AND s.status IN {COUNTED}"
    " ORDER BY s.id"
)
HOLD = f"SELECT id, events, status FROM subscription WHERE tenant = ? AND status IN {COUNTED} AND id IN"  # noqa: S608
COUNT = (
    "UPDATE subscription SET events = ?, owed = CASE WHEN status = 'active' THEN ? ELSE owed END"
    " WHERE tenant = ? AND id = ?"
)
EVENT = (
    "INSERT INTO subscription_event (tenant, subscription, number, at, method, type, resource, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
STANDING = (
    "INSERT INTO subscription (tenant, id, principal, status, revision, events, owed, sent, heartbeat, ends)"
    " VALUES (?, ?, ?, ?, (SELECT CASE WHEN max(revision) >= ? THEN max(revision) + 1 ELSE ? END FROM subscription"
    " WHERE tenant = ?), 0, 0, 0, ?, ?)"
    " ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, revision = excluded.revision,"
    " heartbeat = excluded.heartbeat, ends = excluded.ends RETURNING events, owed, sent"
)
EVENTS = (
    "SELECT number, at, method, type, resource, version FROM subscription_event"
    " WHERE tenant = ? AND subscription = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT ?"
)
RELEASE = (
    "UPDATE outbox SET state = 'waiting', attempts = 0, due = ?"
    " WHERE tenant = ? AND partner = ? AND state = 'parked' AND kind <> 'handshake'"
)
WAKE = RELEASE.replace("state = 'parked'", "state IN ('waiting', 'parked')")
"""After a handshake all is due at once: what failed before it, or waited for it, begins its schedule anew."""
OFF = "the subscription is off"
DROP = (
    f"UPDATE outbox SET state = 'dropped', ready = 0, settled_at = ?, reason = '{OFF}'"  # noqa: S608
    " WHERE tenant = ? AND partner = ? AND state IN ('waiting', 'parked')"
)
HEARTBEAT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period"


def partner_of(id: str) -> str:
    """The partner's name under which the outbox owes to a subscription."""
    return f"subscription:{id}"


def lock_of(tenant: str) -> str:
    """Shared by all that writes in a tenant, held alone by what changes a Subscription."""
    return f"subscriptions {tenant}"


def event_owed(subscription: str, event: SubscriptionEvent) -> Owed:
    """One event as a message: a lane a subscription, so that events arrive in the order of their numbers."""
    return Owed(
        partner_of(subscription),
        f"Subscription/{subscription}",
        f"{EVENT_KIND}{event.number}",
        event.type,
        event.id,
        event.version,
    )


@dataclass(frozen=True, slots=True)
class _Compiled:
    revision: int
    matchers: Sequence[tuple[str, Matcher]]


class Watched:
    """The compiled subscriptions of every tenant. One a store; safe for threads (entries are replaced whole)."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._tenants: dict[str, _Compiled] = {}

    def owed(self, session: Session, changes: Sequence[Change], *, tenant: str, at: int) -> list[Owed]:
        """Number the changes that meet a subscription, and return what is owed for them at once."""
        if self._watch is None or not (revision := session.revision(tenant)):
            return []
        compiled = self._tenants.get(tenant)
        if compiled is None or compiled.revision != revision:
            compiled = self._tenants[tenant] = self._compile(session, tenant, revision)
        met = {id: [change for change in changes if matches(change)] for id, matches in compiled.matchers}
        met = {id: found for id, found in met.items() if found}
        return _numbered(session, met, tenant=tenant, at=at) if met else []

    def _compile(self, session: Session, tenant: str, revision: int) -> _Compiled:
        assert self._watch is not None
        rows = session.rows(BODIES, (tenant,))
        found = [(id, self._watch(codec.read(text.encode()), principal, tenant)) for id, principal, text in rows]
        return _Compiled(revision, found)


def _numbered(session: Session, met: Mapping[str, Sequence[Change]], *, tenant: str, at: int) -> list[Owed]:
    """Count the changes as the next events of each subscription, and return what the active ones are owed.

    The rows are held, in one order for all, until the commit: whoever waits goes on from the numbers given here.
    """
    held = f"{HOLD} ({', '.join('?' * len(met))}) ORDER BY id{' FOR UPDATE' if session.dialect == 'postgresql' else ''}"
    owed = []
    for id, number, status in session.rows(held, (tenant, *met)):
        for change in met[id]:
            number += 1
            session.later(EVENT, (tenant, id, number, at, change.method, change.type, change.id, change.version))
            if status == "active":
                event = SubscriptionEvent(number, moment(at), change.method, change.type, change.id, change.version)
                owed.append(event_owed(id, event))
        session.later(COUNT, (number, number, tenant, id))
        step("event kept")
    return owed


def moved(session: Session, new: Version, *, principal: str, at: int) -> list[Owed]:
    """Bring the standing in line with a Subscription that was just kept; what is owed because of it."""
    subscription = codec.read(new.body.encode()) if not new.deleted else {}
    status = subscription.get("status", "off")
    # The revision is also a time, so that one of a transaction that was undone is never given again.
    values = (new.tenant, new.id, principal, status, at, at, new.tenant, _heartbeat(subscription), _ends(subscription))
    _events, owed, _sent = session.rows(STANDING, values)[0]
    partner = partner_of(new.id)
    if status == "active":
        session.run("UPDATE subscription SET owed = events WHERE tenant = ? AND id = ?", (new.tenant, new.id))
        missed = [_event(row) for row in session.rows(EVENTS, (new.tenant, new.id, owed + 1, 2**62, 2**31))]
        _lane(session, new, at, f"Subscription/{new.id}", (WAKE, (at, new.tenant, partner)))
        return [event_owed(new.id, event) for event in missed]
    if status == "off":
        _lane(session, new, at, f"Subscription/{new.id}", (DROP, (at, new.tenant, partner)))
    return []


def _lane(session: Session, new: Version, at: int, member: str, change: tuple[str, tuple[object, ...]]) -> None:
    lane = (new.tenant, partner_of(new.id), member)
    session.lock([lane_name(lane)])
    session.later(*change)
    session.later(PROMOTE, lane)


def _heartbeat(subscription: Json) -> int | None:
    for one in subscription.get("channel", {}).get("extension", ()):
        if one.get("url") == HEARTBEAT:
            seconds: int | None = one.get("valueUnsignedInt")
            return seconds
    return None


def _ends(subscription: Json) -> int | None:
    return micros(datetime.fromisoformat(subscription["end"])) if "end" in subscription else None


def _event(row: Row) -> SubscriptionEvent:
    number, at, method, type, resource, version = row
    return SubscriptionEvent(number, moment(at), method, type, resource, version)


def _standing(row: Row) -> Standing:
    *head, ends, spoke_at = row
    return Standing(*head, *(None if at is None else moment(at) for at in (ends, spoke_at)))


class SqlSubscriptions:
    """`ports.Subscriptions` over either engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def standing(self, caller: Caller, id: str) -> Standing | None:
        sql = f"SELECT {COLUMNS} FROM subscription WHERE tenant = ? AND id = ?"  # noqa: S608
        found = self._engine.rows(sql, (caller.tenant, id))
        return _standing(found[0]) if found else None

    def own(self, caller: Caller) -> Sequence[Standing]:
        sql = f"SELECT {COLUMNS} FROM subscription WHERE tenant = ? AND principal = ? ORDER BY key"  # noqa: S608
        return [_standing(row) for row in self._engine.rows(sql, (caller.tenant, caller.principal))]

    def live(self) -> Sequence[Standing]:
        sql = f"SELECT {COLUMNS} FROM subscription WHERE status IN {COUNTED} ORDER BY key"  # noqa: S608
        return [_standing(row) for row in self._engine.rows(sql)]

    def events(
        self, caller: Caller, id: str, *, first: int, last: int, limit: int = 1000
    ) -> Sequence[SubscriptionEvent]:
        return [_event(row) for row in self._engine.rows(EVENTS, (caller.tenant, id, first, last, limit))]

    def told(self, caller: Caller, id: str, *, through: int, now: datetime) -> None:
        sql = (
            "UPDATE subscription SET sent = CASE WHEN sent < ? THEN ? ELSE sent END, spoke_at = ?"
            " WHERE tenant = ? AND id = ?"
        )
        with self._engine.writing() as session:
            session.run(sql, (through, through, micros(now), caller.tenant, id))

    def release(self, standing: Standing, *, now: datetime) -> int:
        lane = (standing.tenant, partner_of(standing.id), f"Subscription/{standing.id}")
        parked = (
            "SELECT 1 FROM outbox WHERE tenant = ? AND partner = ? AND state = 'parked' AND kind <> 'handshake' LIMIT 1"
        )
        if not self._engine.rows(parked, lane[:2]):
            return 0
        with self._engine.writing() as session:
            session.lock([lane_name(lane)])
            released = session.run(RELEASE, (micros(now), *lane[:2]))
            session.later(PROMOTE, lane)
        return released

    def claim_heartbeat(self, standing: Standing, *, now: datetime) -> bool:
        before = None if standing.spoke_at is None else micros(standing.spoke_at)
        same = "spoke_at IS NULL" if before is None else "spoke_at = ?"
        sql = f"UPDATE subscription SET spoke_at = ? WHERE tenant = ? AND id = ? AND {same}"  # noqa: S608
        values = (micros(now), standing.tenant, standing.id, *(() if before is None else (before,)))
        with self._engine.writing() as session:
            return session.run(sql, values) == 1
