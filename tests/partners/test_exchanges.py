"""Searching a partner: whatever it answers, it is believed, or the partner is said not to have answered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import codec
from gateway.partners.exchanges import Exchanges, NotDone
from gateway.partners.http import Client, Reply

TASK = {"resourceType": "Task", "id": "t1"}


class Pages(Client):
    """A server that answers each request with the next page."""

    def __init__(self, *pages: Any) -> None:
        super().__init__("http://ehr.example", seconds=1)
        self.pages, self.asked = list(pages), list[str]()

    def exchange(self, method: str, path: str, **_: Any) -> Reply:
        self.asked.append(path)
        return Reply(200, {}, codec.write(self.pages.pop(0)))


def searched(*pages: Any) -> list[Any]:
    return list(Exchanges(Pages(*pages), "https://ehr.example", {}).search("Task", [("code", "x")]))


def page(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", **more}


def test_all_pages_each_version_once() -> None:
    first = page(entry=[{"resource": TASK}], link=[{"relation": "next", "url": "https://ehr.example/Task?page=2"}])
    newer = {**TASK, "meta": {"versionId": "2"}}
    assert searched(first, page(entry=[{"resource": TASK}, {"resource": newer}])) == [TASK, newer]


@pytest.mark.parametrize(
    "crooked",
    [
        page(entry=5),
        page(entry=[5]),
        page(entry=[{"resource": None}]),
        page(entry=[{"resource": {**TASK, "meta": "x"}}]),
        page(link=5),
        page(link=[{"relation": "next"}, 5]),
    ],
)
def test_a_page_without_shape_is_asked_for_again(crooked: Any) -> None:
    with pytest.raises(NotDone) as caught:
        searched(crooked)
    assert caught.value.receipt.retry


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["next", "Task", "x", "https://ehr.example/Task"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from("entry link resource resourceType meta versionId id relation url".split()),
                inner,
                max_size=5,
            )
        ),
        max_leaves=15,
    )
)
def test_nothing_that_a_partner_says_is_a_defect_of_ours(said: Any) -> None:
    whole = page(**said) if isinstance(said, dict) and not {"resourceType", "type"} & said.keys() else page(entry=said)
    try:
        searched(*[whole] * 500)
    except NotDone:
        return
