"""`ecm-gateway poll`: asks partners what has changed, as often as they may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import replace

import click

from gateway import log, partners, wiring
from gateway import settings as environment
from gateway.operating import partner_alert, polled, stopping
from gateway.partners.polling import FhirPolling
from gateway.ports import Caller
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import Polling, Recent, poll_partner
from gateway.usecases.poll_round import LOOK_SECONDS
from gateway.usecases.services import Services


@click.command()
@click.argument("names", nargs=-1, metavar="[PARTNER]...")
@click.option("--once", is_flag=True, help="Ask those that are due, and stop.")
@click.option("--now", "at_once", is_flag=True, help="Ask even those that are not due yet.")
@click.option("--sweep", is_flag=True, help="Ask for everything there is, not only for what changed; implies --once.")
@click.option("--database", metavar="URL", help="Where data is kept [ECM_DATABASE, sqlite:///var/gateway.sqlite].")
def command(names: tuple[str, ...], once: bool, at_once: bool, sweep: bool, database: str | None) -> None:
    """Ask partners for changes, as partners.toml lists them (ECM_PARTNERS): `poll`, and what epic and oracle offer.

    What is new is kept in the inbox, once for each version; the worker applies it, and asks as well. A partner is asked
    at most every 15 minutes (poll_minutes), from ten minutes before the last time (overlap_minutes), whoever asks.

    \b
    Examples:
      ecm-gateway poll
      ecm-gateway poll --once --now county-epic
      ecm-gateway poll --sweep            (finds what was missed; the worker does it weekly)
    """
    settings = environment.load()
    if database is not None:
        settings = replace(settings, database=database)
    log.start(settings.log_level)
    with ExitStack() as stack:
        asked = _asked(stack, partners.polled(settings.partners), names)
        services = stack.enter_context(wiring.composed(settings))
        caller = Caller("system:poll", tenant=settings.tenant)
        health, recent = Health(alert=partner_alert), Recent()
        with stopping() as stop:
            while True:
                for partner in asked:
                    _ask(partner, caller, services, health, recent, at_once=at_once, sweep=sweep)
                if once or sweep or stop.wait(LOOK_SECONDS):
                    return


def _asked(stack: ExitStack, found: Mapping[str, FhirPolling], names: tuple[str, ...]) -> list[FhirPolling]:
    for one in found.values():
        stack.enter_context(closing(one))
    if unknown := sorted(set(names) - found.keys()):
        raise click.BadParameter(f"not asked for changes by partners.toml: {', '.join(unknown)}")
    if not found:
        raise click.ClickException("No partner of partners.toml (ECM_PARTNERS) is asked for changes.")
    return [one for name, one in found.items() if not names or name in names]


def _ask(
    partner: FhirPolling,
    caller: Caller,
    services: Services,
    health: Health,
    recent: Recent,
    *,
    at_once: bool,
    sweep: bool,
) -> None:
    for type in partner.types:
        if at_once or sweep:
            services.store.cursors.due(caller, partner=partner.name, name=type, now=services.clock())
        done = poll_partner(partner, type, caller, services=services, health=health, recent=recent, sweep=sweep)
        if done is not None:
            _tell(partner.name, type, done)


def _tell(name: str, type: str, done: Polling) -> None:
    polled(name, type, done)
    ended = f", then it failed: {done.error.issues[0].message}" if done.error else ""
    click.echo(f"{name} {type}: {done.found} found, {done.new} new{ended}")
