"""Whether a definition, or a part of one, is meant for R4. https://hl7.org/fhir/extensions/StructureDefinition-version-specific-use.html"""

from __future__ import annotations

from gateway.validation.compiled import Json

_R4 = (4, 0, 1)
_USE = "http://hl7.org/fhir/StructureDefinition/version-specific-use"


def meant_for_r4(part: Json) -> bool:
    """Whether R4 is among the versions of FHIR that a definition or a context says it is for: all, if it says none."""
    for use in part.get("extension") or ():
        if use.get("url") != _USE:
            continue
        said = {one.get("url"): one.get("valueCode") for one in use.get("extension") or ()}
        start, end = _parts(said.get("startFhirVersion")), _parts(said.get("endFhirVersion"))
        if start > _R4[: len(start)] or (end and end < _R4[: len(end)]):
            return False
    return True


def _parts(version: object) -> tuple[int, ...]:
    """The numbers of a version, as far as they are numbers."""
    found: list[int] = []
    for part in version.split(".") if isinstance(version, str) else ():
        if not (part.isascii() and part.isdigit() and len(part) < 6):
            break
        found.append(int(part))
    return tuple(found[:3])
