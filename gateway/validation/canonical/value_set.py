"""ValueSets. https://hl7.org/fhir/R4/valueset.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.validation.compiled import Json
from gateway.validation.datatypes import MISSPELT
from gateway.validation.parts import member, part, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_ABSOLUTE = re.compile(r"(?i)[a-z][a-z0-9+.\-]*:\S+")
_LONGEST = 2_000
_FORMS = {
    "integer": re.compile(r"[+-]?[0-9]{1,20}", re.ASCII),
    "boolean": re.compile("true|false"),
    "decimal": re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII),
}
"""How the values of properties of some types are written."""
_USUAL = frozenset(
    "concept code display definition designation inactive status deprecated notSelectable parent child partOf synonym "
    "comment itemWeight effectiveDate deprecationDate retirementDate".split()
)
"""Properties that a code system need not declare. https://hl7.org/fhir/R4/codesystem.html#defined-props"""
_TREE = frozenset(("is-a", "descendent-of", "is-not-a", "generalizes", "child-of"))


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report parts of the definition that can choose nothing, or what they do not mean."""
    compose, here = part(value, "compose", place)
    expansion, there = part(value, "expansion", place)
    _expanded(engine, run, expansion, there)
    for name in ("include", "exclude"):
        for chosen, at in parts(compose, name, here):
            _chosen(engine, run, chosen, at)


def _chosen(engine: Engine, run: Run, chosen: Json, place: Place) -> None:
    system = text(chosen, "system")
    if not system:
        return
    there = member(place, "system")
    if not check_system(engine, run, system, there):
        return
    version = text(chosen, "version")
    seen: set[str] = set()
    for concept, here in parts(chosen, "concept", place):
        code = text(concept, "code")
        if code is None:
            continue
        if code in seen:
            run.warn("business-rule", "valueset-concept", "The code is listed twice.", here)
        seen.add(code)
        check_code(engine, run, system, code, here, version=version)
        display = text(concept, "display")
        if display is not None and engine.terminology.display_fits(system, code, display) is False:
            run.warn("code-invalid", "display", "The display is none of the names that the code system has for the "
                     "code.", here)  # fmt: skip
    for wanted, here in parts(chosen, "filter", place):
        _filter(engine, run, system, wanted, here, version=version)


def _expanded(engine: Engine, run: Run, expansion: Json, place: Place) -> None:
    """Codes of an expansion are codes of their systems."""
    stack = list(parts(expansion, "contains", place))
    while stack:
        one, here = stack.pop()
        system, code, version = text(one, "system"), text(one, "code"), text(one, "version")
        if system and code:
            check_code(engine, run, system, code, here, version=version)
        stack += parts(one, "contains", here)


def _filter(engine: Engine, run: Run, system: str, wanted: Json, place: Place, *, version: str | None) -> None:
    op, value = text(wanted, "op"), text(wanted, "value")
    if op in _TREE and value and text(wanted, "property") in ("concept", "code"):
        check_code(engine, run, system, value, place, version=version)
    elif not _known(engine, run, system, wanted, place, version=version):
        return
    elif op == "exists" and value not in (None, "true", "false"):
        run.error("invalid", "valueset-filter", "The filter's value must be true or false: whether there is any.",
                  place)  # fmt: skip
    elif op == "regex" and text(wanted, "property") == "concept":
        run.error("invalid", "valueset-filter", "The property concept stands for a place in the hierarchy: it is no "
                  "text to be matched.", place)  # fmt: skip
    elif op == "regex" and value is not None:
        try:
            re.compile(value[:1000])
        except (re.error, RecursionError, OverflowError):
            run.error("invalid", "valueset-filter", "The filter's value must be a regular expression.", place)


def _known(engine: Engine, run: Run, system: str, wanted: Json, place: Place, *, version: str | None) -> bool:
    """Whether the code system, if it is wholly at hand, has the property, and values such as the one asked for."""
    if len(system) + len(version or "") > _LONGEST:
        return True
    found = engine.definitions.get("CodeSystem", f"{system}|{version}" if version else system)
    name, value = text(wanted, "property"), text(wanted, "value")
    if found is None or found.get("content") != "complete" or name is None:
        return True
    types = {one.get("code"): one.get("type") for one in _objects(found, "property")}
    if name not in types:
        filters = {one.get("code") for one in _objects(found, "filter")}
        if name in _USUAL or name in filters:
            return True
        run.error("invalid", "valueset-filter", "The code system declares no property or filter of this name.", place)
        return False
    form = _FORMS.get(str(types[name]))
    if form is None or value is None or text(wanted, "op") != "=" or form.fullmatch(value):
        return True
    run.error("invalid", "valueset-filter", f"The filter's value must be a {types[name]}, as the property is.", place)
    return False


def _objects(holder: Json, name: str) -> list[Json]:
    listed = holder.get(name)
    return [one for one in listed if type(one) is dict] if type(listed) is list else []


def check_system(engine: Engine, run: Run, system: str, place: Place) -> bool:
    """Report a system that can be none; whether it can."""
    if not _ABSOLUTE.fullmatch(system):
        run.error("invalid", "definition-system", "The system must be the absolute URI of a code system.", place)
        return False
    if "|" in system:  # some of HL7's own have one
        run.warn("invalid", "definition-system", "The system should not have a version: version says that.", place)
        return False
    if system in MISSPELT:
        run.error("invalid", "definition-system", "The system is not how the code system's URL is written.", place)
        return False
    other = engine.no_system(system)
    if other is not None:
        run.error("invalid", "definition-system", f"The system names a {other}; it must name a code system.", place)
        return False
    return True


def check_code(engine: Engine, run: Run, system: str, code: str, place: Place, *, version: str | None = None) -> None:
    """Report a code that its system, which is wholly at hand, does not have."""
    if engine.terminology.code_known(system, code, version=version) is False:
        run.error("code-invalid", "code-unknown", "The code system does not have this code.", place)
