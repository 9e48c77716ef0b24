"""Part of a resource, marked as such: `_elements` and `_summary`. https://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from gateway.fhir.codec import Json

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset(["resourceType", "id", "meta", "implicitRules", "modifierExtension"])
PARTS = ("true", "text", "data")
"""Words of `_summary` that leave something out."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Members of a resource type: those that it must have or that change its meaning, and those of its summary.

    `choices` leads from a member to its element (`occurrencePeriod` -> `occurrence`).
    """

    always: frozenset[str] = frozenset()
    summary: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)


Outlines = Callable[[str], Outline]


def outlines(structure: Callable[[str], Json | None]) -> Outlines:
    """The outline of each type, from the snapshot of its StructureDefinition, read when it is first asked for."""
    return cache(lambda type: _outline(structure(type) or {}, type))


def _outline(definition: Json, type: str) -> Outline:
    always: set[str] = set(_ALWAYS)
    summary: set[str] = set()
    choices: dict[str, str] = {}
    for element in definition.get("snapshot", {}).get("element", ()):
        parent, _, whole = element["path"].partition(".")
        if parent != type or not whole or "." in whole:
            continue
        name = whole.removesuffix("[x]")
        if name != whole:
            codes = [str(one.get("code", "")) for one in element.get("type", ())]
            choices |= {f"{name}{code[:1].upper()}{code[1:]}": name for code in codes}
        if element.get("min", 0) or element.get("isModifier"):
            always.add(name)
        if element.get("isSummary"):
            summary.add(name)
    return Outline(frozenset(always), frozenset(summary), choices)


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of each resource is wanted; `elements` come before `summary`."""

    outlines: Outlines
    elements: tuple[str, ...] = ()
    summary: str = "false"

    @property
    def is_whole(self) -> bool:
        return not self.elements and self.summary not in PARTS

    def of(self, resource: Json) -> Json:
        """That part of the resource, tagged SUBSETTED. What it must have, and what changes its meaning, stays."""
        type = resource["resourceType"]
        outline = self.outlines(type)
        if self.elements:
            wanted = outline.always | {one.removeprefix(f"{type}.").partition(".")[0] for one in self.elements}
        elif self.summary == "text":
            wanted = outline.always | {"text"}
        elif self.summary == "data":
            wanted = frozenset(name.lstrip("_") for name in resource) - {"text"}
        else:
            wanted = outline.always | outline.summary
        kept = {name: value for name, value in resource.items() if _named(name, outline) & wanted}
        meta = kept.get("meta", {})
        tags = [one for one in meta.get("tag", ()) if one != SUBSETTED]
        return {**kept, "meta": {**meta, "tag": [*tags, SUBSETTED]}}


def _named(member: str, outline: Outline) -> set[str]:
    """The names by which a member can be meant."""
    name = member.lstrip("_")
    return {name, outline.choices.get(name, name)}


def is_part(resource: Json) -> bool:
    """Whether the resource says of itself that it is a part only: it must not be kept as the whole."""
    meta = resource.get("meta")
    tags = meta.get("tag", ()) if isinstance(meta, dict) else ()
    return any(
        isinstance(one, dict) and (one.get("system"), one.get("code")) == (SUBSETTED["system"], SUBSETTED["code"])
        for one in (tags if isinstance(tags, list) else ())
    )
