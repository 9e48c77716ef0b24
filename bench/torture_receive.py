"""Kill the server at each named step of receiving a referral, or news of one, over HTTP; then send it again.

After each crash the database is looked at before anything is sent again. Used by `python -m bench.torture`.
"""

from __future__ import annotations

import json
from pathlib import Path

from bench.over_http import REFERRAL
from bench.torture_crash import Arm
from bench.torture_crash_check import Crash, Findings, judge_received
from bench.torture_load import opened
from bench.torture_server import Sending, Server, snapshot
from gateway.store import SqlStore

UNKEPT = ("read", "mapped", "validated", "begun", "one put", "all put", "owed", "outbox kept", "disclosed")
UNCHANGED = ("read", "news: begun", "news: moved", "news: owed", "outbox kept", "news: disclosed")
IN_STORE = {
    "sqlite": ("pointer kept", "version kept", "version kept#4", "index kept", "audit kept"),
    "postgresql": ("version kept", "version kept#4"),
}
CHANGE_IN_STORE = {
    "sqlite": ("pointer kept", "version kept", "version kept#2", "index kept", "audit kept"),
    "postgresql": ("version kept", "version kept#2"),
}
COMMITTED = ("after commit", "kept", "about to answer")


def steps(engine: str) -> tuple[str, ...]:
    """A step, `#n` for its n-th pass, in the order in which a referral passes them."""
    return (*UNKEPT, *IN_STORE[engine], "before commit", *COMMITTED)


def change_steps(engine: str) -> tuple[str, ...]:
    """The same for news of a referral."""
    return (*UNCHANGED, *CHANGE_IN_STORE[engine], "before commit", *COMMITTED)


def referral(number: int) -> Sending:
    """Of a member, a referrer and an organization that no other referral has."""
    text = json.dumps(REFERRAL).replace("CINUMBER", f"9{number:07d}").replace("NUMBER", str(number))
    value = json.loads(text)
    value["referrer"]["organization"]["name"] = f"Harbor Clinic {number}"
    value["referrer"]["name"]["first"] = f"Rosa {number}"
    return Sending("/referrals", json.dumps(value).encode())


def news(number: int) -> Sending:
    """That the referral of this number was accepted."""
    return Sending("/referral-changes", json.dumps(news_of(number)).encode())


def news_of(number: int, *, source: str = "torture") -> dict[str, object]:
    """The same as a value."""
    return {
        "key": {"source": source, "id": f"{source}-{number}"},
        "party": "target",
        "referral": {"source": REFERRAL["key"]["source"], "id": str(number)},  # type: ignore[index]
        "at": "2026-06-01T09:00:00-07:00",
        "status": "accepted",
    }


def crash(step: str, sending: Sending, *, server: Server, store: SqlStore, event: str) -> Crash:
    """Send, the server armed; look; send again until it is answered; look."""
    name, _, nth = step.partition("#")
    before = snapshot(store, event)
    Arm(name, int(nth or 1)).put(server.arm)
    first, _ = server.send(sending)
    died = not server.arm.exists()
    server.arm.unlink(missing_ok=True)
    between = snapshot(store, event)
    again, answer = server.insist(lambda: sending)
    locations = [entry["response"].get("location", "") for entry in (answer or {}).get("entry", [])]
    named = frozenset(location.rpartition("/fhir/")[2] for location in locations if location)
    updates = event != "referral"
    after = snapshot(store, event)
    return Crash(step, name in COMMITTED, died, first, again, before, between, after, named, updates=updates)


def receive(url: str, folder: Path) -> Findings:
    """A crash at every step of a referral, one after the other, in one served gateway."""
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    server = Server(url, folder)
    try:
        server.insist(lambda: referral(1))
        store = opened(url)
        crashes = [
            crash(step, referral(number), server=server, store=store, event="referral")
            for number, step in enumerate(steps(engine), start=2)
        ]
        store.close()
    finally:
        server.close()
    return judge_received(crashes)


def change(url: str, folder: Path) -> Findings:
    """A crash at every step of news of a referral."""
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    server = Server(url, folder)
    try:
        wanted = list(enumerate(change_steps(engine), start=1))
        for number, _ in wanted:
            server.insist(lambda number=number: referral(number))  # type: ignore[misc]
        store = opened(url)
        crashes = [
            crash(step, news(number), server=server, store=store, event="referral-change") for number, step in wanted
        ]
        store.close()
    finally:
        server.close()
    return judge_received(crashes)
