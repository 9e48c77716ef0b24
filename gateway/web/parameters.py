"""Parameters of the request, without those that are about the answer's form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Response, request

from gateway.errors import BadRequest, Issue, UnsupportedMedia
from gateway.fhir.query_string import pairs
from gateway.web.body import body, media_type
from gateway.web.context import View, Web
from gateway.web.formats import FORMAT

_FORM = frozenset(["_format", "_pretty"])


def query() -> list[tuple[str, str]]:
    """Name and value pairs of the address, in order."""
    return _asked(_pairs(request.query_string))


def named(*known: str) -> dict[str, str]:
    """The parameters of an address that is no search, by name; BadRequest for an unknown one, or one given twice.

    What is not known is refused: ignored, it would not be what the caller asked for.
    """
    asked = query()
    if wrong := sum(name not in known for name, _ in asked):
        taken = f"there are {', '.join(known)}" if known else "this address takes none"
        raise _refused(f"Parameters not known here: {wrong}; {taken}.")
    if twice := {name for name, _ in asked if sum(name == other for other, _ in asked) > 1}:
        raise _refused(f"{', '.join(sorted(twice))} is given more than once.")
    return dict(asked)


def asks_nothing(make: Callable[[Web], View]) -> Callable[[Web], View]:
    """The same view for an address that takes no parameters (but for the answer's form): it refuses them first."""

    def made(web: Web) -> View:
        view = make(web)

        @wraps(view)
        def strict(**place: str) -> Response:
            if request.query_string:
                named()
            return view(**place)

        return strict

    return made


def _refused(message: str) -> BadRequest:
    return BadRequest(issues=[Issue("error", "value", message, rule="operation-parameter")])


def form(web: Web) -> list[tuple[str, str]]:
    """Name and value pairs of the address and of the form in the body, in order."""
    if media_type() != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("Send the search as application/x-www-form-urlencoded.")
    sent = _pairs(body(web))
    request.environ[FORMAT] = dict(sent).get("_format")
    return query() + _asked(sent)


def _asked(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in pairs if pair[0] not in _FORM]


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return pairs(text.decode("ascii"))
    except UnicodeError:
        raise BadRequest(issues=[Issue("error", "invalid", "The parameters are not URL-encoded.")]) from None
