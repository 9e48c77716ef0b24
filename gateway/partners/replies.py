"""What a FHIR server's reply to a push says: done, try again, or a person has to look.

Only a reply that says of every resource that it was kept is a success: a 200 with an OperationOutcome of errors, with a
login page, or with an answer to something else is none. https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.partners.http import Reply
from gateway.ports import Receipt

_TRY_AGAIN = frozenset([401, 407, 408, 409, 412, 421, 423, 425, 429])
"""4xx that may pass: credentials are renewed, locks and conflicts end."""
DOUBTFUL = frozenset([403, 404])
"""Refusals that also come while credentials are changed, a route is missing or a copy lags behind."""
_PASSING = frozenset(["transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled"])
"""Issue types of OperationOutcome that say: later. https://hl7.org/fhir/R4/valueset-issue-type.html"""
ISSUE_TYPES = _PASSING | frozenset(
    """invalid structure required value invariant security login unknown expired forbidden suppressed processing
    not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule
    conflict informational""".split()
)


def of_transaction(reply: Reply, *, entries: int) -> Receipt:
    """The receipt of a transaction with `entries` entries."""
    return _of_bundle(reply, "transaction-response", entries=entries)


def of_batch(reply: Reply, *, entries: int, gone: Collection[int] = ()) -> Receipt:
    """The receipt of a batch: a success only if every entry is one. `gone` are the places of deletions, for which
    there being nothing is as good."""
    return _of_bundle(reply, "batch-response", entries=entries, gone=gone)


def _of_bundle(reply: Reply, type: str, *, entries: int, gone: Collection[int] = ()) -> Receipt:
    failed = by_status(reply)
    if failed is not None:
        return failed
    answer = _json(reply)
    if _outcome_of(answer):
        return _refused(answer)
    if not isinstance(answer, dict) or answer.get("type") != type:
        return Receipt(False, retry=True, reason=f"the reply is not a {type}")
    answers = answer.get("entry")
    if not isinstance(answers, list) or len(answers) != entries:
        return Receipt(False, retry=True, reason="the reply does not answer every entry")
    statuses = [_status(entry) for entry in answers]
    failed_entries = [
        status
        for at, status in enumerate(statuses)
        if not 200 <= status < 300 and not (at in gone and status in (404, 410))
    ]
    if failed_entries:
        worst = min(failed_entries, key=lambda status: (_passes(status), status in DOUBTFUL))  # one refuses the whole
        reason = f"http {reply.status} with entry status {worst}"
        return Receipt(False, retry=_passes(worst), reason=reason, doubtful=worst in DOUBTFUL)
    return Receipt(True, reason=f"http {reply.status}", remote=_location(answers[-1]))


def of_write(reply: Reply) -> Receipt:
    """The receipt of one create, update or delete: an empty body will do, errors in it will not."""
    failed = by_status(reply)
    if failed is not None:
        return failed
    if not reply.body.strip():
        return Receipt(True, reason=f"http {reply.status}", remote=reply.headers.get("location"))
    answer = _json(reply)
    if not isinstance(answer, dict) or "resourceType" not in answer:
        return Receipt(False, retry=True, reason="the reply is not FHIR")
    if _outcome_of(answer):
        return _refused(answer)
    return Receipt(True, reason=f"http {reply.status}", remote=reply.headers.get("location"))


def by_status(reply: Reply) -> Receipt | None:
    """The receipt by status alone, None for a success that the body has to confirm."""
    status = reply.status
    if status in (200, 201, 204):
        return None
    reason = f"http {status}"
    if 300 <= status < 400:
        return Receipt(False, retry=True, reason=f"{reason}: the address leads elsewhere, which is not followed")
    asked = retry_after(reply.headers.get("retry-after"))
    return Receipt(False, retry=_passes(status), retry_after=asked, reason=reason, doubtful=status in DOUBTFUL)


def _passes(status: int) -> bool:
    """Whether trying again may help. What is neither refused nor done (202, 500 ...) may become done."""
    return status in _TRY_AGAIN or not 400 <= status < 500


def retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header (a number or an HTTP date); None without a usable one."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _json(reply: Reply) -> Any:
    try:
        return codec.read(reply.body)
    except Malformed:
        return None


def _outcome_of(answer: Any) -> bool:
    """Whether the answer is an OperationOutcome that tells of an error."""
    return isinstance(answer, dict) and answer.get("resourceType") == "OperationOutcome" and bool(_errors(answer))


def _errors(outcome: dict[str, Any]) -> list[str]:
    issues = outcome.get("issue")
    listed = issues if isinstance(issues, list) else []
    return [
        str(issue.get("code"))
        for issue in listed
        if isinstance(issue, dict) and issue.get("severity") in ("error", "fatal")
    ]


def _refused(outcome: dict[str, Any]) -> Receipt:
    codes = _errors(outcome)
    passing = all(code in _PASSING for code in codes)
    shown = ", ".join(sorted(ISSUE_TYPES.intersection(codes)))  # a word of the partner's own may be anybody's data
    return Receipt(False, retry=passing, reason=f"a success that tells of errors: {shown or 'unknown'}")


def _status(entry: Any) -> int:
    response = entry.get("response") if isinstance(entry, dict) else None
    text = str(response.get("status", "")) if isinstance(response, dict) else ""
    return int(text[:3]) if text[:3].isascii() and text[:3].isdecimal() else 0


def _location(entry: Any) -> str | None:
    location = entry["response"].get("location")  # of the entry that the message is about: the last
    return location if isinstance(location, str) else None
