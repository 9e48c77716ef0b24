"""`ecm-gateway simulate`: a partner on loopback that behaves, or misbehaves by script."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import click

from gateway.operating import stopping
from gateway.simulators.faults import FAULTS, SAYS_YES, Script
from gateway.simulators.fhir import FhirMemory
from gateway.simulators.findhelp import Hook, Story
from gateway.simulators.kinds import KINDS, memory
from gateway.simulators.server import Recorded, Simulator


def _names(context: click.Context, option: click.Parameter, text: str) -> list[str]:
    """`429*2,ok,lost-reply` as a list of names."""
    found: list[str] = []
    for part in filter(None, text.split(",")):
        name, _, times = part.partition("*")
        if name not in SAYS_YES and name not in FAULTS:
            raise click.BadParameter(f"{name} is no fault. There are: {', '.join([*SAYS_YES, *FAULTS])}")
        if times and not times.isdecimal():
            raise click.BadParameter(f"{part} is not fault*times")
        found += [name] * int(times or 1)
    return found


@click.command()
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; unset takes a free one.")
@click.option(
    "--script",
    callback=_names,
    default="",
    metavar="FAULT[*TIMES],...",
    help=f"Faults of the first requests, in turn: {', '.join([*SAYS_YES, *FAULTS])}.",
)
@click.option("--record", type=click.Path(path_type=Path), help="Write every request to this file, one JSON a line.")
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Bundle of what a FHIR partner has already.",
)
@click.option("--hook", metavar="URL", help="findhelp: where the events of each referral go, signed with --secret.")
@click.option("--secret", help="findhelp: whsec_ and base64, as the gateway's webhooks.toml has it.")
@click.option("--tells", default="accepted,in progress,got help", show_default=True, help="findhelp: those events.")
@click.option("--twice", is_flag=True, help="findhelp: each event comes twice.")
@click.option("--backwards", is_flag=True, help="findhelp: the last event comes first.")
def command(
    kind: str,
    port: int,
    script: list[str],
    record: Path | None,
    seed: Path | None,
    hook: str | None,
    secret: str | None,
    tells: str,
    twice: bool,
    backwards: bool,
) -> None:
    """Start a simulated partner on loopback and print its address. It stops on Ctrl-C or SIGTERM.

    It takes what its kind takes and keeps it in memory. By --script it misbehaves first: throttles, fails, drips bytes,
    cuts replies in body and headers, loses them, answers 200 with an error, redirects. It holds what it is sent: use it
    with invented people only. GET /recorded on its port shows all that it got.

    \b
    Examples:
      ecm-gateway simulate ehr --port 9090
      ecm-gateway simulate epic --seed fixtures/partners/epic.json --script '429*3,lost-reply,cut-headers'
      ecm-gateway simulate findhelp --hook http://127.0.0.1:8080/hooks/findhelp --secret whsec_... --twice --backwards
    """
    if hook is not None and (kind != "findhelp" or not secret):
        raise click.BadParameter("events are a findhelp's, and signed: say --secret too", param_hint="--hook")
    lock = threading.Lock()

    def heard(recorded: Recorded) -> None:
        with lock:
            click.echo(f"{recorded.method} {_place(recorded)} {len(recorded.body)} bytes: {recorded.fault}")
            if record is not None:
                _write(recorded, record)

    with stopping() as stop, Simulator(memory=memory(kind), faults=Script(script), port=port, heard=heard) as partner:
        if seed is not None:
            _plant(seed, partner)
        click.echo(f"{kind} is at {partner.url}")
        if hook is not None:
            _tell(partner, Hook(hook, secret or ""), Story(tuple(tells.split(",")), 1 + twice, backwards), stop)
        stop.wait()
        click.echo(f"{len(partner.recorded)} requests, {len(partner.memory.effects)} changes.")


def _plant(file: Path, partner: Simulator) -> None:
    if not isinstance(partner.memory, FhirMemory):
        raise click.BadParameter("a seed is for partners that are FHIR servers")
    for entry in json.loads(file.read_bytes())["entry"]:
        partner.memory.put(entry["resource"])


def _tell(partner: Simulator, hook: Hook, story: Story, stop: threading.Event) -> None:
    """Send the story of every referral that is taken in, once whatever is changed in it later, until it is stopped."""
    seen, known = 0, set()
    while not stop.wait(0.1):
        for effect in partner.memory.effects[seen:]:
            seen += 1
            referral = (effect.tenant, effect.reference)
            if referral in known:
                continue
            known.add(referral)
            for status in hook.send(story.events(partner.memory, effect)):
                click.echo(f"event sent: {f'http {status}' if status else 'no answer'}")


def _place(recorded: Recorded) -> str:
    """The path without ids and parameters."""
    return "/".join(recorded.path.partition("?")[0].split("/")[:3])


def _write(recorded: Recorded, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(recorded.plain()) + "\n")
