"""Bundles: fullUrls, what each kind of Bundle asks of its entries, and what a document or message must hold.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from gateway.validation.bundle_entries import check_entry
from gateway.validation.compiled import Json
from gateway.validation.parts import parts, text
from gateway.validation.run import Place, Run
from gateway.validation.surroundings import Surroundings, rest

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_ABSOLUTE = re.compile(r"(?i)[a-z][a-z0-9+.\-]*:\S+")
_NO_FULL_URL = frozenset(("transaction", "batch", "transaction-response", "batch-response"))
_HELD = frozenset(("resource", "request", "response"))
_PAGED = frozenset(("searchset", "history", None))
_PAGING = frozenset(("first", "previous", "next", "last"))
_DOCUMENT_REFERENCES = ("subject", "encounter", "author", "custodian")


class Bundles:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self, run: Run, bundle: Json, place: Place, around: Surroundings) -> None:
        """Check what holds between a Bundle's entries; the entries themselves are checked by the walk."""
        kind = bundle["type"] if type(bundle.get("type")) is str else None
        entries = [e if type(e) is dict else {} for e in around.entries()]
        for number, entry in enumerate(entries):
            at = self._at(place, number)
            self._entry(run, kind, entry, at)
            check_entry(run, kind, entry, at, shapes=self._engine.shapes)
        if bundle.get("link"):
            self._links(run, kind, bundle, place)
        if not entries:
            return
        if kind == "document" and _type(entries[0]) == "Composition":
            self._document(run, around, entries, place)
        elif kind == "message" and _type(entries[0]) == "MessageHeader":
            self._message(run, around, entries, place)
        elif kind == "searchset":
            self._searchset(run, bundle, entries, place)

    def _at(self, place: Place, number: int) -> Place:
        member = self._engine.shapes["Bundle"].members["entry"]
        return (place, member, number, member.shape)

    def _entry(self, run: Run, kind: Any, entry: Json, place: Place) -> None:
        url, resource = entry.get("fullUrl"), entry.get("resource")
        if "fullUrl" not in entry and "_fullUrl" not in entry:
            held = not _HELD.isdisjoint(entry)  # else bdl-5
            if held and kind not in _NO_FULL_URL and (kind, _type(entry)) != ("searchset", "OperationOutcome"):
                run.error("invalid", "bundle-fullurl", "Except in transactions and batches, each entry must have a "
                          "fullUrl.", place)  # fmt: skip
            return
        if type(url) is not str or not url:
            return
        if not _ABSOLUTE.fullmatch(url):
            run.error("invalid", "bundle-fullurl", "The fullUrl must be an absolute URL.", place)
            return
        said = rest(url)
        if type(resource) is not dict or not said or not said["base"] or self._engine.shapes.find(said["type"]) is None:
            return
        type_, id_ = resource.get("resourceType"), resource.get("id")
        if id_ is None:
            if kind not in _NO_FULL_URL:
                run.error(
                    "invalid", "bundle-fullurl", "The fullUrl is a RESTful URL, but the resource has no id.", place
                )
        elif said["type"] != type_ or said["id"] != id_:
            run.error("invalid", "bundle-fullurl", "The fullUrl is a RESTful URL, so it must end with the resource's "
                      "type and id.", place)  # fmt: skip

    # Documents and messages

    def _document(self, run: Run, around: Surroundings, entries: list[Json], place: Place) -> None:
        composition = entries[0]["resource"]
        source = entries[0].get("fullUrl")
        at = self._at(place, 0)
        inside = at[3]
        assert inside is not None
        shape = self._engine.shapes["Composition"]
        here: Place = (at, inside.members["resource"], None, shape)
        wanted = list(_references(composition, here, _DOCUMENT_REFERENCES, self._engine))
        for name, inner in (("attester", "party"), ("event", "detail")):
            wanted += _references_in(composition, here, name, inner, self._engine)
        wanted += _section_entries(composition, here, self._engine)
        self._must_hold(run, around, wanted, source)
        self._reachable(run, around, entries, place, {"Composition"})

    def _must_hold(self, run: Run, around: Surroundings, wanted: list[tuple[str, Place]], source: Any) -> None:
        for reference, where in wanted:
            if reference.startswith("#"):
                continue
            if not around.find(reference, source if type(source) is str else ""):
                run.error("invalid", "document-reference", "The Bundle must hold the resource that is referred to "
                          "here; no entry's fullUrl matches.", where)  # fmt: skip

    def _message(self, run: Run, around: Surroundings, entries: list[Json], place: Place) -> None:
        at = self._at(place, 0)
        inside = at[3]
        assert inside is not None
        here: Place = (at, inside.members["resource"], None, self._engine.shapes["MessageHeader"])
        wanted = _references(entries[0]["resource"], here, ("focus",), self._engine)
        self._must_hold(run, around, wanted, entries[0].get("fullUrl"))
        self._reachable(run, around, entries, place, {"MessageHeader"})

    def _links(self, run: Run, kind: Any, bundle: Json, place: Place) -> None:
        seen: set[str] = set()
        for link, here in parts(bundle, "link", place):
            relation = text(link, "relation")
            if relation in _PAGING and kind not in _PAGED:
                run.error("invalid", "bundle-link", "Only search results and histories have links to pages.", here)
            elif relation in seen and (relation in _PAGING or relation == "self"):
                run.error("invalid", "bundle-link", "There is a link of this relation already.", here)
            seen.add(relation or "")

    def _reachable(self, run: Run, around: Surroundings, entries: list[Json], place: Place, start: set[str]) -> None:
        forward: list[set[int]] = []
        for entry in entries:
            source = entry.get("fullUrl")
            found: set[int] = set()
            for reference in all_references(entry.get("resource")):
                found.update(around.find(reference, source if type(source) is str else ""))
            forward.append(found)
        reached = _closure({0}, forward)
        backward: list[set[int]] = [set() for _ in entries]
        for number, targets in enumerate(forward):
            for target in targets:
                backward[target].add(number)
        either = _closure({0}, [f | b for f, b in zip(forward, backward, strict=True)])
        for number, entry in enumerate(entries):
            if number in reached or type(entry.get("resource")) is not dict:
                continue
            if number not in either:
                told = run.error if "Composition" in start else run.note
                told("informational", "bundle-unreachable", f"No chain of references joins the entry and the "
                     f"{next(iter(start))}.", self._at(place, number))  # fmt: skip
            elif _type(entry) != "Provenance":
                run.warn("invalid", "bundle-unreachable", f"The entry cannot be reached by references from the "
                         f"{next(iter(start))}.", self._at(place, number))  # fmt: skip

    # Searches

    def _searchset(self, run: Run, bundle: Json, entries: list[Json], place: Place) -> None:
        wanted = _searched(bundle)
        if wanted is None:
            run.warn("invalid", "search-self", "A search result should have a self link that says what was searched.",
                     place)  # fmt: skip
        modes = 0
        for number, entry in enumerate(entries):
            resource = entry.get("resource")
            if type(resource) is not dict:
                continue
            search = entry.get("search")
            mode, score = (search.get("mode"), search.get("score")) if type(search) is dict else (None, None)
            modes += mode is not None
            self._found(run, mode, score, resource, wanted, self._at(place, number))
        if not modes:
            run.warn("invalid", "search-mode", "Entries of a search result should say their search mode.", place)

    def _found(self, run: Run, mode: Any, score: Any, resource: Json, wanted: set[str] | None, place: Place) -> None:
        kind = resource.get("resourceType")
        if type(score) in (int, float, Decimal) and not (Decimal(score).is_finite() and 0 <= score <= 1):
            run.error("invalid", "search-score", "The score must be between 0 (not relevant) and 1 (most relevant).",
                      place)  # fmt: skip
        if mode == "outcome":
            if kind != "OperationOutcome":
                run.error("invalid", "search-outcome", "An entry with mode outcome must be an OperationOutcome.", place)
            return
        if "id" not in resource and (mode is not None or kind != "OperationOutcome"):
            told = run.warn if mode is None else run.error
            told("invalid", "search-id", "Resources in a search result must have ids.", place)
        if wanted and type(kind) is str and kind not in wanted:
            if mode == "match":
                run.error("invalid", "search-type", "A match must be of the type that was searched for.", place)
            elif mode is None and kind != "OperationOutcome":
                run.warn("invalid", "search-type", "The entry is not of the type that was searched for: say its search "
                         "mode.", place)  # fmt: skip


def all_references(value: Any) -> list[str]:
    """Every `reference` inside a resource."""
    found: list[str] = []
    stack = [value]
    while stack:
        one = stack.pop()
        if type(one) is dict:
            reference = one.get("reference")
            if type(reference) is str:
                found.append(reference)
            stack.extend(one.values())
        elif type(one) is list:
            stack.extend(one)
    return found


def _closure(start: set[int], edges: list[set[int]]) -> set[int]:
    reached, waiting = set(start), list(start)
    while waiting:
        for target in edges[waiting.pop()]:
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _type(entry: Json) -> Any:
    resource = entry.get("resource")
    return resource.get("resourceType") if type(resource) is dict else None


def _references(value: Json, place: Place, names: tuple[str, ...], engine: Engine) -> list[tuple[str, Place]]:
    shape = place[3]
    found: list[tuple[str, Place]] = []
    for name in names:
        member = shape.members.get(name) if shape is not None else None
        inner = value.get(name)
        if member is None:
            continue
        for index, one in enumerate(inner if type(inner) is list else [inner]):
            if type(one) is dict and type(one.get("reference")) is str:
                at = (place, member, index if type(inner) is list else None, engine.shapes["Reference"])
                found.append((one["reference"], at))
    return found


def _references_in(value: Json, place: Place, name: str, inner: str, engine: Engine) -> list[tuple[str, Place]]:
    """References named `inner` in the backbone elements named `name`."""
    shape = place[3]
    member = shape.members.get(name) if shape is not None else None
    listed = value.get(name)
    if member is None or type(listed) is not list:
        return []
    found: list[tuple[str, Place]] = []
    for index, one in enumerate(listed):
        if type(one) is dict:
            found += _references(one, (place, member, index, member.shape), (inner,), engine)
    return found


def _section_entries(value: Json, place: Place, engine: Engine) -> list[tuple[str, Place]]:
    """References in the sections of a Composition, however deep."""
    found: list[tuple[str, Place]] = []
    stack: list[tuple[Json, Place]] = [(value, place)]
    while stack:
        holder, at = stack.pop()
        shape = at[3]
        member = shape.members.get("section") if shape is not None else None
        sections = holder.get("section")
        if member is None or type(sections) is not list:
            continue
        for index, section in enumerate(sections):
            if type(section) is dict:
                here = (at, member, index, member.shape)
                found += _references(section, here, ("author", "focus", "entry"), engine)
                stack.append((section, here))
    return found


def _searched(bundle: Json) -> set[str] | None:
    """The resource types that the self link asks for; None without a self link, empty when it does not say."""
    links = bundle.get("link")
    for link in links if type(links) is list else ():
        if type(link) is dict and link.get("relation") == "self" and type(link.get("url")) is str:
            try:
                url = urlsplit(link["url"])
                types = parse_qs(url.query).get("_type")
            except ValueError:
                return set()
            if types:
                return set(types[0].split(","))
            last = url.path.rstrip("/").rpartition("/")[2]
            return {last} if last[:1].isupper() and last.isalpha() else set()
    return None
