"""FHIR JSON -> `fhir.resources` models, imported only when asked for. https://github.com/nazrulworld/fhir.resources"""

from __future__ import annotations

from typing import Any

from gateway.errors import Invalid, Issue, Malformed
from gateway.fhir import codec


def model(resource: dict[str, Any] | bytes) -> Any:
    """The typed model of one resource, given as plain data or as its JSON bytes.

    Raises Malformed where the bytes are not JSON, Invalid where there is no such model or the shape is wrong (each
    issue names the place, never the value).
    """
    plain = codec.read(resource) if isinstance(resource, bytes) else resource
    if not isinstance(plain, dict) or not isinstance(plain.get("resourceType"), str):
        raise Malformed("A resource must be a JSON object that names its resourceType.")
    try:
        return model_type(plain["resourceType"]).model_validate(plain)
    except ValueError as error:
        raise Invalid(issues=_issues(plain["resourceType"], error)) from None


def model_type(name: str) -> Any:
    """The model class of a resource type (`ServiceRequest`); Invalid where there is none."""
    from fhir.resources.R4B import get_fhir_model_class

    try:
        return get_fhir_model_class(name)
    except (ValueError, KeyError):
        issue = Issue("error", "not-supported", "There is no model of this resourceType.", rule="model-type")
        raise Invalid(issues=[issue]) from None


def _issues(type: str, error: ValueError) -> list[Issue]:
    found = getattr(error, "errors", None)
    listed: Any = found() if callable(found) else [{"loc": (), "type": "value_error"}]
    return [
        Issue(
            "error",
            "structure",
            "This is not shaped as the model wants it.",
            expression=_place(type, one["loc"]),
            rule=f"model-{one['type']}",
        )
        for one in listed
    ]


def _place(type: str, steps: tuple[Any, ...]) -> str:
    return type + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
