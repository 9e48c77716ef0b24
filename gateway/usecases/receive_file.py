"""Receive a partner's file: every row is taken in or refused by itself, and every row is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.errors import GatewayError, Trouble
from gateway.fhir.outcome import outcome
from gateway.ports import Caller
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.usecases.answered import response_of, response_to
from gateway.usecases.change_referral import take_in
from gateway.usecases.intake import Recorded, Row
from gateway.usecases.keep_mapped import keep_mapped
from gateway.usecases.services import Services


@dataclass(frozen=True, slots=True)
class FileReport:
    """How many rows were read, kept anew or changed, known already, and refused; and the answer that may leave."""

    rows: int
    kept: int
    same: int
    refused: int
    disclosed: Disclosed


def receive_file(data: bytes, caller: Caller, *, partner: str, kind: str, services: Services, base: str) -> FileReport:
    """Read the file by the partner's table and keep its rows one by one.

    The answer is a batch-response with one entry a row, in the file's order. A fault of the file as a whole (a missing
    column) raises, and nothing is kept; a database that fails raises too, and what was kept before stays.
    """
    rows, about = services.intake.file(data, partner=partner, kind=kind, caller=caller)
    report = {"kept": 0, "same": 0, "refused": 0}
    keep = partial(_keep, caller=caller, kind=kind, services=services, base=base, report=report)
    entries = [keep(row) for row in rows]
    if about:
        entries.append(Entry({"response": {"status": "200 OK", "outcome": outcome(about)}}))
    head = {"resourceType": "Bundle", "type": "batch-response"}
    note = partial(services.store.note, caller)
    shown = disclose(Collected(head, entries), caller=caller, note=note, event=f"file.{kind}", action="E")
    return FileReport(len(rows), report["kept"], report["same"], report["refused"], shown)


def _keep(row: Row, *, caller: Caller, kind: str, services: Services, base: str, report: dict[str, int]) -> Entry:
    place = f"urn:ecm-gateway:row:{row.number}"
    try:
        if isinstance(row.result, GatewayError):
            raise row.result
        if isinstance(row.result, Recorded):
            done = take_in(row.result, caller, services=services, base=base)
        else:
            done = keep_mapped(row.result, caller, services=services, base=base, event=kind)
    except Trouble:
        raise
    except GatewayError as error:
        report["refused"] += 1
        return Entry({"fullUrl": place, "response": response_of(error)})
    report["kept" if done.changed else "same"] += 1
    response = response_to(done.main, created=done.created)
    if row.result.remarks:
        response["outcome"] = outcome(row.result.remarks)
    return Entry({"fullUrl": place, "response": response})
