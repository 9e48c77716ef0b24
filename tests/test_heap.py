"""What a process keeps out of its garbage collections."""

from __future__ import annotations

import gc
import subprocess
import sys

PROBE = """
import gc
from gateway import heap
class Loop:
    gone = 0
    def __init__(self): self.me = self
    def __del__(self): Loop.gone += 1
try:
    with heap.loading():
        [Loop() for _ in range(5_000)]
        held = [[] for _ in range(50_000)]
        raise LookupError
except LookupError:
    pass
assert gc.isenabled() and gc.get_freeze_count() == 0, "a start that failed changes nothing"
gc.collect()
assert Loop.gone == 5_000
with heap.loading():
    held = [[] for _ in range(50_000)]
assert gc.isenabled() and gc.get_freeze_count() > 50_000
for _ in range(30_000):
    Loop()
assert Loop.gone > 10_000, "cycles still go"
"""


def test_what_is_loaded_is_left_out_and_cycles_still_go() -> None:
    assert gc.isenabled()
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
