"""Profiles that cannot be compiled, or not wholly, say why."""

from __future__ import annotations

import pytest

from gateway.errors import BadProfile
from gateway.validation import Validator
from tests.validation.conftest import Json, profile
from tests.validation.test_profile_corners import CORE, PATIENT, element


def test_an_invariant_that_cannot_be_compiled_says_why() -> None:
    rule = {"key": "b-1", "severity": "error", "human": "h", "expression": "name.nonsense()"}
    definition = profile("Patient", [element("Patient", constraint=[rule])])
    del definition["differential"]["element"][0]
    found = Validator.load([], resources=[definition]).check(PATIENT, profiles=[definition["url"]])
    (said,) = [i for i in found if i.rule == "invariant-undecided"]
    assert "nonsense() is not supported" in said.message


def test_a_form_that_cannot_be_run_safely_is_said_to_be_unchecked() -> None:
    form = {"url": CORE + "regex", "valueString": "(?!a)b+"}
    definition = profile("Patient", [element("Patient.name.family", extension=[form])])
    found = Validator.load([], resources=[definition]).check(PATIENT, profiles=[definition["url"]])
    assert [(i.severity, i.rule) for i in found if i.rule == "regex-unchecked"] == [("information", "regex-unchecked")]


@pytest.mark.parametrize("kind", ["position", "zebra"])
def test_a_discriminator_type_that_r4_does_not_have_is_refused(kind: str) -> None:
    definition = profile("Patient", [
        element("Patient.identifier", slicing={"discriminator": [{"type": kind, "path": "system"}], "rules": "open"}),
        element("Patient.identifier:a"),
        element("Patient.identifier:a.system", fixedUri="http://a.example"),
    ])  # fmt: skip
    with pytest.raises(BadProfile, match="discriminator type"):
        Validator.load([], resources=[definition]).profile(definition["url"])


def test_an_element_that_is_malformed_is_named() -> None:
    definition = profile("Patient", [element("Patient.name", max="many")])
    with pytest.raises(BadProfile, match=r"the element Patient\.name"):
        Validator.load([], resources=[definition]).profile(definition["url"])


@pytest.mark.parametrize(
    "rules",
    [
        {"constraint": [{"key": "k", "severity": "error", "human": "h", "expression": 7}]},
        {"binding": {"strength": "urgent", "valueSet": "http://a.example/v"}},
        {"binding": {"strength": "required", "valueSet": 7}},
    ],
)
def test_rules_that_are_no_text_are_refused(rules: Json) -> None:
    definition = profile("Patient", [element("Patient.maritalStatus", **rules)])
    with pytest.raises(BadProfile, match=r"the element Patient\.maritalStatus"):
        Validator.load([], resources=[definition]).profile(definition["url"])
