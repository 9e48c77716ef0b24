"""Nothing in a referral is lost on the way to FHIR and back, and every referral can go."""

from __future__ import annotations

import copy

from hypothesis import given, settings

from gateway.domain.referral import Referral
from gateway.fhir import codec
from gateway.mapping import referral as mapper
from tests.mapping.contexts import CONTEXT
from tests.properties.records import referrals


@given(referrals)
@settings(max_examples=150, deadline=None)
def test_a_referral_comes_back_as_it_went(referral: Referral) -> None:
    bundle = mapper.to_fhir(referral, context=CONTEXT)
    before = copy.deepcopy(bundle)
    assert mapper.from_fhir(bundle) == referral
    assert bundle == before, "reading changed what it read"
    assert mapper.from_fhir(codec.read(codec.write(bundle))) == referral


@given(referrals)
@settings(max_examples=50, deadline=None)
def test_every_element_holds_something(referral: Referral) -> None:
    def holds(value: object) -> bool:
        if isinstance(value, dict):
            return bool(value) and all(holds(one) for one in value.values())
        if isinstance(value, list):
            return bool(value) and all(holds(one) for one in value)
        return value is not None and value != ""

    assert holds(mapper.to_fhir(referral, context=CONTEXT))
