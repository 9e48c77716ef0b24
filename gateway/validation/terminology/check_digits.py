"""Codes that carry a check digit: one that does not fit is no code of its system, whatever the version.

- CDCREC: modulus 10, as LOINC (https://loinc.org/faq/structure-of-loinc-codes-and-names/)
- SNOMED CT: Verhoeff's dihedral check, 6 to 18 digits (https://confluence.ihtsdotools.org/display/DOCRELFMT, 6.2)
"""

from __future__ import annotations

import re
from typing import Final

_CDCREC: Final = re.compile(r"[0-9]{4}-[0-9]", re.ASCII)
_ANSWER: Final = re.compile(r"LA[0-9]{1,6}-[0-9]", re.ASCII)
_LOINC: Final = re.compile(r"[0-9]{1,7}-[0-9]", re.ASCII)
_PART: Final = re.compile(r"(?:L[ALPG]|MTHU)[0-9]{1,12}(?:-[0-9])?", re.ASCII)
_EXPRESSION: Final = frozenset(":+=|{}()")
_SCTID: Final = re.compile(r"[1-9][0-9]{5,17}", re.ASCII)
_TURNS: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
"""Verhoeff's permutation, applied once more for each place."""


def is_cdcrec(code: str) -> bool:
    """Whether a code has the form of CDC Race and Ethnicity."""
    return _CDCREC.fullmatch(code) is not None and _modulus_10(code[:4]) == int(code[5])


def is_loinc_answer(code: str) -> bool:
    """Whether a code has the form of LOINC's answers (`LA6690-7`), whose digit is reckoned otherwise."""
    return _ANSWER.fullmatch(code) is not None


def is_sctid(code: str) -> bool:
    """Whether a code has the form of a concept of SNOMED CT."""
    return _SCTID.fullmatch(code) is not None and code[-3] in "01" and code[-2] == "0" and _verhoeff(code) == 0


def impossible(system: str, code: str) -> bool:
    """Whether no version of a code system can have a code, by its form; expressions (SNOMED CT) are let be."""
    if system == "http://snomed.info/sct":
        return not is_sctid(code) and _EXPRESSION.isdisjoint(code)
    if system == "http://loinc.org":
        return not (_PART.fullmatch(code) or (_LOINC.fullmatch(code) and _modulus_10(code[:-2]) == int(code[-1])))
    return system == "http://www.nlm.nih.gov/research/umls/rxnorm" and not (code.isascii() and code.isdigit())


def _modulus_10(digits: str) -> int:
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return -sum(number // 10 + number % 10 for number in doubled) % 10


def _verhoeff(digits: str) -> int:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _TURNS[turned]
        check = _dihedral(check, turned)
    return check


def _dihedral(left: int, right: int) -> int:
    """The product of two of the ten symmetries of a pentagon: 0 to 4 turn it, 5 to 9 turn it over."""
    if left < 5:
        return (left + right) % 5 + (5 if right >= 5 else 0)
    return (left - right) % 5 + (0 if right >= 5 else 5)
