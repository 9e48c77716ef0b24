"""webhooks.toml: who may be sent what by Subscription, with which secrets, and who may send us webhooks.

    [endpoints]
    loopback = true                       # rehearsals: http and https to this machine
    private = ["ehr.clinic.internal"]     # partners inside the operator's own network

    [subscribers."client-id"]             # by the principal whose Subscriptions they are
    secrets = ["whsec_..."]               # bodies are signed with each: put the new one first, drop the old one later
    full_resource = true                  # cleared for whole resources
    organizations = ["npi|1234567893"]    # for whom it subscribes: only what concerns one of them is named

    [hooks.findhelp]                      # POST /hooks/findhelp
    secrets = ["whsec_..."]               # its signatures are made with; or
    tokens = ["..."]                      # what it shows in Authorization: Bearer; or unsigned = true
    tenant = "default"
    accepts = ["Task"]                    # resource types that it may change here; unset: Task

Everything wrong in the file is said at once, and stops the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.partners import toml_file
from gateway.partners.toml_file import Entries
from gateway.subscriptions.endpoint import Endpoints

_ENDPOINTS: Entries = {"loopback": (bool,), "private": (list,)}
_SECTIONS: Mapping[str, Entries] = {
    "subscribers": {"secrets": (list,), "full_resource": (bool,), "organizations": (list,)},
    "hooks": {"secrets": (list,), "tokens": (list,), "tenant": (str,), "unsigned": (bool,), "accepts": (list,)},
}
_LISTS = {
    "accepts": "accepts that is not a list of resource types",
    "organizations": "organizations that are not a list of texts",
    "secrets": "secrets that are not a list of whsec_...",
    "tokens": "tokens that are not a list of texts",
}
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{32,400}=*")
"""RFC 6750, 2.1, and too long to be guessed."""


@dataclass(frozen=True, slots=True)
class HookEntry:
    """A partner that sends us webhooks; without secrets and tokens anybody may."""

    tenant: str
    secrets: tuple[str, ...]
    accepts: frozenset[str]
    tokens: tuple[str, ...] = ()


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
    if (read := toml_file.read(path)) is None:
        return WebhooksFile()
    toml_file.refuse(path, _wrong(read))
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
    secrets, tokens = (tuple(table.get(name, ())) for name in ("secrets", "tokens"))
    return HookEntry(table.get("tenant", "default"), secrets, accepts, tokens)


def _wrong(read: dict[str, Any]) -> Iterator[str]:
    yield from (f"[{name}] is not known" for name in read if name not in ("endpoints", *_SECTIONS))
    endpoints = read.get("endpoints", {})
    if toml_file.wrong_entries(endpoints, _ENDPOINTS) or not toml_file.are_texts(endpoints.get("private", [])):
        yield "[endpoints] has loopback (true or false) and private (a list of hosts)"
    for section, known in _SECTIONS.items():
        tables = read.get(section, {})
        if not isinstance(tables, dict):
            yield f"[{section}] is not a table"
            continue
        for name, table in tables.items():
            yield from (f"[{section}.{name}] {what}" for what in _wrong_table(section, table, known))


def _wrong_table(section: str, table: Any, known: Entries) -> list[str]:
    if found := toml_file.wrong_entries(table, known):
        return found
    found = [f"has {what}" for entry, what in _LISTS.items() if not toml_file.are_texts(table.get(entry, []))]
    if section == "hooks" and not any(table.get(name) for name in ("secrets", "tokens", "unsigned")):
        found.append("has no secrets and no tokens: anybody could speak for this partner")
    if not found and any(_TOKEN.fullmatch(token) is None for token in table.get("tokens", ())):
        found.append("has a token that is not 32 to 400 letters, digits or -._~+/")
    return found
