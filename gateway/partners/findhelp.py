"""A community platform such as findhelp, by a contract of our own: ecm-findhelp/1. It is not the vendor's interface.

The vendor publishes no way to write referrals; this port has one JSON document out, signed events in (`doors.findhelp`)
and a directory of programmes, so that only this file changes when an agreement brings the real one. docs/partners.md
describes the contract. Programmes may not be kept (the vendor's terms); service tags may, for a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

from gateway.errors import BadRequest, Issue, Malformed, PartnerRefused, PartnerUnavailable
from gateway.fhir import codec
from gateway.partners.exchanges import NotDone, bearer
from gateway.partners.http import Client, Reply, Unanswered
from gateway.partners.replies import by_status
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt

Json = dict[str, Any]
CONTRACT = "ecm-findhelp/1"
TAGS_KEPT_SECONDS = 24 * 3600.0
_URGENT = ("urgent", "asap", "stat")


class Findhelp:
    """One tenant (a plan's site) of a community platform."""

    def __init__(self, settings: PartnerSettings) -> None:
        self.name = settings.name
        self._tenant = settings.tenant
        self._token = settings.token_file
        self._client = Client(settings.base_url, seconds=settings.seconds, ca_file=settings.ca_file)

    def send(self, message: Message) -> Receipt:
        """Refer, or tell a referral's new state: the message's Task with all that it refers to."""
        entries = codec.read(message.body)["entry"]
        focus = entries[-1].get("resource", {})
        if focus.get("resourceType") != "Task":
            return Receipt(False, reason='this platform is told of Tasks only: send = ["Task"]')
        body = codec.write(referral_of(entries, tenant=self._tenant))
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.delivery_id, **message.headers}
        try:
            reply = self._exchange("POST", "/referrals", body=body, headers=headers)
        except NotDone as error:
            return error.receipt
        failed = by_status(reply)
        return failed if failed is not None else _taken(reply, f"Task/{focus['id']}")

    def close(self) -> None:
        self._client.close()

    def ask(self, path: str) -> Json:
        """An answer of the directory; PartnerUnavailable, PartnerRefused."""
        try:
            reply = self._exchange("GET", path, body=b"", headers={})
        except NotDone as error:
            raise PartnerUnavailable(f"The directory does not answer: {error.receipt.reason}.") from None
        failed = by_status(reply)
        if failed is not None:
            raise (PartnerUnavailable if failed.retry else PartnerRefused)(f"The directory says: {failed.reason}.")
        answer = _json(reply)
        if answer.get("contract") != CONTRACT:
            raise PartnerUnavailable("The directory's answer is not of the contract.")
        return answer

    def _exchange(self, method: str, path: str, *, body: bytes, headers: dict[str, str]) -> Reply:
        sent = {"Accept": "application/json", **bearer(self._token), **headers}
        try:
            return self._client.exchange(method, f"/v1/{quote(self._tenant, safe='')}{path}", body=body, headers=sent)
        except Unanswered as error:
            raise NotDone(Receipt(False, retry=True, reason=error.reason)) from None


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme that helps, and whether it can be referred to."""

    id: str
    name: str
    service_tags: tuple[str, ...]
    accepts_referrals: bool


class Directory:
    """Programmes near a zip code: tags are kept for a day, programmes are asked for each time."""

    def __init__(self, platform: Findhelp, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._platform = platform
        self._seconds = seconds
        self._lock = Lock()
        self._tags: dict[str, tuple[float, tuple[str, ...]]] = {}

    def service_tags(self, zip: str) -> tuple[str, ...]:
        """The tags that programmes near a zip code have."""
        with self._lock:
            kept = self._tags.get(_zip(zip))
        if kept is not None and self._seconds() - kept[0] < TAGS_KEPT_SECONDS:
            return kept[1]
        tags = tuple(map(str, self._platform.ask(f"/zipcodes/{zip}/service-tags").get("tags", ())))
        with self._lock:
            self._tags[zip] = (self._seconds(), tags)
        return tags

    def programmes(self, zip: str, *, service_tag: str) -> list[Programme]:
        """Programmes with a tag near a zip code."""
        answer = self._platform.ask(f"/zipcodes/{_zip(zip)}/programmes?service_tag={quote_plus(service_tag)}")
        try:
            return [
                Programme(one["id"], one["name"], tuple(one["service_tags"]), one["accepts_referrals"] is True)
                for one in answer["programmes"]
            ]
        except (KeyError, TypeError):
            raise PartnerUnavailable("The directory's answer is not of the contract.") from None


def referral_of(entries: list[Json], *, tenant: str) -> Json:
    """The contract's referral document from a Task and what it refers to."""
    task = entries[-1]["resource"]
    by_place = {f"{one['resourceType']}/{one['id']}": one for one in (entry["resource"] for entry in entries)}
    request = by_place.get(_target(task, "focus"), {})
    patient = by_place.get(_target(task, "for"), {})
    requester = by_place.get(_target(task, "requester"), {})
    return _said(
        contract=CONTRACT,
        tenant=tenant,
        referral=_said(
            reference=f"Task/{task['id']}",
            version=int(task.get("meta", {}).get("versionId", "0")),
            status=task.get("status"),
            reason=(task.get("statusReason") or {}).get("text"),
            at=task.get("lastModified") or task.get("authoredOn"),
            urgent=request.get("priority", task.get("priority")) in _URGENT,
            service=_words(request.get("code")) or _words(task.get("code")),
        ),
        person=_person(patient),
        referrer=_said(name=requester.get("name") if isinstance(requester.get("name"), str) else None),
    )


def _person(patient: Json) -> Json:
    names = patient.get("name") or [{}]
    first = names[0]
    text = first.get("text") or " ".join([*first.get("given", []), first.get("family", "")]).strip()
    home = (patient.get("address") or [{}])[0]
    languages = [_words(one.get("language")) for one in patient.get("communication", [])]
    return _said(
        name=text or None,
        birth_date=patient.get("birthDate"),
        phones=[one["value"] for one in patient.get("telecom", []) if one.get("system") == "phone" and "value" in one],
        emails=[one["value"] for one in patient.get("telecom", []) if one.get("system") == "email" and "value" in one],
        zip=home.get("postalCode"),
        city=home.get("city"),
        languages=[word for word in languages if word],
    )


def _taken(reply: Reply, reference: str) -> Receipt:
    answer = _json(reply)
    if answer.get("contract") != CONTRACT or answer.get("taken") is not True or answer.get("reference") != reference:
        return Receipt(False, retry=True, reason="the reply does not say that the referral was taken")
    return Receipt(True, reason=f"http {reply.status}", remote=str(answer.get("id")))


def _json(reply: Reply) -> Json:
    try:
        answer = codec.read(reply.body)
    except Malformed:
        return {}
    return answer if isinstance(answer, dict) else {}


def _said(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value not in (None, [], {})}


def _words(concept: Json | None) -> str | None:
    listed = (concept or {}).get("coding") or [{}]
    said = (concept or {}).get("text") or listed[0].get("display") or listed[0].get("code")
    return None if said is None else str(said)


def _target(task: Json, name: str) -> str:
    return str((task.get(name) or {}).get("reference", "")).partition("/_history/")[0]


def _zip(text: str) -> str:
    if not (len(text) == 5 and text.isascii() and text.isdecimal()):
        raise BadRequest(issues=[Issue("error", "value", "A zip code has five digits.", "zip")])
    return text
