"""Corners of profiles: what an unknown definition, a base that imposes and two rules about one fault lead to."""

from __future__ import annotations

from typing import Any

from gateway.validation import Validator
from tests.validation.conftest import Json, profile

CORE = "http://hl7.org/fhir/StructureDefinition/"
IMPOSE = CORE + "structuredefinition-imposeProfile"
BY_URL: Json = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
PATIENT: Json = {"resourceType": "Patient", "name": [{"family": "Zanzibarovna"}], "gender": "female"}
OBSERVATION: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def element(at: str, **rules: Any) -> Json:
    path = ".".join(step.partition(":")[0] for step in at.split("."))
    name = at.rpartition(".")[2].partition(":")[2]
    return {"id": at, "path": path, **({"sliceName": name} if name else {}), **rules}


def extension(name: str, value: Json, *, on: str = "Patient", **more: Any) -> Json:
    made = profile("Extension", [
        element("Extension", **more.pop("root", {})),
        element("Extension.extension", max="0"),
        element("Extension.url", fixedUri=f"https://ecm-gateway.example/fhir/StructureDefinition/{name}"),
        element("Extension.value[x]", min=1, **value),
    ], name=name, kind="complex-type", context=[{"type": "element", "expression": on}], **more)  # fmt: skip
    del made["differential"]["element"][0]
    return made


def errors(resource: Json, definition: Json, *others: Json) -> list[tuple[str | None, str | None]]:
    """The errors as (rule, place), the same however often and whichever way it is asked."""
    validator = Validator.load([], resources=[*others, definition])
    named = [definition["url"]]
    told = [(i.rule, i.expression) for i in validator.explain(resource, named) if i.is_error]
    for _ in range(3):
        assert [(i.rule, i.expression) for i in validator.check(resource, named) if i.is_error] == told
    assert validator.is_valid(resource, named) == (not told)
    return told


def test_an_extension_slice_whose_definition_is_not_at_hand_is_told_by_its_url() -> None:
    known = extension("known", {"type": [{"code": "string"}]})
    definition = profile("Patient", [
        element("Patient.extension", slicing=BY_URL),
        element("Patient.extension:far", max="1", type=[{"code": "Extension", "profile": ["http://far.example/x|2"]}]),
        element("Patient.extension:known", type=[{"code": "Extension", "profile": [known["url"]]}]),
    ])  # fmt: skip
    one = {"url": known["url"], "valueString": "x"}
    assert errors(PATIENT | {"extension": [one, one]}, definition, known) == []
    far = {"url": "http://far.example/x", "valueString": "x"}
    rules = [rule for rule, _ in errors(PATIENT | {"extension": [far, far]}, definition, known)]
    assert sorted(set(map(str, rules))) == ["extension-unknown", "slice-max"]


def test_what_a_base_imposes_is_imposed_on_what_derives_from_it() -> None:
    imposed = profile("Patient", [element("Patient.gender", min=1)], name="imposed")
    base = profile("Patient", [], name="base", extension=[{"url": IMPOSE, "valueCanonical": imposed["url"]}])
    derived = profile("Patient", [element("Patient.name", min=1)], name="derived", baseDefinition=base["url"])
    assert errors(PATIENT, derived, imposed, base) == []
    without = {name: value for name, value in PATIENT.items() if name != "gender"}
    assert errors(without, derived, imposed, base) == [("card-min", "Patient")]


def test_a_profile_of_references_holds_beside_their_target_types() -> None:
    named = profile("Reference", [element("Reference.display", min=1)], name="named", kind="complex-type")
    definition = profile("Observation", [
        element("Observation.subject", type=[
            {"code": "Reference", "profile": [named["url"]], "targetProfile": [CORE + "Patient"]}
        ])
    ])  # fmt: skip
    subject = {"reference": "Patient/1", "display": "x"}
    assert errors(OBSERVATION | {"subject": subject}, definition, named) == []
    bare = {"reference": "Patient/1"}
    assert errors(OBSERVATION | {"subject": bare}, definition, named) == [("card-min", "Observation.subject")]
    group = {"reference": "Group/1", "display": "x"}
    assert errors(OBSERVATION | {"subject": group}, definition, named) == [("reference-target", "Observation.subject")]


def test_a_wrong_type_is_told_once_whatever_the_slices_say() -> None:
    definition = profile("Observation", [
        element("Observation.value[x]", type=[{"code": "Quantity"}, {"code": "string"}],
                slicing={"discriminator": [{"type": "type", "path": "$this"}], "rules": "closed"}),
        element("Observation.value[x]:valueQuantity", min=1, type=[{"code": "Quantity"}]),
    ])  # fmt: skip
    assert errors(OBSERVATION | {"valueBoolean": True}, definition) == [("type", "Observation.value.ofType(boolean)")]
    assert errors(OBSERVATION, definition) == [("slice-min", "Observation")]


def test_a_wrong_type_of_an_extension_is_told_once_by_definition_and_profile() -> None:
    two = extension("two", {"type": [{"code": "Quantity"}, {"code": "Period"}]})
    definition = profile("Patient", [
        element("Patient.extension", slicing=BY_URL),
        element("Patient.extension:two", type=[{"code": "Extension", "profile": [two["url"]]}]),
        element("Patient.extension:two.value[x]", type=[{"code": "Quantity"}]),
    ])  # fmt: skip
    given = {"url": two["url"], "valueString": "x"}
    place = "Patient.extension[0].value.ofType(string)"
    assert errors(PATIENT | {"extension": [given]}, definition, two) == [("type", place)]


def test_an_extension_too_many_is_told_once_by_definition_and_profile() -> None:
    once = extension("once", {"type": [{"code": "string"}]}, root={"max": "1"})
    definition = profile("Patient", [
        element("Patient.extension", slicing=BY_URL),
        element("Patient.extension:once", type=[{"code": "Extension", "profile": [once["url"]]}]),
    ])  # fmt: skip
    given = {"url": once["url"], "valueString": "x"}
    assert errors(PATIENT | {"extension": [given, given]}, definition, once) == [("slice-max", "Patient")]


def test_an_extension_in_the_wrong_place_is_not_held_to_conditions_of_the_right_one() -> None:
    stated = extension(
        "stated", {"type": [{"code": "string"}]}, on="Observation", contextInvariant=["status = 'final'"]
    )
    given = [{"url": stated["url"], "valueString": "x"}]
    plain = profile("Patient", [], name="plain")
    assert errors(PATIENT | {"extension": given}, plain, stated) == [("extension-context", "Patient.extension[0]")]
    observed = profile("Observation", [], name="observed")
    assert errors(OBSERVATION | {"extension": given}, observed, stated) == []
    amended = OBSERVATION | {"extension": given, "status": "amended"}
    told = [("extension-context-invariant", "Observation.extension[0]")]
    assert errors(amended, observed, stated) == told


def test_slices_out_of_order_are_one_fault() -> None:
    def system(of: str) -> list[Json]:
        name = f"Patient.identifier:{of}"
        return [element(name), element(f"{name}.system", min=1, fixedUri=f"http://{of}.example")]

    definition = profile("Patient", [
        element("Patient.identifier", slicing={
            "discriminator": [{"type": "value", "path": "system"}], "rules": "openAtEnd", "ordered": True
        }),
        *system("a"), *system("b"),
    ])  # fmt: skip
    a, b, other = {"system": "http://a.example"}, {"system": "http://b.example"}, {"value": "1"}
    assert errors(PATIENT | {"identifier": [a, a, b, other]}, definition) == []
    for wrong, at in (([b, a, a], 1), ([other, a, b], 1), ([a, other, b, a], 2)):
        told = [("slice-order", f"Patient.identifier[{at}]")]
        assert errors(PATIENT | {"identifier": wrong}, definition) == told


def test_what_no_schema_can_say_is_told_beside_what_is_missing() -> None:
    definition = profile("Patient", [
        element("Patient.gender", min=1), element("Patient.birthDate", min=1, maxValueDate="2020-01-01")
    ])  # fmt: skip
    late = {"resourceType": "Patient", "birthDate": "2020-01-02"}
    assert sorted(errors(late, definition)) == [("card-min", "Patient"), ("max-value", "Patient.birthDate")]


def test_what_is_imposed_is_told_beside_what_is_missing() -> None:
    imposed = profile("Patient", [element("Patient.name.family", maxLength=3)], name="imposed")
    definition = profile(
        "Patient", [element("Patient.gender", min=1)], extension=[{"url": IMPOSE, "valueCanonical": imposed["url"]}]
    )
    long = {"resourceType": "Patient", "name": [{"family": "Zanzibarovna"}]}
    told = [("card-min", "Patient"), ("max-length", "Patient.name[0].family")]
    assert sorted(errors(long, definition, imposed)) == told


CODED: Json = {"coding": [{"system": "http://a.example", "code": "a"}]}


def test_a_discriminator_by_which_a_slice_says_nothing_is_left_out() -> None:
    definition = profile("Patient", [
        element("Patient.telecom", slicing={"rules": "open", "discriminator": [
            {"type": "value", "path": "system"}, {"type": "value", "path": "value"}
        ]}),
        element("Patient.telecom:phone", min=1),
        element("Patient.telecom:phone.system", min=1, fixedCode="phone"),
        element("Patient.telecom:phone.value", min=1),
    ])  # fmt: skip
    assert errors(PATIENT | {"telecom": [{"system": "phone", "value": "1"}]}, definition) == []
    told = [("card-min", "Patient.telecom[0]")]
    assert errors(PATIENT | {"telecom": [{"system": "phone"}]}, definition) == told
    assert errors(PATIENT | {"telecom": [{"system": "email", "value": "a"}]}, definition) == [("slice-min", "Patient")]


def test_a_choice_with_one_slice_by_type_tells_the_slice_around_it() -> None:
    output = "Task.output"

    def part(name: str, kind: str) -> list[Json]:
        at = f"{output}:{name}"
        return [
            element(at),
            element(f"{at}.type", patternCodeableConcept=CODED),
            element(f"{at}.value[x]:value{kind}", type=[{"code": kind}], min=int(kind == "Reference")),
            element(f"{at}.value[x]:value{kind}.{'display' if kind == 'Reference' else 'text'}", min=1),
        ]

    definition = profile("Task", [
        element(output, slicing={"rules": "open", "discriminator": [
            {"type": "value", "path": "type"}, {"type": "type", "path": "value"}
        ]}),
        *part("reference", "Reference"), *part("concept", "CodeableConcept"),
    ])  # fmt: skip
    task = {"resourceType": "Task", "status": "requested", "intent": "order"}
    concept = {"type": CODED, "valueCodeableConcept": {"text": "x"}}
    reference = {"type": CODED, "valueReference": {"reference": "Procedure/1", "display": "x"}}
    assert errors(task | {"output": [concept, reference]}, definition) == []
    bare = {"type": CODED, "valueReference": {"reference": "Procedure/1"}}
    told = [("card-min", "Task.output[1].value.ofType(Reference)")]
    assert errors(task | {"output": [concept, bare]}, definition) == told


def test_an_item_with_more_than_the_fixed_code_of_a_slice_is_in_it_and_wrong() -> None:
    definition = profile("Observation", [
        element("Observation.category", slicing={"rules": "open", "discriminator": [
            {"type": "value", "path": "$this"}
        ]}),
        element("Observation.category:a", fixedCodeableConcept=CODED),
    ])  # fmt: skip
    assert errors(OBSERVATION | {"category": [CODED]}, definition) == []
    told = [("fixed", "Observation.category[0]")]
    assert errors(OBSERVATION | {"category": [CODED | {"text": "x"}]}, definition) == told


def test_a_reference_that_says_its_type_tells_a_slice_by_what_it_leads_to() -> None:
    definition = profile("CareTeam", [
        element("CareTeam.participant", slicing={"rules": "open", "discriminator": [
            {"type": "type", "path": "member.resolve()"}
        ]}),
        element("CareTeam.participant:organization", max="0"),
        element("CareTeam.participant:organization.member",
                type=[{"code": "Reference", "targetProfile": [CORE + "Organization"]}]),
    ])  # fmt: skip
    team = {"resourceType": "CareTeam", "participant": [{"member": {"reference": "Practitioner/1"}}]}
    assert errors(team, definition) == []
    team["participant"] = [{"member": {"reference": "Organization/1"}}]
    assert errors(team, definition) == [("slice-max", "CareTeam")]
    team["participant"] = [{"member": {"display": "whoever"}}]
    assert errors(team, definition) == []


def test_a_profile_of_a_data_type_holds_for_the_value_itself() -> None:
    short = profile("string", [], name="short", kind="primitive-type")
    short["differential"]["element"] = [element("string", maxLength=3)]
    metric = profile("Quantity", [], name="metric", kind="complex-type")
    metric["differential"]["element"] = [element("Quantity", patternQuantity={"unit": "mg"})]
    definition = profile("Observation", [
        element("Observation.value[x]", type=[{"code": "Quantity", "profile": [metric["url"]]}]),
        element("Observation.note.text", maxLength=9),
        element("Observation.component.value[x]", type=[{"code": "string", "profile": [short["url"]]}]),
    ])  # fmt: skip
    part = [{"code": {"text": "x"}, "valueString": "abc"}]
    good = OBSERVATION | {"valueQuantity": {"value": 1, "unit": "mg"}, "component": part}
    assert errors(good, definition, short, metric) == []
    told = [("pattern", "Observation.value.ofType(Quantity)")]
    assert errors(good | {"valueQuantity": {"value": 1, "unit": "kg"}}, definition, short, metric) == told
    long = [{"code": {"text": "x"}, "valueString": "abcd"}]
    told = [("max-length", "Observation.component[0].value.ofType(string)")]
    assert errors(good | {"component": long}, definition, short, metric) == told
