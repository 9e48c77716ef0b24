"""Nothing in a care plan is lost on the way to FHIR and back."""

from __future__ import annotations

from hypothesis import given, settings

from gateway.domain.care_plan import CarePlan
from gateway.fhir import codec
from gateway.mapping import care_plan as mapper
from tests.mapping.contexts import CONTEXT
from tests.properties.records import care_plans


@given(care_plans)
@settings(max_examples=80, deadline=None)
def test_a_care_plan_comes_back_as_it_went(care_plan: CarePlan) -> None:
    bundle = codec.read(codec.write(mapper.to_fhir(care_plan, context=CONTEXT)))
    assert mapper.from_fhir(bundle) == care_plan
