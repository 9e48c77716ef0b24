"""partners.toml: one table a partner, with what it is capable of.

    [sutter-ehr]
    kind = "fhir_server"              # or "files", "console"
    base_url = "https://fhir.example.org/r4"
    send = ["ServiceRequest", "Task"] # resource types it is told of
    exchange = "transaction"          # or "conditional": for servers that give out their own ids,
                                      # or "each": one PUT a resource, for servers without transactions
    seconds = 20                      # for one whole exchange

Everything wrong in the file is said at once, and stops the process.
"""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import Issue, Misconfigured

KINDS = {"fhir_server": "base_url", "files": "folder", "console": ""}
"""Kind of partner, and the entry it cannot do without."""
EXCHANGES = ("transaction", "conditional", "each")
_KNOWN: dict[str, tuple[type, ...]] = {
    "kind": (str,), "base_url": (str,), "folder": (str,), "send": (list,), "exchange": (str,),
    "seconds": (int, float), "ca_file": (str,), "insecure": (bool,),
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


def load(path: Path) -> dict[str, PartnerSettings]:
    """The partners of a file, by name; none when the file is absent. Raises Misconfigured."""
    if not path.exists():
        return {}
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: {error}") from None
    wrong = [f"[{name}] {what}" for name, table in listed.items() for what in _wrong(table)]
    if wrong:
        raise Misconfigured(issues=[Issue("error", "invalid", f"{path}: {what}.") for what in wrong])
    return {name: _settings(name, table) for name, table in listed.items()}


def _settings(name: str, table: dict[str, Any]) -> PartnerSettings:
    values = {**table, "send": tuple(table.get("send", ())), "base_url": table.get("base_url", "").rstrip("/")}
    if "folder" in table:
        values["folder"] = Path(table["folder"])
    return PartnerSettings(name=name, **values)


def _wrong(table: Any) -> list[str]:
    if not isinstance(table, dict):
        return ["is not a table"]
    found = [f"has an unknown entry {entry}" for entry in table if entry not in _KNOWN]
    found += [
        f"has a {entry} of the wrong type"
        for entry, value in table.items()
        if entry in _KNOWN
        and (not isinstance(value, _KNOWN[entry]) or isinstance(value, bool) != (entry == "insecure"))
    ]
    if found:
        return found
    if table.get("kind") not in KINDS:
        return [f"has a kind that is none of {', '.join(KINDS)}"]
    if (needed := KINDS[table["kind"]]) and not table.get(needed):
        found.append(f"is a {table['kind']} and has no {needed}")
    if not all(isinstance(type, str) for type in table.get("send", [])):
        found.append("has a send that is not a list of resource types")
    if table.get("exchange", "transaction") not in EXCHANGES:
        found.append(f"has an exchange that is none of {', '.join(EXCHANGES)}")
    if not 0 < table.get("seconds", 1) <= LONGEST:
        found.append(f"has seconds that are not between 0 and {LONGEST:g}")
    if table["kind"] == "fhir_server":
        found += _wrong_address(table.get("base_url", ""), insecure=table.get("insecure", False))
    return found


def _wrong_address(address: str, *, insecure: bool) -> list[str]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        return ["has a base_url that is not a plain http(s) address"]
    if parts.scheme == "http" and not insecure and not _here(parts.hostname):
        return ["would be sent people's data in clear: use https"]
    return []


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
