"""``python -m vmwidgets.tools replay FILE…`` runs recorded traces on the engine and compares every field."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..engine.base.units import counted
from ..sources.traces.reader import Unreadable
from ..sources.traces.replay import Divergence, Outcome, replay
from .command import path_typed
from .text import MOST_FIELDS, comparison_table, printable, say_refused, short_text, value_text

AGREES, DIVERGES, UNREADABLE = 0, 1, 2

_EXITS = """\
exit status: 0 every field of every file agrees; 1 a file diverges; 2 a file can't be read.
The worst of all files counts."""

_OUTPUTS = ("result", "after", "state", "i", "op")


def add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "replay",
        help="run recorded traces on the engine and compare every field",
        description="Run recorded traces on the engine and compare every field of result, after and state.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=path_typed, metavar="FILE", help="a trace: .jsonl or .jsonl.gz")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Replay the files; returns the worst status of all."""
    return max(_replay(path) for path in options.files)


def _replay(path: Path) -> int:
    try:
        outcome = replay(path)
    except Unreadable as error:
        say_refused(error)
        return UNREADABLE
    if outcome.divergence is None:
        print(f"{printable(str(path))}: {counted(outcome.operations, 'operation')} agree{partly(outcome)}", flush=True)
        return AGREES
    print(report(outcome, outcome.divergence), flush=True)
    return DIVERGES


def partly(outcome: Outcome) -> str:
    """Return the number of values that were compared only with corrected values, or not at all."""
    if not outcome.corrected and not outcome.passed_over:
        return ""
    partly = f"{outcome.corrected} with what is correct where the original has a bug"
    return f" ({partly}, {outcome.passed_over} not compared, after one)"


def report(outcome: Outcome, divergence: Divergence) -> str:
    """Return the file's line, the operation with its inputs, and the differences, side by side."""
    record = divergence.record
    given = [(name, value) for name, value in record.items() if name not in _OUTPUTS][:MOST_FIELDS]
    inputs = " ".join(f"{short_text(name)}={value_text(value)}" for name, value in given)
    number = f"operation {record['i']}" if "i" in record else "the setup"
    where = f"{printable(str(outcome.path))}: diverges at {number} (line {divergence.line})"
    head = f"{where}, after {counted(outcome.operations, 'operation')} that agree"
    return "\n".join([head, f"  {record['op']} {inputs}".rstrip(), *comparison_table(divergence.differences)])
