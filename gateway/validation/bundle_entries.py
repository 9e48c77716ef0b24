"""What an entry of a Bundle asks a server to do, and what it tells of that.

https://hl7.org/fhir/R4/http.html#trules, https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.status
"""

from __future__ import annotations

import re

from gateway.validation.compiled import Json
from gateway.validation.parts import member, part, text
from gateway.validation.run import Place, Run
from gateway.validation.shapes import Shapes
from gateway.validation.surroundings import rest

_ASKING = frozenset(("transaction", "batch"))
_STATUS = re.compile(r"[0-9]{3}(?![0-9])[\s\S]*")
_TYPE = re.compile(r"/?(?P<type>[A-Za-z]+)(?P<query>\?[\s\S]*)?")
_ANY_CONTENT = "Binary"
"""Whatever is sent to this endpoint may be kept as it is."""


def check_entry(run: Run, kind: str | None, entry: Json, place: Place, *, shapes: Shapes) -> None:
    """Check the request and the response of one entry of a Bundle of type `kind`."""
    if kind in _ASKING and type(entry.get("request")) is dict:
        _check_request(run, entry, place, shapes=shapes)
    response, here = part(entry, "response", place)
    status = text(response, "status")
    if status and not _STATUS.fullmatch(status):
        run.error("value", "response-status", "The status must begin with an HTTP status code of three digits.",
                  member(here, "status"))  # fmt: skip


def _check_request(run: Run, entry: Json, place: Place, *, shapes: Shapes) -> None:
    request, here = part(entry, "request", place)
    method, url = text(request, "method"), text(request, "url")
    if method not in ("POST", "PUT", "PATCH") or not url:
        return
    asked, id_ = _target(url, shapes)
    resource = entry.get("resource")
    if "resource" not in entry:
        if method != "POST" or (asked is not None and "?" not in url):
            run.error("required", "request-resource", f"What {method} is asked for must be there as resource.", place)
        return
    if asked is None or method == "PATCH" or type(resource) is not dict:
        return
    if asked != resource.get("resourceType") and asked != _ANY_CONTENT:
        run.error("value", "request-url", "The URL must be for resources of the type of the one that is here.",
                  member(here, "url"))  # fmt: skip
    elif method == "PUT" and id_ is not None and resource.get("id", id_) != id_:
        run.error("value", "request-url", "The URL must end with the id of the resource that is here.",
                  member(here, "url"))  # fmt: skip


def _target(url: str, shapes: Shapes) -> tuple[str | None, str | None]:
    """The resource type and the id that a URL is for, as far as it says them."""
    one = rest(url.removeprefix("/"))
    kind, id_ = (one["type"], one["id"]) if one is not None else (None, None)
    if kind is None and (many := _TYPE.fullmatch(url)) is not None:
        kind = many["type"]
    return (kind, id_) if kind is not None and shapes.find(kind) is not None else (None, None)
