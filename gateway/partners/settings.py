"""partners.toml: one table a partner, with what it is capable of.

    [sutter-ehr]
    kind = "fhir_server"              # or "ehr", "epic", "oracle" (they take little), "findhelp", "files", "console"
    base_url = "https://fhir.example.org/r4"
    send = ["ServiceRequest", "Task"] # resource types it is told of
    organizations = ["npi|1234567893", "plan|health-net"] # for whom it speaks: told where one of them has standing
    everyone = false                  # true instead: it is owed every member's record (the plan's own archive)
    exchange = "transaction"          # or "conditional": for servers that give out their own ids,
                                      # or "batch": for servers with batches only,
                                      # or "each": one PUT a resource, for servers with neither,
                                      # or "by-reference": the resource alone, the rest is read here
    seconds = 20                      # for one whole exchange
    token_file = "secrets/token"      # a bearer token that somebody else keeps fresh
    poll = ["Task"]                   # types whose changes are asked for (epic, oracle: what they offer)
    poll_minutes = 15                 # how often at most
    accepts = { Communication = ["create"], "*" = [] }   # of an "ehr": what may be written

Everything wrong in the file is said at once, and stops the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.partners import toml_file
from gateway.partners.capabilities import wrong_accepts
from gateway.subscriptions.endpoint import is_loopback

KINDS = {
    "fhir_server": "base_url",
    "ehr": "base_url",
    "epic": "base_url",
    "oracle": "base_url",
    "findhelp": "base_url",
    "files": "folder",
    "console": "",
}
"""Kind of partner, and the entry it cannot do without."""
EXCHANGES = ("transaction", "conditional", "batch", "each", "by-reference")
_KNOWN: dict[str, tuple[type, ...]] = {
    "kind": (str,), "base_url": (str,), "folder": (str,), "send": (list,), "exchange": (str,),
    "seconds": (int, float), "ca_file": (str,), "insecure": (bool,), "token_file": (str,), "accepts": (dict,),
    "poll": (list,), "poll_minutes": (int, float), "overlap_minutes": (int, float), "tenant": (str,),
    "organizations": (list,), "everyone": (bool,),
}  # fmt: skip
LONGEST = 60.0
"""Most seconds an exchange may be given: well within the lease of a claim."""


@dataclass(frozen=True, slots=True)
class PartnerSettings:
    """One partner as configured."""

    name: str
    kind: str
    base_url: str = ""
    folder: Path | None = None
    send: tuple[str, ...] = ()
    exchange: str = "transaction"
    seconds: float = 20.0
    ca_file: str | None = None
    insecure: bool = False
    """Plain http beyond this machine: only for rehearsals."""
    token_file: Path | None = None
    accepts: Mapping[str, Any] | None = None
    poll: tuple[str, ...] = ()
    poll_minutes: float = 15.0
    """Never asked for changes more often than this."""
    overlap_minutes: float = 10.0
    """How much of the time before the last poll is asked for again: clocks differ, and indexes are late."""
    tenant: str = ""
    """Of a community platform."""
    organizations: tuple[str, ...] = ()
    """For whom it speaks: `npi|..`, `plan|..`, `tin|..`, `system|value` of an identifier, or `Organization/id`."""
    everyone: bool = False
    """Whether it is owed every member's record."""


def load(path: Path) -> dict[str, PartnerSettings]:
    """The partners of a file, by name; none when the file is absent. Raises Misconfigured."""
    listed = toml_file.read(path) or {}
    toml_file.refuse(path, (f"[{name}] {what}" for name, table in listed.items() for what in _wrong(table)))
    return {name: _settings(name, table) for name, table in listed.items()}


def _settings(name: str, table: dict[str, Any]) -> PartnerSettings:
    values = {**table, "send": tuple(table.get("send", ())), "base_url": table.get("base_url", "").rstrip("/")}
    values["poll"] = tuple(table.get("poll", ()))
    values["organizations"] = tuple(table.get("organizations", ()))
    for path in ("folder", "token_file"):
        if path in table:
            values[path] = Path(table[path])
    return PartnerSettings(name=name, **values)


def _wrong(table: Any) -> list[str]:
    if found := toml_file.wrong_entries(table, _KNOWN):
        return found
    if table.get("kind") not in KINDS:
        return [f"has a kind that is none of {', '.join(KINDS)}"]
    if (needed := KINDS[table["kind"]]) and not table.get(needed):
        found.append(f"is a {table['kind']} and has no {needed}")
    if not toml_file.are_texts(table.get("send", [])):
        found.append("has a send that is not a list of resource types")
    if table.get("exchange", "transaction") not in EXCHANGES:
        found.append(f"has an exchange that is none of {', '.join(EXCHANGES)}")
    if not 0 < table.get("seconds", 1) <= LONGEST:
        found.append(f"has seconds that are not between 0 and {LONGEST:g}")
    found += _wrong_polling(table)
    found += _wrong_standing(table)
    if KINDS[table["kind"]] == "base_url":
        found += _wrong_address(table.get("base_url", ""), insecure=table.get("insecure", False))
    return found


def _wrong_standing(table: dict[str, Any]) -> list[str]:
    organizations, everyone = table.get("organizations", []), table.get("everyone", False)
    if not toml_file.are_texts(organizations):
        return ["has organizations that are not a list of texts"]
    if organizations and everyone:
        return ["says both organizations and everyone: one of them"]
    if table.get("send") and not (organizations or everyone):
        return [
            'has a send, but says neither organizations nor everyone: write organizations = ["npi|1234567893",'
            ' "plan|health-net"] (for whom it speaks: it is told where one of them has standing on the member\'s'
            " record), or everyone = true (it is owed every member's record)"
        ]
    return []


def _wrong_polling(table: dict[str, Any]) -> list[str]:
    found = []
    if not toml_file.are_texts(table.get("poll", [])):
        found.append("has a poll that is not a list of resource types")
    if not 0 < table.get("poll_minutes", 1) <= 24 * 60:
        found.append("has poll_minutes that are not between 0 and a day")
    if not 0 <= table.get("overlap_minutes", 0) <= 24 * 60:
        found.append("has overlap_minutes that are not between 0 and a day")
    if wrong_accepts(table.get("accepts", {})):
        found.append("has an accepts that is not a list of create, update, delete for each type")
    if table["kind"] == "findhelp" and not table.get("tenant"):
        found.append("is a findhelp and has no tenant")
    if table["kind"] == "findhelp" and set(map(str, table.get("send", []))) - {"Task"}:
        found.append('is a findhelp, which is told of Tasks only: send = ["Task"]')
    return found


def _wrong_address(address: str, *, insecure: bool) -> list[str]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        return ["has a base_url that is not a plain http(s) address"]
    if parts.scheme == "http" and not insecure and not is_loopback(parts.hostname):
        return ["would be sent people's data in clear: use https"]
    return []
