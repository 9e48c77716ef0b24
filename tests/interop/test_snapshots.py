"""Snapshots regenerated from the published differentials are the published snapshots, but for what is listed here."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import BadProfile
from gateway.packages import Definitions
from gateway.packages.condense import condense
from gateway.packages.snapshot import with_snapshot
from gateway.packages.source import read_source

pytestmark = pytest.mark.interop

Json = dict[str, Any]

NO_SLICING = {"catalog", "familymemberhistory-genetic"}
"""R4 core profiles that slice an element without saying how."""
# Why a made snapshot differs (counts are elements):
# - "spelled out", and constraint, binding, type, mustSupport of Provenance.agent, Observation.component and the
#   identifier slices: our slices keep what the same differential says of the unsliced element; the publisher starts
#   them from the base. By the specification the unsliced element's rules hold for its slices too.
# - type and min of value[x] in R4 core and 3.1.1: publishers of that time closed a choice that has one type slice.
# - "left out": children that say nothing new, which some publishers spell out.
# - slicing: published extension lists with slices and no slicing (US Core QuestionnaireResponse, SDC); ours have it.
# - binding of Patient.communication.language: ours keeps the base's maxValueSet. Of birthsex: stated on the extension.
# - constraint in vital-signs 7.0.0: published against a patched R4 vital signs. In SDC and SMART: ours have the root
#   rules of the profile that the element's type names.
# - max 1 of extensions in R4 core and SDC: the extension's own root says 1, the publisher left the list's `*`.
# - isModifier in 3.1.1, sliceName in SDC, contentReference into a slice: slips of the published snapshot.
EXPLAINED: dict[str, dict[str, int]] = {
    "hl7.fhir.r4.core#4.0.1": {
        **{"binding": 1, "contentReference": 1, "left out": 8, "max": 1, "min": 2, "mustSupport": 11, "type": 12},
    },
    "hl7.fhir.us.core#3.1.1": {
        **{"binding": 6, "constraint": 2, "contentReference": 1, "isModifier": 2, "left out": 27, "mustSupport": 4},
        **{"slicing": 3, "spelled out": 24, "type": 8},
    },
    "hl7.fhir.us.core#6.1.0": {
        **{"binding": 3, "constraint": 2, "mustSupport": 4, "slicing": 3, "spelled out": 32, "type": 4},
    },
    "hl7.fhir.us.core#7.0.0": {
        **{"binding": 3, "constraint": 5, "mustSupport": 6, "slicing": 3, "spelled out": 32, "type": 4},
    },
    "hl7.fhir.us.sdoh-clinicalcare#3.0.0": {"left out": 4, "type": 1},
    "hl7.fhir.uv.sdc#3.0.0": {"constraint": 8, "max": 2, "sliceName": 2, "slicing": 36, "type": 1},
    "hl7.fhir.uv.smart-app-launch#2.2.0": {"constraint": 2},
    "hl7.fhir.uv.subscriptions-backport.r4#1.1.0": {},
}


@pytest.mark.parametrize("package", EXPLAINED)
def test_made_snapshots_are_the_published_ones(package: str, shared: Path) -> None:
    definitions = Definitions.load([package])
    source = read_source(shared / "fhir" / "packages" / f"{package}.tgz", keep=_profiles)
    found: Counter[str] = Counter()
    for published in source.resources:
        bare = condense({key: value for key, value in published.items() if key != "snapshot"})
        kept = condense(published)
        assert bare is not None
        assert kept is not None
        try:
            made = with_snapshot(bare, structure=lambda url: definitions.structure(url, scope=package))
        except BadProfile:
            assert published["id"] in NO_SLICING
            continue
        found += _differences(kept, made)
    assert dict(found) == EXPLAINED[package]


def _profiles(resource: Json) -> Json | None:
    wanted = resource.get("derivation") == "constraint" and "snapshot" in resource
    return resource if wanted else None


def _differences(published: Json, made: Json) -> Counter[str]:
    ours = {element["id"]: _rules(element) for element in made["snapshot"]["element"]}
    theirs = {element["id"]: _rules(element) for element in published["snapshot"]["element"]}
    found: Counter[str] = Counter()
    for identity, element in theirs.items():
        if identity not in ours:
            found["left out"] += 1
            continue
        for name in sorted(element.keys() | ours[identity].keys()):
            if element.get(name) != ours[identity].get(name):
                found[name] += 1
    found["spelled out"] += len(ours.keys() - theirs.keys())
    both = [identity for identity in theirs if identity in ours]
    found["order"] += both != [identity for identity in ours if identity in theirs]
    return +found


def _rules(element: Json) -> Json:
    """What is compared: the rules, in forms that do not depend on the writing tool."""
    rules = {key: value for key, value in element.items() if value is not False and key not in _NOT_COMPARED}
    if "constraint" in rules:
        rules["constraint"] = {item["key"]: (item["severity"], item.get("expression")) for item in rules["constraint"]}
    if "slicing" in rules:
        rules["slicing"] = rules["slicing"]["discriminator"]
    if "contentReference" in rules:  # tools write it relative or absolute
        rules["contentReference"] = rules["contentReference"].partition("#")[2]
    types = [
        {key: item[key] for key in ("code", "profile", "targetProfile") if key in item}
        for item in element.get("type", ())
    ]
    return rules | {"type": types}


_NOT_COMPARED = {"condition"}
"""`condition` only links constraints to elements; tools differ in when they add to it."""
