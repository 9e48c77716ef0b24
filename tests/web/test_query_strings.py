"""Escapes that are no UTF-8 are refused wherever a search can be written: taken for something else, a condition would
find nobody, and make a second record of the same person."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.errors import BadRequest
from gateway.fhir.query_string import MOST, condition, pairs
from tests.web.sent import FHIR, send

BAD = "name=Zanzibarovna%FF"
MANY = "&".join(["name=a"] * (MOST + 1))
URL = "/fhir/Patient"
PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": "Zanzibarovna"}]}
TEAM = {"resourceType": "CareTeam", "status": "active"}


def entry(method: str, resource: dict[str, Any] | None = None, **request: str) -> dict[str, Any]:
    body = {"resource": resource} if resource else {}
    return {"request": {"method": method, "url": "Patient", **request}, **body}


@pytest.mark.parametrize("query", [BAD, MANY])
@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize("where", ["condition", "search", "update", "reference"])
def test_in_entries(client: FlaskClient, query: str, kind: str, where: str) -> None:
    team = {**TEAM, "subject": {"reference": f"Patient?{query}"}}
    made = {
        "condition": (entry("POST", PATIENT, ifNoneExist=query), "Bundle.entry[0].request.ifNoneExist"),
        "search": (entry("GET", url=f"Patient?{query}"), "Bundle.entry[0].request.url"),
        "update": (entry("PUT", PATIENT, url=f"Patient?{query}"), "Bundle.entry[0].request.url"),
        "reference": (entry("POST", team, url="CareTeam"), "Bundle.entry[0].resource.subject.reference"),
    }
    given, place = made[where]
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": kind, "entry": [given]})
    said = answer.get_json()
    if kind == "batch":
        assert answer.status_code == 200
        response = said["entry"][0]["response"]
        status, said = int(response["status"][:3]), response["outcome"]
    else:
        status = answer.status_code
    if where == "reference" and kind == "batch":
        assert status == 422, "a batch resolves no condition in a reference"
    else:
        assert status == (412 if where == "reference" else 400)
        assert [one["expression"] for one in said["issue"]] == [[place]]
    assert "anzibar" not in str(said)
    assert send(client, "GET", f"{URL}?_summary=count").get_json()["total"] == 0


@pytest.mark.parametrize("query", [BAD, MANY])
def test_in_headers_addresses_and_forms(client: FlaskClient, query: str) -> None:
    create = client.post(URL, json=PATIENT, headers={"If-None-Exist": query, "Content-Type": FHIR})
    search = client.get(f"{URL}?{query}")
    form = client.post(f"{URL}/_search", data=query, content_type="application/x-www-form-urlencoded")
    assert [one.status_code for one in (create, search, form)] == [400] * 3
    assert send(client, "GET", f"{URL}?_summary=count").get_json()["total"] == 0


def test_pairs_are_in_order_and_may_be_empty() -> None:
    assert pairs("b=1&a=%C3%A9&b=&c") == [("b", "1"), ("a", "é"), ("b", ""), ("c", "")]
    assert (pairs(""), condition("?a=1"), condition("a=1")) == ([], [("a", "1")], [("a", "1")])
    assert pairs("&".join(["a=1"] * MOST)) == [("a", "1")] * MOST
    with pytest.raises(BadRequest) as refused:
        pairs(BAD, place="x")
    assert [(one.expression, one.rule) for one in refused.value.issues] == [("x", "query-string")]
