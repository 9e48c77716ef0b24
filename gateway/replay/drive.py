"""Runs cases over HTTP and says, in sentences, where an answer is not what the case expects."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.replay.cases import Case

COUNTED = ("Patient", "ServiceRequest", "Task", "Coverage", "CarePlan", "CareTeam", "Goal", "Condition", "Organization")
"""Types whose totals must not move when a case says that nothing is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return codec.read(self.body) if self.body else None
        except Malformed:
            return None


class Transport(Protocol):
    """One request to a gateway. `chunked`: send the body without saying its length."""

    def send(self, method: str, path: str, *, body: bytes, content_type: str, chunked: bool = False) -> Answer: ...


@dataclass(slots=True)
class OverHttp:
    """A gateway at `base` (scheme, host and port), by real HTTP."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, path: str, *, body: bytes, content_type: str, chunked: bool = False) -> Answer:
        data: Any = _pieces(body) if chunked else body
        headers = {"Accept": "application/fhir+json"} | ({"Content-Type": content_type} if body else {})
        try:
            reply = self.session.request(
                method,
                self.base.rstrip("/") + path,
                data=data or None,
                headers=headers,
                timeout=60,
                allow_redirects=False,
            )
        except requests.ConnectionError:
            if len(body) < 1_000_000:
                raise
            # A server may refuse a body by its size and close before all of it was sent.
            return Answer(413, {}, b"")
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, reply.content)


def _pieces(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went; no problems means that it went as expected."""

    case: Case
    answer: Answer | None
    problems: tuple[str, ...]
    seconds: float


def run(case: Case, transport: Transport) -> Result:
    """Send the case (as often as it says), compare, and never raise for what the gateway answers."""
    started = time.perf_counter()
    answer = None
    try:
        before = _totals(transport) if case.expect.kept is False else None
        for _ in range(case.repeat):
            answer = transport.send(
                case.method, case.path, body=case.body, content_type=case.content_type, chunked=case.chunked
            )
        assert answer is not None
        problems = list(_compare(case, answer))
        if before is not None and before != _totals(transport):
            problems.append("something was kept of a request that was refused")
        if case.same_back and not problems:
            problems += _compare_read(case, transport)
    except requests.RequestException as error:
        problems = [f"no answer: {type(error).__name__}"]
    return Result(case, answer, tuple(problems), time.perf_counter() - started)


def _compare(case: Case, answer: Answer) -> Iterator[str]:
    expect, body = case.expect, answer.json
    if answer.status not in expect.status:
        wanted = " or ".join(str(status) for status in sorted(expect.status))
        yield f"answered {answer.status} instead of {wanted}{_first_error(body)}"
    if answer.status >= 400 and answer.body and not _is(body, "OperationOutcome"):
        yield "refused without an OperationOutcome"
    missing = sorted(expect.rules - set(rules(body)))
    if missing:
        yield f"did not name the rules {', '.join(missing)}; it named {', '.join(sorted(set(rules(body)))) or 'none'}"
    if expect.resources is not None:
        kept = kept_types(answer)
        if any(kept[type_] != count for type_, count in expect.resources.items()):
            yield f"kept {dict(sorted(kept.items()))} instead of {dict(sorted(expect.resources.items()))}"
    if expect.rows is not None:
        rows = {name: int(answer.headers.get(f"x-rows-{name}", -1)) for name in expect.rows}
        if rows != expect.rows:
            yield f"rows {rows} instead of {dict(expect.rows)}"


def _compare_read(case: Case, transport: Transport) -> list[str]:
    back = transport.send("GET", case.path, body=b"", content_type="")
    sent, got = codec.read(case.body), back.json
    if back.status != 200 or not isinstance(got, dict):
        return [f"could not be read back: {back.status}"]
    return [] if _bare(sent) == _bare(got) else ["came back different from what was sent"]


def _bare(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return {**resource, "meta": meta}


def _totals(transport: Transport) -> dict[str, Any]:
    def total(type_: str) -> Any:
        found = transport.send("GET", f"/fhir/{type_}?_summary=count", body=b"", content_type="").json
        return found.get("total") if isinstance(found, dict) else None

    return {type_: total(type_) for type_ in COUNTED}


def _is(body: Any, type_: str) -> bool:
    return isinstance(body, dict) and body.get("resourceType") == type_


def outcomes(body: Any) -> Iterator[dict[str, Any]]:
    """Every OperationOutcome in an answer: itself, or within the entries of a Bundle."""
    if _is(body, "OperationOutcome"):
        yield body
    elif _is(body, "Bundle"):
        for entry in body.get("entry", ()):
            yield from outcomes(entry.get("resource"))
            yield from outcomes(entry.get("response", {}).get("outcome"))


def rules(body: Any) -> Iterator[str]:
    """The rule ids that an answer's issues name."""
    for outcome in outcomes(body):
        for issue in outcome.get("issue", ()):
            for coding in issue.get("details", {}).get("coding", ()):
                yield coding["code"]


def kept_types(answer: Answer) -> Counter[str]:
    """How many resources of each type an answer says were kept (201 or 200 with a location)."""
    body = answer.json
    locations = [answer.headers.get("location", "")]
    if _is(body, "Bundle"):
        locations = [entry.get("response", {}).get("location", "") for entry in body.get("entry", ())]
    return Counter(type_ for location in locations if (type_ := _type(location)))


def _type(location: str) -> str | None:
    parts = urlsplit(location).path.strip("/").split("/")
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    return parts[-2] if len(parts) >= 2 else None


def _first_error(body: Any) -> str:
    for outcome in outcomes(body):
        for issue in outcome.get("issue", ()):
            if issue.get("severity") in ("error", "fatal"):
                place = ", ".join(issue.get("expression", ()))
                return f": {issue.get('diagnostics', '')}{f' at {place}' if place else ''}"
    return ""
