"""Bundles: collect resources, write a transaction, resolve references. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.fhir.codec import Json
from gateway.fhir.element import reference


class Collected:
    """Resources gathered for one Bundle, each once, in the order in which they came."""

    __slots__ = ("_resources", "_write_once")

    def __init__(self) -> None:
        self._resources: dict[str, Json] = {}
        self._write_once: set[str] = set()

    def add(self, resource: Json, *, display: str | None = None, once: bool = False) -> Json:
        """Take a resource in and return a Reference to it. `once`: written only where it does not exist yet."""
        ref = reference(resource, display)
        self._resources[ref["reference"]] = resource
        if once:
            self._write_once.add(ref["reference"])
        return ref

    def __iter__(self) -> Iterator[Json]:
        return iter(self._resources.values())

    def transaction(self, *, base: str, first: Iterable[str] = ()) -> Json:
        """A transaction Bundle of updates by id; `base` is where its relative references hold.

        An entry that was added `once` carries `ifNoneMatch: *`: what is kept under its id stays as it is.
        """
        order = {type: place for place, type in enumerate(first)}
        last = len(order)
        listed = sorted(self._resources.items(), key=lambda one: order.get(one[1]["resourceType"], last))
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": f"{base}/{name}",
                    "resource": resource,
                    "request": {"method": "PUT", "url": name, "ifNoneMatch": "*"}
                    if name in self._write_once
                    else {"method": "PUT", "url": name},
                }
                for name, resource in listed
            ],
        }


class Resolver:
    """Finds the resources of one Bundle by reference (relative or by fullUrl)."""

    __slots__ = ("_by_reference", "resources")

    def __init__(self, bundle: Json) -> None:
        entries = [entry for entry in bundle.get("entry", ()) if "resource" in entry]
        self.resources: list[Json] = [entry["resource"] for entry in entries]
        self._by_reference: dict[str, Json] = {}
        for entry in entries:
            resource = entry["resource"]
            self._by_reference[f"{resource['resourceType']}/{resource.get('id')}"] = resource
            if "fullUrl" in entry:
                self._by_reference[entry["fullUrl"]] = resource

    def find(self, ref: Mapping[str, object] | None) -> Json | None:
        """The resource that a Reference points at; None where it is not in the Bundle."""
        return self._by_reference.get(str(ref["reference"])) if ref and "reference" in ref else None

    def only(self, type: str) -> Json | None:
        """The one resource of a type; None where there is none or more than one."""
        found = self.all(type)
        return found[0] if len(found) == 1 else None

    def all(self, type: str) -> list[Json]:
        return [resource for resource in self.resources if resource["resourceType"] == type]
