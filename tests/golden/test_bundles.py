"""What each case becomes as FHIR: `bundles.json` beside the case, one Bundle for each record that was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.doors.readers import Readers
from gateway.fhir import codec
from gateway.mapping import care_plan, care_team, referral
from tests.conftest import ROOT
from tests.doors.cases import Case, all_cases, read
from tests.mapping.contexts import CONTEXT
from tests.profiles.ecm import validator

READERS = Readers.load(ROOT / "mappings")
MAPPERS: dict[str, Any] = {"Referral": referral, "CarePlan": care_plan, "CareTeam": care_team}


def records(case: Case) -> list[Any]:
    """The records that the case's door lets in."""
    readings = read(case, READERS).readings
    return [one.value for one in readings if one.value is not None and not any(i.is_error for i in one.issues)]


def shown(case: Case) -> bool:
    """Whether the case is about what is carried, not about how a file is read."""
    return case.name.partition("/")[2].startswith(("json-", "filled", "minimal", "lead-")) or case.name.endswith(
        "-clean"
    )


CASES = [case for case in all_cases() if records(case)]
SHOWN = [case for case in CASES if shown(case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_let_in_becomes_valid_fhir_and_comes_back(case: Case) -> None:
    for record in records(case):
        mapper = MAPPERS[type(record).__name__]
        bundle = codec.read(codec.write(mapper.to_fhir(record, context=CONTEXT)))
        assert [issue for issue in validator().check(bundle) if issue.is_error] == []
        assert mapper.from_fhir(bundle) == record


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: case.name)
def test_the_bundle_is_as_reviewed(case: Case, golden: Callable[[Path, object], None]) -> None:
    written = [MAPPERS[type(record).__name__].to_fhir(record, context=CONTEXT) for record in records(case)]
    golden(case.folder / "bundles.json", written)


def test_there_are_cases_to_look_at() -> None:
    assert {type(record).__name__ for case in SHOWN for record in records(case)} == set(MAPPERS)
