"""Writes the gateway's own JSON Schemas from the domain: its types, its code lists and the words beside its fields.

    python -m gateway.doors.schemas mappings/schemas

A guard test compares the files with what this writes, so the documented schema and the domain cannot part.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

from gateway.domain import values
from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam
from gateway.domain.referral import Referral
from gateway.domain.referral_change import ReferralChange
from gateway.mapping import leaves, structure

KINDS: dict[str, type] = {
    "referral": Referral,
    "care-plan": CarePlan,
    "care-team": CareTeam,
    "referral-change": ReferralChange,
}
BASE = "https://ecm-gateway.example/schemas"

_LONGEST = {"long-text": leaves.LONGEST_FREE_TEXT, "token": leaves.LONGEST_TOKEN}
_NOT_EMPTY = {(CareTeam, "members")}
_FROM_CONTENT = {(Referral, "key")}
"""Fields of every record that a door makes where the sender gives none."""
_MOST_ENTRIES = 500

Json = dict[str, Any]


def schema(kind: str) -> Json:
    """The JSON Schema of one kind of record."""
    definitions: dict[str, Json] = {}
    top = _object(KINDS[kind], definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}/{kind}.schema.json",
        "title": kind,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def write(folder: Path) -> None:
    """Write all schemas into a folder."""
    for kind in KINDS:
        text = json.dumps(schema(kind), indent=2, ensure_ascii=False)
        (folder / f"{kind}.schema.json").write_text(text + "\n", encoding="utf-8")


def _object(kind: type, definitions: dict[str, Json]) -> Json:
    words = _words(kind)
    properties = {}
    for name, hint in structure.hints(kind).items():
        part = _part(hint, definitions)
        if (kind, name) in _NOT_EMPTY:
            part["minItems"] = 1
        if name in words:
            part["description"] = " ".join(filter(None, (words[name], part.get("description", ""))))
        properties[name] = part
    return {
        "description": _sentence(kind.__doc__),
        "type": "object",
        "properties": properties,
        "required": [name for name in structure.required(kind) if (kind, name) not in _FROM_CONTENT],
        "additionalProperties": False,
    }


def _part(hint: Any, definitions: dict[str, Json]) -> Json:
    bare = structure.without_none(hint)
    if get_origin(bare) is tuple:
        return {"type": "array", "items": _part(get_args(bare)[0], definitions), "maxItems": _MOST_ENTRIES}
    if isinstance(bare, type) and is_dataclass(bare):
        if bare.__name__ not in definitions:
            definitions[bare.__name__] = {}  # holds the place: classes may refer to themselves
            definitions[bare.__name__] = _object(bare, definitions)
        return {"$ref": f"#/$defs/{bare.__name__}"}
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return {"type": "string", "enum": [code.value for code in bare]}
    return _leaf(structure.mark(bare))


def _leaf(mark: object) -> Json:
    if mark is bool:
        return {"type": "boolean"}
    if mark is datetime:
        return {"type": "string", "format": "date-time"}
    if mark in (date, "birth-date", "end-date"):
        return {"type": "string", "format": "date"}
    longest = _LONGEST.get(str(mark), leaves.LONGEST_TEXT)
    part: Json = {"type": "string", "minLength": 1, "maxLength": longest}
    if mark in _VALUE_WORDS and mark not in ("text", "long-text", "token"):
        part["description"] = _VALUE_WORDS[mark]
    return part


def _words(kind: type) -> dict[str, str]:
    """Field name -> the sentence written under it."""
    body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    return _documented(body.body)


def _documented(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for statement, following in pairwise(body):
        target: ast.expr | None = statement.target if isinstance(statement, ast.AnnAssign) else None
        target = statement.targets[0] if isinstance(statement, ast.Assign) else target
        if isinstance(target, ast.Name) and isinstance(following, ast.Expr):
            text = following.value.value if isinstance(following.value, ast.Constant) else ""
            found[target.id] = _sentence(str(text))
    return found


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _value_words() -> dict[object, str]:
    words = _documented(ast.parse(inspect.getsource(values)).body)
    return {structure.mark(getattr(values, name)): sentence for name, sentence in words.items()}


_VALUE_WORDS = _value_words()

if __name__ == "__main__":
    write(Path(sys.argv[1]))
