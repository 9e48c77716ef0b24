"""The e-mail channel: numbers and references, never a person's data; refused for now, and refused for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import wiring
from gateway.settings import Settings
from tests.partners.smtp_server import Kept, smtp_server
from tests.subscriptions.conftest import OWN, Rig, care_team, subscription

TEAM = OWN + "care-team"


def test_mail_names_nobody(rig: Rig, tmp_path: Path) -> None:
    rig.subscribe(subscription("mailto:cbo@helpers.example.org", topic=TEAM, type="email", payload="text/plain"))
    rig.put(care_team("t1"))
    rig.work()
    mails = [file.read_text() for file in (tmp_path / "mail").glob("*.eml")]
    assert len(mails) == 2
    assert any("event 1: CareTeam/t1" in one for one in mails)
    assert all("To: cbo@helpers.example.org" in one and "anzibarovna" not in one for one in mails)


@pytest.fixture
def mail_server() -> Iterator[tuple[Kept, int]]:
    with smtp_server() as served:
        yield served


@pytest.fixture
def by_mail(settings: Settings, mail_server: tuple[Kept, int]) -> Iterator[Rig]:
    made = replace(settings, mail=f"smtp://127.0.0.1:{mail_server[1]}")
    with ExitStack() as stack:
        rig = Rig(made, stack.enter_context(wiring.running(made)).test_client(), stack)
        rig.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}], "gender": "female"})
        yield rig


MAILED = subscription("mailto:cbo@helpers.example.org", topic=TEAM, type="email", payload="text/plain")


def test_mail_through_a_server_is_tried_again_until_it_is_taken(by_mail: Rig, mail_server: tuple[Kept, int]) -> None:
    kept = mail_server[0]
    id = by_mail.subscribe(MAILED)
    kept.answers["RCPT"] = "450 4.2.1 mailbox busy"
    by_mail.put(care_team("t1"))
    by_mail.work()
    assert len(kept.mails) == 1, "the handshake"
    kept.answers.clear()
    by_mail.later(60)
    by_mail.work()
    assert by_mail.get(f"Subscription/{id}")["status"] == "active"
    assert [one["Subject"] for one in kept.mails] == [f"News for Subscription/{id}"] * 2
    assert "event 1: CareTeam/t1" in kept.mails[1].get_content()
    assert f"Ask {by_mail.using.base}/Subscription/{id}/$events" in kept.mails[1].get_content()
    assert all("anzibarovna" not in str(one) and "p1" not in one.get_content() for one in kept.mails)


def test_an_address_that_is_refused_for_good_ends_in_error(by_mail: Rig, mail_server: tuple[Kept, int]) -> None:
    kept = mail_server[0]
    id = by_mail.subscribe(MAILED)
    kept.answers["RCPT"] = "550 5.1.1 nobody here"
    by_mail.put(care_team("t1"))
    by_mail.work()
    said = by_mail.get(f"Subscription/{id}")
    assert (said["status"], said["error"]) == ("error", "the address was refused")
    assert by_mail.alerts == [(id, "the address was refused")]
