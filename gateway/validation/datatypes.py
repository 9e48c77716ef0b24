"""Rules of R4's data types that their definitions say in words only. https://hl7.org/fhir/R4/datatypes.html"""

from __future__ import annotations

import re
from typing import Any

from gateway.validation.primitives import decoded_size
from gateway.validation.run import Place, Run

_UUID = re.compile(r"(?i)urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_SPACE = re.compile(r"[\s\\]")
_ABSOLUTE = re.compile(r"(?i)[a-z][a-z0-9+.\-]*:\S+")


def check_attachment(run: Run, value: Any, place: Place) -> None:
    """The size said must be the size of the data; a type must be known to read data."""
    data, size = value.get("data"), value.get("size")
    if type(data) is not str:
        return
    actual = decoded_size(data)
    if actual is not None and type(size) is int and size != actual:
        run.error("structure", "attachment-size", f"Attachment.size is {size}, but the data has {actual} bytes.", place)


def check_coding(run: Run, value: Any, place: Place) -> None:
    """A code needs a system, and the system is an absolute URI."""
    system = value.get("system")
    if "code" in value and "system" not in value:
        run.warn("code-invalid", "coding-system", "A code without its system has no defined meaning: give the system.",
                 place)  # fmt: skip
    elif type(system) is str and system and not _ABSOLUTE.fullmatch(system):
        run.error("code-invalid", "coding-system", "Coding.system must be an absolute URI.", place)
    elif type(system) is str and run.engine.is_value_set(system):
        run.error("code-invalid", "coding-system", "Coding.system names a value set; it must name the code system.",
                  place)  # fmt: skip


def check_identifier(run: Run, value: Any, place: Place) -> None:
    """An identifier's system is an absolute URI; values of urn:ietf:rfc:3986 are URIs themselves."""
    system, text = value.get("system"), value.get("value")
    if type(system) is not str or not system:
        return
    if not _ABSOLUTE.fullmatch(system):
        run.error("code-invalid", "identifier-system", "Identifier.system must be an absolute URI.", place)
    elif system == "urn:ietf:rfc:3986" and type(text) is str and not _ABSOLUTE.fullmatch(text):
        run.warn("invalid", "identifier-value", "With the system urn:ietf:rfc:3986 the value should be a full URI.",
                  place)  # fmt: skip


def check_reference(run: Run, value: Any, place: Place) -> None:
    """A reference has a form that can be followed."""
    reference = value.get("reference")
    if type(reference) is not str or not reference:
        return
    if reference.startswith("urn:uuid:") and not _UUID.fullmatch(reference):
        run.warn("value", "reference-form", "The reference is not a valid urn:uuid.", place)
    elif _SPACE.search(reference):
        run.error("value", "reference-form", "The reference must be a URL without white space.", place)
