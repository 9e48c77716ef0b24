"""`ecm-gateway validate`: resources against their profiles, one OperationOutcome each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import click

from gateway import wiring
from gateway.errors import Issue, Malformed
from gateway.fhir import codec
from gateway.fhir.outcome import outcome
from gateway.validation import Validator

CHUNK = 500
"""Lines of NDJSON handed to a process at a time."""
BLOCK = 1 << 20
"""Bytes of NDJSON that a process reads at a time where only errors are asked for."""
OUR_PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")
_kept: tuple[Any, Validator] | None = None


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--profile", "profiles", multiple=True, metavar="URL", help="Also check by this profile (url or url|version)."
)
@click.option("--package", "packages", multiple=True, metavar="PATH", help="A .tgz, a folder, or name#version of a condensed package. Default: US Core 6.1.0 and 7.0.0, SDOHCC 3.0.0, and our own profiles.")  # fmt: skip  # noqa: E501
@click.option("--definitions", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of loose definitions (JSON or XML).")  # fmt: skip  # noqa: E501
@click.option("--unknown-extensions", type=click.Choice(["error", "warning", "information"]), default="error", show_default=True)  # fmt: skip  # noqa: E501
@click.option("--json", "as_json", is_flag=True, help="Print OperationOutcomes, one a line.")
@click.option("--errors", "errors_only", is_flag=True, help="Print only what has errors, and how many resources there were. The fast way for large NDJSON.")  # fmt: skip  # noqa: E501
@click.option("--show", "show_url", metavar="URL", help="Print the rules of a compiled profile and stop.")
def command(
    files: tuple[Path, ...],
    profiles: tuple[str, ...],
    packages: tuple[str, ...],
    folder: Path | None,
    unknown_extensions: str,
    as_json: bool,
    errors_only: bool,
    show_url: str | None,
) -> None:
    """Check FHIR R4 resources (JSON, XML, NDJSON) by their type, their meta.profile and the profiles named.

    \b
    Examples:
    ecm-gateway validate referral.json
    ecm-gateway validate --profile http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient patient.xml
    ecm-gateway validate --package my-ig.tgz --json export/*.ndjson > outcomes.ndjson
    ecm-gateway validate --errors export/*.ndjson
    ecm-gateway validate --show "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0"

    Ends with status 1 when any resource has an error, 2 when a profile or package cannot be used.
    """
    own = [] if packages else [file.read_bytes() for file in wiring.own_definitions(None)]
    settings = (list(packages or OUR_PACKAGES), [*own, *_loose(folder)], unknown_extensions)
    if show_url:
        click.echo(_load(settings).show(show_url), nl=False)
        return
    if not files:
        raise click.UsageError("Name at least one file.")
    wrong = 0
    for file in files:
        if errors_only:
            wrong += _print_errors(file, settings, profiles, as_json=as_json)
            continue
        for name, issues in _file(file, settings, profiles):
            wrong += any(issue.is_error for issue in issues)
            _print(name, issues, as_json=as_json)
    if wrong:
        sys.exit(1)


def _loose(folder: Path | None) -> list[bytes]:
    if folder is None:
        return []
    return [file.read_bytes() for file in sorted(folder.rglob("*")) if file.suffix in (".json", ".xml")]


def _load(settings: Any) -> Validator:
    global _kept
    if _kept is None or _kept[0] != settings:
        packages, loose, unknown = settings
        _kept = (settings, Validator.load(packages, resources=loose, unknown_extensions=unknown))
    return _kept[1]


def _file(file: Path, settings: Any, profiles: tuple[str, ...]) -> Iterator[tuple[str, list[Issue]]]:
    if file.suffix != ".ndjson":
        yield str(file), _load(settings).check(file.read_bytes(), profiles=profiles)
        return
    chunks = list(_chunks(file))
    if len(chunks) == 1 or (os.cpu_count() or 1) == 1:
        _load(settings)
        results: Iterator[list[list[Issue]]] = (_check(chunk, profiles) for chunk in chunks)
        yield from _numbered(file, results, nullcontext())
        return
    with ProcessPoolExecutor(initializer=_load, initargs=(settings,)) as pool:
        yield from _numbered(file, pool.map(_check, chunks, [profiles] * len(chunks)), _progress(file, len(chunks)))


def _numbered(file: Path, results: Iterator[list[list[Issue]]], progress: Any) -> Iterator[tuple[str, list[Issue]]]:
    number = 0
    with progress as bar:
        for chunk in results:
            if bar is not None:
                bar.update(1)
            for issues in chunk:
                number += 1
                yield f"{file}:{number}", issues


def _progress(file: Path, chunks: int) -> Any:
    """A progress bar on stderr, when a person looks at it."""
    if not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=chunks, label=file.name, file=sys.stderr)


def _chunks(file: Path) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    with file.open("rb") as stream:
        for line in stream:
            lines.append(line)
            if len(lines) == CHUNK:
                yield lines
                lines = []
    if lines:
        yield lines


def _check(lines: list[bytes], profiles: tuple[str, ...]) -> list[list[Issue]]:
    assert _kept is not None
    validator = _kept[1]
    return [validator.check(line, profiles=profiles) if line.strip() else [_empty_line()] for line in lines]


# Only errors: processes read their blocks of the file themselves, and give back what is wrong.


def _print_errors(file: Path, settings: Any, profiles: tuple[str, ...], *, as_json: bool) -> int:
    """Print the resources of a file that have errors; gives how many those are."""
    resources = wrong = 0
    if file.suffix != ".ndjson":
        found = [issue for issue in _load(settings).check(file.read_bytes(), profiles=profiles) if issue.is_error]
        if found:
            _print(str(file), found, as_json=as_json)
        resources, wrong = 1, bool(found)
    else:
        lines = 0
        for block in _wrong(file, settings, profiles):
            for number, found in block.wrong:
                issues = [replace(issue, line=lines + number) for issue in found]
                _print(f"{file}:{lines + number}", issues, as_json=as_json)
            lines, resources, wrong = lines + block.lines, resources + block.resources, wrong + len(block.wrong)
    if not as_json:
        click.echo(f"{file}: {resources} resource(s), {wrong} with errors")
    return wrong


@dataclass(frozen=True)
class _Block:
    """What was found in a part of an NDJSON file: `wrong` has (line from 1, errors)."""

    lines: int
    resources: int
    wrong: list[tuple[int, list[Issue]]]


def _wrong(file: Path, settings: Any, profiles: tuple[str, ...]) -> Iterator[_Block]:
    blocks = list(_blocks(file))
    if len(blocks) <= 1 or (os.cpu_count() or 1) == 1:
        _load(settings)
        yield from (_check_block(file, block, profiles) for block in blocks)
        return
    with ProcessPoolExecutor(initializer=_load, initargs=(settings,)) as pool, _progress(file, len(blocks)) as bar:
        for done in pool.map(_check_block, repeat(file), blocks, repeat(profiles)):
            if bar is not None:
                bar.update(1)
            yield done


def _blocks(file: Path) -> Iterator[tuple[int, int]]:
    """(start, size) of parts of whole lines, in bytes."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = 0
        while start < size:
            stream.seek(min(start + BLOCK, size))
            stream.readline()
            yield start, stream.tell() - start
            start = stream.tell()


def _check_block(file: Path, block: tuple[int, int], profiles: tuple[str, ...]) -> _Block:
    assert _kept is not None
    validator = _kept[1]
    wanted = [validator.profile(canonical) for canonical in profiles]
    accepts, read = validator.acceptor.accepts, codec.read
    with file.open("rb") as stream:
        stream.seek(block[0])
        lines = stream.read(block[1]).removesuffix(b"\n").split(b"\n")
    empty, wrong = 0, []
    for number, line in enumerate(lines, 1):
        try:
            if accepts(read(line), wanted):
                continue
        except Malformed:
            if not line.strip():
                empty += 1
                continue
        errors = [issue for issue in validator.check(line, profiles=profiles) if issue.is_error]
        if errors:
            wrong.append((number, errors))
    return _Block(len(lines), len(lines) - empty, wrong)


def _empty_line() -> Issue:
    return Issue("warning", "structure", "The line is empty: some readers of NDJSON refuse that.", rule="ndjson")


def _print(name: str, issues: list[Issue], *, as_json: bool) -> None:
    if as_json:
        click.echo(codec.write(outcome(issues)).decode())
        return
    errors = sum(issue.is_error for issue in issues)
    click.echo(f"{name}: {'valid' if not errors else f'{errors} error(s)'}")
    for issue in issues:
        place = f" [{issue.line},{issue.column}]" if issue.line else ""
        rule = f" ({issue.rule}{', ' + issue.profile if issue.profile else ''})"
        click.echo(f"  {issue.severity}: {issue.expression or '-'}{place}: {issue.message}{rule}")
