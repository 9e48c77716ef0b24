"""What is accepted entry by entry in a Bundle is what the engine finds in the whole: every error and no other."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.validation import Validator
from tests.properties.broken import RESOURCES, broken
from tests.properties.test_narrowing import agree

Json = dict[str, Any]
ONES = [codec.read(path.read_bytes()) for path in RESOURCES]
BASES = ["https://a.example/fhir/", "https://b.example/r4/"]


def references(value: Any) -> Iterator[Json]:
    """Every Reference in a value."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(inner, dict) and isinstance(inner.get("reference"), str):
            yield inner
        yield from references(inner)


def bundle(chance: random.Random) -> Json:
    """Some resources, some of which refer to one another, rightly or wrongly, by all forms of references."""
    tidy = chance.random() < 0.5
    found = [copy.deepcopy(chance.choice(ONES)) for _ in range(chance.randrange(2, 6))]
    urls = []
    for number, one in enumerate(found):
        one["id"] = f"id-{number if tidy or chance.random() < 0.9 else 0}"
        uuid = f"urn:uuid:00000000-0000-4000-8000-00000000000{number}"
        urls.append(uuid if chance.random() < 0.3 else f"{chance.choice(BASES)}{one['resourceType']}/{one['id']}")
        if urls[-1] == uuid and chance.random() < 0.5:
            one["id"] = uuid[9:]
    for one in found:
        for reference in references(one):
            kind = reference["reference"].partition("/")[0]
            fitting = [n for n, other in enumerate(found) if not tidy or other["resourceType"] == kind]
            if fitting and chance.random() < 0.6:
                target = chance.choice(fitting)
                reference["reference"] = leading(found[target], urls[target if tidy else 0], chance)
                reference.pop("type", None)
    entries = [{"fullUrl": url, "resource": one} for url, one in zip(urls, found, strict=True)]
    return {"resourceType": "Bundle", "type": chance.choice(["collection", "history", "searchset"]), "entry": entries}


def leading(target: Json, url: str, chance: random.Random) -> str:
    relative = f"{target['resourceType']}/{target['id']}"
    version = f"/_history/{target['meta'].get('versionId', 1)}"
    forms = [url, relative, relative + version, url + version, chance.choice(BASES) + relative + version + "#x"]
    return chance.choice(forms)


@pytest.mark.parametrize("seed", range(8))
def test_bundles(validator: Validator, seed: int) -> None:
    chance = random.Random(seed)
    for one in ONES:
        assert validator.is_valid(one)  # compiled, so that entries are accepted at once
    faulty = 0
    for number in range(60):
        made: Any = bundle(chance)
        if number % 2:
            made = broken(made, chance)
        faulty += agree(validator, made, made)
        assert validator.check(made) == validator.explain(made)
    assert 10 < faulty < 60


def test_resources_in_parameters(validator: Validator) -> None:
    chance = random.Random(1)
    for one in ONES:
        listed = [{"name": "one", "resource": one}, {"name": "two", "resource": broken(one, chance)}]
        made = {"resourceType": "Parameters", "parameter": listed}
        agree(validator, made, listed)
        assert validator.check(made) == validator.explain(made)


def test_an_entry_is_accepted_by_itself(validator: Validator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nothing above was tried: the engine walks no resource that was accepted and refers to no other."""
    entries = [{"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{n:012}", "resource": one} for n, one in enumerate(ONES)]
    made = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    for one in ONES:
        assert validator.is_valid(one)
    walked: list[str] = []
    walk = validator.engine.resource

    def walking(run: Any, value: Json, *rest: Any) -> None:
        walked.append(value["resourceType"])
        walk(run, value, *rest)

    monkeypatch.setattr(validator.engine, "resource", walking)
    assert validator.is_valid(made)
    assert not [issue for issue in validator.check(made) if issue.is_error]
    assert walked == ["Bundle", "Bundle"]
