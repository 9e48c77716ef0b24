"""The documented JSON Schemas are what the domain is, and are sound schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from gateway.doors import schemas
from tests.conftest import ROOT

FOLDER = ROOT / "mappings" / "schemas"


@pytest.mark.parametrize("kind", sorted(schemas.KINDS))
def test_the_schema_file_is_what_the_domain_says(kind: str) -> None:
    written = json.loads((FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))
    assert written == schemas.schema(kind), "run: python -m gateway.doors.schemas mappings/schemas"


@pytest.mark.parametrize("kind", sorted(schemas.KINDS))
def test_the_schema_is_sound(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.schema(kind))


def _described(value: Any) -> Iterator[str]:
    for name, member in value.items() if isinstance(value, dict) else ():
        if name == "description" and isinstance(member, str):
            yield member
        yield from _described(member)
    for member in value if isinstance(value, list) else ():
        yield from _described(member)


@pytest.mark.parametrize("kind", sorted(schemas.KINDS))
def test_descriptions_are_sentences_for_those_who_send(kind: str) -> None:
    schema = schemas.schema(kind)
    assert all("description" in one for one in schema["$defs"].values() if "properties" in one)
    for text in _described(schema):
        assert text.endswith("."), text
        assert not re.search(r"\bNone\b|\w\(\*|\bvalues\.|\bcodes\.", text), text


def test_only_what_the_state_needs_is_required() -> None:
    referral = schemas.schema("referral")
    assert referral["required"] == ["member", "referrer"]
    # a Population of Focus is due by a rule: a Community Support needs none
    assert referral["$defs"]["Member"]["required"] == ["name", "birth_date"]
    assert referral["$defs"]["Referrer"]["required"] == []
