"""What the concept tables say, as ConceptMaps."""

from __future__ import annotations

import pytest

from gateway.mapping import concepts, systems
from gateway.mapping.concept_maps import TARGETS, concept_maps
from gateway.shipped import folder
from tests.conftest import NOW
from tests.profiles.ecm import DEFINITIONS, validator

TABLES = concepts.load(folder("mappings") / "concepts")
MAPS = {one["id"].removeprefix("ecm-"): one for one in concept_maps(TABLES, on=NOW.date())}


def test_every_table_that_leads_to_a_code_system_has_its_map() -> None:
    assert MAPS.keys() == TARGETS.keys()


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_valid_and_says_what_the_table_says(name: str) -> None:
    assert [issue for issue in validator().check(MAPS[name]) if issue.is_error] == []
    for element in MAPS[name]["group"][0]["element"]:
        said = " ".join(target["code"] for target in element["target"])
        assert TABLES[name].code(element["code"], on=NOW.date()) == said


@pytest.mark.parametrize("name", [name for name, system in TARGETS.items() if f"{systems.BASE}/CodeSystem/" in system])
def test_a_map_leads_to_codes_that_exist(name: str) -> None:
    group = MAPS[name]["group"][0]
    known = {one["code"] for one in DEFINITIONS[f"CodeSystem-{group['target'].rpartition('/')[2]}"]["concept"]}
    assert {target["code"] for element in group["element"] for target in element["target"]} <= known
