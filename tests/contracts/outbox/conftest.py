"""How the tests of an Outbox claim."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.ports import Delivery
from gateway.store import SqlStore
from tests.databases import NOW_UTC

LATER = NOW_UTC + timedelta(hours=1)


def claim(store: SqlStore, *, now: datetime = NOW_UTC, limit: int = 10, lease: float = 30) -> list[Delivery]:
    return list(store.outbox.claim("w1", now=now, limit=limit, lease_seconds=lease))


def versions(deliveries: list[Delivery]) -> list[int]:
    return [d.owed.version for d in deliveries]
