"""The outside systems that are told of changes: one file a kind, listed in partners.toml, all a `ports.Partner`."""

from __future__ import annotations

from pathlib import Path

from gateway.partners.capabilities import of
from gateway.partners.console import Console
from gateway.partners.ehr import Ehr
from gateway.partners.fhir_server import FhirServer
from gateway.partners.files import Files
from gateway.partners.findhelp import Findhelp
from gateway.partners.polling import FhirPolling, keeps_our_ids
from gateway.partners.settings import PartnerSettings, load

Adapter = FhirServer | Ehr | Findhelp | Files | Console
ADAPTERS: dict[str, type[FhirServer] | type[Ehr] | type[Findhelp] | type[Files] | type[Console]] = {
    "fhir_server": FhirServer,
    "ehr": Ehr,
    "epic": Ehr,
    "oracle": Ehr,
    "findhelp": Findhelp,
    "files": Files,
    "console": Console,
}
POLLED = frozenset(["fhir_server", "ehr", "epic", "oracle"])


def adapters(path: Path) -> dict[str, Adapter]:
    """The partners of a partners.toml, by name; Misconfigured with everything that is wrong in it."""
    return {name: adapter(settings) for name, settings in load(path).items()}


def adapter(settings: PartnerSettings) -> Adapter:
    """The adapter of one partner."""
    return ADAPTERS[settings.kind](settings)


def asked(path: Path) -> dict[str, tuple[frozenset[str], bool]]:
    """The types that partners of a partners.toml are asked for, and whether they keep ours under our ids, by name."""
    listed = {name: one for name, one in load(path).items() if one.kind in POLLED}
    types = {name: frozenset(rule.type for rule in of(one.kind, poll=one.poll).polls) for name, one in listed.items()}
    return {name: (types[name], keeps_our_ids(one)) for name, one in listed.items()}


def polled(path: Path, *, hurry: float = 1.0) -> dict[str, FhirPolling]:
    """The partners of a partners.toml that are asked for changes, by name; `hurry` times as often (rehearsals)."""
    found = {name: FhirPolling(one, hurry=hurry) for name, one in load(path).items() if one.kind in POLLED}
    return {name: one for name, one in found.items() if one.types}
