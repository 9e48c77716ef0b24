"""Pushing to a FHIR server that misbehaves: no fault is taken for a success, and every one that passes heals."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.fhir import codec
from gateway.partners import FhirServer
from gateway.partners.http import Reply
from gateway.partners.replies import of_batch
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message
from gateway.simulators.faults import DRAGS, FAULTS, REFUSALS, Script, Wire
from gateway.simulators.fhir import Capabilities, Effect, FhirMemory
from gateway.simulators.server import Simulator
from tests.contracts.test_partner import PATIENT, TASK, message

ONCE = [Effect("Patient/p1", 3), Effect("Task/t1", 1)]


SENDERS: list[FhirServer] = []


def partner(server: Simulator | str, *, exchange: str = "transaction", seconds: float = 60) -> FhirServer:
    address = server if isinstance(server, str) else server.url
    SENDERS.append(FhirServer(PartnerSettings("p", "fhir_server", address, exchange=exchange, seconds=seconds)))
    return SENDERS[-1]


@pytest.mark.parametrize("exchange", ["transaction", "batch", "each"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_no_fault_counts_as_success(fault: str, exchange: str) -> None:
    if fault == "not-all-entries" and exchange == "each":
        return  # there is but one entry to a request
    with Simulator(faults=Script([fault]), slow=30) as server:
        sender = partner(server, exchange=exchange, seconds=0.5 if fault in DRAGS else 60)
        began = time.monotonic()
        receipt = sender.send(message())
        took = time.monotonic() - began
        assert not receipt.accepted, receipt
        assert receipt.retry == (fault not in REFUSALS), receipt
        assert took < 60, "one deadline over the whole exchange, which would drag on for ten minutes and more"
        server.faults = Script()
        assert partner(server, exchange=exchange).send(message()).accepted, "what passes heals"
        assert server.memory.effects == ONCE
        assert {recorded.delivery for recorded in server.recorded} == {"d1"}


def test_retry_after_is_heard_in_seconds_and_as_a_date() -> None:
    from gateway.partners.replies import retry_after

    assert retry_after("120") == 120
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert 50 < (retry_after(time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))) or 0) <= 60
    assert retry_after("soon") is None
    assert retry_after("-5") is None
    with Simulator(faults=Script(["429"])) as server:
        assert partner(server).send(message()).retry_after == 1


def test_nobody_is_followed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator() as elsewhere, Simulator(faults=Script(["redirect"])) as server:
        there = FAULTS["redirect"]._replace(run=lambda wire, answer: moved(wire, elsewhere.url))
        monkeypatch.setitem(FAULTS, "redirect", there)
        assert not partner(server).send(message()).accepted
        assert elsewhere.recorded == []


def moved(wire: Wire, address: str) -> None:
    head = f"HTTP/1.1 307 Moved\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n"
    wire.file.write(head.encode())
    wire.file.flush()


def test_a_refused_connection_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    receipt = partner(f"http://127.0.0.1:{port}/fhir").send(message())
    assert (receipt.accepted, receipt.retry, receipt.reason) == (False, True, "the connection was refused")


def test_a_server_that_never_answers_is_left_at_the_deadline() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/fhir"
        began = time.monotonic()
        receipt = partner(address, seconds=0.3).send(message())
        assert (receipt.retry, receipt.reason) == (True, "no whole reply in time")
        assert time.monotonic() - began < 60


def test_connections_are_kept_and_a_stale_one_is_replaced() -> None:
    with Simulator() as server:
        sender = partner(server)
        for _ in range(3):
            assert sender.send(message()).accepted
        assert len(server._sockets) == 1
        for one in list(server._sockets):
            one.shutdown(socket.SHUT_RDWR)
        assert sender.send(message()).accepted


def test_many_threads_share_a_client() -> None:
    with Simulator() as server:
        sender = partner(server)
        receipts = []
        work = lambda: receipts.extend(sender.send(message()) for _ in range(20))  # noqa: E731
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [receipt.accepted for receipt in receipts] == [True] * 120
        assert server.memory.effects == ONCE


def test_one_refused_entry_refuses_the_transaction_as_a_whole() -> None:
    memory = FhirMemory(Capabilities(types={"Patient": frozenset(["update"])}))
    with Simulator(memory=memory) as server:
        receipt = partner(server).send(message())
        assert (receipt.accepted, receipt.retry, receipt.reason) == (False, False, "http 403")
        assert memory.effects == []


def test_a_server_without_transactions_gets_one_write_after_the_other() -> None:
    memory = FhirMemory(Capabilities(transaction=False))
    with Simulator(memory=memory) as server:
        assert partner(server).send(message()).reason == "http 405"
        assert partner(server, exchange="each").send(message()).accepted
        assert [(r.method, r.path) for r in server.recorded[1:]] == [
            ("PUT", "/fhir/Patient/p1"),
            ("PUT", "/fhir/Task/t1"),
        ]
        assert memory.resources == {"Patient/p1": PATIENT, "Task/t1": TASK}


def test_each_stops_at_the_first_that_fails() -> None:
    with Simulator(faults=Script(["500"])) as server:
        assert partner(server, exchange="each").send(message()).retry
        assert [r.path for r in server.recorded] == ["/fhir/Patient/p1"]


@pytest.mark.parametrize("exchange", ["transaction", "batch", "each"])
def test_a_deletion_is_told(exchange: str) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Task/t1"}}],
    }
    with Simulator() as server:
        sender = partner(server, exchange=exchange)
        assert sender.send(message()).accepted
        gone = Message("d2", "changed", "Task/t1/_history/2", codec.write(bundle))
        assert sender.send(gone).accepted
        assert sender.send(gone).accepted
        assert list(server.memory.resources) == ["Patient/p1"]


def test_by_reference_sends_the_resource_alone_and_leads_back_here() -> None:
    with Simulator() as server:
        assert partner(server, exchange="by-reference").send(message()).accepted
        assert list(server.memory.resources) == ["Task/t1"]
        kept = server.memory.resources["Task/t1"]
    assert kept["for"] == {"reference": "https://gateway.example/fhir/Patient/p1"}


def test_a_batch_holds_nothing_that_needs_another_of_its_entries() -> None:
    with Simulator() as server:
        assert partner(server, exchange="batch").send(message()).accepted
        bundles = [codec.read(one.body) for one in server.recorded]
    assert [[one["request"]["url"] for one in each["entry"]] for each in bundles] == [["Patient/p1"], ["Task/t1"]]
    assert {each["type"] for each in bundles} == {"batch"}


@pytest.mark.parametrize(("status", "retry"), [(403, False), (422, False), (503, True), (409, True)])
def test_one_entry_of_a_batch_that_fails_is_no_success(status: int, retry: bool) -> None:
    answers = [{"response": {"status": "200"}}, {"response": {"status": str(status)}}]
    body = codec.write({"resourceType": "Bundle", "type": "batch-response", "entry": answers})
    receipt = of_batch(Reply(200, {}, body), entries=2)
    assert (receipt.accepted, receipt.retry) == (False, retry)
    assert receipt.doubtful == (status == 403)


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every sender's connections are closed; and a proxy of the environment, which is not ours to use, is set."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    yield
    while SENDERS:
        SENDERS.pop().close()


@pytest.mark.parametrize("exchange", ["transaction", "conditional", "batch", "each", "by-reference"])
def test_it_speaks_with_the_token_that_somebody_keeps_fresh(tmp_path: Path, exchange: str) -> None:
    token = tmp_path / "token"
    with Simulator() as server:
        settings = PartnerSettings("p", "fhir_server", server.url, exchange=exchange, seconds=60, token_file=token)
        SENDERS.append(FhirServer(settings))
        receipt = SENDERS[-1].send(message())
        assert (receipt.accepted, receipt.retry, server.recorded) == (False, True, [])  # not without it
        for fresh in ("abc", "def"):
            token.write_text(f"{fresh}\n")
            assert SENDERS[-1].send(message()).accepted
            assert server.recorded[-1].headers["authorization"] == f"Bearer {fresh}"
