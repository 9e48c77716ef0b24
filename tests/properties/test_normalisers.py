"""Properties of reading: never a crash, canonical forms stay as they are, and refusals never hold the value."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import dates, identifiers
from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam
from gateway.domain.codes import Answer, PopulationOfFocus
from gateway.domain.criteria import assess
from gateway.domain.identifiers import Unreadable
from gateway.domain.member import Member, MemberName
from gateway.domain.referral import CriterionAnswer, Key, ProgramAnswer, Referral, Referrer
from gateway.domain.rules import of_care_plan, of_care_team, of_referral
from gateway.doors.readers import Readers
from gateway.errors import GatewayError
from gateway.mapping import criteria, leaves, structure, transforms
from gateway.mapping.leaves import Surroundings
from tests.conftest import NOW, ROOT

TODAY = NOW.date()
READERS = Readers.load(ROOT / "mappings")
AROUND = Surroundings(TODAY, READERS.concepts)
TABLES = criteria.load(ROOT / "mappings" / "criteria")
READ = [
    identifiers.cin,
    identifiers.npi,
    identifiers.tin,
    identifiers.zip_code,
    identifiers.aid_code,
    identifiers.diagnosis_code,
    identifiers.plan_code,
    leaves.phone,
    leaves.email,
]
NEAR = st.one_of(
    st.text(max_size=40),
    st.text("0123456789", min_size=5, max_size=16),
    st.from_regex(r"\+?[0-9() .\-]{7,18}( x[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[0-9]{8}[A-Z]([0-9]([0-9]{4})?)?", fullmatch=True),
    st.from_regex(r"[12][0-9]{9}", fullmatch=True),
    st.emails(),
)


@pytest.mark.parametrize("read", READ, ids=lambda read: read.__name__)
@given(written=NEAR)
def test_reading_refuses_or_settles(read, written: str) -> None:  # type: ignore[no-untyped-def]
    try:
        once = read(written)
    except Unreadable as refused:
        quoted = len(written.strip()) >= 5 and written.strip() in refused.message
    else:
        quoted = read(once) != once
    assert not quoted


@given(st.dates(min_value=date(1800, 1, 1), max_value=date(2099, 12, 31)))
def test_a_day_in_every_form_is_that_day(day: date) -> None:
    forms = [day.isoformat(), f"{day:%m/%d/%Y}", f"{day.month}/{day.day}/{day.year}", f"{day:%m-%d-%Y}", f"{day} 13:45"]
    assert {dates.day(form) for form in forms} == {day}


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[0-9/\-:T Z+]{4,25}", fullmatch=True)))
def test_no_text_breaks_the_date_reader(written: str) -> None:
    try:
        found = dates.day(written)
    except Unreadable:
        return
    assert dates.day(found.isoformat()) == found


@given(st.from_regex(r"9[0-9]{7}[A-Z]", fullmatch=True), st.integers(0, 9), st.integers(0, 9), st.integers(1, 366))
def test_a_card_and_its_cin_are_one(cin: str, check: int, year: int, day: int) -> None:
    assert identifiers.cin(f"{cin}{check}") == identifiers.cin(f"{cin[:4]} {cin[4:]}{check}{year}{day:03}") == cin


@given(st.from_regex(r"[12][0-9]{8}", fullmatch=True))
def test_one_digit_of_ten_makes_an_npi(stem: str) -> None:
    good = []
    for last in "0123456789":
        try:
            good.append(identifiers.npi(stem + last))
        except Unreadable:
            continue
    assert len(good) == 1


@given(st.sampled_from(sorted(transforms.TRANSFORMS)), st.text(min_size=1, max_size=60))
def test_no_cell_breaks_a_transform(name: str, cell: str) -> None:
    try:
        raw = transforms.TRANSFORMS[name](cell)
    except Unreadable:
        return
    assert raw is None or isinstance(raw, str | list | dict)


NAMES = "key member name first period members goals phones criteria criterion status role x".split()
RAW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
WHOLE = {Referral: of_referral, CarePlan: of_care_plan, CareTeam: of_care_team}


@pytest.mark.parametrize("kind", list(WHOLE), ids=lambda kind: kind.__name__)
@given(raw=RAW)
def test_any_data_is_built_or_refused_and_the_rules_stand_it(kind, raw: object) -> None:  # type: ignore[no-untyped-def]
    record, findings = structure.build(kind, raw, AROUND)
    assert isinstance(record, kind)
    list(WHOLE[kind](record, TODAY))
    assert findings, "such data is never a whole record"


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_break_a_file_door(data: bytes, headed: bool) -> None:
    for partner, kind in READERS.layouts:
        clean = (ROOT / "fixtures" / "referrals" / f"csv-{partner}-clean" / "file.csv").read_bytes()
        status = 200
        try:
            READERS.table(partner, kind).read((clean[: clean.find(b"\n") + 1] if headed else b"") + data, today=TODAY)
        except GatewayError as refused:
            status = refused.status
        assert status < 500


@given(st.lists(st.text(max_size=20), min_size=44, max_size=44))
def test_no_cells_break_a_row(cells: list[str]) -> None:
    clean = (ROOT / "fixtures" / "referrals" / "csv-kaiser-clean" / "file.csv").read_bytes()
    header = clean.split(b"\r\n")[0]
    row = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"
    try:
        data = header + b"\r\n" + row.encode()
    except UnicodeEncodeError:
        return
    for reading in READERS.table("kaiser", "referral").read(data, today=TODAY).rows:
        for issue in reading.issues:
            said = issue.message.replace("MM/DD/YYYY", "")  # our own words, which a cell may hold too
            assert not any(len(cell.strip()) > 8 and cell.strip() in said for cell in cells)


REFERRALS = st.builds(
    lambda born, populations, answers, programs: Referral(
        key=Key(source="s", id="1"),
        member=Member(name=MemberName(first="Ana", last="Zanzibarovna"), birth_date=born),
        referrer=Referrer(is_member=True),
        populations=tuple(populations),
        criteria=tuple(CriterionAnswer(criterion=one, answer=answer) for one, answer in answers.items()),
        programs=tuple(ProgramAnswer(program=one, answer=answer) for one, answer in programs.items()),
    ),
    st.dates(min_value=date(1905, 1, 1), max_value=TODAY),
    st.lists(st.sampled_from(PopulationOfFocus), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from([*TABLES.criteria, "0.X"]), st.sampled_from(Answer), max_size=12),
    st.dictionaries(st.sampled_from([row.program for row in TABLES.overlaps]), st.sampled_from(Answer), max_size=6),
)


@given(REFERRALS)
def test_the_criteria_engine_never_raises_and_never_blocks(referral: Referral) -> None:
    found = assess(referral, TABLES, on=TODAY)
    assert not any(issue.is_error for issue in criteria.remarks(found))
    assert not set(found.suggested) & set(referral.populations)
    assert {warning.severity for warning in found.warnings} <= {"warning"}


@given(REFERRALS, st.sampled_from(list(TABLES.criteria)))
def test_one_more_yes_never_takes_a_population_away(referral: Referral, criterion: str) -> None:
    rest = tuple(one for one in referral.criteria if one.criterion != criterion)
    more = replace(referral, criteria=(*rest, CriterionAnswer(criterion=criterion, answer=Answer.YES)))
    met = {one.population for one in assess(referral, TABLES, on=TODAY).results if one.shown == "met"}
    assert met <= {one.population for one in assess(more, TABLES, on=TODAY).results if one.shown == "met"}
