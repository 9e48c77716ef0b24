"""Any resource that R4's types allow goes to XML and comes back the same, digit for digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.fhir import codec, xml
from gateway.fhir.xml_writer import XmlWriter
from gateway.packages.definitions import Definitions
from gateway.validation.shapes import Shapes

TYPES = Shapes(Definitions.load([]))
WRITER = XmlWriter(TYPES)
RESOURCES = (
    "Bundle CarePlan CareTeam Coverage Goal Observation OperationOutcome Parameters Patient Questionnaire"
    " ServiceRequest Subscription Task"
).split()
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r\"'<>&"), min_size=1)
EXTENSIONS = st.lists(
    st.builds(lambda text: {"url": "http://example.org/x", "valueString": text}, TEXT), min_size=1, max_size=2
)
DIVS = st.sampled_from(
    [
        '<div xmlns="http://www.w3.org/1999/xhtml">A &lt; <b title="x&quot;y">b</b><br/></div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>&#225;</p>\n<!-- c --></div>',
    ]
)
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value=-(10**12), max_value=10**12),
    "xhtml": DIVS,
}


@st.composite
def resource(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    name = draw(st.sampled_from(RESOURCES))
    return {"resourceType": name, **draw(members(TYPES[name], depth))}


@st.composite
def members(draw: st.DrawFn, shape: Any, depth: int) -> dict[str, Any]:
    """Some members of a type, in any order, with what stands beside primitive ones."""
    made: dict[str, Any] = {}
    known = [one for one in shape.members.values() if one.type != "resourceType" and one.name != "resourceType"]
    simple = [one for one in known if one.primitive or one.attribute]
    chosen = draw(st.lists(st.sampled_from(simple if depth > 2 and simple else known), max_size=4, unique_by=id))
    for member in chosen:
        if member.attribute:
            made[member.name] = draw(TEXT)
        elif member.type == "xhtml":
            made[member.name] = draw(DIVS)
        elif member.primitive:
            made |= draw(primitive(member))
        else:
            one = resource(depth + 1) if member.type == "Resource" else members(_shape(member), depth + 1)
            values = [value for value in draw(st.lists(one, min_size=1, max_size=2 if member.many else 1)) if value]
            if values:
                made[member.name] = values if member.many else values[0]
    return made


@st.composite
def primitive(draw: st.DrawFn, member: Any) -> dict[str, Any]:
    value = SIMPLE.get(member.type, TEXT)
    beside = st.fixed_dictionaries({}, optional={"id": TEXT, "extension": EXTENSIONS}).filter(bool)
    if not member.many:
        how = draw(st.sampled_from(["value", "beside", "both"]))
        made = {member.name: draw(value)} if how != "beside" else {}
        return made | ({f"_{member.name}": draw(beside)} if how != "value" else {})
    pairs = draw(st.lists(st.tuples(st.none() | value, st.none() | beside), min_size=1, max_size=3))
    pairs = [(one, other) for one, other in pairs if one is not None or other is not None]
    found: dict[str, Any] = {}
    if pairs:
        found[member.name] = [one for one, _ in pairs]
    if any(other is not None for _, other in pairs):
        found[f"_{member.name}"] = [other for _, other in pairs]
    return found


def _shape(member: Any) -> Any:
    return member.shape or TYPES[member.type]


def canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: canonical(value[name]) for name in sorted(value)}
    return [canonical(one) for one in value] if isinstance(value, list) else value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(resource())
def test_any_resource_comes_back_the_same(value: dict[str, Any]) -> None:
    written = WRITER.write(value)
    etree.fromstring(written)
    read = xml.read(written, TYPES)
    assert [issue for issue in read.issues if issue.rule != "xml"] == []  # in XML a resource must have content
    assert codec.write(canonical(read.value)) == codec.write(canonical(value))


@settings(max_examples=60, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_any_decimal_keeps_its_digits(digits: str) -> None:
    value = codec.read(b'{"resourceType":"Observation","valueQuantity":{"value":%s}}' % digits.encode())
    again = xml.read(WRITER.write(value), TYPES).value
    assert codec.write(again) == codec.write(value)
    assert Decimal(again["valueQuantity"]["value"]) == Decimal(digits)
