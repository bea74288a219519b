"""The command: ``vmwidgets replay FILE…`` runs recorded traces on the engine and compares every field."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import __version__
from .sources.traces.reader import Unreadable, short
from .sources.traces.replay import Divergence, Outcome, replay

AGREES, DIVERGES, UNREADABLE = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141
"""What shells report for SIGINT and SIGPIPE."""

_EXITS = """\
exit status: 0 every field of every file agrees; 1 a file diverges; 2 a file can't be read.
The worst of all files counts."""

_OUTPUTS = ("result", "after", "state", "i", "op")
MOST_FIELDS = 40
"""How many differing fields are listed: after the first ones they say little that is new."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process by default); its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(_parser().parse_args(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit has where to go
        return PIPE_CLOSED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("vmwidgets", description="A teaching laboratory for virtual memory.")
    parser.add_argument("--version", action="version", version=f"vmwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    replays = commands.add_parser(
        "replay",
        help="run recorded traces on the engine and compare every field",
        description="Run recorded traces on the engine and compare every field of result, after and state.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    replays.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a trace: .jsonl or .jsonl.gz")
    return parser


def _run(options: argparse.Namespace) -> int:
    return max(_replay(path) for path in options.files)


def _replay(path: Path) -> int:
    try:
        outcome = replay(path)
    except Unreadable as error:
        sys.stdout.flush()
        print(_printable(str(error)), file=sys.stderr)
        return UNREADABLE
    if outcome.divergence is None:
        print(f"{_printable(str(path))}: {_operations(outcome)} agree", flush=True)
        return AGREES
    print(_report(outcome, outcome.divergence), flush=True)
    return DIVERGES


def _operations(outcome: Outcome) -> str:
    return f"{outcome.operations:,} operation{'' if outcome.operations == 1 else 's'}"


def _report(outcome: Outcome, divergence: Divergence) -> str:
    """The file's line, the operation with its inputs, and what differs, side by side."""
    record = divergence.record
    given = [(name, value) for name, value in record.items() if name not in _OUTPUTS][:MOST_FIELDS]
    inputs = " ".join(f"{_short(name)}={_value(value)}" for name, value in given)
    number = f"operation {record['i']}" if "i" in record else "the setup"
    where = f"{_printable(str(outcome.path))}: diverges at {number} (line {divergence.line})"
    head = f"{where}, after {_operations(outcome)} that agree"
    found = divergence.differences
    rows = [("field", "expected", "actual")]
    rows += [(_short(path), _value(expected), _value(actual)) for path, expected, actual in found[:MOST_FIELDS]]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"    {field:{widths[0]}}  {expected:{widths[1]}}  {actual}" for field, expected, actual in rows]
    more = [f"    … and {len(found) - MOST_FIELDS:,} fields more"] if len(found) > MOST_FIELDS else []
    return "\n".join([head, f"  {record['op']} {inputs}".rstrip(), *table, *more])


def _value(value: Any) -> str:
    """A value as it stands in the file, an address also in hexadecimal."""
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value >= 10:
        return f"{value} = {value:#x}"
    return short(value)


def _short(text: str) -> str:
    return short(text)[1:-1] if len(text) > 50 or not text.isprintable() else text


def _printable(text: str) -> str:
    """`text` on one line: what can't be printed is spelled out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


if __name__ == "__main__":
    sys.exit(main())
