"""The condensed packages in profiles/published are what the published packages say, imported anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.packages import published_folder
from gateway.packages.facts import SUFFIX, Package, pack
from gateway.packages.source import read_source

pytestmark = pytest.mark.interop

PUBLISHED = sorted(path.name.removesuffix(SUFFIX) for path in published_folder().glob(f"*{SUFFIX}"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_importing_anew_gives_the_same_facts(name: str, shared: Path) -> None:
    kept = Package.open(published_folder() / f"{name}{SUFFIX}")
    anew = Package(pack(read_source(shared / "fhir" / "packages" / f"{name}.tgz")), origin=name)
    assert anew.about == kept.about
    assert anew.index == kept.index
    assert all(anew.raw(entry) == kept.raw(entry) for entry in kept.index)
