"""docs/validation.md lists what the validator supports: each row names a test module that exists and passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.errors import BadProfile
from gateway.validation import Validator
from tests.validation.conftest import profile

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (test_\w+) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:30])
def test_each_supported_construct_has_its_tests(row: tuple[str, str, str]) -> None:
    module = next((ROOT / "tests").rglob(f"{row[2]}.py"), None)
    assert module is not None
    assert "def test_" in module.read_text(encoding="utf-8")


def test_the_list_is_there() -> None:
    assert len(ROWS) >= 18


def test_discriminators_that_are_not_listed_do_not_compile() -> None:
    head = {"id": "Patient.name", "path": "Patient.name", "slicing": {
        "discriminator": [{"type": "value", "path": "family.matches('x')"}], "rules": "open"}}  # fmt: skip
    part = {"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a", "min": 1}
    definition = profile("Patient", [head, part])
    with pytest.raises(BadProfile, match=r"Patient\.name:a"):
        Validator.load([], resources=[definition]).check({"resourceType": "Patient"}, profiles=[definition["url"]])


def test_an_invariant_that_cannot_be_run_is_said_not_to_be_checked() -> None:
    odd = {"key": "x-1", "severity": "error", "human": "x", "expression": "zebra(family)"}
    definition = profile("Patient", [{"id": "Patient.name", "path": "Patient.name", "constraint": [odd]}])
    validator = Validator.load([], resources=[definition])
    found = validator.check({"resourceType": "Patient", "name": [{"family": "A"}]}, profiles=[definition["url"]])
    assert [(i.severity, i.rule) for i in found if i.rule == "invariant-undecided"] == [
        ("information", "invariant-undecided")
    ]
