"""What expressions give: navigation, types, functions, operators. Each row is an expression and its items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.fhirpath import Failed, Model, compile
from tests.fhirpath.conftest import BY_TYPE, Ask

NAVIGATION = [
    ("birthDate", ["1974-12-25"]),
    ("Patient.birthDate", ["1974-12-25"]),
    ("Resource.id", ["p1"]),
    ("Observation.code", []),
    ("name.given", ["Ada", {"id": "g2"}, "Ad"]),
    ("name[1].given", ["Ad"]),
    ("name[7]", []),
    ("name.where(use = 'official').family", ["Zanzibarovna"]),
    ("deceased", [False]),
    ("deceased.exists() and deceased != false", [False]),
    ("multipleBirth", [2]),
    ("multipleBirthInteger", [2]),
    ("birthDate.extension('http://example.org/time').value", ["1974-12-25T14:35:45-05:00"]),
    ("gender.exists()", [True]),
    ("gender.hasValue()", [False]),
    ("gender.getValue()", []),
    ("birthDate.hasValue()", [True]),
    ("birthDate.getValue()", ["1974-12-25"]),
    ("gender.extension.value", ["unknown"]),
    ("extension('http://example.org/count').value", [3]),
    ("extension.value.ofType(integer)", [3]),
    ("managingOrganization.resolve().name", ["Clinic"]),
    ("managingOrganization.resolve() is Organization", [True]),
    ("generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/9"]),
    ("contained.name", ["Clinic"]),
    ("contained.ofType(Organization).name", ["Clinic"]),
    ("contained.ofType(Patient)", []),
    ("%resource.id", ["p1"]),
    ("name.select(%context.id)", ["p1", "p1"]),
    ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
    ("%'ext-patient-birthPlace'", ["http://hl7.org/fhir/StructureDefinition/patient-birthPlace"]),
    ("%ucum", ["http://unitsofmeasure.org"]),
    ("children().where($this is HumanName).count()", [2]),
    ("descendants().where($this is HumanName).family", ["Zanzibarovna"]),
    ("descendants().ofType(code).hasValue().count()", [1]),
    ("repeat(contained).name", ["Clinic"]),
    ("`birthDate`", ["1974-12-25"]),
]
TYPES = [
    ("birthDate is date", [True]),
    ("birthDate is FHIR.date", [True]),
    ("birthDate is System.Date", [False]),
    ("birthDate is Date", [True]),
    ("active is Boolean", [True]),
    ("deceased is boolean", [True]),
    ("deceased is dateTime", [False]),
    ("deceased as dateTime", []),
    ("(deceased as boolean)", [False]),
    ("deceased.ofType(boolean)", [False]),
    ("deceased.as(boolean)", [False]),
    ("$this is DomainResource", [True]),
    ("$this is Observation", [False]),
    ("photo is Attachment", []),
    ("'a' is String", [True]),
    ("1 is Integer", [True]),
    ("1.0 is System.Decimal", [True]),
    ("name.first().type().name", ["HumanName"]),
]
FUNCTIONS = [
    ("name.count()", [2]),
    ("photo.empty()", [True]),
    ("name.exists(use = 'nickname')", [True]),
    ("name.all(given.exists())", [True]),
    ("name.all(family.exists())", [False]),
    ("photo.all(false)", [True]),
    ("name.first().use", ["official"]),
    ("name.last().use", ["nickname"]),
    ("name.tail().use", ["nickname"]),
    ("name.skip(1).use", ["nickname"]),
    ("name.take(1).use", ["official"]),
    ("name.where($index = 1).use", ["nickname"]),
    ("name.select($index)", [0, 1]),
    ("name.use.single()", None),
    ("name.select(use | 'x')", ["official", "x", "nickname", "x"]),
    ("(1 | 2 | 1).count()", [2]),
    ("(1 | 2).combine(2).count()", [3]),
    ("(1 | 2).intersect(2 | 3)", [2]),
    ("(1 | 2).exclude(2)", [1]),
    ("(1 | 2).union(2 | 3)", [1, 2, 3]),
    ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
    ("(1 | 2).supersetOf(1 | 2 | 3)", [False]),
    ("(1).combine(1).isDistinct()", [False]),
    ("(1).combine(1).distinct()", [1]),
    ("name.given.isDistinct()", [True]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyTrue()", [True]),
    ("(true | false).anyFalse()", [True]),
    ("(true | false).allFalse()", [False]),
    ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
    ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, $total * $this))", [6]),
    ("iif(active, 'yes', 'no')", ["yes"]),
    ("photo.iif(empty(), 'none', 'some')", ["none"]),
    ("iif({}, 'yes')", []),
    ("'abc'.substring(1)", ["bc"]),
    ("'abc'.substring(1, 1)", ["b"]),
    ("'abc'.substring(3)", []),
    ("'abc'.indexOf('c')", [2]),
    ("'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')", [True]),
    ("'aBc'.upper() & 'aBc'.lower()", ["ABCabc"]),
    ("'abc'.replace('b', 'x')", ["axc"]),
    ("'abc'.matches('b')", [True]),
    ("'abc'.matches('^b$')", [False]),
    ("'a\\nb'.matches('a.b')", [True]),
    ("'a-b'.replaceMatches('(\\\\w)-(\\\\w)', '$2-$1')", ["b-a"]),
    ("'abc'.length()", [3]),
    ("'abc'.toChars()", ["a", "b", "c"]),
    ("'a,b'.split(',')", ["a", "b"]),
    ("name.use.join('+')", ["official+nickname"]),
    ("' a '.trim()", ["a"]),
    ("'12'.toInteger() + 1", [13]),
    ("'x'.toInteger()", []),
    ("'1.50'.toDecimal()", [Decimal("1.50")]),
    ("1.toString()", ["1"]),
    ("true.toString()", ["true"]),
    ("'yes'.toBoolean()", [True]),
    ("'maybe'.convertsToBoolean()", [False]),
    ("'2015-02'.toDate().toString()", ["2015-02"]),
    ("'10:30'.toTime() < @T11:00", [True]),
    ("'4 days'.toQuantity() = 4 days", [True]),
    ("(-5).abs()", [5]),
    ("1.1.ceiling() + 1.9.floor() + 1.9.truncate()", [4]),
    ("2.power(3)", [8]),
    ("(-1).power(0.5)", []),
    ("4.sqrt()", [Decimal(2)]),
    ("3.14159.round(2)", [Decimal("3.14")]),
    ("100.log(10).round(0)", [Decimal(2)]),
    ("(-1).ln()", []),
]
OPERATORS = [
    ("1 + 2 * 3", [7]),
    ("(1 + 2) * 3", [9]),
    ("7 div 2", [3]),
    ("7 mod 2", [1]),
    ("1 / 2", [Decimal("0.5")]),
    ("1 / 0", []),
    ("1 div 0", []),
    ("2147483647 + 1", []),
    ("-1 + 2", [1]),
    ("'a' + 'b'", ["ab"]),
    ("'a' + {}", []),
    ("'a' & {}", ["a"]),
    ("0 & 'a'", ["0a"]),
    ("1 = 1.0", [True]),
    ("1 = true", [False]),
    ("'a' = 'A'", [False]),
    ("'a' ~ 'A'", [True]),
    ("'a' !~ 'A'", [False]),
    ("{} = 1", []),
    ("{} ~ {}", [True]),
    ("(1 | 2) = (1 | 2)", [True]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("(1 | 2) != (1 | 2 | 3)", [True]),
    ("1 in (1 | 2)", [True]),
    ("(1 | 2) contains 3", [False]),
    ("{} in (1 | 2)", []),
    ("name.use in ('a' | 'b')", None),
    ("true and {}", []),
    ("false and {}", [False]),
    ("true or {}", [True]),
    ("false or {}", []),
    ("true xor true", [False]),
    ("true xor {}", []),
    ("{} implies true", [True]),
    ("false implies {}", [True]),
    ("{} implies false", []),
    ("active and name.first()", [True]),
    ("name or active", None),
    ("birthDate < today()", [True]),
    ("birthDate > @1974-12", []),
    ("birthDate = @1974-12-25", [True]),
    ("birthDate = @1974", []),
    ("birthDate != @1975", [True]),
    ("@2015-02-04T14:34:28Z = @2015-02-04T16:34:28+02:00", [True]),
    ("@2012-02-29 + 1 year = @2013-02-28", [True]),
    ("@2012-01-31 + 1 'mo' = @2012-02-29", [True]),
    ("@2012-03-01 - 1 day = @2012-02-29", [True]),
    ("@T23:30 + 45 minutes = @T00:15", [True]),
    ("@2012 + 12 months = @2013", [True]),
    ("4 'g' = 4000 'mg'", [True]),
    ("4 'g' = 4 'm'", []),
    ("4 'g' < 5 'g'", [True]),
    ("1 'm' + 2 'm' = 3 'm'", [True]),
    ("'a' < 'b' and 1 < 2.5", [True]),
    ("'a' < 1", None),
    ("active = true and birthDate.exists()", [True]),
    ("'\\u0041\\'' = 'A\\''", [True]),
    ("1 // a comment\n + /* another */ 1", [2]),
]
ON_OBSERVATION = [
    ("value", [BY_TYPE["Observation"]["valueQuantity"]]),
    ("value.as(Quantity).code", ["kg"]),
    ("(value as Quantity).value", [Decimal("72.50")]),
    ("value.ofType(CodeableConcept).text", []),
    ("value > 70 'kg'", [True]),
    ("value.ofType(Quantity) = 72.5 'kg'", [True]),
    ("component.value.ofType(string)", ["text"]),
    ("component.value.ofType(Quantity).value", [185]),
    ("component.where(value is string).code.text", ["b"]),
    ("effective is dateTime", [True]),
    ("effective.toString().length() >= 10", [True]),
    ("effective > @2024-02-28", [True]),
    ("code.coding.where(code in '29463-7'|'x').exists()", [True]),
    ("$this.status = 'final'", [True]),
]


@pytest.mark.parametrize(("expression", "expected"), [*NAVIGATION, *TYPES, *FUNCTIONS, *OPERATORS])
def test_expression_on_a_patient_gives(ask: Ask, expression: str, expected: list[Any] | None) -> None:
    if expected is None:
        with pytest.raises(Failed):
            ask(expression)
    else:
        assert ask(expression) == expected


@pytest.mark.parametrize(("expression", "expected"), ON_OBSERVATION)
def test_expression_on_an_observation_gives(ask: Ask, expression: str, expected: list[Any]) -> None:
    assert ask(expression, type="Observation") == expected


@pytest.mark.parametrize(("expression", "expected"), [*NAVIGATION, *TYPES])
def test_a_focus_of_unknown_type_gives_the_same(
    model: Model, ask: Ask, expression: str, expected: list[Any] | None
) -> None:
    patient = BY_TYPE["Patient"]
    assert compile(expression, model=model)(patient) == expected


@pytest.mark.parametrize(
    ("expression", "type", "expected"),
    [
        ("Patient.birthDate", "Patient", [("date", "1974-12-25")]),
        ("Patient.deceased", "Patient", [("boolean", False)]),
        ("Patient.gender", "Patient", []),
        (
            "Patient.generalPractitioner.where(resolve() is Practitioner)",
            "Patient",
            [("Reference", {"reference": "Practitioner/9"})],
        ),
        ("Observation.value as Quantity", "Observation", [("Quantity", BY_TYPE["Observation"]["valueQuantity"])]),
        ("(Observation.value as CodeableConcept).text", "Observation", []),
        ("Observation.effective", "Observation", [("dateTime", "2024-02-29T10:00:00Z")]),
        ("Patient.deceased.exists() and Patient.deceased != false", "Patient", [("System.Boolean", False)]),
        (
            "CarePlan.subject | Patient.link.other | Patient.managingOrganization",
            "Patient",
            [("Reference", {"reference": "#o1"})],
        ),
        ("Patient.contained", "Patient", [("Organization", BY_TYPE["Patient"]["contained"][0])]),
        ("Patient.birthDate | Patient.name.family", "Patient", [("date", "1974-12-25"), ("string", "Zanzibarovna")]),
    ],
)
def test_typed_items_carry_their_fhir_type(model: Model, expression: str, type: str, expected: list[Any]) -> None:
    assert compile(expression, model=model, type=type).typed(BY_TYPE[type]) == expected
