"""`ecm-gateway convert`: what a file would be kept as, and what is wrong with it. Keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from gateway import settings as environment
from gateway import wiring
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.outcome import outcome, worst_first
from gateway.ports import Caller
from gateway.usecases.convert import convert_document, convert_file
from gateway.usecases.intake import KINDS
from gateway.usecases.services import Services


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--kind", type=click.Choice(KINDS), default="referral", show_default=True, help="What the file holds.")
@click.option("--partner", metavar="NAME", help="Whose CSV layout the file has (a folder of mappings/partners).")
@click.option("--json", "compact", is_flag=True, help="Print the Bundle on one line.")
def command(file: Path, kind: str, partner: str | None, compact: bool) -> None:
    """Map FILE to FHIR, check the result against its profiles, and print the Bundle. Nothing is kept.

    FILE is JSON of the gateway's own schema, or with --partner a CSV file of that layout; then each row becomes
    an inner Bundle, or the OperationOutcome that says why it is refused. Exits with 1 when anything is refused.

    \b
    Examples:
      ecm-gateway convert fixtures/referrals/json-minimal/body.json
      ecm-gateway convert --kind care-plan plan.json
      ecm-gateway convert --partner kaiser referrals.csv
    """
    data = file.read_bytes()
    with _services() as (services, base):
        caller = Caller("command-line", tenant=environment.load().tenant, request_id=services.new_id())
        try:
            if partner:
                leaving = convert_file(data, caller, partner=partner, kind=kind, services=services, base=base)
            else:
                leaving = convert_document(
                    codec.read(data), caller, kind=kind, source=data, services=services, base=base
                )
        except GatewayError as error:
            _print(codec.write(outcome(worst_first(error.issues))), compact)
            raise SystemExit(1) from None
    _print(leaving.body, compact)
    raise SystemExit(any(_errors(codec.read(leaving.body))))


@contextmanager
def _services() -> Iterator[tuple[Services, str]]:
    """Services over a database that goes away. Ids are those of the served database only if ECM_ID_KEY is set."""
    with TemporaryDirectory(prefix="ecm-convert-") as folder:
        settings = environment.load()
        passing = replace(settings, database=f"sqlite:///{Path(folder) / 'passing.sqlite'}")
        with wiring.composed(passing) as services:
            yield services, wiring.base_url(settings)


def _print(body: bytes, compact: bool) -> None:
    click.echo(body if compact else codec.write_pretty(codec.read(body)).rstrip())


def _errors(value: Any) -> Iterator[Any]:
    """Every issue in the Bundle, however deep, that is an error."""
    if isinstance(value, dict):
        if value.get("severity") in ("error", "fatal"):
            yield value
        for member in value.values():
            yield from _errors(member)
    elif isinstance(value, list):
        for item in value:
            yield from _errors(item)
