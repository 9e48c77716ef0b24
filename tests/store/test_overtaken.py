"""What is decided on the version that was read is decided again when another was faster: no change is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import StaleVersion
from gateway.store import SqlStore
from gateway.trust.disclosure import content
from gateway.usecases.keep import Overtaken, put, put_over, unless_overtaken
from tests.databases import CALLER, patient


def test_no_count_is_lost_among_many_who_count(store: SqlStore) -> None:
    def count(which: int) -> None:
        def one_more() -> None:
            with store.begin(CALLER) as tx:
                current = tx.read("Patient", "p1")
                number = content(current)["multipleBirthInteger"] if current else 0
                put_over(current, patient(multipleBirthInteger=number + 1), tx)

        unless_overtaken(one_more)

    for _ in range(8):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(count, range(3)))
    kept = store.read(CALLER, "Patient", "p1")
    assert kept is not None
    assert content(kept)["multipleBirthInteger"] == kept.version == 24


def test_who_looked_before_another_wrote_is_overtaken(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        before = put(tx, patient()).kept
    with store.begin(CALLER) as tx:
        put(tx, patient(multipleBirthInteger=2))
    for seen in (before, None):
        with pytest.raises(Overtaken), store.begin(CALLER) as tx:
            put_over(seen, patient(multipleBirthInteger=3), tx)
    with pytest.raises(StaleVersion) as stale, store.begin(CALLER) as tx:
        put(tx, patient(multipleBirthInteger=3), expected=1)
    assert not isinstance(stale.value, Overtaken), "whoever named a version is told, not repeated"
