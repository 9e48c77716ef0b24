"""How right the validator is: HL7's cases with the Java validator's verdicts, and published examples.

    python bench/conformance.py [--misses] [--case NAME]

Reads ../shared (published material beside the checkout). Prints, per module and tier, how many runs that expect an
error have one (caught) and how many that expect none have none (quiet); then the errors on published examples.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # not bench/, whose modules have names of the standard library

from gateway.errors import GatewayError, Issue  # noqa: E402
from gateway.fhir import codec, xml  # noqa: E402
from gateway.validation import Validator  # noqa: E402
from gateway.validation.loose import looks_like_xml  # noqa: E402

SHARED = ROOT.parent / "shared" / "fhir"
CASES = SHARED / "test-cases"
EXAMPLES = {
    "us-core-6.1.0": ("hl7.fhir.us.core#6.1.0",),
    "us-core-7.0.0": ("hl7.fhir.us.core#7.0.0",),
    "us-core-8.0.0": ("hl7.fhir.us.core#8.0.0",),
    "sdohcc-2.3.0": ("hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#2.3.0"),
    "sdohcc-3.0.0": ("hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"),
    "subscriptions-backport-r4-1.1.0": (
        "hl7.fhir.uv.subscriptions-backport.r4#1.1.0",
        "supplement.r5.subscription-codes#5.0.0",
    ),
}


@dataclass(frozen=True)
class Verdict:
    """One run of a case: what Java says, what we say."""

    case: str
    module: str
    tier: str
    run: str
    expected: int
    issues: tuple[Issue, ...]
    broken: str = ""

    @property
    def errors(self) -> list[Issue]:
        return [i for i in self.issues if i.is_error]

    @property
    def agrees(self) -> bool:
        return bool(self.expected) == bool(self.errors or self.broken)


def verdicts(only: str | None = None) -> Iterator[Verdict]:
    """Run every case (or one) and yield a verdict per run."""
    files = CASES / "files"
    for case in json.loads((CASES / "cases.json").read_text())["cases"]:
        if only and only not in case["name"]:
            continue
        packages = [str(files / p) for p in case["packages"] if (files / p).exists()]
        supporting = [(files / s).read_bytes() for s in case["supporting"]]
        for run in case["runs"]:
            yield _verdict(case, run, packages, supporting, files)


def _verdict(
    case: dict[str, Any], run: dict[str, Any], packages: list[str], loose: list[bytes], files: Path
) -> Verdict:
    profiles: list[str] = []
    broken = ""
    issues: tuple[Issue, ...] = ()
    try:
        if run["run"] == "profile":
            named = run["profile"]
            loose = [*loose, *((files / s).read_bytes() for s in case.get("profile_supporting") or ())]
            if named.startswith("http"):
                profiles = [named]
            else:
                data = (files / named).read_bytes()
                loose = [*loose, data]
                profiles = [_url(data)]
        validator = Validator.load(packages, resources=loose, **_switches(case["settings"], files))
        data = (files / case["file"]).read_bytes()
        issues = tuple(validator.check(data, profiles=profiles))
        if rule := case["settings"].get("bundle-param"):
            issues += tuple(_of_entry(validator, data, rule))
    except GatewayError as error:
        broken = f"{type(error).__name__}: {error}"
    return Verdict(case["name"], case["module"], case["tier"], run["run"], run["errors"], issues, broken)


def _switches(settings: dict[str, Any], files: Path) -> dict[str, Any]:
    """The switches of the manifest that the validator has: example addresses, and references that are followed."""
    switches: dict[str, Any] = {}
    if settings.get("examples") is False:
        switches["example_urls"] = "refuse"
    if "validateReference" in settings:
        switches["resolver"] = lambda reference: _at_hand(reference, files)
    return switches


def _at_hand(reference: str, files: Path) -> dict[str, Any] | None:
    """The resource of that id among the cases' files, as JSON or XML."""
    name = re.sub(r"[^A-Za-z0-9.-]", "", reference.rpartition("/")[2])
    for file in (files / f"{name}.json", files / f"{name}.xml"):
        if file.is_file():
            return read(file.read_bytes())
    return None


def read(data: bytes) -> dict[str, Any] | None:
    """A resource out of JSON or XML."""
    found = xml.read(data, Validator.load().engine.shapes).value if looks_like_xml(data) else codec.read(data)
    return found if isinstance(found, dict) else None


def _of_entry(validator: Validator, data: bytes, rule: dict[str, str]) -> list[Issue]:
    """The issues of a Bundle's nth resource of a type by one more profile (`Patient:0`)."""
    kind, _, number = rule["rule"].partition(":")
    resources = [entry.get("resource", {}) for entry in (read(data) or {}).get("entry", ())]
    chosen = [resource for resource in resources if resource.get("resourceType") == kind]
    return validator.check(chosen[int(number)], profiles=[rule["profile"]])


def _url(data: bytes) -> str:
    if data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{"):
        return str(json.loads(data)["url"])
    return data.partition(b'<url value="')[2].partition(b'"')[0].decode()


def print_table(found: list[Verdict]) -> None:
    """Caught and quiet, per tier and module."""
    print(f"{'tier':5}{'module':12}{'caught':>12}{'quiet':>12}")
    for tier in ("A", "B"):
        for module in [*sorted({v.module for v in found if v.tier == tier}), "all"]:
            mine = [v for v in found if v.tier == tier and module in (v.module, "all")]
            bad, good = [v for v in mine if v.expected], [v for v in mine if not v.expected]
            caught, quiet = sum(v.agrees for v in bad), sum(v.agrees for v in good)
            share = f"  {100 * caught / max(1, len(bad)):5.1f} % {100 * quiet / max(1, len(good)):5.1f} %"
            print(
                f"{tier:5}{module:12}{caught:6}/{len(bad):<5}{quiet:6}/{len(good):<5}{share if module == 'all' else ''}"
            )


def print_misses(found: list[Verdict]) -> None:
    for v in found:
        if not v.agrees:
            kind = "missed" if v.expected else "false alarm"
            print(f"{v.tier} {kind}: {v.case} ({v.run}, {v.module}) {v.broken[:200]}")
            for issue in v.errors[:4]:
                print(f"      {issue.expression}: {issue.rule}: {issue.message[:150]} [{issue.profile}]")


def examples(*, misses: bool) -> int:
    """Errors on published examples against their meta.profile; each should be none."""
    total = 0
    for folder, packages in EXAMPLES.items():
        paths = [str(SHARED / "packages" / f"{p}.tgz") for p in packages]
        started = time.perf_counter()
        validator = Validator.load(paths)
        flagged: Counter[str] = Counter()
        files = sorted((SHARED / "examples" / folder).glob("*.json"))
        for file in files:
            for issue in validator.check(file.read_bytes()):
                if issue.is_error:
                    flagged[file.name] += 1
                    if misses:
                        print(f"      {file.name} {issue.expression}: {issue.rule}: {issue.message} [{issue.profile}]")
        total += len(flagged)
        seconds = time.perf_counter() - started
        print(f"{folder:34}{len(files):5} examples{len(flagged):5} flagged   {seconds:.1f} s with loading")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--case")
    arguments = parser.parse_args()
    if not CASES.is_dir():
        sys.exit("SKIPPED: ../shared/fhir is not beside this checkout")
    found = list(verdicts(arguments.case))
    print_table(found)
    if arguments.misses or arguments.case:
        print_misses(found)
    if arguments.case:
        for v in found:
            for issue in v.issues:
                print("   ", v.run, issue)
        return
    examples(misses=arguments.misses)


if __name__ == "__main__":
    main()
