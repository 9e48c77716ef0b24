"""The routes, the CapabilityStatement, docs/api.md and the tests of failure say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from gateway import wiring
from gateway.settings import Settings
from gateway.usecases.published import TYPES
from gateway.web.dispatch import Application
from gateway.web.metadata import DEFINITION, INTERACTIONS, OPERATIONS, SUBSCRIPTION, SYSTEM
from gateway.web.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("routes")
    settings = replace(Settings(), database=f"sqlite:///{folder / 'g.sqlite'}", partners=folder / "none.toml")
    with wiring.running(settings) as application:
        yield application


@pytest.fixture(scope="module")
def statement(application: Flask) -> dict[str, Any]:
    answer = application.test_client().get("/fhir/metadata")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_the_application_serves_the_table_of_routes(application: Flask) -> None:
    served = {
        (method, rule.rule)
        for rule in application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(route.method, route.rule) for route in ROUTES}


def test_instances_are_known_as_the_rules_match_them(application: Flask) -> None:
    """What is matched without trying every rule is what every rule together matches."""
    assert isinstance(application, Application)
    seen = 0
    for method, id_, type_ in product(
        ("GET", "HEAD", "PUT", "POST", "DELETE"),
        ("x", "A-1.b", "1" * 65, "$status", "_search", "_history", "", "%24"),
        ("Patient", "Task", "Subscription", "StructureDefinition", "Nonsense", "metadata", ""),
    ):
        path = f"/fhir/{type_}/{id_}"
        with application.test_request_context(path, method=method):
            adapter = application.create_url_adapter(request)
        assert adapter is not None
        plain = MapAdapter(application.url_map, "localhost", "/", "", "http", adapter.path_info, method)
        outcome = matched(adapter)
        assert outcome == matched(plain), (method, path)
        seen += isinstance(outcome, tuple)
    assert seen > 20


def matched(adapter: MapAdapter) -> object:
    try:
        return adapter.match(return_rule=True)
    except HTTPException as refused:
        return refused.code


def test_every_route_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for route in ROUTES:
        assert f"`{route.method} {route.rule}`" in text, route
    documented = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", text, re.M))
    assert documented <= {f"{route.method} {route.rule}" for route in ROUTES}


def test_the_capability_statement_matches_the_routes(statement: dict[str, Any]) -> None:
    names = {route.name for route in ROUTES}
    rest = statement["rest"][0]
    stated = {code for name, code in INTERACTIONS.items() if name in names}
    assert stated == {"create", "read", "vread", "update", "history-instance", "search-type"}
    for resource in rest["resource"]:
        own = set(SUBSCRIPTION) if resource["type"] == "Subscription" else stated
        own = set(DEFINITION) if resource["type"] in TYPES else own
        assert {one["code"] for one in resource["interaction"]} == own
    assert {one["code"] for one in rest["interaction"]} == {c for n in SYSTEM if n in names for c in SYSTEM[n]}
    fhir = {route.name for route in ROUTES if route.rule.startswith("/fhir")}
    told = {*INTERACTIONS, *SYSTEM, *OPERATIONS, "metadata", "search_post", "conditional_update", "validate_instance"}
    told |= {
        "status_type",
        "status_type_post",
        *(f"{word}_definition" for word in ("read", "search", "search_post")),
        *(f"{word}_subscription" for word in ("create", "read", "vread", "update", "history", "search", "search_post")),
    }
    assert fhir == told


def test_what_is_stated_of_a_type_works(application: Flask, statement: dict[str, Any]) -> None:
    client = application.test_client()
    parameters = wiring.knowledge(None, None).searched
    values = {"date": "2026", "number": "1", "quantity": "1", "reference": "Patient/1"}
    for resource in statement["rest"][0]["resource"]:
        type = resource["type"]
        for parameter in resource["searchParam"]:
            parts = parameters.of(type)[parameter["name"]].parts
            kinds = [part.kind for part in parts] or [parameter["type"]]
            value = "$".join(values.get(kind, "a") for kind in kinds)
            answer = client.get(f"/fhir/{type}?{parameter['name']}={value}&_count=1")
            assert answer.status_code == 200, (type, parameter, answer.data)
        for include in resource.get("searchInclude", ()):
            assert client.get(f"/fhir/{type}?_include={include}&_count=1").status_code == 200, (type, include)
        for include in resource.get("searchRevInclude", ()):
            assert client.get(f"/fhir/{type}?_revinclude={include}&_count=1").status_code == 200, (type, include)


def test_us_core_and_gravity_searches_are_stated(statement: dict[str, Any]) -> None:
    stated = {one["type"]: {p["name"] for p in one["searchParam"]} for one in statement["rest"][0]["resource"]}
    for type, names in {
        "CarePlan": "category date patient status _id",
        "CareTeam": "patient status role _id",
        "ServiceRequest": "patient category code authored status _id",
        "Patient": "_id identifier name birthdate death-date family gender given",
        "Coverage": "patient _id",
        "Goal": "patient lifecycle-status target-date description _id",
        "Task": "patient status code owner requester _lastUpdated _id",
        "Condition": "patient category clinical-status code onset-date asserted-date recorded-date abatement-date",
    }.items():
        assert set(names.split()) <= stated[type], type
    revinclude = {one["type"]: one.get("searchRevInclude", ()) for one in statement["rest"][0]["resource"]}
    for type in ("CarePlan", "CareTeam", "ServiceRequest", "Patient", "Coverage", "Goal", "Condition"):
        assert "Provenance:target" in revinclude[type]


def test_the_capability_statement_is_valid(statement: dict[str, Any]) -> None:
    issues = wiring.knowledge_of(Settings()).validator.check(statement)
    assert [issue for issue in issues if issue.is_error] == []


FAILING = {  # a request to each route that must fail, and how
    "transaction": (b"{", 400),
    "create": (b"{", 400),
    "search": (None, 400),
    "search_post": (b"{", 415),
    "conditional_update": (b"{", 400),
    "read": (None, 404),
    "update": (b"{", 400),
    "history": (None, 404),
    "vread": (None, 404),
    "search_definition": (None, 400),
    "search_post_definition": (b"{", 415),
    "read_definition": (None, 404),
    "validate_type": (b"{", 400),
    "validate_instance": (b"{", 400),
    "convert": (b"{", 415),
    "create_subscription": (b"{", 400),
    "search_subscription": (None, 400),
    "read_subscription": (None, 404),
    "vread_subscription": (None, 404),
    "history_subscription": (None, 404),
    "update_subscription": (b"{", 400),
    "search_post_subscription": (b"{", 415),
    "status_type": (None, 400),
    "status_type_post": (b"{", 400),
    "status": (None, 404),
    "events": (None, 404),
    "receive_hook": (b"{", 404),
    "receive_hook_update": (b"{", 404),
    "receive_referral": (b"{", 415),
    "change_referral": (b"{", 415),
    "forward_referral": (b"{", 415),
    "publish_care_plan": (b"{", 415),
    "change_care_team": (b"{", 415),
    "receive_file": (b"{", 415),
    "loops": (None, 405),
    "list_outbox": (None, 400),
    "show_delivery": (None, 404),
    "retry_delivery": (None, 404),
    "drop_delivery": (b"{", 415),
    "metadata": (None, 406),
    "live": (None, 405),
    "ready": (None, 405),
}


ASKING = ("list_outbox", "search", "search_definition", "search_subscription", "status_type")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.rule}")
def test_every_route_fails_with_an_operation_outcome(application: Flask, route: Any) -> None:
    body, status = FAILING[route.name]
    path = (
        route.rule.replace("<type>", "Patient")
        .replace("<data:type>", "Patient")
        .replace("<definition:type>", "ValueSet")
        .replace("<id>", "none")
        .replace("<version>", "1")
    )
    path = path.replace("<partner>", "kaiser").replace("<kind>", "referral")
    path += "?eye-color=blue" if route.name in ASKING else ""
    method = "POST" if status == 405 else route.method
    headers = {"Content-Type": "application/fhir+json"} if body else {}
    if status == 406:
        headers["Accept"] = "text/turtle"
    answer = application.test_client().open(path, method=method, data=body, headers=headers)
    expected = 404 if route.name == "validate_instance" and route.method == "GET" else status
    assert answer.status_code == expected, answer.data
    assert answer.content_type == "application/fhir+json"
    assert answer.get_json()["resourceType"] == "OperationOutcome"
