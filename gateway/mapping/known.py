"""What is known of a member when a document says less: as stated now, with what was stated before.

All documents of one member meet in one Patient, and in one Coverage by a plan. A care plan that names the member by CIN
and birth date alone does not say that the telephone, the interpreter or the address are no more: what it does not state
stays as it was. What it states replaces what was stated before of the same kind: telephones by telephones, the home
address by the home address, the period of enrolment by the period (whole: an old end is not the end of a new one).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from gateway.fhir.codec import Json

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


def known(stated: Json, before: Json) -> Json:
    """The resource `stated` by a document, with what it leaves unsaid as it was `before` (the same one as kept)."""
    merged = {**stated}
    kinds = _KINDS[stated["resourceType"]]
    for name, value in before.items():
        if name not in stated:
            merged[name] = value
        elif kind := kinds.get(name):
            merged[name] = _each_kind(stated[name], value, kind)
    if stated.get("gender") == "unknown":
        merged["gender"] = before.get("gender", "unknown")
    if "name" in before:
        merged["name"] = [_fuller(one, before["name"]) for one in merged["name"]]
    if "subscriberId" in merged or "identifier" in merged:
        merged.pop("_subscriberId", None)  # marks the number as absent
    return merged


def _each_kind(stated: list[Any], before: list[Any], kind: Kind) -> list[Any]:
    """What is stated now, and what was stated before of other kinds."""
    said = {kind(one) for one in stated}
    return [*stated, *(one for one in before if kind(one) not in said)]


def _fuller(name: Json, before: list[Json]) -> Json:
    """The name as it was before, if this is the same but for a middle name or suffix that it leaves out."""
    return next((other for other in before if _leaves_out(name, other)), name)


def _leaves_out(name: Json, other: Json) -> bool:
    given, longer = name.get("given", []), other.get("given", [])
    same = all(name.get(part) == other.get(part) for part in (name.keys() | other.keys()) - {"given", "suffix"})
    return same and given in (longer, longer[:1]) and name.get("suffix") in (None, other.get("suffix"))
