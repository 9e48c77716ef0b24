"""A filter lets through exactly what a search by it finds: every kind of condition, on drawn resources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import wiring
from gateway.ports import Caller, Change
from gateway.settings import Settings
from gateway.subscriptions.matching import meets
from gateway.usecases.services import Services

CALLER = Caller("tester")
CODES = st.sampled_from(["draft", "requested", "accepted", "completed"])
REFERENCES = st.sampled_from(["Organization/o1", "Organization/o2", "https://other.example/fhir/Organization/o1"])
CODINGS = st.fixed_dictionaries(
    {"code": st.sampled_from(["a", "b"])},
    optional={"system": st.sampled_from(["http://x.example", "http://y.example"])},
)
TASKS = st.fixed_dictionaries(
    {"status": CODES, "intent": st.sampled_from(["order", "plan"])},
    optional={
        "owner": st.fixed_dictionaries({"reference": REFERENCES}),
        "requester": st.fixed_dictionaries({"reference": REFERENCES}),
        "code": st.fixed_dictionaries({"coding": st.lists(CODINGS, min_size=1, max_size=2)}),
        "authoredOn": st.sampled_from(["2026-03-01", "2026-03", "2026-03-02T09:30:00-08:00"]),
    },
)
FILTERS = st.sampled_from(
    [
        "status=requested", "status=requested,accepted", "status:not=draft", "status:not=draft,accepted",
        "intent=order",
        "owner=Organization/o1", "owner=o1", "owner:missing=true", "owner:missing=false", "requester=Organization/o2",
        "owner=https://other.example/fhir/Organization/o1", "code=a", "code=http://x.example|a", "code=|a",
        "code=http://x.example|", "code:not=http://x.example|b", "authored-on=2026-03-01", "authored-on=ge2026-03-02",
        "authored-on=lt2026-03-01", "authored-on=ne2026-03", "authored-on=sa2026-03-01", "authored-on=eb2026-03-02",
        "_lastUpdated=gt2020", "_lastUpdated=lt2020", "_id=t1", "_id=t2,t3", "owner:Organization=o2",
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder: Path = tmp_path_factory.mktemp("matching")
    made = replace(Settings(), database=f"sqlite:///{folder / 'g.sqlite'}", partners=folder / "partners.toml")
    with ExitStack() as stack:
        yield stack.enter_context(wiring.composed(made))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(task=TASKS, filters=st.lists(FILTERS, min_size=1, max_size=2))
def test_a_filter_means_what_the_search_means(task: dict[str, Any], filters: list[str], services: Services) -> None:
    task = {"resourceType": "Task", "id": "t1", **task}
    with services.store.begin(CALLER) as tx:
        kept = tx.put(task)
    pairs = [tuple(one.split("=", 1)) for one in filters]
    query = services.search.parse("Task", pairs)  # type: ignore[arg-type]
    entries = services.search.entries(task)  # type: ignore[attr-defined]
    change = Change("PUT", kept.type, kept.id, kept.version, kept.at, entries)
    assert meets(query.where, change) == bool(services.store.search(CALLER, query).matches)
