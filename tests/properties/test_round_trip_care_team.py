"""Nothing in a care team is lost on the way to FHIR and back."""

from __future__ import annotations

from hypothesis import given, settings

from gateway.domain.care_team import CareTeam
from gateway.fhir import codec
from gateway.mapping import care_team as mapper
from tests.mapping.contexts import CONTEXT
from tests.properties.records import care_teams


@given(care_teams)
@settings(max_examples=80, deadline=None)
def test_a_care_team_comes_back_as_it_went(care_team: CareTeam) -> None:
    bundle = codec.read(codec.write(mapper.to_fhir(care_team, context=CONTEXT)))
    assert mapper.from_fhir(bundle) == care_team
