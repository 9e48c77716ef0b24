"""`ecm-gateway`: finds its subcommands in `gateway.commands` and loads only the one that is called."""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import sys

import click

import gateway.commands
from gateway.errors import GatewayError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Commands(click.Group):
    """A group whose subcommands are the modules of `gateway.commands` (imported when named: start-up stays fast)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(gateway.commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"gateway.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, click.Command)
        return found


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="ecm-gateway")
def cli() -> None:
    """Enhanced Care Management referrals, care plans and care teams as FHIR R4.

    \b
    Start here:
      ecm-gateway demo                      the whole story in a minute, between two gateways
      ecm-gateway serve                     the FHIR API on http://127.0.0.1:8080/fhir
      ecm-gateway validate FILE...          check FHIR resources against their profiles
    Each command explains itself: ecm-gateway COMMAND --help
    """


def main() -> None:
    """Run the command line; a GatewayError is told in sentences, one a line, as is a full disk: status 2."""
    try:
        cli.main(standalone_mode=True)
    except GatewayError as error:
        for issue in error.issues:
            click.echo(f"{issue.severity}: {issue.message}", err=True)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        click.echo(f"error: What was found cannot be written: {error.strerror}.", err=True)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is left of it is written at the end, and would change the status
        raise SystemExit(2) from None
