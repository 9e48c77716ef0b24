"""The gateway's own command line, made to die or to stand still at a named step.

    TORTURE_ARM=FILE [TORTURE_AGAIN=yes] python -m bench.torture_crash serve|worker ...

A wrapper: it puts itself around the product's functions and calls the command, so that the product knows nothing of it.
FILE, when it is there, says where and what: see `Arm`. It is gone as soon as it has acted, so that what comes after
(Granian's next server process, the next worker) lives. `serve` is started again by itself, with TORTURE_AGAIN the
worker too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import gateway.cli
import gateway.commands.worker
import gateway.store.sql
import gateway.usecases.apply_inbox
import gateway.usecases.change_referral
import gateway.usecases.courier
import gateway.usecases.deliver
import gateway.usecases.keep_mapped
import gateway.web.doors
import gateway.web.hooks
import gateway.wiring
from bench.processes import end_with_parent
from gateway.store.inbox import SqlInbox
from gateway.store.outbox import SqlOutbox


@dataclass(frozen=True)
class Arm:
    """At the `nth` pass of `step` in one process: be killed, or stand, once `together` threads are there.

    Those who stand rename the arm's file to the ending `.standing` and go on when that is taken away.
    """

    step: str
    nth: int = 1
    stop: bool = False
    together: int = 1

    def put(self, file: Path) -> None:
        """Arm whoever watches the file."""
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.rename(file)


_stage: ContextVar[str] = ContextVar("stage", default="")
_passed: Counter[str] = Counter()
_lock = threading.Lock()
_standing = threading.Barrier(1)


def passing(name: str) -> None:
    """Pass a step; perhaps not to live on. Steps of the store are named with what the worker is about."""
    global _standing
    file = Path(os.environ["TORTURE_ARM"])
    step = f"{_stage.get()}: {name}" if _stage.get() else name
    with _lock:
        try:
            arm = Arm(**json.loads(file.read_text()))
        except FileNotFoundError:
            return
        if arm.step != step:
            return
        _passed[step] += 1
        if _passed[step] < arm.nth:
            return
        if _standing.parties != arm.together:
            _standing = threading.Barrier(arm.together)
    with suppress(threading.BrokenBarrierError):
        _standing.wait(60)
    standing = file.with_suffix(".standing")
    with _lock:
        if file.exists():
            file.rename(standing)
            if not arm.stop:  # Granian's main process too
                os.killpg(0, signal.SIGKILL) if sys.argv[1] == "serve" else os.kill(os.getpid(), signal.SIGKILL)
    while arm.stop and standing.exists():
        time.sleep(0.01)


def around(owner: Any, function: str, *, before: str = "", after: str = "") -> None:
    """Make a step of the moment before or after a function."""
    inner = getattr(owner, function)

    @wraps(inner, updated=())
    def outer(*given: Any, **named: Any) -> Any:
        if before:
            passing(before)
        made = inner(*given, **named)
        if after:
            passing(after)
        return made

    setattr(owner, function, outer)


@contextmanager
def about(stage: str) -> Iterator[None]:
    token = _stage.set(stage)
    try:
        yield
    finally:
        _stage.reset(token)


def staged(owner: Any, function: str, stage: str) -> None:
    """Name the store's steps within a function by what it is about."""
    inner = getattr(owner, function)

    @wraps(inner)
    def outer(*given: Any, **named: Any) -> Any:
        with about(stage):
            return inner(*given, **named)

    setattr(owner, function, outer)


def wrap() -> None:
    """Every step of receiving and delivering: those of the store by its own hook, the others from outside."""
    gateway.store.sql.hook = passing
    keep, deliver = gateway.usecases.keep_mapped, gateway.usecases.deliver
    around(gateway.web.doors, "own_json", after="read")
    around(keep, "permit", before="mapped")
    around(keep, "_check", after="validated")
    around(keep, "_same_person", before="begun")
    around(keep, "_put", after="one put")
    around(keep, "_put_all", after="all put")
    around(keep, "disclosed_writes", before="owed", after="disclosed")
    around(gateway.web.doors, "receive_referral", after="kept")
    around(gateway.web.doors, "change_referral", after="kept")
    around(gateway.web.hooks, "receive_hook", after="kept")
    news, apply = gateway.usecases.change_referral, gateway.usecases.apply_inbox
    around(news, "named", before="news: begun")
    around(news, "settled", after="news: moved")
    around(news, "fan_out", after="news: owed")
    around(news, "disclosed_writes", after="news: disclosed")
    around(apply, "_apply", after="applied")
    staged(apply, "_apply", "apply")
    staged(SqlInbox, "claim", "take")
    staged(SqlInbox, "settle", "end")
    around(gateway.usecases.courier, "deliver", before="taken")
    around(deliver, "closure", after="gathered")
    around(deliver, "disclose", after="decided")
    around(deliver, "Message", after="about to send")
    around(deliver, "_note", before="answered by the partner")
    around(deliver, "_overtaken", after="looked again")
    around(gateway.commands.worker, "_tell", before="settled for good")
    staged(SqlOutbox, "claim", "claim")
    staged(SqlOutbox, "_settle", "settle")
    gateway.wiring.wsgi = answering(gateway.wiring.wsgi)


def answering(made: Callable[[], Any]) -> Callable[[], Any]:
    """The web application with a step between its answer and the server that sends it."""

    def wsgi() -> Any:
        application = made()
        inner = application.wsgi_app

        def answer(environ: Any, start: Any) -> Any:
            body = inner(environ, start)
            passing("about to answer")
            return body

        application.wsgi_app = answer
        return application

    return wsgi


def watch_over() -> None:
    """Start the command in a process group of its own, and again whenever it is killed, as an init system would.

    What never changes is read once before: a start then takes a moment instead of seconds. A worker that was killed
    leaves the file with the ending `.dead`, and the next is started when that is taken away.
    """
    from gateway.settings import load

    gateway.wiring.knowledge_of(load())
    child, own = 0, os.getpid()

    def end(*_: object) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        child = os.fork()
        if not child:
            # Granian ends its own processes; a worker may be told to end just when it is forked, and is not known yet
            end_with_parent(own, signal.SIGTERM if sys.argv[1] == "serve" else signal.SIGKILL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.setsid()
            gateway.cli.main()
        os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if sys.argv[1] == "worker":
            dead = Path(os.environ["TORTURE_ARM"]).with_suffix(".dead")
            dead.touch()
            while dead.exists():
                time.sleep(0.01)


def main() -> None:
    wrap()
    if sys.argv[1] == "serve" or "TORTURE_AGAIN" in os.environ:
        watch_over()
    gateway.cli.main()


if __name__ == "__main__":
    # Two names of one module would be two states: what is forked and what is hooked use the one that can be imported.
    from bench import torture_crash

    torture_crash.main()
