"""Records with every field filled, each text naming its own field; and the same with one field changed."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import NoneType
from typing import Any

from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import Kinship, Relationship, TeamRole, TeamStatus
from gateway.domain.member import Organization, Professional, SupportPerson
from gateway.domain.referral import Referral, Referrer
from tests.conftest import NOW

_MARKED = {
    "cin": ("91234567A", "91234568A"),
    "npi": ("1234567893", "1245319599"),
    "tin": ("123456789", "123456780"),
    "zip": ("90012", "90013"),
    "state": ("CA", "NV"),
    "county": ("Los Angeles", "Kern"),
    "hcp-code": ("304", "352"),
    "plan": ("la-care", "health-net"),
    "language": ("es", "hmn"),
    "program": ("mssp", "pace"),
    "criterion": ("1.H1", "1.H2"),
    "community-support": ("housing-deposits", "sobering-centers"),
    "phone": ("+12135550123", "+12135550124"),
    "email": ("a@example.org", "b@example.org"),
    "aid-code": ("4M", "4K"),
    "icd10": ("Z59.01", "Z59.02"),
    "birth-date": (date(1980, 5, 17), date(1980, 5, 18)),
    "end-date": (date(2026, 12, 31), date(2026, 12, 30)),
}
_PLAIN: dict[Any, tuple[Any, Any]] = {
    bool: (True, False),
    date: (date(2026, 2, 3), date(2026, 2, 4)),
    datetime: (NOW, NOW + timedelta(hours=1)),
}


def filled(cls: type, path: str = "") -> Any:
    """A record of one class with everything known."""
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = dataclasses.fields(typing.cast(Any, cls))
    return cls(**{one.name: _value(hints[one.name], f"{path}.{one.name}".lstrip("."), 0) for one in fields})


def changes(record: Any) -> Iterator[tuple[str, Any]]:
    """For each field of a record, at any depth: its class and name, and the record with that field alone changed."""
    hints = typing.get_type_hints(type(record), include_extras=True)
    for field in dataclasses.fields(record):
        here = f"{type(record).__name__}.{field.name}"
        for inner, value in _changed(hints[field.name], getattr(record, field.name), here):
            yield inner, dataclasses.replace(record, **{field.name: value})


def _changed(hint: Any, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if value is None or value == ():
        return
    if isinstance(value, tuple):
        inner = typing.get_args(_known(hint))[0]
        for number, one in enumerate(value):
            for at, other in _changed(inner, one, path):
                yield at, (*value[:number], other, *value[number + 1 :])
    elif dataclasses.is_dataclass(value):
        yield from changes(value)
    elif isinstance(value, StrEnum):
        yield from ((path, other) for other in type(value) if other is not value)
    else:
        other = _value(_known(hint), path, 1)
        yield path, other if other != value else _value(_known(hint), path, 0)


def _known(hint: Any) -> Any:
    args = typing.get_args(hint)
    return next(one for one in args if one is not NoneType) if NoneType in args else hint


def _value(hint: Any, path: str, variant: int) -> Any:
    hint = _known(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _MARKED[args[1]][variant] if args[1] in _MARKED else path + " again" * variant
    if origin is tuple:
        return (_value(args[0], path, variant),)
    if dataclasses.is_dataclass(hint):
        return filled(typing.cast(type, hint), path)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return list(hint)[variant]
    return _PLAIN[hint][variant]


_EVERYTHING: Referral = filled(Referral)
_REFERRER: Referrer = dataclasses.replace(
    _EVERYTHING.referrer, relationship=Relationship.MEDICAL_PROVIDER, kinship=None, is_member=False
)
REFERRAL: Referral = dataclasses.replace(_EVERYTHING, referrer=_REFERRER, service=None)
"""Referred by a professional of an organization."""
FROM_FAMILY: Referral = dataclasses.replace(
    REFERRAL,
    referrer=dataclasses.replace(_REFERRER, relationship=Relationship.MEMBER_OR_FAMILY, kinship=Kinship.PARENT),
)
FROM_ORGANIZATION: Referral = dataclasses.replace(
    REFERRAL, referrer=dataclasses.replace(_REFERRER, name=None, title=None, npi=None)
)
FOR_COMMUNITY_SUPPORT: Referral = dataclasses.replace(REFERRAL, service="housing-deposits", populations=())
_PLAN: CarePlan = filled(CarePlan)
CARE_PLAN: CarePlan = dataclasses.replace(
    _PLAN,
    goals=tuple(dataclasses.replace(one, needs=(_PLAN.needs[0].id,)) for one in _PLAN.goals),
    activities=tuple(dataclasses.replace(one, goals=(_PLAN.goals[0].id,)) for one in _PLAN.activities),
)


def _on_team(id: str, role: TeamRole, **who: Any) -> Membership:
    nobody: dict[str, Any] = {"professional": None, "organization": None, "support": None, "period": None}
    return dataclasses.replace(filled(Membership, "members"), id=id, role=role, **(nobody | who))


CARE_TEAM: CareTeam = dataclasses.replace(
    filled(CareTeam),
    status=TeamStatus.ACTIVE,
    members=(
        dataclasses.replace(
            _on_team("m1", TeamRole.LEAD_CARE_MANAGER, professional=filled(Professional, "members.professional")),
            period=filled(Membership, "members").period,
        ),
        _on_team("m2", TeamRole.CS_PROVIDER, organization=filled(Organization, "members.organization")),
        _on_team("m3", TeamRole.SUPPORT_PERSON, support=filled(SupportPerson, "members.support")),
        _on_team("m4", TeamRole.MEMBER),
    ),
)
