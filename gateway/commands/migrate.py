"""`ecm-gateway migrate`: bring the database to the schema of this version."""

from __future__ import annotations

import json

import click

from gateway.settings import load


@click.command(short_help="Bring the database to this version's schema.")
@click.option("--database", metavar="URL", help="Instead of ECM_DATABASE: sqlite:///path or postgresql://...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(database: str | None, as_json: bool) -> None:
    """Bring the database to the schema of this version; safe to repeat, and while others do the same.

    All of it is done or nothing. SQLite files are migrated when a gateway opens them; a PostgreSQL server only here.

    \b
    Examples:
      ecm-gateway migrate
      ecm-gateway migrate --database postgresql://gateway@db.internal/gateway
    """
    from gateway.store import HEAD, migrate

    applied = migrate(database or load().database)
    if as_json:
        click.echo(json.dumps({"applied": applied, "schema": HEAD}))
    elif applied:
        click.echo(f"Migrated: {', '.join(applied)}. The schema is now {HEAD}.")
    else:
        click.echo(f"Nothing to do: the schema is {HEAD}.")
