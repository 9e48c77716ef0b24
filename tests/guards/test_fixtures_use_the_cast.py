"""Every member of the JSON fixtures that are accepted is one of the cast, with the same number and birth date."""

from __future__ import annotations

import tomllib

import pytest

from gateway.doors.readers import Readers
from tests.conftest import CANARY, ROOT
from tests.doors.cases import Case, all_cases, read

CAST = tomllib.loads((ROOT / "fixtures" / "cast" / "people.toml").read_text(encoding="utf-8"))
READERS = Readers.load(ROOT / "mappings")


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_the_members_of_a_case_are_of_the_cast(case: Case) -> None:
    known = {(one["first"], one["last"], one["birth_date"]): one["cin"] for one in CAST.values()}
    for reading in read(case, READERS).readings:
        if reading.value is not None:
            member = reading.value.member
            assert member.cin in (None, known[member.name.first, member.name.last, member.birth_date])


def test_the_whole_cast_bears_the_canary() -> None:
    assert all(CANARY in one["last"].lower() for one in CAST.values())
