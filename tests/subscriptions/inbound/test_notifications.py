"""A notification is applied by what it carries, or by what its partner is asked for, if it is down later."""

from __future__ import annotations

from tests.subscriptions.inbound.conftest import Desk, notification, task


def test_a_partner_that_was_down_for_a_day_is_heard_minutes_after_it_is_back(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    for _ in range(24 * 6):
        desk.apply()
        desk.rig.later(610)
    desk.partner.down = False
    desk.partner.resources["Task/k1"] = task(1)
    desk.apply()
    assert desk.states() == ["applied"]


def test_a_partner_that_stays_down_is_given_up_after_three_days(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    for hours in range(71):
        desk.apply()
        assert desk.states() == ["waiting"], hours
        desk.rig.later(3600)
    desk.rig.later(7200)
    desk.apply()
    assert desk.states() == ["parked"]


def test_a_notification_by_id_is_read_from_the_partner(desk: Desk) -> None:
    desk.partner.resources["Task/k1"] = task(2, status="received")
    desk.send(notification("Task/k1", "Task/k1"))
    desk.apply()
    assert desk.partner.read_ == ["Task/k1"]
    assert desk.rig.get("Task/k1")["status"] == "received"


def test_a_notification_that_carries_the_resource_asks_nobody(desk: Desk) -> None:
    desk.send(notification("Task/k1", carried=(task(1),)))
    desk.send(notification(type="handshake"))
    desk.send(notification(type="heartbeat"))
    desk.apply()
    assert (desk.partner.read_, desk.states()) == ([], ["applied"] * 3)


def test_a_partner_that_is_down_is_asked_again(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    desk.apply()
    assert desk.states() == ["waiting"]
    desk.partner.down = False
    desk.partner.resources["Task/k1"] = task(1)
    desk.apply()
    assert desk.states() == ["waiting"]  # not before it is due
    desk.rig.later(30)
    desk.apply()
    assert desk.states() == ["applied"]
