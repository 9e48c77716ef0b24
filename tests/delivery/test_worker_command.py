"""The real commands, as processes: what is owed goes from a database to a partner, and a stop is obeyed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gateway.store
from gateway.commands.worker import hold_seconds
from gateway.ports import Caller, Owed
from gateway.simulators.faults import Script
from gateway.simulators.server import Simulator

CALLER = Caller("tester")


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(faults=Script(["lost-reply", "cut-headers", "500"])) as running:
        yield running


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path, server: Simulator) -> dict[str, str]:
    store = gateway.store.open(sqlite_url, clock=lambda: datetime.now(UTC))
    with store.begin(CALLER) as tx:
        kept = [
            tx.put({"resourceType": "Patient", "id": f"p{n}", "name": [{"family": "Zanzibarovna"}]}) for n in range(5)
        ]
        tx.owe([Owed(name, k.reference, "changed", k.type, k.id, k.version) for k in kept for name in ("ehr", "drop")])
    store.close()
    (tmp_path / "partners.toml").write_text(
        f'[ehr]\nkind = "fhir_server"\nbase_url = "{server.url}"\nseconds = 60\nsend = ["Patient"]\neveryone = true\n'
        f'[drop]\nkind = "files"\nfolder = "{tmp_path / "out"}"\nsend = ["Patient"]\neveryone = true\n'
    )
    own = {"ECM_DATABASE": sqlite_url, "ECM_PARTNERS": str(tmp_path / "partners.toml")}
    return {name: value for name, value in os.environ.items() if not name.startswith("ECM_")} | own


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_worker_delivers_everything_and_stops_when_asked(
    environment: dict[str, str], server: Simulator, tmp_path: Path
) -> None:
    process = start(environment, "worker", "--hurry", "100")
    try:
        lines = []
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(json.loads(line))
            if sum(one["event"] == "delivery.delivered" for one in lines) == 10:
                break
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "worker.stop"
    assert "zanzibarovna" not in (json.dumps(lines) + rest).lower()
    assert sorted(server.memory.resources) == [f"Patient/p{n}" for n in range(5)]
    assert len(server.memory.effects) == 5
    assert len(list((tmp_path / "out").glob("*.json"))) == 5
    assert not list((tmp_path / "out").glob("*.part"))


def test_once_ends_and_says_what_it_did(environment: dict[str, str]) -> None:
    process = start(environment, "worker", "--once")
    out, _ = process.communicate(timeout=120)
    delivered, retried = (int(part.split()[0]) for part in out.split(","))
    assert (process.returncode, delivered + retried, out.strip()) == (0, 10, f"{delivered} delivered, {retried} retry")
    assert retried in (2, 3), "a reply lost on a connection that was kept is asked for again at once"


def test_a_partners_file_with_mistakes_stops_it_with_all_of_them(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "partners.toml").write_text('[a]\nkind = "fax"\n[b]\nkind = "files"\n[c]\nkind = "console"\nport = 1\n')
    process = start(environment, "worker", "--once")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert [name in err for name in ("[a]", "[b]", "[c]")] == [True] * 3


def test_simulate_says_where_it_is_and_records(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")}
    process = start(own, "simulate", "oracle", "--record", str(tmp_path / "oracle.jsonl"))
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        request = urllib.request.Request(f"{address}/Task/t1", method="PUT", data=b"{}")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 403
        refused.value.close()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=120)[0].endswith("1 requests, 0 changes.\n")
    assert process.returncode == 0
    assert json.loads((tmp_path / "oracle.jsonl").read_text())["path"] == "/fhir/Task/t1"
    mistaken = start(own, "simulate", "ehr", "--script", "nonsense")
    assert "is no fault" in mistaken.communicate(timeout=120)[1]
    assert mistaken.returncode == 2


@pytest.mark.parametrize(
    ("hurry", "listed", "seconds"),
    [
        (1, "seconds = 2", 120),
        (10, "seconds = 2", 12),
        (1000, "seconds = 2", 4),
        (1000, "", 40),
        (1000, "seconds = 60", 120),
        (1, "seconds = 60", 120),
    ],
)
def test_a_rehearsal_shrinks_claims_but_never_below_two_exchanges(
    tmp_path: Path, hurry: float, listed: str, seconds: float
) -> None:
    file = tmp_path / "partners.toml"
    file.write_text(f'[ehr]\nkind = "fhir_server"\nbase_url = "https://ehr.example/fhir"\n{listed}\n')
    assert hold_seconds(file, hurry=hurry) == seconds
    assert hold_seconds(tmp_path / "none.toml", hurry=1000) == 40
