"""Every mark of `domain.values` and every type in the domain has a reader."""

from __future__ import annotations

from gateway.domain import values
from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam
from gateway.domain.referral import Referral
from gateway.mapping import structure
from gateway.mapping.leaves import LEAVES


def test_every_mark_is_read() -> None:
    marks = {structure.mark(kind) for name, kind in vars(values).items() if name[0].isupper() and name != "Annotated"}
    assert marks <= set(LEAVES)


def test_every_record_has_a_builder() -> None:
    for kind in (Referral, CarePlan, CareTeam):
        assert callable(structure.builder(kind))
