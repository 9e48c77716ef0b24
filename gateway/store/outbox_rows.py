"""Messages as outbox rows: owing them, and moving a lane on when its front has settled.

A lane is what one partner is owed about one member of one tenant. Only its front may be sent (`ready`). A parked
front holds its lane until a person releases or drops it, or a newer version of the same resource makes it pointless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.ports import Delivery, Owed
from gateway.store.rows import moment
from gateway.store.sql import Row, Session

LANE = "tenant = ? AND partner = ? AND member = ? AND settled_at IS NULL"
COLUMNS = (
    "id, tenant, partner, member, kind, type, resource, version, rank, state, attempts, fence, due, owed_at,"
    " settled_at, reason"
)
PARTNER = COLUMNS.split(", ").index("partner")
"""Its place in a row of COLUMNS."""
SUPERSEDED = "superseded by a newer version"
SUPERSEDE = (
    f"UPDATE outbox SET state = 'dropped', ready = 0, settled_at = ?, reason = '{SUPERSEDED}'"  # noqa: S608
    f" WHERE seq = (SELECT min(seq) FROM outbox WHERE {LANE})"
    " AND state = 'parked' AND kind = ? AND type = ? AND resource = ? AND version < ?"
)
EVENT = "event:"
"""Kinds of message that each matter by themselves (a subscription's numbered events): nothing newer replaces them."""
OWE = (
    "INSERT INTO outbox (id, tenant, partner, member, kind, type, resource, version, rank, state, ready, attempts,"
    " fence, due, owed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, 0, 0, ?, ?) ON CONFLICT (id) DO NOTHING"
)
PROMOTE = (
    f"UPDATE outbox SET ready = 1 WHERE seq = (SELECT min(seq) FROM outbox WHERE {LANE})"  # noqa: S608
    " AND ready = 0 AND state IN ('waiting', 'sending')"
)

Lane = tuple[str, str, str]
"""Tenant, partner, member."""


def delivery_id(owed: Owed, *, tenant: str) -> str:
    """The id that every attempt carries: the same message owed twice is one delivery."""
    parts = (tenant, owed.partner, owed.member, owed.kind, owed.type, owed.id, str(owed.version))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def lane_name(lane: Lane) -> str:
    """What transactions that touch a lane lock, so that its order is the order of their commits."""
    return "outbox " + "\x1f".join(lane)


def owe(session: Session, messages: Sequence[Owed], *, tenant: str, at: int) -> None:
    """Queue `messages` in order; they become claimable with the commit."""
    lanes = {(tenant, m.partner, m.member): None for m in messages}
    session.lock(lane_name(lane) for lane in lanes)
    for m in messages:
        lane = (tenant, m.partner, m.member)
        if not m.kind.startswith(EVENT):
            session.later(SUPERSEDE, (at, *lane, m.kind, m.type, m.id, m.version))
        session.later(
            OWE,
            (delivery_id(m, tenant=tenant), *lane, m.kind, m.type, m.id, m.version, 0 if m.urgent else 1, at, at),
        )
    for lane in lanes:
        session.later(PROMOTE, lane)


def delivery(row: Row) -> Delivery:
    """A row of COLUMNS as a Delivery."""
    (id, tenant, partner, member, kind, type, resource, version, rank, state, *rest) = row
    attempts, fence, due, owed_at, settled_at, reason = rest
    return Delivery(
        id=id,
        tenant=tenant,
        owed=Owed(partner, member, kind, type, resource, version, urgent=rank == 0),
        state=state,
        attempts=attempts,
        fence=fence,
        due=moment(due),
        owed_at=moment(owed_at),
        settled_at=None if settled_at is None else moment(settled_at),
        reason=reason,
    )
