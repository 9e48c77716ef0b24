"""HAPI FHIR on loopback, started by one of the scripts beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def started(script: Path) -> Iterator[str]:
    """The address of a server that runs while the block does; skips loudly where none can be had."""
    if os.environ.get("ECM_TEST_HAPI") != "yes" or not shutil.which("java") or not shutil.which("mvn"):
        pytest.skip("LOUD SKIP: interop with HAPI FHIR needs ECM_TEST_HAPI=yes, Java 17 and Maven")
    with subprocess.Popen([script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        address = server.stdout.readline().strip()
        if not address:
            pytest.skip("LOUD SKIP: HAPI FHIR could not be started here")
        yield address
        server.stdin.close()
        server.wait(timeout=60)
