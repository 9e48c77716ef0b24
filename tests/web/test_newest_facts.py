"""What documents share of a member (Patient, Coverage) is as the newest of them says, in whatever order they arrive."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.mapping.stated_on import TAG, undated
from tests.web.conftest import a_referral

Json = dict[str, Any]
MEMBER = a_referral()["member"]
PHONE, OLD_PHONE = {"number": "+12135550999"}, {"number": "+12135550111"}


def referral(id: str, day: str, coverage: Json, **member: Any) -> Json:
    said = {name: MEMBER[name] for name in ("name", "birth_date", "cin")} | member
    made = a_referral() | {"key": {"source": "harbor-clinic", "id": id}, "authored": day, "member": said}
    return made | {"coverage": {"plan": "la-care"} | coverage}


DOCUMENTS = [
    referral(
        "jan", "2026-01-10", {"aid_code": "M1"}, phones=[OLD_PHONE], email="old@example.org", spoken_language="es"
    ),
    referral("feb", "2026-02-10", {"aid_code": "M3", "county": "Napa"}, address={"city": "Napa", "zip": "94558"}),
    referral("mid", "2026-02-20", {"period": {"start": "2025-06-01"}}, address={"city": "Sonoma", "zip": "95476"}),
    referral("mar", "2026-03-01", {"county": "Los Angeles"}, phones=[PHONE], spoken_language="en"),
]


def put_in(client: FlaskClient, *documents: Json) -> None:
    for document in documents:
        answer = client.post("/referrals", json=document)
        assert answer.status_code in (200, 201), answer.data


def only(client: FlaskClient, type: str) -> Json:
    (entry,) = client.get(f"/fhir/{type}").get_json()["entry"]
    found: Json = entry["resource"]
    return found


def unordered(value: Any) -> Any:
    """The same with lists as sets: which document came first decides their order, and nothing else."""
    if isinstance(value, dict):
        return frozenset((name, unordered(one)) for name, one in value.items())
    return frozenset(map(unordered, value)) if isinstance(value, list) else value


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_all_orders_end_in_what_the_newest_says(client: FlaskClient, order: tuple[int, ...]) -> None:
    put_in(client, *(DOCUMENTS[at] for at in order))
    patient, coverage = undated(only(client, "Patient")), undated(only(client, "Coverage"))
    assert {one["system"]: one["value"] for one in patient["telecom"]} == {
        "phone": PHONE["number"],
        "email": "old@example.org",
    }
    assert [one["city"] for one in patient["address"]] == ["Sonoma"]
    assert [one["language"]["coding"][0]["code"] for one in patient["communication"]] == ["en"]
    said = {one["url"].rpartition("/")[2]: one.get("valueString") for one in coverage["extension"]}
    assert said == {"ecm-aid-code": "M3", "ecm-county": "Los Angeles"}
    assert coverage["period"] == {"start": "2025-06-01"}


def test_an_older_document_says_only_what_none_has_said_since(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[3])
    before = undated(only(client, "Patient"))
    put_in(client, DOCUMENTS[0])
    after = only(client, "Patient")
    assert unordered(undated(after)["telecom"]) == unordered(
        [*before["telecom"], {"system": "email", "value": "old@example.org"}]
    )
    assert after["meta"]["versionId"] == "2"
    put_in(client, DOCUMENTS[0], DOCUMENTS[3])
    assert only(client, "Patient")["meta"]["versionId"] == "2", "the same documents again change nothing"


def test_what_was_said_again_later_is_not_set_back_by_what_was_said_between(client: FlaskClient) -> None:
    first = referral("a", "2026-01-10", {}, phones=[PHONE])
    again = referral("c", "2026-03-01", {}, phones=[PHONE])
    between = referral("b", "2026-02-10", {}, phones=[OLD_PHONE])
    put_in(client, first, again, between)
    assert [one["value"] for one in only(client, "Patient")["telecom"]] == [PHONE["number"]]


def test_a_document_without_a_day_is_of_the_day_it_came(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[3])
    undated_one = {k: v for k, v in referral("x", "", {}, phones=[OLD_PHONE]).items() if k != "authored"}
    put_in(client, undated_one)
    assert [one["value"] for one in only(client, "Patient")["telecom"]] == [OLD_PHONE["number"]]
    put_in(client, referral("y", "2026-03-05", {}, phones=[PHONE]))
    assert [one["value"] for one in only(client, "Patient")["telecom"]] == [OLD_PHONE["number"]]


def test_of_one_day_the_last_that_arrived_counts_so_that_a_correction_can_be_sent(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[3], referral("mar", "2026-03-01", {}, phones=[OLD_PHONE]))
    assert [one["value"] for one in only(client, "Patient")["telecom"]] == [OLD_PHONE["number"]]


OTHER_PHONE = {"number": "+12135550777"}


def written(client: FlaskClient, *, keeps_tags: bool, number: str) -> Json:
    """What an EHR does with what it read: another telephone, and the tags as they were or none."""
    patient = only(client, "Patient")
    patient["telecom"] = [{"system": "phone", "value": number}]
    if not keeps_tags:
        del patient["meta"]["tag"]
    answer = client.put(f"/fhir/Patient/{patient['id']}", json=patient)
    assert answer.status_code == 200, answer.data
    return only(client, "Patient")


def phones(client: FlaskClient) -> list[str]:
    return [one["value"] for one in only(client, "Patient")["telecom"] if one["system"] == "phone"]


@pytest.mark.parametrize("keeps_tags", [True, False])
def test_what_is_written_as_fhir_is_of_today_and_the_rest_keeps_its_day(client: FlaskClient, keeps_tags: bool) -> None:
    put_in(client, DOCUMENTS[0], DOCUMENTS[1])
    written(client, keeps_tags=keeps_tags, number=PHONE["number"])
    put_in(client, referral("later", "2026-05-05", {}, phones=[OTHER_PHONE], address={"city": "Davis", "zip": "95616"}))
    assert phones(client) == [PHONE["number"]], "an older document does not take back what was written since"
    assert [one["city"] for one in only(client, "Patient")["address"]] == ["Davis"], "what was not touched is as old"
    put_in(client, referral("old", "2026-01-01", {}, spoken_language="vi", address={"city": "Lodi", "zip": "95240"}))
    patient = only(client, "Patient")
    assert [one["language"]["coding"][0]["code"] for one in patient["communication"]] == ["es"]
    assert [one["city"] for one in patient["address"]] == ["Davis"]


def test_what_says_nothing_new_makes_no_version_whatever_its_tags(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[3])
    before = only(client, "Patient")
    meta = {"profile": before["meta"]["profile"]}
    answer = client.put(f"/fhir/Patient/{before['id']}", json=before | {"meta": meta})
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')


def test_days_that_another_gateway_says_count(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[0])
    patient = only(client, "Patient")
    patient["meta"]["tag"] = [{"system": TAG, "code": "2026-02-01"}]
    patient["telecom"] = [{"system": "phone", "value": PHONE["number"]}]
    assert client.put(f"/fhir/Patient/{patient['id']}", json=patient).status_code == 200
    put_in(client, referral("later", "2026-02-02", {}, phones=[OTHER_PHONE]))
    assert phones(client) == [OTHER_PHONE["number"]]


def test_labels_and_tags_of_others_stay_when_a_document_comes(client: FlaskClient) -> None:
    put_in(client, DOCUMENTS[0])
    patient = only(client, "Patient")
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    theirs = {"system": "https://ehr.example/tags", "code": "vip"}
    patient["meta"] |= {"security": [label], "tag": [*patient["meta"]["tag"], theirs]}
    assert client.put(f"/fhir/Patient/{patient['id']}", json=patient).status_code == 200
    put_in(client, DOCUMENTS[3])
    meta = only(client, "Patient")["meta"]
    assert meta["security"] == [label]
    assert theirs in meta["tag"]
    assert {one["code"][-10:] for one in meta["tag"] if one["system"] == TAG} == {"2026-01-10", "2026-03-01"}
