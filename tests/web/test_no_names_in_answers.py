"""Nobody's name comes back in a refusal, not even as the name of a member, an element, a column or a parameter.

A name is written everywhere a name can be, in small letters, as elements are: `{"zanzibarovna": 1}`.
"""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import CANARY, ROOT
from tests.web.conftest import a_referral
from tests.web.sent import FHIR

Json = dict[str, Any]
OWN, CSV, FORM, XML = "application/json", "text/csv", "application/x-www-form-urlencoded", "application/fhir+xml"
STRANGE: list[tuple[str, Any]] = [
    (CANARY, 1),
    (f"_{CANARY}", {"id": "x"}),
    (f"value{CANARY.capitalize()}", "x"),
    (f"{CANARY}[0]", [{CANARY: CANARY}]),
]


def objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def with_strange_members(document: Json) -> Iterator[Json]:
    """The document with a strange member in each of its objects, another one in each."""
    for at in range(len(list(objects(document)))):
        changed = copy.deepcopy(document)
        name, value = STRANGE[at % len(STRANGE)]
        list(objects(changed))[at][name] = value
        yield changed


def with_a_name_for_each_value(document: Json) -> Iterator[Json]:
    """The document with a name, or an object that has one, in the place of each value."""
    for at, one in enumerate(list(objects(document))):
        for number, member in enumerate(one):
            changed = copy.deepcopy(document)
            list(objects(changed))[at][member] = [CANARY, {CANARY: 1}, [CANARY], [{CANARY: CANARY}]][number % 4]
            yield changed


def case(path: str) -> Json:
    found: Json = json.loads((ROOT / "fixtures" / path / "body.json").read_text())
    return found


def told(client: FlaskClient, method: str, path: str, body: Any, kind: str = FHIR) -> str | None:
    """What a refusal says; None where the request was taken (its answer may then hold what was sent)."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer = client.open(path, method=method, data=data, content_type=kind)
    assert answer.status_code < 500, (path, body)
    if answer.status_code < 300 and "$validate" not in path:
        return None
    return (answer.get_data(as_text=True) + str(answer.headers)).lower()


def holds_no_name(client: FlaskClient, method: str, path: str, bodies: Any, kind: str = FHIR) -> int:
    refused = [said for body in bodies if (said := told(client, method, path, body, kind)) is not None]
    assert [said for said in refused if CANARY in said] == []
    return len(refused)


RESOURCES = [
    entry["resource"]
    for path in ("referrals/json-adult-filled", "care-plans/filled", "care-teams/filled")
    for entry in json.loads((ROOT / "fixtures" / path / "bundles.json").read_text())[0]["entry"]
]
BY_TYPE = {resource["resourceType"]: resource for resource in RESOURCES}


@pytest.mark.parametrize("type", sorted(BY_TYPE))
def test_fhir_in_every_place(client: FlaskClient, type: str) -> None:
    resource = BY_TYPE[type]
    changed = [*with_strange_members(resource), *with_a_name_for_each_value(resource)]
    assert holds_no_name(client, "POST", f"/fhir/{type}/$validate", changed) == len(changed)
    assert holds_no_name(client, "PUT", f"/fhir/{type}/{resource['id']}", changed[::4])
    entries = [{"resource": one, "request": {"method": "POST", "url": type}} for one in changed[::8]]
    for kind in ("transaction", "batch"):
        bundles = [{"resourceType": "Bundle", "type": kind, "entry": [entry]} for entry in entries]
        for bundle in bundles:
            assert CANARY not in (told(client, "POST", "/fhir", bundle) or "")


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/referrals", case("referrals/json-adult-filled")),
        ("/care-plans", case("care-plans/filled")),
        ("/care-teams", case("care-teams/filled")),
        ("/fhir/$convert?kind=referral", a_referral()),
        ("/referral-changes", {"key": {"source": "x", "id": "1"}, "status": "accepted", "referral": {"id": "1"}}),
        ("/referrals/x/forward", {"to": {"name": "x", "npi": "1234567893"}}),
    ],
)
def test_our_own_schemas_in_every_place(client: FlaskClient, path: str, document: Json) -> None:
    for bodies in (with_strange_members(document), with_a_name_for_each_value(document)):
        assert holds_no_name(client, "POST", path, bodies, OWN)


def test_bundles_parameters_and_subscriptions_in_every_place(client: FlaskClient) -> None:
    entry = {
        "fullUrl": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a01",
        "resource": {"resourceType": "Patient", "name": [{"family": "x"}]},
        "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=a|b"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    asked = [{"name": "resource", "resource": {"resourceType": "Patient"}}, {"name": "profile", "valueUri": "x"}]
    parameters = {"resourceType": "Parameters", "parameter": [*asked, {"name": "mode", "valueCode": "create"}]}
    subscription = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "r",
        "criteria": "https://x.example/topic",
        "channel": {"type": "rest-hook", "endpoint": "https://x.example", "payload": "application/fhir+json"},
    }
    for path, document in (
        ("/fhir", bundle),
        ("/fhir", {**bundle, "type": "batch"}),
        ("/fhir/Patient/$validate", parameters),
        ("/fhir/Subscription", subscription),
        ("/fhir/Subscription/$status", parameters),
    ):
        for bodies in (with_strange_members(document), with_a_name_for_each_value(document)):
            holds_no_name(client, "POST", path, bodies)


QUERIES = """_NAME_=1 _include=_NAME_ _include=Patient:_NAME_ _sort=_NAME_ name:_NAME_=x _has:_NAME_:a:b=1
_has:Task:_NAME_:b=1 patient._NAME_=1 subject:_NAME_.name=1 _summary=_NAME_ _elements=_NAME_ _total=_NAME_ _count=_NAME_
birthdate=_NAME_ _revinclude=_NAME_:_NAME_ _page=_NAME_ _format=_NAME_ identifier:_NAME_=1 gender=_NAME_|x
_lastUpdated=_NAME_ _has:Task:patient:_NAME_=1"""
PATHS = """/_NAME_ /fhir/_NAME_ /fhir/_NAME_/1 /fhir/Patient/_NAME_ /fhir/Patient/_NAME_/_history/_NAME_ /hooks/_NAME_
/fhir/Patient/x/$_NAME_ /fhir/Patient/$validate?profile=_NAME_ /fhir/$convert?kind=_NAME_ /fhir/$convert?partner=_NAME_
/loops?_NAME_=1 /loops?who=_NAME_ /loops?overdue=_NAME_ /files/_NAME_/referral /files/kaiser/_NAME_"""


@pytest.mark.parametrize("query", QUERIES.replace("_NAME_", CANARY).split())
def test_parameters(client: FlaskClient, query: str) -> None:
    for type in ("Patient", "Task", "Subscription"):
        for method, path, body in (("GET", f"?{query}", ""), ("POST", "/_search", query)):
            said = told(client, method, f"/fhir/{type}{path}", body, FORM)
            assert said is None or CANARY not in said


@pytest.mark.parametrize("path", PATHS.replace("_NAME_", CANARY).split())
def test_addresses(client: FlaskClient, path: str) -> None:
    for method, body, kind in (("GET", "", FHIR), ("POST", {"resourceType": "Patient"}, FHIR), ("POST", "a", CSV)):
        assert CANARY not in (told(client, method, path, body, kind) or "")


@pytest.mark.parametrize("name", ["csv-kaiser-clean", "csv-eldermark-clean"])
def test_files_in_every_cell(client: FlaskClient, name: str) -> None:
    folder = ROOT / "fixtures" / "referrals" / name
    sent = tomllib.loads((folder / "case.toml").read_text())
    data = next(folder.glob("*.csv")).read_bytes().split(b"\n")
    partner = name.split("-")[1]
    assert sent
    for row in (0, 1):
        cells = data[row].split(b",")
        for at in range(len(cells)):
            changed = b",".join([*cells[:at], CANARY.encode(), *cells[at + 1 :]])
            body = b"\n".join([*data[:row], changed, *data[row + 1 :]])
            answer = client.post(f"/files/{partner}/referral", data=body, content_type=CSV)
            assert answer.status_code < 500
            assert CANARY not in answer.get_data(as_text=True).lower(), (row, at)


INSIDE = """<_NAME_ value='1'/> | <gender _NAME_='1'/>
<gender value='1'/>_NAME_ | &_NAME_; | <a:_NAME_/> | <?_NAME_ x?>
<contained><_NAME_/></contained> | <name><_NAME_/></name> | <text><status value='_NAME_'/></text>
<text><status value='generated'/><div xmlns='http://www.w3.org/1999/xhtml'><_NAME_/></div></text>
<text><status value='generated'/><div xmlns='http://www.w3.org/1999/xhtml' _NAME_='1'>x</div></text>"""
WHOLE = """<_NAME_/> | <Patient xmlns='http://_NAME_'/> | <!DOCTYPE _NAME_><Patient/> | <_NAME_:Patient/>"""
BODIES = [
    f'<Patient xmlns="http://hl7.org/fhir">{one}</Patient>' for one in INSIDE.replace(chr(10), " | ").split(" | ")
]


@pytest.mark.parametrize("body", [*BODIES, *WHOLE.split(" | ")])
def test_xml_in_every_place(client: FlaskClient, body: str) -> None:
    for path in ("/fhir/Patient", "/fhir/Patient/$validate"):
        said = told(client, "POST", path, body.replace("_NAME_", CANARY), XML)
        assert said is not None
        assert CANARY not in said


STRANGE_PLACES = [
    lambda ref: {CANARY: ref},
    lambda ref: {"gender": {CANARY: ref}},
    lambda ref: {"gender": [{CANARY: ref}]},
    lambda ref: {"contained": [{"resourceType": CANARY, CANARY: ref}]},
    lambda ref: {"name": {CANARY: [ref]}},
    lambda ref: {"managingOrganization": {"identifier": {"assigner": {CANARY: ref}}}},
    lambda ref: {"extension": [{"url": f"http://{CANARY}", CANARY: ref}]},
]
REFERENCES = [
    *("Patient?identifier=a|b", "Patient?eye=1", "Patient/none", "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a09"),
    *(f"{CANARY}/1", f"Patient?{CANARY}=1", f"Patient/{CANARY}!", f"#{CANARY}"),
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_references_that_lead_nowhere_in_every_place(client: FlaskClient, reference: str) -> None:
    refused = 0
    for place in STRANGE_PLACES:
        patient = {"resourceType": "Patient", "id": "x", **place({"reference": reference})}
        entry = {"resource": patient, "request": {"method": "PUT", "url": "Patient/x"}}
        for path, method, body in (
            ("/fhir/Patient/x", "PUT", patient),
            ("/fhir", "POST", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
        ):
            refused += holds_no_name(client, method, path, [body])
    assert refused == 2 * len(STRANGE_PLACES)


def test_the_place_of_a_reference_is_said_where_its_names_are_fhirs(client: FlaskClient) -> None:
    patient = {"resourceType": "Patient", "id": "x", "link": [{"other": {"reference": "Patient/no"}, "type": "refer"}]}
    entry = {"resource": patient, "request": {"method": "PUT", "url": "Patient/x"}}
    said = told(client, "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert "bundle.entry[0].resource.link[0].other.reference" in (said or "")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", CANARY])
def test_addresses_of_entries(client: FlaskClient, method: str) -> None:
    name = CANARY.capitalize()
    for url in (name, f"{name}/1", f"{name}?a=1", f"Patient/{name}!", f"Patient?{name}=1", f"Patient/x/${name}"):
        for kind in ("transaction", "batch"):
            for more in ({}, {"resource": {"resourceType": "Patient", "id": "x"}}, {"fullUrl": f"urn:{name}"}):
                entry = {"request": {"method": method, "url": url}, **more}
                answer = client.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
                assert answer.status_code in (200, 400, 404, 412, 422)
                assert CANARY not in answer.get_data(as_text=True).lower(), (url, kind)
