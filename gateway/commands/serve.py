"""`ecm-gateway serve`: the FHIR API and the doors, on Granian."""

from __future__ import annotations

from dataclasses import replace

import click

from gateway import log
from gateway import settings as environment
from gateway.errors import Misconfigured
from gateway.settings import Settings
from gateway.subscriptions.endpoint import is_loopback

GRACE_SECONDS = 15
"""How long requests in work may take to end after a stop is asked for."""


@click.command()
@click.option("--host", help="Address to listen on [ECM_HOST, 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on [ECM_PORT, 8080].")
@click.option("--database", metavar="URL", help="Where data is kept [ECM_DATABASE, sqlite:///var/gateway.sqlite].")
@click.option("--workers", type=click.IntRange(1, 64), help="Server processes [ECM_WORKERS, 1].")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads in each [ECM_THREADS, 16].")
def command(**options: str | int | None) -> None:
    """Serve the FHIR API at http://127.0.0.1:8080/fhir, and the gateway's own doors (/referrals, /files, /hooks ...):
    docs/api.md lists them.

    Settings come from the environment (docs/settings.md); options go before them. It stops on SIGTERM or Ctrl-C after
    the requests in work have been answered. Callers are not authenticated yet, so it listens on loopback only, unless
    ECM_LISTEN_ANYWHERE=yes says that something in front of it does that. Until then a request must name loopback or the
    host of ECM_BASE_URL as its Host.

    \b
    Examples:
      ecm-gateway serve
      ecm-gateway serve --port 9000 --database sqlite:///var/other.sqlite
      ECM_DATABASE=postgresql://ecm@db/ecm ecm-gateway serve --workers 2
    """
    given = {name: value for name, value in options.items() if value is not None}
    settings = replace(environment.load(), **given)  # type: ignore[arg-type]
    may_listen(settings)
    environment.hand_on(settings)
    log.start(settings.log_level)
    log.event("serve", host=settings.host, port=settings.port, count=settings.workers)
    _granian(settings)


def may_listen(settings: Settings) -> None:
    """Raise Misconfigured if this would let callers in from elsewhere, whom nothing authenticates."""
    if settings.listen_anywhere or is_loopback(settings.host):
        return
    raise Misconfigured(
        f"Not listening on {settings.host}: callers are not authenticated yet, so anyone who reaches this address "
        "could read members' records. Listen on 127.0.0.1, or set ECM_LISTEN_ANYWHERE=yes if something in front of "
        "the gateway authenticates every caller."
    )


def _granian(settings: Settings) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "gateway.wiring:wsgi",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backpressure=max(64, settings.threads * 8),
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=log.of_server("_granian", "granian.access"),
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
    ).serve()
