"""`ecm-gateway inbox`: what partners sent us, and a person's decisions on what could not be applied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import get_args

import click

from gateway.errors import Conflict, NotFound
from gateway.ports import Caller, Inbound, InboundState, Store
from gateway.settings import load


@click.group(short_help="What partners sent us: list, show, retry.")
def command() -> None:
    """What partners sent us by webhook. A parked message could not be applied and waits for a person.

    A parked message holds up nothing: newer news says more. Mend what it needs (a code table, a missing resource) and
    `retry` it.

    \b
    Examples:
      ecm-gateway inbox list --state parked
      ecm-gateway inbox show 0c8d3f...
      ecm-gateway inbox retry 0c8d3f...
    """


@command.command("list")
@click.option("--state", type=click.Choice(get_args(InboundState)), help="Only these.")
@click.option("--partner", help="Only what this partner sent.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(state: InboundState | None, partner: str | None, limit: int, as_json: bool) -> None:
    """List messages, oldest first, without what they say."""
    with _opened() as (store, caller, _):
        for message in store.inbox.list(caller, state=state, limit=limit):
            if partner in (None, message.partner):
                plain = _plain(message)
                shown = "  ".join(
                    str(plain[name] or "") for name in ("id", "state", "partner", "received_at", "reason")
                )
                click.echo(json.dumps(plain) if as_json else shown.rstrip())


@command.command("show")
@click.argument("id")
@click.option("--body", "with_body", is_flag=True, help="Also what was sent: it may hold people's data.")
def show(id: str, with_body: bool) -> None:
    """Show one message: when it came, how often it was tried and why it failed."""
    with _opened() as (store, caller, _):
        message = store.inbox.show(caller, id)
        if message is None:
            raise NotFound("There is no such message in this tenant.")
        click.echo("\n".join(f"{name:12} {value}" for name, value in _plain(message).items()))
        if with_body:
            click.echo(message.body.decode(errors="replace"))


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(ids: tuple[str, ...]) -> None:
    """Put parked messages back: the worker applies them at once."""
    with _opened() as (store, caller, now):
        for id in ids:
            if not store.inbox.release(caller, id, now=now):
                raise Conflict(f"Message {id} is not parked in this tenant: nothing was changed.")
            click.echo(f"{id}: waiting")


@contextmanager
def _opened() -> Iterator[tuple[Store, Caller, datetime]]:
    import gateway.store
    from gateway.wiring import now

    settings = load()
    store = gateway.store.open(settings.database, clock=now)
    try:
        yield store, Caller("operator", tenant=settings.tenant, purpose="HOPERAT"), now()
    finally:
        store.close()


def _plain(message: Inbound) -> dict[str, str | int | None]:
    return {
        "id": message.id,
        "state": message.state,
        "partner": message.partner,
        "key": message.key,
        "received_at": message.received_at.isoformat(),
        "content_type": message.content_type,
        "bytes": len(message.body),
        "attempts": message.attempts,
        "reason": message.reason,
    }
