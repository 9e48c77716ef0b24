"""The one exit: every answer and every partner message with a person's data in it is made here, and audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from gateway.errors import Forbidden, Issue
from gateway.fhir import codec
from gateway.fhir.part import Part
from gateway.ports import AuditEntry, Caller, Json, Kept
from gateway.trust.policy import Action, Decision, decide

Note = Callable[[AuditEntry], None]
Standing = Callable[[Kept], Decision]
"""Whether a version may go to the recipient."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Bytes that may leave: FHIR JSON of one resource. Made by `disclose` only."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One Bundle entry: its members beside `resource`, and the stored version it carries, if any.

    `resource` is content that is nobody's data (the OperationOutcome of a batch entry); `collected` an inner Bundle.
    """

    fields: Json
    kept: Kept | None = None
    resource: Json | None = None
    collected: Collected | None = None
    part: Part | None = None
    """The part of this one that is wanted; None: what the Bundle says."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A Bundle to be written: its members before `entry`, the entries in order, and which part of each is wanted."""

    head: Json
    entries: Sequence[Entry] = field(default_factory=tuple)
    part: Part | None = None


def disclose(
    what: Kept | Collected | Json,
    *,
    caller: Caller,
    note: Note,
    event: str,
    action: Action = "R",
    recipient: str | None = None,
    wrote: Sequence[Kept] = (),
    focus: Kept | None = None,
    standing: Standing | None = None,
    part: Part | None = None,
) -> Disclosed:
    """Decide, write the audit row, and only then turn `what` into bytes.

    A single resource the caller may not see raises Forbidden; entries it may not see are left out of a Bundle. The
    row names the versions that leave and those that were written (`wrote`), to whom (`recipient`, default: the caller
    itself) and on what basis. A dict is content that is not stored (a converted Bundle going back to its sender).
    `standing` decides for a recipient that is not the caller: whether it may have `focus`, which the Bundle is about,
    and each other version in it. `part` is the part of a single resource that is wanted.
    """
    seen = [_version(kept) for kept in wrote]
    if isinstance(what, Kept):
        decision = decide(caller, action=action, type=what.type, id=what.id)
        seen.append(_version(what))
    elif isinstance(what, Collected):
        decision = decide(caller, action=action, type="Bundle")
    else:
        decision = decide(caller, action=action, type=str(what.get("resourceType", "")))
    if standing is not None and focus is not None and decision.allowed:
        decision = standing(focus)
        seen += [] if decision.allowed else [_version(focus)]
    bundle = _bundle(what, caller, action, seen, standing) if isinstance(what, Collected) and decision.allowed else None
    ending: Literal["success", "refused"] = "success" if decision.allowed else "refused"
    note(AuditEntry(action, event, tuple(dict.fromkeys(seen)), ending, recipient or caller.principal, decision.basis))
    if not decision.allowed:
        raise Forbidden(issues=[Issue("error", "forbidden", "The recipient may not have this.", rule=decision.basis)])
    if isinstance(what, Kept):
        return Disclosed(what.body if part is None or part.is_whole else codec.write(part.of(content(what))))
    return Disclosed(codec.write(bundle or what))


def content(kept: Kept) -> Json:
    """What a stored version says, read inwards (to compare, to map back): never a way out."""
    value: Json = codec.read(kept.body)
    return value


def _bundle(what: Collected, caller: Caller, action: Action, seen: list[str], standing: Standing | None) -> Json:
    """The Bundle of the entries that the caller (and the recipient) may see; their versions are added to `seen`."""
    entries: list[Json] = []
    for entry in what.entries:
        kept = entry.kept
        if kept is not None:
            if not decide(caller, action=action, type=kept.type, id=kept.id).allowed:
                continue
            if standing is not None and not standing(kept).allowed:
                continue
            seen.append(_version(kept))
            entries.append(_placed(entry.fields, _resource(kept, entry.part or what.part)))
        elif entry.collected is not None:
            entries.append(_placed(entry.fields, _bundle(entry.collected, caller, action, seen, standing)))
        elif entry.resource is not None:
            entries.append(_placed(entry.fields, entry.resource))
        else:
            entries.append(entry.fields)
    return {**what.head, "entry": entries} if entries else what.head


def _resource(kept: Kept, part: Part | None) -> Any:
    """The exact bytes, or the part asked for."""
    return msgspec.Raw(kept.body) if part is None or part.is_whole else part.of(content(kept))


def _placed(fields: Json, resource: Any) -> Json:
    """Entry members in FHIR order: fullUrl, resource, then search, request and response."""
    first = {"fullUrl": fields["fullUrl"]} if "fullUrl" in fields else {}
    return {**first, "resource": resource, **{k: v for k, v in fields.items() if k != "fullUrl"}}


def _version(kept: Kept) -> str:
    return f"{kept.type}/{kept.id}/_history/{kept.version}"
