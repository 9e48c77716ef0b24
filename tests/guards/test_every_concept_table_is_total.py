"""Every code of a closed list can be written in a file, and no concept table gives a code that is not in the list."""

from __future__ import annotations

import csv

import pytest

from gateway.domain import codes
from gateway.domain.codes import Answer
from gateway.mapping import concepts
from tests.conftest import NOW, ROOT

TABLES = concepts.load(ROOT / "mappings" / "concepts")
LISTS = {
    "population": codes.PopulationOfFocus,
    "gender": codes.Gender,
    "race": codes.Race,
    "ethnicity": codes.Ethnicity,
    "access-format": codes.AccessFormat,
    "relationship": codes.Relationship,
    "source-category": codes.SourceCategory,
    "kinship": codes.Kinship,
    "contact-method": codes.ContactMethod,
    "urgency": codes.Urgency,
    "channel": codes.Channel,
    "agreement": codes.AgreementKind,
    "age-form": codes.AgeForm,
    "updates-by": codes.UpdatesBy,
    "yes-no": Answer,
}
OPEN = {
    "language",
    "state",
    "county",
    "plan",
    "hcp-code",
    "program",
    "community-support",
    "unknown-word",
    "placeholder",
    "referral-status",
    "loop-closure-reason",
    "life-cycle-state",
    "discontinuation-reason",
}
"""Their codes are the list: no enumeration stands behind them."""


def test_every_table_is_one_or_the_other() -> None:
    assert set(LISTS) | OPEN == set(TABLES)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_the_table_gives_exactly_the_codes_of_its_list(name: str) -> None:
    assert set(TABLES[name].codes) == {code.value for code in LISTS[name]}


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"yes-no", "unknown-word", "placeholder", "hcp-code"}))
def test_every_code_is_a_label_of_itself(name: str) -> None:
    for code in TABLES[name].codes:
        assert TABLES[name].code(code, on=NOW.date()) == code


def test_programs_and_their_overlap_are_the_same_list() -> None:
    with (ROOT / "mappings" / "criteria" / "overlap.csv").open(encoding="utf-8", newline="") as file:
        assert {row["program"] for row in csv.DictReader(file)} == TABLES["program"].codes


def test_plan_codes_lead_to_plans() -> None:
    assert TABLES["hcp-code"].codes <= TABLES["plan"].codes


def test_there_are_58_counties() -> None:
    assert len(TABLES["county"].codes) == 58
