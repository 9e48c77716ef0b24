"""The time and new ids come from wiring: nobody else looks at a clock or draws lots for an id."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "gateway"
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("uuid", "uuid4"),
    ("uuid", "uuid1"),
}
NAMES = {"uuid4", "uuid1"}
MAY = {
    "wiring.py": "the one clock",
    "log.py": "when a line was written",
    "fhirpath/tree.py": "the library's default, where its user gives no time",
    "partners/replies.py": "seconds until the date of a Retry-After",
    "validation/validator.py": "the library's default, given another by its user",
}


def looks(path: Path) -> list[int]:
    """Lines that look at a clock or make a random id."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            if (func.value.id, func.attr) in CLOCKS:
                found.append(node.lineno)
        elif isinstance(func, ast.Name) and func.id in NAMES:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_clock_outside_wiring(path: Path) -> None:
    module = path.relative_to(ROOT).as_posix()
    if module in MAY or module.startswith(("commands/", "replay/", "simulators/")):
        return
    assert not looks(path)


def test_a_planted_clock_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("from datetime import datetime\nfrom uuid import uuid4\nx = datetime.now()\ny = uuid4()\n")
    assert looks(planted) == [3, 4]


def test_those_that_may_do() -> None:
    assert all((ROOT / module).exists() for module in MAY)
