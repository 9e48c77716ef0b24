"""Whatever the record, what we write is valid by our profiles and by those they build on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import TeamRole, TeamStatus
from gateway.domain.referral import Referral
from gateway.errors import Issue
from gateway.mapping import care_plan, care_team, referral
from tests.conftest import NOW
from tests.mapping.contexts import CONTEXT
from tests.mapping.filled import CARE_PLAN, CARE_TEAM, REFERRAL
from tests.profiles.ecm import DEFINITIONS, validator
from tests.properties.records import care_plans, care_teams, referrals

KNOWN = {one["url"] for one in DEFINITIONS.values()}


def errors(bundle: dict[str, Any]) -> list[Issue]:
    """What the validator finds in a Bundle: references are followed, so target profiles are held too."""
    return [issue for issue in validator().check(bundle) if issue.is_error]


def sound(team: CareTeam) -> CareTeam:
    """A team as the doors let it in: someone is on it, and an active one has one lead today."""
    lead = Membership(id="the lead", role=TeamRole.LEAD_CARE_MANAGER, organization=team.provider)
    others = tuple(one for one in team.members if one not in team.leads(NOW.date()))
    return replace(team, members=(*others, lead)) if team.status is TeamStatus.ACTIVE or not others else team


@given(referrals)
@settings(max_examples=40, deadline=None)
def test_every_referral_becomes_valid_fhir(record: Referral) -> None:
    assert errors(referral.to_fhir(record, context=CONTEXT)) == []


@given(care_plans)
@settings(max_examples=25, deadline=None)
def test_every_care_plan_becomes_valid_fhir(record: CarePlan) -> None:
    assert errors(care_plan.to_fhir(record, context=CONTEXT)) == []


@given(care_teams)
@settings(max_examples=25, deadline=None)
def test_every_care_team_becomes_valid_fhir(record: CareTeam) -> None:
    assert errors(care_team.to_fhir(sound(record), context=CONTEXT)) == []


@pytest.mark.parametrize("leads", [0, 2])
def test_an_active_team_without_or_with_two_leads_is_not_valid(leads: int) -> None:
    lead = next(one for one in CARE_TEAM.members if one.role is TeamRole.LEAD_CARE_MANAGER)
    others = [one for one in CARE_TEAM.members if one.role is not TeamRole.LEAD_CARE_MANAGER]
    doubled = tuple(replace(lead, id=f"lead-{number}") for number in range(leads))
    bundle = care_team.to_fhir(replace(CARE_TEAM, members=(*others, *doubled)), context=CONTEXT)
    assert "ecm-team-1" in {issue.rule for issue in errors(bundle)}


def test_a_number_that_is_no_client_index_number_is_not_valid() -> None:
    wrong = replace(REFERRAL, member=replace(REFERRAL.member, cin="123456789"))
    assert "ecm-cin-1" in {issue.rule for issue in errors(referral.to_fhir(wrong, context=CONTEXT))}


@pytest.mark.parametrize(
    "bundle",
    [
        referral.to_fhir(REFERRAL, context=CONTEXT),
        care_plan.to_fhir(CARE_PLAN, context=CONTEXT),
        care_team.to_fhir(CARE_TEAM, context=CONTEXT),
    ],
    ids=["referral", "care plan", "care team"],
)
def test_what_we_write_is_accepted_without_a_walk_over_it(bundle: dict[str, Any]) -> None:
    written = [entry["resource"] for entry in bundle["entry"]]
    slow = {one["resourceType"] for one in written if not validator().acceptor.accepts(one)}
    assert slow == set()


def test_all_that_is_ours_in_what_we_write_is_defined() -> None:
    written = [
        referral.to_fhir(REFERRAL, context=CONTEXT),
        care_plan.to_fhir(CARE_PLAN, context=CONTEXT),
        care_team.to_fhir(CARE_TEAM, context=CONTEXT),
    ]
    ours = {url for bundle in written for url in _addresses(bundle)}
    assert ours
    assert ours - KNOWN == set()


def _addresses(value: Any) -> Iterator[str]:
    """Every canonical of ours in a tree: profiles, extensions, code systems, the questionnaire."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _addresses(one)
    elif isinstance(value, list):
        for one in value:
            yield from _addresses(one)
    elif isinstance(value, str) and any(
        f"/fhir/{kind}/ecm-" in value for kind in ("StructureDefinition", "CodeSystem", "Questionnaire")
    ):
        yield value.partition("|")[0]
