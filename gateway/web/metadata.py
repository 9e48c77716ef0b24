"""FHIR capabilities: what this server really does, put together from its routes. https://hl7.org/fhir/R4/http.html#capabilities"""

from __future__ import annotations

from collections.abc import Mapping, Set

from flask import Response, current_app

from gateway.ports import Json
from gateway.subscriptions.topics import TOPICS
from gateway.usecases.published import SEARCHED, TYPES
from gateway.web import answers
from gateway.web.context import View, Web
from gateway.web.formats import wanted

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/"
TOPIC = f"{BACKPORT}StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
SUBSCRIPTION = ("create", "read", "vread", "update", "history-instance", "search-type")
"""Interactions of Subscription."""
DEFINITION = ("read", "search-type")
"""Interactions of our own definitions."""
INTERACTIONS: Mapping[str, str] = {  # name of a route -> interaction of a type
    "create": "create",
    "read": "read",
    "vread": "vread",
    "update": "update",
    "history": "history-instance",
    "search": "search-type",
}
SYSTEM: Mapping[str, tuple[str, ...]] = {"transaction": ("transaction", "batch")}
OPERATIONS: Mapping[str, tuple[str, str]] = {  # name of a route -> operation and its definition
    "validate_type": ("validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate"),
    "status": ("status", f"{BACKPORT}OperationDefinition/backport-subscription-status"),
    "events": ("events", f"{BACKPORT}OperationDefinition/backport-subscription-events"),
    "convert": ("convert", "https://ecm-gateway.example/fhir/OperationDefinition/convert"),
}


def metadata(web: Web) -> View:
    """GET [base]/metadata"""

    def view() -> Response:
        format = wanted()
        names = {rule.endpoint.partition(" ")[0] for rule in current_app.url_map.iter_rules()}
        return answers.public(capability_statement(web, names), format=format)

    return view


def capability_statement(web: Web, offered: Set[str]) -> Json:
    """The CapabilityStatement of a server with routes of these names."""
    services = web.services
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{web.base}/metadata",
        "version": web.release,
        "name": "EcmGateway",
        "title": "Enhanced Care Management gateway",
        "status": "active",
        "date": services.started.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "ecm-gateway", "version": web.release},
        "implementation": {"description": "Enhanced Care Management gateway", "url": web.base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"] + (["xml", "application/fhir+xml"] if web.xml.write else []),
        "implementationGuide": list(services.guides),
        "rest": [
            {
                "mode": "server",
                "documentation": "Search by POST [type]/_search keeps what is said of a person out of addresses.",
                "resource": [
                    *(_resource(type, offered, web) for type in sorted(services.types)),
                    *([_subscription(web)] if services.offer is not None else []),
                    *(_definition(type, web) for type in TYPES),
                ],
                "interaction": [{"code": code} for name in SYSTEM if name in offered for code in SYSTEM[name]],
                "operation": [_operation(name) for name in OPERATIONS if name in offered and name == "convert"],
            }
        ],
    }


def _resource(type: str, offered: Set[str], web: Web) -> Json:
    profiles = web.services.profiles(type)
    searching = web.services.search.capabilities(type)
    return {
        "type": type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type}",
        **({"supportedProfile": list(profiles)} if profiles else {}),
        "interaction": [{"code": INTERACTIONS[name]} for name in INTERACTIONS if name in offered],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": "conditional_update" in offered,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical"] + (["enforced"] if web.services.check_references else []),
        **{name: listed for name, listed in searching.items() if listed},
        "operation": [_operation("validate_type")],
    }


def _subscription(web: Web) -> Json:
    """Subscription, with the topics that can be subscribed to."""
    return {
        "extension": [{"url": TOPIC, "valueCanonical": f"{one.url}|{one.version}"} for one in TOPICS.values()],
        "type": "Subscription",
        "profile": "http://hl7.org/fhir/StructureDefinition/Subscription",
        "supportedProfile": [f"{BACKPORT}StructureDefinition/backport-subscription|1.1.0"],
        "documentation": "Everyone sees their own only. Channels: rest-hook, and email where it is configured.",
        "interaction": [{"code": code} for code in SUBSCRIPTION],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "searchParam": web.services.search.capabilities("Subscription")["searchParam"],
        "operation": [_operation("status"), _operation("events")],
    }


def _definition(type: str, web: Web) -> Json:
    """One type of our own definitions: served, never taken."""
    listed = [one for one in web.services.search.capabilities(type)["searchParam"] if one["name"] in SEARCHED]
    return {
        "type": type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "documentation": "The definitions of this gateway's own, of its release: read only.",
        "interaction": [{"code": code} for code in DEFINITION],
        "versioning": "no-version",
        "conditionalRead": "not-match",
        "searchParam": listed,
    }


def _operation(name: str) -> Json:
    code, definition = OPERATIONS[name]
    return {"name": code, "definition": definition}
