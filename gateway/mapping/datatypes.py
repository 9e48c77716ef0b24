"""Domain values as FHIR data types and back: names, telecoms, addresses, periods, dates, notes.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from gateway.domain import codes
from gateway.domain.member import Address, Period, PersonName, Phone
from gateway.fhir.codec import Json
from gateway.fhir.element import absent, extension, extension_value, filled, some
from gateway.mapping.systems import definition

PHONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/contactpoint-extension"
PHONE_NOTE = definition("phone-note")
PHONE_KIND = definition("phone-kind")
NOTE_KIND = definition("note-kind")

_PHONE: dict[codes.PhoneKind | None, dict[str, str]] = {
    None: {"system": "phone"},
    codes.PhoneKind.MOBILE: {"system": "phone", "use": "mobile"},
    codes.PhoneKind.HOME: {"system": "phone", "use": "home"},
    codes.PhoneKind.WORK: {"system": "phone", "use": "work"},
    codes.PhoneKind.FAX: {"system": "fax"},
    codes.PhoneKind.TTY: {"system": "phone"},  # told apart by PHONE_KIND: FHIR has no code for it
}
_KIND = {(v["system"], v.get("use")): k for k, v in _PHONE.items() if k is not codes.PhoneKind.TTY}
_MARKED = frozenset({codes.PhoneKind.TTY})
_MARKED_AT_ORGANIZATION = _MARKED | {codes.PhoneKind.HOME}


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def day_from(value: str | None) -> date | None:
    """A date; of a dateTime its day."""
    return None if value is None else date.fromisoformat(value[:10])


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def moment_from(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def period(value: Period | None) -> Json | None:
    return None if value is None else filled({"start": day(value.start), "end": day(value.end)})


def period_from(element: Json | None) -> Period | None:
    return None if element is None else Period(start=day_from(element.get("start")), end=day_from(element.get("end")))


def person_name(name: PersonName | None) -> Json:
    """A HumanName. Middle names follow the first; a middle name without a first one is marked as such."""
    if name is None:
        return {}
    given = [part for part in (name.first, name.middle) if part]
    return filled(
        {
            "extension": some(extension(definition("middle-only"), "Boolean", True))
            if not name.first and given
            else None,
            "text": name.text,
            "family": name.last,
            "given": given,
            "suffix": [name.suffix] if name.suffix else None,
        }
    )


def person_name_from(element: Json) -> PersonName:
    given = list(element.get("given", ()))
    if extension_value(element, definition("middle-only")):
        given.insert(0, None)
    return PersonName(
        first=given[0] if given else None,
        middle=" ".join(given[1:]) or None,
        last=element.get("family"),
        suffix=" ".join(element.get("suffix", ())) or None,
        text=element.get("text"),
    )


def named(name: PersonName | None) -> Json:
    """A HumanName whose family name must be there (US Core Practitioner): marked absent where it is not known."""
    written = person_name(name)
    if "family" not in written:
        written["_family"] = absent()
    return written


def named_from(elements: Sequence[Json] | None) -> PersonName | None:
    """The first name; None where nothing of it is known."""
    name = person_name_from(elements[0]) if elements else PersonName()
    return None if name == PersonName() else name


def telecom(phones: Iterable[Phone], email: str | None = None, *, organization: bool = False) -> list[Json]:
    """ContactPoints: the phones in their order, then the e-mail address.

    An organization's may not be of use `home` (org-3): where one is said to be, the kind stands in an extension.
    """
    marked = _MARKED_AT_ORGANIZATION if organization else _MARKED
    points = [
        filled(
            {
                "extension": some(
                    extension(PHONE_EXTENSION, "String", phone.extension),
                    extension(PHONE_NOTE, "String", phone.note),
                    extension(PHONE_KIND, "Code", phone.kind.value) if phone.kind and phone.kind in marked else None,
                ),
                "system": _PHONE[phone.kind]["system"],
                "value": phone.number,
                "use": None if phone.kind in marked else _PHONE[phone.kind].get("use"),
            }
        )
        for phone in phones
    ]
    if email:
        points.append({"system": "email", "value": email})
    return points


def phones_from(points: Iterable[Json] | None) -> tuple[Phone, ...]:
    """The phone and fax numbers among ContactPoints."""
    return tuple(
        Phone(
            number=point["value"],
            extension=extension_value(point, PHONE_EXTENSION),
            kind=_kind(point),
            note=extension_value(point, PHONE_NOTE),
        )
        for point in points or ()
        if point.get("system") in ("phone", "fax", "sms") and "value" in point
    )


def _kind(point: Json) -> codes.PhoneKind | None:
    marked = extension_value(point, PHONE_KIND)
    return codes.PhoneKind(marked) if marked else _KIND.get((point["system"], point.get("use")))


def email_from(points: Iterable[Json] | None) -> str | None:
    return next((point["value"] for point in points or () if point.get("system") == "email"), None)


def address(value: Address | None, **also: Any) -> Json | None:
    """An Address; the county is its district. `also` are further members (`use`, `type`)."""
    if value is None:
        return None
    return filled(
        also
        | {
            "line": list(value.lines),
            "city": value.city,
            "district": value.county,
            "state": value.state,
            "postalCode": value.zip,
        }
    )


def address_from(element: Json | None) -> Address | None:
    if element is None:
        return None
    return Address(
        lines=tuple(element.get("line", ())),
        city=element.get("city"),
        county=element.get("district"),
        state=element.get("state"),
        zip=element.get("postalCode"),
    )


def note(text: str | None, kind: str | None = None) -> Json | None:
    """An Annotation; `kind` says what the text is about where it is more than a note."""
    return None if text is None else filled({"extension": some(extension(NOTE_KIND, "Code", kind)), "text": text})


def notes_from(elements: Iterable[Json] | None, kind: str | None = None) -> tuple[str, ...]:
    """The texts of the Annotations of one kind."""
    return tuple(one["text"] for one in elements or () if extension_value(one, NOTE_KIND) == kind)


def note_from(elements: Iterable[Json] | None, kind: str) -> str | None:
    found = notes_from(elements, kind)
    return found[0] if found else None
