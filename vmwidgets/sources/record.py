"""Recording a program's references with Valgrind's lackey, and three recordings in the package."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from select import select
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.units import counted
from ..reference_strings.trace import Trace
from .program_references import read_references, recognized

REFERENCES = {
    "rows": "rows.c, which adds up a matrix row after row",
    "columns": "columns.c, which adds up the same matrix column after column",
    "list": "list.c, which goes along a linked list whose nodes lie in a shuffled order",
}
"""The recordings, by name; `tools/record_references.py` makes them."""

MOST_RECORDED = 5_000_000
"""The number of references after which a recording ends, and the program with it."""

VALGRINDS = 20
"""The most lines that Valgrind writes about itself."""

LOOK = 0.1
"""Seconds without a reference after which it is checked whether the program has ended."""


def recorded_references(name: str) -> Trace:
    """Return the recorded references of one of the package's C programs, with the names of its ranges."""
    folder = resources.files("vmwidgets.sources") / "data" / "references"
    text = gzip.decompress((folder / f"{name}.lackey.gz").read_bytes()).decode("ascii", "replace")
    found = read_references(recognized(text), name, name)
    assert found is not None  # the recordings have references
    ranges = json.loads((folder / "ranges.json").read_text())[name]
    return found.named({of: tuple(place) for of, place in ranges.items()})


@says_what_it_takes
def record(program: str | os.PathLike[str] | Sequence[str], *, references: int = MOST_RECORDED) -> Trace:
    """Run a program under Valgrind's lackey, and return its first references as a trace.

    `program` is a path, or a list of the program and its arguments.  The program gets no input, and its output goes
    where yours goes.  It runs some hundred times slower, and is ended after `references` references, together with
    children that are still running.

    A Python function's references can't be seen from within Python: the interpreter chooses where objects are, and
    makes most of the references itself.  Record the whole interpreter, ``["python3", "file.py"]``, or write down the
    addresses of your data yourself, for :func:`vmwidgets.trace`.

    Raises :class:`Refused` if there is no Valgrind or no such program, and for a function.

    >>> record(len)
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: what len references can't be seen from within Python: record ["python3", ...
    """
    words = _words(program)
    if type(references) is not int or not 1 <= references <= MOST_RECORDED:
        raise Refused(f"references={shown(references)}: write a number from 1 to {MOST_RECORDED:,}")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Refused(
            "valgrind, whose lackey records references, is not installed: on Debian and Ubuntu, apt install valgrind"
        )
    if shutil.which(words[0]) is None:
        raise Refused(
            f"{printable(words[0][:MOST_SHOWN])} is not a program that can be run: write its path, such as './prog'"
        )
    reading, writing = os.pipe()
    lackey = [valgrind, "--tool=lackey", "--trace-mem=yes", f"--log-fd={writing}", *words]
    try:
        try:
            running = subprocess.Popen(lackey, stdin=subprocess.DEVNULL, pass_fds=(writing,), start_new_session=True)
        finally:
            os.close(writing)
        try:
            text, is_cut = _first(reading, running, references)
        finally:
            with suppress(ProcessLookupError, PermissionError):  # no process is left (on macOS, a PermissionError)
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    finally:
        os.close(reading)
    name = Path(words[0]).name
    found = read_references(recognized(text), name, name)
    if found is None:
        last = text.strip().split("\n")[-1].lstrip("=0123456789 ")
        raise Refused(f"{printable(name)} made no reference under Valgrind, whose last words are: {printable(last)}")
    if not is_cut:
        return Trace(found.addresses, found.kinds, found.sizes, name=name)
    only = found.part(0, min(references, len(found)))
    said = f"Only the first {counted(len(only), 'reference')} were recorded, and the program was ended."
    return Trace(only.addresses, only.kinds, only.sizes, name=name, unsaid=(said,))


def _first(log: int, running: subprocess.Popen[bytes], references: int) -> tuple[str, bool]:
    """Return lackey's output of this many references, and whether there were more."""
    parts, lines = [], 0
    while lines <= references + VALGRINDS:
        has_ended = running.poll() is not None  # a child may keep the log open, so its end is not waited for
        if select([log], [], [], 0 if has_ended else LOOK)[0]:
            part = os.read(log, 1 << 16)
            if not part:
                break
            parts.append(part)
            lines += part.count(b"\n")
        elif has_ended:
            break
    whole, _, _ = b"".join(parts).rpartition(b"\n")
    return whole.decode("ascii", "replace"), lines > references + VALGRINDS


MOST_SHOWN = 200
"""The most characters of a program's path in a sentence."""


def _words(program: Any) -> list[str]:
    """Return the words of a command from the given program."""
    if callable(program):
        what = printable(str(getattr(program, "__name__", "") or type(program).__name__))
        raise Refused(
            f'what {what} references can\'t be seen from within Python: record ["python3", "file.py"], with all '
            f"that the interpreter references, or give the addresses of your data to vm.trace"
        )
    given = [program] if isinstance(program, (str, os.PathLike)) else program
    if not isinstance(given, (list, tuple)) or not given:
        raise Refused(f"program={shown(program)} is {a_kind(program)}: write a path, or a list of words")
    if not all(isinstance(word, (str, os.PathLike)) and os.fspath(word) for word in given):
        raise Refused(f"program={shown(program)}: write a list of words, the program's path first")
    return [str(os.fspath(word)) for word in given]
