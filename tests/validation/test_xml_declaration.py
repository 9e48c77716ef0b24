"""XML that is well-formed and still no FHIR: another encoding or version than FHIR's, and nothing in it."""

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
