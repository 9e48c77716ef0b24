"""Lists of entity tags, as RFC 9110 writes them."""

from __future__ import annotations

import time

import pytest

from gateway.errors import BadRequest
from gateway.fhir.etag import Tags, read

READ = {
    "*": Tags(any=True),
    " * ": Tags(any=True),
    'W/"3"': Tags(frozenset([3])),
    '"3"': Tags(frozenset([3])),
    'W/"1", "2"': Tags(frozenset([1, 2])),
    'W/"1",W/"2"\t,\tW/"12"': Tags(frozenset([1, 2, 12])),
    ',W/"1",, ,"2",': Tags(frozenset([1, 2])),
    '"3-gzip", "a,b", W/""': Tags(),
    '"9999999999"': Tags(),
    '"\u0663"': None,
}
REFUSED = [
    "",
    " ",
    ",",
    "3",
    "W/3",
    'w/"3"',
    'W/"3',
    '"3" "4"',
    '*, "3"',
    '"3", *',
    '"3";',
    '"a\nb"',
    '"a\x00b"',
    "W/'3'",
]


@pytest.mark.parametrize(("text", "tags"), [(text, tags) for text, tags in READ.items() if tags is not None])
def test_a_list_of_tags(text: str, tags: Tags) -> None:
    assert read(text, name="If-Match") == tags


@pytest.mark.parametrize("text", [*REFUSED, *(text for text, tags in READ.items() if tags is None)])
def test_what_is_no_list_of_tags(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(text, name="If-Match", place="Bundle")
    (issue,) = refused.value.issues
    assert (issue.code, issue.expression, issue.rule) == ("value", "Bundle", "etag")
    assert issue.message.startswith("If-Match is neither")


def test_a_long_list_takes_no_long_time() -> None:
    began = time.thread_time()
    for text in ('"1",' * 50_000, " ," * 50_000 + '"1"', '"1"' + " " * 100_000 + ";"):
        try:
            read(text, name="If-Match")
        except BadRequest:
            continue
    assert time.thread_time() - began < 2


@pytest.mark.parametrize(("tags", "named"), [(Tags(any=True), True), (Tags(frozenset([2])), True), (Tags(), False)])
def test_what_is_not_there_is_named_by_none(tags: Tags, named: bool) -> None:
    assert tags.name(2) is named
    assert tags.name(None) is False
