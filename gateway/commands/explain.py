"""`ecm-gateway explain`: where each thing in a source goes, and what was not carried."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as environment
from gateway import shipped
from gateway.domain.dates import PACIFIC
from gateway.domain.member import Organization
from gateway.doors.readers import Readers
from gateway.doors.reading import Reading
from gateway.errors import Misconfigured
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids
from gateway.mapping.trace import trace
from gateway.usecases.intake import MAPPERS

_DOORS = {"referral-json": "referral", "care-plan-json": "care-plan", "care-team-json": "care-team"}


@dataclass(frozen=True, slots=True)
class Input:
    """What is explained: the bytes, and which door reads them (`partner` None: JSON)."""

    data: bytes
    kind: str
    partner: str | None


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--partner", help="Whose table reads the file (a folder of mappings/partners).")
@click.option("--kind", type=click.Choice(sorted(MAPPERS)), default="referral", show_default=True)
@click.option("--row", type=int, help="Only this row, numbered as a spreadsheet shows it (the header is row 1).")
@click.option(
    "--mappings", type=click.Path(exists=True, path_type=Path), help="Another mappings folder [ECM_MAPPINGS]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    path: Path, partner: str | None, kind: str, row: int | None, mappings: Path | None, *, as_json: bool
) -> None:
    """Show source -> domain field -> FHIR element for one case, and what in the source was not carried.

    PATH is a fixture case (a folder with case.toml), a JSON record, or with --partner a CSV file. Names of columns,
    fields and elements are printed, never what stands in them. Exits with 1 when any record is refused.

    \b
    Examples:
      ecm-gateway explain fixtures/referrals/csv-kaiser-clean --row 2
      ecm-gateway explain plan.json --kind care-plan
      ecm-gateway explain --partner kaiser referrals.csv --json
    """
    given = _input(path, partner, kind)
    readers = Readers.load(mappings or environment.load().mappings or shipped.folder("mappings"))
    found = [_explained(one, given.kind) for one in _readings(given, readers) if row in (None, one.number)]
    if not found:
        raise click.UsageError("There is no such row.")
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for one in found:
            _print(one, table=given.partner is not None)
    raise SystemExit(any(one["refused"] for one in found))


def _input(path: Path, partner: str | None, kind: str) -> Input:
    if not path.is_dir():
        return Input(path.read_bytes(), kind, partner)
    try:
        case = tomllib.loads((path / "case.toml").read_text(encoding="utf-8"))
        data = (path / case["file"]).read_bytes()
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise Misconfigured(f"{path} has no case.toml with a `file`.") from None
    if case.get("door") == "csv":
        return Input(data, case.get("kind", "referral"), case.get("partner"))
    if case.get("door") not in _DOORS:
        raise Misconfigured(f"{path}: this case is FHIR already; there is nothing to explain.")
    return Input(data, _DOORS[case["door"]], None)


def _readings(given: Input, readers: Readers) -> Iterator[Reading[Any]]:
    today = datetime.now(PACIFIC).date()
    if given.partner is None:
        yield readers.json(given.kind).read(given.data, today=today)
    else:
        yield from readers.table(given.partner, given.kind).read(given.data, today=today).rows


def _explained(reading: Reading[Any], kind: str) -> dict[str, Any]:
    return {
        "row": reading.number,
        "mapping": reading.mapping,
        "refused": reading.value is None,
        "issues": [f"{issue.severity}: {issue.message}" for issue in reading.issues],
        "carried": list(_carried(reading, kind)) if reading.value is not None else [],
        "not_carried": list(reading.not_carried),
        "profiles": _profiles(reading, kind) if reading.value is not None else {},
    }


def _context(reading: Reading[Any]) -> Context:
    return Context(
        ids=Ids("explain", b"explain-needs-no-secret"),
        now=datetime.now(PACIFIC),
        source=Source("explain", reading.source_hash, "text/plain"),
        operator=Organization(name="This gateway"),
    )


def _carried(reading: Reading[Any], kind: str) -> Iterator[dict[str, Any]]:
    context = _context(reading)
    found = trace(reading.value, lambda record: MAPPERS[kind](record, context=context))
    for path, elements in found.items():
        yield {"from": _column(path, reading), "field": path, "elements": list(elements)}


def _profiles(reading: Reading[Any], kind: str) -> dict[str, list[str]]:
    """Resource type -> the profiles that its resources of this record claim and are held against."""
    claimed: dict[str, list[str]] = {}
    for entry in MAPPERS[kind](reading.value, context=_context(reading))["entry"]:
        resource = entry["resource"]
        profiles = resource.get("meta", {}).get("profile", [])
        claimed[resource["resourceType"]] = sorted({*claimed.get(resource["resourceType"], []), *profiles})
    return claimed


def _column(path: str, reading: Reading[Any]) -> str:
    place = path
    while place:
        if place in reading.columns:
            return reading.columns[place] or "(default of the table)"
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return "(the key's columns)" if path.startswith("key.") and reading.columns else ""


def _print(one: dict[str, Any], *, table: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else 180)
    what = f"Row {one['row']}" if table else "Record"
    console.print(f"[bold]{what}[/bold], read by {one['mapping']}", highlight=False)
    for issue in one["issues"]:
        console.print(f"  {issue}", highlight=False, markup=False)
    if one["refused"]:
        console.print("  [red]Refused: nothing of it was mapped.[/red]")
    rows = Table()
    for title in ["column", "field", "FHIR element"] if table else ["field", "FHIR element"]:
        rows.add_column(title, overflow="fold")
    for line in one["carried"]:
        elements = "\n".join(line["elements"]) or "(only in ids or references)"
        rows.add_row(*([escape(line["from"])] if table else []), escape(line["field"]), escape(elements))
    if one["carried"]:
        console.print(rows)
    for type_, profiles in one["profiles"].items():
        console.print(f"  {type_} is held against {', '.join(profiles) or 'FHIR R4 only'}", highlight=False)
    for name in one["not_carried"]:
        console.print(f"  not carried: {name}", highlight=False, markup=False)
