"""Other validators, each in its own process, on the same resources. What cannot be had here is None and printed so.

A peer answers in microseconds a resource, warm. They are installed by hand, outside the checkout, and named by
environment variables: MEDPLUM (a folder with node_modules/@medplum/{core,definitions}), HAPI (a folder of jars;
peer_hapi.xml says which, and how to get them). They need Node 20, Java 17 and the official packages beside us.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import timeit
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / "shared" / "fhir" / "packages"
Micros = dict[str, float | None]


def fhir_resources(resources: Mapping[str, bytes]) -> Micros:
    """fhir.resources R4B, `model_validate_json`: base types only, no profile, no required codes."""
    from fhir.resources.R4B import get_fhir_model_class

    found: Micros = {}
    for name, data in resources.items():
        model = get_fhir_model_class(json.loads(data)["resourceType"])
        parse = model.model_validate_json
        try:
            found[name] = (
                min(timeit.repeat(partial(parse, data), number=20, repeat=7, timer=time.thread_time)) / 20 * 1e6
            )
        except ValueError:
            found[name] = None
    return found


def medplum(resources: Mapping[str, bytes], profiles: Sequence[str]) -> Micros | None:
    """@medplum/core's validateResource in Node, against the profile each resource claims."""
    folder = os.environ.get("MEDPLUM")
    node = shutil.which("node")
    if not folder or not node or not PACKAGES.is_dir():
        return None
    with tempfile.TemporaryDirectory() as place:
        task = Path(place) / "task.json"
        task.write_text(json.dumps({
            "resources": {name: json.loads(data) for name, data in resources.items()},
            "profiles": dict(_definitions(profiles)),
        }))  # fmt: skip
        return _answers([node, str(HERE / "peer_medplum.cjs"), folder, str(task)])


def hapi(resources: Mapping[str, bytes], packages: Sequence[str]) -> Micros | None:
    """HAPI's FhirInstanceValidator, warm, with the same packages and no terminology server."""
    folder = os.environ.get("HAPI")
    if not folder or not shutil.which("java") or not PACKAGES.is_dir():
        return None
    with tempfile.TemporaryDirectory() as place:
        for name, data in resources.items():
            (Path(place) / f"{name}.json").write_bytes(data)
        jars = f"{folder}/*"
        files = [str(PACKAGES / f"{package}.tgz") for package in packages]
        return _answers(["java", "-Xmx3g", "-cp", jars, str(HERE / "PeerHapi.java"), place, *files])


def _answers(command: list[str]) -> Micros | None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        print("  peer failed:", (done.stderr or done.stdout)[-300:].strip())
        return None
    found: Micros = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _definitions(canonicals: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    found: dict[str, dict[str, Any]] = {}
    for archive in sorted(PACKAGES.glob("*.tgz")):
        if "us.core#7" not in archive.name and "sdoh-clinicalcare#3" not in archive.name:
            continue
        with tarfile.open(archive) as package:
            for entry in package:
                if "StructureDefinition-" in entry.name:
                    file = package.extractfile(entry)
                    definition = json.load(file) if file else {}
                    if definition.get("url") in canonicals:
                        found[definition["url"]] = definition
    return sorted(found.items())
