"""Gravity's direct and direct light referrals between real gateways: source, target, and an application.

https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/referral_workflow.html
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.gateways import Gateway, Refused, all_running, arrives, output, procedure, refer

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Gateway]]:
    folder = tmp_path_factory.mktemp("direct")
    source = Gateway("source", folder / "source", accepts={"target": ["Task", "Procedure"]})
    target = Gateway("target", folder / "target")
    server = 'kind = "fhir_server"\nsend = ["ServiceRequest", "Task"]\neveryone = true\n'
    source.partners = f'[target]\n{server}base_url = "{target.base}"\n'
    with all_running(source, target):
        source.subscribe(target, hook="target")
        yield source, target


def test_direct_from_request_to_completed(gateways: tuple[Gateway, Gateway]) -> None:
    source, target = gateways
    task = refer(source)
    name, request = f"Task/{task['id']}", task["focus"]["reference"]
    arrives(target, name, "requested")
    assert target.read(request)["intent"] == "order"
    assert target.read(task["for"]["reference"])["name"][0]["family"] == "Zanzibarovna"
    target.move(name, "accepted")
    arrives(source, name, "accepted")
    target.move(name, "in-progress")
    arrives(source, name, "in-progress")
    done = target.ask("POST", "/fhir/Procedure", procedure(task, request))
    target.move(name, "completed", output=output(f"Procedure/{done['id']}"))
    arrives(source, name, "completed")
    assert source.read(name)["output"] == output(f"Procedure/{done['id']}")
    assert source.read(f"Procedure/{done['id']}")["code"] == {"text": "Deposit paid"}
    assert source.read(request)["status"] == "completed"
    arrives(target, request, "completed")
    assert source.troubles() == target.troubles() == []


def test_direct_rejected(gateways: tuple[Gateway, Gateway]) -> None:
    source, target = gateways
    task = refer(source)
    name = f"Task/{task['id']}"
    arrives(target, name, "requested")
    target.move(name, "rejected", reason="no room")
    arrives(source, name, "rejected")
    said = source.read(name)
    assert said["statusReason"]["text"] == "no room"
    assert source.read(task["focus"]["reference"])["status"] == "active", "the order is the requester's to refer anew"
    assert source.troubles() == target.troubles() == []


def test_direct_cancelled_by_the_source_while_the_target_is_at_work(gateways: tuple[Gateway, Gateway]) -> None:
    source, target = gateways
    task = refer(source)
    name = f"Task/{task['id']}"
    arrives(target, name, "requested")
    target.move(name, "accepted")
    target.move(name, "in-progress")
    arrives(source, name, "in-progress")
    source.move(name, "cancelled", reason="moved away")
    arrives(target, name, "cancelled")
    arrives(target, task["focus"]["reference"], "revoked")
    assert source.read(task["focus"]["reference"])["status"] == "revoked"
    assert source.troubles() == target.troubles() == []


def test_steps_that_were_quicker_than_the_news_are_no_offence(gateways: tuple[Gateway, Gateway]) -> None:
    source, target = gateways
    task = refer(source)
    name = f"Task/{task['id']}"
    arrives(target, name, "requested")
    for step in ("accepted", "in-progress", "on-hold", "in-progress", "completed"):
        target.move(name, step, **({"reason": "waits for a key"} if step == "on-hold" else {}))
    arrives(source, name, "completed")
    assert source.troubles() == target.troubles() == []


@pytest.fixture(scope="module")
def asker(gateways: tuple[Gateway, Gateway], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Another source: it sends the Task alone, to be read here, and asks the target instead of subscribing."""
    made = Gateway("asker", tmp_path_factory.mktemp("polling") / "asker")
    server = 'kind = "fhir_server"\nsend = ["Task"]\neveryone = true\nexchange = "by-reference"\n'
    made.partners = f'[target]\n{server}base_url = "{gateways[1].base}"\npoll = ["Task"]\npoll_minutes = 1\n'
    with all_running(made):
        yield made


def test_direct_by_reference_and_polling(gateways: tuple[Gateway, Gateway], asker: Gateway) -> None:
    target = gateways[1]
    task = refer(asker)
    name, request = f"Task/{task['id']}", task["focus"]["reference"]
    arrives(target, name, "requested")
    there = target.read(name)
    order = there["focus"]["reference"]
    assert order == f"{asker.base}/{request}", "the target reads the order at the source"
    assert asker.read(order.removeprefix(f"{asker.base}/"))["intent"] == "order"
    assert target.find("ServiceRequest", f"_id={request.partition('/')[2]}") == []
    target.move(name, "accepted")
    arrives(asker, name, "accepted")
    done = target.ask("POST", "/fhir/Procedure", procedure(there, order))
    target.move(name, "completed", output=output(f"Procedure/{done['id']}"))
    arrives(asker, name, "completed")
    (kept,) = asker.find("Procedure", f"based-on={request}")
    assert asker.read(name)["output"] == output(f"Procedure/{kept['id']}")
    assert kept["identifier"] == [{"system": target.base, "value": f"Procedure/{done['id']}"}]
    assert asker.read(request)["status"] == "completed"
    assert [one["id"] for one in asker.find("Task", f"focus={request}")] == [task["id"]], "no second copy"
    cancelled = refer(asker)
    arrives(target, f"Task/{cancelled['id']}", "requested")
    asker.move(f"Task/{cancelled['id']}", "cancelled", reason="moved away")
    arrives(target, f"Task/{cancelled['id']}", "cancelled")
    assert asker.troubles() == target.troubles() == []


def test_direct_light(gateways: tuple[Gateway, Gateway]) -> None:
    source = gateways[0]
    task = refer(source)
    name, request = f"Task/{task['id']}", task["focus"]["reference"]
    found = source.find("Task", f"_id={task['id']}&_include=Task:focus")
    assert {one["resourceType"] for one in found} == {"Task", "ServiceRequest"}
    source.move(name, "accepted")
    source.move(name, "in-progress")
    done = source.ask("POST", "/fhir/Procedure", procedure(task, request))
    source.move(name, "completed", output=output(f"Procedure/{done['id']}"))
    assert source.read(name)["output"] == output(f"Procedure/{done['id']}")
    order = source.read(request)
    source.ask("PUT", f"/fhir/{request}", {**order, "status": "completed"})
    assert [one["id"] for one in source.find("Procedure", f"based-on={request}")] == [done["id"]]


@pytest.mark.parametrize("ending", ["rejected", "cancelled"])
def test_direct_light_declined_or_withdrawn(gateways: tuple[Gateway, Gateway], ending: str) -> None:
    source = gateways[0]
    task = refer(source)
    name = f"Task/{task['id']}"
    source.move(name, ending, reason="no room")
    with pytest.raises(Refused, match="422"):
        source.move(name, "accepted")
    assert source.read(name)["status"] == ending
