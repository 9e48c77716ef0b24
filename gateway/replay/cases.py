"""A case: a folder with `case.toml` and the bytes to send. fixtures/README.md describes the keys.

A FHIR resource that lies in a folder without a case.toml is a case as well: it is put, read back and compared. A
collection (what a simulated partner has already) is none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import Malformed, Misconfigured
from gateway.fhir import codec

FHIR_JSON = "application/fhir+json"
DOORS: dict[str, tuple[str, str, str]] = {
    "fhir": ("POST", "/fhir", FHIR_JSON),
    "referral-json": ("POST", "/referrals", "application/json"),
    "care-plan-json": ("POST", "/care-plans", "application/json"),
    "care-team-json": ("POST", "/care-teams", "application/json"),
    "csv": ("POST", "/files/{partner}/{kind}", "text/csv"),
}
_KEYS = frozenset("shows door partner kind method path content_type file filler chunked repeat expect".split())
_EXPECT_KEYS = {"status", "rules", "resources", "kept", "rows"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the answer must be: the status (one of), rules among its issues, how many resources of the types named were
    kept, whether anything was kept at all, and of a file how many rows were `read`, `kept`, `same`, `refused`."""

    status: frozenset[int]
    rules: frozenset[str] = frozenset()
    resources: Mapping[str, int] | None = None
    kept: bool | None = None
    rows: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what it must lead to. `same_back`: what is read afterwards equals what was sent."""

    name: str
    shows: str
    method: str
    path: str
    content_type: str
    body: bytes
    expect: Expectation
    chunked: bool = False
    repeat: int = 1
    same_back: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, *, among_others: bool = False) -> list[Case]:
    """All cases at or below `path`, in order of their names; Misconfigured when there is none or one is wrong.

    Names are relative to `path`; `among_others`: they begin with its own name, so that no two folders' are the same.
    """
    if not path.exists():
        raise Misconfigured(f"There is nothing at {path}.")
    cases = list(_find(path, root=path if path.is_dir() and not among_others else path.parent))
    if not cases:
        raise Misconfigured(f"No case.toml and no FHIR resource was found at {path}.")
    return cases


def _find(path: Path, *, root: Path) -> Iterator[Case]:
    if path.is_file():
        if path.suffix == ".json" and (case := _resource_case(path, root=root)):
            yield case
        return
    if (path / "case.toml").is_file():
        yield _read(path, root=root)
        return
    for inner in sorted(path.iterdir()):
        if inner.is_dir() or inner.suffix == ".json":
            yield from _find(inner, root=root)


def _resource_case(path: Path, *, root: Path) -> Case | None:
    body = path.read_bytes()
    try:
        resource = codec.read(body)
    except Malformed:
        return None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return None
    if resource["resourceType"] == "Bundle" and resource.get("type") == "collection":  # what a simulator is seeded with
        return None
    type_, id_ = resource["resourceType"], resource.get("id")
    return Case(
        name=str(path.relative_to(root).with_suffix("")),
        shows="A published resource is valid, is kept, and comes back as it was sent.",
        method="PUT" if id_ else "POST",
        path=f"/fhir/{type_}/{id_}" if id_ else f"/fhir/{type_}",
        content_type=FHIR_JSON,
        body=body,
        expect=Expectation(frozenset({200, 201})),
        same_back=bool(id_),
    )


def _read(folder: Path, *, root: Path) -> Case:
    file = folder / "case.toml"
    try:
        case = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file}: {error}") from None
    expect = case.get("expect", {})
    unknown = sorted((case.keys() - _KEYS) | (expect.keys() - _EXPECT_KEYS))
    if unknown or "shows" not in case or "status" not in expect or case.get("door", "fhir") not in DOORS:
        raise Misconfigured(f"{file}: needs `shows`, a known `door` and [expect] status; unknown keys: {unknown}")
    method, path, content_type = DOORS[case.get("door", "fhir")]
    default = path.format(partner=case.get("partner", ""), kind=case.get("kind", "referral"))
    return Case(
        name=str(folder.relative_to(root)) if folder != root else folder.name,
        shows=case["shows"],
        method=case.get("method", method),
        path=case.get("path", default),
        content_type=case.get("content_type", content_type),
        body=_body(case, folder=folder),
        expect=_expectation(expect),
        chunked=case.get("chunked", False),
        repeat=case.get("repeat", 1),
    )


def _body(case: Mapping[str, Any], *, folder: Path) -> bytes:
    if "filler" in case:  # a body that is only big; it is not worth its place in the repository
        return b'{"resourceType":"Patient","text":{"status":"generated","div":"%s"}}' % (b"x" * case["filler"])
    try:
        return (folder / case["file"]).read_bytes() if "file" in case else b""
    except OSError:
        raise Misconfigured(f"{folder / 'case.toml'}: there is no file {case['file']}") from None


def _expectation(expect: Mapping[str, Any]) -> Expectation:
    status = expect["status"]
    return Expectation(
        status=frozenset(status if isinstance(status, list) else [status]),
        rules=frozenset(expect.get("rules", ())),
        resources=expect.get("resources"),
        kept=expect.get("kept"),
        rows=expect.get("rows"),
    )
