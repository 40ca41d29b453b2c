"""How a figure is taken: ours and the yardstick in turns, the ratio the median over the pairs, since one pair swings on a busy machine."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PAIRS = 7

Figure = dict[str, Any]


def figure(values: list[float], yardsticks: list[float], unit: str, yardstick: str, *, less_is_more: bool = False) -> Figure:
    """`ratio` says how many times better ours is than the yardstick of the same round."""
    ratios = [(y / v if less_is_more else v / y) for v, y in zip(values, yardsticks, strict=True)]
    return {
        "value": round(min(values) if less_is_more else statistics.median(values), 3),
        "unit": unit,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "rounds": len(ratios),
        "yardstick": yardstick,
    }


@contextmanager
def sink(delay_s: float = 0.0) -> Iterator[str]:
    """The sink in a process of its own; gives its URL."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(delay_s)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def in_a_process(module: str, *arguments: object) -> float:
    """The number that a yardstick prints; it runs alone, in a fresh process."""
    done = subprocess.run([sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
