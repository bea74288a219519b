"""Live many lives in the engine before and in today's, and print the first that differ: `make beside LIVES=1000`.

python -m tests.beside --lives 1000 --seed 0
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.beside.before import before
from tests.beside.lives import Different, Life, listed

PRINTED = 3
"""So many lives that differ are printed whole."""


def lived(seed: int) -> tuple[str, Counter[str], Counter[str]]:
    """Live a life: how it differs or "", what came of its lines, and the listed differences that it met."""
    life = Life(seed)
    try:
        life.live()
    except Different as difference:
        return str(difference), life.outcomes, life.asked_for
    return "", life.outcomes, life.asked_for


def main() -> int:
    """Live, compare and count: 1 if a life differs in what nobody asked for."""
    parser = argparse.ArgumentParser(prog="tests.beside", description=__doc__.partition("\n")[0])
    parser.add_argument("--lives", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first life's seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    before()  # made once, before others want it
    begun = time.monotonic()
    outcomes, met, different = Counter[str](), Counter[str](), 0
    with ProcessPoolExecutor(given.jobs) as pool:
        for text, came, asked_for in pool.map(lived, range(given.seed, given.seed + given.lives), chunksize=5):
            outcomes += came
            met += asked_for
            different += bool(text)
            if text and different <= PRINTED:
                print(text, flush=True)
    seconds = time.monotonic() - begun
    what = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common())
    print(f"{given.lives:,} lives, {given.lives / seconds:.1f} a second; lines: {what}")
    for pattern, reason in listed().items():
        print(f"met {met[pattern]:,} times: {pattern}: {reason}")
    unmet = [pattern for pattern in listed() if not met[pattern]] if given.lives >= 1000 else []
    print(f"{different:,} lives differ", *(f"; never met, so take it from the list: {one}" for one in unmet), sep="")
    return 1 if different or unmet else 0


if __name__ == "__main__":
    sys.exit(main())
