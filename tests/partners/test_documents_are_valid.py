"""What leaves for an EHR that takes little is valid FHIR: the DocumentReference, the message, the document in it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateway import wiring
from gateway.fhir import codec
from gateway.partners import adapter
from gateway.partners.settings import PartnerSettings
from gateway.settings import Settings
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from tests.conftest import ROOT
from tests.partners.messages import message

Json = dict[str, Any]
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
STAMP = {"versionId": "4", "lastUpdated": "2026-03-02T17:30:00Z"}


def resources(case: str) -> list[Json]:
    """What a filled fixture becomes, as it is kept here; what it is about last."""
    entries = json.loads((ROOT / "fixtures" / case / "bundles.json").read_text(encoding="utf-8"))[0]["entry"]
    first, *rest = [entry["resource"] | {"meta": entry["resource"].get("meta", {}) | STAMP} for entry in entries]
    return [*rest, first]


@pytest.mark.parametrize("kind", ["epic", "oracle"])
@pytest.mark.parametrize("case", ["referrals/json-adult-filled", "care-plans/filled", "care-teams/filled"])
def test_what_an_ehr_is_told_is_valid(kind: str, case: str) -> None:
    validator = wiring.knowledge_of(Settings()).validator
    told = resources(case)
    with Simulator(memory=memory(kind)) as server:
        base = f"{server.url}/{TENANT}" if kind == "oracle" else server.url
        for one in told:
            if one["resourceType"] == "Patient":
                one["identifier"] = [*one.get("identifier", []), {"system": base, "value": "Patient/their-p1"}]
        partner = adapter(PartnerSettings("p", kind, base, seconds=60))
        assert partner.send(message(*told)).accepted
        partner.close()
        sent = list(server.memory.resources.values())
    assert sorted(one["resourceType"] for one in sent) == ["Communication", "DocumentReference"]
    for one in sent:
        profiles = [f"{US_CORE}us-core-documentreference"] if one["resourceType"] == "DocumentReference" else []
        assert [issue for issue in validator.check(one, profiles=profiles) if issue.is_error] == []
    (reference,) = [one for one in sent if one["resourceType"] == "DocumentReference"]
    document = codec.read(base64.b64decode(reference["content"][1]["attachment"]["data"]))
    assert [issue for issue in validator.check(document) if issue.is_error] == []
    assert len(document["entry"]) == 1 + len(told)
