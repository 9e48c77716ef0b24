"""What surrounds a resource in a Bundle: the other entries, found by fullUrl.

https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from gateway.validation.compiled import Json
from gateway.validation.run import Place

REST = re.compile(
    r"(?P<base>https?://\S*/)?(?P<type>[A-Z][A-Za-z]{2,40})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#\S*)?"
)

_UUID = "urn:uuid:"
_BASES = 8
"""Servers whose resources a Bundle has, up to which it is told beforehand what means an entry."""


def rest(url: Any) -> re.Match[str] | None:
    """`[base/]Type/id[/_history/version]` of a URL or relative reference; None when it has not that form."""
    return REST.fullmatch(url) if type(url) is str else None


class _Means(NamedTuple):
    """What may mean an entry, whichever entry says it, but for versions and parts: the texts, and the ids of UUIDs."""

    texts: frozenset[str]
    uuids: frozenset[str]
    many_bases: bool

    @staticmethod
    def of(by_url: dict[str, list[int]], by_type_id: dict[str, list[int]]) -> _Means:
        bases = {one["base"] for one in map(rest, by_url) if one is not None and one["base"]}
        if len(bases) > _BASES:
            return _Means(frozenset(), frozenset(), many_bases=True)
        relative = (url.removeprefix(base) for url in by_url for base in bases)
        uuids = frozenset(url[len(_UUID) :] for url in by_url if url.startswith(_UUID))
        return _Means(frozenset((*by_url, *by_type_id, *relative)), uuids, many_bases=False)


class Surroundings:
    """A Bundle's entries, found by fullUrl; built when the first reference asks."""

    __slots__ = ("_by_type_id", "_by_url", "_means", "bundle", "entry_url", "place")

    def __init__(self, bundle: Json, place: Place) -> None:
        self.bundle = bundle
        self.place = place
        self.entry_url: str | None = None
        """fullUrl of the entry that is being checked."""
        self._by_url: dict[str, list[int]] | None = None
        self._by_type_id: dict[str, list[int]] = {}
        self._means: _Means | None = None

    def entries(self) -> list[Any]:
        entries = self.bundle.get("entry")
        return entries if type(entries) is list else []

    def _index(self) -> dict[str, list[int]]:
        if self._by_url is None:
            self._by_url = {}
            for number, entry in enumerate(self.entries()):
                if type(entry) is not dict or type(entry.get("resource")) is not dict:
                    continue
                resource = entry["resource"]
                kind, id_, url = resource.get("resourceType"), resource.get("id"), entry.get("fullUrl")
                if type(url) is str:
                    self._by_url.setdefault(url, []).append(number)
                if type(kind) is str and type(id_) is str:
                    self._by_type_id.setdefault(f"{kind}/{id_}", []).append(number)
        return self._by_url

    def may_mean(self, texts: list[str]) -> bool:
        """Whether some of the texts, taken as a reference of whichever entry, may mean an entry."""
        if self._means is None:
            self._means = _Means.of(self._index(), self._by_type_id)
        means = self._means
        if means.many_bases or not means.texts.isdisjoint(texts):
            return True
        if means.uuids and not means.uuids.isdisjoint([text.rpartition("/")[2] for text in texts]):
            return True
        joined = "\n".join(texts)
        return "#" in joined or "/_history/" in joined

    def find(self, reference: str, source: str | None = None) -> list[int]:
        """Numbers of the entries that `reference` means, by the rules for Bundles."""
        by_url = self._index()
        bare, _, version = reference.partition("#")[0].partition("/_history/")
        found = by_url.get(bare)
        if found is None and "://" not in bare and not bare.startswith("urn:"):
            base = REST.fullmatch(source or self.entry_url or "")
            if base and base["base"]:
                found = by_url.get(base["base"] + bare)
            elif not (source or self.entry_url):
                found = self._by_type_id.get(bare)
        if found and version:
            found = [n for n in found if self._version(n) == version]
        return found or []

    def alike(self, reference: str) -> list[int]:
        """Numbers of entries with the type and id of the reference, whatever their fullUrl."""
        self._index()
        match = REST.fullmatch(reference)
        return self._by_type_id.get(f"{match['type']}/{match['id']}", []) if match else []

    def _version(self, number: int) -> Any:
        meta = self.entries()[number]["resource"].get("meta")
        return meta.get("versionId") if type(meta) is dict else None

    def resource(self, number: int) -> Json:
        found = self.entries()[number]["resource"]
        return found if type(found) is dict else {}
