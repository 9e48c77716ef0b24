"""How a subscription came to be as it is: its versions, for its own subscriber only."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound
from gateway.ports import Caller
from gateway.usecases.subscribe import read_subscription, subscription_history
from tests.subscriptions.conftest import OWN, Rig, subscription
from tests.subscriptions.receiver import Receiver


def test_how_it_went_is_told_to_its_own_subscriber(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=OWN + "care-team"))
    versions = rig.get(f"Subscription/{id}/_history")
    assert (versions["type"], versions["total"]) == ("history", 2)
    assert [one["resource"]["status"] for one in versions["entry"]] == ["active", "requested"]
    assert [one["request"]["method"] for one in versions["entry"]] == ["PUT", "POST"]
    assert rig.get(f"Subscription/{id}/_history/1")["status"] == "requested"
    for path in (f"{id}/_history/3", f"{id}/_history/x", f"{id}/_history/0", "nobody/_history", "nobody/_history/1"):
        assert rig.client.get(f"/fhir/Subscription/{path}").status_code == 404
    other = Caller("another")
    with pytest.raises(NotFound):
        subscription_history(other, id, services=rig.services(), base="http://127.0.0.1:8080/fhir")
    with pytest.raises(NotFound):
        read_subscription(other, id, services=rig.services(), version=1)
