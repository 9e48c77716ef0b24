"""Every function, class and constant of a module is used by the product; what is there for others only is listed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = {
    path: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "gateway").rglob("*.py"))
    if "migrations" not in path.parts
}
FOR_OTHERS = {
    "wsgi": "for WSGI servers other than Granian: docs/api.md",
    "Guarded": "around a TerminologyServer of whoever uses the validator as a library",
    "DRAGS": "which faults of the simulators only a deadline ends: for tests and benches",
    "REFUSALS": "which faults trying again will not help: for tests and benches",
    "ENTRY": "the statement that bench/store.py runs bare",
    "is_plain": "which narratives one of the two quick ways knows: for tests",
    "is_wide": "which narratives the other knows: for tests",
}


def defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and not node.decorator_list):
            yield node.name
        if isinstance(node, ast.ClassDef) and not node.bases:  # what is derived may answer to its base
            yield from (one.name for one in node.body if isinstance(one, ast.FunctionDef))
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_nothing_is_unused() -> None:
    words = Counter(word for text in FILES.values() for word in re.findall(r"\w+", text))
    unused = {
        name: str(path.relative_to(ROOT))
        for path, text in FILES.items()
        for name in defined(ast.parse(text))
        if words[name] == 1 and not name.startswith("__") and name not in FOR_OTHERS
    }
    unused = {
        name: path for name, path in unused.items() if not any(f'"{name[1:]}"' in text for text in FILES.values())
    }
    assert unused == {}
