"""partners.toml: what a partner may say of itself, and that every mistake is told at once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import wiring_webhooks
from gateway.errors import Misconfigured
from gateway.partners import adapters
from gateway.partners.settings import load
from gateway.settings import Settings
from tests.conftest import ROOT

SERVER = '[a]\nkind = "fhir_server"\nbase_url = "https://ehr.example/r4"\n'


def test_the_example_is_sound() -> None:
    made = adapters(ROOT / "fixtures" / "partners" / "partners.toml")
    assert [type(one).__name__ for one in made.values()] == ["FhirServer", "FhirServer", "Files", "Console"]
    assert all(one.name == name for name, one in made.items())


def test_no_file_means_no_partners(tmp_path: Path) -> None:
    assert load(tmp_path / "partners.toml") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a", "partners.toml"),
        ("a = 1", "is not a table"),
        ('[a]\nkind = "fax"', "a kind that is none of"),
        ('[a]\nkind = "files"', "has no folder"),
        ('[a]\nkind = "fhir_server"', "has no base_url"),
        (SERVER + "retries = 3", "unknown entry retries"),
        (SERVER + 'seconds = "long"', "seconds of the wrong type"),
        (SERVER + "seconds = true", "seconds of the wrong type"),
        (SERVER + "seconds = 600", "not between 0 and 60"),
        (SERVER + 'exchange = "carrier pigeon"', "an exchange that is none of"),
        (SERVER + "send = [1]", "not a list of resource types"),
        (SERVER + 'send = ["Task"]', 'write organizations = ["npi|1234567893", "plan|health-net"]'),
        (SERVER + 'send = ["Task"]\neveryone = false', "or everyone = true"),
        (SERVER + 'send = ["Task"]\norganizations = []', "says neither organizations nor everyone"),
        (SERVER + "organizations = [1]", "organizations that are not a list of texts"),
        (SERVER + 'everyone = "yes"', "everyone of the wrong type"),
        (SERVER + 'everyone = true\norganizations = ["npi|1"]', "says both organizations and everyone"),
        (SERVER.replace("fhir_server", "findhelp"), "has no tenant"),
        (SERVER.replace("fhir_server", "findhelp") + 'tenant = "t"\nsend = ["Task", "Goal"]', "is told of Tasks only"),
        (SERVER.replace("https", "http"), "in clear"),
        (SERVER.replace("https", "ftp"), "not a plain http(s) address"),
        (SERVER.replace("ehr.", "user:secret@ehr."), "not a plain http(s) address"),
        (SERVER.replace("/r4", "/r4?key=1"), "not a plain http(s) address"),
    ],
)
def test_a_mistake_is_told(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as refused:
        load(file)
    assert told in refused.value.issues[0].message
    assert "secret" not in refused.value.issues[0].message


def test_who_is_told_nothing_needs_no_standing(tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_text(SERVER + 'poll = ["Task"]')
    assert not load(file)["a"].everyone


@pytest.mark.parametrize(
    ("organization", "told"),
    [("npi|1234567890", "fails the NPI check digit"), ("health-net", "is none of npi|number"), ("npj|1", "is none of")],
)
def test_an_organization_that_cannot_be_read_is_told(organization: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_text(SERVER + f'send = ["Task"]\norganizations = ["plan|health-net", "{organization}"]')
    with pytest.raises(Misconfigured) as refused:
        wiring_webhooks.subscribers(replace(Settings(), partners=file))
    assert f"[a] organization 2 {told}" in refused.value.issues[0].message


def test_organizations_are_read_as_identifiers(tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    listed = ["npi|1234567893", "plan|health-net", "tin|12-3456789", "https://x.example/ids|7", "Organization/o1"]
    file.write_text(SERVER + f'send = ["Task"]\norganizations = {json.dumps(listed)}')
    (told,) = wiring_webhooks.subscribers(replace(Settings(), partners=file))
    assert told.organizations == {
        "http://hl7.org/fhir/sid/us-npi|1234567893",
        "https://ecm-gateway.example/fhir/sid/plan|health-net",
        "urn:oid:2.16.840.1.113883.4.4|12-3456789",
        "https://x.example/ids|7",
        "Organization/o1",
    }


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_text('[a]\nkind = "fax"\n[b]\nkind = "files"\n' + SERVER.replace("[a]", "[c]") + "seconds = 0\n")
    with pytest.raises(Misconfigured) as refused:
        load(file)
    assert [issue.message.split("[")[1][0] for issue in refused.value.issues] == ["a", "b", "c"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_may_be_spoken_to_in_clear(host: str, tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_text(SERVER.replace("https://ehr.example", f"http://{host}:8080"))
    assert load(file)["a"].base_url == f"http://{host}:8080/r4"
