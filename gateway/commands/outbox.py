"""`ecm-gateway outbox`: what partners are owed, and a person's decisions on what was parked."""

from __future__ import annotations

import json
from typing import get_args

import click

from gateway import operating
from gateway.errors import NotFound
from gateway.operating import desk
from gateway.ports import Delivery, DeliveryState
from gateway.usecases.owed import plain


@click.group(short_help="What partners are owed: list, show, retry, drop.")
def command() -> None:
    """What partners are owed. A parked delivery waits for a person: `retry` it or `drop` it.

    While it is parked, the same partner hears nothing more about the same member; everyone else does.

    \b
    Examples:
      ecm-gateway outbox list --state parked
      ecm-gateway outbox show 0c8d3f...
      ecm-gateway outbox retry 0c8d3f...
      ecm-gateway outbox drop 0c8d3f... --reason "sent by fax on 2 March"
    """


@command.command("list")
@operating.listing(get_args(DeliveryState))
def list_(state: DeliveryState | None, partner: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, oldest first, and how many there are by partner and state."""
    with desk() as at:
        found = at.store.outbox.list(at.caller, state=state, partner=partner, limit=limit)
        counts = at.store.outbox.counts(at.caller)
    for delivery in found:
        click.echo(json.dumps(plain(delivery)) if as_json else _line(delivery))
    if not as_json:
        for (name, kind), number in sorted(counts.items()):
            if partner in (None, name):
                click.echo(f"{name}: {number} {kind}", err=True)


@command.command("show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(id: str, as_json: bool) -> None:
    """Show one delivery: what is owed, how often it was tried and why it failed."""
    with desk() as at:
        delivery = at.store.outbox.show(at.caller, id)
    if delivery is None:
        raise NotFound("There is no such delivery in this tenant.")
    operating.show(plain(delivery), as_json=as_json)


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(ids: tuple[str, ...]) -> None:
    """Put parked deliveries back: they are tried again at once, with the whole schedule before them."""
    with desk() as at:
        release = lambda id: at.store.outbox.release(at.caller, id, now=at.now)  # noqa: E731
        operating.decide(ids, release, what="Delivery", becomes="waiting")


@command.command("drop")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why the partner need not hear this; kept. Name no person.")
def drop(ids: tuple[str, ...], reason: str) -> None:
    """Give parked deliveries up; what waits behind them goes on."""
    with desk() as at:
        give_up = lambda id: at.store.outbox.drop(at.caller, id, now=at.now, reason=reason)  # noqa: E731
        operating.decide(ids, give_up, what="Delivery", becomes="dropped")


def _line(delivery: Delivery) -> str:
    told = plain(delivery)
    urgent = " urgent" if delivery.owed.urgent else ""
    why = f"  {delivery.reason}" if delivery.reason else ""
    return (
        f"{delivery.id}  {delivery.state:9} {delivery.owed.partner:16} {told['reference']}"
        f"  {delivery.attempts} tries{urgent}{why}"
    )
