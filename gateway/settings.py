"""Every setting, read once from the environment (prefix ECM_). The only reader of os.environ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gateway.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per variable: `database` is ECM_DATABASE. docs/settings.md lists them, and a test compares."""

    database: str = "sqlite:///var/gateway.sqlite"
    """Where data is kept: `sqlite:///path` or `postgresql://...`."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs ECM_LISTEN_ANYWHERE=yes until callers are authenticated."""
    port: int = 8080
    workers: int = 1
    """Server processes."""
    threads: int = 16
    """Threads a server process."""
    listen_anywhere: bool = False
    base_url: str = ""
    """Public base of the FHIR API, without a trailing slash; empty: `http://HOST:PORT/fhir`."""
    max_body: int = 5_242_880
    """Largest request body in bytes."""
    max_entries: int = 500
    """Most entries of a batch or transaction."""
    check_references: bool = True
    """Refuse a resource that refers to one that is not kept here."""
    tenant: str = "default"
    """Tenant of callers, until they are authenticated."""
    id_key: Path | None = None
    """File with the secret that ids of members are made with; made at first start. Unset: `id.key` beside the SQLite
    database. With PostgreSQL it must be set, and be the same for every process: another key makes other ids."""
    operator_name: str = "ECM Gateway operator"
    """The organization that runs this gateway; it signs for referrals that name no organization."""
    operator_npi: str = ""
    partners: Path = Path("partners.toml")
    """Where partner FHIR servers are listed; absent: no partner is owed anything."""
    webhooks: Path = Path("webhooks.toml")
    """Who may be sent what by Subscription, and who may send us webhooks; absent: public https only, nobody cleared."""
    mail: str = ""
    """How e-mail goes out: `file:FOLDER`, `smtp://host:port`, `smtps://user:password@host:port`; empty: none does."""
    mail_from: str = ""
    """The sender of that e-mail."""
    keep_delivered_days: int = 90
    """How long deliveries are kept after their partner heard them; 0: for ever."""
    keep_events_days: int = 90
    """How long events that their subscriber has taken are kept for $events; 0: for ever."""
    keep_received_days: int = 90
    """How long what partners sent is kept after it was applied; 0: for ever."""
    keep_keys_days: int = 400
    """How long a repeat of it is recognised, 30 days at least, never shorter than what was sent; 0: for ever."""
    mappings: Path | None = None
    """Folder of the mapping tables; unset: those shipped with the gateway."""
    profiles: Path | None = None
    """Folder of the profiles; unset: those shipped with the gateway."""
    cache: Path = Path("~/.cache/ecm-gateway")
    """Where compiled profiles are kept between starts. With XDG_CACHE_HOME: `ecm-gateway` in that."""
    log_level: str = "INFO"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environment` (default: the process's own); Misconfigured lists every bad one."""
    source = os.environ if environment is None else environment
    values: dict[str, object] = {}
    wrong: list[str] = []
    known = {f"ECM_{f.name.upper()}": f for f in fields(Settings)}
    for name, text in source.items():
        if not name.startswith("ECM_") or name.startswith("ECM_TEST_"):
            continue
        if name not in known:
            wrong.append(f"{name} is not a setting")
            continue
        kind = str(known[name].type)
        try:
            values[known[name].name] = _parse(text, kind)
        except ValueError as error:
            wrong.append(f"{name} {error}")
    if "cache" not in values and source.get("XDG_CACHE_HOME", "").startswith("/"):
        values["cache"] = Path(source["XDG_CACHE_HOME"]) / "ecm-gateway"
    if wrong:
        raise Misconfigured("; ".join(wrong) + ". See docs/settings.md.")
    return Settings(**values)  # type: ignore[arg-type]


def _parse(text: str, kind: str) -> object:
    if kind == "int":
        if not text.isdecimal():
            raise ValueError("is not a whole number")
        return int(text)
    if kind == "bool":
        if text.lower() not in ("yes", "no"):
            raise ValueError("is not yes or no")
        return text.lower() == "yes"
    if kind.startswith("Path"):
        return Path(text)
    return text


def hand_on(settings: Settings) -> None:
    """Put the settings into this process's environment, for the server processes that it starts."""
    for field in fields(Settings):
        value = getattr(settings, field.name)
        name = f"ECM_{field.name.upper()}"
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = ("yes" if value else "no") if isinstance(value, bool) else str(value)
