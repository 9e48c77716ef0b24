"""E-mail through a real SMTP server: taken, refused for now or for good, never in clear beyond this machine."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.partners.mail import FileMail, Smtp, mailer
from gateway.ports import Receipt
from tests.partners.smtp_server import certificate, smtp_server

SENDER = "gateway@ecm.example"
ELSEWHERE = "127.0.0.2"
"""Loopback under another name: to the gateway it is another machine."""


def mail(address: str, *, id: str = "d1") -> Receipt:
    return Smtp(address, sender=SENDER).mail(
        "cbo@helpers.example.org", subject="News for Subscription/s1", text="There is news.\n", id=id
    )


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = certificate(tmp_path_factory.mktemp("smtp"))
    if made is None:
        pytest.skip("LOUD SKIP: no openssl here to make a certificate: TLS to a mail server is untested")
    return made


@pytest.fixture
def tls(certified: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certified, certified.with_name("key.pem"))
    return made


def test_a_mail_is_taken_and_a_repeat_has_the_same_id() -> None:
    with smtp_server() as (kept, port):
        assert mail(f"smtp://127.0.0.1:{port}") == Receipt(True, reason="smtp accepted")
        assert mail(f"smtp://127.0.0.1:{port}").accepted
    first, second = kept.mails
    assert first["Message-ID"] == second["Message-ID"] == "<d1@ecm.example>"
    assert (first["From"], first["To"]) == (SENDER, "cbo@helpers.example.org")
    assert first["Auto-Submitted"] == "auto-generated", "no out-of-office replies"
    assert first.get_content().strip() == "There is news."


@pytest.mark.parametrize(
    ("answers", "retry", "reason"),
    [
        ({"RCPT": "450 4.2.1 mailbox busy"}, True, "the address was refused"),
        ({"RCPT": "550 5.1.1 cbo@helpers.example.org is unknown"}, False, "the address was refused"),
        ({"DATA": "451 4.3.0 try later"}, True, "smtp 451"),
        ({"DATA": "554 5.7.1 looks like spam"}, False, "smtp 554"),
        ({"MAIL": "452 4.3.1 no room"}, True, "the mail server does not serve us: smtp 452"),
        ({"MAIL": "550 5.7.1 you may not send"}, True, "the mail server does not serve us: smtp 550"),
    ],
)
def test_a_refusal_is_tried_again_or_not_and_names_nobody(answers: dict[str, str], retry: bool, reason: str) -> None:
    with smtp_server(answers) as (kept, port):
        assert mail(f"smtp://127.0.0.1:{port}") == Receipt(False, retry=retry, reason=reason)
    assert kept.mails == []


def test_what_was_taken_counts_however_the_server_says_goodbye() -> None:
    with smtp_server({"QUIT": "421 4.4.2 had enough"}) as (kept, port):
        assert mail(f"smtp://127.0.0.1:{port}").accepted
    assert len(kept.mails) == 1


def test_a_server_that_is_away_is_asked_later() -> None:
    with smtp_server() as (_, port):
        pass
    receipt = mail(f"smtp://127.0.0.1:{port}")
    assert (receipt.accepted, receipt.retry) == (False, True)


def test_beyond_this_machine_nothing_is_said_without_tls() -> None:
    with smtp_server(host=ELSEWHERE) as (kept, port):
        receipt = mail(f"smtp://{ELSEWHERE}:{port}")
    assert (receipt.accepted, receipt.retry, kept.mails) == (False, True, [])


def test_beyond_this_machine_tls_is_spoken_with_who_is_certified(
    tls: ssl.SSLContext, certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server(host=ELSEWHERE, tls=tls) as (kept, port):
        address = f"smtp://{ELSEWHERE}:{port}"
        receipt = mail(address)
        assert (receipt.accepted, receipt.retry, kept.mails) == (False, True, []), "nobody vouches for it"
        monkeypatch.setenv("SSL_CERT_FILE", str(certified))
        assert mail(address).accepted
    assert kept.tls == [True]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the whole connection is TLS
def test_tls_from_the_start_with_a_login(tls: ssl.SSLContext, certified: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    with smtp_server(tls=tls, implicit=True, password="s3 cret") as (kept, port):
        assert mail(f"smtps://gateway:s3%20cret@127.0.0.1:{port}").accepted
        wrong = mail(f"smtps://gateway:wrong@127.0.0.1:{port}")
        unknown = mail(f"smtps://127.0.0.1:{port}")
    assert len(kept.mails) == 1
    assert (wrong.accepted, wrong.retry) == (unknown.accepted, unknown.retry) == (False, True)
    assert "535" in wrong.reason
    assert "wrong" not in wrong.reason


@pytest.mark.parametrize("how", ["https://mail.example", "smtp://", "pigeon:coop"])
def test_what_is_no_mail_server_stops_the_process(how: str) -> None:
    with pytest.raises(Misconfigured):
        mailer(how, sender=SENDER)
    with pytest.raises(Misconfigured):
        mailer("smtp://127.0.0.1", sender="nobody")
    assert mailer("", sender="") is None


def test_each_way_is_told_by_its_scheme(tmp_path: Path) -> None:
    assert isinstance(mailer(f"file:{tmp_path}", sender=SENDER), FileMail)
    assert isinstance(mailer("smtps://127.0.0.1", sender=SENDER), Smtp)
