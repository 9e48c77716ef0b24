"""Every issue code that the gateway can say is a FHIR issue type. https://hl7.org/fhir/R4/valueset-issue-type.html"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import errors
from gateway.packages import Definitions

ROOT = Path(__file__).parents[2] / "gateway"


@pytest.fixture(scope="module")
def fhir_codes() -> set[str]:
    system = Definitions.load(["hl7.fhir.r4.core#4.0.1"]).code_system("http://hl7.org/fhir/issue-type")
    assert system is not None

    def codes(concepts: list[dict[str, object]]) -> Iterator[str]:
        for concept in concepts:
            yield str(concept["code"])
            yield from codes(concept.get("concept", []))  # type: ignore[arg-type]

    return set(codes(system["concept"]))


def _said() -> Iterator[tuple[str, str]]:
    """Where and which code: the second argument of each Issue(...) that is a literal, and each error's `code`."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Issue":
                given = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "code")]
                for value in given:
                    if isinstance(value, ast.Constant):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", str(value.value)
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.GatewayError):
            yield name, kind.code


def test_every_issue_code_is_fhir(fhir_codes: set[str]) -> None:
    said = list(_said())
    assert len(said) > 40
    assert [(where, code) for where, code in said if code not in fhir_codes] == []
