"""Codes whose check digit does not fit are codes of nothing."""

from __future__ import annotations

import pytest

from gateway.validation.terminology.check_digits import impossible, is_cdcrec, is_loinc_answer, is_sctid


@pytest.mark.parametrize("code", ["1002-5", "2028-9", "2106-3", "2500-7", "1586-7"])
def test_races_have_a_check_digit(code: str) -> None:
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert is_cdcrec(code)
    assert not any(is_cdcrec(each) for each in (wrong, code[1:], code + "0", "x" + code[1:], code.replace("-", "")))


@pytest.mark.parametrize("code", ["404684003", "373066001", "71388002", "446141000124107", "138875005"])
def test_concepts_of_snomed_have_a_check_digit(code: str) -> None:
    swapped = code[:2] + code[3] + code[2] + code[4:]
    assert is_sctid(code)
    assert code[2] == code[3] or not is_sctid(swapped)
    assert not any(is_sctid(each) for each in (code[:-1] + str((int(code[-1]) + 1) % 10), "0" + code, "12", code + "x"))


def test_answers_of_loinc_have_a_form() -> None:
    assert is_loinc_answer("LA6690-7")
    assert not any(is_loinc_answer(code) for code in ("6690-7", "LA-7", "LP6690-7", "LA6690"))


@pytest.mark.parametrize(
    ("system", "code", "out"),
    [
        ("http://loinc.org", "8480-6", False),
        ("http://loinc.org", "LA6690-7", False),
        ("http://loinc.org", "LP7839-6", False),
        ("http://loinc.org", "8480-7", True),
        ("http://loinc.org", "blood-pressure", True),
        ("http://snomed.info/sct", "386661006", False),
        ("http://snomed.info/sct", "386661006:246112005=24484000", False),
        ("http://snomed.info/sct", "386661007", True),
        ("http://snomed.info/sct", "fever", True),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "1049502", False),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "aspirin", True),
        ("http://hl7.org/fhir/sid/icd-10-cm", "anything", False),
    ],
)
def test_what_no_version_can_have(system: str, code: str, *, out: bool) -> None:
    assert impossible(system, code) is out
