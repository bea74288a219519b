"""Many lives, what they did, and those that differ as Python lines.

``python -m tests.engine.machine.plain_lives [STEPS [ARCHITECTURE …]]`` lives so many steps on each architecture.
"""

from __future__ import annotations

import argparse
from collections import Counter

from .counting import table
from .life import ARCHITECTURES, Life
from .outcomes import Difference

STEPS_OF_A_LIFE = 400


def sweep(architecture: str, seed: int, steps: int) -> tuple[Counter[str], list[str]]:
    """Lives from this seed on, until so many steps were made; what they did, and the scripts of those that differ."""
    counts: Counter[str] = Counter()
    found = []
    while counts.total() < steps:
        life = Life(architecture, seed)
        try:
            life.live_or_tell(STEPS_OF_A_LIFE)
        except Difference as difference:
            found.append(str(difference))
        counts += life.counts
        seed += 1
    return counts, found


def main() -> None:
    """Live on each architecture, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=100_000)
    parser.add_argument("architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first life")
    parser.add_argument("--brief", action="store_true", help="only the last line of each life that differs")
    given = parser.parse_args()
    for architecture in given.architectures:
        counts, found = sweep(architecture, given.seed, given.steps)
        for script in found:
            lines = script.splitlines()
            print("\n".join([lines[0], *lines[-2:]]) if given.brief else script, flush=True)
        print(f"{architecture}: {counts.total():,} steps, {len(found)} lives differ\n{table(counts)}", flush=True)


if __name__ == "__main__":
    main()
