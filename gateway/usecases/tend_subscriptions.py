"""Tend subscriptions: heartbeats after silence, an end when it has come, and nothing parked of what is active."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from gateway.ports import Caller, Receipt, Standing
from gateway.trust.disclosure import content
from gateway.usecases.deliver import WORKER
from gateway.usecases.notify import Notifying, say, to_error, to_off

HANDS = 4
"""Heartbeats sent at a time, so that one subscriber that hangs does not hold up all."""
GONE = "http 410"


def tend(notifying: Notifying) -> int:
    """Look after every subscription once; how many heartbeats were sent."""
    using = notifying.using
    now = using.clock()
    quiet = []
    for standing in using.store.subscriptions.live():
        if standing.ends is not None and standing.ends <= now:
            to_off(standing, using)
        elif standing.status == "active":
            if standing.sent < standing.owed:
                using.store.subscriptions.release(standing, now=now)
            if _silent(standing, now):
                quiet.append(standing)
    if not quiet:
        return 0
    with ThreadPoolExecutor(HANDS, thread_name_prefix="heartbeat") as hands:
        return sum(hands.map(partial(_beat, notifying=notifying, now=now), quiet))


def _silent(standing: Standing, now: datetime) -> bool:
    if standing.heartbeat is None or standing.spoke_at is None:
        return False
    return (now - standing.spoke_at).total_seconds() >= standing.heartbeat


def _beat(standing: Standing, *, notifying: Notifying, now: datetime) -> bool:
    """Send one heartbeat, unless another worker does. One that fails changes nothing: events tell of their own fate."""
    using = notifying.using
    if not using.store.subscriptions.claim_heartbeat(standing, now=now):
        return False
    caller = Caller(WORKER, tenant=standing.tenant)
    kept = using.store.read(caller, "Subscription", standing.id)
    if kept is None or kept.deleted or content(kept)["status"] != "active":
        return False
    id = f"heartbeat-{standing.id}-{int(now.timestamp())}"
    receipt: Receipt = say(content(kept), "heartbeat", standing, notifying, id=id)
    if receipt.reason == GONE:
        to_error(standing, receipt.reason, notifying)
    return True
