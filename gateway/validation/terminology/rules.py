"""Code systems that are rules or registries instead of lists in a package."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import resources

from gateway.validation.terminology import languages
from gateway.validation.terminology.registries import words
from gateway.validation.terminology.ucum import is_unit

Rule = Callable[[str], bool | None]
"""Whether a text is a code of the system; None: not known."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PARAMETER = (
    r"\s*;\s*[A-Za-z0-9!#$&^_.+*'%`|~-]{1,127}=(?:[A-Za-z0-9!#$&^_.+*'%`|~-]{1,200}|\"[^\"\\\x00-\x1F]{0,200}\")"
)
_MIME = re.compile(rf"{_NAME}/{_NAME}(?:{_PARAMETER}){{0,20}}", re.ASCII)
_MIME_SHORT = frozenset({"json", "xml", "ttl"})
"""FHIR's own short names for its formats, which CapabilityStatements use. https://hl7.org/fhir/R4/http.html#mime-type"""
_STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI".split()
)
_POSTAL = _STATES | frozenset("FM MH PW AA AE AP".split())


def is_mime_type(text: str) -> bool:
    """A media type by the grammar of BCP 13, with parameters; or one of FHIR's short names."""
    return text in _MIME_SHORT or (len(text) <= 1_000 and _MIME.fullmatch(text) is not None)


def _is_language(text: str) -> bool:
    return languages.parts(text) is not None


@cache
def _set(registry: str) -> frozenset[str]:
    return frozenset(words(registry))


@cache
def _zones() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def _subdivision(text: str) -> bool | None:
    if text.startswith("US-"):
        return text[3:] in _STATES or text == "US-UM"
    return None if text[:2] in _set("countries") and re.fullmatch("[A-Z]{2}-[A-Z0-9]{1,3}", text) else False


RULES: dict[str, Rule] = {
    "urn:ietf:bcp:13": is_mime_type,
    "urn:ietf:bcp:47": _is_language,
    "http://unitsofmeasure.org": is_unit,
    "urn:iso:std:iso:4217": lambda text: text in _set("currencies"),
    "urn:iso:std:iso:3166": lambda text: text in _set("countries"),
    "urn:iso:std:iso:3166:-2": _subdivision,
    "https://www.usps.com/": lambda text: text in _POSTAL,
    "https://www.iana.org/time-zones": lambda text: text in _zones(),
}
IGNORE_CASE = frozenset({"urn:ietf:bcp:13", "urn:ietf:bcp:47"})


def language_filter(code: str, part: str, op: str, value: str) -> bool | None:
    """A filter on language tags: `script exists false` and the like."""
    found = languages.parts(code)
    if found is None:
        return False
    if op == "exists":
        return (part in found) == (value == "true")
    if op == "=":
        return value.lower() in found.get(part, ())
    return None
