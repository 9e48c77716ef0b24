"""The day as of which each thing that documents share is known, kept in `meta.tag` of the resource itself.

One tag says the day of all that has no tag of its own; `telecom/phone@2026-02-01` is that of one kind of value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.domain.care_plan import CarePlan
from gateway.domain.dates import PACIFIC
from gateway.domain.referral import Referral
from gateway.fhir.codec import Json
from gateway.mapping import systems

TAG = systems.BASE + "/sid/stated-on"


@dataclass(frozen=True, slots=True)
class Days:
    """`whole` is the day of what is not in `apart`; the first of all days where none was ever said."""

    whole: date = date.min
    apart: Mapping[str, date] = field(default_factory=dict)

    def of(self, place: str) -> date:
        return self.apart.get(place, self.whole)


def day_of(record: object, *, today: date) -> date:
    """The day that a document says its facts are of; its arrival where it says none, or one that is still to come."""
    said = None
    if isinstance(record, Referral):
        said = record.authored or (record.received.astimezone(PACIFIC).date() if record.received else None)
    elif isinstance(record, CarePlan):
        said = record.revised or record.created
    return min(said or today, today)


def days_of(resource: Json) -> Days:
    """The days that a kept resource says; a tag that is not ours to read says nothing."""
    whole, apart = date.min, {}
    for one in resource.get("meta", {}).get("tag", ()):
        place, _, day = str(one.get("code", "")).rpartition("@")
        try:
            known = date.fromisoformat(day) if one.get("system") == TAG else None
        except ValueError:
            continue
        if known and place:
            apart[place] = known
        elif known:
            whole = known
    return Days(whole, apart)


def dated(resource: Json, told: Mapping[str, date]) -> Json:
    """The resource with the days as of which its parts are known; tags of others stay."""
    whole = max(told.values(), default=date.min)
    codes = [whole.isoformat(), *sorted(f"{place}@{day.isoformat()}" for place, day in told.items() if day != whole)]
    meta = resource.get("meta", {})
    tags = [*_of_others(meta), *({"system": TAG, "code": one} for one in codes)]
    return resource | {"meta": meta | {"tag": tags}}


def labelled(resource: Json, before: Json) -> Json:
    """The resource with the security labels and the tags of others that it had before: no document takes them off."""
    meta, had = resource.get("meta", {}), before.get("meta", {})
    labels = [
        *meta.get("security", ()),
        *(one for one in had.get("security", ()) if one not in meta.get("security", ())),
    ]
    tags = [*meta.get("tag", ()), *(one for one in _of_others(had) if one not in meta.get("tag", ()))]
    more = ({"security": labels} if labels else {}) | ({"tag": tags} if tags else {})
    return resource | {"meta": meta | more} if more else resource


def _of_others(meta: Json) -> list[Json]:
    return [one for one in meta.get("tag", ()) if one.get("system") != TAG]


def undated(resource: Json) -> Json:
    """The resource without the days, to see whether it says anything new."""
    meta = resource.get("meta", {})
    tags = _of_others(meta)
    rest = {name: value for name, value in meta.items() if name not in ("tag", "versionId", "lastUpdated")}
    return resource | {"meta": rest | ({"tag": tags} if tags else {})}
