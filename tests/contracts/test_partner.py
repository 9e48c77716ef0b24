"""What every partner adapter does: takes a message, takes it twice as one, and never raises for what is out there."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.fhir import codec
from gateway.partners import Adapter, Console, FhirServer, Files
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message
from gateway.simulators.server import Simulator

PATIENT = {"resourceType": "Patient", "id": "p1", "meta": {"versionId": "3"}, "name": [{"family": "Zanzibarovna"}]}
TASK = {"resourceType": "Task", "id": "t1", "meta": {"versionId": "1"}, "for": {"reference": "Patient/p1"}}


def message(*resources: dict[str, object], delivery_id: str = "d1") -> Message:
    entries = []
    for one in resources or (PATIENT, TASK):
        place = f"{one['resourceType']}/{one['id']}"
        request = {"method": "PUT", "url": place}
        entries.append({"fullUrl": f"https://gateway.example/fhir/{place}", "resource": one, "request": request})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return Message(delivery_id, "referral.received", "Task/t1/_history/1", codec.write(bundle))


class Case(NamedTuple):
    """An adapter, what it has done so far, and a way to make its partner unreachable."""

    partner: Adapter
    effects: Callable[[], list[object]]
    away: Callable[[], None]


@pytest.fixture(params=["transaction", "conditional", "each", "files", "console"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "files":
        partner: Adapter = Files(PartnerSettings("p", "files", folder=tmp_path / "out"))
        blocked = tmp_path / "out"

        def away() -> None:
            shutil.rmtree(blocked, ignore_errors=True)
            blocked.write_text("a file where the folder should be")

        yield Case(partner, lambda: [f.name for f in blocked.glob("*")] if blocked.is_dir() else [], away)
    elif request.param == "console":
        stream = io.StringIO()
        yield Case(Console(PartnerSettings("p", "console"), stream=stream), lambda: [], stream.close)
    else:
        with Simulator() as server:
            settings = PartnerSettings("p", "fhir_server", server.url, exchange=request.param, seconds=2)
            fhir = FhirServer(settings)
            yield Case(fhir, lambda: list(server.memory.effects), server.close)
            fhir.close()


def test_a_message_is_accepted(case: Case) -> None:
    receipt = case.partner.send(message())
    assert receipt.accepted, receipt
    assert case.partner.name == "p"


def test_a_repeat_has_no_second_effect(case: Case) -> None:
    assert case.partner.send(message()).accepted
    once = case.effects()
    assert case.partner.send(message()).accepted
    assert case.effects() == once


def test_a_partner_that_is_away_is_to_be_tried_again(case: Case) -> None:
    case.away()
    receipt = case.partner.send(message())
    assert (receipt.accepted, receipt.retry) == (False, True)
    assert receipt.reason


def test_no_reason_names_anybody(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.partner.send(message())
    case.away()
    receipt = case.partner.send(message())
    printed = capsys.readouterr()
    assert "zanzibarovna" not in (receipt.reason + printed.out + printed.err).lower()
