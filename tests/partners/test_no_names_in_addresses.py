"""Nothing of a member stands in an address or a header of what partners are sent: those end up in their logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.partners import adapter
from gateway.partners.settings import EXCHANGES, PartnerSettings
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from tests.partners.messages import message
from tests.partners.test_documents_are_valid import resources

CASES = ["referrals/json-adult-filled", "care-plans/filled", "care-teams/filled"]
OURS = re.compile(r"https?://.*|urn:.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Names of systems, and ids that say nothing of what they name."""


def said_of_people(value: Any, name: str = "") -> Iterator[str]:
    """Every text of names, numbers, telecoms, addresses and birth dates, however deep."""
    if isinstance(value, dict):
        for member, inner in value.items():
            yield from said_of_people(inner, member)
    elif isinstance(value, list):
        for inner in value:
            yield from said_of_people(inner, name)
    elif isinstance(value, str) and name in ("family", "given", "value", "birthDate", "line", "city", "postalCode"):
        yield value


def known_at(base: str, one: dict[str, Any]) -> dict[str, Any]:
    if one["resourceType"] != "Patient":
        return one
    return {**one, "identifier": [*one.get("identifier", []), {"system": base, "value": "Patient/their-p1"}]}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("kind", "simulated", "more"),
    [
        *(("fhir_server", "ehr", {"exchange": exchange}) for exchange in EXCHANGES),
        ("fhir_server", "plan", {"exchange": "conditional"}),
        ("epic", "epic", {}),
        ("oracle", "oracle", {}),
        ("ehr", "ehr", {"accepts": {"*": ["create", "update"]}}),
        ("findhelp", "findhelp", {"tenant": "la-care"}),
    ],
)
def test_no_address_and_no_header_says_anything_of_a_member(
    case: str, kind: str, simulated: str, more: dict[str, Any]
) -> None:
    told = resources(case)
    with Simulator(memory=memory(simulated)) as server:
        base = f"{server.url}/{TENANT}" if kind == "oracle" else server.url
        partner = adapter(PartnerSettings("p", kind, base, seconds=60, **more))
        partner.send(message(*(known_at(base, one) for one in told)))
        partner.close()
        asked = [(one.method, one.path, json.dumps(one.headers)) for one in server.recorded]
    people = {"Patient", "Practitioner", "RelatedPerson"}
    texts = {
        text.lower()
        for one in told
        if one["resourceType"] in people
        for text in said_of_people(one)
        if len(text) > 3 and not OURS.fullmatch(text)
    }
    assert len(texts) > 3
    assert asked or kind == "findhelp", "a platform is told of Tasks only"
    for method, path, headers in asked:
        said = f"{path} {headers}".lower()
        assert [text for text in texts if re.search(rf"\b{re.escape(text)}\b", said)] == [], (method, path)
