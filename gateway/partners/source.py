"""Reading from a partner what its notification only names: below the base address of partners.toml, nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import Malformed, PartnerRefused, PartnerUnavailable
from gateway.fhir import codec
from gateway.partners.exchanges import NotDone, bearer
from gateway.partners.http import Client, Unanswered
from gateway.ports import Json

_REFERENCE = re.compile(r"(?P<type>[A-Z][A-Za-z]{2,40})/(?P<id>[A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")


class FhirSource:
    """`ports.Source` over the partners' FHIR servers."""

    def __init__(
        self,
        bases: Mapping[str, str],
        *,
        seconds: float = 20.0,
        tokens: Mapping[str, Path | None] | None = None,
        ca_files: Mapping[str, str | None] | None = None,
    ) -> None:
        """`bases`: partner to base address; `tokens`: to its bearer token's file; `ca_files`: who vouches for it."""
        self._bases = {name: base.rstrip("/") for name, base in bases.items() if base}
        self._tokens = tokens or {}
        self._clients = {
            name: Client(base, seconds=seconds, ca_file=(ca_files or {}).get(name))
            for name, base in self._bases.items()
        }

    def base(self, partner: str) -> str | None:
        return self._bases.get(partner)

    def read(self, partner: str, reference: str) -> Json:
        base = self._bases.get(partner)
        if base is None:
            raise PartnerRefused("The partner has no address in partners.toml to read from.")
        found = _REFERENCE.fullmatch(reference.removeprefix(base + "/"))
        if found is None:
            raise PartnerRefused("The notification names something that is not this partner's.")
        path = f"/{found['type']}/{found['id']}"
        try:
            headers = {"Accept": "application/fhir+json", **bearer(self._tokens.get(partner))}
            reply = self._clients[partner].exchange("GET", path, headers=headers)
        except NotDone as error:
            raise PartnerUnavailable(error.receipt.reason) from None
        except Unanswered as error:
            raise PartnerUnavailable(error.reason) from None
        if reply.status != 200:
            refused = 400 <= reply.status < 500 and reply.status not in (401, 408, 425, 429)
            raise (PartnerRefused if refused else PartnerUnavailable)(f"http {reply.status}")
        return _resource(reply.body, found["type"], found["id"])

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _resource(body: bytes, type: str, id: str) -> Json:
    try:
        value = codec.read(body)
    except Malformed:
        value = None
    if not isinstance(value, dict) or value.get("resourceType") != type or value.get("id") != id:
        raise PartnerUnavailable("The reply is not the resource that was asked for.")
    return value
