"""`ecm-gateway replay`: fixture cases against a gateway, compared with what each expects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from gateway.replay import cases, drive, junit


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--against", metavar="URL", help="A running gateway (scheme, host, port). Without: one in this process.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit XML to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(paths: tuple[Path, ...], against: str | None, junit_file: Path | None, as_json: bool) -> None:
    """Drive the cases at PATHS against a gateway and say where its answers differ from what the cases expect.

    A case is a folder with a case.toml (fixtures/README.md describes its keys); a FHIR resource without one is put,
    read back and compared. Exits with 1 when any case differs.

    \b
    Examples:
      ecm-gateway replay fixtures
      ecm-gateway replay fixtures/bundles --against http://127.0.0.1:8080 --junit out/replay.xml
    """
    found = [case for path in paths for case in cases.load(path, among_others=len(paths) > 1)]
    with _transport(against) as transport:
        watched: Iterable[cases.Case] = found
        if not as_json:
            watched = track(found, description="Replaying", console=Console(stderr=True), transient=True)
        results = [drive.run(case, transport) for case in watched]
    if junit_file:
        junit_file.parent.mkdir(parents=True, exist_ok=True)
        junit_file.write_bytes(junit.write(results, suite="ecm-gateway replay"))
    print_report(results, as_json=as_json)
    raise SystemExit(any(result.problems for result in results))


@contextmanager
def _transport(against: str | None) -> Iterator[drive.Transport]:
    if against:
        yield drive.OverHttp(against)
        return
    from gateway.replay.in_process import fresh_gateway

    with fresh_gateway() as transport:
        yield transport


def print_report(results: list[drive.Result], *, as_json: bool) -> None:
    """One line a case, problems below it, a count at the end."""
    if as_json:
        report = [
            {
                "case": result.case.name,
                "shows": result.case.shows,
                "status": result.answer.status if result.answer else None,
                "problems": list(result.problems),
                "seconds": round(result.seconds, 4),
            }
            for result in results
        ]
        click.echo(json.dumps(report, indent=2))
        return
    console = Console()
    table = Table(box=None, pad_edge=False)
    for title in ("", "case", "answer", "what it shows"):
        table.add_column(title, overflow="fold")
    for result in results:
        mark = "[red]differs[/]" if result.problems else "[green]ok[/]"
        said = "; ".join(result.problems) or result.case.shows
        answer = str(result.answer.status) if result.answer else "-"
        table.add_row(mark, escape(result.case.name), answer, escape(said))
    console.print(table)
    differing = sum(bool(result.problems) for result in results)
    console.print(f"{len(results)} cases, {differing} differ.")
