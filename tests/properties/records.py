"""Any record of the domain, made from its types: every field known or not, every code, free text of every alphabet.

Records are large, so hypothesis draws a seed and how much is known (nothing to everything), and the record follows from
both: each example is as rich as the next, and what fails is printed whole.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from random import Random
from types import NoneType
from typing import Any, TypeVar

from hypothesis import strategies as st

from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import TeamRole
from gateway.domain.member import Period
from gateway.domain.referral import Referral

T = TypeVar("T")

_LETTERS = "abcXYZ019 .,;:/|%#?&<>\"'\\{}[]()-_=+*@~éñßĐ文字кирאב😀\u0301\u200d\u00a0"


def _words(rng: Random) -> str:
    made = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 12))).strip()
    return made or "x"


def _lines(rng: Random) -> str:
    return "\n".join(_words(rng) for _ in range(rng.randint(1, 3)))


def _day(rng: Random) -> date:
    return date(1900, 1, 1) + timedelta(days=rng.randrange(190 * 365))


def _digits(count: int, rng: Random) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _moment(rng: Random) -> datetime:
    zone = timezone(timedelta(minutes=rng.randint(-14 * 60, 14 * 60)))
    return datetime(2000, 1, 1, tzinfo=zone) + timedelta(microseconds=rng.randrange(10**15))


def _of(*values: Any) -> Callable[[Random], Any]:
    return lambda rng: rng.choice(values)


MARKED: dict[str, Callable[[Random], Any]] = {
    "text": _words,
    "long-text": _lines,
    "token": _words,
    "cin": lambda rng: _digits(8, rng) + rng.choice("ABCXYZ"),
    "npi": _of("1234567893", "1245319599"),
    "tin": lambda rng: _digits(9, rng),
    "zip": lambda rng: "9" + _digits(4, rng) + rng.choice(("", "-1234")),
    "state": _of("CA", "NV"),
    "county": _of("Los Angeles", "Kern"),
    "hcp-code": lambda rng: _digits(3, rng),
    "plan": _of("la-care", "kaiser-permanente", "health-net"),
    "language": _of("en", "es", "zh-Hant", "hmn", "ase"),
    "program": _of("mssp", "pace", "hospice"),
    "criterion": _of("1.H1", "1.N1", "2.A1", "3.B1", "4.C3", "9.2"),
    "community-support": _of("housing-deposits", "sobering-centers"),
    "phone": lambda rng: "+12" + _digits(9, rng),
    "email": _of("a@example.org", "o'b+c@example.net"),
    "aid-code": _of("4M", "03"),
    "icd10": _of("Z59.01", "F20.9"),
    "birth-date": _day,
    "end-date": _day,
}
PLAIN: dict[Any, Callable[[Random], Any]] = {bool: _of(True, False), date: _day, datetime: _moment}


def records(cls: type[T]) -> st.SearchStrategy[T]:
    """Any record of one class. A record of which nothing is known does not exist: its place is None."""
    return st.builds(
        lambda seed, known: typing.cast(T, _record(cls, Random(seed), known)),
        st.integers(min_value=0, max_value=2**32),
        st.sampled_from((0.0, 0.1, 0.5, 0.9, 1.0)),
    )


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _record(cls: Any, rng: Random, known: float) -> Any:
    """A record with each field that may be absent there with probability `known`; None where it would say nothing."""
    hints = _hints(cls)
    fields = dataclasses.fields(cls)
    made = cls(**{one.name: _value(hints[one.name], one.name, rng, known) for one in fields})
    if all(one.default is not dataclasses.MISSING for one in fields) and made == cls():
        filled = rng.choice([one for one in fields if not dataclasses.is_dataclass(_known(hints[one.name]))])
        made = dataclasses.replace(made, **{filled.name: _value(_known(hints[filled.name]), "populations", rng, 1.0)})
    if cls is Period and made.start and made.end and made.end < made.start:
        made = Period(start=made.end, end=made.start)  # no door lets a period in that ends before it starts
    return made


def _value(hint: Any, name: str, rng: Random, known: float) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return MARKED[args[1]](rng)
    if NoneType in args:
        return _value(_known(hint), name, rng, known) if rng.random() < known else None
    if origin is tuple:
        return _tuple(args[0], name, rng, known)
    if dataclasses.is_dataclass(hint):
        return _record(hint, rng, known)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return rng.choice(list(hint))
    return PLAIN[hint](rng)


def _known(hint: Any) -> Any:
    args = typing.get_args(hint)
    return next(one for one in args if one is not NoneType) if NoneType in args else hint


def _tuple(item: Any, name: str, rng: Random, known: float) -> tuple[Any, ...]:
    least = 1 if name == "populations" else 0
    count = rng.randint(max(least, 1), 3) if rng.random() < known else least
    made = [_value(item, name, rng, known) for _ in range(count)]
    key = getattr(item, "KEY", "id" if name in ("needs", "goals", "activities", "members") else None)
    by: Callable[[Any], Any] = lambda one: getattr(one, key, one) if key else one  # noqa: E731
    return tuple({by(one): one for one in made}.values())


def _linked(plan: CarePlan) -> CarePlan:
    """The plan with goals and activities that name needs and goals which it has, as far as there are any."""
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
    chosen = len(one.id) % 3  # so that each kind comes to stand
    who = [one.professional, one.organization, one.support]
    kept = who[chosen] or next((person for person in who if person), None)
    names = ("professional", "organization", "support")
    return dataclasses.replace(one, **{name: p if p is kept else None for name, p in zip(names, who, strict=True)})


referrals = records(Referral)
care_plans = records(CarePlan).map(_linked)
care_teams = records(CareTeam).map(
    lambda team: dataclasses.replace(team, members=tuple(_placed(one) for one in team.members))
)
