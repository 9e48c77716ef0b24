"""`ecm-gateway validate`: resources against their profiles, one OperationOutcome each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click

from gateway import wiring
from gateway.errors import Issue, Malformed
from gateway.fhir import codec
from gateway.fhir.outcome import outcome
from gateway.validation import Validator

BLOCK = 1 << 20
"""Bytes of NDJSON that a process reads at a time."""
OUR_PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")
_BEGINNING = 40
"""Bytes of a line that say of which type the resource is: most write that first."""
_kept: tuple[Any, Validator] | None = None


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
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
    how = _How(profiles, as_json=as_json, errors_only=errors_only)
    if sum(_print(file, settings, how) for file in files):
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


@dataclass(frozen=True)
class _How:
    """By which profiles, and what is printed."""

    profiles: tuple[str, ...]
    as_json: bool
    errors_only: bool


@dataclass(frozen=True)
class _Told:
    """What was found in a part of a file: what is printed of it, and how many resources there are, how many wrong."""

    text: str
    resources: int
    wrong: int


def _print(file: Path, settings: Any, how: _How) -> int:
    """Print what is found in a file; gives how many resources have errors."""
    resources = wrong = 0
    for told in _lines(file, settings, how) if file.suffix == ".ndjson" else _one(file, settings, how):
        click.echo(told.text, nl=False)
        resources, wrong = resources + told.resources, wrong + told.wrong
    if how.errors_only and not how.as_json:
        click.echo(f"{file}: {resources} resource(s), {wrong} with errors")
    return wrong


def _one(file: Path, settings: Any, how: _How) -> Iterator[_Told]:
    issues = _load(settings).check(file.read_bytes(), profiles=how.profiles)
    text = _text(str(file), issues, how)
    yield _Told(text, 1, int(any(issue.is_error for issue in issues)))


# NDJSON: processes read their blocks of the file themselves, and give back what is to be printed.


def _lines(file: Path, settings: Any, how: _How) -> Iterator[_Told]:
    blocks = list(_blocks(file))
    validator = _load(settings)  # before there are processes, so that they have it
    for canonical in how.profiles:
        validator.profile(canonical)
    if len(blocks) <= 1 or (os.cpu_count() or 1) == 1:
        yield from (_check_block(file, block, how) for block in blocks)
        return
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    pool = ProcessPoolExecutor(mp_context=context, initializer=_load, initargs=(settings,))
    with pool, _progress(file, len(blocks)) as bar:
        for told in pool.map(_check_block, repeat(file), blocks, repeat(how)):
            if bar is not None:
                bar.update(1)
            yield told


def _progress(file: Path, length: int) -> Any:
    """A progress bar on stderr, when a person looks at it."""
    if not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=length, label=file.name, file=sys.stderr)


def _blocks(file: Path) -> Iterator[tuple[int, int, int]]:
    """(start, size, number of the first line) of parts of whole lines, in bytes."""
    start, number = 0, 1
    with file.open("rb") as stream:
        while data := stream.read(BLOCK) + stream.readline():
            yield start, len(data), number
            start, number = start + len(data), number + data.count(b"\n")


def _check_block(file: Path, block: tuple[int, int, int], how: _How) -> _Told:
    start, size, first = block
    with file.open("rb") as stream:
        stream.seek(start)
        lines = stream.read(size).removesuffix(b"\n").split(b"\n")
    texts, wrong = [""] * len(lines), 0
    for number in _alike(lines):
        issues = _of_line(lines[number], first + number, how)
        wrong += any(issue.is_error for issue in issues)
        if issues or not how.errors_only:
            texts[number] = _text(f"{file}:{first + number}", issues, how)
    return _Told("".join(texts), len(lines) - sum(not line.strip() for line in lines), wrong)


def _alike(lines: list[bytes]) -> Iterator[int]:
    """The numbers of the lines, those that begin alike one after the other: what is compiled for a type then stays in
    the processor's cache, which is worth a fifth of the time."""
    found: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        found.setdefault(line[:_BEGINNING], []).append(number)
    return chain.from_iterable(found.values())


def _of_line(line: bytes, number: int, how: _How) -> list[Issue]:
    assert _kept is not None
    validator = _kept[1]
    if how.errors_only:
        try:
            wanted = [validator.profile(canonical) for canonical in how.profiles]
            if not line.strip() or validator.acceptor.accepts(codec.read(line), wanted):
                return []
        except Malformed:
            pass
        return [issue for issue in validator.check(line, how.profiles, line=number) if issue.is_error]
    return validator.check(line, how.profiles, line=number) if line.strip() else [_empty_line()]


def _empty_line() -> Issue:
    return Issue("warning", "structure", "The line is empty: some readers of NDJSON refuse that.", rule="ndjson")


def _text(name: str, issues: list[Issue], how: _How) -> str:
    errors = [issue for issue in issues if issue.is_error]
    if how.errors_only:
        issues = errors
        if not errors:
            return ""
    if how.as_json:
        return codec.write(outcome(issues)).decode() + "\n"
    told = [f"{name}: {'valid' if not errors else f'{len(errors)} error(s)'}\n"]
    for issue in issues:
        place = f" [{issue.line},{issue.column}]" if issue.line and issue.column else ""
        rule = f" ({issue.rule}{', ' + issue.profile if issue.profile else ''})"
        told.append(f"  {issue.severity}: {issue.expression or '-'}{place}: {issue.message}{rule}\n")
    return "".join(told)
