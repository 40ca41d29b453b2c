"""Memory of a process that is to run for months: what a start leaves behind goes back to the machine, and is never looked through again."""

from __future__ import annotations

import ctypes
import gc

YOUNG = 20_000
"""New objects after which the collector looks for circles among them; by itself it does so after 700, which are some thirty hand-overs.
Hardly any are in circles, and so many are a few megabytes."""


def started() -> None:
    """Once everything is loaded. What lives now lives as long as the process, so the collector need not go through it again: on a full
    heap that is a pause of a tenth of a second, in the way of whatever comes just then."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    give_back()


def give_back() -> None:
    """Free pages that the C library keeps for later, for instance after a million rows were sorted; does nothing where it can't."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own
    if trim is not None:
        trim(0)
