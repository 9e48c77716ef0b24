"""What is asked of a Subscription, and whether this gateway will honour it: seven ways to be refused, each with a rule.

unknown-topic, filter, cross-version, channel-type, endpoint, payload-type, payload-combination; and header, heartbeat,
end for what hangs on them. Checked beside the profile backport-subscription, all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.errors import BadRequest, Issue
from gateway.fhir.element import extension_value, extension_values
from gateway.fhir.query_string import pairs
from gateway.ports import Change, Clock, Json
from gateway.search.query import Chain, Condition, Is, Query, Reverse, Together
from gateway.subscriptions.endpoint import Endpoints, mail_address
from gateway.subscriptions.matching import meets
from gateway.subscriptions.topics import Topic, topic_of

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
PROFILE = BACKPORT + "subscription"
Content = Literal["empty", "id-only", "full-resource"]
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")
"""From the least to the most."""
XML = ("application/fhir+xml", "application/xml")
MIME = ("application/fhir+json", "application/json", *XML)
MAIL_MIME = ("text/plain", *MIME)
KNOWN = {
    "criteria": ("filter-criteria",),
    "channel": ("heartbeat-period", "timeout", "max-count"),
    "type": ("channel-type",),
    "payload": ("payload-content",),
}
"""Extensions that change what is sent, by the element that has them; any other there is refused, not ignored."""
SHORTEST_HEARTBEAT = 10
_CROSS = re.compile(r"http://hl7\.org/fhir/\d+\.\d+/StructureDefinition/")
_HEADER = re.compile(r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}): ?(?P<value>[\x20-\x7e]{0,2000})", re.ASCII)
_OURS = frozenset(
    "host content-length content-type content-encoding transfer-encoding connection upgrade expect te trailer"
    " webhook-id webhook-timestamp webhook-signature idempotency-key x-request-id accept keep-alive".split()
)
"""Headers that say how the message is sent or who vouches for it: ours to set."""
Parse = Callable[[str, Sequence[tuple[str, str]]], Query]


@dataclass(frozen=True, slots=True)
class Offer:
    """What this gateway will honour. `parse` reads searches by the published parameters; `cleared` are the principals
    to whom whole resources may be sent; `mail` whether e-mail can be sent."""

    parse: Parse
    clock: Clock
    endpoints: Endpoints = field(default_factory=Endpoints)
    cleared: frozenset[str] = frozenset()
    mail: bool = False

    def issues(self, subscription: Json, *, principal: str) -> list[Issue]:
        """Everything for which it is refused. The profile was checked before, so shapes can be relied on."""
        channel = subscription["channel"]
        return [
            *_foreign(subscription),
            *self._criteria(subscription),
            *self._channel(channel),
            *self._payload(channel, principal),
            *_pace(channel),
            *self._end(subscription),
        ]

    def conditions(self, subscription: Json) -> tuple[Topic, list[Condition]]:
        """The topic and all that a change must meet; BadRequest when a filter cannot be honoured."""
        topic = topic_of(subscription["criteria"])
        if topic is None:
            raise BadRequest("The topic is not known here.")
        where = list(self.parse(topic.type, topic.criteria).where)
        for text in filters(subscription):
            where += self._filter(text, topic)
        return topic, where

    def matcher(self, subscription: Json) -> Callable[[Change], bool]:
        """Which changes are events of it; compiled once."""
        topic, where = self.conditions(subscription)
        methods = {{"create": "POST", "update": "PUT"}[one] for one in topic.interactions}
        end = datetime.fromisoformat(subscription["end"]) if "end" in subscription else None
        return lambda change: (
            change.type == topic.type
            and change.method in methods
            and (end is None or change.at < end)
            and meets(where, change)
        )

    def _criteria(self, subscription: Json) -> Iterator[Issue]:
        topic = topic_of(subscription["criteria"])
        if topic is None:
            yield _refused("This topic is not offered: see the CapabilityStatement.", "criteria", "unknown-topic")
            return
        for at, text in enumerate(filters(subscription)):
            try:
                self._filter(text, topic)
            except BadRequest as error:
                place = f"criteria.extension[{at}]"
                yield from (_refused(issue.message, place, "filter") for issue in error.issues)

    def _filter(self, text: str, topic: Topic) -> Sequence[Condition]:
        type, mark, rest = text.partition("?")
        if not mark:
            type, rest = topic.type, text
        if type != topic.type:
            raise BadRequest(f"This topic is about {topic.type}: its filters cannot ask for another type.")
        asked = pairs(rest)
        if not asked:
            raise BadRequest("A filter is parameter=value or Type?parameter=value.")
        if any(name.partition(":")[0].partition(".")[0] not in topic.filters for name, _ in asked):
            raise BadRequest(f"This topic is filtered by {', '.join(sorted(topic.filters))} only.")
        found = self.parse(type, asked).where
        if any(isinstance(one, Chain | Reverse) or _composite(one) for one in found):
            raise BadRequest("A filter looks at the resource itself: it cannot follow references.")
        return found

    def _channel(self, channel: Json) -> Iterator[Issue]:
        type, endpoint = channel["type"], channel.get("endpoint", "")
        custom = extension_value(channel.get("_type"), BACKPORT + "channel-type")
        if custom is not None or type not in ("rest-hook", *(["email"] if self.mail else [])):
            offered = "rest-hook and email" if self.mail else "rest-hook"
            yield _refused(f"The channels offered are {offered}.", "channel.type", "channel-type")
        elif type == "email":
            if mail_address(endpoint) is None:
                yield _refused("The endpoint is not one address, mailto:name@host.", "channel.endpoint", "endpoint")
        else:
            for what in self.endpoints.wrong(endpoint):
                yield _refused(f"The endpoint {what}.", "channel.endpoint", "endpoint")
        for at, header in enumerate(channel.get("header", ())):
            found = _HEADER.fullmatch(header)
            if found is None or found["name"].lower() in _OURS:
                message = "A header is 'Name: value' in ASCII, and not one that the gateway sets itself."
                yield _refused(message, f"channel.header[{at}]", "header")

    def _payload(self, channel: Json, principal: str) -> Iterator[Issue]:
        mail = channel["type"] == "email"
        offered = MAIL_MIME if mail else MIME
        if channel["payload"] not in offered:
            yield _refused(f"The payload types offered are {', '.join(offered)}.", "channel.payload", "payload-type")
        content = content_of(channel)
        if content not in CONTENTS:
            yield _refused(f"The content is one of {', '.join(CONTENTS)}.", "channel.payload", "payload-type")
        if content == "full-resource" and mail:
            message = "E-mail carries nobody's data: ask for empty or id-only."
            yield _refused(message, "channel.payload", "payload-combination")
        elif content == "full-resource" and principal not in self.cleared:
            message = "Whole resources are sent to those only whom the operator has cleared: ask for id-only."
            yield _refused(message, "channel.payload", "payload-combination")

    def _end(self, subscription: Json) -> Iterator[Issue]:
        if "end" not in subscription:
            return
        try:
            passed = datetime.fromisoformat(subscription["end"]) <= self.clock()
        except ValueError:
            yield _refused("The end is no moment of the clock (a leap second).", "end", "end")
        else:
            if passed:
                yield _refused("The end has passed already.", "end", "end")


def _composite(condition: Condition) -> bool:
    return isinstance(condition, Is) and any(isinstance(value, Together) for value in condition.values)


def filters(subscription: Json) -> list[str]:
    """The filter criteria as written; all must be met."""
    return [str(one) for one in extension_values(subscription.get("_criteria"), BACKPORT + "filter-criteria")]


def content_of(channel: Json) -> Content:
    """How much is told of each event."""
    found: Content = extension_value(channel.get("_payload"), BACKPORT + "payload-content")
    return found


def headers_of(channel: Json) -> dict[str, str]:
    """The HTTP headers that the subscriber wants with each notification."""
    found = (_HEADER.fullmatch(text) for text in channel.get("header", ()))
    return {one["name"]: one["value"] for one in found if one}


def number_of(channel: Json, name: str) -> int | None:
    """heartbeat-period, timeout or max-count, where it is said."""
    found: int | None = extension_value(channel, BACKPORT + name)
    return found


def _pace(channel: Json) -> Iterator[Issue]:
    period = number_of(channel, "heartbeat-period")
    if period is not None and period < SHORTEST_HEARTBEAT:
        message = f"A heartbeat comes every {SHORTEST_HEARTBEAT} seconds at most."
        yield _refused(message, "channel", "heartbeat")
    if number_of(channel, "timeout") == 0:
        yield _refused("No answer can come within 0 seconds.", "channel", "timeout")


def _foreign(subscription: Json) -> Iterator[Issue]:
    """Extensions that ask for what is not done here."""
    channel = subscription["channel"]
    elements = {
        "": subscription,
        "criteria": subscription.get("_criteria"),
        "channel": channel,
        "type": channel.get("_type"),
        "payload": channel.get("_payload"),
    }
    for name, element in elements.items():
        known = {BACKPORT + one for one in KNOWN.get(name, ())}
        for one in (element or {}).get("extension", ()):
            place = {"": "", "criteria": "criteria", "channel": "channel"}.get(name, f"channel.{name}")
            if _CROSS.match(str(one.get("url"))):
                message = "Elements of other FHIR versions are not honoured: use the backport's own extensions."
                yield _refused(message, place, "cross-version")
            elif name and one.get("url") not in known:
                yield _refused("This extension is not honoured here.", place, "extension")


def _refused(message: str, place: str, rule: str) -> Issue:
    code = "not-supported" if rule in ("unknown-topic", "cross-version", "channel-type", "payload-type") else "value"
    return Issue("error", code, message, f"Subscription.{place}".rstrip("."), f"subscription-{rule}")
