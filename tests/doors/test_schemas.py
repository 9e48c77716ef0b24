"""The documented JSON Schemas are what the domain is, and are sound schemas."""

from __future__ import annotations

import json

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


def test_only_what_the_state_needs_is_required() -> None:
    referral = schemas.schema("referral")
    assert referral["required"] == ["key", "member", "referrer"]
    # a Population of Focus is due by a rule: a Community Support needs none
    assert referral["$defs"]["Member"]["required"] == ["name", "birth_date"]
    assert referral["$defs"]["Referrer"]["required"] == []
