"""Processes of a run, none of which outlives it, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO

_LIBC = ctypes.CDLL(None)
_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of <sys/prctl.h>: Linux."""


def python(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    log: IO[bytes] | int | None = None,
    out: bool = False,
    end: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start this Python with these arguments, from a thread that lives as long as the run: sent `end` when that ends.

    `log` takes what it says of errors; with `out` what it says can be read, else it goes there as well.
    """
    command = [sys.executable, *arguments]
    stdout = subprocess.PIPE if out else log
    bound = partial(_signalled_at_its_end, end)
    return subprocess.Popen(command, env=dict(env), stdout=stdout, stderr=log, preexec_fn=bound)


def end_tidily() -> None:
    """Be ended by SIGTERM (`timeout` sends it) as by Ctrl-C: what was begun is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """In a process that was just forked by `parent`: be ended by the signal when that ends, or now if it has."""
    _signalled_at_its_end(how)
    if os.getppid() != parent:
        os._exit(0)


def _signalled_at_its_end(how: signal.Signals) -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PARENT_DEATH_SIGNAL, how)
