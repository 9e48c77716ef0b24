"""Compiles mappings/criteria/*.csv for `gateway.domain.criteria`; a fault is BadTable with file and row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.domain.codes import AgeForm, PopulationOfFocus
from gateway.domain.criteria import Assessment, Block, CriteriaTables, Criterion, Definition, Fact, Shown
from gateway.domain.overlap import Overlap
from gateway.errors import BadTable, Issue
from gateway.mapping.concepts import Concept, Row, day, folded, read_rows

_FACTS = ("criterion", "program", "race", "community_support", "no_fixed_address", "aid_code")


def load(folder: Path) -> CriteriaTables:
    """The compiled tables of a `criteria` folder."""
    criteria = {one.id: one for one in _criteria(folder)}
    return CriteriaTables(
        criteria=criteria,
        definitions=tuple(_definitions(folder, criteria)),
        facts=tuple(_facts(folder, criteria)),
        overlaps=tuple(_overlaps(folder)),
        streamlined=frozenset(
            (cells["family"], cells["provider_type"])
            for _, cells in read_rows(folder / "streamlined.csv", ("family", "provider_type", "mark", "note"))
        ),
    )


def remarks(assessment: Assessment) -> tuple[Issue, ...]:
    """What an assessment has to say to whoever sent the referral: warnings and information, never an error."""
    said = []
    for result in assessment.results:
        if result.claimed:
            rule, code = (
                ("criteria-met", "informational") if result.shown is Shown.MET else ("criteria-open", "incomplete")
            )
            each = ", ".join(
                f"{one.criterion} {one.shown.value}" for one in result.criteria if one.why != "not answered"
            )
            message = (
                f"Population of Focus {result.population.value} is {result.shown.value}: {result.why}. "
                f"By criterion: {each or 'none was answered'}."
            )
            said.append(Issue("information", code, message, expression="populations", rule=rule))
    for population in assessment.suggested:
        message = f"Population of Focus {population.value} is met as well, and was not checked."
        said.append(
            Issue("information", "informational", message, expression="populations", rule="population-suggested")
        )
    for population in assessment.worth_asking:
        message = f"Something in the referral suggests Population of Focus {population.value}: ask."
        said.append(Issue("information", "informational", message, expression="populations", rule="population-ask"))
    warnings = (
        Issue(one.severity, one.code, f"{one.path} {one.message}.", expression=one.path, rule=one.rule)
        for one in assessment.warnings
    )
    return (*warnings, *said)


def criterion_concept(folder: Path) -> Concept:
    """The criterion ids as a concept table, for columns and records that name them."""
    rows = {folded(one.id): (Row(one.id, one.id, None, None, "D", "criteria.csv"),) for one in _criteria(folder)}
    return Concept("criterion", rows)


def _criteria(folder: Path) -> Iterator[Criterion]:
    columns = ("criterion", "family", "block", "min_age", "max_age", "text", "mark", "note")
    seen: set[str] = set()
    for number, cells in read_rows(folder / "criteria.csv", columns):
        if cells["criterion"] in seen:
            raise BadTable(f"criteria.csv row {number}: this criterion is already in the table")
        seen.add(cells["criterion"])
        yield Criterion(
            id=cells["criterion"],
            family=cells["family"],
            block=cells["block"],
            text=cells["text"],
            min_age=_years(cells["min_age"], number),
            max_age=_years(cells["max_age"], number),
        )


def _years(cell: str, number: int) -> int | None:
    if cell and not cell.isdigit():
        raise BadTable(f"criteria.csv row {number}: an age is a whole number of years")
    return int(cell) if cell else None


def _definitions(folder: Path, criteria: dict[str, Criterion]) -> Iterator[Definition]:
    columns = ("population", "form", "alternative", "block", "needs", "mark", "note")
    found: dict[tuple[PopulationOfFocus, AgeForm], dict[str, list[Block]]] = {}
    for number, cells in read_rows(folder / "logic.csv", columns):
        try:
            place = PopulationOfFocus(cells["population"]), AgeForm(cells["form"])
        except ValueError:
            raise BadTable(f"logic.csv row {number}: unknown population or form") from None
        family = cells["population"].rstrip("ab")
        ids = tuple(one.id for one in criteria.values() if one.family == family and one.block == cells["block"])
        if not ids or cells["needs"] not in ("any", "all"):
            raise BadTable(f"logic.csv row {number}: no criteria in this block, or `needs` is not any or all")
        needs: Any = cells["needs"]
        found.setdefault(place, {}).setdefault(cells["alternative"], []).append(Block(criteria=ids, needs=needs))
    for (population, form), alternatives in found.items():
        ways = tuple(tuple(blocks) for blocks in alternatives.values())
        yield Definition(population=population, form=form, alternatives=ways)


def _facts(folder: Path, criteria: dict[str, Criterion]) -> Iterator[Fact]:
    for number, cells in read_rows(folder / "facts.csv", ("fact", "value", "criterion", "strength", "mark", "note")):
        known = (
            cells["fact"] in _FACTS and cells["criterion"] in criteria and cells["strength"] in ("shows", "suggests")
        )
        if not known:
            raise BadTable(f"facts.csv row {number}: unknown fact, criterion or strength")
        strength: Any = cells["strength"]
        yield Fact(fact=cells["fact"], value=cells["value"], criterion=cells["criterion"], strength=strength)


def _overlaps(folder: Path) -> Iterator[Overlap]:
    columns = ("program", "plan", "rule", "valid_from", "valid_to", "mark", "note")
    for number, cells in read_rows(folder / "overlap.csv", columns):
        place = f"overlap.csv row {number}"
        if cells["rule"] not in ("BOTH", "EITHER", "NO"):
            raise BadTable(f"{place}: rule must be BOTH, EITHER or NO")
        rule: Any = cells["rule"]
        yield Overlap(
            program=cells["program"],
            plan=cells["plan"] or None,
            rule=rule,
            valid_from=day(cells["valid_from"], place),
            valid_to=day(cells["valid_to"], place),
            note=cells["note"],
        )
