"""Strict JSON in, the same JSON out."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.fhir import codec

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_is_read_is_what_was_written(value: object, indent: int | str | None, ascii_only: bool) -> None:
    source = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert codec.read(source) == value
    assert codec.read(codec.write(value)) == value


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), st.data())
def test_a_member_named_twice_is_refused_wherever_it_stands(value: dict[str, object], data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(sorted(value)))
    space = data.draw(st.sampled_from(["", " ", "\n\t"]))
    members = [*value.items(), (twice, data.draw(VALUES))]
    inner = ",".join(f"{json.dumps(k)}{space}:{json.dumps(v)}" for k, v in members)
    with pytest.raises(Malformed):
        codec.read(('{"a":[{' + inner + "}]}").encode())


@pytest.mark.parametrize(
    "number", ["72.50", "0.1000000000000000000001", "1e400", "-0.00", "1E-20", "12345678901234567890.5"]
)
def test_decimals_keep_every_digit(number: str) -> None:
    value = codec.read(b'{"value":%s}' % number.encode())
    assert value["value"] == Decimal(number)
    assert Decimal(codec.write(value)[9:-1].decode()).as_tuple() == Decimal(number).as_tuple()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}{}",
        b"NaN",
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"a" :1, "b":1,"b":2}',
        b'{"a":"\\u0022:","b":1,"b":1}',
        b'{"a":01}',
        b'{"a":1,}',
        b'{"a":"\x01"}',
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 300 + b"]" * 300,
        b"1" * 5000,
        b'{"a":1e999999999999999999999}',
        b'{"a":-1e-999999999999999999999}',
    ],
    ids=lambda b: b[:24].decode("latin-1"),
)
def test_refused(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        codec.read(body)
    assert caught.value.issues[0].severity == "fatal"


@pytest.mark.parametrize(
    "inner", ["1", "1.5", str(2**70), '"[[{{"', '"\\u005b"'], ids=["int", "decimal", "big", "text", "escaped"]
)
@pytest.mark.parametrize("space", ["", " "])
def test_nesting_is_read_to_the_bound_and_no_further(inner: str, space: str) -> None:
    def nested(levels: int) -> bytes:
        return f"{'[' * levels}{space}{inner}{']' * levels}".encode()

    codec.read(nested(codec.MAX_DEPTH))
    with pytest.raises(Malformed):
        codec.read(nested(codec.MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        ('{"a":1}'.encode("utf-16-be"), "not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "not UTF-8"),
        ('{"a":1}'.encode("utf-32"), "not UTF-8"),
        ('{"a":"é"}'.encode("latin-1"), "not UTF-8"),
    ],
)
def test_the_wrong_encoding_is_named(body: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        codec.read(body)


def test_the_message_does_not_quote_the_body() -> None:
    with pytest.raises(Malformed) as caught:
        codec.read(b'{"family":"Zanzibarovna","family":"Zanzibarovna"}')
    assert "Zanzib" not in str(caught.value)


@pytest.mark.interop
def test_published_examples_survive_digit_for_digit(shared: Path) -> None:
    paths = sorted((shared / "fhir" / "examples").rglob("*.json"))
    assert len(paths) > 100
    for path in paths:
        source = path.read_bytes()
        again = codec.write(codec.read(source))
        assert json.loads(again, parse_float=str) == json.loads(source, parse_float=str), path.name
