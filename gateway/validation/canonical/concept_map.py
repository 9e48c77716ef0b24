"""ConceptMaps. https://hl7.org/fhir/R4/conceptmap.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.canonical.value_set import check_code, check_system
from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report codes that the systems of their group do not have."""
    for group, here in parts(value, "group", place):
        source = _system(engine, run, group, "source", here)
        target = _system(engine, run, group, "target", here)
        for element, at in parts(group, "element", here):
            _code(engine, run, element, source, text(group, "sourceVersion"), at)
            for mapped, there in parts(element, "target", at):
                _code(engine, run, mapped, target, text(group, "targetVersion"), there)


def _system(engine: Engine, run: Run, group: Json, name: str, place: Place) -> str | None:
    system = text(group, name)
    return system if system and check_system(engine, run, system, member(place, name)) else None


def _code(engine: Engine, run: Run, holder: Json, system: str | None, version: str | None, place: Place) -> None:
    code = text(holder, "code")
    if system is not None and code is not None:
        check_code(engine, run, system, code, place, version=version)
