"""FHIR XML as the data that FHIR JSON gives."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.errors import Malformed
from gateway.fhir import xml
from gateway.fhir.places import Sought
from gateway.packages.definitions import Definitions
from gateway.validation.shapes import Shapes


@pytest.fixture(scope="module")
def types() -> Shapes:
    return Shapes(Definitions.load([]))


PATIENT = b"""<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <!-- a comment -->
  <id value="p"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">A &lt; <b>b</b></div></text>
  <contained><Organization><id value="o"/></Organization></contained>
  <extension url="http://example.org/x"><valueDecimal value="1.10"/></extension>
  <active value="true"/>
  <name id="n"><given value="A"/>
  <given><extension url="http://example.org/y"><valueCode value="c"/></extension></given></name>
  <birthDate value="1980-01-01" id="b"/>
  <multipleBirthInteger value="2"/>
</Patient>"""


def test_everything_comes_over(types: Shapes) -> None:
    read = xml.read(PATIENT, types)
    assert read.issues == []
    assert read.value == {
        "resourceType": "Patient",
        "id": "p",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">A &lt; <b>b</b></div>',
        },
        "contained": [{"resourceType": "Organization", "id": "o"}],
        "extension": [{"url": "http://example.org/x", "valueDecimal": Decimal("1.10")}],
        "active": True,
        "name": [
            {
                "id": "n",
                "given": ["A", None],
                "_given": [None, {"extension": [{"url": "http://example.org/y", "valueCode": "c"}]}],
            }
        ],
        "birthDate": "1980-01-01",
        "_birthDate": {"id": "b"},
        "multipleBirthInteger": 2,
    }
    assert str(read.value["extension"][0]["valueDecimal"]) == "1.10"
    assert read.places[("active",)] == (8, 3)
    assert read.places[("name", 0, "given", 1)] == (10, 3)


def test_a_prefixed_narrative_reads_the_same(types: Shapes) -> None:
    data = b"""<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text>
      <f:status value="generated"/><h:div><h:p class="a&quot;b">A &amp; b<h:br/></h:p></h:div></f:text></f:Patient>"""
    read = xml.read(data, types)
    assert read.value["text"]["div"] == (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a&quot;b">A &amp; b<br></br></p></div>'
    )


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ("<zebra value='1'/>", "unknown-element"),
        ("<active value='true' zebra='1'/>", "unknown-attribute"),
        ("<active/>", "ele-1"),
        ("<active>true</active>", "xml-text"),
        ("<active value='true'/><active value='true'/>", "card-max"),
        ("<birthDate value='1980'/><active value='true'/>", "xml-order"),
        ("<active xmlns='http://other.example' value='true'/>", "unknown-element"),
        ("<contained><Organization/><Organization/></contained>", "structure"),
    ],
)
def test_what_is_xml_but_not_fhir_is_listed(types: Shapes, inside: str, rule: str) -> None:
    data = f'<Patient xmlns="http://hl7.org/fhir">{inside}</Patient>'.encode()
    assert rule in [issue.rule for issue in xml.read(data, types).issues]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", (1, 1)),
        (b"<Patient>", (1, 10)),
        (b"<a>\n<b></a></b>", (2, 6)),
        (b'<!-- x -->\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', (2, 1)),
        (b"\n<?php x ?><a/>", (2, 1)),
        (b"<a>&b;</a>", (1, 4)),
        (b"<a>" * 300 + b"</a>" * 300, (1, 763)),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", (1, 1)),
        (b"<a>\n\xc3\xbc\xff</a>", (2, 2)),
    ],
)
def test_what_is_no_xml_is_refused(types: Shapes, data: bytes, place: tuple[int, int]) -> None:
    with pytest.raises(Malformed) as refused:
        xml.read(data, types)
    (issue,) = refused.value.issues
    assert (issue.line, issue.column) == place


def test_other_encodings_are_read(types: Shapes) -> None:
    text = '<Patient xmlns="http://hl7.org/fhir"><name><family value="Ñ"/></name></Patient>'
    latin = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + text.encode("latin-1")
    for data in (latin, text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        assert xml.read(data, types).value["name"][0]["family"] == "Ñ"


def test_places_in_json() -> None:
    data = b'{\n "a": [1, {"b": "x\\"y", "c": null}],\n "d": "z"\n}'
    found = Sought([(), ("a", 0), ("a", 1, "c"), ("d",), ("d", "gone")]).find(data)
    assert found == {(): (1, 1), ("a", 0): (2, 8), ("a", 1, "c"): (2, 30), ("d",): (3, 7), ("d", "gone"): (3, 7)}
