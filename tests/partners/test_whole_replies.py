"""A reply counts only if every byte of it came: cut anywhere, measured in any way, it is none."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import codec
from gateway.partners import FhirServer
from gateway.partners.http import Reply
from gateway.partners.replies import of_transaction, of_write
from gateway.partners.settings import PartnerSettings
from gateway.partners.webhook import Webhooks
from gateway.subscriptions.endpoint import Endpoints
from tests.contracts.test_partner import message

BODY = codec.write(
    {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [{"response": {"status": "200"}}, {"response": {"status": "201 Created"}}],
    }
)
TYPE = b"Content-Type: application/fhir+json\r\n"
MEASURED = b"HTTP/1.1 200 OK\r\n" + TYPE + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\n" + TYPE + b"Transfer-Encoding: chunked\r\n\r\n"
    b"10\r\n" + BODY[:16] + b"\r\n%x\r\n" % len(BODY[16:]) + BODY[16:] + b"\r\n0\r\n\r\n"
)
UNMEASURED = b"HTTP/1.0 200 OK\r\n" + TYPE + b"\r\n" + BODY
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + MEASURED


class Speaker:
    """A server that reads a request and says `words`, then closes."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.words = b""
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                try:
                    spoken = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
                    with spoken:
                        _request(spoken)
                        spoken.sendall(self.words)
                except OSError:
                    pass  # the client would not speak with us

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def _request(connection: socket.socket) -> None:
    with connection.makefile("rb") as file:
        length = 0
        while (line := file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        file.read(length)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    made = Speaker()
    yield made
    made.close()


@pytest.fixture
def send(speaker: Speaker) -> Iterator[Callable[[bytes], Any]]:
    settings = PartnerSettings("p", "fhir_server", f"http://127.0.0.1:{speaker.port}/fhir", seconds=5)
    partner = FhirServer(settings)

    def send(words: bytes) -> Any:
        speaker.words = words
        return partner.send(message())

    yield send
    partner.close()


FORMS = {"length": MEASURED, "chunks": CHUNKED, "close": UNMEASURED, "continue": CONTINUED}


@pytest.mark.parametrize("form", FORMS)
def test_a_reply_cut_anywhere_is_no_success(send: Callable[[bytes], Any], form: str) -> None:
    whole = FORMS[form]
    assert send(whole).accepted
    for cut in range(len(whole)):
        receipt = send(whole[:cut])
        assert (receipt.accepted, receipt.retry) == (False, True), (cut, whole[max(0, cut - 20) : cut])


@pytest.mark.parametrize(
    "words",
    [
        MEASURED.replace(b"Content-Length: ", b"Content-Length: 9"),
        MEASURED.replace(b"200 OK", b"2000 OK"),
        MEASURED.replace(b"HTTP/1.1", b"ICY"),
        MEASURED.replace(TYPE, TYPE * 200),
        MEASURED.replace(TYPE, b"X: " + b"x" * 70_000 + b"\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
    ],
)
def test_what_is_no_sound_http_is_no_success(send: Callable[[bytes], Any], words: bytes) -> None:
    receipt = send(words)
    assert (receipt.accepted, receipt.retry) == (False, True)


MEMBERS = ["resourceType", "type", "entry", "response", "status", "issue", "severity", "code", "location"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 999) | st.sampled_from(["200", "201 Created", "422", "Bundle", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "type", "entry", "response", "status", "issue", "severity", "code", "location"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(status=st.sampled_from([200, 201, 202, 204, 301, 400, 409, 422, 429, 500, 503]), value=json_values)
def test_whatever_a_partner_says_is_judged_and_never_raises(status: int, value: Any) -> None:
    reply = Reply(status, {}, codec.write(value))
    receipt = of_transaction(reply, entries=2)
    assert not (receipt.accepted and receipt.retry)
    if receipt.accepted:
        assert status < 300
        assert all(str(entry["response"]["status"]).startswith("2") for entry in value["entry"])
    assert not (of_write(reply).accepted and status >= 300)


@given(body=st.binary(max_size=60), status=st.sampled_from([200, 201]))
def test_no_bytes_are_taken_for_an_answer_to_a_transaction(body: bytes, status: int) -> None:
    assert not of_transaction(Reply(status, {}, body), entries=2).accepted


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("LOUD SKIP: no openssl here to make a certificate: TLS to partners is untested")
    made = [tmp_path / "key.pem", tmp_path / "certificate.pem"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", made[0], "-out", made[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return made[1]


def test_tls_is_spoken_with_those_who_are_who_they_say(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    speaker = Speaker(tls=tls)
    speaker.words = MEASURED
    address = f"https://127.0.0.1:{speaker.port}/fhir"
    try:
        for ca_file, accepted in ((str(certificate), True), (None, False)):
            partner = FhirServer(PartnerSettings("p", "fhir_server", address, seconds=5, ca_file=ca_file))
            receipt = partner.send(message())
            assert (receipt.accepted, receipt.retry) == (accepted, not accepted), receipt
            partner.close()
        speaker.words = MEASURED[:-5]
        partner = FhirServer(PartnerSettings("p", "fhir_server", address, seconds=5, ca_file=str(certificate)))
        assert not partner.send(message()).accepted
        partner.close()
    finally:
        speaker.close()


def test_a_partner_that_reads_slowly_has_no_more_time_than_one_that_answers_slowly(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    done = threading.Event()

    def sip() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError), tls.wrap_socket(connection, server_side=True) as spoken:
            while not done.wait(0.1) and spoken.recv(16_384):
                pass

    thread = threading.Thread(target=sip)
    thread.start()
    address = f"https://127.0.0.1:{listening.getsockname()[1]}/fhir"
    partner = FhirServer(PartnerSettings("p", "fhir_server", address, seconds=0.6, ca_file=str(certificate)))
    try:
        began = time.monotonic()
        long = {"resourceType": "Task", "id": "t1", "description": "x" * 4_000_000}
        receipt = partner.send(message(long))
        assert (receipt.accepted, receipt.retry) == (False, True)
        assert time.monotonic() - began < 15, "sipped at this pace it would take half a minute"
    finally:
        done.set()
        partner.close()
        thread.join()
        listening.close()


def test_a_reply_that_breaks_off_is_not_asked_for_again_at_once() -> None:
    """Only where no byte of a reply came may the connection have been too old."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for words in (MEASURED, MEASURED[:-5]):
                    _request(connection)
                    asked.append(words)
                    connection.sendall(words)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            listening.settimeout(1)
            with suppress(OSError):
                again, _ = listening.accept()
                asked.append(b"")
                again.close()

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
        partner = FhirServer(PartnerSettings("p", "fhir_server", address, seconds=5))
        assert partner.send(message()).accepted
        receipt = partner.send(message())
        assert (receipt.accepted, receipt.retry) == (False, True)
        thread.join()
        partner.close()
    assert len(asked) == 2


@pytest.mark.parametrize(
    "words", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 202 Accepted\r\n\r\nthanks", MEASURED, CHUNKED]
)
def test_of_a_webhook_the_status_counts(speaker: Speaker, words: bytes) -> None:
    """Many receivers answer by closing, without a length: the header block is whole, and nobody reads the rest."""
    post = Webhooks(Endpoints(loopback=True))

    def told(said: bytes) -> Any:
        speaker.words = said
        return post.post(f"http://127.0.0.1:{speaker.port}/hook", body=b"{}", headers={}, seconds=5)

    assert told(words).accepted
    for cut in range(words.index(b"\r\n\r\n") + 4):
        receipt = told(words[:cut])
        assert (receipt.accepted, receipt.retry) == (False, True), cut
    post.close()
