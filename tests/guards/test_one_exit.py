"""Stored data leaves through `disclose` only: held against every line of gateway/, and against planted violations.

- Stored bytes (`.body` of something kept) are used in `store` (which keeps them) and `trust`; elsewhere `.body` may be
  read only of what was disclosed or of a partner's message that is made from it.
- Only `gateway.trust.disclosure` makes a Disclosed; only `gateway.web.answers` makes responses.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "gateway"
REACH_STORED = {"usecases", "web", "pages", "partners", "commands", "wiring"}
"""Rooms that can have something stored in hand; `store` keeps it, `trust` is the exit, the others cannot import it."""
MAY_READ_BODY_OF = {"disclosed", "leaving", "what", "message", "case", "answer", "reply", "response", "recorded"}
"""Names of what was disclosed, of a message made of it, and of what came in over HTTP."""
RESPONSES = {"Response", "make_response", "jsonify", "send_file", "send_from_directory", "stream_with_context"}


def violations(source: str, *, room: str, module: str) -> Iterator[str]:
    """Sentences about what in `source` would be another exit."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "body" and room in REACH_STORED:
            name = node.value.id if isinstance(node.value, ast.Name) else "?"
            if name not in MAY_READ_BODY_OF:
                yield f"line {node.lineno}: reads {name}.body"
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called == "Disclosed" and module != "trust/disclosure.py":
                yield f"line {node.lineno}: makes a Disclosed"
            if called in RESPONSES and room == "web" and module != "web/answers.py":
                yield f"line {node.lineno}: makes a response"
            if called == "getattr" and any(isinstance(a, ast.Constant) and a.value == "body" for a in node.args):
                yield f"line {node.lineno}: reads a body by name"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_leaves_but_through_disclose(path: Path) -> None:
    module = path.relative_to(ROOT).as_posix()
    room = module.split("/")[0].removesuffix(".py")
    assert not list(violations(path.read_text(encoding="utf-8"), room=room, module=module))


@pytest.mark.parametrize(
    ("planted", "module"),
    [
        ("def view(kept): return answers.disclosed(kept.body)", "web/read.py"),
        ("def view(): return Response(b'x')", "web/read.py"),
        ("def view(): return flask.jsonify(x)", "web/search.py"),
        ("def view(kept): return Disclosed(kept)", "usecases/read.py"),
        ("def send(page): return [k.body for k in page.matches]", "usecases/deliver.py"),
        ("def send(kept): return getattr(kept, 'body')", "partners/http.py"),
        ("def send(page): return page.matches[0].body", "partners/http.py"),
    ],
)
def test_a_planted_exit_is_found(planted: str, module: str) -> None:
    assert list(violations(planted, room=module.split("/")[0], module=module))
