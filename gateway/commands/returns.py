"""`ecm-gateway returns`: a plan's return file, in its own columns."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.settings import load
from gateway.usecases.return_file import return_file


@click.command(short_help="Write a plan's return file: where each of its referrals stands.")
@click.argument("partner")
@click.option("--month", required=True, metavar="YYYY-MM", help="The reporting period.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, readable by you only.")
def command(partner: str, month: str, out: Path | None) -> None:
    """Write the return file of PARTNER: one row for each referral loop that is open, or was closed in the month.

    The columns are those of the partner's return.csv (mappings/README.md). The file holds members' data: each row is a
    disclosure to the plan, and audited. Ends with status 1 if a referral could not be written; standard error says
    which and why, by its Task.

    \b
    Examples:
      ecm-gateway returns eldermark --month 2026-03 --out rtf-2026-03.txt
    """
    from gateway import wiring
    from gateway.ports import Caller

    settings = load()
    with wiring.composed(settings) as services:
        caller = Caller("operator", tenant=settings.tenant, purpose="HOPERAT")
        done = return_file(partner, caller, month=month, services=services)
    if out is None:
        sys.stdout.buffer.write(done.data)
        sys.stdout.buffer.flush()
    else:
        out.touch(mode=0o600)
        out.write_bytes(done.data)
    for issue in done.refused:
        click.echo(f"{issue.expression}: {issue.message}", err=True)
    click.echo(f"{done.rows} rows; {len(done.refused)} referrals could not be written", err=True)
    raise SystemExit(1 if done.refused else 0)
