"""What is committed names no path of a machine and no registry's host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = re.compile(
    r"/home/\w+/|/Users/\w+/|--(?:extra-)?index-url|--find-links"
    r"|\"resolved\": *\"http|files\.pythonhosted|pypi\.org/simple"
)
HERE = Path(__file__).relative_to(ROOT)


def test_no_machine_path_and_no_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if Path(name) == HERE or not path.is_file() or path.suffix in (".xz", ".zst", ".gz", ".zip", ".bin"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{name}:{number}")
    assert not found
