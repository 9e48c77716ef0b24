"""Looking definitions up: by canonical, by version, by the package that asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import BadPackage
from gateway.packages import Definitions

PATIENT = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
US_CORE_6, US_CORE_7 = "hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0"
SDOH = "hl7.fhir.us.sdoh-clinicalcare#3.0.0"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.load([US_CORE_6, SDOH])


def version(definition: dict[str, object] | None) -> object:
    assert definition is not None
    return definition["version"]


def test_r4_core_and_terminology_are_always_there() -> None:
    bare = Definitions.load()
    patient = bare.structure("Patient")
    assert patient is not None
    assert patient["url"] == "http://hl7.org/fhir/StructureDefinition/Patient"
    assert bare.code_system("http://terminology.hl7.org/CodeSystem/v3-ActCode") is not None
    assert bare.value_set("http://hl7.org/fhir/ValueSet/request-status|4.0.1") is not None


def test_dependencies_are_loaded_with_what_needs_them(definitions: Definitions) -> None:
    assert US_CORE_7 in definitions.packages
    order = [definitions.packages.index(package) for package in (US_CORE_7, US_CORE_6, SDOH)]
    assert order == sorted(order), "what came as a dependency stands before what was named"
    assert "us.nlm.vsac#0.18.0" in definitions.missing


def test_two_versions_stand_side_by_side(definitions: Definitions) -> None:
    assert version(definitions.structure(f"{PATIENT}|6.1.0")) == "6.1.0"
    assert version(definitions.structure(f"{PATIENT}|7.0.0")) == "7.0.0"
    assert version(definitions.structure(f"{PATIENT}|6.1")) == "6.1.0"
    assert definitions.structure(f"{PATIENT}|5.0.1") is None


def test_an_unversioned_reference_prefers_the_package_it_is_in(definitions: Definitions) -> None:
    assert version(definitions.structure(PATIENT, scope=US_CORE_6)) == "6.1.0"
    assert version(definitions.structure(PATIENT, scope=SDOH)) == "7.0.0"
    assert definitions.scope_of("StructureDefinition", PATIENT, scope=US_CORE_6) == US_CORE_6
    assert version(definitions.structure(PATIENT)) == "6.1.0", "what was named wins over what it brought along"
    assert version(Definitions.load([SDOH, US_CORE_6]).structure(PATIENT)) == "6.1.0", "what was named last wins"


def test_loose_definitions_win_and_the_last_of_them_most() -> None:
    value_set = {"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/request-status", "name": "First"}
    last = json.dumps({**value_set, "name": "Last", "description": "prose"}).encode()
    loose = Definitions.load(resources=[value_set, last])
    found = loose.value_set(value_set["url"], scope="hl7.fhir.r4.core#4.0.1")
    assert found == {**value_set, "name": "Last"}


def test_search_parameters_by_base_type(definitions: Definitions) -> None:
    codes = {parameter["code"] for parameter in definitions.search_parameters("CarePlan")}
    assert {"patient", "category", "status", "date"} <= codes
    assert "_id" in {parameter["code"] for parameter in definitions.search_parameters("Resource")}
    assert definitions.search_parameters("Nonesuch") == []


def test_the_fingerprint_follows_the_content() -> None:
    loose = {"resourceType": "ValueSet", "url": "http://example.org/vs", "version": "1"}
    first = Definitions.load(resources=[loose]).fingerprint
    assert first == Definitions.load(resources=[dict(loose)]).fingerprint
    assert first != Definitions.load(resources=[{**loose, "version": "2"}]).fingerprint
    assert first != Definitions.load().fingerprint


def test_types_by_kind(definitions: Definitions) -> None:
    assert len(definitions.types("primitive-type")) == 20
    assert {"Patient", "Resource", "Bundle"} <= set(definitions.types("resource"))
    assert "HumanName" in definitions.types("complex-type")


def test_an_unknown_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPackage, match="packages import"):
        Definitions.load(["no.such.package#1.0.0"])
    broken = tmp_path / "broken.facts"
    broken.write_bytes(b"ECMFACTS\x01\x01\x00\x00\x00\x05hello")
    with pytest.raises(BadPackage, match=r"broken\.facts"):
        Definitions.load([broken])


def packaged(folder: Path, name: str, dependencies: dict[str, str], *, url: str) -> Path:
    inner = folder / name
    inner.mkdir()
    manifest = {"name": name, "version": "1.0.0", "fhirVersions": ["4.0.1"], "dependencies": dependencies}
    (inner / "package.json").write_text(json.dumps(manifest))
    (inner / "vs.json").write_text(json.dumps({"resourceType": "ValueSet", "url": url, "version": name}))
    return inner


def test_packages_may_need_each_other_and_be_given_in_any_order(tmp_path: Path) -> None:
    shared = "http://example.org/vs"
    one = packaged(tmp_path, "one", {"two": "1.0.0", "none": "9"}, url=shared)
    two = packaged(tmp_path, "two", {"one": "1.0.0"}, url="http://example.org/two")
    loaded = Definitions.load([one, two])
    assert loaded.packages[-2:] == ("one#1.0.0", "two#1.0.0")
    assert loaded.missing == ("none#9",)
    assert version(loaded.value_set(shared, scope="two#1.0.0")) == "one"
