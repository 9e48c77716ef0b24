"""What a profile asks of narratives by extensions: sections by language, and parts that say where they are from.

https://hl7.org/fhir/extensions/StructureDefinition-narrative-language-control.html and
https://hl7.org/fhir/extensions/StructureDefinition-narrative-source-control.html
"""

from __future__ import annotations

from typing import Any, Final

from gateway.errors import Severity
from gateway.validation.compiled import Json
from gateway.validation.narrative import Content
from gateway.validation.run import Place, Run

_LEVELS: Final[dict[str, Severity]] = {"hint": "information", "information": "information", "warning": "warning"}


def check_languages(run: Run, control: Any, narrative: Json, place: Place, said: str) -> None:
    """The sections by language: `_no`, `_yes`, `_resource` (the resource's own language) or a language."""
    div = narrative.get("div")
    sections = Content(div).languages if type(div) is str else []
    kind = control.lstrip("_#") if type(control) is str and control[:1] in ("_", "#") else ""
    if kind == "no":
        if sections:
            _fault(run, "error", "must not have language sections", place, said)
    elif kind == "yes":
        if not sections:
            _fault(run, "error", "must have language sections", place, said)
    else:
        wanted = run.resource.get("language") if kind in ("rl", "resource") else control
        if not sections or not wanted:
            _fault(run, "warning", "should have a section in the language that the profile asks for", place, said)
        elif wanted not in sections:
            _fault(run, "error", "must have a section in the language that the profile asks for", place, said)


def check_sources(run: Run, level: Any, narrative: Json, place: Place, said: str) -> None:
    """Each part of the narrative that has text says by its class where that is from."""
    div = narrative.get("div")
    if type(div) is not str or not Content(div).unlabelled:
        return
    severity = _LEVELS.get(level, "error") if type(level) is str else "error"
    _fault(run, severity, "has text in parts whose class does not say where it is from", place, said,
           rule="narrative-source")  # fmt: skip


def _fault(
    run: Run, severity: Severity, what: str, place: Place, said: str, *, rule: str = "narrative-language"
) -> None:
    run.add(severity, "business-rule", rule, f"The narrative {what}.", place, profile=said)
