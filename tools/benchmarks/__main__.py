"""Measure speed, beside what others do or beside an earlier commit: `python -m tools.benchmarks [PART …]`.

footprint       importing, booting, and bytes an entry
pairs           enter and remove, and lookups, beside other packages
kmem            kmem_malloc and kmem_free
faults          tasks that fault, and forks
walks           walks by format, beside Unicorn's
references      strings and traces of references by policy, and a trace's picture
texts           maps, smaps and strace of 100,000 lines, and traces of millions, loaded
grading         a class, judged from its journals
paint           from an operation to its picture, the first picture, and a step while the kernel is busy
laptops         the most memory of a page and of a kernel for some labs

`--beside COMMIT` measures the same at a commit, in turns, and prints ratios.  Times depend on the machine and on what
else it does; the ratios of one run say more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

import vmwidgets

from . import measured

PARTS = ("footprint", "pairs", "kmem", "faults", "walks", "references", "texts", "grading", "paint", "laptops")

DRAWING = ("footprint", "paint", "laptops")
"""Parts that need the front end."""

KEPT = Path(__file__).resolve().parents[2] / ".cache" / "bench.txt"
"""What a run of all parts printed: `make site` shows it."""


def main() -> None:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="all without one")
    parser.add_argument("--beside", metavar="COMMIT", help="measure this commit too")
    parser.add_argument("--short", action="store_true", help="the least of everything: figures mean nothing then")
    parser.add_argument("--rows", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    parts = given.parts or PARTS
    if given.rows:
        print(json.dumps([row for part in parts for row in measured.rows_of(part, given.short)]))
        return
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    python = f"Python {platform.python_version()}, {platform.machine()}"
    written = [f"vmwidgets {vmwidgets.__version__}, {python}, {os.cpu_count()} cores, load {load}"]
    print(written[0])
    for part in parts:
        if given.beside:
            written.append(measured.beside(part, given.beside, given.short, part in DRAWING))
        else:
            written.append(measured.alone(part, given.short))
        print(f"\n{written[-1]}", flush=True)
    if not (given.parts or given.short or given.beside):
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text("\n\n".join(written) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
