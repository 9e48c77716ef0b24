"""Rules that extensions of an element definition say, where we know them."""

from __future__ import annotations

from typing import Any

from gateway.validation.compiled import Json, Rules

_CORE = "http://hl7.org/fhir/StructureDefinition/"
MIN_LENGTH = _CORE + "minLength"
MAX_SIZE = _CORE + "maxSize"
MAX_DECIMALS = _CORE + "maxDecimalPlaces"
REGEX = _CORE + "regex"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition."
MUST_HAVE_VALUE = (_R5 + "mustHaveValue",)
VALUE_ALTERNATIVES = (_R5 + "valueAlternatives",)
_KNOWN = {
    _CORE + "narrative-language-control": "language_control",
    _CORE + "narrative-source-control": "source_control",
    MAX_SIZE: "max_size",
    MAX_DECIMALS: "max_decimals",
}


def extras(rules: Rules, element: Json) -> None:
    """Put the rules of known extensions of `element` (and of its types) into `rules`."""
    for extension in element.get("extension", ()):
        url, value = extension.get("url"), _value(extension)
        if url == MIN_LENGTH and isinstance(value, int):
            rules.min_length = value
        elif url in MUST_HAVE_VALUE:
            rules.must_have_value = value is True
        elif url in VALUE_ALTERNATIVES and isinstance(value, str):
            rules.value_alternatives += (value,)
        elif url in _KNOWN:
            rules.extras[_KNOWN[url]] = value
        elif url == REGEX and isinstance(value, str):
            rules.extras["regex"] = value
    for entry in element.get("type", ()):
        for extension in entry.get("extension", ()):
            if extension.get("url") == REGEX and not str(entry.get("code")).startswith("http://hl7.org/fhirpath/"):
                rules.extras["regex"] = _value(extension)


def _value(extension: Json) -> Any:
    return next((v for k, v in extension.items() if k.startswith("value")), None)
