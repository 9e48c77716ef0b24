"""Who may import whom: the house's table, held against every import in gateway/."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "gateway"
EDGES = {
    "commands",
    "operating",
    "cli",
    "wiring",
    "wiring_published",
    "wiring_webhooks",
    "wiring_worker",
    "replay",
    "validating",
    "__main__",
}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "shipped": set(),
    "heap": set(),
    "log": {"errors"},
    "ports": {"errors", "search", "ports_outbox", "ports_subscriptions"},
    "ports_outbox": {"ports"},
    "ports_subscriptions": {"ports"},
    "fhir": {"errors"},
    "domain": {"errors"},
    "fhirpath": {"errors", "fhir"},
    "packages": {"errors", "fhir"},
    "search": {"errors", "fhir", "fhirpath", "packages", "ports"},
    "validation": {"errors", "fhir", "fhirpath", "packages"},
    "mapping": {"errors", "fhir", "domain"},
    "doors": {"errors", "fhir", "domain", "mapping"},
    "trust": {"errors", "ports", "domain", "fhir"},
    "usecases": {
        "errors",
        "ports",
        "domain",
        "fhir",
        "mapping",
        "validation",
        "doors",
        "trust",
        "search",
        "subscriptions",
    },
    "store": {"errors", "ports", "fhir", "search"},
    "partners": {"errors", "ports", "fhir", "subscriptions"},
    "subscriptions": {"errors", "fhir", "ports", "search", "fhirpath", "packages"},
    "simulators": {"errors", "fhir"},
    "web": {"errors", "ports", "fhir", "usecases", "trust", "search", "log", "validation", "subscriptions"},
    "client": {"errors", "fhir"},
}
ONLY_HERE = {  # a third-party package -> the rooms that may import it
    "flask": {"web"},
    "werkzeug": {"web"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "sqlite3": {"store"},
    "requests": {"partners", "packages", "commands"},
    "jsonschema_rs": {"validation", "doors"},
    "jsonschema": {"doors"},
    "click": {"cli", "commands"},
    "rich": {"commands"},
}


def _modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else path.stem


def _imports(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found.append((node.lineno, node.module or ""))
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_layers(path: Path) -> None:
    room = _room(path)
    if room in EDGES or room == "__init__":
        return
    for line, name in _imports(path):
        first, *rest = name.split(".")
        if first == "gateway" and rest and rest[0] != room:
            assert room in MAY_IMPORT, f"{room} is not a known room: add it to the table"
            assert rest[0] in MAY_IMPORT[room], f"{path}:{line}: {room} may not import {rest[0]}"
        if first in ONLY_HERE:
            assert room in ONLY_HERE[first] | EDGES, f"{path}:{line}: {first} belongs to {ONLY_HERE[first]}"


def test_every_room_is_in_the_table() -> None:
    rooms = {_room(path) for path in _modules()} - EDGES - {"__init__"}
    assert rooms <= set(MAY_IMPORT)
