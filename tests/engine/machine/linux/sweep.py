"""Many lives of tasks, lived by the model and by this computer's Linux; prints what was asked, and how often.

python -m tests.engine.machine.linux.sweep               # 100,000 steps for each of four architectures
python -m tests.engine.machine.linux.sweep --steps 5000 --first 70000 x86-64
"""

from __future__ import annotations

import argparse
import sys

from tests.engine.machine.linux.judge import ARCHITECTURES, judge
from vmwidgets.real.linux.processes import Linux, why_not


def main() -> int:
    """Judge each architecture: 1 where a life differs, which is printed as Python."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first life")
    asked = parser.parse_args()
    if why_not():
        print(f"no judge: {why_not()}")
        return 0
    with Linux() as linux:
        for architecture in asked.architectures:
            found = judge(linux, architecture, asked.first, asked.steps)
            print(f"{architecture}\n{found.table()}\n{found.script}", flush=True)
            if found.script:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
