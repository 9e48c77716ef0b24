"""Snapshots made from differentials."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BadPackage, BadProfile
from gateway.packages import Definitions

Json = dict[str, Any]
URL = "http://example.org/StructureDefinition/made"
TYPES = "http://hl7.org/fhir/StructureDefinition/"
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


def profile(*elements: Json, of: str = "Observation", url: str = URL, base: str | None = None) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "Made",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": of,
        "baseDefinition": base or TYPES + of,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }


def made(*profiles: Json) -> dict[str, Json]:
    definitions = Definitions.load(["hl7.fhir.us.core#6.1.0"], resources=profiles)
    structure = definitions.structure(profiles[-1]["url"])
    assert structure is not None
    return {element["id"]: element for element in structure["snapshot"]["element"]}


def refusal(*profiles: Json) -> str:
    with pytest.raises(BadProfile) as caught:
        made(*profiles)
    return str(caught.value)


SLICED = {
    "path": "Observation.category",
    "min": 1,
    "slicing": {"discriminator": [{"type": "pattern", "path": "$this"}], "rules": "open"},
}


def test_a_new_slice_has_min_0_unless_it_says_otherwise() -> None:
    elements = made(
        profile(
            SLICED,
            {"path": "Observation.category", "sliceName": "one"},
            {"path": "Observation.category", "sliceName": "two", "min": 1, "max": "1"},
        )
    )
    assert elements["Observation.category"]["min"] == 1
    assert (elements["Observation.category:one"]["min"], elements["Observation.category:one"]["max"]) == (0, "*")
    assert (elements["Observation.category:two"]["min"], elements["Observation.category:two"]["max"]) == (1, "1")
    assert "slicing" not in elements["Observation.category:one"]
    assert elements["Observation.category:one"]["base"]["path"] == "Observation.category"


def test_order_is_element_children_slices() -> None:
    ids = list(
        made(
            profile(
                SLICED,
                {"path": "Observation.category.coding", "min": 1},
                {"path": "Observation.category", "sliceName": "one"},
                {"path": "Observation.category.text", "min": 1},
            )
        )
    )
    start = ids.index("Observation.category")
    assert ids[start + 4] == "Observation.category.text"
    assert ids[start + 5] == "Observation.category:one"
    assert "Observation.category:one.text" in ids, "the last path belongs to the slice before it"
    assert ids[-1].startswith("Observation.component")


def test_a_reslice_starts_from_the_slice() -> None:
    elements = made(
        profile(
            SLICED,
            {"path": "Observation.category", "sliceName": "one", "min": 1, "max": "3", "patternCodeableConcept": {}},
            {"path": "Observation.category", "sliceName": "one/b", "max": "1"},
            {"path": "Observation.category", "sliceName": "two"},
        )
    )
    again = elements["Observation.category:one/b"]
    assert (again["min"], again["max"], again["patternCodeableConcept"]) == (0, "1", {})
    order = [identity for identity in elements if identity.startswith("Observation.category:")]
    assert order == ["Observation.category:one", "Observation.category:one/b", "Observation.category:two"]


def test_the_short_form_of_a_choice_is_a_slice_by_type() -> None:
    elements = made(
        profile(
            {"path": "Observation.valueQuantity", "max": "1"},
            {"path": "Observation.valueQuantity.unit", "min": 1},
            {"path": "Observation.effectiveDateTime", "min": 1},
        )
    )
    choice = elements["Observation.value[x]"]
    assert choice["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]
    assert len(choice["type"]) > 1
    quantity = elements["Observation.value[x]:valueQuantity"]
    assert (quantity["type"], quantity["path"], quantity["min"]) == ([{"code": "Quantity"}], "Observation.value[x]", 0)
    assert elements["Observation.value[x]:valueQuantity.unit"]["min"] == 1
    assert elements["Observation.effective[x]"]["type"] == [{"code": "dateTime"}], "no other type has room"
    assert elements["Observation.effective[x]"]["min"] == 1


def test_an_extension_slice_takes_cardinality_and_rules_of_its_definition() -> None:
    elements = made(
        profile(
            {
                "path": "Patient.extension",
                "sliceName": "race",
                "type": [{"code": "Extension", "profile": [RACE]}],
                "min": 1,
            },
            {"id": "Patient.extension:race.extension:ombCategory", "path": "Patient.extension.extension", "min": 1},
            of="Patient",
        )
    )
    race = elements["Patient.extension:race"]
    assert (race["min"], race["max"]) == (1, "1")
    assert elements["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
    assert {item["key"] for item in race["constraint"]} == {"ele-1", "ext-1"}
    assert elements["Patient.extension:race.extension:ombCategory"]["max"] == "5"
    assert elements["Patient.extension:race.url"]["fixedUri"] == RACE


def test_a_content_reference_is_unfolded_when_walked_into() -> None:
    elements = made(profile({"path": "Observation.component.referenceRange.low", "min": 1}))
    assert elements["Observation.component.referenceRange.low"]["min"] == 1
    assert elements["Observation.component.referenceRange.low"]["type"][0]["code"] == "Quantity"
    assert "contentReference" not in elements["Observation.component.referenceRange"]
    assert elements["Observation.referenceRange.low"]["min"] == 0


def test_walking_into_a_type_profile_uses_the_profile() -> None:
    inner = profile({"path": "Identifier.system", "min": 1}, of="Identifier", url="http://example.org/id")
    typed = {"path": "Observation.identifier", "type": [{"code": "Identifier", "profile": ["http://example.org/id"]}]}
    elements = made(inner, profile(typed, {"path": "Observation.identifier.value", "min": 1}))
    assert elements["Observation.identifier.system"]["min"] == 1
    assert elements["Observation.identifier.value"]["min"] == 1


def test_constraints_add_up_and_name_their_source() -> None:
    rule = {"key": "made-1", "severity": "error", "expression": "true"}
    base = profile({"path": "Observation", "constraint": [rule]}, url="http://example.org/base")
    derived = profile(
        {"path": "Observation", "constraint": [{**rule, "key": "made-2"}]}, base="http://example.org/base"
    )
    sources = {item["key"]: item["source"] for item in made(base, derived)["Observation"]["constraint"]}
    assert sources["made-1"] == "http://example.org/base"
    assert sources["made-2"] == URL
    assert sources["obs-6"] == "http://hl7.org/fhir/StructureDefinition/Observation"


def test_what_is_said_is_replaced_and_the_base_is_left_alone() -> None:
    code = {"path": "Observation.status", "fixedCode": "final", "mustSupport": True}
    binding = {"strength": "required", "valueSet": "http://example.org/vs"}
    elements = made(profile(code, {"path": "Observation.code", "binding": binding}))
    assert elements["Observation.status"]["fixedCode"] == "final"
    assert elements["Observation.code"]["binding"] == binding
    plain = Definitions.load().structure("Observation")
    assert plain is not None
    assert "fixedCode" not in {e["id"]: e for e in plain["snapshot"]["element"]}["Observation.status"]


def test_a_logical_model_adds_its_own_elements() -> None:
    model = {**profile({"path": "Made"}, {"path": "Made.a", "type": [{"code": "string"}]}, of="Made", base="Element")}
    elements = made({**model, "kind": "logical", "derivation": "specialization"})
    assert list(elements) == ["Made", "Made.id", "Made.extension", "Made.a"]
    assert elements["Made.a"]["base"] == {"path": "Made.a", "min": 0, "max": "*"}


@pytest.mark.parametrize(
    ("element", "says"),
    [
        ({"path": "Observation.nonesuch"}, "Observation.nonesuch is not an element"),
        ({"path": "Observation.status", "sliceName": "a"}, "no slicing is stated"),
        ({"path": "Observation.category", "sliceName": "a/b", "slicing": {}}, "which is not there"),
        ({"path": "Observation.status.id.deep.deeper"}, "is not an element"),
        ({"min": 1}, "has no path"),
    ],
)
def test_what_cannot_be_made_says_why(element: Json, says: str) -> None:
    assert says in refusal(profile(element))


def test_unknown_and_circular_bases_are_refused() -> None:
    assert "needs http://example.org/none as its base" in refusal(profile(base="http://example.org/none"))
    assert "its own base" in refusal(
        profile(url="http://example.org/b", base=URL), profile(url=URL, base="http://example.org/b")
    )


def test_a_profile_that_swells_is_stopped() -> None:
    slices = [{"path": "Observation.component", "sliceName": f"s{number}"} for number in range(6_000)]
    slicing = {"discriminator": [{"type": "pattern", "path": "code"}], "rules": "open"}
    assert "more than 50000 elements" in refusal(
        profile({"path": "Observation.component", "slicing": slicing}, *slices)
    )


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "Observation", "a.b:c/d", "Observation.value[x]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "profile", "key", "url", "path", "extension"]), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = [
    "id",
    "path",
    "sliceName",
    "type",
    "slicing",
    "constraint",
    "binding",
    "min",
    "max",
    "extension",
    "condition",
]
PATHS = ["Observation", "Observation.value[x]", "Observation.valueQuantity.unit", "Observation.component.code", "x"]
ELEMENT = st.dictionaries(st.sampled_from(MEMBERS), JUNK, max_size=4).flatmap(
    lambda element: st.sampled_from(PATHS).map(lambda path: {"path": path, **element})
)


@settings(max_examples=50)
@given(st.lists(ELEMENT, max_size=4))
def test_any_differential_gives_a_snapshot_or_a_reason(elements: list[Json]) -> None:
    with contextlib.suppress(BadProfile, BadPackage):
        assert made(profile(*elements))
