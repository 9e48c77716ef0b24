"""The decision whether a caller may do something. Today by caller alone; consent and scopes come in here later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.errors import Forbidden
from gateway.ports import AuditEntry, Caller, Store

Action = Literal["C", "R", "U", "D", "E"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, and the basis that the audit row names."""

    allowed: bool
    basis: str


_KNOWN = Decision(True, "caller")
_NOBODY = Decision(False, "no-caller")


def decide(caller: Caller, *, action: Action, type: str, id: str | None = None) -> Decision:
    """Whether `caller` may do `action` to resources of `type` (or to the one with `id`).

    Every caller with a principal and a tenant may, within that tenant: the service listens on loopback only until
    callers are authenticated. The arguments are those a policy by consent and scope needs.
    """
    return _KNOWN if caller.principal and caller.tenant else _NOBODY


def permit(caller: Caller, *, action: Action, type: str, store: Store) -> None:
    """Raise Forbidden unless `decide` allows; the refusal is audited outside of whatever it stops."""
    decision = decide(caller, action=action, type=type)
    if not decision.allowed:
        store.note(caller, AuditEntry(action, "refused", (type,), "refused", caller.principal, decision.basis))
        raise Forbidden("The caller may not do this.")
