"""How a figure is taken: ours and the yardstick in turns, the ratio the median over the pairs, since one pair swings on a busy machine."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

PAIRS = 7

Figure = dict[str, Any]


class Missing(Exception):
    """A program that a figure needs is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach: its `ratio` at least so much, or its `value` at most so much."""

    of: Literal["ratio", "value"]
    limit: float

    def met(self, figure: Figure) -> bool:
        """Whether it was reached."""
        reached: float = figure[self.of]
        return reached >= self.limit if self.of == "ratio" else reached <= self.limit

    def __str__(self) -> str:
        return f"≥ {self.limit:g} ×" if self.of == "ratio" else f"≤ {self.limit:g}"


def times(limit: float) -> Bar:
    """At least so many times the yardstick."""
    return Bar("ratio", limit)


def at_most(limit: float) -> Bar:
    """At most so much, in the figure's own unit."""
    return Bar("value", limit)


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


def program(name: str, package: str) -> str:
    """The path of a program. Raises Missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise Missing(f"{name} is missing: apt-get install {package}")
    return found


@contextmanager
def sink(delay_s: float = 0.0, body: str = "") -> Iterator[str]:
    """The sink in a process of its own, which answers with this body; gives its URL."""
    with listening("benchmarks.sink", delay_s, body) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def listening(module: str, *arguments: object) -> Iterator[int]:
    """A module that prints its port and serves until it is killed, in a process of its own; gives the port."""
    process = subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def in_a_process(module: str, *arguments: object) -> float:
    """The number that a yardstick prints; it runs alone, in a fresh process."""
    done = subprocess.run([sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])
