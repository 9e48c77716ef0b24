"""`mappings/fhir` lists every element we write and where it comes from: no more, no less."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from gateway.shipped import folder
from tests.mapping import elements

TABLES = folder("mappings") / "fhir"
HEADER = ["element", "from"]
BETWEEN = " | "


@cache
def measured() -> dict[str, dict[str, set[str]]]:
    """What the mappers write, by resource."""
    by_type: dict[str, dict[str, set[str]]] = {}
    for path, sources in elements.table().items():
        by_type.setdefault(path.partition(".")[0], {})[path] = sources
    return by_type


def table(type: str) -> Path:
    return TABLES / f"{re.sub(r'(?<!^)(?=[A-Z])', '-', type).lower()}.csv"


@pytest.fixture(scope="module", autouse=True)
def renewed(pytestconfig: pytest.Config) -> None:
    """`--golden=write` writes the tables anew."""
    if pytestconfig.getoption("--golden") != "write":
        return
    TABLES.mkdir(exist_ok=True)
    for old in TABLES.glob("*.csv"):
        old.unlink()
    for type, rows in measured().items():
        with table(type).open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows((path, BETWEEN.join(sorted(sources))) for path, sources in rows.items())


@pytest.mark.parametrize("type", sorted(measured()))
def test_a_table_lists_what_the_mapper_writes(type: str) -> None:
    with table(type).open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened, strict=True))
    assert rows[0] == HEADER
    assert {path: set(sources.split(BETWEEN)) for path, sources in rows[1:]} == measured()[type]


def test_no_table_is_without_a_mapper() -> None:
    assert {file.name for file in TABLES.glob("*.csv")} == {table(type).name for type in measured()}
