"""Ids come from the sources' own keys and tell nobody's number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.member import Coverage, Member, MemberName
from gateway.domain.referral import Key, Referral
from gateway.fhir.ids import is_id
from gateway.mapping import care_plan, referral
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids
from tests.mapping.contexts import CONTEXT, IDS
from tests.mapping.filled import CARE_PLAN, REFERRAL

BY_FILE = replace(
    CONTEXT,
    source=Source(name="referral.csv", sha256="f" * 64, media_type="text/csv", row=3),
    now=CONTEXT.now + timedelta(days=2),
)


def resources(record: Referral, context: Context = CONTEXT) -> dict[str, Any]:
    bundle = referral.to_fhir(record, context=context)
    return {entry["request"]["url"]: entry["resource"] for entry in bundle["entry"]}


def id_of(record: Referral, type: str, context: Context = CONTEXT) -> str:
    return next(url for url in resources(record, context) if url.startswith(f"{type}/"))


def member(**known: Any) -> Member:
    return Member(name=MemberName(first="Ana", last="Zanzibarovna"), birth_date=REFERRAL.member.birth_date, **known)


def test_the_same_facts_by_two_doors_are_equal_resources() -> None:
    one, other = resources(REFERRAL), resources(REFERRAL, BY_FILE)
    task = id_of(REFERRAL, "Task")
    shared = {url for url in one if not url.startswith("Provenance/")} - {task}
    assert len(shared) == len(one) - 2
    assert {url: one[url] for url in shared} == {url: other[url] for url in shared}
    assert one[task] | {"authoredOn": ""} == other[task] | {"authoredOn": ""}
    assert id_of(REFERRAL, "Provenance") != id_of(REFERRAL, "Provenance", BY_FILE)


def test_the_same_document_again_is_the_same_bundle() -> None:
    assert referral.to_fhir(REFERRAL, context=CONTEXT) == referral.to_fhir(REFERRAL, context=CONTEXT)


def test_a_changed_referral_keeps_its_ids() -> None:
    changed = replace(REFERRAL, need="something else", urgency=None)
    for type in ("ServiceRequest", "Task", "Coverage", "QuestionnaireResponse", "Patient"):
        assert id_of(changed, type) == id_of(REFERRAL, type)


def test_two_referrals_of_one_member_are_about_one_patient() -> None:
    other = replace(REFERRAL, key=Key(source="elsewhere", id="77"), member=member(cin=REFERRAL.member.cin))
    assert id_of(other, "Patient") == id_of(REFERRAL, "Patient")
    assert id_of(other, "ServiceRequest") != id_of(REFERRAL, "ServiceRequest")
    plan = care_plan.to_fhir(CARE_PLAN, context=CONTEXT)
    assert id_of(REFERRAL, "Patient") in {entry["request"]["url"] for entry in plan["entry"]}


def test_all_documents_of_a_member_meet_in_one_coverage_by_a_plan() -> None:
    here = replace(REFERRAL, coverage=Coverage(plan="la-care", aid_code="M1"))
    there = replace(here, key=Key(source="elsewhere", id="77"), coverage=Coverage(plan="la-care", medicare=True))
    assert id_of(here, "Coverage") == id_of(there, "Coverage")
    plan = care_plan.to_fhir(replace(CARE_PLAN, coverage=Coverage(plan="la-care")), context=CONTEXT)
    assert id_of(here, "Coverage") in {entry["request"]["url"] for entry in plan["entry"]}
    moved = replace(here, coverage=Coverage(plan="health-net"))
    assert id_of(moved, "Coverage") != id_of(here, "Coverage")
    someone = replace(here, member=member(cin="90000123A"))
    assert id_of(someone, "Coverage") != id_of(here, "Coverage")


def test_coverage_by_a_plan_that_is_not_named_belongs_to_its_document() -> None:
    here = replace(REFERRAL, coverage=Coverage(aid_code="M1"))
    there = replace(here, key=Key(source="elsewhere", id="77"))
    assert id_of(here, "Coverage") != id_of(there, "Coverage")
    assert id_of(here, "Coverage") == id_of(replace(here, need="something else"), "Coverage")


def test_name_and_birth_date_alone_do_not_make_two_people_one() -> None:
    here = replace(REFERRAL, member=member())
    there = replace(here, key=Key(source="elsewhere", id="77"))
    assert id_of(here, "Patient") != id_of(there, "Patient")


def test_a_plans_number_counts_with_the_birth_date_and_the_plan() -> None:
    known = replace(REFERRAL, member=member(member_id="M1"), coverage=Coverage(plan="la-care"))
    same = replace(known, key=Key(source="elsewhere", id="77"))
    born = known.member.birth_date + timedelta(days=1)
    assert id_of(known, "Patient") == id_of(same, "Patient")
    for other in (
        replace(same, coverage=Coverage(plan="health-net")),
        replace(same, coverage=None),
        replace(same, member=replace(same.member, birth_date=born)),
    ):
        assert id_of(known, "Patient") != id_of(other, "Patient")


def test_no_id_or_url_holds_what_it_was_made_of() -> None:
    bundle = referral.to_fhir(REFERRAL, context=CONTEXT)
    for entry in bundle["entry"]:
        url = entry["request"]["url"]
        assert is_id(url.partition("/")[2])
        for told in (REFERRAL.member.cin, REFERRAL.key.id, REFERRAL.member.name.last):
            assert str(told).lower() not in (url + entry["fullUrl"]).lower()


@pytest.mark.parametrize("other", [Ids("another", IDS.salt), Ids(IDS.tenant, b"another salt of tests")])
def test_another_tenant_or_salt_gives_other_ids(other: Ids) -> None:
    ours, theirs = resources(REFERRAL), resources(REFERRAL, replace(CONTEXT, ids=other))
    assert len(ours) == len(theirs)
    assert not ours.keys() & theirs.keys()


@pytest.mark.parametrize("salt", [b"", b"too short", b"x" * 65])
def test_a_salt_that_protects_nothing_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64"):
        Ids("default", salt)


def test_parts_do_not_run_into_each_other() -> None:
    assert IDS.of("Patient", "ab", "c") != IDS.of("Patient", "a", "bc")
    assert IDS.of("Patient", "a") != IDS.of("Task", "a")


def test_ids_stay_what_they_are() -> None:
    """Kept resources are found again by these: a change here is a migration."""
    assert IDS.of("Patient", "cin", "91234567A") == "8e269ee6-607d-88d2-a9fd-59aad2193c99"
