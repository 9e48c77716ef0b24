"""CodeSystems. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_VALUES = {
    "code": "valueCode", "Coding": "valueCoding", "string": "valueString", "integer": "valueInteger",
    "boolean": "valueBoolean", "dateTime": "valueDateTime", "decimal": "valueDecimal",
}  # fmt: skip
"""The member that holds the value of a property of each type."""
_LONGEST = 2_000
_RELATIVES = frozenset(f"http://hl7.org/fhir/concept-properties#{name}" for name in ("parent", "child", "partOf"))
_CONTENTS = ("complete", "not-present", "example", "fragment", "supplement")


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report what does not fit between a CodeSystem's head and its concepts."""
    content = text(value, "content")
    if content == "supplement" and "supplements" not in value:
        _fault(run, "supplements", "A supplement must say in supplements which code system it adds to.", place)
    elif content in _CONTENTS[:-1] and "supplements" in value:
        _fault(run, "supplements", "Only a code system whose content is supplement adds to another.",
               member(place, "supplements"))  # fmt: skip
    if content == "not-present" and value.get("concept"):
        _fault(run, "content", "A code system whose content is not-present must have no concepts.",
               member(place, "content"))  # fmt: skip
    known = list(_concepts(value, place))
    count = value.get("count")
    if content == "complete" and type(count) is int and known and count != len(known):
        _fault(run, "count", f"The content is complete, so count must be {len(known)}, the number of concepts.",
               member(place, "count"))  # fmt: skip
    if content == "supplement":
        _supplement(engine, run, value, known, place)
    _whole(engine, run, value, place)
    types = _declared(run, value, place)
    for concept, here in known:
        for property_, there in parts(concept, "property", here):
            _property(run, property_, types, there)
    if content == "complete":
        _relatives(run, value, known, place)


def _supplement(engine: Engine, run: Run, value: Json, known: list[tuple[Json, Place]], place: Place) -> None:
    """A supplement says more of another system's codes, and not how they are written or laid out."""
    for name in ("caseSensitive", "hierarchyMeaning"):
        if name in value:
            _fault(run, "supplements", f"{name} is for the code system to say, not for its supplement.",
                   member(place, name))  # fmt: skip
    system, _, version = (text(value, "supplements") or "").partition("|")
    for concept, here in known:
        code = text(concept, "code")
        if code is not None and engine.terminology.code_known(system, code, version=version or None) is False:
            _fault(run, "supplements", "The code system that is added to does not have this code.", here)


def _whole(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """The value set of all codes takes codes of the system."""
    url, canonical = text(value, "url"), text(value, "valueSet")
    found = engine.definitions.get("ValueSet", canonical) if canonical and len(canonical) < _LONGEST else None
    compose = found.get("compose") if found is not None else None
    if not isinstance(compose, dict):
        return
    chosen = [one for one in compose.get("include") or () if isinstance(one, dict)]
    if chosen and not any("valueSet" in one or one.get("system") == url for one in chosen):
        _fault(run, "value-set", "valueSet must be the value set of all codes of this code system.",
               member(place, "valueSet"))  # fmt: skip


def _relatives(run: Run, value: Json, known: list[tuple[Json, Place]], place: Place) -> None:
    """What stands above or below a concept is a concept here."""
    codes = {(text(concept, "code") or "").casefold() for concept, _ in known}
    named = {text(one, "code") for one, _ in parts(value, "property", place) if text(one, "uri") in _RELATIVES}
    for concept, here in known if named - {None} else ():
        for property_, there in parts(concept, "property", here):
            code = text(property_, "valueCode")
            if text(property_, "code") in named and code is not None and code.casefold() not in codes:
                _fault(run, "property", "The code is none of this code system's.", member(there, "value[x]"))


def _declared(run: Run, value: Json, place: Place) -> dict[str, str | None]:
    """The types of the properties that are declared."""
    found: dict[str, str | None] = {}
    for property_, here in parts(value, "property", place):
        code = text(property_, "code")
        if code is None:
            continue
        if code in found:
            _fault(run, "property", "Two properties have the same code.", member(here, "code"))
        found[code] = text(property_, "type")
    return found


def _property(run: Run, property_: Json, types: dict[str, str | None], place: Place) -> None:
    code = text(property_, "code")
    if code is None:
        return
    if code not in types:
        run.warn("business-rule", "codesystem-property", "The code system declares no property with this code.", place)
        return
    wanted = _VALUES.get(types[code] or "")
    given = [name for name in property_ if name.startswith("value")]
    if wanted is not None and given and wanted not in given:
        _fault(run, "property", f"The property is declared as {types[code]}, so its value must be {wanted}.", place)


def _concepts(value: Json, place: Place) -> Iterator[tuple[Json, Place]]:
    """Every concept, however deep."""
    stack = list(parts(value, "concept", place))
    while stack:
        one, here = stack.pop()
        yield one, here
        stack += parts(one, "concept", here)


def _fault(run: Run, rule: str, message: str, place: Place) -> None:
    run.error("business-rule", f"codesystem-{rule}", message, place)
