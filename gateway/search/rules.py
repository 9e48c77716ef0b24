"""Everything about search in one place for wiring: `Search` parses requests, indexes resources, describes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.errors import BadRequest, Issue
from gateway.fhir.part import Outlines, Part
from gateway.ports import Clock
from gateway.search.controls import read_controls
from gateway.search.emit import Entry
from gateway.search.extract import Compile, Indexer
from gateway.search.parameters import Parameters
from gateway.search.parse import parse
from gateway.search.query import Query

Json = dict[str, Any]
OF_READ = ("_elements", "_summary")


class Search:
    """The search rules of the resource types that are served."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        types: Sequence[str],
        clock: Clock,
        compile: Compile | None = None,
        base: str = "",
    ) -> None:
        """`types` are those that are served; each is compiled when first met.

        `base` is this server's own address: references under it are its own. `compile` is the full FHIRPath engine, if
        `parameters` were made for one.
        """
        self._clock = clock
        self._base = base
        self._types = tuple(types)
        self.parameters = parameters
        self._indexer = Indexer(self.parameters, compile=compile, base=base)

    def parse(self, type: str, parameters: Sequence[tuple[str, str]], *, lenient: bool = False) -> Query:
        """The Query that decoded name-value pairs ask for; BadRequest with all that is wrong."""
        now = self._clock()
        return parse(type, parameters, parameters=self.parameters, lenient=lenient, now=now, base=self._base)

    @property
    def outlines(self) -> Outlines:
        """What stays of each type when a part is asked for."""
        return self.parameters.outlines

    def part(self, type: str, parameters: Sequence[tuple[str, str]], *, lenient: bool = False) -> Part:
        """Which part of one resource the parameters of its read ask for; BadRequest with all that is wrong."""
        issues: list[Issue] = []
        known = [pair for pair in parameters if pair[0] in OF_READ]
        said = read_controls(type, known, parameters=self.parameters, issues=issues).settled
        if said.get("summary") == "count":
            issues.append(Issue("error", "value", "'_summary=count' is of searches.", rule="search-control"))
        if not lenient and (unknown := len(parameters) - len(known)):
            message = f"{unknown} parameters are not known here: a read has {', '.join(OF_READ)}."
            issues.append(Issue("error", "not-supported", message, rule="read-parameter"))
        if issues:
            raise BadRequest(issues=issues)
        return Part(self.outlines, said.get("elements", ()), said.get("summary", "false"))

    def entries(self, resource: Json) -> list[Entry]:
        """Index entries of a resource: what `gateway.store.open(index=...)` takes."""
        return self._indexer.entries(resource)

    def capabilities(self, type: str) -> Json:
        """searchInclude, searchRevInclude and searchParam of CapabilityStatement.rest.resource."""
        own = self.parameters.of(type)
        reverse = [
            f"{other}:{code}"
            for other in self._types
            for code, parameter in self.parameters.of(other).items()
            if parameter.kind == "reference" and type in parameter.targets
        ]
        listed = []
        for code, parameter in own.items():
            url = {"definition": parameter.urls[-1]} if parameter.urls else {}
            listed.append({"name": code, **url, "type": parameter.kind})
        return {
            "searchInclude": [f"{type}:{code}" for code, parameter in own.items() if parameter.kind == "reference"],
            "searchRevInclude": sorted(reverse),
            "searchParam": listed,
        }
