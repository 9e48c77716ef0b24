"""Every primitive type: what is in, what is out."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from gateway.validation.compiled import PRIMITIVES
from gateway.validation.primitives import CHECKS, decoded_size

GOOD: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -2147483648, 2147483647],
    "unsignedInt": [0, 2147483647],
    "positiveInt": [1],
    "decimal": [1, Decimal("1.10"), Decimal("-0.001")],
    "string": ["a", " a ", "a\nb\tc", "ÄÖ"],
    "markdown": ["# a\n\nb"],
    "xhtml": ["<div/>"],
    "code": ["a", "a b"],
    "id": ["a", "A-1.b", "x" * 64],
    "uri": ["urn:uuid:C757873d-ec9a-4326-a141-556f43239520", "urn:ietf:bcp:47", "http://a/b?c#d", "a/b", "urn:oid:1.2"],
    "url": ["https://a.example/"],
    "canonical": ["http://a/b|1.0", "#x", "urn:x:y"],
    "oid": ["urn:oid:1.2.840"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "date": ["2020", "2020-02", "2020-02-29", "2000-02-29", "0001-01-01"],
    "dateTime": ["2020", "2020-02", "2020-02-29", "2020-01-01T00:00:00Z", "2020-01-01T23:59:60.123+14:00"],
    "instant": ["2020-01-01T00:00:00.1234567-08:00"],
    "time": ["00:00:00", "23:59:59.9"],
    "base64Binary": ["YQ==", "YWJj", "YW\nJj"],
}
BAD: dict[str, list[Any]] = {
    "boolean": ["true", 1, 0, "", None],
    "integer": ["1", 1.0, True, 2147483648, -2147483649],
    "unsignedInt": [-1, "1"],
    "positiveInt": [0, -1],
    "decimal": ["1.0", True, None],
    "string": ["", "   ", "a\x00b", "\x07", 1, None, "x" * (1024 * 1024 + 1)],
    "markdown": [""],
    "xhtml": [""],
    "code": ["", " a", "a ", "a  b", "a\tb", 1],
    "id": ["", "a_b", "x" * 65, "a/b", "ä"],
    "uri": ["", "a b", "a\n", "oid:1.2", "uuid:1", "urn:uuid:1", "urn:oid:1.x", "urn:oid:1.02"],
    "url": ["a b"],
    "canonical": ["Questionnaire/1", "", "urn:uuid:1|2"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-ec9a-4326-a141-556f43239520"],
    "date": ["2021-02-29", "1900-02-29", "2020-13", "2020-1-1", "20-01-01", "0000", "2020-01-01T00:00:00Z",
             "2020-00-01"],
    "dateTime": ["2020-01-01T00:00:00", "2020-01-01T24:00:00Z", "2020-01-01T10:00Z", "2021-02-30T10:00:00Z",
                 "2020-01-01T10:00:00+15:00", "2020-01-01 10:00:00Z"],
    "instant": ["2020-01-01", "2020-01-01T00:00:00"],
    "time": ["24:00:00", "10:00", "10:00:00Z", "10:60:00"],
    "base64Binary": ["", "!!", "YQ=", "Y", "YQ==YQ=="],
}  # fmt: skip


def test_every_primitive_is_tried() -> None:
    assert set(GOOD) == set(BAD) == set(CHECKS) == set(PRIMITIVES)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_values_pass(name: str) -> None:
    assert [v for v in GOOD[name] if CHECKS[name](v) is not None] == []


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_values_fail(name: str) -> None:
    assert [v for v in BAD[name] if CHECKS[name](v) is None] == []


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_hostile_values_take_linear_time(name: str) -> None:
    started = time.thread_time()
    for text in ("a" * 500_000, "=" * 500_000, "YQ" * 250_000 + "!", "1" * 500_000, " " * 500_000, "urn:oid:1" + ".1" * 200_000 + "x"):  # fmt: skip  # noqa: E501
        CHECKS[name](text)
    assert time.thread_time() - started < 5


def test_sizes_of_base64() -> None:
    assert decoded_size("YQ ==\n") == 1
    assert decoded_size("YWJj") == 3
    assert decoded_size("YWJ") is None
