"""What the pages name is there: files, headings, commands, settings, benches, test modules."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from gateway.cli import cli

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, check=True, text=True)
PAGES = sorted(name for name in LISTED.stdout.split() if (ROOT / name).is_file())
COMMANDS = set(cli.list_commands(None))  # type: ignore[attr-defined]


def _anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_bench_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert {one for one in re.findall(r"\becm-gateway ([a-z]+)\b", text) if one not in COMMANDS} <= {"on", "is"}
    for module in re.findall(r"python -m ((?:bench|gateway)[\w.]*)", text):
        assert importlib.util.find_spec(module) is not None, module


@pytest.mark.parametrize("name", [one for one in PAGES if one != "CHANGELOG.md"])
def test_every_file_that_is_named_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:gateway|tests|bench|mappings|profiles|fixtures|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"`((?:test_|torture_|schema_)?\w+\.py)`", text):
        assert any(ROOT.glob(f"[gtb]*/**/{module}")), module
