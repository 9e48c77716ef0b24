"""In what order a search answers, page by page, and how many there are."""

from __future__ import annotations

import pytest

from gateway.errors import BadRequest, Gone
from gateway.store import SqlStore
from tests.databases import CALLER, OTHER
from tests.store.searching.conftest import (
    Find,
    ids,
    keep,
)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("birthdate", "p1 p2 p3"),
        ("-birthdate", "p2 p1 p3"),
        ("family", "p3 p2 p1"),
        ("-family", "p1 p2 p3"),
        ("gender,-_id", "p3 p1 p2"),
        ("_lastUpdated", "p1 p2 p3"),
        ("-_lastUpdated", "p3 p2 p1"),
        ("-_id", "p3 p2 p1"),
        ("-gender,birthdate", "p2 p1 p3"),
    ],
)
def test_pages_follow_the_sort_order(find: Find, sort: str, expected: str) -> None:
    assert ids(find("Patient", ("_sort", sort))) == expected.split()
    walked, page = [], find("Patient", ("_sort", sort), ("_count", "1"))
    while True:
        walked += ids(page)
        if page.next is None:
            break
        page = find("Patient", ("_sort", sort), ("_count", "1"), ("_page", page.next))
    assert walked == expected.split()


def test_a_page_mark_tells_nothing_and_fits_only_its_own_search(find: Find, store: SqlStore) -> None:
    import base64

    first = find("Patient", ("_sort", "family"), ("family", "zanz"), ("_count", "1"))
    assert first.next is not None
    told = base64.urlsafe_b64decode(first.next + "==").decode()
    assert "anzibar" not in told.lower()
    for pairs, caller in [
        ([("_sort", "family"), ("family", "d")], CALLER),
        ([("_sort", "-family"), ("family", "zanz")], CALLER),
        ([("_sort", "family"), ("family", "zanz")], OTHER),
    ]:
        with pytest.raises(BadRequest):
            find("Patient", *pairs, ("_page", first.next), caller=caller)
    for broken in ("x", "e30", "bnVsbA", first.next[:-2], "é"):
        with pytest.raises(BadRequest):
            find("Patient", ("_page", broken))
    with store.begin(CALLER) as tx:
        tx.delete("Patient", first.matches[0].id)
    with pytest.raises(Gone):
        find("Patient", ("_sort", "family"), ("family", "zanz"), ("_page", first.next))


def test_what_comes_between_pages_neither_repeats_nor_hides(find: Find, store: SqlStore) -> None:
    first = find("Patient", ("_count", "2"))
    keep(store, {"resourceType": "Patient", "id": "p0"}, {"resourceType": "Patient", "id": "p4"})
    assert first.next is not None
    assert ids(find("Patient", ("_count", "2"), ("_page", first.next))) == ["p3", "p4"]


def test_totals(find: Find) -> None:
    assert find("Patient").total == 3
    assert find("Patient", ("_count", "2")).total is None
    assert find("Patient", ("_count", "2"), ("_total", "accurate")).total == 3
    for pair in (("_count", "0"), ("_summary", "count")):
        counted = find("Patient", ("gender", "female"), pair)
        assert (counted.total, counted.matches, counted.next) == (2, (), None)
