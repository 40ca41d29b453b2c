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

from tests.faults.house import Verdict, house
from tests.faults.points import any_moment, deck, strike

PEOPLE = 3000
LOG_LINES = 20


def say(line: str) -> None:
    """To whoever watches: standard output is for the report."""
    print(line, file=sys.stderr, flush=True)


async def run(seed: int, points: int, folder: Path) -> list[Verdict]:
    """All points on one hub, one alert each."""
    random, verdicts = Random(seed), []
    async with house(folder, PEOPLE) as there:
        say(f"     everybody must be reached within {there.soon_s:.0f} s of a restart")
        there.say = lambda line: say(f"    {line}")
        for number, fault in enumerate(deck(random, points), 1):
            moment = any_moment(random, PEOPLE)
            verdict = await strike(there, fault, moment, random, f"point-{number}")
            verdicts.append(verdict)
            say(f"{number:>4} {fault.__name__:<22} at {moment!s:<14} {verdict}")
            if not verdict.fine:
                say("\n".join(["     the hub's log:", *(folder / "log").read_text(errors="replace").splitlines()[-LOG_LINES:]]))
    return verdicts


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = uvloop.run(run(asked.seed, asked.points, Path(folder)))
    report = {"seed": asked.seed, "points": len(verdicts)}
    report |= {name: sum(getattr(verdict, name) for verdict in verdicts) for name in ("lost", "duplicates", "bound", "stranded")}
    print(json.dumps(report))
    return 0 if all(verdict.fine for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
