"""The criteria engine explains, suggests and warns; it never blocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.domain.codes import Answer, PopulationOfFocus, Race
from gateway.domain.criteria import Assessment, CriteriaTables, Shown, assess
from gateway.domain.member import Coverage, Member, MemberName
from gateway.domain.overlap import overlap
from gateway.domain.referral import CriterionAnswer, Key, ProgramAnswer, Referral, Referrer, Streamlined
from gateway.mapping import criteria
from tests.conftest import NOW, ROOT

TODAY = NOW.date()
ADULT, CHILD = date(1980, 4, 5), date(2012, 6, 15)


@pytest.fixture(scope="module")
def tables() -> CriteriaTables:
    return criteria.load(ROOT / "mappings" / "criteria")


def referral(
    *populations: str, born: date = ADULT, yes: str = "", no: str = "", unknown: str = "", **more: object
) -> Referral:
    answers = {Answer.YES: yes, Answer.NO: no, Answer.UNKNOWN: unknown}
    member = Member(name=MemberName(first="Ana", last="Zanzibarovna"), birth_date=born)
    made = Referral(
        key=Key(source="test", id="1"),
        member=member,
        referrer=Referrer(is_member=True),
        populations=tuple(PopulationOfFocus(one) for one in populations),
        criteria=tuple(CriterionAnswer(criterion=c, answer=a) for a, ids in answers.items() for c in ids.split()),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def shown(found: Assessment, population: str) -> Shown:
    return next(one.shown for one in found.results if one.population == population)


@pytest.mark.parametrize(
    ("population", "born", "yes", "expected"),
    [
        ("1a", ADULT, "1.H1 1.N1", Shown.MET),
        ("1a", ADULT, "1.H1", Shown.NOT_SHOWN),
        ("1a", ADULT, "1.T1", Shown.MET),
        ("1a", ADULT, "1.H1 9.1", Shown.MET),
        ("1b", CHILD, "1.M1", Shown.MET),
        ("1b", ADULT, "1.H6", Shown.MET),
        ("2", ADULT, "2.A2", Shown.MET),
        ("2", ADULT, "2.C2", Shown.NOT_SHOWN),
        ("2", CHILD, "2.C2", Shown.MET),
        ("3", ADULT, "3.B1 3.S1", Shown.NOT_SHOWN),
        ("3", ADULT, "3.B2 3.S1 3.R3", Shown.MET),
        ("3", CHILD, "3.B2", Shown.MET),
        ("4", ADULT, "4.J1", Shown.NOT_SHOWN),
        ("4", ADULT, "4.J1 4.C5", Shown.MET),
        ("4", CHILD, "4.J2", Shown.MET),
        ("5", ADULT, "5.L2 5.S1 5.A1", Shown.MET),
        ("5", ADULT, "5.L1 5.A1", Shown.NOT_SHOWN),
        ("6", ADULT, "6.1 6.2", Shown.NOT_SHOWN),
        ("6", ADULT, "6.1 6.2 6.3", Shown.MET),
        ("7", CHILD, "7.1 7.2", Shown.MET),
        ("8", CHILD, "8.5", Shown.MET),
        ("8", date(2003, 12, 31), "8.3", Shown.MET),
        ("8", date(1995, 6, 1), "8.3", Shown.NOT_SHOWN),
        ("8", CHILD, "8.3", Shown.NOT_SHOWN),
        ("9", ADULT, "9.1 9.2", Shown.MET),
        ("9", ADULT, "4.C7 9.2", Shown.MET),
    ],
)
def test_the_policy_guide_s_logic(
    tables: CriteriaTables, population: str, born: date, yes: str, expected: Shown
) -> None:
    assert shown(assess(referral(population, born=born, yes=yes), tables, on=TODAY), population) is expected


def test_unknown_is_neither_met_nor_not_shown(tables: CriteriaTables) -> None:
    found = assess(referral("3", yes="3.B1 3.S1", unknown="3.R1"), tables, on=TODAY)
    assert shown(found, "3") is Shown.UNKNOWN
    assert found.results[0].why == "still to be shown: any of 3.R1, 3.R2, 3.R3"


def test_other_populations_that_are_met_are_suggested(tables: CriteriaTables) -> None:
    found = assess(referral("1a", yes="1.H1 1.N1 2.A1"), tables, on=TODAY)
    assert found.suggested == (PopulationOfFocus.AVOIDABLE_UTILIZATION,)


def test_a_fact_suggests_a_question_and_answers_none(tables: CriteriaTables) -> None:
    plain = referral("1a", yes="9.1")
    found = assess(replace(plain, member=replace(plain.member, races=(Race.BLACK,))), tables, on=TODAY)
    assert found.suggested == ()
    assert PopulationOfFocus.BIRTH_EQUITY in found.worth_asking


@pytest.mark.parametrize(
    ("yes", "suggested", "asked"),
    [("", (), ("1",)), ("1.H1", (), ("1",)), ("1.H1 1.N1", ("1a",), ()), ("1.N1", (), ("1a",)), ("1.M1", (), ("1",))],
)
def test_whether_a_homeless_adult_has_children_along_is_asked(
    tables: CriteriaTables, yes: str, suggested: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    plain = referral("2", yes=yes)
    found = assess(replace(plain, member=replace(plain.member, no_fixed_address=True)), tables, on=TODAY)
    assert (found.suggested, found.worth_asking) == (suggested, asked)


def test_what_is_not_asked_at_an_age_is_not_suggested_by_a_fact(tables: CriteriaTables) -> None:
    former = Coverage(aid_code="4M")
    assert assess(referral("2", born=date(2002, 6, 1), coverage=former), tables, on=TODAY).worth_asking == ("8",)
    assert assess(referral("2", born=date(1990, 6, 1), coverage=former), tables, on=TODAY).worth_asking == ()


def test_a_fact_does_not_overrule_an_answer(tables: CriteriaTables) -> None:
    plain = referral("1a", yes="9.1", no="9.2")
    found = assess(replace(plain, member=replace(plain.member, races=(Race.BLACK,))), tables, on=TODAY)
    assert PopulationOfFocus.BIRTH_EQUITY not in found.worth_asking


def test_homelessness_without_its_kind_is_read_by_age(tables: CriteriaTables) -> None:
    assert shown(assess(referral("1", yes="1.H1 1.N1"), tables, on=TODAY), "1a") is Shown.MET
    assert shown(assess(referral("1", born=CHILD, yes="1.M1"), tables, on=TODAY), "1b") is Shown.MET


def test_a_population_of_the_other_form_warns(tables: CriteriaTables) -> None:
    found = assess(referral("5", born=CHILD), tables, on=TODAY)
    assert [one.rule for one in found.warnings] == ["population-age"]
    assert not assess(referral("8", born=date(2003, 12, 31), yes="8.3"), tables, on=TODAY).warnings


def test_a_criterion_outside_its_age_warns(tables: CriteriaTables) -> None:
    found = assess(referral("2", yes="2.C1"), tables, on=TODAY)
    assert [(one.rule, one.severity) for one in found.warnings] == [("criterion-age", "warning")]


@pytest.mark.parametrize(
    ("program", "answer", "rules"),
    [
        ("mssp", Answer.YES, ["overlap-either"]),
        ("hospice", Answer.YES, ["overlap-no"]),
        ("hospice", Answer.UNKNOWN, ["overlap-no"]),
        ("hospice", Answer.NO, []),
        ("ihss", Answer.YES, []),
    ],
)
def test_overlap_warns(tables: CriteriaTables, program: str, answer: Answer, rules: list[str]) -> None:
    programs = (ProgramAnswer(program=program, answer=answer),)
    found = assess(referral("1a", programs=programs), tables, on=TODAY)
    assert [one.rule for one in found.warnings] == rules
    assert all(one.severity == "warning" for one in found.warnings)


def test_overlap_is_dated_and_a_plan_may_be_stricter(tables: CriteriaTables) -> None:
    def rule(program: str, plan: str | None, on: date) -> str | None:
        row = overlap(program, tables.overlaps, plan=plan, on=on)
        return row.rule if row else None

    assert rule("county-tcm", None, date(2024, 6, 30)) is None
    assert rule("county-tcm", None, date(2024, 7, 1)) == "NO"
    assert rule("ccm", "la-care", TODAY) == "EITHER"
    assert rule("ccm", "kaiser", TODAY) == "NO"
    assert rule("d-snp", "caloptima", date(2023, 6, 1)) == "BOTH"


def test_the_plan_of_the_referral_decides(tables: CriteriaTables) -> None:
    programs = (ProgramAnswer(program="ccm", answer=Answer.YES),)
    found = assess(referral("1a", programs=programs, coverage=Coverage(plan="kaiser")), tables, on=TODAY)
    assert [one.rule for one in found.warnings] == ["overlap-no"]


@pytest.mark.parametrize(
    ("population", "provider", "rules"),
    [
        ("1a", "street-medicine", []),
        ("2", "street-medicine", ["streamlined-pair"]),
        ("9", "midwifery", []),
        ("2", None, []),
    ],
)
def test_streamlined_pairs_warn(
    tables: CriteriaTables, population: str, provider: str | None, rules: list[str]
) -> None:
    begun = Streamlined(used=True, provider_type=provider)
    found = assess(referral(population, streamlined=begun), tables, on=TODAY)
    assert [one.rule for one in found.warnings] == rules


def test_remarks_never_hold_an_error(tables: CriteriaTables) -> None:
    found = assess(referral("5", "9", born=CHILD, yes="2.A1", unknown="9.2"), tables, on=TODAY)
    said = criteria.remarks(found)
    assert {one.rule for one in said} >= {"criteria-open", "population-age", "criterion-age"}
    assert not any(one.is_error for one in said)


def test_a_bad_table_names_file_and_row(tmp_path: Path) -> None:
    for file in (ROOT / "mappings" / "criteria").glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    logic = tmp_path / "logic.csv"
    logic.write_text(logic.read_text().replace("2,adult,1,A,any", "2,adult,1,Q,any"))
    with pytest.raises(Exception, match=r"logic\.csv row \d+"):
        criteria.load(tmp_path)
