"""Recordings of the originals, replayed on the engine and compared.

python -m tests.oracles replay FILE…            recorded traces: every field of result, after and state
python -m tests.oracles walk [--answers] FILE…  recorded page tables: address, kind, level and code of every answer
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.oracles.compare import Difference
from tests.oracles.reader import Unreadable, short
from tests.oracles.replay import Divergence, Outcome, replay
from tests.oracles.tables import Case, Comparison, Mismatch, compare, read_cases
from vmwidgets.cli import command
from vmwidgets.cli.image import verdict
from vmwidgets.cli.text import printable, say_refused
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.sources.tables.recorded import answer

AGREES, DIFFERS, UNREADABLE = 0, 1, 2

EXITS = """\
exit status: 0 every file agrees, or there was nothing to compare; 1 a file differs; 2 a file can't be read.
The worst of all files counts; a fault is an answer like any other."""

MOST_FIELDS = 40
"""The most differing fields that are listed: more would be of little interest."""

_OUTPUTS = ("result", "after", "state", "i", "op")


def main(arguments: Sequence[str]) -> int:
    """Run a command on its files; returns the worst status of all."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m tests.oracles", description=__doc__, formatter_class=as_written)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    replays = commands.add_parser("replay", help="run recorded traces on the engine and compare every field")
    replays.set_defaults(runs=lambda options: max(map(_replay, options.files)))
    walks = commands.add_parser("walk", help="walk recorded page tables and compare every answer")
    walks.add_argument("--answers", action="store_true", help="print cases with the answers found; compare nothing")
    walks.set_defaults(runs=lambda options: max(map(partial(_walk, only_answers=options.answers), options.files)))
    for one in (replays, walks):
        one.add_argument("files", nargs="+", type=command.path, metavar="FILE", help=".jsonl or .jsonl.gz")
        one.epilog, one.formatter_class = EXITS, as_written
    return command.main(parser, arguments)


# ---- traces ------------------------------------------------------------------------------------


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
    return DIFFERS


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


# ---- page tables -------------------------------------------------------------------------------


def _walk(path: Path, only_answers: bool) -> int:
    comparison = Comparison()
    try:
        for case in read_cases(path):
            if only_answers:
                print(json.dumps({**case.record, "answers": [*map(answer, case.walks())]}))
            elif case.answers is None:
                comparison.cases += 1
                _print_answers(path, case, comparison.cases)
            else:
                compare(case, comparison)
    except Unreadable as error:
        say_refused(error)
        return UNREADABLE
    if comparison.first is not None:
        print(mismatch_report(path, comparison, comparison.first), flush=True)
        return DIFFERS
    if comparison.compared or not (only_answers or comparison.cases):
        print(f"{printable(str(path))}: {_counts(comparison)} agree", flush=True)
    return AGREES


def _counts(comparison: Comparison) -> str:
    return f"{counted(comparison.cases, 'case')}, {counted(comparison.compared, 'query')}"


def _print_answers(path: Path, case: Case, number: int) -> None:
    print(f"{printable(str(path))}: case {number} (line {case.line}), {case.name}, root {case.tables.root}")
    for found in case.walks():
        print(f"  {Address(found.va)} {_who(found.user)} {found.access}: {verdict(found)}")


def mismatch_report(path: Path, comparison: Comparison, first: Mismatch) -> str:
    """Return the file's line, the first query with a different walk, and the differences, side by side."""
    found, case = first.walk, first.case
    where = f"{printable(str(path))}: differs at case {first.number} (line {case.line}), query {first.query_number}"
    head = f"{where}; {comparison.mismatches:,} of {counted(comparison.compared, 'query')} differ"
    asked = f"  {case.name} root={case.tables.root} va={Address(found.va)} {_who(found.user)} {found.access}"
    return "\n".join([head, asked, *comparison_table(first.differences), f"  found: {verdict(found)}"])


def _who(user: bool) -> str:
    return "user" if user else "supervisor"


# ---- text --------------------------------------------------------------------------------------


def comparison_table(found: Sequence[Difference]) -> list[str]:
    """Return the lines that show what differs, side by side."""
    rows = [("field", "expected", "actual")]
    rows += [
        (short_text(path), value_text(expected), value_text(actual)) for path, expected, actual in found[:MOST_FIELDS]
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"    {field:{widths[0]}}  {expected:{widths[1]}}  {actual}" for field, expected, actual in rows]
    more = [f"    … and {len(found) - MOST_FIELDS:,} fields more"] if len(found) > MOST_FIELDS else []
    return [*table, *more]


def value_text(value: Any) -> str:
    """Return a value as it is in the file, and an address also in hexadecimal."""
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value >= 10:
        return f"{value} = {value:#x}"
    return short(value)


def short_text(text: str) -> str:
    """Return a name from a file, shortened and on one line."""
    return short(text)[1:-1] if len(text) > 50 or not text.isprintable() else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
