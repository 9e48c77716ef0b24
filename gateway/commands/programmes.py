"""`ecm-gateway programmes`: which programmes of a community platform help near a zip code."""

from __future__ import annotations

import json
from contextlib import closing

import click

from gateway import partners
from gateway import settings as environment
from gateway.partners.findhelp import Directory, Findhelp


@click.command()
@click.argument("zip", metavar="ZIP")
@click.option("--partner", default="findhelp", show_default=True, help="The platform, as partners.toml names it.")
@click.option("--tag", help="A service tag; without one the tags that there are near the zip code are listed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(zip: str, partner: str, tag: str | None, as_json: bool) -> None:
    """List service tags near a zip code, or the programmes with one of them. No member is named to the platform.

    \b
    Examples:
      ecm-gateway programmes 90012
      ecm-gateway programmes 90012 --tag 'help find housing'
    """
    found = partners.adapters(environment.load().partners)
    platform = found.get(partner)
    if not isinstance(platform, Findhelp):
        raise click.BadParameter(f"{partner} is no community platform of partners.toml", param_hint="--partner")
    with closing(platform):
        directory = Directory(platform)
        if tag is None:
            for one in directory.service_tags(zip):
                click.echo(json.dumps({"service_tag": one}) if as_json else one)
            return
        for programme in directory.programmes(zip, service_tag=tag):
            plain = {"id": programme.id, "name": programme.name, "accepts_referrals": programme.accepts_referrals}
            takes = "takes referrals" if programme.accepts_referrals else "takes no referrals"
            click.echo(json.dumps(plain) if as_json else f"{programme.id}  {programme.name}  {takes}")
