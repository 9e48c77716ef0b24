"""`ecm-gateway validate`: resources against their profiles, one OperationOutcome each."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import click

from gateway import settings as environment
from gateway import shipped, validating
from gateway.errors import BadPackage
from gateway.packages.source import MAX_FILE
from gateway.validating import How, Known
from gateway.validation.loose import loose_definitions

OUR_PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--profile", "profiles", multiple=True, metavar="URL", help="Also check by this profile (url or url|version)."
)
@click.option("--package", "packages", multiple=True, metavar="PATH", help="A .tgz, a folder, or name#version of a condensed package. Default: US Core 6.1.0 and 7.0.0, SDOHCC 3.0.0, and our own profiles (those of ECM_PROFILES where that is set).")  # fmt: skip  # noqa: E501
@click.option("--definitions", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of loose definitions (JSON or XML).")  # fmt: skip  # noqa: E501
@click.option("--unknown-extensions", type=click.Choice(["error", "warning", "information"]), default="error", show_default=True)  # fmt: skip  # noqa: E501
@click.option("--json", "as_json", is_flag=True, help="Print OperationOutcomes, one a line.")
@click.option("--errors", "errors_only", is_flag=True, help="Print only what has errors, and how many resources there were. The fast way for large NDJSON.")  # fmt: skip  # noqa: E501
@click.option("--show", "show_url", metavar="URL", help="Print the rules of a compiled profile and stop.")
def command(
    files: tuple[str, ...],
    profiles: tuple[str, ...],
    packages: tuple[str, ...],
    folder: Path | None,
    unknown_extensions: str,
    as_json: bool,
    errors_only: bool,
    show_url: str | None,
) -> None:
    """Check FHIR R4 resources (JSON, XML, NDJSON) by their type, their meta.profile and the profiles named.

    `-` is standard input. It is NDJSON when its first two lines are an object each, as a file named .ndjson always is.

    \b
    Examples:
    ecm-gateway validate referral.json
    ecm-gateway validate --profile http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient patient.xml
    ecm-gateway validate --package my-ig.tgz --json export/*.ndjson > outcomes.ndjson
    ecm-gateway validate --errors export/*.ndjson
    curl -s https://ehr.example/fhir/Patient/1 | ecm-gateway validate -
    zcat export.ndjson.gz | ecm-gateway validate --errors -
    ECM_PROFILES=my/profiles ecm-gateway validate referral.json
    ecm-gateway validate --show "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0"

    What was compiled is kept for the next start in ECM_CACHE (~/.cache/ecm-gateway). Ends with status 1 when any
    resource has an error, 2 when a profile or package cannot be used.
    """
    settings = environment.load()
    loose = _loose(folder)
    known = Known(
        packages or OUR_PACKAGES,
        (*([] if packages else _own(settings.profiles)), *loose.values()),
        unknown_extensions,
        settings.cache.expanduser() / _kept(packages, str(folder or settings.profiles)),
    )
    if not (files or show_url):
        raise click.UsageError("Name at least one file, or - for standard input.")
    try:
        known.validator()
    except BadPackage:
        _blame(loose)
        raise
    if show_url:
        click.echo(known.validator().show(show_url), nl=False)
        return
    how = How(profiles, as_json=as_json, errors_only=errors_only)
    if sum(_print(file, known, how) for file in files):
        sys.exit(1)


def _kept(packages: tuple[str, ...], folder: str) -> str:
    """The file for what is compiled from packages and a folder of these names; it says itself of what content."""
    return f"validate-{sha256(repr((packages, folder)).encode()).hexdigest()[:12]}.compiled"


def _own(folder: Path | None) -> list[bytes]:
    files = shipped.own_definitions(folder)
    if not files:
        raise click.UsageError(f"ECM_PROFILES: there are no profiles in {folder}/ecm.")
    return [file.read_bytes() for file in files]


def _loose(folder: Path | None) -> dict[Path, bytes]:
    """What a folder has that may be FHIR, by file: what is no file (a pipe, a link to a device) may never end, and a
    package's other files (package.json) are no resources."""
    found = {}
    for file in sorted(folder.rglob("*")) if folder else ():
        if file.suffix in (".json", ".xml") and file.is_file():
            if file.stat().st_size > MAX_FILE:
                raise BadPackage(f"{file} is larger than {MAX_FILE} bytes.")
            data = file.read_bytes()
            if b"resourceType" in data or data.lstrip()[:1] != b"{":
                found[file] = data
    return found


def _blame(loose: dict[Path, bytes]) -> None:
    """Raise BadPackage with the name of the file that is no definition, if one of them is not."""
    for file, data in loose.items():
        try:
            loose_definitions(data)
        except BadPackage as error:
            raise BadPackage(f"{file}: {str(error).partition(': ')[2]}") from None


def _print(file: str, known: Known, how: How) -> int:
    """Print what is found in a file; gives how many resources have errors."""
    resources = wrong = 0
    for told in validating.found_in(file, known, how):
        click.echo(told.text, nl=False)
        resources, wrong = resources + told.resources, wrong + told.wrong
    if how.errors_only and not how.as_json:
        click.echo(f"{file}: {resources} resource(s), {wrong} with errors")
    return wrong
