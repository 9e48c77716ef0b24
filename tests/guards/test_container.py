"""What the Dockerfile copies and runs is there, and stands in the build's context."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
COPIED = [source for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE) for source in line.split()[:-1]]


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    assert (ROOT / source).exists()
    assert IGNORE[0] == "*"
    assert f"!{source.split('/')[0]}" in IGNORE


def test_what_the_package_ships_is_copied() -> None:
    included = re.findall(r'^"(\w+)" = "gateway/_data/', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert included
    assert {"gateway", *included} <= set(COPIED)


def test_what_is_run_is_a_command() -> None:
    commands = set(cli.list_commands(None))  # type: ignore[attr-defined]
    run = re.findall(r"bin/ecm-gateway (\w+)", TEXT) + re.findall(r'^CMD \["(\w+)"\]', TEXT, re.MULTILINE)
    assert len(run) == 2
    assert set(run) <= commands


def test_the_health_check_is_python_that_fails_where_nobody_answers() -> None:
    found = re.search(r'^HEALTHCHECK .*?"-c", \\\n  "([^\n]+)"\]$', TEXT, re.MULTILINE)
    assert found is not None
    script = found[1].replace('\\"', '"')
    done = subprocess.run([sys.executable, "-c", script], env={"ECM_PORT": "9"}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stderr
