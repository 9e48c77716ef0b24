"""Small profiles made to break one rule at a time: each fault is caught at its place, and what is valid passes.

`made_profiles/*.json` holds definitions and cases. A case has a resource that meets the profiles, changes that keep it
valid, and changes that break one rule, with the places (`at`, any of them) where that may be told: the element, or what
holds it. A change is a list of [path, value], or [path] to remove; `+` appends, `<0` inserts first.
"""

from __future__ import annotations

import copy
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import Json

FOLDER = Path(__file__).parent / "made_profiles"
FILES = sorted(FOLDER.glob("*.json"))
Change = list[list[Any]]


@lru_cache(maxsize=1)
def validator() -> Validator:
    definitions = [one for file in FILES for one in json.loads(file.read_text())["definitions"]]
    return Validator.load(["hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0"], resources=definitions)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_valid_passes(file: Path) -> None:
    flagged = []
    for case in json.loads(file.read_text())["cases"]:
        for number, change in enumerate([[], *case["valid"]]):
            resource = changed(case["good"], change)
            if any(i.is_error for i in told(resource, case["profiles"])):
                flagged.append((case["name"], number))
    assert flagged == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_fault_is_caught_at_its_place(file: Path) -> None:
    missed = []
    for case in json.loads(file.read_text())["cases"]:
        for number, fault in enumerate(case["faults"]):
            found = told(changed(case["good"], fault["change"]), case["profiles"])
            severity = fault.get("severity", "error")
            places = [str(i.expression) for i in found if i.severity == severity and i.rule != "dom-6"]
            if not any(near(place, one) for place in places for one in fault["at"]):
                missed.append((case["name"], number, fault["at"], places))
    assert missed == []


def told(resource: Json, profiles: list[str]) -> list[Any]:
    """The issues, which are the same on each way."""
    found = validator().explain(resource, profiles)
    quickly = validator().check(resource, profiles)
    assert [(i.severity, i.rule, i.expression) for i in quickly] == [(i.severity, i.rule, i.expression) for i in found]
    assert validator().is_valid(resource, profiles) == (not any(i.is_error for i in found))
    assert not any("Zanzibarovna" in i.message for i in found)
    return found


def near(place: str, wanted: str) -> bool:
    """Whether a place is the wanted one, what holds it, or an item of it."""
    bare = re.sub(r"\.ofType\(\w+\)", "", place)
    return bare in (wanted, wanted.rpartition(".")[0]) or re.fullmatch(re.escape(wanted) + r"\[\d+\]", bare) is not None


def changed(resource: Json, change: Change) -> Json:
    made = copy.deepcopy(resource)
    for path, *value in change:
        *way, last = path.split(".")
        at: Any = made
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        _put(at, last, copy.deepcopy(value))
    return made


def _put(at: Any, last: str, value: list[Any]) -> None:
    if isinstance(at, dict):
        if value:
            at[last] = value[0]
        else:
            del at[last]
    elif last == "+":
        at.append(value[0])
    elif last.startswith("<"):
        at.insert(int(last[1:]), value[0])
    elif value:
        at[int(last)] = value[0]
    else:
        del at[int(last)]
