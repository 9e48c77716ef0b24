"""Convert: map and check a document, keep nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import GatewayError, NotFound
from gateway.fhir.outcome import outcome
from gateway.ports import Caller, Json
from gateway.trust.disclosure import Disclosed, disclose
from gateway.trust.policy import permit
from gateway.usecases.intake import KINDS, Intaken, Row
from gateway.usecases.keep_mapped import issues_of
from gateway.usecases.services import Services


def convert_document(
    value: Any, caller: Caller, *, kind: str, source: bytes, services: Services, base: str
) -> Disclosed:
    """The transaction Bundle that a referral, care plan or care team of the gateway's own schema would be kept as."""
    permit(caller, action="E", type="Bundle", store=services.store)
    mapped = services.intake.document(value, kind=kind, source=source, caller=caller)
    entries = _entries(mapped, base=base)
    if found := [*mapped.remarks, *issues_of(mapped.resources, services.validator.check)]:
        entries.append({"resource": outcome(found)})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return disclose(bundle, caller=caller, note=partial(services.store.note, caller), event="convert", action="E")


def convert_file(data: bytes, caller: Caller, *, partner: str, kind: str, services: Services, base: str) -> Disclosed:
    """A collection of what each row would be kept as: one Bundle a row, or the OperationOutcome that says why not."""
    permit(caller, action="E", type="Bundle", store=services.store)
    if kind not in KINDS:
        raise NotFound("There is nothing to convert news of a referral into: it changes what is kept.")
    rows, about = services.intake.file(data, partner=partner, kind=kind, caller=caller)
    entries = [_row(row, services=services, base=base) for row in rows]
    if about:
        entries.append({"resource": outcome(about)})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return disclose(bundle, caller=caller, note=partial(services.store.note, caller), event="convert", action="E")


def _row(row: Row, *, services: Services, base: str) -> Json:
    place = f"urn:ecm-gateway:row:{row.number}"
    if isinstance(row.result, GatewayError):
        return {"fullUrl": place, "resource": outcome(row.result.issues)}
    assert isinstance(row.result, Intaken)
    entries = _entries(row.result, base=base)
    if found := [*row.result.remarks, *issues_of(row.result.resources, services.validator.check)]:
        entries.append({"resource": outcome(found)})
    return {"fullUrl": place, "resource": {"resourceType": "Bundle", "type": "collection", "entry": entries}}


def _entries(mapped: Intaken, *, base: str) -> list[Json]:
    return [
        {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", "resource": resource}
        for resource in mapped.resources
    ]
