"""Measure speed, side by side with what others do: `python -m tools.benchmarks [--quick | --shortest] [PART …]`.

(all parts)     all of it, some eight minutes; --quick: two; --shortest: only to see that it runs
maps            only pairs and lookups; also: kmem, walks, paint, footprint
faults          tasks that fault, and forks
texts           maps, smaps and strace of 100,000 lines, loaded through the door
traces          a million references of programs by each policy, beside others; their picture
references      strings of references on paper, by policy
against         beside an earlier commit
grading         a class, judged from its journals
hub             memory and processor time of a learner's kernel, of 20 at once, the sum for 300
laptops         the most memory of a page for each lab, in JupyterLab and in JupyterLite;
                some labs: --labs 01 06 08a
paint-beside    from an operation to its picture, beside an earlier commit
stepping        a step in the page while the kernel is busy, and the bytes of films
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import vmwidgets

from . import (
    against,
    faults,
    footprint,
    grading,
    hub,
    kmem,
    laptops,
    maps,
    paint,
    paint_beside,
    references,
    stepping,
    texts,
    traces,
    walks,
)
from .shortest import SHORTEST

KEPT = Path(__file__).resolve().parents[2] / ".cache" / "bench.txt"
"""What a run of all parts printed: `make site` shows it."""


def run_maps(quick: bool) -> str:
    """Enter, remove, lookup."""
    sizes = maps.SIZES[:2] if quick else maps.SIZES
    found = maps.measure(sizes, 0.15, 2) if quick else maps.measure(sizes)
    return maps.report(*found, sizes)


def run_kmem(quick: bool) -> str:
    """kmem_malloc and kmem_free."""
    return kmem.report(*(kmem.measure(seconds=0.1, rounds=1) if quick else kmem.measure()))


def run_paint(quick: bool) -> str:
    """Operation to picture."""
    return paint.report(paint.measure((31, 127), 10) if quick else paint.measure((31, 127, 1_023, 100_000), 24))


def run_paint_beside(quick: bool) -> str:
    """Operation to picture, then and now."""
    return paint_beside.report(paint_beside.measure((127,), 10, 1) if quick else paint_beside.measure())


def run_walks(quick: bool) -> str:
    """Walks, beside Unicorn's."""
    return walks.report(walks.measure(seconds=0.1) if quick else walks.measure())


def run_faults(quick: bool) -> str:
    """Faults of tasks, and forks."""
    return faults.measure(200, faults.SIZES[:2]) if quick else faults.measure()


def run_texts(quick: bool) -> str:
    """Texts of processes, loaded."""
    return texts.measure(texts.LINES[:1]) if quick else texts.measure()


def run_traces(quick: bool) -> str:
    """Traces of programs."""
    return traces.measure(traces.COUNT // 10) if quick else traces.measure()


def run_references(quick: bool) -> str:
    """Strings of references."""
    return references.measure(references.COUNT // 10, references.FRAMES[:1]) if quick else references.measure()


def run_against(quick: bool) -> str:
    """This tree beside an earlier commit."""
    parts = ("pairs-1000", "kmem", "domain", "import", "tasks", "back")
    return against.report(against.measure(parts, 1) if quick else against.measure())


def run_stepping(quick: bool) -> str:
    """Steps in the page, while the kernel is busy."""
    return stepping.report(stepping.measure((8,), 10) if quick else stepping.measure())


def run_hub(quick: bool) -> str:
    """Return what a class costs."""
    return hub.report(hub.measure(hub.LABS[:2], 4) if quick else hub.measure())


def run_laptops(labs: Sequence[str]) -> str:
    """Memory of a page."""
    return laptops.report(laptops.measure(labs))


PARTS: dict[str, Callable[[bool], str]] = {
    "footprint": footprint.report,
    "maps": run_maps,
    "kmem": run_kmem,
    "walks": run_walks,
    "faults": run_faults,
    "texts": run_texts,
    "references": run_references,
    "traces": run_traces,
    "grading": grading.report,
    "against": run_against,
    "hub": run_hub,
    "laptops": lambda quick: run_laptops(laptops.SOME if quick else laptops.LABS),
    "stepping": run_stepping,
    "paint": run_paint,
    "paint-beside": run_paint_beside,
}


def main() -> None:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks", description="Measure speed, beside what others do."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="small sizes and few repetitions, to see that it runs")
    parser.add_argument("--shortest", action="store_true", help="the least of everything: figures mean nothing then")
    parser.add_argument("--labs", nargs="+", metavar="LAB", help="for the part laptops: these labs, such as 01 08a")
    given = parser.parse_args()
    try:
        labs = laptops.named(given.labs or [])
    except ValueError as error:
        parser.error(str(error))
    if given.labs and given.parts != ["laptops"]:
        parser.error("--labs needs the part laptops, and no other")
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    written: list[str] = []

    def say(text: str) -> None:
        print(text, end="\n\n", flush=True)
        written.append(text)

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    python = f"Python {platform.python_version()}, {platform.machine()}"
    say(
        f"vmwidgets {vmwidgets.__version__}, {python}, {os.cpu_count()} cores, load {load}\n"
        "Times depend on the machine and on what else it does; the ratios within one run say more."
    )
    begun = perf_counter()
    for part in given.parts or PARTS:
        run = SHORTEST[part] if given.shortest else partial(PARTS[part], given.quick)
        say(run_laptops(labs) if given.labs else run())
    if not (given.parts or given.shortest):
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text("\n\n".join(written) + "\n", encoding="utf-8")
    print(f"measured in {perf_counter() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
