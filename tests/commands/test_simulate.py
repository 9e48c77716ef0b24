"""`simulate`: a partner in a process of its own, told what to do by its options, stopped when asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from tests.conftest import ROOT

SECRET = "whsec_" + "QUJD" * 8
REFERRAL = {
    "contract": "ecm-findhelp/1",
    "referral": {"reference": "r1", "version": 1},
    "person": {"name": "Zanzibarovna"},
}


@contextmanager
def simulated(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A simulated partner and its address; it is stopped by SIGTERM, and has to end by itself."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")}
    command = [sys.executable, "-m", "gateway", "simulate", *words]
    process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(json.loads(body)["status"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.told = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def refer(address: str, *, reference: str = "r1", version: int = 1) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"{reference}-{version}"}
    body = json.dumps(REFERRAL | {"referral": {"reference": reference, "version": version}}).encode()
    request = urllib.request.Request(f"{address}/v1/la-care/referrals", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def lines(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(number)]


def test_a_platform_tells_the_story_of_a_referral_and_stops_when_asked(hook: HTTPServer) -> None:
    address = f"http://127.0.0.1:{hook.server_port}/hooks/findhelp"
    with simulated("findhelp", "--hook", address, "--secret", SECRET, "--tells", "accepted,got help") as (
        process,
        platform,
    ):
        refer(platform)
        assert lines(process, 3)[1:] == ["event sent: http 200"] * 2
    assert hook.told == ["accepted", "got help"]  # type: ignore[attr-defined]


def test_a_referral_that_is_changed_is_no_new_story(hook: HTTPServer) -> None:
    address = f"http://127.0.0.1:{hook.server_port}/hooks/findhelp"
    words = ("findhelp", "--hook", address, "--secret", SECRET, "--tells", "accepted,got help")
    with simulated(*words) as (process, platform):
        refer(platform)
        refer(platform, version=2)
        refer(platform, reference="r2")
        while len(hook.told) < 4:  # type: ignore[attr-defined]
            lines(process, 1)
    assert hook.told == ["accepted", "got help"] * 2  # type: ignore[attr-defined]


def test_a_hook_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with simulated("findhelp", "--hook", "http://127.0.0.1:9/x", "--secret", SECRET, "--tells", "accepted") as (
        process,
        platform,
    ):
        refer(platform)
        assert lines(process, 2)[1] == "event sent: no answer"


def test_what_was_seeded_is_there_when_the_address_is_said() -> None:
    file = ROOT / "fixtures" / "partners" / "epic.json"
    one = json.loads(file.read_bytes())["entry"][0]["resource"]
    with (
        simulated("epic", "--seed", str(file)) as (_, address),
        urllib.request.urlopen(f"{address}/{one['resourceType']}/{one['id']}", timeout=30) as answer,
    ):
        assert json.load(answer)["id"] == one["id"]


@pytest.mark.parametrize(
    "words", [("ehr", "--hook", "http://127.0.0.1:9/x", "--secret", SECRET), ("findhelp", "--hook", "http://x")]
)
def test_events_are_a_platforms_and_signed(words: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(cli, ["simulate", *words])
    assert (refused.exit_code, "--secret" in refused.output) == (2, True)


def test_the_file_holds_what_is_shown_as_it_came(tmp_path: Path) -> None:
    file = tmp_path / "out" / "findhelp.jsonl"
    with simulated("findhelp", "--record", str(file)) as (process, platform):
        refer(platform)
        binary = urllib.request.Request(f"{platform}/v1/la-care/referrals", b"\xff", {"Idempotency-Key": "k2"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(binary, timeout=30)
        refused.value.close()
        lines(process, 2)
        with urllib.request.urlopen(platform.replace("/fhir", "/recorded"), timeout=30) as answer:
            shown = json.load(answer)
    assert [json.loads(line) for line in file.read_text().splitlines()] == shown
    assert json.loads(shown[0]["body"]) == REFERRAL
    assert shown[1]["body_base64"] == "/w=="
