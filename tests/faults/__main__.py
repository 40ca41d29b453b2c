"""`make faults SEED=n POINTS=m`: faults at random points, one line of JSON about what came of them.

Exit code 0 only when nobody was lost or stranded, nothing came twice beyond the bound, and `tocsin check` found the ledger whole each time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from random import Random

import uvloop

from tests.faults.cluster import SHARES, cluster
from tests.faults.house import House, Verdict, house
from tests.faults.points import Fault, any_moment, deck, strike

PEOPLE = 3000
LOG_LINES = 20


def say(line: str) -> None:
    """To whoever watches: standard output is for the report."""
    print(line, file=sys.stderr, flush=True)


async def run(seed: int, points: int, folder: Path) -> list[Verdict]:
    """A quarter of the points on two nodes that share PostgreSQL and Redis, the others on one node with SQLite; one alert each."""
    shared = points // 4
    async with house(made(folder / "sqlite"), PEOPLE) as there:
        verdicts = await strike_all(there, Random(seed), deck(Random(seed), points - shared), folder / "sqlite" / "log")
    if shared:
        async with cluster(made(folder / "postgresql"), PEOPLE) as there:
            verdicts += await strike_all(there, Random(seed), deck(Random(seed), shared, SHARES), folder / "postgresql" / "log")
    return verdicts


def made(folder: Path) -> Path:
    """A new folder."""
    folder.mkdir()
    return folder


async def strike_all(there: House, random: Random, faults: list[Fault], log: Path) -> list[Verdict]:
    """One after the other on the same hub."""
    verdicts = []
    say(f"     everybody must be reached within {there.soon_s:.0f} s of a restart")
    there.say = lambda line: say(f"     {line}")
    for number, fault in enumerate(faults, 1):
        moment = any_moment(random, PEOPLE, files=len(there.nodes) == 1)
        verdict = await strike(there, fault, moment, random, f"point-{number}")
        verdicts.append(verdict)
        say(f"{number:>4} {fault.__name__:<26} at {moment!s:<14} {verdict}")
        if not verdict.fine:
            say("\n".join(["     the hub's log:", *log.read_text(errors="replace").splitlines()[-LOG_LINES:]]))
    return verdicts


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=80)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = uvloop.run(run(asked.seed, asked.points, Path(folder)))
    report = {"seed": asked.seed, "points": len(verdicts)}
    report |= {name: sum(getattr(verdict, name) for verdict in verdicts) for name in ("lost", "duplicates", "bound", "stranded")}
    print(json.dumps(report))
    return 0 if all(verdict.fine for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
