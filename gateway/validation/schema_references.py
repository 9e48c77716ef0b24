"""JSON Schema pieces for `Reference.reference`: what it may be, and to which types it may lead.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.validation.schema_values import MARK, Schema

_ID = r"[A-Za-z0-9\-.]{1,64}"
_ANYTHING: Final = (
    rf"^(?:(?:https?://[^{MARK}\\#]*/)?[A-Z][A-Za-z]+/{_ID}(?:/_history/{_ID})?"
    r"|urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+|urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
)
"""A reference to a resource of any type, elsewhere; many places share it, for it takes long to compile."""


def reference(targets: Iterable[str]) -> Schema:
    """What `Reference.reference` may be where only `targets` (resource types) may be pointed to; none: any type.

    A local reference (`#id`) is left to the engine.
    """
    kinds = sorted(targets)
    usual = {"pattern": rf"^(?:{'|'.join(kinds) or '[A-Z][A-Za-z]+'})/[A-Za-z0-9\-.]+$", "maxLength": 64}
    whole: Schema = {"pattern": _ANYTHING}
    if kinds:
        whole["allOf"] = [reference_to(kinds)]
    return {"type": "string", "anyOf": [usual, whole]}


def reference_to(kinds: Iterable[str]) -> Schema:
    """What a reference that is one is where it may lead to these types."""
    ident = r"[A-Za-z0-9\-.]+"
    return {"pattern": rf"^urn:|(?:^|/)(?:{'|'.join(sorted(kinds))})/{ident}(?:/_history/{ident})?$"}


def agreeing(kinds: Iterable[str]) -> Schema:
    """`Reference.type` and what the reference leads to are the same one of these types."""
    return {"anyOf": [
        {"properties": {"type": {"const": kind}, "reference": reference_to((kind,))}} for kind in sorted(kinds)
    ]}  # fmt: skip
