"""Which Populations of Focus the answers of a referral show, by tables; explains, suggests, warns, and never blocks.

DHCS ECM Policy Guide (January 2026) pp. 10-53 (criteria). The tables are data in
mappings/criteria; `gateway.mapping.criteria` compiles them. An evaluation is not a decision: that is the plan's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from gateway.domain.codes import AgeForm, Answer, PopulationOfFocus
from gateway.domain.dates import age
from gateway.domain.overlap import Overlap, overlaps, streamlined
from gateway.domain.referral import Referral
from gateway.domain.rules import ADULT_AGE, Finding


class Shown(StrEnum):
    """How far a criterion or a Population of Focus is shown."""

    MET = "met"
    NOT_SHOWN = "not-shown"
    """Answered no, or not answered: it may still be so."""
    UNKNOWN = "unknown"
    """Asked and not known, or something in the referral suggests it: ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One box of the form: a testable sentence, and for which ages it is asked."""

    id: str
    family: str
    """The Population of Focus without its letter (`1` for 1a and 1b)."""
    block: str
    text: str
    min_age: int | None = None
    max_age: int | None = None

    def is_asked_at(self, years: int) -> bool:
        return (self.min_age or 0) <= years and (self.max_age is None or years <= self.max_age)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A set of criteria of which `any` or `all` must be met."""

    criteria: tuple[str, ...]
    needs: Literal["any", "all"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Definition:
    """When a Population of Focus is met on one age form: all blocks of any one alternative. Equal only to itself."""

    population: PopulationOfFocus
    form: AgeForm
    alternatives: tuple[tuple[Block, ...], ...]
    criteria: tuple[str, ...] = field(init=False)
    """All that the alternatives name, each once."""

    def __post_init__(self) -> None:
        named = dict.fromkeys(one for blocks in self.alternatives for block in blocks for one in block.criteria)
        object.__setattr__(self, "criteria", tuple(named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something else in the referral that shows or suggests a criterion."""

    fact: str
    value: str
    criterion: str
    strength: Literal["shows", "suggests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriteriaTables:
    """The compiled tables."""

    criteria: Mapping[str, Criterion]
    definitions: tuple[Definition, ...]
    facts: tuple[Fact, ...]
    overlaps: tuple[Overlap, ...]
    streamlined: frozenset[tuple[str, str]]
    """(family, provider type) pairs that may begin services before authorization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """How far one criterion is shown, and by what."""

    criterion: str
    shown: Shown
    why: str
    """A sentence that names answers and criteria, never the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationResult:
    """How far one Population of Focus is shown, and by which of its criteria; `claimed`: the referral names it."""

    population: PopulationOfFocus
    claimed: bool
    shown: Shown
    why: str
    criteria: tuple[CriterionResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the tables say of one referral: the claimed populations first, then those that are met besides."""

    results: tuple[PopulationResult, ...]
    suggested: tuple[PopulationOfFocus, ...]
    """Met and not claimed."""
    worth_asking: tuple[PopulationOfFocus, ...]
    """Not claimed, and something in the referral suggests them."""
    warnings: tuple[Finding, ...]


def assess(referral: Referral, tables: CriteriaTables, *, on: date) -> Assessment:
    """Evaluate a referral as of the day `on`. Never raises and never refuses."""
    years = age(referral.member.birth_date, on=referral.authored or on)
    form = AgeForm.ADULT if years >= ADULT_AGE else AgeForm.CHILD
    shown = _criteria(referral, tables, years)
    claimed = set(referral.populations)
    said = {id_ for id_, result in shown.items() if result is not _unanswered(id_)}
    results = [
        _untouched(one, claimed=_claims(claimed, one))
        if said.isdisjoint(one.criteria)
        else _population(one, shown, claimed=_claims(claimed, one))
        for one in tables.definitions
        if one.form is form
    ]
    named = {result.population for result in results}
    strange = [one for one in dict.fromkeys(referral.populations) if one not in named and one != "1"]
    mine = [result for result in results if result.claimed]
    families = {result.population[0] for result in mine}
    others = [result for result in results if result.population[0] not in families]  # 1a or 1b is a label, not a need
    if form is AgeForm.ADULT:
        others = _alone_or_with_children(others)
    return Assessment(
        results=(*mine, *(r for r in others if r.shown is Shown.MET)),
        suggested=tuple(r.population for r in others if r.shown is Shown.MET),
        worth_asking=tuple(r.population for r in others if r.shown is Shown.UNKNOWN),
        warnings=(
            *_form_warnings(strange, form),
            *_age_warnings(referral, tables, years),
            *overlaps(referral, tables.overlaps, on=on),
            *streamlined(referral, tables.streamlined),
        ),
    )


def _alone_or_with_children(others: list[PopulationResult]) -> list[PopulationResult]:
    """Whether an adult has children along was not said: 1b is asked with 1a, and not met unless it is claimed."""
    kept = [one for one in others if one.population is not PopulationOfFocus.HOMELESS_FAMILY]
    if len(kept) == len(others) or any(one.population == "1a" and one.shown is not Shown.NOT_SHOWN for one in kept):
        return kept
    family = next(one for one in others if one not in kept)
    shown = family.shown if family.shown is Shown.NOT_SHOWN else Shown.UNKNOWN
    return [*kept, replace(family, population=PopulationOfFocus.HOMELESS, shown=shown)]


def _claims(claimed: set[PopulationOfFocus], definition: Definition) -> bool:
    if definition.population in claimed:
        return True
    unsaid = PopulationOfFocus.HOMELESS in claimed
    usual = PopulationOfFocus.HOMELESS_ADULT if definition.form is AgeForm.ADULT else PopulationOfFocus.HOMELESS_FAMILY
    return unsaid and definition.population is usual


def _criteria(referral: Referral, tables: CriteriaTables, years: int) -> dict[str, CriterionResult]:
    found = {id_: _unanswered(id_) for id_ in tables.criteria}
    for answer in referral.criteria:
        if answer.criterion in found:
            found[answer.criterion] = _answered(answer.criterion, answer.answer)
    stated = _facts(referral)
    for fact in tables.facts:
        shown_by = f"{fact.fact} {fact.value}"
        applies = (fact.fact, fact.value) in stated
        if fact.fact == "criterion":
            applies = found.get(fact.value, _unanswered(fact.value)).shown is Shown.MET
        current = found.get(fact.criterion)
        if not applies or current is None or current.shown is Shown.MET:
            continue
        if fact.strength == "shows":
            found[fact.criterion] = CriterionResult(
                criterion=fact.criterion, shown=Shown.MET, why=f"shown by {shown_by}"
            )
        elif "not answered" in current.why:
            found[fact.criterion] = CriterionResult(
                criterion=fact.criterion, shown=Shown.UNKNOWN, why=f"not answered, and {shown_by} suggests it: ask"
            )
    for id_, result in found.items():
        if result.shown is not Shown.NOT_SHOWN and not tables.criteria[id_].is_asked_at(years):
            found[id_] = replace(result, shown=Shown.NOT_SHOWN, why=f"{result.why}, and not asked at this age")
    return found


def _facts(referral: Referral) -> set[tuple[str, str]]:
    facts = {("program", one.program) for one in referral.programs if one.answer is Answer.YES}
    facts |= {("race", race.value) for race in referral.member.races if race}
    facts |= {("community_support", one) for one in referral.community_supports}
    if referral.member.no_fixed_address:
        facts.add(("no_fixed_address", "yes"))
    if referral.coverage and referral.coverage.aid_code:
        facts.add(("aid_code", referral.coverage.aid_code))
    return facts


@lru_cache(1024)
def _unanswered(id_: str) -> CriterionResult:
    return CriterionResult(criterion=id_, shown=Shown.NOT_SHOWN, why="not answered")


def _answered(id_: str, answer: Answer) -> CriterionResult:
    shown = {Answer.YES: Shown.MET, Answer.NO: Shown.NOT_SHOWN, Answer.UNKNOWN: Shown.UNKNOWN}[answer]
    return CriterionResult(criterion=id_, shown=shown, why=f"answered {answer.value}")


def _population(definition: Definition, shown: Mapping[str, CriterionResult], *, claimed: bool) -> PopulationResult:
    alternatives = [[(block, _block(block, shown)) for block in blocks] for blocks in definition.alternatives]
    outcomes = [_all(state for _, state in blocks) for blocks in alternatives]
    outcome = _any(outcomes)
    return PopulationResult(
        population=definition.population,
        claimed=claimed,
        shown=outcome,
        why=_why(outcome, alternatives, shown),
        criteria=tuple(shown[one] for one in definition.criteria),
    )


@lru_cache(256)
def _untouched(definition: Definition, *, claimed: bool) -> PopulationResult:
    """What is so of a population of whose criteria the referral says nothing: worked out once."""
    return _population(definition, {one: _unanswered(one) for one in definition.criteria}, claimed=claimed)


def _block(block: Block, shown: Mapping[str, CriterionResult]) -> Shown:
    states = (shown[one].shown for one in block.criteria)
    return _any(states) if block.needs == "any" else _all(states)


def _any(states: Iterable[Shown]) -> Shown:
    found = set(states)
    return next((one for one in (Shown.MET, Shown.UNKNOWN) if one in found), Shown.NOT_SHOWN)


def _all(states: Iterable[Shown]) -> Shown:
    found = set(states)
    return next((one for one in (Shown.NOT_SHOWN, Shown.UNKNOWN) if one in found), Shown.MET)


def _why(outcome: Shown, alternatives: list[list[tuple[Block, Shown]]], shown: Mapping[str, CriterionResult]) -> str:
    if outcome is Shown.MET:
        blocks = next(blocks for blocks in alternatives if _all(state for _, state in blocks) is Shown.MET)
        return "met by " + " and ".join(f"{block.needs} of {', '.join(block.criteria)}" for block, _ in blocks)
    ways = []
    for blocks in alternatives:
        ways.append(" and ".join(_open(block, shown) for block, state in blocks if state is not Shown.MET))
    return "still to be shown: " + "; or ".join(ways)


def _open(block: Block, shown: Mapping[str, CriterionResult]) -> str:
    if block.needs == "any":
        return f"any of {', '.join(block.criteria)}"
    return ", ".join(one for one in block.criteria if shown[one].shown is not Shown.MET)


def _form_warnings(strange: Iterable[PopulationOfFocus], form: AgeForm) -> Iterable[Finding]:
    for population in strange:
        yield Finding(
            "warning",
            "populations",
            "population-age",
            f"holds {population.value}, which is not on the {form.value} form",
        )


def _age_warnings(referral: Referral, tables: CriteriaTables, years: int) -> Iterable[Finding]:
    for at, answer in enumerate(referral.criteria):
        criterion = tables.criteria.get(answer.criterion)
        if criterion is not None and answer.answer is Answer.YES and not criterion.is_asked_at(years):
            limit = f"from {criterion.min_age}" if years < (criterion.min_age or 0) else f"to {criterion.max_age}"
            yield Finding("warning", f"criteria[{at}]", "criterion-age", f"is for members {limit} years of age")
