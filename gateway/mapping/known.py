"""What is known of a member when a document says less: as stated now, with what was stated before.

All documents of one member meet in one Patient, and in one Coverage by a plan. A care plan that names the member by CIN
and birth date alone does not say that the telephone, the interpreter or the address are no more: what it does not state
stays as it was. What it states replaces what was stated before of the same kind: telephones by telephones, the home
address by the home address, the period of enrolment by the period (whole: an old end is not the end of a new one).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date
from typing import Any

from gateway.fhir.codec import Json
from gateway.mapping import stated_on

Kind = Callable[[Json], Hashable]


def _mode(communication: Json) -> Hashable:
    """Spoken or written: what the proficiency extension says, else nothing."""
    parts = [part for one in communication.get("extension", ()) for part in one.get("extension", ())]
    return tuple(
        part["valueCoding"].get("code") for part in parts if part.get("url") == "type" and "valueCoding" in part
    )


def _url(extension: Json) -> Hashable:
    return extension.get("url")


def _system(one: Json) -> Hashable:
    return one.get("system")


_KINDS: dict[str, dict[str, Kind]] = {
    "Patient": {
        "extension": _url,
        "identifier": _system,
        "name": lambda one: one.get("use"),
        "telecom": _system,
        "address": lambda one: (one.get("use"), one.get("type")),
        "communication": _mode,
    },
    "Coverage": {
        "extension": _url,
        "identifier": _system,
        "class": lambda one: tuple(coding.get("code") for coding in one.get("type", {}).get("coding", ())),
    },
}
"""Elements with several kinds of values side by side. Any other is replaced whole where it is stated."""
SHARED = frozenset(_KINDS)
"""Resource types in which documents with other keys meet."""


def known(stated: Json, before: Json, *, on: date | None = None) -> Json:
    """The resource `stated` by a document, with what it leaves unsaid as it was `before` (the same one as kept).

    `on` is the document's day: of what was stated on a later one nothing is replaced. None: it is the newest.
    """
    kinds = _KINDS[stated["resourceType"]]
    new, old, days = _facts(stated, kinds), _facts(before, kinds), stated_on.days_of(before)
    merged: Json = {name: stated[name] for name in ("resourceType", "id", "meta") if name in stated}
    merged = stated_on.labelled(merged, before)
    told: dict[str, date] = {}
    for place in (*new, *(one for one in old if one not in new)):
        newer = place in new and (place not in old or on is None or on >= days.of(place))
        name, values = (new if newer else old)[place]
        merged[name] = [*merged.get(name, ()), *values] if name in kinds else values
        told[place] = on if newer and on is not None else days.of(place)
    if "gender" in stated or "gender" in before:
        merged.setdefault("gender", "unknown")
    if "name" in before:
        merged["name"] = [_fuller(one, [*before["name"], *stated.get("name", ())]) for one in merged["name"]]
    if "subscriberId" in merged or "identifier" in merged:
        merged.pop("_subscriberId", None)  # marks the number as absent
    return merged if on is None else stated_on.dated(merged, told)


def rewritten(resource: Json, before: Json, *, on: date) -> Json:
    """The resource as it was written whole, over what documents stated `before`: what it changes is of the day `on`.

    What it says as it stood keeps its day, whatever tags came with it: they were read along, or left out. Days that
    neither stood here nor are missing are another gateway's own, and count.
    """
    kinds = _KINDS[resource["resourceType"]]
    new, old, days = _facts(resource, kinds), _facts(before, kinds), stated_on.days_of(before)
    if days == stated_on.Days():
        return resource
    said = stated_on.days_of(resource)
    theirs = said not in (stated_on.Days(), days)
    told = {
        place: days.of(place) if old.get(place) == fact else min(on, said.of(place)) if theirs else on
        for place, fact in new.items()
    }
    return stated_on.dated(resource, told)


def _facts(resource: Json, kinds: Mapping[str, Kind]) -> dict[str, tuple[str, Any]]:
    """What a resource states: by place, its element and the value, or all values of one kind."""
    facts: dict[str, tuple[str, Any]] = {}
    for name, value in resource.items():
        if name in ("resourceType", "id", "meta") or (name, value) == ("gender", "unknown"):
            continue
        if (kind := kinds.get(name)) is None:
            facts[name] = name, value
            continue
        for one in value:
            facts.setdefault(f"{name}/{_text(kind(one))}", (name, []))[1].append(one)
    return facts


def _text(kind: Hashable) -> str:
    return ",".join(map(str, kind)) if isinstance(kind, tuple) else str(kind)


def _fuller(name: Json, before: list[Json]) -> Json:
    """The name as it was before, if this is the same but for a middle name or suffix that it leaves out."""
    return next((other for other in before if _leaves_out(name, other)), name)


def _leaves_out(name: Json, other: Json) -> bool:
    given, longer = name.get("given", []), other.get("given", [])
    same = all(name.get(part) == other.get(part) for part in (name.keys() | other.keys()) - {"given", "suffix"})
    return same and given in (longer, longer[:1]) and name.get("suffix") in (None, other.get("suffix"))
