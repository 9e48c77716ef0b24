"""Our definitions are right by R4, agree with the domain, and hold all that the mappers write."""

from __future__ import annotations

import csv
import dataclasses
from enum import StrEnum
from typing import Any

import pytest

from gateway.domain import codes
from gateway.fhir import codec
from gateway.mapping import (
    activity,
    care_plan,
    care_team,
    labels,
    patient,
    referrer,
    related_person,
    service_request,
    systems,
)
from gateway.mapping.record_extension import RecordExtension
from gateway.packages import Definitions
from gateway.packages.wording import worded
from gateway.shipped import folder
from gateway.validation import Validator
from tests.profiles.ecm import DEFINITIONS, FILES, PACKAGES, validator

STRUCTURES = [name for name in DEFINITIONS if name.startswith("StructureDefinition-")]
LISTS: dict[str, type[StrEnum]] = {
    "population-of-focus": codes.PopulationOfFocus,
    "age-form": codes.AgeForm,
    "answer": codes.Answer,
    "contact-method": codes.ContactMethod,
    "access-format": codes.AccessFormat,
    "kinship": codes.Kinship,
    "referrer-relationship": codes.Relationship,
    "source-category": codes.SourceCategory,
    "updates-by": codes.UpdatesBy,
    "channel": codes.Channel,
    "agreement": codes.AgreementKind,
    "data-sharing-form": codes.DataSharingForm,
    "plan-domain": codes.PlanDomain,
    "core-service": codes.CoreService,
    "team-role": codes.TeamRole,
}
RECORDS: list[RecordExtension[Any]] = [
    patient.PREFERENCE,
    related_person.AUTHORIZATION,
    referrer.ABOUT,
    service_request.AGREEMENT,
    service_request.ATTESTATION,
    service_request.DATA_SHARING,
    service_request.STREAMLINED,
    service_request.PROGRAM,
    care_plan.DOMAIN,
    care_plan.AGREEMENT,
    care_plan.CONFERENCE,
    care_plan.COPY,
    activity.MARKS,
    care_team.MARKS,
]


def concepts(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DEFINITIONS[f"CodeSystem-ecm-{name}"]["concept"]
    return found


@pytest.fixture(scope="module")
def r4() -> Validator:
    """Knows R4 core and nothing else: definitions are published for those who may know no more."""
    return Validator.load()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_valid_r4(r4: Validator, name: str) -> None:
    assert [issue for issue in r4.check(DEFINITIONS[name]) if issue.is_error] == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_found_by_its_name_and_says_that_it_is_ours(name: str) -> None:
    one = DEFINITIONS[name]
    assert name == f"{one['resourceType']}-{one['id']}"
    assert one["url"] == f"{systems.BASE}/{one['resourceType']}/{one['id']}"
    assert one["experimental"] is True


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_snapshot_is_what_its_differential_makes(name: str) -> None:
    bare = [{k: v for k, v in one.items() if k != "snapshot"} for one in DEFINITIONS.values()]
    made = Definitions.load(PACKAGES, resources=bare).structure(DEFINITIONS[name]["url"])
    assert made is not None
    whole = worded({**DEFINITIONS[name], "snapshot": made["snapshot"]})
    assert whole["snapshot"] == DEFINITIONS[name]["snapshot"], "make it anew: ecm-gateway packages snapshot --write"


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_profile_compiles(name: str) -> None:
    validator().profile(DEFINITIONS[name]["url"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_pretty(path: Any) -> None:
    assert path.read_bytes() == codec.write_pretty(codec.read(path.read_bytes()))


@pytest.mark.parametrize("name", LISTS)
def test_a_code_system_has_the_codes_of_the_domain(name: str) -> None:
    assert {one["code"] for one in concepts(name)} == {code.value for code in LISTS[name]}


LABELS: dict[str, dict[Any, str]] = {
    "population-of-focus": labels.POPULATION,
    "team-role": labels.TEAM_ROLE,
    "community-support": labels.COMMUNITY_SUPPORT,
    "core-service": labels.CORE_SERVICE,
    "plan-domain": labels.PLAN_DOMAIN,
    "kinship": labels.KINSHIP,
}


@pytest.mark.parametrize("name", LABELS)
def test_a_code_is_called_what_its_code_system_calls_it(name: str) -> None:
    assert {str(code): label for code, label in LABELS[name].items()} == {
        one["code"]: one["display"] for one in concepts(name)
    }


def test_the_criteria_are_those_of_the_criteria_table() -> None:
    with (folder("mappings") / "criteria" / "criteria.csv").open(encoding="utf-8", newline="") as file:
        table = {row["criterion"]: row["text"] for row in csv.DictReader(file)}
    assert {one["code"]: one["display"] for one in concepts("criterion")} == table
    asked = DEFINITIONS["Questionnaire-ecm-criteria"]["item"]
    assert {one["linkId"]: one["text"] for one in asked} == table
    assert [one["linkId"] for one in asked] == sorted(table)


def test_the_community_supports_are_those_of_the_concept_table() -> None:
    with (folder("mappings") / "concepts" / "community-support.csv").open(encoding="utf-8", newline="") as file:
        known = {row["to"] for row in csv.DictReader(file)}
    assert {one["code"] for one in concepts("community-support")} == known


@pytest.mark.parametrize("name", [name for name in DEFINITIONS if name.startswith("CodeSystem-")])
def test_every_concept_says_where_it_comes_from(name: str) -> None:
    for one in DEFINITIONS[name]["concept"]:
        marks = {part["code"]: part for part in one["property"]}
        assert marks["mark"]["valueCode"] in ("sourced", "recalled", "own")
        assert marks["mark"]["valueCode"] != "sourced" or marks["source"]["valueString"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.url.rpartition("/")[2])
def test_a_record_extension_has_a_part_for_each_field(record: RecordExtension[Any]) -> None:
    definition = DEFINITIONS[f"StructureDefinition-{record.url.rpartition('/')[2]}"]
    elements = {one["id"]: one for one in definition["differential"]["element"]}
    required = {f.name for f in dataclasses.fields(record.record) if f.default is dataclasses.MISSING}
    for part in record.parts:
        slice_ = elements[f"Extension.extension:{part.url}"]
        assert (slice_["min"], slice_["max"]) == (int(part.field in required), "*" if part.many else "1")
        type = elements[f"Extension.extension:{part.url}.value[x]"]["type"][0]["code"]
        assert part.member == f"value{type[0].upper()}{type[1:]}"
    assert sum(":" in id and id.count(".") == 1 for id in elements) == len(record.parts)
