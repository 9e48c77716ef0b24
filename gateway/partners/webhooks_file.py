"""webhooks.toml: who may be sent what by Subscription, with which secrets, and who may send us webhooks.

    [endpoints]
    loopback = true                       # rehearsals: http and https to this machine
    private = ["ehr.clinic.internal"]     # partners inside the operator's own network

    [subscribers."client-id"]             # by the principal whose Subscriptions they are
    secrets = ["whsec_..."]               # bodies are signed with each: put the new one first, drop the old one later
    full_resource = true                  # cleared for whole resources
    organizations = ["npi|1234567893"]    # for whom it subscribes: only what concerns one of them is named

    [hooks.findhelp]                      # POST /hooks/findhelp
    secrets = ["whsec_..."]               # required, unless unsigned = true
    tenant = "default"
    accepts = ["Task"]                    # resource types that it may change here; unset: Task

Everything wrong in the file is said at once, and stops the process.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import Issue, Misconfigured
from gateway.subscriptions.endpoint import Endpoints

_ENTRIES: dict[str, dict[str, type]] = {
    "subscribers": {"secrets": list, "full_resource": bool, "organizations": list},
    "hooks": {"secrets": list, "tenant": str, "unsigned": bool, "accepts": list},
}


@dataclass(frozen=True, slots=True)
class HookEntry:
    """A partner that sends us webhooks; without secrets they are unsigned."""

    tenant: str
    secrets: tuple[str, ...]
    accepts: frozenset[str]


@dataclass(frozen=True, slots=True)
class WebhooksFile:
    """The file as read."""

    endpoints: Endpoints = field(default_factory=Endpoints)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Signing secrets by principal."""
    cleared: frozenset[str] = frozenset()
    hooks: Mapping[str, HookEntry] = field(default_factory=dict)
    organizations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For whom principals subscribe, as partners.toml writes organizations."""


def load(path: Path) -> WebhooksFile:
    """The file at `path`; nothing allowed and nobody known when it is absent. Raises Misconfigured."""
    if not path.exists():
        return WebhooksFile()
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: {error}") from None
    if wrong := _wrong(read):
        raise Misconfigured(issues=[Issue("error", "invalid", f"{path}: {what}.") for what in wrong])
    subscribers, hooks = read.get("subscribers", {}), read.get("hooks", {})
    endpoints = read.get("endpoints", {})
    return WebhooksFile(
        Endpoints(endpoints.get("loopback", False), frozenset(endpoints.get("private", ()))),
        {name: tuple(one.get("secrets", ())) for name, one in subscribers.items()},
        frozenset(name for name, one in subscribers.items() if one.get("full_resource")),
        {name: _hook(one) for name, one in hooks.items()},
        {name: tuple(one["organizations"]) for name, one in subscribers.items() if one.get("organizations")},
    )


def _hook(table: dict[str, Any]) -> HookEntry:
    accepts = frozenset(table.get("accepts", ["Task"]))
    return HookEntry(table.get("tenant", "default"), tuple(table.get("secrets", ())), accepts)


def _wrong(read: dict[str, Any]) -> list[str]:
    found = [f"[{name}] is not known" for name in read if name not in ("endpoints", *_ENTRIES)]
    endpoints = read.get("endpoints", {})
    if not (
        isinstance(endpoints, dict)
        and endpoints.keys() <= {"loopback", "private"}
        and isinstance(endpoints.get("loopback", False), bool)
        and _texts(endpoints.get("private", []))
    ):
        found.append("[endpoints] has loopback (true or false) and private (a list of hosts)")
    for section, known in _ENTRIES.items():
        for name, table in read.get(section, {}).items():
            found += [f"[{section}.{name}] {what}" for what in _wrong_entries(table, known)]
            if (
                section == "hooks"
                and isinstance(table, dict)
                and not table.get("secrets")
                and not table.get("unsigned")
            ):
                found.append(f"[hooks.{name}] has no secrets: anybody could speak for this partner")
    return found


def _wrong_entries(table: Any, known: dict[str, type]) -> list[str]:
    if not isinstance(table, dict):
        return ["is not a table"]
    found = [f"has an unknown entry {entry}" for entry in table if entry not in known]
    found += [
        f"has a {entry} of the wrong type"
        for entry, value in table.items()
        if entry in known and not isinstance(value, known[entry])
    ]
    if not _texts(table.get("accepts", [])):
        found.append("has accepts that is not a list of resource types")
    if not _texts(table.get("organizations", [])):
        found.append("has organizations that are not a list of texts")
    if not _texts(table.get("secrets", [])):
        found.append("has secrets that are not a list of whsec_...")
    return found


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
