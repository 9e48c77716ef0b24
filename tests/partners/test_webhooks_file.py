"""webhooks.toml: everything that is wrong in it is said at once, by its table and entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway import wiring_webhooks
from gateway.errors import Misconfigured
from gateway.partners.webhooks_file import load
from gateway.settings import Settings

SECRET = "whsec_" + "QUJD" * 8
GOOD = f"""
[endpoints]
loopback = true
private = ["ehr.clinic.internal"]
[subscribers.clinic]
secrets = ["{SECRET}"]
full_resource = true
organizations = ["npi|1234567893"]
[hooks.findhelp]
secrets = ["{SECRET}"]
accepts = ["Task", "Procedure"]
[hooks.county]
tokens = ["%s"]
[hooks.open]
unsigned = true
""" % ("t" * 32)


def file(folder: Path, text: str) -> Path:
    path = folder / "webhooks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_said_is_read(tmp_path: Path) -> None:
    found = load(file(tmp_path, GOOD))
    assert found.endpoints.loopback
    assert found.cleared == {"clinic"}
    assert found.secrets == {"clinic": (SECRET,)}
    assert found.organizations == {"clinic": ("npi|1234567893",)}
    assert found.hooks["findhelp"].accepts == {"Task", "Procedure"}
    assert (found.hooks["county"].secrets, found.hooks["county"].tokens) == ((), ("t" * 32,))
    assert (found.hooks["open"].secrets, found.hooks["open"].accepts) == ((), {"Task"})


def test_without_a_file_nothing_is_allowed_and_nobody_known(tmp_path: Path) -> None:
    found = load(tmp_path / "none.toml")
    assert not found.endpoints.loopback
    assert (found.hooks, found.secrets, found.cleared) == ({}, {}, frozenset())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "Expected '='"),
        ("[senders.a]", "[senders] is not known"),
        ("endpoints = 1", "[endpoints] has loopback"),
        ("[endpoints]\nloopback = 1", "[endpoints] has loopback"),
        ('[endpoints]\nprivate = "a"', "[endpoints] has loopback"),
        ("[endpoints]\nprivate = [1]", "[endpoints] has loopback"),
        ("hooks = 5", "[hooks] is not a table"),
        ("[hooks]\na = 5", "[hooks.a] is not a table"),
        ("[hooks.a]", "[hooks.a] has no secrets and no tokens: anybody could speak for this partner"),
        ('[hooks.a]\nsecrets = "whsec_"', "[hooks.a] has a secrets of the wrong type"),
        ("[hooks.a]\nsecrets = [1]", "[hooks.a] has secrets that are not a list of whsec_..."),
        ("[hooks.a]\nunsigned = true\naccepts = [1]", "[hooks.a] has accepts that is not a list of resource types"),
        ('[hooks.a]\nunsigned = "yes"', "[hooks.a] has a unsigned of the wrong type"),
        ('[hooks.a]\ntokens = "x"', "[hooks.a] has a tokens of the wrong type"),
        ("[hooks.a]\ntokens = [1]", "[hooks.a] has tokens that are not a list of texts"),
        ('[hooks.a]\ntokens = ["short"]', "[hooks.a] has a token that is not 32 to 400"),
        (f'[hooks.a]\ntokens = ["{"t" * 31} {"t" * 32}"]', "[hooks.a] has a token that is not 32 to 400"),
        ("[subscribers.a]\nfull_resource = 1", "[subscribers.a] has a full_resource of the wrong type"),
        ("[subscribers.a]\nfull = true", "[subscribers.a] has an unknown entry full"),
        ("[subscribers.a]\norganizations = [1]", "[subscribers.a] has organizations that are not a list of texts"),
    ],
)
def test_what_is_wrong_is_said_by_table_and_entry(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(file(tmp_path, text))
    assert [said in issue.message for issue in refused.value.issues] == [True]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(file(tmp_path, "[senders.a]\n[hooks.a]\n[hooks.b]\nsecret = 1\ntenant = 1"))
    assert len(refused.value.issues) == 4


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[hooks.a]\nunsigned = true\naccepts = ["Tasks"]', r"\[hooks.a\] accepts types that are not served: Tasks"),
        ('[hooks.a]\nsecrets = ["whsec_x"]', "secret"),
    ],
)
def test_a_type_that_is_not_served_or_a_secret_that_is_none_stops_the_process(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        wiring_webhooks.hooks(replace(Settings(), webhooks=file(tmp_path, text)))
