"""Every address that is served: the table of contents of this room. docs/api.md describes them, and a test compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.web import definitions, health, hooks, outbox, subscriptions, validate
from gateway.web.context import View, Web
from gateway.web.convert import convert
from gateway.web.create import create
from gateway.web.doors import care_plan, care_team, referral, referral_change
from gateway.web.files import receive_file
from gateway.web.forward import forward
from gateway.web.history import history
from gateway.web.loops import loops
from gateway.web.metadata import metadata
from gateway.web.parameters import asks_nothing
from gateway.web.read import read
from gateway.web.search import search, search_post
from gateway.web.transaction import transaction
from gateway.web.update import conditional_update, update
from gateway.web.vread import vread


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its method, its rule, its name, and what makes its view."""

    method: str
    rule: str
    name: str
    make: Callable[[Web], View]


ROUTES = (
    Route("GET", "/fhir/metadata", "metadata", metadata),
    Route("POST", "/fhir", "transaction", asks_nothing(transaction)),
    Route("POST", "/fhir/", "transaction", asks_nothing(transaction)),
    Route("POST", "/fhir/<data:type>", "create", asks_nothing(create)),
    Route("POST", "/fhir/Subscription", "create_subscription", subscriptions.create),
    Route("GET", "/fhir/Subscription", "search_subscription", subscriptions.search),
    Route("POST", "/fhir/Subscription/_search", "search_post_subscription", subscriptions.search_post),
    Route("GET", "/fhir/Subscription/<id>", "read_subscription", subscriptions.read),
    Route("PUT", "/fhir/Subscription/<id>", "update_subscription", subscriptions.update),
    Route("GET", "/fhir/Subscription/<id>/_history", "history_subscription", subscriptions.history),
    Route("GET", "/fhir/Subscription/<id>/_history/<version>", "vread_subscription", subscriptions.vread),
    Route("GET", "/fhir/Subscription/$status", "status_type", subscriptions.status_type),
    Route("POST", "/fhir/Subscription/$status", "status_type_post", subscriptions.status_type),
    Route("GET", "/fhir/Subscription/<id>/$status", "status", subscriptions.status),
    Route("POST", "/fhir/Subscription/<id>/$status", "status", subscriptions.status),
    Route("GET", "/fhir/Subscription/<id>/$events", "events", subscriptions.events),
    Route("POST", "/fhir/Subscription/<id>/$events", "events", subscriptions.events),
    Route("GET", "/fhir/<definition:type>", "search_definition", definitions.search),
    Route("POST", "/fhir/<definition:type>/_search", "search_post_definition", definitions.search_post),
    Route("GET", "/fhir/<definition:type>/<id>", "read_definition", definitions.read),
    Route("GET", "/fhir/<data:type>", "search", search),
    Route("POST", "/fhir/<data:type>/_search", "search_post", search_post),
    Route("PUT", "/fhir/<data:type>", "conditional_update", conditional_update),
    Route("GET", "/fhir/<data:type>/<id>", "read", read),
    Route("PUT", "/fhir/<data:type>/<id>", "update", asks_nothing(update)),
    Route("GET", "/fhir/<type>/<id>/_history", "history", history),
    Route("GET", "/fhir/<type>/<id>/_history/<version>", "vread", vread),
    Route("POST", "/fhir/<type>/$validate", "validate_type", validate.validate_type),
    Route("POST", "/fhir/<type>/<id>/$validate", "validate_instance", validate.validate_instance),
    Route("GET", "/fhir/<type>/<id>/$validate", "validate_instance", validate.validate_instance),
    Route("POST", "/fhir/$convert", "convert", convert),
    Route("POST", "/hooks/<partner>", "receive_hook", hooks.receive),
    Route("PUT", "/hooks/<partner>/<type>/<id>", "receive_hook_update", hooks.receive),
    Route("POST", "/referrals", "receive_referral", asks_nothing(referral)),
    Route("POST", "/referrals/<id>/forward", "forward_referral", asks_nothing(forward)),
    Route("POST", "/referral-changes", "change_referral", asks_nothing(referral_change)),
    Route("POST", "/care-plans", "publish_care_plan", asks_nothing(care_plan)),
    Route("POST", "/care-teams", "change_care_team", asks_nothing(care_team)),
    Route("GET", "/loops", "loops", loops),
    Route("GET", "/outbox", "list_outbox", outbox.listed),
    Route("GET", "/outbox/<id>", "show_delivery", asks_nothing(outbox.one)),
    Route("POST", "/outbox/<id>/retry", "retry_delivery", asks_nothing(outbox.retry)),
    Route("POST", "/outbox/<id>/drop", "drop_delivery", asks_nothing(outbox.drop)),
    Route("POST", "/files/<partner>/<kind>", "receive_file", asks_nothing(receive_file)),
    Route("GET", "/health/live", "live", health.live),
    Route("GET", "/health/ready", "ready", health.ready),
)
