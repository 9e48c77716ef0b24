"""What comes in by a door, read and mapped: the resources to keep, and what has to be said about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.domain.criteria import CriteriaTables, assess
from gateway.domain.dates import PACIFIC
from gateway.domain.member import Organization
from gateway.domain.referral import Referral
from gateway.doors.readers import Readers
from gateway.doors.reading import Reading
from gateway.errors import GatewayError, Issue, NotFound, Unmappable
from gateway.mapping import care_plan, care_team, criteria, referral, stated_on
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids
from gateway.ports import Caller, Clock, Json

MAPPERS: Mapping[str, Callable[..., Json]] = {
    "referral": referral.to_fhir,
    "care-plan": care_plan.to_fhir,
    "care-team": care_team.to_fhir,
}
"""Kind of record -> the function that makes a transaction Bundle of it."""
KINDS = tuple(MAPPERS)


@dataclass(frozen=True, slots=True)
class Intaken:
    """One record mapped: its resources, the one it is about first.

    `once` are those (`Type/id`) that are written only if they are not kept yet. `remarks` are warnings and information
    (criteria not shown, overlapping programs, what was not carried): they never stop a record.
    """

    resources: Sequence[Json]
    once: frozenset[str] = frozenset()
    remarks: Sequence[Issue] = ()
    day: date | None = None
    """The day that the facts are of."""

    @property
    def main(self) -> Json:
        return self.resources[0]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record that is news of something kept here: what it means depends on what is kept."""

    record: Any
    context: Context
    remarks: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as a spreadsheet shows it, and what it was mapped to or why not."""

    number: int
    result: Intaken | Recorded | GatewayError


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads and maps what comes in; made once by wiring."""

    readers: Readers
    criteria: CriteriaTables
    clock: Clock
    id_key: bytes
    operator: Organization
    plan_names: Mapping[str, str]

    def document(self, value: Any, *, kind: str, source: bytes, caller: Caller) -> Intaken:
        """The record in `value`, JSON of the gateway's own schema read from the bytes `source`; else Unmappable."""
        if kind not in MAPPERS:
            raise NotFound("There is no record of this kind.")
        today = self._today()
        reading = self.readers.json(kind).read_value(value, source=source, today=today)
        digest = hashlib.sha256(source).hexdigest()
        return self._mapped(reading, kind, Source(f"{kind}.json", digest, "application/json"), caller, today=today)

    def record(self, value: Any, *, kind: str, source: bytes, caller: Caller) -> Recorded:
        """The record in `value` as it is, for news (`referral-change`); else Unmappable."""
        reading = self.readers.json(kind).read_value(value, source=source, today=self._today())
        digest = hashlib.sha256(source).hexdigest()
        return self._recorded(reading, Source(f"{kind}.json", digest, "application/json"), caller)

    def file(self, data: bytes, *, partner: str, kind: str, caller: Caller) -> tuple[list[Row], tuple[Issue, ...]]:
        """The rows of a partner's file in order, and what there is to say of the file itself.

        Raises what the door raises for a file that cannot be read as a whole.
        """
        today = self._today()
        file = self.readers.table(partner, kind).read(data, today=today)
        digest = hashlib.sha256(data).hexdigest()
        return list(self._rows(file.rows, partner, kind, digest, caller, today)), file.issues

    def _rows(
        self, rows: Sequence[Reading[Any]], partner: str, kind: str, digest: str, caller: Caller, today: date
    ) -> Iterator[Row]:
        for reading in rows:
            source = Source(f"{partner}/{kind}.csv", digest, "text/csv", reading.number)
            try:
                if kind in MAPPERS:
                    yield Row(reading.number, self._mapped(reading, kind, source, caller, today=today))
                else:
                    yield Row(reading.number, self._recorded(reading, source, caller))
            except Unmappable as error:
                yield Row(reading.number, error)

    def _mapped(self, reading: Reading[Any], kind: str, source: Source, caller: Caller, *, today: date) -> Intaken:
        record = reading.require()
        context = self._context(source, caller)
        bundle = MAPPERS[kind](record, context=context)
        entries = bundle["entry"]
        once = frozenset(e["request"]["url"] for e in entries if e["request"].get("ifNoneMatch") == "*")
        remarks = [*reading.issues, *_not_carried(reading), *self._assessed(record, today)]
        return Intaken([entry["resource"] for entry in entries], once, remarks, stated_on.day_of(record, today=today))

    def context(self, caller: Caller) -> Context:
        """What a mapper needs where this gateway itself is the source."""
        return self._context(Source("gateway", "0" * 64, "application/json"), caller)

    def _recorded(self, reading: Reading[Any], source: Source, caller: Caller) -> Recorded:
        return Recorded(reading.require(), self._context(source, caller), [*reading.issues, *_not_carried(reading)])

    def _context(self, source: Source, caller: Caller) -> Context:
        return Context(
            ids=Ids(caller.tenant, self.id_key),
            now=self.clock(),
            source=source,
            operator=self.operator,
            plan_names=self.plan_names,
        )

    def _assessed(self, record: Any, today: date) -> Iterator[Issue]:
        """What the criteria and overlap tables say of a referral; it never stops one."""
        if not isinstance(record, Referral) or record.service is not None:
            return
        yield from criteria.remarks(assess(record, self.criteria, on=record.authored or today))

    def _today(self) -> date:
        """The day in California, where the referrals' working days are counted."""
        return self.clock().astimezone(PACIFIC).date()


def _not_carried(reading: Reading[Any]) -> Iterator[Issue]:
    for name in reading.not_carried:
        yield Issue(
            "information", "informational", f"'{name}' has no place here and was not carried.", name, "not-carried"
        )
