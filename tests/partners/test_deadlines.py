"""One deadline covers an exchange whatever holds it up: the name's address, its second address, each byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from gateway.partners import mail
from gateway.partners.addresses import addresses, connected
from gateway.partners.http import Client, Unanswered
from gateway.partners.mail import Smtp

GENEROUS = 10
"""Seconds that a busy machine may add; without a deadline each of these would take far longer."""


def never(*_: Any, **__: Any) -> Any:
    time.sleep(60)
    return []


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback whose every connection is spoken to by `speak`; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                one, _ = listening.accept()
                threading.Thread(target=speak, args=[one], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def drip(one: socket.socket, first: bytes = b"") -> None:
    with one, suppress(OSError):
        one.sendall(first)
        while True:
            one.sendall(b"2")
            time.sleep(0.05)


def drip_tls(one: socket.socket) -> None:
    """The head of a record of 16 KiB of handshake, and then a byte of it now and then."""
    drip(one, b"\x16\x03\x03\x40\x00")


def test_a_resolver_that_does_not_answer_ends_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", never)
    began = time.monotonic()
    with pytest.raises(Unanswered, match="in time"):
        Client("http://ehr.example:9/fhir", seconds=0.3).exchange("GET", "/x", headers={})
    assert time.monotonic() - began < GENEROUS


def test_a_name_without_an_address_is_a_failure_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(Unanswered, match="the connection failed"):
        Client("http://ehr.example:9/fhir", seconds=5).exchange("GET", "/x", headers={})


def test_an_address_that_nobody_answers_at_leaves_time_for_the_next() -> None:
    """An address that takes connections to nowhere (its queue is full) must not use up the time of the other."""
    with socket.socket() as full, speaking(lambda one: one.close()) as port:
        full.bind(("127.0.0.9", port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.9", port))
        found = connected(["127.0.0.9", "127.0.0.1"], port, deadline=time.monotonic() + GENEROUS)
        assert found.getpeername() == ("127.0.0.1", port)
        found.close()
        for one in waiting:
            one.close()


def test_a_number_is_an_address_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", never)
    assert addresses("127.0.0.1", 80, seconds=0.0) == ("127.0.0.1",)
    assert addresses("::1", 80, seconds=0.0) == ("::1",)


def test_a_handshake_that_drips_is_given_up_at_the_deadline() -> None:
    began = time.monotonic()
    with speaking(drip_tls) as port, pytest.raises(Unanswered, match="in time"):
        Client(f"https://127.0.0.1:{port}/fhir", seconds=0.5).exchange("GET", "/x", headers={})
    assert time.monotonic() - began < GENEROUS


@pytest.mark.parametrize(("scheme", "speak"), [("smtp", drip), ("smtps", drip_tls)])
def test_a_mail_server_that_drips_is_given_up_at_the_deadline(
    scheme: str, speak: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.5)
    began = time.monotonic()
    with speaking(speak) as port:
        receipt = Smtp(f"{scheme}://127.0.0.1:{port}", sender="gateway@ecm.example").mail(
            "cbo@helpers.example.org", subject="News", text="There is news.\n", id="d1"
        )
    assert (receipt.accepted, receipt.retry) == (False, True)
    assert time.monotonic() - began < GENEROUS
