"""JSON in our own schemas: what is read can be written and read again, and only strict JSON comes in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.domain.referral import Key
from gateway.doors.readers import Readers
from gateway.errors import BadTable
from tests.conftest import ROOT
from tests.doors.cases import KINDS, TODAY, Case, all_cases
from tests.golden.test_readings import plain

FILLED = [case for case in all_cases() if case.toml["door"] in KINDS and case.statuses & {200, 201}]


@pytest.mark.parametrize("case", FILLED, ids=lambda case: case.name)
def test_what_was_read_is_read_again_the_same(case: Case, readers: Readers) -> None:
    reader = readers.json(KINDS[case.toml["door"]])
    first = reader.read(case.body, today=TODAY).require()
    again = reader.read(json.dumps(plain(first)).encode(), today=TODAY)
    assert not again.errors
    assert again.value == first


@pytest.mark.parametrize("name", ["csv-kaiser-clean", "csv-eldermark-clean"])
def test_the_same_facts_by_two_doors_are_one_record(name: str, readers: Readers) -> None:
    case = next(one for one in all_cases() if one.folder.name == name)
    file = readers.table(case.toml["partner"], "referral").read(case.body, today=TODAY)
    for row in file.accepted:
        again = readers.json("referral").read(json.dumps(plain(row.value)).encode(), today=TODAY)
        assert again.require() == row.value


@pytest.mark.parametrize("case", FILLED, ids=lambda case: case.name)
def test_every_member_that_is_broken_is_named(case: Case, readers: Readers) -> None:
    """Each leaf of a good record is replaced by a number, one at a time: the door names its path."""
    reader = readers.json(KINDS[case.toml["door"]])
    good = json.loads(case.body)
    for steps in _leaves(good, ()):
        reading = reader.read(json.dumps(_with(good, steps)).encode(), today=TODAY)
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
        assert path in {issue.expression for issue in reading.errors}


@pytest.mark.parametrize("case", [c for c in all_cases() if c.toml["door"] in KINDS], ids=lambda case: case.name)
def test_both_checkers_of_the_schema_agree(case: Case, readers: Readers) -> None:
    reader = readers.json(KINDS[case.toml["door"]])
    try:
        good = json.loads(case.body)
    except (ValueError, RecursionError):
        return
    for value in (7, "", "x", None, True, [], {}, "2026-02-30", "2026-03-02", "2026-03-02T09:30:00Z", "x" * 100_001):
        for steps in _leaves(good, ())[::9]:
            raw = _with(good, steps, value)
            assert reader.gate.is_valid(raw) == (not list(reader.wording().iter_errors(raw)))


def test_a_mappings_folder_without_its_tables_stops_the_process(tmp_path: Path) -> None:
    for folder in ("criteria", "schemas"):
        (tmp_path / folder).symlink_to(ROOT / "mappings" / folder)
    with pytest.raises(BadTable, match="placeholder"):
        Readers.load(tmp_path)


def _leaves(value: object, steps: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for name, part in value.items() for leaf in _leaves(part, (*steps, name))]
    if isinstance(value, list):
        return [leaf for at, part in enumerate(value) for leaf in _leaves(part, (*steps, at))]
    return [steps]


def _with(value: object, steps: tuple[str | int, ...], leaf: object = 7) -> object:
    if not steps:
        return leaf
    first, rest = steps[0], steps[1:]
    if isinstance(value, list) and isinstance(first, int):
        return [_with(part, rest, leaf) if at == first else part for at, part in enumerate(value)]
    assert isinstance(value, dict)
    return {name: _with(part, rest, leaf) if name == first else part for name, part in value.items()}


def test_what_is_missing_is_said_once(readers: Readers) -> None:
    said = [(issue.rule, issue.expression) for issue in readers.json("care-plan").read(b"{}", today=TODAY).errors]
    assert len(said) == len(set(said)) > 1


MINIMAL = json.loads((ROOT / "fixtures" / "referrals" / "json-minimal" / "body.json").read_bytes())
UNKEYED = {name: part for name, part in MINIMAL.items() if name != "key"}


def test_a_referral_without_a_key_has_one_of_its_content(readers: Readers) -> None:
    reader = readers.json("referral")
    first = reader.read(json.dumps(UNKEYED).encode(), today=TODAY)
    other_form = json.dumps(dict(reversed(UNKEYED.items())), indent=1, ensure_ascii=False).encode()
    assert first.require().key.source == "unkeyed"
    assert reader.read(other_form, today=TODAY).require() == first.require()
    corrected = reader.read(json.dumps({**UNKEYED, "need": "a bed"}).encode(), today=TODAY)
    assert corrected.require().key != first.require().key
    assert [issue.rule for issue in first.issues if issue.severity == "warning"] == ["key-from-content"]


def test_next_year_s_referral_is_not_this_year_s(readers: Readers) -> None:
    def keys(**said: str) -> set[Key]:
        data = json.dumps({**UNKEYED, **said}).encode()
        days = (TODAY, TODAY.replace(year=TODAY.year + 1))
        return {readers.json("referral").read(data, today=day).require().key for day in days}

    assert len(keys()) == 2
    assert len(keys(authored="2026-03-01")) == 1


@pytest.mark.parametrize("kind", ["care-plan", "care-team", "referral-change"])
def test_what_is_revised_needs_a_key(kind: str, readers: Readers) -> None:
    assert ("required", "key") in [(i.rule, i.expression) for i in readers.json(kind).read(b"{}", today=TODAY).errors]


@pytest.mark.parametrize("key", [None, {}, {"id": "1"}, "1", []])
def test_a_key_that_cannot_be_read_is_not_replaced(key: object, readers: Readers) -> None:
    reading = readers.json("referral").read(json.dumps({**UNKEYED, "key": key}).encode(), today=TODAY)
    assert reading.errors


@pytest.mark.parametrize(
    ("place", "given", "rule"),
    [
        ("email", "nobody", "email-shape"),
        ("address", {"zip": "9"}, "zip-shape"),
        ("supports", [{"name": {"text": "Rosa"}, "email": "x"}], "email-shape"),
    ],
)
def test_what_cannot_be_read_is_not_called_missing(place: str, given: object, rule: str, readers: Readers) -> None:
    member = {name: part for name, part in MINIMAL["member"].items() if name != "phones"} | {place: given}
    reading = readers.json("referral").read(json.dumps({**MINIMAL, "member": member}).encode(), today=TODAY)
    assert [issue.rule for issue in reading.errors] == [rule]
