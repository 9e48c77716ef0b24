"""A Kaiser return file moves the loops of its members: by the engagement status, as of the day of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import loop
from tests.web.conftest import a_referral

FILE = Path(__file__).parents[2] / "fixtures" / "referral-changes" / "csv-kaiser-return" / "file.csv"


def refer(client: FlaskClient, id: str, cin: str, first: str) -> None:
    referral = a_referral() | {"key": {"source": "harbor-clinic", "id": id}}
    referral["coverage"] = {"plan": "kaiser", "county": "Los Angeles"}
    referral["member"] = referral["member"] | {"cin": cin, "name": {"first": first, "last": "Zanzibarovna"}}
    assert client.post("/referrals", json=referral).status_code == 201


def task(client: FlaskClient, id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/fhir/Task?identifier={id}").get_json()["entry"][0]["resource"]
    return found


def send(client: FlaskClient, body: bytes) -> list[str]:
    answer = client.post("/files/kaiser/referral-change", data=body, content_type="text/csv")
    return [answer.headers.get(f"X-Rows-{name}", "-") for name in ("Read", "Kept", "Same", "Refused")]


def test_a_return_file_moves_each_member_s_loop_once(client: FlaskClient) -> None:
    refer(client, "K-1", "90000123A", "Ljuba")
    refer(client, "K-2", "90000124B", "Anton")
    refer(client, "K-3", "90000125C", "Vera")
    assert send(client, FILE.read_bytes()) == ["3", "2", "0", "1"]
    assert send(client, FILE.read_bytes()) == ["3", "0", "2", "1"]
    ended = task(client, "K-1")
    assert (ended["status"], ended["lastModified"]) == ("completed", "2026-03-01T00:00:00-08:00")
    assert code_of(ended["statusReason"], loop.DISCONTINUATION) == "1"
    assert task(client, "K-2")["status"] == "in-progress"
    assert task(client, "K-3")["status"] == "requested", "a word that nobody knows is never guessed"


def test_a_column_that_the_template_does_not_have_refuses_the_file(client: FlaskClient) -> None:
    head, _, rest = FILE.read_text().partition("\n")
    body = f"{head},Referral Status\n" + "".join(f"{line},Accepted\n" for line in rest.splitlines())
    answer = client.post("/files/kaiser/referral-change", data=body.encode(), content_type="text/csv")
    assert answer.status_code == 422
