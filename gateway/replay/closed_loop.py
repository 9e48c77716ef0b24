"""A whole referral with three partners: what each is told while the loop runs from requested to Services Received.

The hospital's EHR that referred, the plan's community platform, and the ECM provider are simulated on loopback; the
gateway, its worker, the database and HTTP are real. Each partner records what it got. The provider hears from when it
is on the member's care team.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.replay.drive import Answer, Transport
from gateway.simulators.kinds import memory
from gateway.simulators.server import Recorded, Simulator

REFERRAL = {"source": "mercy-hospital", "id": "LOOP-1"}
BODY: dict[str, Any] = {
    "key": REFERRAL,
    "member": {
        "name": {"first": "Odessa", "last": "Zanzibarovna"},
        "birth_date": "1984-07-19",
        "cin": "97654321Q",
        "phones": [{"number": "(213) 555-0142"}],
    },
    "referrer": {
        "name": {"first": "Ilona", "last": "Zanzibarovna-Reyes"},
        "organization": {"name": "Mercy Hospital", "npi": "1234567893"},
        "relationship": "medical-provider",
    },
    "populations": ["1a"],
    "urgency": "expedited",
    "coverage": {"plan": "health-net"},
}
PROVIDER = {"name": "Alder ECM", "npi": "1679576722"}
SPEAKS_FOR = {
    "hospital-ehr": "npi|1234567893",
    "findhelp": "plan|health-net",
    "ecm-provider": f"npi|{PROVIDER['npi']}",
}
NEWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the ECM provider accepts", {"referral_status": "accepted", "provider": PROVIDER}),
    ("the member is reached", {"referral_status": "outreach-initiated"}),
    ("services were received", {"referral_status": "loop-closed", "closure_reason": "services-received"}),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was said to the gateway, and its answer."""

    what: str
    answer: Answer


class Partners:
    """The three simulated partners, started and ready to be named in partners.toml."""

    def __init__(self, servers: Mapping[str, Simulator]) -> None:
        self.servers = servers

    @property
    def toml(self) -> str:
        """Their tables of partners.toml."""
        kinds = {"hospital-ehr": "fhir_server", "findhelp": "findhelp", "ecm-provider": "fhir_server"}
        tables = []
        for name, server in self.servers.items():
            types = '["Task"]' if name == "findhelp" else '["ServiceRequest", "Task"]'
            tenant = 'tenant = "health-net"\n' if name == "findhelp" else ""
            standing = f'organizations = ["{SPEAKS_FOR[name]}"]\n'
            tables.append(
                f'[{name}]\nkind = "{kinds[name]}"\nbase_url = "{server.url}"\n{tenant}send = {types}\n{standing}'
            )
        return "\n".join(tables)

    def heard(self, name: str, task: str) -> list[str]:
        """The statuses of one Task that a partner was told, in order, each repeat once."""
        told: list[str] = []
        for recorded in self.servers[name].recorded:
            for status in _statuses(recorded, task):
                if not told or told[-1] != status:
                    told.append(status)
        return told


@contextmanager
def partners() -> Iterator[Partners]:
    """Start the three on loopback; they stop with the block."""
    with ExitStack() as stack:
        kinds = {"hospital-ehr": "ehr", "findhelp": "findhelp", "ecm-provider": "ehr"}
        yield Partners({n: stack.enter_context(Simulator(memory=memory(kind))) for n, kind in kinds.items()})


def owed(name: str, statuses: list[str]) -> list[str]:
    """Those of a loop's statuses that a partner has to hear of: the provider, all but the first."""
    return statuses[1:] if name == "ecm-provider" else statuses


def run(transport: Transport, *, wait: Callable[[str], None]) -> list[Step]:
    """Refer, then send the news of the loop; `wait(status)` lets every partner hear of one state before the next."""
    steps = [Step("the hospital refers", _send(transport, "/referrals", BODY))]
    wait("requested")
    start = datetime.now(UTC).astimezone() - timedelta(minutes=len(NEWS))
    for number, (what, said) in enumerate(NEWS):
        at = (start + timedelta(minutes=number)).isoformat(timespec="seconds")
        key = {"source": "alder-ecm", "id": f"news-{number}"}
        body = {"key": key, "party": "target", "referral": REFERRAL, "at": at, **said}
        steps.append(Step(what, _send(transport, "/referral-changes", body)))
        wait(("accepted", "in-progress", "completed")[number])
    return steps


def task_of(transport: Transport) -> str:
    """The id of the referral's Task."""
    query = f"/fhir/Task?identifier={REFERRAL['id']}"
    found = transport.send("GET", query, body=b"", content_type="").json
    return str(found["entry"][0]["resource"]["id"])


def until(happened: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it happened in time."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _send(transport: Transport, path: str, body: dict[str, Any]) -> Answer:
    return transport.send("POST", path, body=codec.write(body), content_type="application/json")


def _statuses(recorded: Recorded, task: str) -> Iterator[str]:
    """The statuses of the Task in one recorded request, whatever its form."""
    try:
        body = codec.read(recorded.body)
    except Malformed:
        return
    yield from _found(body, task)


def _found(value: Any, task: str) -> Iterator[str]:
    if isinstance(value, dict):
        named = (value.get("resourceType") == "Task" and value.get("id") == task) or value.get(
            "reference"
        ) == f"Task/{task}"
        if named and isinstance(value.get("status"), str):
            yield value["status"]
        for inner in value.values():
            yield from _found(inner, task)
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner, task)
