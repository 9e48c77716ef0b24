"""CapabilityStatements. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text, texts
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report profiles of other types than the resource they are said for."""
    for rest, at in parts(value, "rest", place):
        for resource, here in parts(rest, "resource", at):
            kind, profile = text(resource, "type"), text(resource, "profile")
            if profile is not None:
                _of(engine, run, kind, profile, member(here, "profile"))
            for supported, there in texts(resource, "supportedProfile", here):
                _of(engine, run, kind, supported, there)
            for searched, there in parts(resource, "searchParam", here):
                _search(engine, run, searched, there)


def _search(engine: Engine, run: Run, searched: Json, place: Place) -> None:
    """A search parameter that is named is of the type that is said."""
    canonical, kind = text(searched, "definition"), text(searched, "type")
    known = engine.definitions.get("SearchParameter", canonical) if canonical and len(canonical) < 2_000 else None
    if known is not None and kind is not None and known.get("type") not in (None, kind):
        run.error("business-rule", "capability-search", f"The search parameter's type is {known['type']}.",
                  member(place, "type"))  # fmt: skip


def _of(engine: Engine, run: Run, kind: str | None, profile: str, place: Place) -> None:
    shape = engine.shapes.find(kind) if kind is not None else None
    found = engine.type_of(profile, asked_in=None) if len(profile) < 2_000 else None
    if shape is not None and found is not None and found not in (shape.name, *shape.ancestors):
        run.error("business-rule", "capability-profile", f"The profile is one of {found}, not of {shape.name}.", place)
