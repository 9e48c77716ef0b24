"""Everything that a door reads into a record reaches some FHIR element: nothing is dropped without being listed."""

from __future__ import annotations

import pytest

from gateway.domain.member import Organization
from gateway.doors.readers import Readers
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids
from gateway.mapping.trace import trace
from gateway.usecases.intake import MAPPERS
from tests.conftest import NOW, ROOT
from tests.doors.cases import KINDS, Case, all_cases, read

READERS = Readers.load(ROOT / "mappings")
CASES = [case for case in all_cases() if case.name.endswith(("filled", "clean", "self-referral", "unlisted-column"))]
CONTEXT = Context(
    ids=Ids("default", b"a-salt-for-the-tests"),
    now=NOW,
    source=Source("case", "0" * 64, "text/plain"),
    operator=Organization(name="This gateway"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_field_that_was_read_is_in_some_element(case: Case) -> None:
    kind = KINDS.get(case.toml["door"]) or case.toml.get("kind", "referral")
    for reading in read(case, READERS).readings:
        if reading.value is not None:
            found = trace(reading.value, lambda record: MAPPERS[kind](record, context=CONTEXT))
            assert not [path for path, elements in found.items() if not elements]
