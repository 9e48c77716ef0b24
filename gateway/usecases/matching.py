"""Conditional writes: find the one resource that a search names. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Conflict, Issue, StaleVersion
from gateway.ports import Json, Kept, Transaction
from gateway.usecases.services import Services

Parameters = Sequence[tuple[str, str]]
_RESULT_ONLY = ("_count", "_sort", "_include", "_revinclude", "_summary", "_elements", "_total", "_format", "_pretty")


class NotOne(StaleVersion):
    """The condition does not single out one resource."""


def one_match(tx: Transaction, type: str, parameters: Parameters, services: Services) -> Kept | None:
    """The one current resource of `type` that meets `parameters`, None without any; NotOne for many.

    A condition that selects nothing in particular is refused (412), never taken as "all" or "none".
    """
    query = services.search.parse(type, [pair for pair in parameters if pair[0] not in _RESULT_ONLY])
    if not query.where or query.warnings:
        raise NotOne(issues=[Issue("error", "incomplete", "The condition names no search parameter to select by.")])
    matches = tx.search(query).matches
    if len(matches) > 1:
        raise NotOne(issues=[Issue("error", "multiple-matches", "More than one resource meets the condition.")])
    return matches[0] if matches else None


def is_meant(resource: Json, parameters: Parameters) -> bool:
    """Whether a resource that is yet to be kept is what `identifier=system|value` asks for; no other search is asked.

    The resource may not have been validated.
    """
    given = resource.get("identifier")
    match list(parameters):
        case [("identifier", token)] if isinstance(given, list) and "\\" not in token and "," not in token:
            system, mark, value = token.rpartition("|")
            named = [(one.get("system", ""), one.get("value")) for one in given if isinstance(one, dict)]
            return bool(value) and any(found == value and (not mark or of == system) for of, found in named)
    return False


def same_identity(kept: Kept, id: str | None) -> None:
    """Raise Conflict if the body of a conditional update names another id than the match has."""
    if id is not None and id != kept.id:
        raise Conflict(issues=[Issue("error", "conflict", "The id in the body is not that of the match.", "id")])
