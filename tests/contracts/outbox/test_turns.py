"""Who is served when: the urgent, then partners in turn, and nobody for whom there is no room."""

from __future__ import annotations

import pytest

from gateway.store import SqlStore
from tests.contracts.outbox.conftest import claim, versions
from tests.databases import NOW_UTC, owe, owed


def test_urgent_goes_first_but_never_before_its_own_front(store: SqlStore) -> None:
    owe(store, owed(1, member="a"), owed(2, member="a", urgent=True), owed(3, member="b", urgent=True))
    assert versions(claim(store)) == [3, 1]


def test_partners_take_turns(store: SqlStore) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="big") for n in range(1, 20)))
    owe(store, *(owed(n, member=f"m{n}", partner="small") for n in range(1, 3)))
    partners = [d.owed.partner for d in claim(store, limit=6)]
    assert sorted(partners[:4]) == ["big", "big", "small", "small"]


def test_partners_take_turns_even_one_at_a_time(store: SqlStore) -> None:
    for partner in ("a", "b", "c"):
        owe(store, *(owed(n, member=f"m{n}", partner=partner) for n in range(1, 4)))
    assert [claim(store, limit=1)[0].owed.partner for _ in range(6)] == ["a", "b", "c"] * 2


def test_partners_can_be_left_out(store: SqlStore) -> None:
    owe(store, owed(1, partner="down", urgent=True), owed(2, partner="up"))
    taken = store.outbox.claim("w1", now=NOW_UTC, limit=10, lease_seconds=30, without={"down"})
    assert [d.owed.partner for d in taken] == ["up"]
    assert [d.owed.partner for d in claim(store)] == ["down"]


def test_a_large_backlog_is_taken_in_order_whatever_the_batch(store: SqlStore) -> None:
    for member in range(20):
        owe(store, *(owed(n, member=f"m{member}", partner=f"p{member % 3}") for n in range(1, 6)))
    order: dict[str, list[int]] = {}
    while taken := claim(store, limit=7):
        for d in taken:
            order.setdefault(d.owed.member, []).append(d.owed.version)
            assert store.outbox.delivered(d, now=NOW_UTC)
    assert order == {f"m{member}": [1, 2, 3, 4, 5] for member in range(20)}


def test_a_partner_or_a_kind_of_partners_can_be_left_out(store: SqlStore) -> None:
    owe(
        store, *(owed(n, partner=name) for n, name in enumerate(("ehr", "plan", "subscription:a", "subscription:b"), 1))
    )
    without = [
        store.outbox.claim("w", now=NOW_UTC, limit=9, lease_seconds=0, without=[one])
        for one in ("plan", "subscription:")
    ]
    assert [sorted(one.owed.partner for one in taken) for taken in without] == [
        ["ehr", "subscription:a", "subscription:b"],
        ["ehr", "plan"],
    ]


@pytest.mark.parametrize("urgent", [False, True])
def test_many_partners_take_turns_whatever_one_of_them_is_owed(store: SqlStore, urgent: bool) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="p20", urgent=urgent) for n in range(1, 100)))
    owe(store, *(owed(n, partner=f"p{n:02}", urgent=urgent) for n in range(40) if n != 20))
    served = [one.owed.partner for _ in range(5) for one in claim(store, limit=8)]
    assert sorted(served) == [f"p{n:02}" for n in range(40)]
    assert [one.owed.partner for one in claim(store, limit=8)] == ["p20"] * 8


@pytest.mark.parametrize("urgent", [False, True])
def test_a_partner_gets_no_more_than_there_is_room_for(store: SqlStore, urgent: bool) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="big", urgent=urgent and n % 2 == 0) for n in range(1, 20)))
    owe(store, *(owed(n, member=f"m{n}", partner="small") for n in range(1, 4)), owed(1, partner="full"))

    def take(limit: int, **rooms: int) -> list[str]:
        taken = store.outbox.claim("w", now=NOW_UTC, limit=limit, lease_seconds=30, rooms=rooms)
        return sorted(one.owed.partner for one in taken)

    assert take(10, big=2, full=0) == ["big"] * 2 + ["small"] * 3
    assert take(10, big=0, full=0) == []
    assert take(3, big=3) == (["big"] * 3 if urgent else ["big", "big", "full"])


def test_kinds_of_partners_that_are_left_out_cost_nothing_and_the_turn_goes_round(store: SqlStore) -> None:
    names = ["a", "subscription:x", "subscription:y", "t", "z"]
    for name in names:
        owe(store, *(owed(n, member=f"m{n}", partner=name) for n in range(1, 4)))

    def one(without: str) -> str:
        (taken,) = store.outbox.claim("w", now=NOW_UTC, limit=1, lease_seconds=30, without=[without])
        return taken.owed.partner

    assert [one("subscription:") for _ in range(7)] == ["a", "t", "z"] * 2 + ["a"]
    assert [one("t") for _ in range(4)] == ["subscription:x", "subscription:y", "z", "subscription:x"]
