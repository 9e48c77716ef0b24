"""Any record of the domain, made from its types: every field known or not, every code, free text of every alphabet."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from types import NoneType
from typing import Any, TypeVar

from hypothesis import strategies as st

from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import TeamRole
from gateway.domain.member import Period
from gateway.domain.referral import Referral

T = TypeVar("T")

_CONTROLS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff")
_WORDS = st.text(_CONTROLS, min_size=1, max_size=20).map(str.strip).filter(bool)
_LINES = st.lists(_WORDS, min_size=1, max_size=3).map("\n".join)
_DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2090, 12, 31))

MARKED: dict[str, st.SearchStrategy[Any]] = {
    "text": _WORDS,
    "long-text": _LINES,
    "token": _WORDS,
    "cin": st.from_regex(r"\A[0-9]{8}[A-Z]\Z"),
    "npi": st.sampled_from(["1234567893", "1245319599"]),
    "tin": st.from_regex(r"\A[0-9]{9}\Z"),
    "zip": st.from_regex(r"\A9[0-9]{4}(-[0-9]{4})?\Z"),
    "state": st.sampled_from(["CA", "NV"]),
    "county": st.sampled_from(["Los Angeles", "Kern"]),
    "hcp-code": st.from_regex(r"\A[0-9]{3}\Z"),
    "plan": st.sampled_from(["la-care", "kaiser-permanente", "health-net"]),
    "language": st.sampled_from(["en", "es", "zh-Hant", "hmn", "ase"]),
    "program": st.sampled_from(["mssp", "pace", "hospice"]),
    "criterion": st.sampled_from(["1.H1", "1.N1", "2.A1", "3.B1", "4.C3", "9.2"]),
    "community-support": st.sampled_from(["housing-deposits", "sobering-centers"]),
    "phone": st.from_regex(r"\A\+1[2-9][0-9]{9}\Z"),
    "email": st.sampled_from(["a@example.org", "o'b+c@example.net"]),
    "aid-code": st.from_regex(r"\A[0-9][0-9A-Z]\Z"),
    "icd10": st.sampled_from(["Z59.01", "F20.9"]),
    "birth-date": _DAYS,
    "end-date": _DAYS,
}
_ZONES = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
PLAIN: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    date: _DAYS,
    datetime: st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1), timezones=_ZONES),
}


@functools.cache
def records(cls: type[T]) -> st.SearchStrategy[T]:
    """Any record of one class. A record of which nothing is known does not exist: its place is None."""
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = dataclasses.fields(typing.cast(Any, cls))
    parts = {one.name: _strategy(hints[one.name], one.name) for one in fields}
    made = st.builds(cls, **parts)
    if cls is Period:
        made = made.map(_in_order)
    if all(one.default is not dataclasses.MISSING for one in fields):
        return made.filter(lambda record: record != cls())
    return made


def _in_order(period: Any) -> Any:
    """A period that does not end before it starts: no door lets another in."""
    if period.start and period.end and period.end < period.start:
        return Period(start=period.end, end=period.start)
    return period


def _strategy(hint: Any, name: str) -> st.SearchStrategy[Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return MARKED[args[1]]
    if NoneType in args:
        return st.none() | _strategy(next(one for one in args if one is not NoneType), name)
    if origin is tuple:
        return _tuple(args[0], name)
    if dataclasses.is_dataclass(hint):
        return records(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    return PLAIN[hint]


def _tuple(item: Any, name: str) -> st.SearchStrategy[Any]:
    key: Callable[[Any], Any] | None = getattr(item, "KEY", None) and (lambda one: getattr(one, item.KEY))
    if key is None and name in ("needs", "goals", "activities", "members") and dataclasses.is_dataclass(item):
        key = lambda one: one.id  # noqa: E731
    unique = key or (lambda one: one)
    few = st.lists(_strategy(item, name), min_size=name == "populations", max_size=3, unique_by=unique)
    return few.map(tuple)


def _linked(plan: CarePlan) -> CarePlan:
    """The plan with goals and activities that name only needs and goals which it has."""
    needs, goals = tuple(one.id for one in plan.needs), tuple(one.id for one in plan.goals)
    return dataclasses.replace(
        plan,
        goals=tuple(dataclasses.replace(one, needs=needs[: len(one.needs)]) for one in plan.goals),
        activities=tuple(dataclasses.replace(one, goals=goals[: len(one.goals)]) for one in plan.activities),
    )


def _placed(one: Membership) -> Membership:
    """A membership with exactly one kind of person, as its role says."""
    if one.role is TeamRole.MEMBER:
        return dataclasses.replace(one, professional=None, organization=None, support=None)
    if one.professional:
        return dataclasses.replace(one, organization=None, support=None)
    return dataclasses.replace(one, support=None) if one.organization else one


referrals = records(Referral)
care_plans = records(CarePlan).map(_linked)
care_teams = records(CareTeam).map(
    lambda team: dataclasses.replace(team, members=tuple(_placed(one) for one in team.members))
)
