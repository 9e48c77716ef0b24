"""`ecm-gateway loops`: which referrals are open, what each waits for, and what is overdue by whom."""

from __future__ import annotations

import json
from collections import Counter

import click

from gateway.settings import load
from gateway.usecases.loops import OpenLoop, open_loops, teams_without_lead


@click.command(short_help="Open referral loops: next action, due time, overdue by whom.")
@click.option("--overdue", is_flag=True, help="Only those overdue; status 1 for any, or for an alarm.")
@click.option("--who", help="Only those that wait for this party: plan, provider.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(overdue: bool, who: str | None, as_json: bool) -> None:
    """List open referral loops, what is due first first.

    Each waits for an event, from a party, until a time, by a clock of mappings/clocks/. An alarm is a care team without
    exactly one active Lead Care Manager. No person's data is shown.

    \b
    Examples:
      ecm-gateway loops
      ecm-gateway loops --overdue --who plan
      ecm-gateway loops --json | jq .due
    """
    from gateway import wiring
    from gateway.ports import Caller

    settings = load()
    with wiring.composed(settings) as services:
        caller = Caller("operator", tenant=settings.tenant, purpose="HOPERAT")
        found = open_loops(caller, services=services, overdue=overdue, who=who)
        teams = teams_without_lead(caller, services=services)
    for one in found:
        click.echo(json.dumps(one.plain()) if as_json else _line(one))
    if not as_json:
        late = Counter(one.action.who for one in found if one.overdue and one.action)
        told = ", ".join(f"{number} by {name}" for name, number in sorted(late.items())) or "none"
        click.echo(f"{len(found)} listed; overdue: {told}", err=True)
    for kept in teams:
        alarm = {"care_team": kept.reference, "alarm": "no lead care manager"}
        click.echo(
            json.dumps(alarm) if as_json else f"ALARM   {kept.reference}  not exactly one Lead Care Manager today"
        )
    raise SystemExit(1 if overdue and (found or teams) else 0)


def _line(one: OpenLoop) -> str:
    action = one.action
    mark = "OVERDUE " if one.overdue else "        "
    waits = f"{action.due:%Y-%m-%d %H:%M}  {action.event} from {action.who} ({action.clock})" if action else "no clock"
    return f"{mark}{one.kept.reference}  {one.state or one.status:14} {one.service:10} {waits}"
