"""Observations that R4 says must follow a vital signs profile, because of their code.

https://hl7.org/fhir/R4/observation-vitalsigns.html: "implementers that use these codes SHALL conform".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.validation.compiled import Json

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"
PROFILES: Final[dict[tuple[str, str], str]] = {
    (_LOINC, "85353-1"): _CORE + "vitalspanel",
    (_LOINC, "9279-1"): _CORE + "resprate",
    (_LOINC, "8867-4"): _CORE + "heartrate",
    (_LOINC, "2708-6"): _CORE + "oxygensat",
    (_LOINC, "8310-5"): _CORE + "bodytemp",
    (_LOINC, "8302-2"): _CORE + "bodyheight",
    (_LOINC, "9843-4"): _CORE + "headcircum",
    (_LOINC, "29463-7"): _CORE + "bodyweight",
    (_LOINC, "39156-5"): _CORE + "bmi",
    (_LOINC, "85354-9"): _CORE + "bp",
    (_SNOMED, "86290005"): _CORE + "resprate",
    (_SNOMED, "364075005"): _CORE + "heartrate",
    (_SNOMED, "103228002"): _CORE + "oxygensat",
    (_SNOMED, "386725007"): _CORE + "bodytemp",
    (_SNOMED, "276885007"): _CORE + "bodytemp",
    (_SNOMED, "50373000"): _CORE + "bodyheight",
    (_SNOMED, "363812007"): _CORE + "headcircum",
    (_SNOMED, "27113001"): _CORE + "bodyweight",
    (_SNOMED, "60621009"): _CORE + "bmi",
    (_SNOMED, "75367002"): _CORE + "bp",
}
"""Codes of R4's vital signs table, and the SNOMED CT concepts of the same measurements."""


def vital_signs(observation: Json) -> Iterator[str]:
    """The vital signs profiles that an Observation's code calls for."""
    code = observation.get("code")
    codings = code.get("coding") if type(code) is dict else None
    found: dict[str, None] = {}
    for coding in codings if type(codings) is list else ():
        if type(coding) is dict:
            profile = PROFILES.get(_key(coding.get("system"), coding.get("code")))
            if profile is not None:
                found[profile] = None
    yield from found


def _key(system: Any, code: Any) -> tuple[str, str]:
    return (system if type(system) is str else "", code if type(code) is str else "")
