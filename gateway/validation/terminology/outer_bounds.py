"""Codes that value sets which are not at hand surely have, and surely do not have.

VSAC does not let its value sets be shipped. What US Core says in words, and what is published elsewhere, bounds them:
here is no less than a set holds, so that a code within the bounds stays unknown, and one beyond them is in no version.

- the OMB's categories, ASKU and UNK: https://hl7.org/fhir/us/core/STU5.0.1/ValueSet-omb-race-category.html and
  ValueSet-omb-ethnicity-category.html, the last that were listed; 8.0.0 takes asked-declined too (StructureDefinition-
  us-core-race.html, invariant us-core-23, and its value set 2.16.840.1.113883.4.642.2.575)
- sex at birth, with ASKU, OTH and UNK: https://hl7.org/fhir/us/core/STU5.0.1/ValueSet-birthsex.html
- sex (1240.3), male, female, unknown or declined:
  https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-sex.html
- detailed codes: CDC Race and Ethnicity (CDCREC), https://hl7.org/fhir/us/core/STU3.1.1/CodeSystem-cdcrec.html: four
  digits and a check digit; 2133 to 2187 are ethnicities and all before them races. Later versions add codes, so only
  the form of others is sure
- yes, no and unknown (1267.16): US Core 8.0.0, us-core-interpreter-needed: SNOMED CT, or a way not to say
- LL379-9 (https://loinc.org/LL379-9): answers of LOINC, as all its answer lists
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.validation.terminology.check_digits import is_cdcrec, is_loinc_answer, is_sctid

_VSAC = "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1."
_CDCREC = "urn:oid:2.16.840.1.113883.6.238"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_SNOMED = "http://snomed.info/sct"
_OMB_RACES = "1002-5 2028-9 2054-5 2076-8 2106-3"

Test = Callable[[str], bool]
Bounds = dict[str, Test]
"""Which codes a value set has at most, by code system."""


def _one_of(codes: str) -> Test:
    return frozenset(codes.split()).__contains__


def _race(code: str) -> bool:
    return is_cdcrec(code) and not "2133" <= code[:4] <= "2187"


def _ethnicity(code: str) -> bool:
    return is_cdcrec(code) and code >= "2133"


def _of(system: str, test: Test, *, flavors: str = "ASKU OTH UNK") -> Bounds:
    """Codes of a system, or a way not to say."""
    unsaid = _one_of("asked-declined asked-unknown not-asked unknown")
    return {_TERMS + "v3-NullFlavor": _one_of(flavors), _TERMS + "data-absent-reason": unsaid, system: test}


_BIRTH: Final = _of(_TERMS + "v3-AdministrativeGender", _one_of("F M"))
_RACE_CATEGORIES: Final = _of(_CDCREC, _one_of(_OMB_RACES + " 2131-1"), flavors="ASKU UNK")
_ETHNICITY_CATEGORIES: Final = _of(_CDCREC, _one_of("2135-2 2186-5"), flavors="ASKU UNK")
_BOUNDS: Final[dict[str, Bounds]] = {
    "113762.1.4.1": _BIRTH,
    "113762.1.4.1021.24": _BIRTH,
    "113762.1.4.1021.102": _of(_CDCREC, _one_of(""), flavors="ASKU UNK"),
    "113762.1.4.1021.103": _of(_CDCREC, _one_of("")),
    "113762.1.4.1240.3": _of(_SNOMED, is_sctid),
    "113762.1.4.1267.16": _of(_SNOMED, is_sctid, flavors="ASKU NASK NI OTH UNK NA"),
    "113762.1.4.1267.25": _of(_CDCREC, _race),
    "113883.1.11.14914": _of(_CDCREC, _race),
    "113883.3.2074.1.1.3": _RACE_CATEGORIES,
    "113883.4.642.2.575": _RACE_CATEGORIES,
    "113883.4.642.40.2.48.1": _of(_CDCREC, _ethnicity),
    "113883.4.642.40.2.48.3": _ETHNICITY_CATEGORIES,
    "114222.4.11.836": _RACE_CATEGORIES,
    "114222.4.11.837": _ETHNICITY_CATEGORIES,
    "114222.4.11.877": _of(_CDCREC, _ethnicity),
}
"""By the end of the value set's OID."""

_LISTED: Final[dict[str, Bounds]] = {"113883.3.2074.1.1.3": {_CDCREC: _one_of(_OMB_RACES)}}
"""Codes that a value set surely has: detailed races are those without these."""


def surely_has(value_set: str, system: str | None, code: str) -> bool | None:
    """Whether a value set surely has a code, or surely not (None: neither); `system` None: of whatever system."""
    url = value_set.partition("|")[0]
    if url == "http://loinc.org/vs/LL379-9":
        return None if system in (None, "http://loinc.org") and is_loinc_answer(code) else False
    bounds = _BOUNDS.get(url.removeprefix(_VSAC)) if url.startswith(_VSAC) else None
    if bounds is None:
        return None
    asked = bounds.values() if system is None else [bounds.get(system, _one_of(""))]
    if not any(test(code) for test in asked):
        return False
    listed = _LISTED.get(url.removeprefix(_VSAC), {}).get(system or "")
    return True if listed is not None and listed(code) else None
