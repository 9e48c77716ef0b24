"""What every partner adapter does: takes a message, takes it twice as one, and never raises for what is out there."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.fhir import codec
from gateway.partners import Adapter, Console, Files, adapter
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt
from gateway.simulators.faults import DRAGS, FAULTS, Script
from gateway.simulators.kinds import TENANT, memory
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
    """An adapter, what it has done so far, a way to make its partner unreachable, and what it is told."""

    partner: Adapter
    effects: Callable[[], list[object]]
    away: Callable[[], None]
    told: Message
    faults: Simulator | None = None
    whole_bundles: bool = False
    settings: PartnerSettings | None = None

    def send(self, fault: str) -> Receipt:
        """Send; to a partner that drags, with little time."""
        if fault not in DRAGS or self.settings is None:
            return self.partner.send(self.told)
        hasty = adapter(replace(self.settings, seconds=HASTE[-1]))
        try:
            return hasty.send(self.told)
        finally:
            hasty.close()


HASTE = [0.4]
"""Seconds for an exchange with a partner that drags; more, where a busy machine takes longer than that to get there."""


def known_at(server: Simulator, resource: dict[str, object], place: str) -> dict[str, object]:
    """A resource of ours that is the partner's own `place`."""
    return {**resource, "identifier": [{"system": server.url, "value": place}]}


def fhir_cases(kind: str, server: Simulator) -> tuple[PartnerSettings, Message]:
    """Settings of a networked partner, and what it can be told."""
    address = f"{server.url}/{TENANT}" if kind == "oracle" else server.url
    if kind in ("transaction", "conditional", "batch", "each", "by-reference"):
        return PartnerSettings("p", "fhir_server", address, exchange=kind, seconds=60), message()
    if kind == "findhelp":
        return PartnerSettings("p", kind, address, tenant="health-net", seconds=60), message()
    patient = {**PATIENT, "identifier": [{"system": address, "value": "Patient/their-p1"}]}
    task: dict[str, object] = {**TASK, "status": "accepted"}
    if kind == "epic":
        server.memory.put({"resourceType": "Task", "id": "their-t1", "status": "requested"})
        task["identifier"] = [{"system": address, "value": "Task/their-t1"}]
    accepts = {"*": ["create", "update"]} if kind == "ehr" else None
    return PartnerSettings("p", kind, address, accepts=accepts, seconds=60), message(patient, task)


NETWORKED = ["transaction", "conditional", "batch", "each", "by-reference", "ehr", "epic", "oracle", "findhelp"]
SIMULATED = {"ehr": "plan", "epic": "epic", "oracle": "oracle", "findhelp": "findhelp"}


@pytest.fixture(params=[*NETWORKED, "files", "console"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "files":
        partner: Adapter = Files(PartnerSettings("p", "files", folder=tmp_path / "out"))
        blocked = tmp_path / "out"

        def away() -> None:
            shutil.rmtree(blocked, ignore_errors=True)
            blocked.write_text("a file where the folder should be")

        yield Case(partner, lambda: [f.name for f in blocked.glob("*")] if blocked.is_dir() else [], away, message())
    elif request.param == "console":
        stream = io.StringIO()
        yield Case(Console(PartnerSettings("p", "console"), stream=stream), lambda: [], stream.close, message())
    else:
        with Simulator(memory=memory(SIMULATED.get(request.param, "ehr")), slow=6) as server:
            settings, told = fhir_cases(request.param, server)
            sender = adapter(settings)
            yield Case(
                sender,
                lambda: list(server.memory.effects),
                server.close,
                told,
                server,
                request.param in NETWORKED[:3],
                settings,
            )
            sender.close()


def test_a_message_is_accepted(case: Case) -> None:
    receipt = case.partner.send(case.told)
    assert receipt.accepted, receipt
    assert case.partner.name == "p"


def test_a_repeat_has_no_second_effect(case: Case) -> None:
    assert case.partner.send(case.told).accepted
    once = case.effects()
    assert case.partner.send(case.told).accepted
    assert case.effects() == once


def test_a_partner_that_is_away_is_to_be_tried_again(case: Case) -> None:
    case.away()
    receipt = case.partner.send(case.told)
    assert (receipt.accepted, receipt.retry) == (False, True)
    assert receipt.reason


def test_no_reason_names_anybody(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.partner.send(case.told)
    case.away()
    receipt = case.partner.send(case.told)
    printed = capsys.readouterr()
    assert "zanzibarovna" not in (receipt.reason + printed.out + printed.err).lower()


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_no_fault_of_any_request_counts_as_success(case: Case, fault: str) -> None:
    """Cut in the headers, cut in a chunk, dripped, lost, redirected: at whichever request of the exchange it comes."""
    if case.faults is None or (fault == "not-all-entries" and not case.whole_bundles):
        return
    requests = count_requests(case)
    for number in range(requests):
        for seconds in (0.4, 3.0, 20.0):
            HASTE[:] = [seconds]
            case.faults.faults = Script([*["ok"] * number, fault])
            before = len(case.faults.recorded)
            receipt = case.send(fault)
            asked = [one.fault for one in case.faults.recorded[before:]]
            if asked[number:] or fault not in DRAGS:
                break
        assert asked[number] == fault
        if receipt.accepted:
            assert fault in ("close", "lost-reply"), receipt
            assert asked[number + 1] == "ok", "closed before a reply: it was asked once more, on a new connection"
            continue
        assert receipt.reason
        assert case.partner.send(case.told).accepted, "what passes heals"


def count_requests(case: Case) -> int:
    """How many requests one delivery takes, repeats included."""
    assert case.faults is not None
    assert case.partner.send(case.told).accepted
    before = len(case.faults.recorded)
    assert case.partner.send(case.told).accepted
    return len(case.faults.recorded) - before
