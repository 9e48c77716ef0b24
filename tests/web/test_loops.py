"""Every open loop has a next action and a due time, and those overdue are listed by whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from gateway import wiring
from gateway.cli import cli
from gateway.settings import Settings
from tests.web.conftest import a_referral
from tests.web.news import hear

Json = dict[str, Any]


def refer(client: FlaskClient, **changes: Any) -> None:
    referral = {name: value for name, value in (a_referral() | changes).items() if value is not None}
    assert client.post("/referrals", json=referral).status_code == 201


def listed(client: FlaskClient, query: str = "") -> list[Json]:
    answer = client.get(f"/loops{query}")
    assert answer.status_code == 200, answer.data
    assert answer.json is not None
    found: list[Json] = answer.json["loops"]
    assert answer.json["total"] >= len(found)
    return found


def waits(one: Json) -> tuple[str, str, str]:
    return one["clock"], one["who"], one["due"]


@pytest.mark.parametrize(
    ("urgency", "clock", "due"),
    [
        ("routine", "T1", "2026-03-09T23:59:59-07:00"),  # five working days after Monday; the clocks change on Sunday
        ("expedited", "T2", "2026-03-05T09:30:00-08:00"),
        (None, "T1", "2026-03-09T23:59:59-07:00"),
    ],
)
def test_a_decision_is_due_from_the_plan(client: FlaskClient, urgency: str | None, clock: str, due: str) -> None:
    refer(client, received="2026-03-02T09:30:00-08:00", urgency=urgency)
    (one,) = listed(client)
    assert waits(one) == (clock, "plan", due)
    assert (one["status"], one["service"], one["overdue"]) == ("requested", "ecm", True)


def test_each_move_starts_the_next_clock(client: FlaskClient) -> None:
    refer(client, received="2026-03-02T09:30:00-08:00")
    hear(client, 1, at="2026-03-03T09:00:00-08:00", state="authorized")
    assert waits(listed(client)[0]) == ("T5", "plan", "2026-03-17T23:59:59-07:00")
    hear(client, 2, at="2026-03-04T09:00:00-08:00", state="assigned")
    (one,) = listed(client)
    assert waits(one) == ("T6", "plan", "2026-03-18T23:59:59-07:00")
    assert one["state"] == "assigned"


def test_a_closed_loop_waits_for_nothing(client: FlaskClient) -> None:
    refer(client)
    hear(client, 1, at="2026-03-03T09:00:00-08:00", status="completed")
    assert listed(client) == []


def test_what_is_overdue_is_listed_by_whom(client: FlaskClient) -> None:
    refer(client, received="2026-03-02T09:30:00-08:00")
    assert [one["who"] for one in listed(client, "?overdue=yes&who=plan")] == ["plan"]
    assert listed(client, "?overdue=yes&who=provider") == []


QUERIES = ["?overdue=maybe", "?count=0", "?count=many", "?count=1001", "?color=blue", "?who=zebra"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_parameter_that_cannot_be_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/loops{query}").status_code == 400


def test_the_command_lists_them_and_says_by_its_status(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with wiring.running(replace(settings)) as application:
        refer(application.test_client(), received="2026-03-02T09:30:00-08:00")
    monkeypatch.setenv("ECM_DATABASE", settings.database)
    done = CliRunner().invoke(cli, ["loops", "--overdue"])
    assert (done.exit_code, done.stdout.count("OVERDUE Task/")) == (1, 1), done.output
    assert "authorization-decided from plan (T2)" in done.stdout
    none = CliRunner().invoke(cli, ["loops", "--overdue", "--who", "provider", "--json"])
    assert (none.exit_code, none.stdout) == (0, "")


def test_what_is_no_referral_for_ecm_is_not_called_one(client: FlaskClient, transaction: Json) -> None:
    transaction["entry"][1]["resource"]["code"] = {"text": "Diabetes education"}
    request = transaction["entry"][1]["fullUrl"]
    person = transaction["entry"][0]["fullUrl"]
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": request},
        "for": {"reference": person},
        "authoredOn": "2026-03-02",
    }
    transaction["entry"].append({"resource": task, "request": {"method": "POST", "url": "Task"}})
    assert client.post("/fhir", json=transaction, content_type="application/fhir+json").status_code == 200
    (one,) = listed(client)
    assert (one["service"], one["clock"], one["overdue"]) == ("other", None, False)


def test_services_that_began_before_the_decision_are_decided_on_within_thirty_days(client: FlaskClient) -> None:
    refer(client, received="2026-03-02T09:30:00-08:00")
    hear(client, 1, at="2026-03-03T09:00:00-08:00", state="streamlined")
    assert waits(listed(client)[0]) == ("T3", "plan", "2026-04-02T09:00:00-07:00")
    hear(client, 2, at="2026-03-20T09:00:00-07:00", state="authorized")
    assert waits(listed(client)[0]) == ("R1", "provider", "2026-04-20T09:00:00-07:00")
