"""Gravity's indirect and indirect light referrals between real gateways: source, platform, target, and an application.

https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/referral_workflow.html: the platform's own order (`filler-order`,
`basedOn`), its sub-task (`partOf`), copies of what is referred to, and one state for the source.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.gateways import Gateway, Json, all_running, arrives, output, procedure, refer, until

NPI = "1245319599"
"""Of the provider that has a server; the other one has an application only."""
pytestmark = pytest.mark.timeout(900)
Three = tuple[Gateway, Gateway, Gateway]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("indirect")
    source = Gateway("source", folder / "source", accepts={"platform": ["Task", "Procedure"]})
    platform = Gateway("platform", folder / "platform", accepts={"target": ["Task", "Procedure"]})
    target = Gateway("target", folder / "target")
    server = 'kind = "fhir_server"\nsend = ["ServiceRequest", "Task"]\n'
    source.partners = f'[platform]\n{server}everyone = true\nbase_url = "{platform.base}"\n'
    platform.partners = f'[target]\n{server}organizations = ["npi|{NPI}"]\nbase_url = "{target.base}"\n'
    with all_running(source, platform, target):
        platform.subscribe(target, hook="target")
        source.subscribe(platform, hook="platform")
        yield source, platform, target


def forward(platform: Gateway, task: Json, *, name: str = "Roof Trust", npi: str | None = NPI) -> Json:
    """The platform gives the referral to a provider: its sub-task."""
    until(lambda: platform.find("Task", f"_id={task['id']}"), "the referral to arrive at the platform")
    to = {"name": name, **({"npi": npi} if npi else {})}
    request = task["focus"]["reference"].partition("/")[2]
    done = platform.ask("POST", f"/referrals/{request}/forward", {"to": to})
    reference = done["entry"][0]["response"]["location"].partition("/_history/")[0]
    return platform.read("/".join(reference.split("/")[-2:]))


def test_indirect_from_request_to_completed(three: Three) -> None:
    source, platform, target = three
    task = refer(source)
    whole, request = f"Task/{task['id']}", task["focus"]["reference"]
    part = forward(platform, task)
    name, order = f"Task/{part['id']}", part["focus"]["reference"]
    arrives(source, whole, "accepted")
    arrives(target, name, "requested")
    said = target.read(order)
    assert (said["intent"], said["basedOn"]) == ("filler-order", [{"reference": request}])
    assert target.read(name)["partOf"] == [{"reference": whole}]
    assert target.read(part["for"]["reference"])["name"][0]["family"] == "Zanzibarovna", "a copy of what is referred to"
    target.move(name, "accepted")
    target.move(name, "in-progress")
    arrives(source, whole, "in-progress")
    done = target.ask("POST", "/fhir/Procedure", procedure(part, order))
    target.move(name, "completed", output=output(f"Procedure/{done['id']}"))
    arrives(source, whole, "completed")
    for gateway in (platform, source):
        assert gateway.read(whole)["output"] == output(f"Procedure/{done['id']}")
        assert gateway.read(f"Procedure/{done['id']}")["code"] == {"text": "Deposit paid"}
    assert source.read(request)["status"] == platform.read(order)["status"] == "completed"
    assert [one.troubles() for one in three] == [[], [], []]


def test_indirect_rejected_by_the_target_then_ended_by_the_platform(three: Three) -> None:
    source, platform, target = three
    task = refer(source)
    whole, part = f"Task/{task['id']}", forward(platform, task)
    arrives(target, f"Task/{part['id']}", "requested")
    target.move(f"Task/{part['id']}", "rejected", reason="no room")
    arrives(platform, f"Task/{part['id']}", "rejected")
    assert platform.read(whole)["status"] == "accepted", "the platform may refer anew"
    platform.move(whole, "failed", reason="nobody has room")
    arrives(source, whole, "failed")
    assert source.read(whole)["statusReason"]["text"] == "nobody has room"
    assert [one.troubles() for one in three] == [[], [], []]


def test_indirect_cancelled_by_the_source_reaches_the_target(three: Three) -> None:
    source, platform, target = three
    task = refer(source)
    whole, part = f"Task/{task['id']}", forward(platform, task)
    name = f"Task/{part['id']}"
    arrives(target, name, "requested")
    target.move(name, "accepted")
    arrives(platform, name, "accepted")
    arrives(source, whole, "accepted")
    source.move(whole, "cancelled", reason="moved away")
    arrives(target, name, "cancelled")
    assert platform.read(whole)["status"] == platform.read(name)["status"] == "cancelled"
    arrives(target, part["focus"]["reference"], "revoked")
    assert source.read(task["focus"]["reference"])["status"] == "revoked"
    assert [one.troubles() for one in three] == [[], [], []]


def test_indirect_split_over_a_target_and_an_application(three: Three) -> None:
    source, platform, target = three
    task = refer(source)
    whole = f"Task/{task['id']}"
    first = forward(platform, task)
    arrives(target, f"Task/{first['id']}", "requested")
    second = f"Task/{forward(platform, task, name='Key Trust', npi=None)['id']}"
    target.move(f"Task/{first['id']}", "accepted")
    target.move(f"Task/{first['id']}", "completed")
    arrives(platform, f"Task/{first['id']}", "completed")
    until(lambda: source.read(whole)["status"] in ("in-progress",), "the whole to be under way")
    assert platform.read(whole)["status"] == "in-progress", "the other part is open"
    platform.move(second, "accepted")
    platform.move(second, "completed")
    arrives(source, whole, "completed")
    assert [one.troubles() for one in three] == [[], [], []]


def test_indirect_light_from_request_to_completed(three: Three) -> None:
    source, platform, _ = three
    task = refer(source)
    whole, part = f"Task/{task['id']}", forward(platform, task, name="Key Trust", npi=None)
    name, order = f"Task/{part['id']}", part["focus"]["reference"]
    owner = part["owner"]["reference"]
    assert [one["id"] for one in platform.find("Task", f"owner={owner}&status=requested&part-of={whole}")] == [
        part["id"]
    ]
    platform.move(name, "accepted")
    platform.move(name, "in-progress")
    arrives(source, whole, "in-progress")
    done = platform.ask("POST", "/fhir/Procedure", procedure(part, order))
    platform.move(name, "completed", output=output(f"Procedure/{done['id']}"))
    arrives(source, whole, "completed")
    assert source.read(whole)["output"] == output(f"Procedure/{done['id']}")
    assert source.read(f"Procedure/{done['id']}")["subject"] == task["for"]
    assert [one.troubles() for one in three] == [[], [], []]


def test_indirect_light_declined_then_cancelled(three: Three) -> None:
    source, platform, _ = three
    task = refer(source)
    whole, part = f"Task/{task['id']}", forward(platform, task, name="Key Trust", npi=None)
    platform.move(f"Task/{part['id']}", "rejected", reason="no room")
    arrives(source, whole, "accepted")
    other = f"Task/{forward(platform, task, name='Third Trust', npi=None)['id']}"
    source.move(whole, "cancelled", reason="moved away")
    arrives(platform, other, "cancelled")
    assert platform.read(f"Task/{part['id']}")["status"] == "rejected"
    assert [one.troubles() for one in three] == [[], [], []]
