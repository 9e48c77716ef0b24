"""`ecm-gateway simulate`: a partner on loopback that behaves, or misbehaves by script."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import click

from gateway.simulators.faults import FAULTS, SAYS_YES, Script
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
@click.option("--script", callback=_names, default="", help="Faults of the first requests: 429*3,ok,cut-headers ...")
@click.option("--record", type=click.Path(path_type=Path), help="Write every request to this file, one JSON a line.")
def command(kind: str, port: int, script: list[str], record: Path | None) -> None:
    """Start a simulated partner on loopback and print its address. It stops on Ctrl-C.

    It takes what its kind takes and keeps it in memory. By --script it misbehaves first: throttles, fails, drips bytes,
    cuts replies in body and headers, loses them, answers 200 with an error, redirects. It holds what it is sent: use it
    with invented people only.

    \b
    Examples:
      ecm-gateway simulate ehr --port 9090
      ecm-gateway simulate epic --script '429*3,lost-reply,cut-headers' --record out/epic.jsonl
    """
    lock = threading.Lock()

    def heard(recorded: Recorded) -> None:
        with lock:
            click.echo(f"{recorded.method} {_place(recorded)} {len(recorded.body)} bytes: {recorded.fault}")
            if record is not None:
                _write(recorded, record)

    with Simulator(memory=memory(kind), faults=Script(script), port=port, heard=heard) as partner:
        click.echo(f"{kind} is at {partner.url}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo(f"{len(partner.recorded)} requests, {len(partner.memory.effects)} changes.")


def _place(recorded: Recorded) -> str:
    """The path without ids and parameters."""
    return "/".join(recorded.path.partition("?")[0].split("/")[:3])


def _write(recorded: Recorded, file: Path) -> None:
    line = {
        "method": recorded.method,
        "path": recorded.path,
        "headers": recorded.headers,
        "body": base64.b64encode(recorded.body).decode(),
        "fault": recorded.fault,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
