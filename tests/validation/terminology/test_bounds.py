"""Circles, long chains and big sets end, in bounded time."""

from __future__ import annotations

import time

from tests.validation.terminology.conftest import (
    ALL,
    SET,
    SYSTEM,
    code_system,
    filtered,
    terminology,
    value_set,
)


def test_cycles_chains_and_lattices_are_bounded() -> None:
    def named(number: int) -> str:
        return f"http://example.org/{number}"

    cycle = [value_set({"valueSet": [named(1)]}, url=named(0)), value_set({"valueSet": [named(0)]}, url=named(1))]
    chain = [value_set({"valueSet": [named(n + 1)]}, url=named(n)) for n in range(10, 5_010)]
    lattice = [
        value_set({"valueSet": [named(n + 1)]}, {"valueSet": [named(n + 1)]}, url=named(n)) for n in range(6_000, 6_100)
    ]
    known = terminology(*cycle, *chain, *lattice, value_set({"system": SYSTEM}, url=named(6_100)))
    started = time.thread_time()
    assert known.membership(named(0), SYSTEM, "cat").verdict == "unknown"
    assert known.membership(named(10), SYSTEM, "cat").verdict == "unknown"
    assert known.membership(named(6_000), SYSTEM, "cat").verdict == "member"
    assert known.membership(named(6_000), SYSTEM, "dragon").verdict == "not-member"
    assert (known.codes(named(0)), known.codes(named(10))) == (None, None)
    assert known.codes(named(6_000)) == {(SYSTEM, code) for code in ALL}
    assert time.thread_time() - started < 5


def test_big_sets_are_not_listed() -> None:
    big = code_system(concept=[{"code": f"c{number}"} for number in range(20_000)])
    known = terminology(big, value_set({"system": SYSTEM}))
    assert known.codes(SET) is None
    assert known.membership(SET, SYSTEM, "c19999").verdict == "member"


def test_a_chain_of_concepts_costs_its_length_once() -> None:
    chain = [{"code": f"c{n}", "property": [{"code": "parent", "valueCode": f"c{n - 1}"}]} for n in range(60_000)]
    known = terminology(code_system(concept=chain), value_set(filtered("concept", "is-a", "c0")))
    started = time.thread_time()
    assert known.codes(SET) is None
    assert known.membership(SET, SYSTEM, "c59999").verdict == "member"
    assert time.thread_time() - started < 10
