"""Bytes to cells, strictly."""

from __future__ import annotations

import pytest

from gateway.doors import dialect
from gateway.errors import Malformed


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Cañón".encode(), "utf-8"),
        ("\ufeffCañón".encode(), "utf-8"),
        ("Cañón".encode("cp1252"), "cp1252"),
        ("Cañón".encode("utf-16"), "utf-16"),
        ("Cañón".encode("utf-8-sig"), "utf-8-sig"),
    ],
)
def test_a_file_in_its_encoding(data: bytes, encoding: str) -> None:
    assert dialect.text(data, encoding=encoding) == "Cañón"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Cañón".encode("cp1252"), "utf-8"),
        ("Cañón".encode(), "cp1252"),
        ("Cañón".encode("utf-8-sig"), "cp1252"),
        ("Cañón".encode("utf-16"), "utf-8"),
        (b"\x81", "cp1252"),
        (b"\xff\xfeC", "utf-16"),
    ],
)
def test_a_file_in_another_encoding_is_refused(data: bytes, encoding: str) -> None:
    with pytest.raises(Malformed):
        dialect.text(data, encoding=encoding)


def test_records_keep_their_lines_and_numbers() -> None:
    found = list(dialect.records('a,b\r\n"1\n2",3\r\n\r\n4,5', delimiter=",", quote='"'))
    assert [(one.number, one.line, one.cells, one.ended) for one in found] == [
        (1, 1, ("a", "b"), True),
        (2, 2, ("1\n2", "3"), True),
        (3, 4, (), True),
        (4, 5, ("4", "5"), False),
    ]
    assert found[2].empty


def test_a_record_with_a_fault_does_not_stop_the_next() -> None:
    found = list(dialect.records('a,b\n"x"y,1\n2,3\n', delimiter=",", quote='"'))
    assert [one.fault is not None for one in found] == [False, True, False]
    assert found[2].cells == ("2", "3")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\x00\x06\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_workbook_is_named(start: bytes, encoding: str) -> None:
    with pytest.raises(Malformed, match="save it as CSV"):
        dialect.text(start + bytes(range(256)), encoding=encoding)
