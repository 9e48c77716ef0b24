"""Requests to one FHIR server that end in a resource, a page, or a Receipt that says why not.

One deadline holds over all requests of an exchange. Pages are followed only below the server's own address.
https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from gateway.fhir import codec
from gateway.partners.http import Client, Reply, Unanswered
from gateway.partners.replies import of_write
from gateway.ports import Receipt

Json = dict[str, Any]
FHIR_JSON = "application/fhir+json"
MOST_PAGES = 400
"""Pages of one search that are followed; a server that gives more is going round in circles."""


class NotDone(Exception):
    """The partner did not do what was asked; the receipt says whether to try again."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.reason)
        self.receipt = receipt


@dataclass(frozen=True, slots=True)
class Read:
    """A resource as the server has it, and the ETag that names its version there."""

    resource: Json
    etag: str | None


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Requests of one exchange: `headers` go with each, `deadline` ends them all."""

    client: Client
    base: str
    headers: Mapping[str, str]
    deadline: float | None = None

    def read(self, place: str) -> Read | None:
        """The resource at `Type/id`; None when there is none. Raises NotDone."""
        reply = self._reply("GET", f"/{place}")
        if reply.status in (404, 410):
            return None
        resource = self._resource(reply)
        if f"{resource.get('resourceType')}/{resource.get('id')}" != place:
            _refuse("the reply is another resource than was asked for", retry=False)
        return Read(resource, reply.headers.get("etag"))

    def search(self, type: str, parameters: Sequence[tuple[str, str]]) -> Iterator[Json]:
        """Matches of a search, over all pages; each id and version once, whatever the pages repeat. Raises NotDone."""
        query = "&".join(f"{name}={quote(value, safe=':/')}" for name, value in parameters)
        path, seen = f"/{type}?{query}", set()
        for _ in range(MOST_PAGES):
            page = self._resource(self._reply("GET", path))
            if page.get("resourceType") != "Bundle" or page.get("type") != "searchset":
                _refuse("the reply is not a searchset")
            for entry in _objects(page.get("entry", [])):
                resource = _object(entry.get("resource", {}))
                version = _object(resource.get("meta", {})).get("versionId")
                key = (resource.get("id"), version if isinstance(version, str) else None)
                if resource.get("resourceType") == type and isinstance(key[0], str) and key not in seen:
                    seen.add(key)
                    yield resource
            links = _objects(page.get("link", []))
            following = [str(link.get("url", "")) for link in links if link.get("relation") == "next"]
            if not following:
                return
            path = self._below(following[0])
        _refuse("the search has no last page")

    def write(self, method: str, path: str, resource: Json | None, **headers: str) -> Receipt:
        """A create, update or delete; the receipt of a refused one is raised as NotDone."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self._reply(method, f"/{path}", b"" if resource is None else codec.write(resource), named)
        receipt = of_write(reply)
        if not receipt.accepted:
            raise NotDone(receipt)
        return receipt

    def place(self, receipt: Receipt, type: str) -> str | None:
        """`Type/id` of what a create made, from its Location."""
        steps = (receipt.remote or "").partition("/_history/")[0].split("/")
        return f"{type}/{steps[-1]}" if len(steps) >= 2 and steps[-2] == type else None

    def _reply(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        sent = {"Content-Type": FHIR_JSON} if body else {}
        sent |= {"Accept": FHIR_JSON, **self.headers, **(headers or {})}
        try:
            once = method == "POST"
            return self.client.exchange(method, path, body=body, headers=sent, deadline=self.deadline, once=once)
        except Unanswered as error:
            raise NotDone(Receipt(False, retry=True, reason=error.reason)) from None

    def _resource(self, reply: Reply) -> Json:
        receipt = of_write(reply)
        if not receipt.accepted:
            raise NotDone(receipt)
        if not reply.body.strip():
            _refuse("the reply is empty")
        found: Json = codec.read(reply.body)
        return found

    def _below(self, url: str) -> str:
        """The path of the next page, below the server's own address: nothing else is asked with our credentials."""
        if not url.startswith(("http://", "https://")):
            return "/" + url.lstrip("/")
        if not url.startswith((self.base + "/", self.base + "?")):
            _refuse("the next page lies at another address", retry=False)
        return url[len(self.base) :]


def _objects(value: Any) -> list[Json]:
    return [_object(one) for one in value] if isinstance(value, list) else [_object(value)]


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        _refuse("the reply is not FHIR")
    found: Json = value
    return found


def _refuse(reason: str, *, retry: bool = True) -> NoReturn:
    raise NotDone(Receipt(False, retry=retry, reason=reason))


def bearer(token_file: Path | None) -> dict[str, str]:
    """The Authorization header of a token that somebody else keeps fresh in a file; read each time."""
    if token_file is None:
        return {}
    try:
        token = token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise NotDone(Receipt(False, retry=True, reason="the token file cannot be read")) from None
    return {"Authorization": f"Bearer {token}"}
