"""Search: find resources by the published search parameters. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.errors import Issue
from gateway.fhir.outcome import outcome
from gateway.fhir.part import Part
from gateway.ports import Caller, Json, Kept, Page
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.trust.policy import permit
from gateway.usecases.keep import offered
from gateway.usecases.services import Services

if TYPE_CHECKING:
    from gateway.search.query import Query

Parameters = Sequence[tuple[str, str]]


def search(
    caller: Caller,
    type: str,
    parameters: Parameters,
    *,
    services: Services,
    base: str,
    lenient: bool = False,
    by_form: bool = False,
    beside: Sequence[Json] = (),
) -> Disclosed:
    """One page of the matches as a searchset Bundle, with what was included and the link to the next page.

    An unknown parameter is refused (ignored it would widen what is disclosed), unless the caller is `lenient`. What was
    sent `by_form` is in no link: whoever hid a person's name from addresses must not find it in ours. `beside` are
    definitions of our own that match, which are not in the store: they come first.
    """
    answer = partial(services.store.search, caller)
    collected = found(
        caller, type, parameters, services=services, base=base, answer=answer, lenient=lenient, by_form=by_form
    )
    if beside:
        counted = any(pair in parameters for pair in (("_summary", "count"), ("_count", "0")))
        collected = _with(beside, collected, base=base, counted=counted)
    return disclose(collected, caller=caller, note=partial(services.store.note, caller), event="search")


def found(
    caller: Caller,
    type: str,
    parameters: Parameters,
    *,
    services: Services,
    base: str,
    answer: Callable[[Query], Page],
    lenient: bool = False,
    by_form: bool = False,
) -> Collected:
    """The searchset, not yet disclosed: a search inside a Bundle leaves with the Bundle's answer."""
    offered(type, services)
    permit(caller, action="R", type=type, store=services.store)
    query = services.search.parse(type, parameters, lenient=lenient)
    return searchset(answer(query), query, base=base, by_form=by_form, part=part_of(query, services))


def part_of(query: Query, services: Services) -> Part:
    """Which part of each resource a search asks for."""
    return Part(services.search.outlines, query.elements, query.summary)


def searchset(page: Page, query: Query, *, base: str, part: Part, by_form: bool = False) -> Collected:
    """One page of matches as a Bundle, with the links to itself and to what follows; not yet disclosed.

    After a search by form the next page is had by sending the same form to the address of its link.
    """
    address = f"{base}/{query.type}/_search" if by_form else f"{base}/{query.type}"
    links = [{"relation": "self", "url": address if by_form else _url(address, query.used)}]
    if page.next is not None:
        rest = [] if by_form else [pair for pair in query.used if pair[0] != "_page"]
        links.append({"relation": "next", "url": _url(address, [*rest, ("_page", page.next)])})
    head: Json = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        head["total"] = page.total
    head["link"] = links
    return Collected(head, _entries(page, base=base, warnings=query.warnings), part)


def _with(beside: Sequence[Json], collected: Collected, *, base: str, counted: bool) -> Collected:
    """The searchset with definitions of our own on its first page."""
    head = collected.head | ({"total": collected.head["total"] + len(beside)} if "total" in collected.head else {})
    if counted:
        return replace(collected, head=head)
    ours = [
        Entry({"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "search": {"mode": "match"}}, resource=one)
        for one in beside
    ]
    return replace(collected, head=head, entries=[*ours, *collected.entries])


def _entries(page: Page, *, base: str, warnings: Sequence[Issue]) -> list[Entry]:
    matches = [_entry(kept, base=base, mode="match") for kept in page.matches]
    included = [_entry(kept, base=base, mode="include") for kept in page.included]
    told = [Entry({"search": {"mode": "outcome"}}, resource=outcome(warnings))] if warnings else []
    return [*matches, *included, *told]


def _entry(kept: Kept, *, base: str, mode: str) -> Entry:
    return Entry({"fullUrl": f"{base}/{kept.reference}", "search": {"mode": mode}}, kept)


def _url(address: str, parameters: Parameters) -> str:
    """The address with its query; commas, colons and bars stay readable."""
    pairs = [f"{quote(name, safe='_:.-')}={quote(value, safe=',:|/-.~')}" for name, value in parameters]
    return f"{address}?{'&'.join(pairs)}" if pairs else address
