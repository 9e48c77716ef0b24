"""Resources as rows and back: stamping a version into a body, times as integers, rows as Kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.ports import Json, Kept
from gateway.store.sql import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds UTC of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The datetime (UTC) of microseconds."""
    return _EPOCH + at * _MICROSECOND


def kept_columns(dialect: Dialect) -> str:
    """What `kept` reads, of a resource_version called `v`."""
    body = "CAST(v.body AS BLOB)" if dialect == "sqlite" else "v.body"
    return f"v.type, v.id, v.version, v.at, v.deleted, {body}, v.posted"


def kept(row: tuple[Any, ...]) -> Kept:
    """A row of `kept_columns` as Kept."""
    type, id, version, at, deleted, body, posted = row
    data = body.encode() if isinstance(body, str) else bytes(body)
    return Kept(type, id, version, moment(at), data, bool(deleted), bool(posted))


def stamped(resource: Json, *, version: int, at: datetime) -> Json:
    """`resource` with meta.versionId and meta.lastUpdated; every other member keeps its place.

    https://hl7.org/fhir/R4/resource.html#Meta. A new meta stands after id; the caller's own object is not changed.
    """
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stamp = {"versionId": str(version), "lastUpdated": instant}
    old = resource.get("meta")
    if isinstance(old, dict):
        meta = {**old, **stamp} if "versionId" in old or "lastUpdated" in old else {**stamp, **old}
        return {**resource, "meta": meta}
    made: Json = {}
    for name, value in resource.items():
        if name != "meta":
            made[name] = value
        if name == "id":
            made["meta"] = stamp
    return made
