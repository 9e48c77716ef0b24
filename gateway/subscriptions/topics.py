"""The topics that can be subscribed to: which changes are events, by what they may be filtered, what comes along.

R4 has no SubscriptionTopic resource; a topic is a canonical address known beforehand, advertised in the
CapabilityStatement. Criteria are searches, ANDed, that the version just kept must meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Interaction = Literal["create", "update"]
_OWN = "https://ecm-gateway.example/fhir/SubscriptionTopic"
_GRAVITY = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `context` names elements of the focus whose targets are told along with it."""

    url: str
    version: str
    type: str
    interactions: frozenset[Interaction]
    filters: frozenset[str]
    criteria: tuple[tuple[str, str], ...] = ()
    context: tuple[str, ...] = ()


_BOTH: frozenset[Interaction] = frozenset(["create", "update"])

TOPICS: Mapping[str, Topic] = {
    topic.url: topic
    for topic in (
        Topic(
            f"{_GRAVITY}/Task",
            "3.0.0",
            "Task",
            _BOTH,
            frozenset(["_lastUpdated", "code", "owner", "requester", "status"]),
            (("status:not", "draft"), ("intent", "order")),
            ("focus",),
        ),
        Topic(  # the guide's own spelling
            f"{_GRAVITY}/Servicerequest",
            "3.0.0",
            "ServiceRequest",
            frozenset(["update"]),
            frozenset(["_lastUpdated", "_id"]),
        ),
        Topic(
            f"{_OWN}/service-request",
            "1.0.0",
            "ServiceRequest",
            _BOTH,
            frozenset(["_lastUpdated", "_id", "patient", "status", "code", "category", "requester", "performer"]),
        ),
        Topic(
            f"{_OWN}/care-plan",
            "1.0.0",
            "CarePlan",
            _BOTH,
            frozenset(["_lastUpdated", "_id", "patient", "status", "category", "care-team"]),
        ),
        Topic(
            f"{_OWN}/care-team",
            "1.0.0",
            "CareTeam",
            _BOTH,
            frozenset(["_lastUpdated", "_id", "patient", "status", "participant"]),
        ),
    )
}
"""By canonical address."""


def topic_of(canonical: str) -> Topic | None:
    """The topic that a canonical names (`url` or `url|version`); None for another, or another version."""
    url, mark, version = canonical.partition("|")
    topic = TOPICS.get(url)
    return None if topic is None or (mark and version != topic.version) else topic
