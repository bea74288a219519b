"""``vmwidgets follow``: let a student's xv6 run, and stop it at its first wrong descriptor."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from ..engine.base.errors import Refused
from ..given.followed import Followed
from ..real.follow.checks import checked, checks_in
from ..real.follow.rules import LABS, RULES
from ..real.xv6 import check_command, xv6
from .command import Argument, Command, path, whole
from .text import printable, say_refused

FOUND_NOTHING, BROKEN, BAD_INPUT, UNFINISHED = 0, 1, 2, 3

_ABOUT = """\
Build and run the xv6 (RISC-V) in FOLDER with its own Makefile, and stop it at the first call after which a rule of the
lab does not hold: no frame is both free and mapped, no process can write to a frame that another process also maps,
no page and no table is lost, and so on. The rules of the lab are listed below. The last lines say what was not judged:
a kernel in which nothing was found may still be wrong."""

_EXITS = """\
exit status: 0 nothing was found; 1 a rule was broken, the kernel panicked, or the command printed that it failed;
2 bad input, such as a build that fails; 3 nothing was found, and not all was judged: the command could not be started,
it hangs, time or stops ran out, or the array of --counts could not be compared. Needs QEMU, a RISC-V compiler and the
extra "kernels"."""


def _rules_of(labs: Sequence[str]) -> str:
    """Return the rules and the labs in which they apply, as lines."""
    lines = []
    for rule in RULES:
        holds = "all labs" if rule.labs == LABS else ", ".join(rule.labs)
        lines.append(f"  {rule.name} ({holds}): {rule.says}")
    return "rules:\n" + "\n".join(fill(line, 118, subsequent_indent="    ") for line in lines)


def run(options: argparse.Namespace) -> int:
    """Follow the kernel; returns the exit status for the outcome."""
    if not 0 < options.points <= 1_000_000:
        raise Refused(f"--points {options.points:g}: write more than 0")
    if options.stops < 1:
        raise Refused(f"--stops {options.stops}: write 1 or more")
    if not 0 < options.seconds <= 86_400:
        raise Refused(f"--seconds {options.seconds:g}: write more than 0, and at most 86400")
    try:
        checks = None if options.checks is None else checked(checks_in(options.checks))
        if options.run is not None:
            check_command(options.folder, options.run, tuple(options.make))
        with xv6(options.folder, cpus=options.cpus, options=tuple(options.make)) as kernel:
            found = kernel.follow(
                options.lab,
                run=options.run,
                counts=options.counts,
                stops=options.stops,
                seconds=options.seconds,
                checks=checks,
            )
    except Refused as error:
        say_refused(error)
        if options.gradescope is not None:
            return _written(options.gradescope, _results("bad input", str(error), [], 0.0, options.points), BAD_INPUT)
        return BAD_INPUT
    print(json.dumps(found.record(), indent=2) if options.json else "\n".join(_lines(found)))
    status = {"nothing found": FOUND_NOTHING, "unfinished": UNFINISHED}.get(found.outcome, BROKEN)
    if options.gradescope is not None:
        score = options.points if status == FOUND_NOTHING else 0.0
        return _written(options.gradescope, _results(found.outcome, "", _lines(found), score, options.points), status)
    return status


def _results(outcome: str, says: str, lines: list[str], score: float, most: float) -> dict[str, object]:
    """Return Gradescope's results.json: one test, with what a student needs to know."""
    output = "\n".join([printable(says)] if says else lines)
    test = {"name": f"page tables, followed: {outcome}", "score": score, "max_score": most, "output": output}
    return {"tests": [test], "visibility": "visible"}


def _written(file: Path, results: dict[str, object], status: int) -> int:
    file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return status


def _lines(found: Followed) -> list[str]:
    first = found.first
    lines = [f"{first.line}: {found.headline}" if first is not None and first.line else found.headline]
    if first is not None:
        lines += [f"  {first.call}"] if first.call else []
        lines += [f"  {each}" for each in first.lines]
        for walk in first.walks:
            steps = " → ".join(f"{step.name}[{step.index}] {step.value:#x}" for step in walk.steps)
            lines.append(f"  descriptors: {steps}")
    lines += [f"  {each}" for each in found.lines]
    lines.append(f"{found.calls:,} calls were followed, with {found.stops:,} stops. Not looked at:")
    return [printable(line) for line in [*lines, *(f"  {each}" for each in found.outside)]]


COMMAND = Command(
    "run a student's xv6 and stop it at its first wrong page-table entry",
    _ABOUT,
    f"{_rules_of(LABS)}\n\n{_EXITS}",
    (
        Argument("FOLDER", "a folder of xv6-riscv", path),
        Argument(f"--lab {'|'.join(LABS)}", "the lab whose rules are checked (base)", default="base"),
        Argument("--run COMMAND", "a command for xv6's shell, such as cowtest; default: boot only"),
        Argument("--counts ARRAY", "the array that counts references, such as refcount"),
        Argument("--checks FILE", "a file of Python that sets checks = {...}", path),
        Argument("--cpus N", "number of processors (1)", whole, 1),
        Argument("--stops N", "largest number of stops (200000)", whole, 200_000),
        Argument("--seconds S", "seconds for which the kernel may run (600)", float, 600.0),
        Argument("(--make WORD)...", "one more word for make: LAB=cow"),
        Argument("--json", "print the result as JSON"),
        Argument("--gradescope FILE", "also write the result as Gradescope's results.json", path),
        Argument("--points N", "points in that file if nothing is found (1)", float, 1.0),
    ),
    run,
)
