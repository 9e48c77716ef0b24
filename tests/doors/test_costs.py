"""Input made to be slow is answered within a second."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from gateway.doors.readers import Readers
from gateway.errors import GatewayError
from gateway.mapping.transforms import TRANSFORMS
from tests.conftest import ROOT
from tests.doors.cases import TODAY

CLEAN = (ROOT / "fixtures" / "referrals" / "csv-kaiser-clean" / "file.csv").read_bytes()


@contextmanager
def soon(seconds: float = 2.0) -> Iterator[None]:
    """Processor time, so that a busy machine does not fail the test."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


@pytest.mark.parametrize(
    "body",
    [
        {"populations": [1] * 1_000_000},
        {f"member{n}": 1 for n in range(100_000)},
        {"member": {f"m{n}": {} for n in range(7_000)}},
        {"criteria": [{"criterion": "1.H1", "answer": "perhaps"}] * 2_500},
        {"need": "x" * 5_000_000},
    ],
    ids=["entries", "members", "unknown-members", "wrong-entries", "text"],
)
def test_a_big_json_body_is_refused_soon(body: object, readers: Readers) -> None:
    data = json.dumps(body).encode()
    with soon():
        try:
            refused = bool(readers.json("referral").read(data, today=TODAY).errors)
        except GatewayError as error:
            refused = error.status == 422
    assert refused


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize("piece", [" ", "1 ", ", ", "- ", "x", ",x", "A-", " to"])
def test_no_cell_makes_a_transform_slow(name: str, piece: str) -> None:
    with soon(), suppress(ValueError):
        TRANSFORMS[name]("5" + piece * 20_000 + "!")


def test_many_people_with_one_cin_are_refused_soon(readers: Readers) -> None:
    header, row = CLEAN.split(b"\r\n")[0], b""
    cells = ["K-%d", "", "", "91234567A", "Ana%d", "Zanzibarovna", "04/05/1980", *[""] * 5, "2135550123"]
    row = (",".join([*cells, *[""] * 3, "1", *["0"] * 8, "Pat", *[""] * 18]) + "\r\n").encode()
    data = header + b"\r\n" + b"".join(row % (n, n) for n in range(1_500))
    with soon(6.0):
        rows = readers.table("kaiser", "referral").read(data, today=TODAY).rows
    assert {issue.rule for one in rows for issue in one.errors} == {"cin-two-members"}
    assert max(len(issue.message) for one in rows for issue in one.issues) < 300
