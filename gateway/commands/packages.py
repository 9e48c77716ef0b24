"""`ecm-gateway packages`: the FHIR packages that profiles, code lists and search parameters come from."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column, Table

from gateway.errors import BadPackage
from gateway.fhir import codec
from gateway.packages import About, Definitions, published_folder
from gateway.packages.facts import SUFFIX, Package
from gateway.packages.intake import bring_in, from_path, from_registry
from gateway.packages.wording import worded

_FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=published_folder,
    show_default="the gateway's own",
    help="Where condensed packages lie.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group()
def command() -> None:
    """Bring in, list and look into FHIR packages.

    A package is condensed to facts without prose: profiles' rules, code lists, search parameters; with its name,
    version, licence and the sha256 of the published file.
    """


@command.command(name="import")
@click.argument("package")
@click.option("--registry", metavar="URL", help="FHIR package registry to ask for name#version (HTTPS).")
@click.option("--sha256", metavar="HEX", help="Hash the package must have; always needed with --registry.")
@_FOLDER
@_JSON
def import_(package: str, registry: str | None, sha256: str | None, folder: Path, *, as_json: bool) -> None:
    """Condense an official FHIR PACKAGE: a .tgz file, an unpacked folder, or name#version from a registry.

    \b
    Examples:
      ecm-gateway packages import downloads/hl7.fhir.us.core#6.1.0.tgz
      ecm-gateway packages import hl7.fhir.us.mcode#3.0.0 --registry https://registry.example --sha256 0f5a...
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(f"importing {package}", total=None)
        if Path(package).exists():
            source = from_path(Path(package), sha256=sha256)
        elif registry is None or sha256 is None:
            raise BadPackage(
                f"{package} is no file or folder here. To fetch name#version, name the registry and the sha256 "
                "the package must have (--registry, --sha256)."
            )
        else:
            source = from_registry(
                package, registry=registry, sha256=sha256, progress=lambda count: bar.update(task, advance=count)
            )
        about, path = bring_in(source, folder=folder)
    report = _facts(about) | {"file": str(path), "bytes": path.stat().st_size}
    _tell(report | {"definitions": _counts(Package.open(path))}, as_json=as_json)


@command.command(name="list")
@_FOLDER
@_JSON
def list_(folder: Path, *, as_json: bool) -> None:
    """List the packages at hand."""
    found = [Package.open(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if as_json:
        _print_json([_facts(package.about) | {"definitions": _counts(package)} for package in found])
        return
    table = Table(Column("package", no_wrap=True), "licence", "structures", "value sets", "code systems", "searches")
    for package in found:
        counts = _counts(package)
        columns = ("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter")
        table.add_row(package.id, package.about.licence, *(str(counts.get(name, 0)) for name in columns))
    Console(width=None if sys.stdout.isatty() else 180).print(table)


@command.command()
@click.argument("package")
@_FOLDER
@_JSON
def show(package: str, folder: Path, *, as_json: bool) -> None:
    """Show one PACKAGE (name#version): where it comes from, what it needs, what it defines."""
    path = folder / f"{package}{SUFFIX}"
    if not path.is_file():
        raise BadPackage(f"{package} is not among the packages at hand: see `ecm-gateway packages list`.")
    opened = Package.open(path)
    report = _facts(opened.about) | {"dependencies": opened.about.dependencies, "definitions": _counts(opened)}
    profiles = [f"{entry.url}|{entry.version}" for entry in opened.index if entry.kind.endswith("/constraint")]
    _tell(report | {"profiles": profiles}, as_json=as_json)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--package", "packages", multiple=True, help="Packages its bases come from (name#version or a path).")
@click.option("--definitions", type=click.Path(path_type=Path, file_okay=False), help="Folder of more definitions.")
@click.option("--write", is_flag=True, help="Write the snapshot into FILE instead of printing it.")
def snapshot(file: Path, packages: tuple[str, ...], definitions: Path | None, *, write: bool) -> None:
    """Make the snapshot of the StructureDefinition in FILE from its differential.

    \b
    Example:
      ecm-gateway packages snapshot profiles/ecm/StructureDefinition-ecm-referral.json --package hl7.fhir.us.core#6.1.0
    """
    profile = codec.read(file.read_bytes())
    if not isinstance(profile, dict) or profile.get("resourceType") != "StructureDefinition":
        raise BadPackage(f"{file.name} is not a StructureDefinition.")
    others = sorted(definitions.rglob("*.json")) if definitions else ()
    loose = [path.read_bytes() for path in others if path.resolve() != file.resolve()]
    known = Definitions.load(packages, resources=[*loose, {**profile, "snapshot": {}}])
    made = known.structure(profile["url"])
    assert made is not None
    data = codec.write_pretty(worded({**profile, "snapshot": made["snapshot"]}))
    if write:
        file.write_bytes(data)
        click.echo(f"{file}: {len(made['snapshot']['element'])} elements")
    else:
        click.echo(data.decode(), nl=False)


@command.command(name="compile")
@_JSON
def compile_(*, as_json: bool) -> None:
    """Compile the profiles that are served into ECM_CACHE, so that a server's very first start is a fast one.

    \b
    Examples:
      ecm-gateway packages compile
    """
    from gateway import settings, wiring
    from gateway.usecases.checking import compile_all
    from gateway.usecases.served import SERVED

    found = settings.load()
    known = wiring.knowledge_of(found)
    count = compile_all(known.validator, types=sorted(SERVED), profiles=wiring.profiles_of(known.definitions))
    _tell({"compiled": count, "cache": str(found.cache.expanduser())}, as_json=as_json)


def _facts(about: About) -> dict[str, Any]:
    return {
        "package": about.id,
        "licence": about.licence,
        "canonical": about.canonical,
        "fhir": list(about.fhir),
        "source_sha256": about.source,
        "content_sha256": about.content,
    }


def _counts(package: Package) -> dict[str, int]:
    return dict(sorted(Counter(entry.type for entry in package.index).items()))


def _tell(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json(report)
        return
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
        if isinstance(value, list):
            value = "\n  ".join(["", *value]) if name == "profiles" else ", ".join(value)
        click.echo(f"{name.replace('_', ' ')}: {value}")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))
