"""ConceptMaps. https://hl7.org/fhir/R4/conceptmap.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.canonical.value_set import check_code, check_system
from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LONGEST = 2_000


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report codes that the systems of their group, or the value sets that are mapped, do not have."""
    sets = [text(value, f"{side}Canonical") or text(value, f"{side}Uri") for side in ("source", "target")]
    for group, here in parts(value, "group", place):
        source = _system(engine, run, group, "source", here)
        target = _system(engine, run, group, "target", here)
        for element, at in parts(group, "element", here):
            _code(engine, run, element, source, text(group, "sourceVersion"), at)
            _member(engine, run, element, source, sets[0], at)
            for mapped, there in parts(element, "target", at):
                _code(engine, run, mapped, target, text(group, "targetVersion"), there)
                _member(engine, run, mapped, target, sets[1], there)


def _system(engine: Engine, run: Run, group: Json, name: str, place: Place) -> str | None:
    system = text(group, name)
    return system if system and check_system(engine, run, system, member(place, name)) else None


def _code(engine: Engine, run: Run, holder: Json, system: str | None, version: str | None, place: Place) -> None:
    code = text(holder, "code")
    if system is not None and code is not None:
        check_code(engine, run, system, code, place, version=version)


def _member(engine: Engine, run: Run, holder: Json, system: str | None, value_set: str | None, place: Place) -> None:
    """A code that its system has is in the value set that is mapped from, or to."""
    code, terminology = text(holder, "code"), engine.terminology
    if system is None or code is None or not value_set or len(value_set) > _LONGEST:
        return
    surely = terminology.code_known(system, code) is True and terminology.complete(system)
    if surely and terminology.membership(value_set, system, code).verdict == "not-member":
        run.error("code-invalid", "conceptmap-member", "The code is not in the value set that is mapped.", place)
