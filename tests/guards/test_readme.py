"""What the README says is there is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_commands_is_the_command_line() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == cli.list_commands(None)  # type: ignore[attr-defined]


def test_every_command_teaches() -> None:
    for name in cli.list_commands(None):  # type: ignore[attr-defined]
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0
        assert "Example" in shown.output or "Commands:" in shown.output, name


def _shown(command: click.Command, words: list[str]) -> Iterator[tuple[list[str], str]]:
    """What `--help` shows of a command and of all below it."""
    yield words, CliRunner().invoke(cli, [*words, "--help"]).output
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _shown(below, [*words, name])


HELP = list(_shown(cli, []))


@pytest.mark.parametrize(("words", "shown"), HELP, ids=[" ".join(words) or "cli" for words, _ in HELP])
def test_what_help_names_is_there(words: list[str], shown: str) -> None:
    """Files of the checkout and subcommands: an example that fails teaches the wrong thing."""
    for path in re.findall(r"\b(?:fixtures|profiles|mappings|docs)/[\w./-]*\w", shown):
        assert (ROOT / path).exists(), path
    known = {tuple(words) for words, _ in HELP}
    for line in re.findall(r"^ +(?:ECM_\S+ )*ecm-gateway (.+)$", shown, re.MULTILINE):
        first, *rest = re.split(r"\s+", line)
        if first != "COMMAND":
            assert (first,) in known, line
            assert not any(len(one) == 2 and one[0] == first for one in known) or (first, rest[0]) in known, line


def test_every_link_leads_to_a_file() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / link).exists(), link


def test_the_two_commands_are_targets_of_make() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
