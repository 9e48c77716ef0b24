"""What a notification only names is read from that partner's own address, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import PartnerRefused, PartnerUnavailable
from gateway.fhir import codec
from gateway.partners.source import FhirSource
from gateway.simulators.faults import Script
from gateway.simulators.server import Simulator

TASK = {"resourceType": "Task", "id": "k1", "status": "requested", "intent": "order"}


@pytest.fixture
def partner() -> Iterator[Simulator]:
    with Simulator(slow=0.01) as made:
        made.memory.answer("PUT", "/Task/k1", codec.write(TASK))
        yield made


@pytest.fixture
def source(partner: Simulator) -> Iterator[FhirSource]:
    made = FhirSource({"clinic": partner.url, "files": ""}, seconds=60)
    yield made
    made.close()


def test_it_reads_by_reference_version_and_address(source: FhirSource, partner: Simulator) -> None:
    for reference in ("Task/k1", "Task/k1/_history/3", f"{partner.url}/Task/k1"):
        assert source.read("clinic", reference)["status"] == "requested"
    assert {one.path for one in partner.recorded} == {"/fhir/Task/k1"}


@pytest.mark.parametrize(
    "reference",
    [
        "https://elsewhere.example/fhir/Task/k1",
        "http://127.0.0.1:1/fhir/Task/k1",
        "../admin",
        "Task/k1?x=y",
        "Task",
        "#k1",
    ],
)
def test_it_goes_nowhere_else(source: FhirSource, partner: Simulator, reference: str) -> None:
    with pytest.raises(PartnerRefused):
        source.read("clinic", reference)
    assert partner.recorded == []


def test_what_is_not_there_is_refused(source: FhirSource) -> None:
    for partner, reference in (("clinic", "Task/none"), ("files", "Task/k1"), ("nobody", "Task/k1")):
        with pytest.raises(PartnerRefused):
            source.read(partner, reference)


@pytest.mark.parametrize(
    "fault", ["500", "503", "429", "html", "garbage", "close", "cut-body", "cut-headers", "redirect"]
)
def test_what_cannot_be_believed_is_asked_again(partner: Simulator, source: FhirSource, fault: str) -> None:
    partner.faults = Script([fault, fault])
    with pytest.raises(PartnerUnavailable):
        source.read("clinic", "Task/k1")


def test_it_reads_with_the_partners_token(partner: Simulator, tmp_path: Path) -> None:
    token = tmp_path / "token"
    made = FhirSource({"clinic": partner.url}, seconds=60, tokens={"clinic": token})
    with pytest.raises(PartnerUnavailable):
        made.read("clinic", "Task/k1")
    token.write_text("abc\n")
    assert made.read("clinic", "Task/k1")["status"] == "requested"
    assert [one.headers["authorization"] for one in partner.recorded] == ["Bearer abc"]
    made.close()
