"""requirements/*.txt hold what pyproject.toml asks for, at one version each, with hashes; each dependency says why."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = {
    "run.txt": [*PROJECT["dependencies"], *EXTRAS["pg"]],
    "dev.txt": [*PROJECT["dependencies"], *EXTRAS["pg"], *EXTRAS["dev"]],
    "build.txt": (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").split(),
}


def locked(name: str) -> dict[str, str]:
    """The packages of one file with their versions."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)(?: ;[^\\\n]*)? \\\n    --hash=", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)), "without a hash, or without a version"
    return {canonicalize_name(package): version for package, version in found}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_locked(name: str) -> None:
    held = locked(name)
    for asked in map(Requirement, ASKED[name]):
        assert asked.specifier.contains(held[canonicalize_name(asked.name)]), asked


def test_one_version_of_everything() -> None:
    everything = locked("dev.txt")
    for name in ("run.txt", "build.txt"):
        assert locked(name).items() <= everything.items(), name


def test_every_dependency_says_why() -> None:
    block = TEXT.partition("dependencies = [")[2].partition("[project.scripts]")[0]
    listed = re.findall(r'^  "(.+?)",?(.*)$', block, re.MULTILINE)
    assert len(listed) == len(ASKED["dev.txt"])
    assert [name for name, reason in listed if "#" not in reason] == []


def test_the_lock_command_writes_every_file() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlock:")[2].partition("\n\n")[0]
    assert set(re.findall(r"-o requirements/(\S+)", recipe)) == set(ASKED)
