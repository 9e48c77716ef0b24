"""Race, ethnicity and languages as US Core and FHIR extensions of Patient.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-race.html
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.codes import Ethnicity, Race
from gateway.fhir.codec import Json
from gateway.mapping import systems

RACE = systems.US_CORE + "us-core-race"
ETHNICITY = systems.US_CORE + "us-core-ethnicity"
OMB = "urn:oid:2.16.840.1.113883.6.238"
NULL_FLAVOR = systems.THO + "v3-NullFlavor"
PROFICIENCY = "http://hl7.org/fhir/StructureDefinition/patient-proficiency"
MODE = systems.THO + "v3-LanguageAbilityMode"
SPOKEN, WRITTEN = "ESP", "EWR"

_RACES: dict[Race, tuple[str, str]] = {
    Race.AIAN: ("1002-5", "American Indian or Alaska Native"),
    Race.ASIAN: ("2028-9", "Asian"),
    Race.BLACK: ("2054-5", "Black or African American"),
    Race.NHPI: ("2076-8", "Native Hawaiian or Other Pacific Islander"),
    Race.WHITE: ("2106-3", "White"),
    Race.OTHER: ("", "Other race"),  # not an OMB category: in the text alone
    Race.DECLINED: ("ASKU", "Asked but no answer"),
}
_ETHNICITIES: dict[Ethnicity, tuple[str, str]] = {
    Ethnicity.HISPANIC: ("2135-2", "Hispanic or Latino"),
    Ethnicity.NOT_HISPANIC: ("2186-5", "Not Hispanic or Latino"),
    Ethnicity.DECLINED: ("ASKU", "Asked but no answer"),
}
_RACE_TEXT = {text: race for race, (_, text) in _RACES.items()}
_RACE_CODE = {code: race for race, (code, _) in _RACES.items() if code}
_ETHNICITY_CODE = {code: ethnicity for ethnicity, (code, _) in _ETHNICITIES.items()}
_BETWEEN = "; "


def race(races: Sequence[Race]) -> Json | None:
    """The US Core race extension: OMB categories as codes, all that was said as text."""
    if not races:
        return None
    coded = [_omb(*_RACES[one]) for one in races if one not in (Race.OTHER, Race.DECLINED) or len(races) == 1]
    text = _BETWEEN.join(_RACES[one][1] for one in races)
    return {
        "url": RACE,
        "extension": [*(one for one in coded if one["valueCoding"]["code"]), {"url": "text", "valueString": text}],
    }


def races_from(resource: Json) -> tuple[Race, ...]:
    """From the text where it is ours, from the codes otherwise."""
    parts = _parts(resource, RACE)
    texts = [text for part in parts for text in part.get("valueString", "").split(_BETWEEN) if text]
    if texts and all(text in _RACE_TEXT for text in texts):
        return tuple(_RACE_TEXT[text] for text in texts)
    coded = [part["valueCoding"]["code"] for part in parts if part["url"] == "ombCategory"]
    return tuple(_RACE_CODE[code] for code in coded if code != "UNK")


def ethnicity(value: Ethnicity | None) -> Json | None:
    if value is None:
        return None
    coded = _omb(*_ETHNICITIES[value])
    return {"url": ETHNICITY, "extension": [coded, {"url": "text", "valueString": coded["valueCoding"]["display"]}]}


def ethnicity_from(resource: Json) -> Ethnicity | None:
    coded = (part["valueCoding"]["code"] for part in _parts(resource, ETHNICITY) if part["url"] == "ombCategory")
    code = next(coded, "UNK")
    return None if code == "UNK" else _ETHNICITY_CODE[code]


def communication(spoken: str | None, written: str | None) -> list[Json]:
    """Patient.communication: the preferred spoken and written language, each with its mode."""
    return [
        {
            "extension": [
                {"url": PROFICIENCY, "extension": [{"url": "type", "valueCoding": {"system": MODE, "code": mode}}]}
            ],
            "language": {"coding": [{"system": systems.BCP47, "code": language}]},
            "preferred": True,
        }
        for mode, language in ((SPOKEN, spoken), (WRITTEN, written))
        if language
    ]


def language_from(resource: Json, mode: str) -> str | None:
    """The language of one mode; a language without any mode is taken as spoken."""
    for one in resource.get("communication", ()):
        modes = {part["valueCoding"]["code"] for part in _parts(one, PROFICIENCY) if part["url"] == "type"}
        if mode in (modes or {SPOKEN}):
            codes = (c["code"] for c in one["language"].get("coding", ()) if c.get("system") == systems.BCP47)
            return next(codes, None)
    return None


def _omb(code: str, display: str) -> Json:
    system = NULL_FLAVOR if code == "ASKU" else OMB
    return {"url": "ombCategory", "valueCoding": {"system": system, "code": code, "display": display}}


def _parts(element: Json, url: str) -> list[Json]:
    return [part for one in element.get("extension", ()) if one.get("url") == url for part in one.get("extension", ())]
