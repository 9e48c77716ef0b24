"""`ecm-gateway check`: whether everything is in order before it is served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as environment
from gateway import shipped, wiring, wiring_webhooks
from gateway.errors import GatewayError, Issue, Misconfigured, Trouble
from gateway.mapping import systems
from gateway.mapping.plan_codes import unknown_in_tables
from gateway.ports import Caller
from gateway.settings import Settings
from gateway.store import SqlStore


@dataclass
class Report:
    """What was looked at, in order: its name, whether it is in order, and a sentence each."""

    lines: list[tuple[str, bool, str]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[Callable[[str], None]]:
        """Look at one part; what it raises is told, and the next part is looked at all the same."""
        said: list[str] = []
        try:
            yield said.append
        except GatewayError as error:
            self.lines += [(name, False, issue.message) for issue in error.issues]
        except Exception as error:  # a report says what broke; it does not break itself
            self.lines.append((name, False, f"{type(error).__name__}: look at the log or run with the part alone"))
        else:
            self.lines.append((name, True, "; ".join(said)))

    @property
    def good(self) -> bool:
        return all(good for _, good, _ in self.lines)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--audit", is_flag=True, help="Also walk the whole audit trail: was a row changed or taken out?")
def command(as_json: bool, audit: bool) -> None:
    """Check settings, database, profiles, tables and partners, and print one report. Exits with 1 if anything is wrong.

    \b
    Examples:
      ecm-gateway check
      ecm-gateway check --audit
      ECM_DATABASE=postgresql://ecm@db/ecm ECM_ID_KEY=/etc/ecm/id.key ecm-gateway check --json
    """
    report = examined(audit=audit)
    if as_json:
        listed = [{"part": part, "good": good, "said": said} for part, good, said in report.lines]
        click.echo(json.dumps({"good": report.good, "parts": listed}, indent=2))
    else:
        _print(report)
    raise SystemExit(0 if report.good else 1)


def examined(*, audit: bool = False) -> Report:
    """Look at everything, with `audit` at each row of the trail too.

    A part that cannot be reached because an earlier one is wrong is left out.
    """
    report = Report()
    settings = Settings()
    with report.part("settings") as say:
        settings = environment.load()
        say(f"database {settings.database.split(':')[0]}, listening on {settings.host}:{settings.port}")
    if not report.good:
        return report
    with report.part("listening"):
        from gateway.commands.serve import may_listen

        may_listen(settings)
    known: wiring.Knowledge | None = None
    with report.part("definitions and tables") as say:
        known = wiring.knowledge_of(settings)
        say(f"{len(known.definitions.packages)} packages, {len(known.readers.layouts)} partner layouts")
    if known:
        with report.part("our profiles") as say:
            say(f"{_profiles(settings, known)} compiled")
        with report.part("database") as say:
            store = wiring.open_store(settings, known)
            try:
                store.ready()
                say("reachable, at this version's schema, and takes a write")
                if audit:
                    say(_audited(store, settings))
            finally:
                store.close()
    with report.part("key for ids"):
        wiring.id_key(settings)
    with report.part("partners") as say:
        say(f"{len(wiring_webhooks.subscribers(settings))} are told of changes")
    with report.part("webhooks") as say:
        say(f"{len(wiring_webhooks.hooks(settings))} partners may send them")
    if known and all(good for part, good, _ in report.lines if part in ("partners", "webhooks")):
        with report.part("plan codes") as say:
            say(f"{_plan_codes(settings, known)} plans; tables, partners.toml and webhooks.toml name no other")
    return report


def _audited(store: SqlStore, settings: Settings) -> str:
    """A word that the audit trail is whole; Trouble, with the first row at which it is not."""
    broken = store.broken_audit(Caller("operator", tenant=settings.tenant, purpose="HOPERAT"))
    if broken:
        raise Trouble(
            f"{len(broken)} audit rows were changed, or follow one that is gone; the first is seq {broken[0]}."
        )
    return "each audit row is as it was written, and follows the one before"


def _plan_codes(settings: Settings, known: wiring.Knowledge) -> int:
    """How many plans there are; Misconfigured with every code that is none of them, and its place."""
    codes = known.readers.concepts["plan"].codes
    wrong = list(unknown_in_tables(settings.mappings or shipped.folder("mappings"), known=codes))
    named = [(settings.partners, one) for one in wiring_webhooks.subscribers(settings)]
    named += [(settings.webhooks, one) for one in wiring_webhooks.parties(settings).values()]
    for file, party in named:
        for organization in sorted(party.organizations):
            system, _, code = organization.partition("|")
            if system == systems.PLAN and code not in codes:
                wrong.append(f"{file}: [{party.name}] speaks for a plan '{code}' that is not in concepts/plan.csv")
    if wrong:
        raise Misconfigured(issues=[Issue("error", "value", message, rule="plan-code") for message in wrong])
    return len(codes)


def _profiles(settings: Settings, known: wiring.Knowledge) -> int:
    """Compile each profile of ours; BadProfile for the first that cannot be."""
    count = 0
    for file in shipped.own_definitions(settings.profiles):
        definition: dict[str, Any] = json.loads(file.read_bytes())
        if definition["resourceType"] == "StructureDefinition":
            known.validator.profile(definition["url"])
            count += 1
    return count


def _print(report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for part, good, said in report.lines:
        table.add_row("[green]in order[/]" if good else "[red]wrong[/]", part, escape(said))
    Console().print(table)
