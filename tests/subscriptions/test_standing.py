"""Who subscribes for organizations is named only what concerns one of them; numbers go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway import wiring, wiring_webhooks
from gateway.errors import Misconfigured
from gateway.settings import Settings
from tests.subscriptions.conftest import OWN, WEBHOOKS, Rig, subscription
from tests.subscriptions.receiver import Receiver

NPI = "http://hl7.org/fhir/sid/us-npi"


@pytest.fixture
def rig(settings: Settings) -> Iterator[Rig]:
    speaks = 'full_resource = true\norganizations = ["npi|1234567893"]'
    settings.webhooks.write_text(WEBHOOKS.replace("full_resource = true", speaks))
    with ExitStack() as stack:
        rig = Rig(settings, stack.enter_context(wiring.running(settings)).test_client(), stack)
        rig.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}], "gender": "female"})
        yield rig


def request(id: str, npi: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "code": {"text": "Enhanced Care Management"},
        "subject": {"reference": "Patient/p1"},
        "requester": {"identifier": {"system": NPI, "value": npi}},
    }


@pytest.mark.parametrize("content", ["id-only", "full-resource"])
def test_what_concerns_others_keeps_its_number_and_names_nothing(rig: Rig, receiver: Receiver, content: str) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=OWN + "service-request", content=content))
    rig.put(request("theirs", "1679576722"))
    rig.work()
    rig.put(request("mine", "1234567893"))
    rig.work()
    theirs, mine = receiver.got[1:]
    assert (theirs.numbers, mine.numbers) == ([1], [2])
    assert "theirs" not in theirs.body.decode()
    assert "ServiceRequest/mine" in mine.body.decode()
    asked = rig.get(f"Subscription/{id}/$events?eventsSinceNumber=1")
    assert "ServiceRequest/mine" in str(asked)
    assert "ServiceRequest/theirs" in str(asked), "the member's record concerns it meanwhile"


def test_an_organization_that_cannot_be_read_stops_the_process(settings: Settings) -> None:
    settings.webhooks.write_text('[subscribers.local]\norganizations = ["npi|1"]')
    with pytest.raises(Misconfigured, match="is not an NPI"):
        wiring_webhooks.parties(settings)
