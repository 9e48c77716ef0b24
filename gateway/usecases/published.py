"""What this gateway publishes of itself: its profiles, code lists, concept maps and operation, read only.

https://hl7.org/fhir/R4/conformance-module.html. They hold nobody's data and belong to the release, not to the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from urllib.parse import urlencode

from gateway.errors import BadRequest, Issue, NotFound
from gateway.fhir import codec
from gateway.ports import Json

TYPES = ("CodeSystem", "ConceptMap", "OperationDefinition", "StructureDefinition", "ValueSet")
BESIDE = "Questionnaire"
"""A type that others keep here too: ours are served beside theirs."""
SEARCHED: Mapping[str, str] = {"_id": "id", "url": "url", "version": "version", "name": "name", "status": "status"}
"""Search parameter -> the element that it compares: a name by its beginning, all others exactly."""
_CONTROLS = ("_count", "_page", "_total", "_summary", "_elements", "_format", "_sort")
_MOST = 200

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition and its version: a number made of its content, in meta.versionId and the ETag."""

    resource: Json
    version: int

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


class Published:
    """Our definitions by type and id. Read when first asked for: few processes ever are."""

    def __init__(self, sources: Sequence[bytes], *, maps: Callable[[date], Sequence[Json]]) -> None:
        """`sources` are JSON resources; `maps` gives the ConceptMaps that hold on a day."""
        self._sources = sources
        self._maps = maps
        self._reading = Lock()
        self._read: tuple[date, dict[tuple[str, str], Definition]] | None = None

    def read(self, type: str, id: str, *, on: date) -> Definition:
        """One definition as it is on a day; else NotFound."""
        found = self._all(on).get((type, id))
        if found is None:
            raise NotFound("There is no such definition here.")
        return found

    def has(self, type: str, id: str, *, on: date) -> bool:
        """Whether there is such a definition of ours."""
        return (type, id) in self._all(on)

    def beside(self, parameters: Parameters, *, on: date) -> list[Json]:
        """Our definitions of the type BESIDE that meet all parameters, for the first page of a search of the store.

        None where a parameter is not in SEARCHED.
        """
        asked = [pair for pair in parameters if pair[0] not in _CONTROLS]
        if any(name not in SEARCHED for name, _ in asked) or "_page" in dict(parameters):
            return []
        every = self._all(on)
        return [every[key].resource for key in sorted(every) if key[0] == BESIDE and _meets(every[key].resource, asked)]

    def search(self, type: str, parameters: Parameters, *, on: date, base: str) -> Json:
        """The definitions that meet all parameters, as a searchset; BadRequest for what is not in SEARCHED."""
        asked = [pair for pair in parameters if pair[0] not in ("_count", "_page")]
        if unknown := [number for number, (name, _) in enumerate(asked, 1) if name not in SEARCHED]:
            message = f"Parameter {unknown[0]} is not searched here: there are {', '.join(SEARCHED)}, _count."
            raise BadRequest(issues=[Issue("error", "not-supported", message, rule="search-parameter")])
        every = self._all(on)
        found = [every[key] for key in sorted(every) if key[0] == type and _meets(every[key].resource, asked)]
        count, after = _number(parameters, "_count", _MOST), _number(parameters, "_page", 0)
        shown = found[after : after + min(count, _MOST)]
        address = f"{base}/{type}"
        links = [{"relation": "self", "url": _url(address, parameters)}]
        if shown and after + len(shown) < len(found):
            rest = [pair for pair in parameters if pair[0] != "_page"]
            links.append({"relation": "next", "url": _url(address, [*rest, ("_page", str(after + len(shown)))])})
        entries = [
            {"fullUrl": f"{address}/{one.resource['id']}", "resource": one.resource, "search": {"mode": "match"}}
            for one in shown
        ]
        head = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
        return head | ({"entry": entries} if entries else {})

    def _all(self, on: date) -> dict[tuple[str, str], Definition]:
        with self._reading:
            if self._read is None or self._read[0] != on:
                resources = [codec.read(source) for source in self._sources]
                kept = [one for one in (*resources, *self._maps(on)) if one["resourceType"] in (*TYPES, BESIDE)]
                self._read = on, {(one["resourceType"], one["id"]): _definition(one) for one in kept}
            return self._read[1]


def _definition(resource: Json) -> Definition:
    content = {name: value for name, value in resource.items() if name != "date"}
    version = int(hashlib.sha256(codec.write(content)).hexdigest()[:7], 16)
    return Definition(resource | {"meta": resource.get("meta", {}) | {"versionId": str(version)}}, version)


def _meets(resource: Json, asked: Parameters) -> bool:
    return all(any(_is(name, resource, one) for one in value.split(",")) for name, value in asked)


def _is(name: str, resource: Json, wanted: str) -> bool:
    there = str(resource.get(SEARCHED[name], ""))
    return there.casefold().startswith(wanted.casefold()) if name == "name" else there == wanted


def _number(parameters: Parameters, name: str, otherwise: int) -> int:
    texts = [value for known, value in parameters if known == name]
    if not texts:
        return otherwise
    if len(texts) > 1 or not (texts[0].isascii() and texts[0].isdecimal() and len(texts[0]) < 10):
        message = f"{name} is one whole number from 0."
        raise BadRequest(issues=[Issue("error", "value", message, rule="search-control")])
    return int(texts[0])


def _url(address: str, parameters: Parameters) -> str:
    return f"{address}?{urlencode(list(parameters), safe=',:/|')}" if parameters else address
