"""XML that is well-formed and still no FHIR: of another encoding, version or namespace, empty, with more than FHIR."""

from __future__ import annotations

import pytest

from gateway.validation import Validator

PATIENT = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PATIENT.encode(), 0),
        (b"\xef\xbb\xbf" + PATIENT.encode(), 0),
        (b'<?xml version="1.0" encoding="UTF-8"?>' + PATIENT.encode(), 0),
        (b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n" + PATIENT.encode(), 0),
        (b'<?xml version="1.0"?>' + PATIENT.encode(), 0),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + PATIENT.encode(), 1),
        (b'<?xml version="3.0"?>' + PATIENT.encode(), 1),
        (PATIENT.encode("utf-16"), 1),
        (b'<Patient xmlns="http://hl7.org/fhir"/>', 1),
        (b'<Patient xmlns="http://hl7.org/fhir"> <!-- x --> </Patient>', 1),
    ],
)
def test_the_xml_itself(data: bytes, expected: int) -> None:
    validator = Validator.load()
    found = [issue for issue in validator.check(data) if issue.is_error]
    assert [(issue.rule, issue.line) for issue in found] == [("xml", 1)] * expected
    assert validator.is_valid(data) is not bool(expected)


FHIR = 'xmlns="http://hl7.org/fhir"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.mark.parametrize(
    ("data", "rule", "place"),
    [
        (f"<Patient {FHIR}><active>true</active></Patient>", "xml-text", "Patient.active"),
        (f"<Patient {FHIR}><active/></Patient>", "ele-1", "Patient.active"),
        (f'<Patient {FHIR}><zebra value="x"/></Patient>', "unknown-element", "Patient"),
        (f'<Patient {FHIR}><name value="x"/></Patient>', "unknown-attribute", "Patient.name[0]"),
        (f'<Patient {FHIR} xmlns:f="http://hl7.org/fhir"><active f:value="true"/></Patient>', "unknown-attribute",
         "Patient.active"),
        (f'<Patient {FHIR} {XSI}><active xsi:type="boolean" value="true"/></Patient>', "unknown-attribute",
         "Patient.active"),
        ('<Observation xmlns="urn:x"><status value="final"/></Observation>', "xml-namespace", "Observation"),
        ("<Patient><active value='true'/></Patient>", "xml-namespace", "Patient"),
        (f"<Patient {FHIR}><![CDATA[x]]></Patient>", "xml-text", "Patient"),
        (f'<Patient {FHIR}><text><status value="generated"/><div>x</div></text></Patient>', "unknown-element",
         "Patient.text"),
        (f"<Patient {FHIR}><contained/></Patient>", "structure", "Patient.contained[0]"),
        (f'<Bundle {FHIR}><type value="batch-response"/><entry><resource><Patient/></resource><response>'
         '<status value="200"/></response></entry></Bundle>', "xml", "Bundle.entry[0].resource"),
        (f"<Zebra {FHIR}/>", "resource-type", None),
    ],
)  # fmt: skip
def test_a_fault_in_xml_is_told_once(data: str, rule: str, place: str | None) -> None:
    found = [issue for issue in Validator.load().check(data.encode()) if issue.is_error]
    assert [(issue.rule, issue.expression) for issue in found] == [(rule, place)]


def test_xml_may_say_where_its_schema_is() -> None:
    data = (
        f'<Patient {FHIR} {XSI} xsi:schemaLocation="http://hl7.org/fhir patient.xsd"><active value="true"/></Patient>'
    )
    assert [issue.rule for issue in Validator.load().check(data.encode()) if issue.is_error] == []


def test_a_million_faults_are_listed_in_part() -> None:
    validator = Validator.load()
    for inside in ("<nobody/>" * 100_000, f"<active {' '.join(f'a{n}=' + chr(34) * 2 for n in range(5000))}/>"):
        found = validator.check(PATIENT.replace("<active", inside + "<active").encode())
        assert 500 < len([issue for issue in found if issue.is_error]) < 1100
        assert "more" in [issue.rule for issue in found]


def test_what_is_refused_has_a_place() -> None:
    for bad in ("<!DOCTYPE Patient>", "<?php?>"):
        (issue,) = Validator.load().check(f"\n{bad}{PATIENT}".encode())
        assert (issue.severity, issue.line) == ("fatal", 2)
    (issue,) = Validator.load().check(b"<Patient>" + b"\n<a>" * 1000)
    assert (issue.severity, issue.line) == ("fatal", 255)


def test_xml_after_any_white_space_is_xml() -> None:
    assert not [issue for issue in Validator.load().check(b" \n" * 5000 + PATIENT.encode()) if issue.is_error]
