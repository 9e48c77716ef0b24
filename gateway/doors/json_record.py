"""JSON in the gateway's own schemas (mappings/schemas, JSON Schema 2020-12) -> domain records.

The schema is checked with formats asserted: `jsonschema-rs` says whether a record fits, and where it does not,
`jsonschema` says why. Messages of both quote data, so ours are written here.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import jsonschema_rs

from gateway.domain.rules import Finding
from gateway.doors.reading import Reading
from gateway.errors import Issue, Unmappable
from gateway.fhir import codec
from gateway.fhir.codec import Json
from gateway.mapping import cross_checks, structure
from gateway.mapping.concepts import Concept
from gateway.mapping.leaves import Surroundings

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

T = TypeVar("T")

MOST_VALUES = 8_000
"""Members and entries of one body; the fullest of our fixtures has 400."""

KEYED_BY_CONTENT = frozenset(["referral"])
"""Kinds that need no key of the sender's: what is revised under its key is not among them."""
_UNKEYED = Finding(
    "warning",
    "key",
    "key-from-content",
    "is missing: the content names this referral, and a correction of it will be another one",
    "incomplete",
)


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or _parses(date.fromisoformat, value, r"\d{4}-\d\d-\d\d")


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or _parses(
        datetime.fromisoformat, value, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    )


def _parses(parse: Callable[[str], object], value: str, shape: str) -> bool:
    try:
        return bool(re.fullmatch(shape, value, re.ASCII)) and parse(value) is not None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class JsonReader(Generic[T]):
    """Reads one kind of record. `rules` are the whole-record rules of the domain."""

    kind: str
    root: type[T]
    wording: Callable[[], Validator]
    """The schema by which faults are worded; made when the first one is (importing `jsonschema` takes long)."""
    gate: jsonschema_rs.Draft202012Validator
    """The same schema, a hundred times as fast: what it lets pass needs no wording."""
    concepts: Mapping[str, Concept]
    rules: Callable[[T, date], Iterable[Finding]]
    version: str

    def read(self, data: bytes, *, today: date) -> Reading[T]:
        """One record, with everything that is wrong with it; Malformed when the bytes are not JSON."""
        return self.read_value(codec.read(data), source=data, today=today)

    def read_value(self, raw: Any, *, source: bytes, today: date) -> Reading[T]:
        """As `read`, of JSON that was read already; `source` is its bytes."""
        _bounded(raw)
        findings = [] if self._fits(raw) else list(dict.fromkeys(_schema_findings(self.wording(), raw)))
        around = Surroundings(today, self.concepts)
        if self.kind in KEYED_BY_CONTENT and isinstance(raw, dict) and "key" not in raw:
            raw = {**raw, "key": _content_key(raw, today)}
            findings.append(_UNKEYED)
        record, built = structure.build(self.root, raw, around)
        built = structure.with_rules(built, self.rules(record, today))
        built += cross_checks.found_in(record, around)
        said = _Said(findings)
        findings += [f for f in built if f.rule != "unknown-member" and not said.covers(f.path)]
        issues = tuple(_issue(finding) for finding in findings)
        refused = any(issue.is_error for issue in issues)
        return Reading(
            number=1,
            value=None if refused else record,
            issues=issues,
            not_carried=(),
            source_hash=hashlib.sha256(source).hexdigest(),
            mapping=f"{self.kind}-json@{self.version}",
        )

    def _fits(self, raw: Any) -> bool:
        try:
            return bool(self.gate.is_valid(raw))
        except ValueError:  # a value that it cannot take in: the other one will say what is wrong with it
            return False


def _content_key(raw: Json, today: date) -> Json:
    """A key for a record whose sender gives none: the same content of the same day, however it is written, has it too.

    Where the record says no day itself, that of its arrival counts: next year's referral is not this year's.
    """
    day = {} if raw.keys() & {"authored", "received"} else {"arrived": today.isoformat()}
    content = json.dumps([raw, day], sort_keys=True, default=str)
    return {"source": "unkeyed", "id": "content-" + hashlib.sha256(content.encode()).hexdigest()[:32]}


def _bounded(raw: Any) -> None:
    """Refuse a body of so many values that listing its faults would take seconds."""
    waiting, seen = [raw], 0
    while waiting:
        value = waiting.pop()
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        seen += len(inner)
        if seen > MOST_VALUES:
            message = f"The record holds more than {MOST_VALUES} values."
            raise Unmappable(issues=[Issue("error", "too-costly", message, rule="too-many-values")])
        waiting.extend(inner)


def compiled(
    text: bytes,
    kind: str,
    root: type[T],
    *,
    concepts: Mapping[str, Concept],
    rules: Callable[[T, date], Iterable[Finding]],
) -> JsonReader[T]:
    """The reader of a schema document (a test holds that each is sound: checking costs half a second)."""
    document = json.loads(text)
    formats: Any = {"date": _is_date, "date-time": _is_moment}

    @cache
    def wording() -> Validator:
        import jsonschema

        checker = jsonschema.FormatChecker(formats=())
        for name, holds in formats.items():
            checker.checks(name)(holds)
        return jsonschema.Draft202012Validator(document, format_checker=checker)

    gate = jsonschema_rs.Draft202012Validator(document, validate_formats=True, formats=formats)
    return JsonReader(kind, root, wording, gate, concepts, rules, hashlib.sha256(text).hexdigest()[:12])


class _Said:
    """What the schema has said: at which places, and of which whole parts that they are of a wrong type."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._places = {one.path for one in findings}
        self._wholes = {one.path for one in findings if one.rule == "type"}

    def covers(self, path: str) -> bool:
        """Whether more about this place would only repeat it."""
        if path in self._places or "" in self._wholes:
            return True
        return any(path[: step.start()] in self._wholes for step in re.finditer(r"[.\[]", path))


def _issue(finding: Finding) -> Issue:
    where = finding.path or "The record"
    message = f"{where} {finding.message}."
    return Issue(finding.severity, finding.code, message, expression=finding.path or None, rule=finding.rule)


def _schema_findings(schema: Validator, raw: Any) -> Iterator[Finding]:
    for error in sorted(schema.iter_errors(raw), key=lambda e: [str(step) for step in e.absolute_path]):
        path = _path(error.absolute_path)
        if error.validator == "required":
            needed: Any = error.validator_value
            given: Any = error.instance
            for name in needed:
                if name not in given:
                    yield Finding("error", f"{path}.{name}" if path else name, "required", "is required", "required")
        else:
            message = _MESSAGES.get(str(error.validator), lambda e: f"breaks the schema rule {e.validator}")(error)
            rule = _RULES.get(str(error.validator), f"schema-{error.validator}")
            code = "code-invalid" if error.validator in ("enum", "const") else "structure"
            yield Finding("error", path, rule, message, "value" if error.validator == "format" else code)


def _path(steps: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _unknown_members(error: Any) -> str:
    known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    strange = [(at, name) for at, name in enumerate(error.instance, start=1) if name not in known]
    places = ", ".join(f"number {at}" + _suggestion(name, known) for at, name in strange[:20])
    return f"has {len(strange)} members that the schema does not know: {places}"


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:100].lower(), list(known), n=1, cutoff=0.75)
    return f" (did you mean `{close[0]}`?)" if close else ""


_TYPES = {"object": "an object", "array": "a list", "string": "text", "boolean": "true or false"}
_FORMATS = {
    "date": "a day as YYYY-MM-DD",
    "date-time": "a date and time with its zone, as YYYY-MM-DDThh:mm:ss-08:00",
}
_RULES = {"enum": "code-unknown", "additionalProperties": "unknown-member", "type": "type"}
_MESSAGES: Mapping[str, Callable[[Any], str]] = {
    "type": lambda e: f"must be {_TYPES.get(e.validator_value, e.validator_value)}",
    "enum": lambda e: f"must be one of: {', '.join(e.validator_value)}",
    "const": lambda e: f"must be {e.validator_value}",
    "format": lambda e: f"must be {_FORMATS.get(e.validator_value, e.validator_value)}",
    "minLength": lambda e: "is empty: leave out what is not known",
    "maxLength": lambda e: f"is longer than {e.validator_value} characters",
    "minItems": lambda e: f"needs at least {e.validator_value} entry",
    "maxItems": lambda e: f"has more than {e.validator_value} entries",
    "pattern": lambda e: "does not have the shape that the schema describes",
    "additionalProperties": _unknown_members,
}
