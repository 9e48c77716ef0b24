from __future__ import annotations

import pytest

from gateway.doors.readers import Readers
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def readers() -> Readers:
    return Readers.load(ROOT / "mappings")
