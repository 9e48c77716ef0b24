"""`ecm-gateway inbox`: what partners sent us, and a person's decisions on what could not be applied."""

from __future__ import annotations

import json
from typing import get_args

import click

from gateway import operating
from gateway.errors import NotFound
from gateway.operating import Plain, desk
from gateway.ports import Inbound, InboundState


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
@operating.listing(get_args(InboundState))
def list_(state: InboundState | None, partner: str | None, limit: int, as_json: bool) -> None:
    """List messages, oldest first, without what they say."""
    with desk() as at:
        found = at.store.inbox.list(at.caller, state=state, partner=partner, limit=limit)
    for message in found:
        plain = _plain(message)
        shown = "  ".join(str(plain[name] or "") for name in ("id", "state", "partner", "received_at", "reason"))
        click.echo(json.dumps(plain) if as_json else shown.rstrip())


@command.command("show")
@click.argument("id")
@click.option("--body", "with_body", is_flag=True, help="Also what was sent: it may hold people's data.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(id: str, with_body: bool, as_json: bool) -> None:
    """Show one message: when it came, how often it was tried and why it failed."""
    with desk() as at:
        message = at.store.inbox.show(at.caller, id)
    if message is None:
        raise NotFound("There is no such message in this tenant.")
    body = message.body.decode(errors="replace")
    if as_json:
        operating.show({**_plain(message), **({"body": body} if with_body else {})}, as_json=True)
        return
    operating.show(_plain(message), as_json=False)
    if with_body:
        click.echo(body or "What was sent is no longer kept: ecm-gateway prune --help")


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(ids: tuple[str, ...]) -> None:
    """Put parked messages back: the worker applies them at once."""
    with desk() as at:
        release = lambda id: at.store.inbox.release(at.caller, id, now=at.now)  # noqa: E731
        operating.decide(ids, release, what="Message", becomes="waiting")


def _plain(message: Inbound) -> Plain:
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
