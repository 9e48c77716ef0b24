"""Servers on loopback and the load on them: what bench.over_http measures with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.simulators.free_port import free_port

BIN = Path(sys.executable).parent


@contextmanager
def gateway(folder: Path, *, workers: int, threads: int, partner: bool) -> Iterator[tuple[str, int, float]]:
    """A served gateway: its address, its main process and the seconds to its first answer."""
    port = free_port()
    partners = folder / "partners.toml"
    if partner:
        partners.write_text(
            '[community]\nkind = "console"\neveryone = true\nsend = ["ServiceRequest", "Task", "CarePlan", "CareTeam"]'
        )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ECM_")} | {
        "ECM_DATABASE": f"sqlite:///{folder / 'served.sqlite'}",
        "ECM_PORT": str(port),
        "ECM_WORKERS": str(workers),
        "ECM_THREADS": str(threads),
        "ECM_PARTNERS": str(partners),
        "ECM_LOG_LEVEL": "WARNING",
    }
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([BIN / "ecm-gateway", "serve"], env=environment, stderr=log, stdout=log)
    base = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                get(f"{base}/fhir/Patient/none")
            except urllib.error.HTTPError:
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.005)
        yield base, process.pid, time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def bare_route(*, workers: int, threads: int, connections: int, seconds: float) -> float:
    """Requests a second of a Flask route that does nothing, on the same server."""
    port = free_port()
    command = [
        str(BIN / "granian"),
        "--interface",
        "wsgi",
        "--workers",
        str(workers),
        "--blocking-threads",
        str(threads),
    ]
    command += ["--port", str(port), "--no-ws", "--log-level", "warning", "bench.bare_flask:app"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        base = f"http://127.0.0.1:{port}/ServiceRequest/known"
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                with suppress(OSError):
                    get(base)
                    break
                time.sleep(0.05)
            wrk(base, seconds=1, connections=connections)
            return wrk(base, seconds=seconds, connections=connections)[0]
        finally:
            process.terminate()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def put(url: str, resource: dict[str, Any]) -> None:
    data = json.dumps(resource).encode()
    headers = {"Content-Type": "application/fhir+json"}
    urllib.request.urlopen(urllib.request.Request(url, data, headers, method="PUT"), timeout=10).close()


def wrk(url: str, *, seconds: float, connections: int, script: str | None = None) -> tuple[float, str, int]:
    """Requests a second, the 99th percentile, and how many were not 2xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", url]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command[1:1] = ["-s", file.name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if told := re.search(r"^status \d+", said, re.M):
        print(f"  (the first that was not 2xx: {told[0]})")
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    late = re.search(r"^ +99% +(\S+)$", said, re.M)
    assert rate, said
    return float(rate[1]), late[1] if late else "?", int(wrong[1]) if wrong else 0


def cpu(pid: int) -> float:
    """Seconds of processor that the processes below `pid` have used: what a busy machine does not distort much."""
    ticks = 0
    for child in children(pid):
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[str]:
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()


def rss(pid: int) -> float:
    """MiB of the largest process below `pid`: the worker."""
    sizes = [int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{c}/status").read_text())[1]) for c in children(pid)]  # type: ignore[index]
    return max(sizes) / 1024
