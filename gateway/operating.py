"""What commands share that act for the operator: the store, how things are listed and decided, being told to stop."""

from __future__ import annotations

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import click

from gateway import log
from gateway.errors import Conflict
from gateway.ports import Caller, Store
from gateway.settings import Settings, load
from gateway.usecases.poll_partner import Polling
from gateway.usecases.prune import Days

F = TypeVar("F", bound=Callable[..., Any])
Plain = Mapping[str, str | int | bool | None]
"""One thing as it is shown: never what it says about anybody."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A person at the database."""

    store: Store
    caller: Caller
    now: datetime
    settings: Settings


@contextmanager
def desk() -> Iterator[Desk]:
    """The store that the environment names, and who acts on it when."""
    import gateway.store
    from gateway import wiring

    settings = load()
    with closing(gateway.store.open(settings.database, clock=wiring.now)) as store:
        yield Desk(store, Caller("operator", tenant=settings.tenant, purpose="HOPERAT"), wiring.now(), settings)


def listing(states: Iterable[str]) -> Callable[[F], F]:
    """The options of a command that lists what is in one of `states`: state, partner, limit, as_json."""
    options = [
        click.option("--state", type=click.Choice(list(states)), help="Only these."),
        click.option("--partner", help="Only of this partner."),
        click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000)),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
    ]

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def show(plain: Plain, *, as_json: bool) -> None:
    """Print one thing: a line for each of its fields, or JSON."""
    click.echo(json.dumps(plain) if as_json else "\n".join(f"{name:12} {value}" for name, value in plain.items()))


def decide(ids: Iterable[str], act: Callable[[str], bool], *, what: str, becomes: str) -> None:
    """Do what a person decided on each of what is parked; Conflict at the first that is not."""
    for id in ids:
        if not act(id):
            raise Conflict(f"{what} {id} is not parked in this tenant: nothing was changed.")
        click.echo(f"{id}: {becomes}")


def keeping(settings: Settings) -> Days:
    """How long what is done is kept."""
    return Days(
        settings.keep_delivered_days,
        settings.keep_events_days,
        settings.keep_received_days,
        settings.keep_keys_days,
    )


def partner_alert(partner: str, state: str, reason: str) -> None:
    """One line when a partner goes down, one when it is back: what a pager listens for."""
    level = logging.ERROR if state == "down" else logging.WARNING
    log.event(f"partner.{state}", level=level, partner=partner, state=state, reason=reason or None)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def polled(partner: str, type: str, done: Polling) -> None:
    """One line for each time that a partner was asked."""
    reason = done.error.issues[0].code if done.error else None
    level = logging.WARNING if done.error else logging.INFO
    log.event("poll", level=level, partner=partner, type=type, count=done.new, reason=reason)
