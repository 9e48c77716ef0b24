"""`ecm-gateway worker`: delivers what is owed to partners, until stopped."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from gateway import heap, log, partners, wiring, wiring_webhooks, wiring_worker
from gateway import settings as environment
from gateway.errors import GatewayError
from gateway.operating import keeping, partner_alert, polled, stopping
from gateway.partners import settings as partners_file
from gateway.ports import Caller, Inbound
from gateway.settings import Settings
from gateway.store import SqlStore
from gateway.usecases.apply_inbox import apply_inbox
from gateway.usecases.courier import LEASE_SECONDS, Courier, Pace
from gateway.usecases.deliver import WORKER, Attempt, Delivering
from gateway.usecases.notify import notify
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_round import Rounds
from gateway.usecases.prune import Pruning
from gateway.usecases.services import Services
from gateway.usecases.tend_subscriptions import tend

EXCHANGE_SECONDS = 20.0
"""That an exchange may take where partners.toml says nothing."""
_LEVELS = {"delivered": logging.INFO, "parked": logging.ERROR}
"""What is parked waits for a person: somebody has to be called."""
CHORE_SECONDS = 0.5
"""Between looks for heartbeats that are due and for what partners sent us."""


@click.command()
@click.option("--once", is_flag=True, help="Stop when nothing more is due.")
@click.option("--hands", type=click.IntRange(1, 64), default=8, show_default=True, help="Deliveries at a time.")
@click.option("--database", metavar="URL", help="Where data is kept [ECM_DATABASE, sqlite:///var/gateway.sqlite].")
@click.option(
    "--hurry", type=click.FloatRange(1, 1_000_000), default=1.0, help="Shrink every wait by this: rehearsals only."
)
def command(once: bool, hands: int, database: str | None, hurry: float) -> None:
    """Deliver what partners are owed, as partners.toml lists them (ECM_PARTNERS); ask those that say `poll`.

    A delivery that fails is tried again for three days, in order for each member and partner, then parked for a person.
    A partner that fails again and again is left alone and probed now and then; the log says once that it went down and
    once that it is back. Several workers may run on PostgreSQL. It stops on SIGTERM or Ctrl-C after what is under way.

    \b
    Examples:
      ecm-gateway worker
      ecm-gateway worker --once
      ECM_DATABASE=postgresql://ecm@db/ecm ecm-gateway worker --hands 16
    """
    settings = environment.load()
    if database is not None:
        settings = replace(settings, database=database)
    log.start(settings.log_level)
    name = f"{socket.gethostname()}-{os.getpid()}"
    ended: Counter[str] = Counter()

    def tell(attempt: Attempt) -> None:
        ended[attempt.ending] += 1
        _tell(attempt, name)

    with ExitStack() as stack:
        told = {name: stack.enter_context(closing(one)) for name, one in partners.adapters(settings.partners).items()}
        with heap.loading():
            kept, services = stack.enter_context(wiring_worker.working(settings))
        using = _delivering(kept, settings, scale=1 / hurry)
        notifying = stack.enter_context(wiring_worker.notifying(settings, using, alert=_subscription_alert))
        pace = Pace(hands=hands, lease_seconds=hold_seconds(settings.partners, hurry=hurry))
        health = Health(alert=partner_alert, scale=1 / hurry)
        by_subscription = partial(notify, notifying=notifying)
        courier = Courier(
            name,
            partners=told,
            using=using,
            health=health,
            tell=tell,
            trouble=_trouble,
            pace=pace,
            notify=by_subscription,
        )
        log.event("worker.start", worker=name, count=len(told))
        began = time.monotonic()
        with stopping() as stop:
            chores = _chores(stack, settings, kept=kept, services=services, stop=stop, hurry=hurry)
            tending: list[Callable[[], int]] = [partial(tend, notifying)]
            pruning = [] if once else [_pruning(kept, settings)]
            with _beside([*chores, *tending, *pruning], stop, once=once):
                courier.run(stop, once=once)
        log.event("worker.stop", worker=name, count=ended.total(), seconds=round(time.monotonic() - began, 3))
    if once:
        told_of = ", ".join(f"{count} {ending}" for ending, count in sorted(ended.items()))
        click.echo(told_of or "Nothing was due.")


def _delivering(kept: SqlStore, settings: Settings, *, scale: float) -> Delivering:
    told = wiring_webhooks.subscribers(settings)
    return Delivering(kept, kept.outbox, wiring.now, wiring.base_url(settings), subscribers=told, scale=scale)


def _chores(
    stack: ExitStack,
    settings: Settings,
    *,
    kept: SqlStore,
    services: Callable[[], Services],
    stop: threading.Event,
    hurry: float,
) -> list[Callable[[], int]]:
    """Ask partners for their changes; apply what was found and what they sent."""
    applying = stack.enter_context(wiring_worker.applying(settings, services, tell=_applied, scale=1 / hurry))
    asked = [stack.enter_context(closing(one)) for one in partners.polled(settings.partners, hurry=hurry).values()]
    poller, health = Caller("system:poll", tenant=settings.tenant), Health(alert=partner_alert)
    rounds = Rounds(asked, poller, services, health, polled, wiring.now, stop.is_set)
    hold = hold_seconds(settings.partners, hurry=hurry)
    claim = lambda: kept.inbox.claim(now=wiring.now(), lease_seconds=hold)  # noqa: E731
    return [rounds.step, partial(apply_inbox, applying, inbox=claim)]


def _pruning(kept: SqlStore, settings: Settings) -> Callable[[], int]:
    return Pruning(keeping(settings), Caller(WORKER, tenant=settings.tenant), store=kept, clock=wiring.now).step


def hold_seconds(file: Path, *, hurry: float) -> float:
    """How many seconds a claim holds: in a rehearsal fewer, but never below two whole exchanges with a partner."""
    longest = max((one.seconds for one in partners_file.load(file).values()), default=EXCHANGE_SECONDS)
    return max(LEASE_SECONDS / hurry, min(2 * longest, LEASE_SECONDS))


@contextmanager
def _beside(chores: Sequence[Callable[[], int]], stop: threading.Event, *, once: bool) -> Iterator[None]:
    """Do the chores beside the deliveries: once before them, else each again and again, none held up by another."""

    def done(chore: Callable[[], int]) -> int:
        try:
            return chore()
        except Exception as error:  # a chore that fails is done again
            _trouble(error)
            return 0

    def go_on(chore: Callable[[], int]) -> None:
        while not stop.is_set():
            if not done(chore):
                stop.wait(CHORE_SECONDS)

    if once:
        while sum(done(chore) for chore in chores):
            pass
        yield
        return
    threads = [threading.Thread(target=go_on, args=(chore,), name="chore") for chore in chores]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _tell(attempt: Attempt, worker: str) -> None:
    delivery = attempt.delivery
    log.event(
        f"delivery.{attempt.ending}",
        level=_LEVELS.get(attempt.ending, logging.WARNING),
        worker=worker,
        partner=delivery.owed.partner,
        delivery=delivery.id,
        attempt=delivery.attempts,
        type=delivery.owed.type,
        reason=attempt.reason or None,
    )


def _subscription_alert(id: str, reason: str) -> None:
    """One line when a subscription goes to error: its subscriber hears nothing more until it asks again."""
    log.event("subscription.error", level=logging.ERROR, id=id, reason=reason or None)


def _applied(message: Inbound, ending: str, reason: str) -> None:
    level = logging.INFO if ending == "applied" else logging.WARNING
    log.event(f"inbound.{ending}", level=level, partner=message.partner, id=message.id, reason=reason or None)


def _trouble(error: Exception) -> None:
    """Something failed that is no partner's fault; its message may quote data, so only its class is told."""
    reason = error.issues[0].code if isinstance(error, GatewayError) else None
    log.event("worker.trouble", level=logging.ERROR, error=type(error).__name__, reason=reason)
