"""A server process that cannot start says why, in a line of the log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import shipped
from gateway.simulators.free_port import free_port


def failures(folder: Path, **settings: str) -> list[dict[str, object]]:
    """What `serve` says until its first process could not start; every line is JSON. Then it is told to stop."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")}
    environment |= {
        "ECM_DATABASE": f"sqlite:///{folder / 'g.sqlite'}",
        "ECM_PARTNERS": str(folder / "partners.toml"),
        "ECM_PORT": str(free_port()),
        "ECM_ID_KEY": str(folder / "id.key"),
    }
    command = [sys.executable, "-m", "gateway", "serve"]
    process = subprocess.Popen(command, env=environment | settings, stderr=subprocess.PIPE, text=True)
    lines = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(json.loads(line))
            if str(lines[-1].get("reason", "")).startswith("Unexpected exit"):
                break
    finally:
        process.terminate()
        process.communicate(timeout=120)
    assert "s3cret" not in str(lines)
    return [line for line in lines if line["event"] == "start.failed"]


def test_a_table_with_a_mistake(tmp_path: Path) -> None:
    shutil.copytree(shipped.folder("mappings"), tmp_path / "mappings")
    (tmp_path / "mappings" / "concepts" / "gender.csv").write_text("nonsense\n", encoding="utf-8")
    (failed,) = failures(tmp_path, ECM_MAPPINGS=str(tmp_path / "mappings"))
    assert failed["error"] == "BadTable"
    assert "gender.csv" in str(failed["reason"])


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    (failed,) = failures(tmp_path, ECM_DATABASE="postgresql://someone:s3cret@127.0.0.1:1/nowhere")
    assert failed["error"] == "StoreUnavailable"
