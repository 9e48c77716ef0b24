"""Services over an empty database, with two partners who are told of different things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import wiring
from gateway.ports import Caller
from gateway.settings import Settings
from gateway.usecases.services import Services

PARTNERS = """
[clinic]
kind = "fhir_server"
base_url = "http://127.0.0.1:9/fhir"
send = ["ServiceRequest", "Task", "Patient"]
everyone = true

[county]
kind = "fhir_server"
base_url = "http://127.0.0.1:9/fhir"
send = ["CareTeam"]
everyone = true
"""


@pytest.fixture
def caller() -> Caller:
    return Caller("tester", request_id="r-1")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    partners = tmp_path / "partners.toml"
    partners.write_text(PARTNERS)
    settings = replace(Settings(), database=f"sqlite:///{tmp_path / 'g.sqlite'}", partners=partners)
    with wiring.composed(settings) as services:
        yield services
