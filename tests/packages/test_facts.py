"""Condensed packages: small, lazy, the same every time, and wary of damage."""

from __future__ import annotations

import subprocess
import sys
import zlib

import pytest

from gateway.errors import BadPackage
from gateway.packages import Definitions, published_folder
from gateway.packages.condense import condense
from gateway.packages.facts import Package

PROSE = {
    *("description", "definition", "comment", "requirements", "purpose", "copyright", "contact", "publisher"),
    *("human", "short", "alias", "mapping", "example", "meaningWhenMissing", "title", "useContext", "jurisdiction"),
}
FILES = sorted(published_folder().glob("*.facts"))


def _members(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_members(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_members(item) for item in value))
    return set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_condensing_what_is_condensed_changes_nothing_and_no_prose_is_left(path: object) -> None:
    package = Package.open(path)  # type: ignore[arg-type]
    for entry in package.index:
        definition = package.read(entry)
        assert condense(definition) == definition
        assert "text" not in definition
        if entry.type in ("StructureDefinition", "ValueSet", "OperationDefinition"):
            assert not PROSE & _members(definition)


def test_all_packages_together_are_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 3_000_000


def test_opening_packages_reads_no_definition() -> None:
    """In a fresh process: all packages are open before a tenth of what reading them all would take in memory."""
    script = (
        "import resource, time\n"
        "from gateway.packages import Definitions\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "started = time.process_time()\n"
        "Definitions.load(['hl7.fhir.us.core#6.1.0', 'hl7.fhir.us.sdoh-clinicalcare#3.0.0'])\n"
        "print(time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, kilobytes = map(float, done.stdout.split())
    assert seconds < 1
    assert kilobytes < 15_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ECMFACTS",
        b"ECMFACTS\x01\x01\xff\xff\xff\xff",
        b"ECMFACTS\x01\x00\x00\x00\x00\x02{}",
        b"ECMFACTS\x02\x00\x00\x00\x00\x02{}",
        FILES[0].read_bytes()[:-1],
        FILES[0].read_bytes()[:100],
    ],
)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(BadPackage, match="import it again"):
        Package(data, origin="damaged")


def test_a_head_that_swells_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.packages.facts._MAX_HEAD", 1_000)
    head = zlib.compress(b" " * 10_000_000)
    with pytest.raises(BadPackage):
        Package(b"ECMFACTS\x01\x01" + len(head).to_bytes(4, "big") + head, origin="bomb")


def test_a_damaged_block_is_refused_when_it_is_read() -> None:
    data = bytearray(FILES[0].read_bytes())
    data[-2_000:] = b"\0" * 2_000
    package = Package(bytes(data), origin="damaged")
    with pytest.raises(BadPackage, match="import it again"):
        package.read(package.index[-1])


def test_definitions_are_found_again_after_being_forgotten() -> None:
    definitions = Definitions.load()
    first = definitions.structure("Patient")
    definitions.forget()
    assert definitions.structure("Patient") == first
