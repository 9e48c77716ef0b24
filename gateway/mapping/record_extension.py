"""A flat domain record as one FHIR extension: a part for each field, named as the field is in JSON.

For facts that FHIR R4 has no element for (who agreed, which form was signed). The StructureDefinition of each lies in
`profiles/ecm`; a test holds its parts equal to the record's fields.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar

from gateway.domain.member import Period, PersonName
from gateway.fhir.codec import Json
from gateway.mapping import datatypes
from gateway.mapping.systems import definition

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One field as a part: its url, the value[x] it has, and the way there and back."""

    field: str
    url: str
    member: str
    many: bool
    write: Callable[[Any], Any] | None
    read: Callable[[Any], Any] | None


class RecordExtension(Generic[T]):
    """Writes and reads one record type. `name` is the extension's, without our base and prefix."""

    def __init__(self, record: type[T], name: str) -> None:
        self.record = record
        self.url = definition(name)
        hints = typing.get_type_hints(record)
        self.parts = tuple(_part(field.name, hints[field.name]) for field in dataclasses.fields(record))  # type: ignore[arg-type]

    def write(self, record: T | None) -> Json | None:
        """The extension, or None where there is no record."""
        if record is None:
            return None
        written: list[Json] = []
        for part in self.parts:
            value = getattr(record, part.field)
            if value is None:
                continue
            for one in value if part.many else (value,):
                written.append({"url": part.url, part.member: part.write(one) if part.write else one})
        return {"url": self.url, "extension": written}

    def read(self, element: Json | None) -> T | None:
        """The record in an element's first such extension; None where there is none."""
        found = self.read_all(element)
        return found[0] if found else None

    def read_all(self, element: Json | None) -> tuple[T, ...]:
        """The records in all such extensions of an element."""
        extensions = (element or {}).get("extension", ())
        return tuple(self._record(one) for one in extensions if one.get("url") == self.url)

    def _record(self, extension: Json) -> T:
        values: dict[str, Any] = {}
        for part in self.parts:
            found = [one[part.member] for one in extension.get("extension", ()) if one.get("url") == part.url]
            if part.read:
                found = [part.read(value) for value in found]
            if part.many:
                values[part.field] = tuple(found)
            elif found:
                values[part.field] = found[0]
        return self.record(**values)


def _part(field: str, hint: Any) -> Part:
    many = False
    if typing.get_origin(hint) is UnionType or typing.get_origin(hint) is typing.Union:
        hint = next(one for one in typing.get_args(hint) if one is not NoneType)
    if typing.get_origin(hint) is tuple:
        hint, many = typing.get_args(hint)[0], True
    type, write, read = _value(hint)
    first, *rest = field.split("_")
    return Part(field, first + "".join(word.capitalize() for word in rest), f"value{type}", many, write, read)


def _value(hint: Any) -> tuple[str, Callable[[Any], Any] | None, Callable[[Any], Any] | None]:
    if hint is Period:
        return "Period", datatypes.period, datatypes.period_from
    if hint is PersonName:
        return "HumanName", datatypes.person_name, datatypes.person_name_from
    if issubclass(hint, StrEnum):
        return "Code", str, hint
    if hint is bool:
        return "Boolean", None, None
    if hint is datetime:
        return "DateTime", datetime.isoformat, datetime.fromisoformat
    if hint is date:
        return "Date", date.isoformat, date.fromisoformat
    if hint is str:
        return "String", None, None
    raise TypeError(f"no extension value for {hint}")
