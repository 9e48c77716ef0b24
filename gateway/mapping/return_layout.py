"""How a plan wants its return file written: `[return]` in partner.toml, and a table with a row for each of its columns.

Everything is checked when it is loaded: an unknown field, a format or a table of words that is not there are BadTable.
mappings/README.md explains both to analysts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.errors import BadTable, Unmappable
from gateway.mapping.concepts import read_rows

BLOCK = "return"
ECM = "ecm"
COLUMNS = ("header", "from", "format", "words", "default", "note")
DATES = {"MM/DD/YYYY": "%m/%d/%Y", "YYYY-MM-DD": "%Y-%m-%d", "YYYYMMDD": "%Y%m%d", "MM-DD-YYYY": "%m-%d-%Y"}
_SETTINGS = {"plan": str, "service": str, "table": str, "delimiter": str, "quote": str, "encoding": str}
Value = str | date | None


@dataclass(frozen=True, slots=True)
class ReturnColumn:
    """One column: its header, the field that fills it ("" none), and how a value is written."""

    header: str
    field: str
    format: str
    words: Mapping[str, str] | None
    default: str

    def cell(self, value: Value) -> str:
        """A value as the plan reads it; Unmappable for a code that has no word in its table."""
        if value is None or value == "":
            return self.default
        if isinstance(value, date):
            return value.strftime(DATES[self.format])
        if self.words is None:
            return value
        if value not in self.words:
            raise Unmappable(f"Column '{self.header}': its words have none for this code.")
        return self.words[value]


@dataclass(frozen=True, slots=True)
class ReturnLayout:
    """A plan's return file: `plan` is our code of the plan whose referrals it reports, `service` what they ask for."""

    partner: str
    plan: str
    columns: tuple[ReturnColumn, ...]
    service: str = ECM
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


def load(
    folder: Path, *, fields: Mapping[str, type], plans: Collection[str], supports: Collection[str]
) -> dict[str, ReturnLayout]:
    """The layout of every partner in `folder` that has one; `fields` are those there are, and of which type."""
    found, services = {}, {ECM, *supports}
    for file in sorted(folder.glob("*/partner.toml")):
        given = tomllib.loads(file.read_text(encoding="utf-8")).get(BLOCK)
        if given is not None:
            found[file.parent.name] = _layout(file.parent, given, fields, plans, services)
    return found


def _layout(
    folder: Path, given: object, fields: Mapping[str, type], plans: Collection[str], services: Collection[str]
) -> ReturnLayout:
    place = f"{folder.name}/partner.toml [{BLOCK}]"
    if not isinstance(given, dict) or any(type(given[one]) is not _SETTINGS.get(one) for one in given):
        raise BadTable(f"{place}: holds {', '.join(_SETTINGS)}, each a text")
    settings = {name: value for name, value in given.items() if name != "table"}
    if settings.get("plan") not in plans:
        raise BadTable(f"{place}: `plan` must be a plan of concepts/plan.csv")
    if settings.get("service", ECM) not in services:
        raise BadTable(f"{place}: `service` must be {ECM} or one of concepts/community-support.csv")
    for name in ("delimiter", "quote"):
        if len(settings.get(name, ",")) != 1 or settings.get(name) in ("\r", "\n"):
            raise BadTable(f"{place}: `{name}` must be one character, and no line end")
    try:
        "a".encode(settings.get("encoding", "utf-8"))
    except (LookupError, ValueError):
        raise BadTable(f"{place}: `encoding` is not one that is known here") from None
    table = folder / str(given.get("table", f"{BLOCK}.csv"))
    columns = tuple(_column(folder, table.name, number, row, fields) for number, row in read_rows(table, COLUMNS))
    headers = [column.header for column in columns]
    if not columns or len(set(headers)) < len(headers):
        raise BadTable(f"{folder.name}/{table.name}: needs columns, each header once")
    return ReturnLayout(folder.name, columns=columns, **settings)


def _column(folder: Path, table: str, number: int, row: Mapping[str, str], fields: Mapping[str, type]) -> ReturnColumn:
    place = f"{folder.name}/{table} row {number}"
    field = row["from"]
    if not row["header"]:
        raise BadTable(f"{place}: a column needs its header")
    if field and field not in fields:
        raise BadTable(f"{place}: there is no field '{field}': there are {', '.join(sorted(fields))}")
    if not field and not row["default"] and not row["note"]:
        raise BadTable(f"{place}: say in `note` why this column stays empty")
    dated = bool(field) and fields[field] is date
    format = row["format"] or ("MM/DD/YYYY" if dated else "")
    if (format in DATES) != dated or (format and not dated):
        raise BadTable(f"{place}: `format` is for days, one of {', '.join(DATES)}")
    words = _words(folder / "words" / f"{row['words']}.csv") if row["words"] else None
    return ReturnColumn(row["header"], field, format, words, row["default"])


def _words(file: Path) -> dict[str, str]:
    return {row["code"]: row["word"] for _, row in read_rows(file, ("code", "word", "note"))}
