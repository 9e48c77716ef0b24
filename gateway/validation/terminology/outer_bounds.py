"""Codes that value sets which are not at hand surely do not have.

VSAC does not let its value sets be shipped. US Core's pages say which codes those for race, ethnicity and sex at birth
hold (https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-race.html and its neighbours); here is no less
than that, so that a code within these bounds stays unknown, and one beyond them is in none of the sets.
"""

from __future__ import annotations

from typing import Final

_VSAC = "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1."
_RACE = "urn:oid:2.16.840.1.113883.6.238"
_V3 = "http://terminology.hl7.org/CodeSystem/v3-"
Bounds = dict[str, frozenset[str] | None]
"""The codes that a value set has at most, by code system; None: any."""


def _of(system: str, codes: str | None) -> Bounds:
    """Codes of a system, or a null flavor."""
    flavors = frozenset("NI INV DER OTH NINF PINF UNC MSK NA UNK ASKU NAV NASK NAVU QS TRC NP".split())
    return {_V3 + "NullFlavor": flavors, system: None if codes is None else frozenset(codes.split())}


_SEX: Final = _of(_V3 + "AdministrativeGender", "F M UN")
_BOUNDS: Final[dict[str, Bounds]] = {
    "113762.1.4.1": _SEX,
    "113762.1.4.1021.24": _SEX,
    "113762.1.4.1021.102": _of(_RACE, ""),
    "113762.1.4.1021.103": _of(_RACE, ""),
    "114222.4.11.836": _of(_RACE, "1002-5 2028-9 2054-5 2076-8 2106-3 2131-1"),
    "114222.4.11.837": _of(_RACE, "2135-2 2186-5"),
    "114222.4.11.877": _of(_RACE, None),
    "113883.1.11.14914": _of(_RACE, None),
    "113883.3.2074.1.1.3": _of(_RACE, None),
}
"""By the end of the value set's OID."""


def surely_out(value_set: str, system: str | None, code: str) -> bool:
    """Whether a value set surely does not have a code; `system` None: of whatever system."""
    url = value_set.partition("|")[0]
    bounds = _BOUNDS.get(url.removeprefix(_VSAC)) if url.startswith(_VSAC) else None
    if bounds is None:
        return False
    asked = bounds.values() if system is None else [bounds.get(system, frozenset())]
    return not any(codes is None or code in codes for codes in asked)
