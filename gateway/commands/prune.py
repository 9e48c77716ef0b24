"""`ecm-gateway prune`: let go of what is done and old."""

from __future__ import annotations

from collections import Counter

import click

from gateway.operating import desk, keeping
from gateway.ports import Old
from gateway.usecases.prune import noted, prune

TOLD: dict[Old, str] = {
    "deliveries": "deliveries that were heard",
    "events": "events of subscriptions that were taken",
    "bodies": "contents of applied messages",
    "keys": "applied messages",
}


@click.command(short_help="Let go of what is done and old, as the settings say.")
@click.option("--dry-run", "dry", is_flag=True, help="Only count.")
def command(dry: bool) -> None:
    """Let go of what is done and older than the settings ECM_KEEP_..._DAYS say; the worker does the same every day.

    Gone are deliveries whose partner heard them (or something newer), events that their subscriber has taken, and what
    partners sent that was applied: first its content, later the key by which a repeat is recognised. What is owed,
    parked, refused or not taken stays whatever its age, as do all resources, their versions and the audit trail. It
    goes in small transactions: others can work on, and it can be stopped and repeated at any time.

    \b
    Examples:
      ecm-gateway prune --dry-run
      ECM_KEEP_DELIVERED_DAYS=30 ecm-gateway prune
    """
    removed: Counter[Old] = Counter()
    with desk() as at:
        for old, number in prune(keeping(at.settings), store=at.store, now=at.now, dry=dry):
            removed[old] += number
        if not dry:
            noted(removed, at.caller, store=at.store)
    verb = "Would let go of" if dry else "Let go of"
    for old, told in TOLD.items():
        click.echo(f"{verb} {removed[old]} {told}")
