"""The README's command for the main job: everything arrives, and a loop runs to its end among three partners."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_the_demo_runs_the_main_job_to_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo"], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "differs" not in done.stdout
    for partner in ("hospital-ehr", "findhelp"):
        assert f"{partner} was told: requested, accepted, in-progress, completed" in done.stdout
    assert "ecm-provider was told: accepted, in-progress, completed" in done.stdout, "from when it is on the team"
