"""`ecm-gateway outbox`: what partners are owed, and a person's decisions on what was parked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import get_args

import click

from gateway.errors import Conflict, NotFound
from gateway.ports import Caller, Delivery, DeliveryState, Store
from gateway.settings import Settings, load


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
@click.option("--state", type=click.Choice(get_args(DeliveryState)), help="Only these.")
@click.option("--partner", help="Only what this partner is owed.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(state: DeliveryState | None, partner: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, oldest first, and how many there are by partner and state."""
    with _opened() as (store, caller, _):
        found = store.outbox.list(caller, state=state, limit=limit)
        counts = store.outbox.counts()
    for delivery in found:
        if partner in (None, delivery.owed.partner):
            click.echo(json.dumps(_plain(delivery)) if as_json else _line(delivery))
    if not as_json:
        for (name, kind), number in sorted(counts.items()):
            if partner in (None, name):
                click.echo(f"{name}: {number} {kind}", err=True)


@command.command("show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(id: str, as_json: bool) -> None:
    """Show one delivery: what is owed, how often it was tried and why it failed."""
    with _opened() as (store, caller, _):
        delivery = store.outbox.show(caller, id)
    if delivery is None:
        raise NotFound("There is no such delivery in this tenant.")
    plain = _plain(delivery)
    click.echo(json.dumps(plain) if as_json else "\n".join(f"{name:12} {value}" for name, value in plain.items()))


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(ids: tuple[str, ...]) -> None:
    """Put parked deliveries back: they are tried again at once, with the whole schedule before them."""
    with _opened() as (store, caller, now):
        for id in ids:
            _tell(id, "waiting", done=store.outbox.release(caller, id, now=now))


@command.command("drop")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why the partner need not hear this; kept. Name no person.")
def drop(ids: tuple[str, ...], reason: str) -> None:
    """Give parked deliveries up; what waits behind them goes on."""
    with _opened() as (store, caller, now):
        for id in ids:
            _tell(id, "dropped", done=store.outbox.drop(caller, id, now=now, reason=reason))


@contextmanager
def _opened() -> Iterator[tuple[Store, Caller, datetime]]:
    import gateway.store
    from gateway.wiring import now

    settings: Settings = load()
    store = gateway.store.open(settings.database, clock=now)
    try:
        yield store, Caller("operator", tenant=settings.tenant, purpose="HOPERAT"), now()
    finally:
        store.close()


def _tell(id: str, state: str, *, done: bool) -> None:
    if not done:
        raise Conflict(f"Delivery {id} is not parked in this tenant: nothing was changed.")
    click.echo(f"{id}: {state}")


def _plain(delivery: Delivery) -> dict[str, str | int | bool | None]:
    owed = delivery.owed
    return {
        "id": delivery.id,
        "state": delivery.state,
        "partner": owed.partner,
        "member": owed.member,
        "kind": owed.kind,
        "reference": f"{owed.type}/{owed.id}/_history/{owed.version}",
        "urgent": owed.urgent,
        "attempts": delivery.attempts,
        "due": delivery.due.isoformat(),
        "owed_at": delivery.owed_at.isoformat(),
        "settled_at": delivery.settled_at.isoformat() if delivery.settled_at else None,
        "reason": delivery.reason,
    }


def _line(delivery: Delivery) -> str:
    plain = _plain(delivery)
    urgent = " urgent" if delivery.owed.urgent else ""
    why = f"  {delivery.reason}" if delivery.reason else ""
    return (
        f"{delivery.id}  {delivery.state:9} {delivery.owed.partner:16} {plain['reference']}"
        f"  {delivery.attempts} tries{urgent}{why}"
    )
