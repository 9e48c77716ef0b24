"""Batch: do each entry of a Bundle on its own. https://hl7.org/fhir/R4/http.html#brules"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.errors import GatewayError, Issue
from gateway.ports import Caller, Json
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.usecases.answered import answered_write, response_of
from gateway.usecases.bundle_entries import Step, steps_of
from gateway.usecases.create import create
from gateway.usecases.keep import Written, within
from gateway.usecases.read import current
from gateway.usecases.search import found
from gateway.usecases.services import Services
from gateway.usecases.transaction import answered_read
from gateway.usecases.update import conditional_update, update


def batch(bundle: Json, caller: Caller, *, services: Services, base: str, full: bool = False) -> Disclosed:
    """Do each entry in its own transaction and answer each with its own status; a failure stops no other entry."""
    steps = steps_of(bundle, services=services, base=base)
    do = partial(_done, caller=caller, services=services, base=base, full=full)
    head = {"resourceType": "Bundle", "type": "batch-response"}
    collected = Collected(head, [_tried(step, do) for step in steps])
    return disclose(collected, caller=caller, note=partial(services.store.note, caller), event="batch", action="E")


def _tried(step: Step | GatewayError, do: Callable[[Step], Entry]) -> Entry:
    if isinstance(step, GatewayError):
        return _failed(step)
    try:
        return do(step)
    except GatewayError as error:
        return _failed(error, step)


def _failed(error: GatewayError, step: Step | None = None) -> Entry:
    issues = [_placed(issue, step) for issue in error.issues] if step else None
    return Entry({"response": response_of(error, issues=issues)})


def _placed(issue: Issue, step: Step) -> Issue:
    if step.resource is None:
        return issue.but(expression=step.at)
    return within(issue, at=step.at, type=step.type)


def _done(step: Step, *, caller: Caller, services: Services, base: str, full: bool) -> Entry:
    if step.method == "GET" and step.id is None:
        answer = partial(services.store.search, caller)
        inner = found(caller, step.type, step.query, services=services, base=base, answer=answer)
        return Entry({"response": {"status": "200 OK"}}, collected=inner)
    if step.method == "GET":
        kept = current(caller, step.type, str(step.id), services=services, version=step.version)
        return answered_read(kept, step, services=services, base=base)
    resource = step.resource or {}
    if step.method == "POST":
        written = create(resource, caller, type=step.type, services=services, unless=step.asked.unless)
    elif step.asked.once and (there := services.store.read(caller, step.type, str(step.id))) and not there.deleted:
        written = Written(there, created=False, changed=False)
    elif step.id is not None:
        written = update(resource, caller, type=step.type, id=step.id, services=services, condition=step.asked.update)
    else:
        written = conditional_update(
            resource, caller, type=step.type, where=step.query, services=services, condition=step.asked.update
        )
    return answered_write(written, base=base, full=full)
