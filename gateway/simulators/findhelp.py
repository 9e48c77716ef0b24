"""A community platform by our own contract ecm-findhelp/1 (docs/partners.md); it is not the vendor's interface.

Two tenants, each with its own referrals. What happens to a referral there is sent as signed events (Standard Webhooks
1.0), which can be sent twice and out of order.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.simulators.faults import Answer

CONTRACT = "ecm-findhelp/1"
TENANTS = ("health-net", "la-care")
TAGS = ("help find housing", "food delivery", "transit", "help pay for utilities")
_REFERRALS = re.compile(r"/v1/([a-z0-9-]+)/referrals")
_DIRECTORY = re.compile(r"/v1/([a-z0-9-]+)/zipcodes/(\d{5})/(service-tags|programmes)(?:\?service_tag=([^&]+))?")


class Effect(NamedTuple):
    """One referral taken in: tenant, the sender's reference, the sender's version."""

    tenant: str
    reference: str
    version: int


@dataclass
class FindhelpMemory:
    """What the platform knows. `effects` are the referrals and their updates, each once."""

    effects: list[Effect] = field(default_factory=list)
    base: str = ""
    lookups: int = 0
    """How often the directory was asked."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._numbers = itertools.count(1)
        self._kept: dict[tuple[str, str], Any] = {}
        self._answered: dict[tuple[str, str], Answer] = {}

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self._answered.clear()

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Do what a request asks, and the right answer to it."""
        referral, directory = _REFERRALS.fullmatch(path), _DIRECTORY.fullmatch(path)
        found = referral or directory
        if found is None:
            return _problem(404, "unknown-address")
        if found[1] not in TENANTS:
            return _problem(403, "unknown-tenant")
        with self._lock:
            if referral and method == "POST":
                return self._referral(referral[1], body, (headers or {}).get("idempotency-key", ""))
            if directory and method == "GET":
                self.lookups += 1
                return _directory(directory[2], directory[3], directory[4])
        return _problem(405, "unknown-method")

    def _referral(self, tenant: str, body: bytes, key: str) -> Answer:
        if not key:
            return _problem(400, "no-idempotency-key")
        before = self._answered.get((tenant, key))
        if before is not None:
            return before
        try:
            sent = codec.read(body)
            reference, version = sent["referral"]["reference"], int(sent["referral"]["version"])
            if sent["contract"] != CONTRACT or not sent["person"]["name"]:
                return _problem(422, "unknown-contract")
        except (Malformed, KeyError, TypeError, ValueError):
            return _problem(422, "not-a-referral")
        known = self._kept.get((tenant, reference))
        id = known["id"] if known else f"fh-{next(self._numbers)}"
        if known is None or known["version"] < version:
            self._kept[tenant, reference] = {"id": id, "version": version}
            self.effects.append(Effect(tenant, reference, version))
        answer = Answer(201, {"contract": CONTRACT, "id": id, "reference": reference, "taken": True}, _JSON)
        self._answered[tenant, key] = answer
        return answer

    def event(self, tenant: str, reference: str, status: str, *, at: datetime | None = None, reason: str = "") -> bytes:
        """The body of an event that says where a referral stands there."""
        told = {
            "contract": CONTRACT,
            "id": f"evt-{next(self._numbers)}",
            "tenant": tenant,
            "reference": reference,
            "status": status,
            "at": (at or datetime.now(UTC)).isoformat(timespec="seconds"),
            **({"reason": reason} if reason else {}),
        }
        return codec.write(told)


@dataclass(frozen=True, slots=True)
class Story:
    """What the platform tells of each referral that it takes in: states in turn, so often each, perhaps backwards."""

    states: tuple[str, ...]
    times: int = 1
    backwards: bool = False

    def events(self, memory: FindhelpMemory, effect: Effect) -> list[bytes]:
        """The bodies of the events, in the order in which they are sent; their own times always run forward."""
        began = datetime.now(UTC)
        told = [
            memory.event(effect.tenant, effect.reference, state, at=began + timedelta(seconds=number))
            for number, state in enumerate(self.states)
        ]
        return [body for body in (told[::-1] if self.backwards else told) for _ in range(self.times)]


@dataclass(frozen=True, slots=True)
class Hook:
    """Where events go, signed with a secret (`whsec_` and base64)."""

    url: str
    secret: str

    def send(self, events: Iterable[bytes]) -> list[int]:
        """Send the events in the order given, whatever order that is; the statuses answered, 0 where nobody did."""
        return [self._post(body) for body in events]

    def _post(self, body: bytes) -> int:
        id, at = codec.read(body)["id"], str(int(time.time()))
        request = urllib.request.Request(  # noqa: S310 (the address is the tester's own)
            self.url, data=body, headers={"Content-Type": "application/json", **signed(id, at, body, self.secret)}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def signed(id: str, at: str, body: bytes, secret: str) -> dict[str, str]:
    """The three headers of Standard Webhooks. https://www.standardwebhooks.com/"""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


_JSON = {"Content-Type": "application/json"}


def _problem(status: int, code: str) -> Answer:
    return Answer(status, {"contract": CONTRACT, "problem": code}, _JSON)


def _directory(zip: str, what: str, tag: str | None) -> Answer:
    if what == "service-tags":
        return Answer(200, {"contract": CONTRACT, "tags": list(TAGS)}, _JSON)
    wanted = urllib.parse.unquote_plus(tag or "")
    programmes = [
        {"id": f"prog-{zip}-{at}", "name": f"Programme {at}", "service_tags": [one], "accepts_referrals": at % 2 == 1}
        for at, one in enumerate(TAGS, start=1)
        if wanted in ("", one)
    ]
    return Answer(200, {"contract": CONTRACT, "programmes": programmes}, _JSON)
