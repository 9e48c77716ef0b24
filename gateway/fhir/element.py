"""Building and reading FHIR elements: absent members left out, extensions, codings, references.

https://hl7.org/fhir/R4/datatypes.html. An element is never empty: `filled` leaves out what is None or empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.fhir.codec import Json

DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def filled(members: Mapping[str, Any]) -> Json:
    """The members that hold something, in their order (false and 0 are something)."""
    return {name: value for name, value in members.items() if value or (value is not None and value == 0)}


def some(*items: Json | None) -> list[Json]:
    """The items that are there."""
    return [item for item in items if item]


def absent(reason: str = "unknown") -> Json:
    """An element in place of a mandatory value that is not known. `reason` is a data-absent-reason code."""
    return {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": reason}]}


def concept(system: str, code: str, display: str | None = None, *, text: str | None = None) -> Json:
    """A CodeableConcept of one coding."""
    codings = [coding(system, code, display)]
    return {"coding": codings, "text": text} if text else {"coding": codings}


def coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}


def code_of(element: Json | None, system: str) -> str | None:
    """The code of a CodeableConcept in one system."""
    for one in (element or {}).get("coding", ()):
        if one.get("system") == system:
            found: str | None = one.get("code")
            return found
    return None


def codes_of(elements: Iterable[Json], system: str) -> list[str]:
    """The codes of several CodeableConcepts in one system, those without one passed over."""
    return [code for element in elements if (code := code_of(element, system)) is not None]


def reference(resource: Json, display: str | None = None) -> Json:
    """A relative Reference to a resource that has its id."""
    to = f"{resource['resourceType']}/{resource['id']}"
    return {"reference": to, "display": display} if display else {"reference": to}


def extension(url: str, type: str, value: Any) -> Json | None:
    """A simple extension (`type` is the suffix of value[x]), or None where there is no value."""
    return None if value is None else {"url": url, f"value{type}": value}


def extension_value(element: Json | None, url: str) -> Any:
    """The value of the first extension with this url, whatever its type; None where there is none."""
    for one in (element or {}).get("extension", ()):
        if one.get("url") == url:
            return next((value for name, value in one.items() if name.startswith("value")), None)
    return None


def extension_values(element: Json | None, url: str) -> list[Any]:
    """The values of every extension with this url, in order."""
    return [
        value
        for one in (element or {}).get("extension", ())
        if one.get("url") == url
        for name, value in one.items()
        if name.startswith("value")
    ]
