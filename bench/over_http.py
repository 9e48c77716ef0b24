"""Figures over HTTP: `python -m bench.over_http` serves a gateway on loopback, loads it with wrk, prints figures.

    validated create    a ServiceRequest claiming US Core 6.1.0, kept with index, audit and version
    referral            JSON of our schema in; mapped to about eight resources, all validated and kept; 201 out
    read by id          the same ServiceRequest, audited

Each also as a share of the bare statements (the same rows through the store in this process, without HTTP, Flask,
mapping or validation) and of a bare Flask route on the same server, in the same run: the goals were set where that
route answers 14,700 a second with two workers. Also: first answer after start, memory of the worker, and its slope.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.serving import bare_route, cpu, gateway, put, rss, wrk
from gateway import wiring
from gateway.ports import AuditEntry, Caller
from gateway.settings import Settings

GOALS = {"validated create": 800, "referral": 120, "read by id": 5_000}
FLASK = 14_700
"""What a bare Flask route answered a second, two workers, where the goals were set."""
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest|6.1.0"
CALLER = Caller("bench")
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Zanzibarovna"}], "gender": "female"}
REQUEST = {
    "resourceType": "ServiceRequest",
    "meta": {"profile": [US_CORE]},
    "identifier": [{"system": "http://hospital.example/order", "value": "1"}],
    "status": "active",
    "intent": "order",
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "410606002"}]}],
    "priority": "urgent",
    "code": {"text": "Enhanced Care Management"},
    "subject": {"reference": "Patient/p"},
    "authoredOn": "2026-03-01",
    "reasonCode": [{"text": "No fixed address"}],
}
REFERRAL = {
    "key": {"source": "bench", "id": "NUMBER"},
    "member": {
        "name": {"first": "Ljuba", "last": "Zanzibarovna"},
        "birth_date": "1984-05-06",
        "cin": "CINUMBERA",
        "phones": [{"number": "+12135550123", "kind": "mobile"}],
        "address": {"lines": ["1 Harbor Way"], "city": "Los Angeles", "state": "CA", "zip": "90012"},
        "spoken_language": "es",
    },
    "referrer": {
        "name": {"first": "Rosa", "last": "Zanzibarovna"},
        "npi": "1234567893",
        "organization": {"name": "Harbor Clinic", "phones": [{"number": "+12135550199"}]},
        "relationship": "medical-provider",
        "phones": [{"number": "+12135550199"}],
    },
    "populations": ["1a", "2"],
    "coverage": {"plan": "la-care", "county": "Los Angeles"},
    "criteria": [{"criterion": "1.H1", "answer": "yes"}, {"criterion": "2.A1", "answer": "no"}],
    "authored": "2026-03-01",
    "urgency": "expedited",
    "need": "Sleeps in her car; five visits to the emergency department.",
}
SCRIPT = """
local body = [==[%s]==]
local number = %d
request = function()
  number = number + 1
  local text = body:gsub("CINUMBER", string.format("9%%07d", number)):gsub("NUMBER", tostring(number))
  return wrk.format("POST", "%s", {["Content-Type"] = "%s", ["Prefer"] = "return=minimal"}, text)
end
local wrong = 0
response = function(status)
  if status >= 300 then wrong = wrong + 1 end
  if status >= 300 and wrong == 1 then print("status " .. status) end
end
"""


Script = Callable[[int], str | None]
"""The load that numbers its requests from here on; None asks for the address again and again."""


def referral_bytes(number: int) -> bytes:
    """REFERRAL of the member and with the key that `number` (of 8 digits) makes."""
    return json.dumps(REFERRAL).replace("CINUMBER", f"{number}").replace("NUMBER", f"{number}").encode()


def bare(folder: Path, *, seconds: float) -> dict[str, float]:
    """The same statements through the store alone, a second."""
    known = wiring.knowledge_of(Settings())
    settings = replace(Settings(), database=f"sqlite:///{folder / 'bare.sqlite'}")
    store = wiring.open_store(settings, known)
    intake = wiring.intake(settings, known)
    numbers = iter(range(10_000_000, 90_000_000))

    def mapped() -> list[dict[str, Any]]:
        text = referral_bytes(next(numbers))
        return list(intake.document(json.loads(text), kind="referral", source=text, caller=CALLER).resources)

    prepared = [mapped() for _ in range(int(400 * seconds))]

    def create() -> None:
        with store.begin(CALLER) as tx:
            kept = tx.put({**REQUEST, "id": f"r{next(numbers)}"}, expected=0)
            tx.note(AuditEntry("C", "create", (f"{kept.reference}/_history/1",)))

    def referral() -> None:
        with store.begin(CALLER) as tx:
            kept = [tx.put(resource) for resource in prepared.pop()]
            tx.note(AuditEntry("C", "referral", tuple(f"{one.reference}/_history/1" for one in kept)))

    def read() -> None:
        store.read(CALLER, "ServiceRequest", "known")

    with store.begin(CALLER) as tx:
        tx.put({**REQUEST, "id": "known"})
    rates = {"validated create": rate(create, seconds), "read by id": rate(read, seconds)}
    rates["referral"] = rate(referral, seconds, most=len(prepared))
    store.close()
    return rates


def rate(work: Callable[[], None], seconds: float, *, most: int = 10**9) -> float:
    """How often `work` can be done a second."""
    started = time.perf_counter()
    done = 0
    while done < most and time.perf_counter() - started < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - started)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=5.0, help="of each load")
    options.add_argument("--workers", type=int, default=Settings().workers)
    options.add_argument("--threads", type=int, default=Settings().threads)
    options.add_argument(
        "--connections", type=int, default=64, help="kept open by wrk (a clinic network is many callers)"
    )
    options.add_argument("--soak", type=int, default=20_000, help="requests before memory is read (0: none)")
    chosen = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench.over_http needs wrk: apt-get install wrk")
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()},",
        end=" ",
    )
    print(", ".join(f"{name} {version(name)}" for name in ("flask", "granian", "msgspec", "jsonschema-rs")))
    print(
        f"SQLite, {chosen.workers} worker(s) of {chosen.threads} threads, wrk with {chosen.connections} connections\n"
    )
    with tempfile.TemporaryDirectory(prefix="ecm-bench-") as name:
        folder = Path(name)
        floor = bare(folder, seconds=min(2.0, chosen.seconds))
        flask = bare_route(
            workers=chosen.workers, threads=chosen.threads, connections=chosen.connections, seconds=chosen.seconds
        )
        print(f"bare Flask route: {flask:.0f} a second\n")
        with gateway(folder, workers=chosen.workers, threads=chosen.threads, partner=True) as (base, pid, first):
            put(f"{base}/fhir/Patient/p", PATIENT)
            put(f"{base}/fhir/ServiceRequest/known", {**REQUEST, "id": "known"})
            loads: dict[str, Script] = {
                "validated create": lambda first: (
                    SCRIPT % (json.dumps(REQUEST), first, "/fhir/ServiceRequest", "application/fhir+json")
                ),
                "referral": lambda first: SCRIPT % (json.dumps(REFERRAL), first, "/referrals", "application/json"),
                "read by id": lambda first: None,
            }
            titles = {
                "a second": 10,
                "goal": 8,
                "p99": 10,
                "wrong": 7,
                "bare": 9,
                "share": 8,
                "of Flask": 10,
                "its goal": 9,
            }
            print(" " * 18 + "".join(title.rjust(width) for title, width in titles.items()) + "CPU ms".rjust(9))
            for what, script in loads.items():
                url = base + ("/fhir/ServiceRequest/known" if what == "read by id" else "")
                load = partial(wrk, url, connections=chosen.connections)
                load(seconds=1, script=script(5_000_000))
                before = cpu(pid)
                found, late, wrong = load(seconds=chosen.seconds, script=script(10_000))
                share = found / floor[what]
                spent = (cpu(pid) - before) / (found * chosen.seconds) * 1_000
                print(
                    f"{what:18}{found:10.0f}{GOALS[what]:8}{late:>10}{wrong:7}{floor[what]:9.0f}{share:8.0%}"
                    f"{found / flask:10.1%}{GOALS[what] / FLASK:9.1%}{spent:9.2f}"
                )
            print(f"\nfirst answer after start: {first:.2f} s (goal 1.5)")
            soak(base, pid, chosen.soak, loads["validated create"](0))


def soak(base: str, pid: int, requests: int, script: str | None) -> None:
    """Memory of the worker while `requests` go through it: at the end, and how it grew over the second half."""
    if not requests:
        return
    sizes = [(0, rss(pid))]
    done = 0
    while done < requests:
        for url, load in ((f"{base}/fhir/ServiceRequest/known", None), (base, script)):
            found, _, _ = wrk(url, seconds=2, connections=16, script=load)
            done += int(found * 2)
        sizes.append((done, rss(pid)))
    half = [one for one in sizes if one[0] >= done / 2]
    grown = (half[-1][1] - half[0][1]) / max(1, half[-1][0] - half[0][0]) * 1_000
    print(
        f"worker's memory: {sizes[0][1]:.0f} MiB before, {sizes[-1][1]:.0f} MiB after {done} more requests (goal 200),"
    )
    print(f"slope over the second half: {grown:+.2f} MiB in 1,000 requests")


if __name__ == "__main__":
    main()
