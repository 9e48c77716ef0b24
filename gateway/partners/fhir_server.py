"""Any FHIR R4 server: what it is owed is written to it under our ids. https://hl7.org/fhir/R4/http.html#transaction

`transaction`: the resource and all it refers to in one Bundle, kept together or not at all. `conditional`: the same
for servers that give out their own ids. `each`: one PUT a resource, what is referred to first; when one fails the rest
waits for the next attempt. `batch`: the same in few requests, for servers with batches only. `by-reference`: the
resource alone, its references leading back here, where the partner reads what it needs. All may be repeated.
Every request carries the delivery's id as Idempotency-Key and X-Request-Id, the same on every attempt, and the bearer
token of `token_file`, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.fhir import codec
from gateway.partners.conditional import conditional
from gateway.partners.exchanges import NotDone, bearer
from gateway.partners.http import Client, Reply, Unanswered
from gateway.partners.replies import of_batch, of_transaction, of_write
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt

Json = dict[str, Any]


class FhirServer:
    """A partner that is a FHIR server."""

    def __init__(self, settings: PartnerSettings) -> None:
        self.name = settings.name
        self._how = settings.exchange
        self._token = settings.token_file
        self._client = Client(settings.base_url, seconds=settings.seconds, ca_file=settings.ca_file)

    def send(self, message: Message) -> Receipt:
        """Push the message's transaction Bundle."""
        bundle = codec.read(message.body)
        try:
            if self._how == "each":
                return self._each(bundle["entry"], message)
            if self._how == "by-reference":
                return self._each([_referring(bundle["entry"][-1])], message)
            if self._how == "batch":
                return self._batch(bundle["entry"], message)
            if self._how == "conditional" and any(entry["request"]["method"] == "DELETE" for entry in bundle["entry"]):
                return Receipt(False, reason="a deletion cannot be told to a server with its own ids")
            body = codec.write(conditional(bundle)) if self._how == "conditional" else message.body
            return of_transaction(self._exchange("POST", "", body, message), entries=len(bundle["entry"]))
        except NotDone as error:
            return error.receipt
        except Unanswered as error:
            return Receipt(False, retry=True, reason=error.reason)

    def close(self) -> None:
        self._client.close()

    def _each(self, entries: list[Json], message: Message) -> Receipt:
        deadline = self._client.deadline()
        receipt = Receipt(False, reason="the message is empty")
        for entry in entries:
            request = entry["request"]
            body = codec.write(entry["resource"]) if "resource" in entry else b""
            reply = self._exchange(request["method"], "/" + request["url"], body, message, deadline)
            if request["method"] == "DELETE" and reply.status in (404, 410):
                receipt = Receipt(True, reason=f"http {reply.status}")  # what is not there need not be deleted
                continue
            receipt = of_write(reply)
            if not receipt.accepted:
                return receipt
        return receipt

    def _batch(self, entries: list[Json], message: Message) -> Receipt:
        """One batch for what refers to nothing of the message, then one for what refers to that, and so on: the
        entries of a batch are in no order, so none may need another."""
        deadline = self._client.deadline()
        receipt = Receipt(False, reason="the message is empty")
        for layer in _layers(entries):
            body = codec.write({"resourceType": "Bundle", "type": "batch", "entry": layer})
            gone = [at for at, entry in enumerate(layer) if entry["request"]["method"] == "DELETE"]
            receipt = of_batch(self._exchange("POST", "", body, message, deadline), entries=len(layer), gone=gone)
            if not receipt.accepted:
                return receipt
        return receipt

    def _exchange(self, method: str, path: str, body: bytes, message: Message, deadline: float | None = None) -> Reply:
        headers = {
            "Content-Type": message.content_type,
            "Accept": "application/fhir+json",
            "Prefer": "return=minimal",
            "Idempotency-Key": message.delivery_id,
            "X-Request-Id": message.delivery_id,
            **bearer(self._token),
            **message.headers,
        }
        return self._client.exchange(method, path, body=body, headers=headers, deadline=deadline)


def _referring(entry: Json) -> Json:
    """The entry with references by their whole address here."""
    if "resource" not in entry:
        return entry
    base = entry["fullUrl"].removesuffix("/" + entry["request"]["url"])
    return {**entry, "resource": _absolute(entry["resource"], base)}


def _absolute(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_absolute(member, base) for member in value]
    if not isinstance(value, dict):
        return value
    made = {name: _absolute(member, base) for name, member in value.items()}
    text = value.get("reference")
    if isinstance(text, str) and not text.startswith("#") and ":" not in text:
        made["reference"] = f"{base}/{text}"
    return made


def _layers(entries: list[Json]) -> list[list[Json]]:
    """The entries, which come after those they refer to, in as few groups as have no references inside."""
    depths: dict[str, int] = {}
    layers: list[list[Json]] = []
    for entry in entries:
        needed = [depths[text] for text in _references(entry.get("resource")) if text in depths]
        depth = max(needed, default=-1) + 1
        depths[entry["request"]["url"]] = depth
        if depth == len(layers):
            layers.append([])
        layers[depth].append(entry)
    return layers


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _references(member)
    elif isinstance(value, dict):
        if isinstance(text := value.get("reference"), str):
            yield text.partition("/_history/")[0]
        yield from _references(list(value.values()))
