"""`ecm-gateway demo`: the main job, between two real gateway processes on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import requests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import shipped
from gateway.errors import Misconfigured
from gateway.replay import cases, closed_loop, drive
from gateway.simulators.free_port import free_port

TYPES = (
    "Patient", "Coverage", "Organization", "ServiceRequest", "Task", "QuestionnaireResponse", "Provenance", "CarePlan",
    "Goal", "Condition", "CareTeam",
)  # fmt: skip
PARTNER = "community-gateway"
START_SECONDS = 60
"""How long a gateway may take to start on a slow, fresh machine."""


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Keep both databases and logs in this folder.")
@click.option("--seconds", default=40, show_default=True, help="How long to wait for deliveries.")
def command(keep: Path | None, seconds: int) -> None:
    """Run the main job: two plans' CSV files, a care plan, a care team and FHIR bundles go through one gateway into a
    second one, over HTTP between real processes. Prints what arrived where, and what was refused and why. Then one
    referral runs from request to Services Received, and what each of three partners was told of it is printed.

    \b
    Examples:
      ecm-gateway demo
      ecm-gateway demo --keep out/demo
    """
    console = Console()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecm-demo-")))
        partner = stack.enter_context(_served(folder / PARTNER))
        partners = folder / "partners.toml"
        three = stack.enter_context(closed_loop.partners())
        partners.write_text(
            f'[{PARTNER}]\nkind = "fhir_server"\nbase_url = "{partner}/fhir"\neveryone = true\n'
            + f"send = {list(TYPES)}\n\n".replace("'", '"')
            + three.toml
        )
        ours = stack.enter_context(_served(folder / "gateway", partners=partners))
        console.print(f"Two gateways are up: ours at {ours}, the partner's at {partner}.\n")
        results = [drive.run(case, drive.OverHttp(ours)) for case in _cases()]
        _print_sent(console, results)
        stack.enter_context(_process("worker", folder=folder / "gateway", partners=partners))
        arrived = _wait(ours, partner, seconds=seconds)
        _print_arrived(console, ours=_totals(ours), partner=_totals(partner))
        _print_plans(console, partner)
        closed = _close_loop(console, drive.OverHttp(ours), three, seconds=seconds)
    if not (arrived and closed) or any(result.problems for result in results):
        raise SystemExit(1)


def _cases() -> list[cases.Case]:
    fixtures = shipped.folder("fixtures")
    listed = tomllib.loads((fixtures / "demo.toml").read_text(encoding="utf-8"))
    return [replace(case, name=name) for name in listed["cases"] for case in cases.load(fixtures / name)]


@contextmanager
def _served(folder: Path, *, partners: Path | None = None) -> Iterator[str]:
    """A gateway process with a database of its own; yields its address once it answers."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with _process("serve", "--port", str(port), folder=folder, partners=partners) as process:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                if requests.get(f"{base}/health/ready", timeout=1).ok:
                    yield base
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        log = (folder / "serve.log").read_text(encoding="utf-8")[-2000:]
        raise Misconfigured(f"The gateway did not start. Its log ends with:\n{log}")


@contextmanager
def _process(*words: str, folder: Path, partners: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")}
    environment |= {
        "ECM_DATABASE": f"sqlite:///{folder / 'gateway.sqlite'}",
        "ECM_PARTNERS": str(partners or "none.toml"),
    }
    with (folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *words], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _totals(base: str) -> dict[str, int]:
    def total(type_: str) -> int:
        return int(requests.get(f"{base}/fhir/{type_}", params={"_summary": "count"}, timeout=10).json()["total"])

    return {type_: total(type_) for type_ in TYPES}


def _wait(ours: str, partner: str, *, seconds: int) -> bool:
    """Whether everything we keep arrived at the partner in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if _totals(ours) == _totals(partner):
            return True
        time.sleep(0.25)
    return False


def _print_sent(console: Console, results: Sequence[drive.Result]) -> None:
    table = Table("", "sent", "answer", "kept", title="What went into our gateway", title_justify="left", box=None)
    refusals: list[tuple[str, str]] = []
    for result in results:
        answer = result.answer
        mark = "[red]differs[/]" if result.problems else "[green]ok[/]"
        kept = ", ".join(f"{n} {type_}" for type_, n in sorted(drive.kept_types(answer).items())) if answer else ""
        table.add_row(
            mark, f"{result.case.name}\n  [dim]{escape(result.case.shows)}[/]", _status(answer), kept or "nothing"
        )
        refusals += [(result.case.name, line) for line in _reasons(answer)]
    console.print(table)
    console.print("\nWhat was refused, and why", style="bold")
    for name, line in refusals:
        console.print(f"  {name}: {escape(line)}", highlight=False)
    console.print()


def _status(answer: drive.Answer | None) -> str:
    return str(answer.status) if answer else "none"


def _reasons(answer: drive.Answer | None) -> Iterator[str]:
    for outcome in drive.outcomes(answer.json if answer else None):
        for issue in outcome.get("issue", ()):
            if issue.get("severity") in ("error", "fatal"):
                place = ", ".join(issue.get("expression", ()))
                yield f"{issue.get('diagnostics', '')}{f' ({place})' if place else ''}"


def _print_arrived(console: Console, *, ours: Mapping[str, int], partner: Mapping[str, int]) -> None:
    table = Table(
        "resource", "kept by us", "arrived", title="What arrived at the partner", title_justify="left", box=None
    )
    for type_ in TYPES:
        table.add_row(type_, str(ours[type_]), str(partner[type_]))
    console.print(table)


def _print_plans(console: Console, partner: str) -> None:
    """Pull the shared plan as a care team does: by search, at the partner."""
    console.print("\nWhat a care team pulls there", style="bold")
    for type_ in ("CarePlan", "CareTeam"):
        bundle: Any = requests.get(f"{partner}/fhir/{type_}", params={"status": "active"}, timeout=10).json()
        for entry in bundle.get("entry", ()):
            resource = entry["resource"]
            size = len(resource.get("goal", resource.get("participant", ())))
            what = "goals" if type_ == "CarePlan" else "members"
            console.print(f"  {type_} {resource['id']}: {size} {what}", highlight=False)


def _close_loop(console: Console, gateway: drive.OverHttp, three: closed_loop.Partners, *, seconds: int) -> bool:
    """Run one referral to its end; whether each partner heard every state, in order."""
    expected: list[str] = []
    task: list[str] = []

    def wait(status: str) -> None:
        expected.append(status)
        task[:] = task or [closed_loop.task_of(gateway)]
        closed_loop.until(
            lambda: all(
                three.heard(name, task[0])[-1:] == closed_loop.owed(name, expected)[-1:] for name in three.servers
            ),
            seconds=seconds,
        )

    steps = closed_loop.run(gateway, wait=wait)
    console.print("\nOne referral from request to Services Received, among three partners", style="bold")
    for step in steps:
        console.print(f"  {step.what}: {step.answer.status}", highlight=False)
    heard = {name: three.heard(name, task[0]) for name in three.servers}
    for name, statuses in heard.items():
        console.print(f"  {name} was told: {', '.join(statuses) or 'nothing'}", highlight=False)
    return all(statuses == closed_loop.owed(name, expected) for name, statuses in heard.items())
