"""The functions that tables may name."""

from __future__ import annotations

import pytest

from gateway.domain.identifiers import Unreadable
from gateway.mapping import transforms


def test_phones_as_files_hold_them() -> None:
    assert transforms.phones("213-555-0160, 213-555-0161 x12") == [
        {"number": "213-555-0160"},
        {"number": "213-555-0161", "extension": "12"},
    ]
    assert transforms.phones("213-555-0160, ext. 5") == [{"number": "213-555-0160", "extension": "5"}]
    assert [one["kind"] for one in transforms.phones_mobile_home("213-555-0160, 213-555-0161")] == ["mobile", "home"]
    assert transforms.phones_mobile_home("213-555-0160") == [{"number": "213-555-0160"}]
    with pytest.raises(Unreadable):
        transforms.phones_mobile_home("1,2,3")


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("Roe, Pat", {"last": "Roe", "first": "Pat"}),
        ("de la Cruz, Ana María", {"last": "de la Cruz", "first": "Ana", "middle": "María"}),
        ("Pat Roe", {}),
        ("Pat Roe, MD", {}),
        ("Pat Roe, LCSW", {}),
        ("Roe, Pat, RN", {}),
    ],
)
def test_a_name_is_split_only_when_it_is_certain(written: str, parts: dict[str, str]) -> None:
    assert transforms.full_name(written) == {"text": written, **parts}


def test_lists() -> None:
    assert transforms.labels("Black, American Indian; High Utilizers|3") == [
        "Black, American Indian",
        "High Utilizers",
        "3",
    ]
    assert transforms.comma_list("1a, 2;3") == ["1a", "2", "3"]
    assert transforms.one_per_line("12 Elm St\r\n\n Apt 3 ") == ["12 Elm St", "Apt 3"]


def test_ranges() -> None:
    assert transforms.range_start("01/02/2026 - 01/09/2026") == "01/02/2026"
    assert transforms.range_end("01/02/2026 - 01/09/2026") == "01/09/2026"
    assert transforms.range_end("2026-01-02") == "2026-01-02"
    with pytest.raises(Unreadable):
        transforms.range_start("01/02/2026 - 01/09/2026, 01/12/2026 - 01/13/2026")
