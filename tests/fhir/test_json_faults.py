"""Where JSON is not what FHIR reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.fhir.json_faults import named_twice


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"a":1,\n "a":2}', (2, 2)),
        (b'{"a":[{"b":"x"},{"\\u0062":"\xc3\xbc\\"{","c":{"d":0},  "b":1}]}', (1, 48)),
        (b'{"a":1,\n}', (2, 1)),
        (b'{"a":\n  NaN}', (2, 3)),
        (b'{"a":1', (1, 7)),
        (b'{"\xc3\xbc":\xff}', (1, 6)),
        (b'\xef\xbb\xbf{"a":1}', (1, 1)),
        (b'{"a":"x",\n"b":"\\u0000"}', (2, 6)),
        (b'{"a":1}\n {"b":2}', (2, 3)),
    ],
)
def test_what_cannot_be_read_is_told_with_line_and_column(data: bytes, place: tuple[int, int]) -> None:
    with pytest.raises(Malformed) as refused:
        codec.read(data)
    (issue,) = refused.value.issues
    assert (issue.line, issue.column) == place


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_nothing_that_was_written_names_a_member_twice(value: object, indent: int | None, ascii_only: bool) -> None:
    assert named_twice(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) is None


@given(st.lists(VALUES, max_size=3), NAMES, VALUES)
def test_the_way_leads_to_the_member_that_is_named_twice(before: list[object], name: str, value: object) -> None:
    written = json.dumps({"a": [*before, {"b": 0}]})
    again = f"{{{json.dumps(name)}: {json.dumps(value)}, {json.dumps(name)}: 0}}]}}"
    twice = written.removesuffix('{"b": 0}]}') + again
    found = named_twice(twice.encode())
    assert found is not None
    assert found[0] == ("a", len(before), name)
