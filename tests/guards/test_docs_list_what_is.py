"""Tables in the pages that list what the code has: they list all of it, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.domain.loop import CLOSED, MOVES, Party, TaskStatus
from gateway.mapping.partners import Layout
from gateway.mapping.transforms import TRANSFORMS
from gateway.partners.settings import EXCHANGES, KINDS, PartnerSettings
from gateway.replay import cases
from gateway.subscriptions.topics import TOPICS

ROOT = Path(__file__).parents[2]


def section(page: str, heading: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^##+ {re.escape(heading)}$(.*?)(?=^##? |\Z)", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of the one table in a text, without its head."""
    found = [[cell.strip() for cell in line.strip("|").split(" |")] for line in re.findall(r"^\|.*\|$", text, re.M)]
    return found[2:]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_moves_of_a_loop() -> None:
    told: dict[tuple[str, Party], set[str]] = {}
    for froms, requester, target in rows(section("docs/closed-loop.md", "Which moves are open")):
        for one in froms.split(", "):
            told[one, Party.REQUESTER] = {word for word in requester.split(", ") if word}
            told[one, Party.TARGET] = {word for word in target.split(", ") if word}
    statuses = [status for status in TaskStatus if status is not TaskStatus.ENTERED_IN_ERROR]
    assert {status for status, _ in told} == {status.value for status in statuses}
    for status in statuses:
        for party in Party:
            open_ = {to.value for to, parties in MOVES.get(status, {}).items() if party in parties}
            assert told[status.value, party] == open_, (status, party)
            assert not (open_ and status in CLOSED)


def test_the_entries_of_partners_toml() -> None:
    listed = rows((ROOT / "docs/partners.md").read_text("utf-8").partition("## ")[0])
    told = {name: meaning for entry, meaning in listed for name in codes(entry)}
    known = {field.name for field in fields(PartnerSettings)} - {"name", "insecure"}
    assert told.keys() == known
    assert set(KINDS) == set(codes(told["kind"]))
    assert set(EXCHANGES) <= set(codes(told["exchange"]))
    assert "`insecure = true`" in told["base_url"]


def test_the_topics_and_their_filters() -> None:
    listed = rows(section("docs/subscriptions.md", "Topics"))
    told = {codes(topic)[0]: set(codes(filters)) for topic, _, filters in listed}
    assert told == {url: set(topic.filters) for url, topic in TOPICS.items()}


def test_the_rules_by_which_subscriptions_are_refused() -> None:
    told = set()
    for rule, _ in rows(section("docs/subscriptions.md", "What is refused")):
        told |= {f"subscription{one}" if one.startswith("-") else one for one in codes(rule)}
    source = (ROOT / "gateway/subscriptions/rules.py").read_text("utf-8")
    source += (ROOT / "gateway/subscriptions/endpoint.py").read_text("utf-8")
    for rule in told:
        assert f'"{rule.removeprefix("subscription-")}"' in source, rule
    said = set(re.findall(r'_refused\([^()]*?"([a-z-]+)"\)', source, re.S))
    assert {f"subscription-{rule}" for rule in said} <= told


def test_what_reads_a_cell() -> None:
    listed = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section("mappings/README.md", "A table's columns"), re.M)
    columns = {"to", "from", "required", "via", "concept", "default", "note"}
    assert {name for cell in listed for name in codes(cell)} == columns | set(TRANSFORMS)


def test_the_settings_of_a_layout() -> None:
    block = section("mappings/README.md", "partner.toml").partition("[referral]")[2]
    told = set(re.findall(r"^(\w+) =", block, re.M))
    given = {field.name for field in fields(Layout)} - {"partner", "kind", "source", "concepts"}
    assert told == given


@pytest.mark.parametrize("known", [cases._KEYS, cases._EXPECT_KEYS, set(cases.DOORS)], ids=["keys", "expect", "doors"])
def test_the_keys_of_a_case(known: set[str]) -> None:
    block = (ROOT / "fixtures/README.md").read_text("utf-8").partition("```toml")[2].partition("```")[0]
    told = set(re.findall(r"^\[?(\w+)", block, re.M)) | set(re.findall(r"[\w-]+", block.partition("door =")[2][:200]))
    assert known <= told
