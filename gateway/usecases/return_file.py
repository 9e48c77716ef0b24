"""Write a plan's return file: where each of its referrals stands, one row a loop, in the plan's own columns.

What is in a row has left through `disclose` with the plan as its recipient, and nothing else is in it. A referral is
reported while it is open, and in the month in which it was closed. docs/closed-loop.md
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import CLOSED
from gateway.errors import BadRequest, Forbidden, Issue, NotFound, Unmappable
from gateway.fhir import codec
from gateway.mapping import loop, systems
from gateway.mapping import task as task_mapping
from gateway.mapping.return_layout import ReturnLayout
from gateway.mapping.return_row import FIELDS, Facts
from gateway.ports import Caller, Kept
from gateway.trust.disclosure import Collected, Entry, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.every_match import every
from gateway.usecases.loops import grouped
from gateway.usecases.named_loop import asked_for, plan_of
from gateway.usecases.references import relative, texts
from gateway.usecases.services import Services, Subscriber
from gateway.usecases.standing import Outside, Standing

EVENT = "return-file"
_DEPTH = 3
"""How far references are followed: Task, request, coverage, plan; team, role, person."""
_RISKY = ("=", "@", "\t", "+", "-")
"""A cell that begins so is a formula to a spreadsheet, unless it is a number."""


@dataclass(frozen=True, slots=True)
class ReturnFile:
    """The file's bytes, how many rows it has, and why a referral (by its Task) is not among them."""

    data: bytes
    rows: int
    refused: Sequence[Issue]


def return_file(partner: str, caller: Caller, *, month: str, services: Services) -> ReturnFile:
    """The file of a month (`2026-03`) as of now. NotFound for a partner without a layout, BadRequest for no month."""
    permit(caller, action="R", type="Task", store=services.store)
    layout = services.intake.readers.returns.get(partner)
    if layout is None:
        raise NotFound("There is no return file for this partner: mappings/partners/<partner>/partner.toml [return].")
    first = _first_day(month)
    today = services.clock().astimezone(PACIFIC).date()
    rows: list[list[str]] = []
    refused: list[Issue] = []
    for task in _reported(layout, first, caller, services):
        try:
            facts = _disclosed(task, layout, caller, services, today=today, month=month)
            rows.append(_cells(facts, layout))
        except (Unmappable, Forbidden) as error:
            refused.append(Issue("error", "processing", error.issues[0].message, task.reference, "return-row"))
    data = _written([column.header for column in layout.columns], rows, layout)
    return ReturnFile(data, len(rows), refused)


def _first_day(month: str) -> date:
    try:
        if len(month) == 7:
            return date.fromisoformat(f"{month}-01")
    except ValueError:
        pass
    raise BadRequest(issues=[Issue("error", "value", "The month is YYYY-MM.", "month", "return-month")])


def _reported(layout: ReturnLayout, first: date, caller: Caller, services: Services) -> Iterator[Kept]:
    """One Task a loop of the plan for the file's service: open ones, and those closed in the month."""
    kept = Outside(services.store, caller)
    query = services.search.parse("Task", [("code", "fulfill"), ("_sort", "_id")])
    found = [one for one in every(query, partial(services.store.search, caller)) if _counts(content(one), first)]
    for group in grouped(found, kept):
        open_ = [one for one in group if content(one)["status"] not in CLOSED]
        chosen = min(open_ or group, key=lambda one: (one.id != loop.group_of(content(one)), one.id))
        asked = asked_for(content(chosen), kept)
        if asked == layout.service and plan_of(content(chosen), kept) == layout.plan:
            yield chosen


def _counts(task: dict[str, object], first: date) -> bool:
    if not loop.is_referral_task(task) or task.get("partOf") or task["status"] in ("draft", "entered-in-error"):
        return False
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    received = task_mapping.received_from(task)
    begun = received.astimezone(PACIFIC).date() if received else loop.day_begun(task)
    if begun >= following:
        return False
    ended = loop.loop_of(task).since.astimezone(PACIFIC).date()
    return task["status"] not in CLOSED or first <= ended < following


def _disclosed(
    task: Kept, layout: ReturnLayout, caller: Caller, services: Services, *, today: date, month: str
) -> Facts:
    """The referral's resources as the plan may have them; Forbidden where it has no standing."""
    plan = Subscriber(layout.partner, organizations=frozenset([f"{systems.PLAN}|{layout.plan}"]))
    standing = Standing(Outside(services.store, caller), services.clock())
    disclosed = disclose(
        Collected(
            {"resourceType": "Bundle", "type": "collection"}, [Entry({}, one) for one in _along(task, caller, services)]
        ),
        caller=caller,
        note=partial(services.store.note, caller),
        event=EVENT,
        recipient=layout.partner,
        focus=task,
        standing=partial(standing.may_have, plan),
    )
    listed = [entry["resource"] for entry in codec.read(disclosed.body).get("entry", ())]
    by_name = {f"{one['resourceType']}/{one['id']}": one for one in listed}
    return Facts(by_name.pop(task.reference), by_name, today, month)


def _along(task: Kept, caller: Caller, services: Services) -> list[Kept]:
    """The Task, what it refers to, and the member's care team with what that refers to."""
    found = {task.reference: task}
    member = (content(task).get("for") or {}).get("reference", "")
    if relative(member):
        teams = every(
            services.search.parse("CareTeam", [("patient", member), ("_sort", "status")]),
            partial(services.store.search, caller),
        )
        live = [one for one in teams if content(one)["status"] in ("active", "suspended", "proposed", "inactive")]
        order = ("active", "suspended", "proposed", "inactive")
        live.sort(key=lambda one: (order.index(content(one)["status"]), one.id))
        found |= {one.reference: one for one in live[:1]}
    ahead = list(found.values())
    for _ in range(_DEPTH):
        names = {target for one in ahead for text in texts(content(one)) if (target := relative(text))}
        ahead = [
            kept
            for type, id in sorted(names)
            if f"{type}/{id}" not in found
            and type in services.types
            and (kept := services.store.read(caller, type, id)) is not None
            and not kept.deleted
        ]
        found |= {one.reference: one for one in ahead}
    return list(found.values())


def _cells(facts: Facts, layout: ReturnLayout) -> list[str]:
    """The cells of a row; Unmappable for what the plan's encoding or words do not have."""
    cells = []
    for column in layout.columns:
        cell = column.cell(_value(column.field, facts))
        try:
            cell.encode(layout.encoding)
        except UnicodeEncodeError:
            raise Unmappable(f"Column '{column.header}': {layout.encoding} does not have a letter of it.") from None
        cells.append(cell)
    return cells


def _value(field: str, facts: Facts) -> str | date | None:
    return FIELDS[field][1](facts) if field else None


def _written(headers: Sequence[str], rows: Sequence[Sequence[str]], layout: ReturnLayout) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delimiter, quotechar=layout.quote, lineterminator="\r\n")
    writer.writerows([headers, *([_harmless(cell) for cell in row] for row in rows)])
    return text.getvalue().encode(layout.encoding)


def _harmless(cell: str) -> str:
    """The cell, disarmed where a spreadsheet would run it."""
    risky = len(cell) > 1 and cell.startswith(_RISKY) and not cell[1:].replace(".", "", 1).isdecimal()
    return f"'{cell}" if risky else cell
