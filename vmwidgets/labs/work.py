"""Graded work as data: enough to rebuild it without running a learner's code.

A machine is its journal, so a map, a task or a domain is its machine's journal and the name of the part.
"""

from __future__ import annotations

import ast
import base64
import binascii
import gzip
import hashlib
import json
import math
import operator
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FunctionType
from typing import Any

from vmwidgets.engine.base.errors import Refused, VMError, a_kind, printable, shown
from vmwidgets.engine.base.units import Address, Size
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.load import load_journal
from vmwidgets.on_paper.segments import Segments
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.references_schema import ReferencesValue
from vmwidgets.sources.strace.load import load_strace
from vmwidgets.sources.strace.result import LoadedStrace

from .chosen import MOST_SOURCE, Chosen
from .exercise import Exercise

MOST_WORK_BYTES = 8 * 1024 * 1024
"""The largest journal, as saved, and the largest string that a notebook keeps, in bytes."""

PATH = re.compile(r"(?<=[\"\s<(])/(?:[\w.+~-]+/)+[\w.+~-]+")
"""A file name in journals and traces: after a quote, a blank or a bracket."""

MOST_ANSWERS, MOST_ANSWER = 1000, 200
"""The most answers in a dictionary, and the most characters of an answer that is not a number."""

VALUES = (bool, int, float, str, bytes, list, tuple)
"""The plain values that a course's own exercises may take."""

PLAIN = (ReferencesValue, Segments, dict, *VALUES)
"""The values that are copied for a judge."""

MOST_VALUE, MOST_BITS = 20_000, 10_000
"""The most characters of a plain value as Python writes it, and the most bits of a number."""

FUNCTION = "function"
"""The kind of a function's code, which earlier versions kept and ran: now it is only listed, for people to read."""


MOST_WHY = 500
"""The most characters of the reason why work was not kept."""


def packed(thing: Any) -> dict[str, Any]:
    """Return data from which `thing` can be rebuilt; if it can't, ``{"kind": "nothing", "why": …}``.

    `kind` is "machine" (with `part`, a path, and `journal`, a saved journal in base64), "references" (with `string` and
    `runs`, pairs of a policy and a number of frames), "strace" (with `text`), "segments" (with base, bounds and
    rights of each), "answers" (with pairs), "value" (with `text`, a number, a text or a row as Python writes it), or
    "chosen" (with a function's `source`, to be read, and its choices as `text`).

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> made = packed(space)
    >>> made["kind"], made["part"], remade(made).entries() == space.entries()
    ('machine', 'task:t/map', True)
    """
    try:
        if isinstance(thing, ReferencesValue):
            return _of_references(thing)
        if isinstance(thing, LoadedStrace):
            return {"kind": "strace", "text": _short(thing.text, MOST_WORK_BYTES)}
        if isinstance(thing, Chosen):
            source = _short(thing.source, MOST_SOURCE)
            return {"kind": "chosen", "source": source, "text": _short(_written(thing.answers), MOST_VALUE)}
        if isinstance(thing, FunctionType):
            return {"kind": "nothing", "why": "it is a function, and no student's code runs in grading"}
        if isinstance(thing, Segments):
            return {"kind": "segments", "segments": thing.data()}
        if isinstance(thing, dict):
            return {"kind": "answers", "answers": _pairs(thing)}
        if isinstance(thing, VALUES):
            return {"kind": "value", "text": _short(_written(thing), MOST_VALUE)}
        machine = thing if isinstance(thing, Machine) else getattr(thing, "machine", None)
        if isinstance(machine, Machine):
            return {"kind": "machine", "part": thing.path, "journal": _journal(machine)}
    except RecursionError:
        return {"kind": "nothing", "why": "it is nested too deeply"}
    except (VMError, OSError, TypeError) as error:
        return {"kind": "nothing", "why": f"{error}"}
    return {"kind": "nothing", "why": f"{shown(thing)} is {a_kind(thing)}"}


def remade(data: Any) -> Any:
    """Return the object that `data` was packed from, rebuilt.

    Raises :class:`Refused` for malformed data, for data that rebuilds something else, and for a function of an earlier
    version: no student's code runs here.
    """
    if not isinstance(data, dict):
        raise Refused(f"{shown(data)} is not a stored answer: pass what a notebook keeps of one")
    kind = data.get("kind")
    if kind == "machine":
        return _machine(_bytes(data.get("journal"))).part(_text(data, "part"))
    if kind == "references":
        return _references(data)
    if kind == "strace":
        return load_strace(boot(), f"{_text(data, 'text')}\n")  # one line of text could be taken for a file's name
    if kind == "segments":
        return Segments.made_from(data.get("segments"))
    if kind == "answers":
        return _answers(data.get("answers"))
    if kind == "value":
        return _value(_short(_text(data, "text"), MOST_VALUE))
    if kind == "chosen":
        source = _short(_text(data, "source"), MOST_SOURCE)
        return Chosen(source, _value(_short(_text(data, "text"), MOST_VALUE)))
    if kind == FUNCTION:
        raise Refused("it is a function, and no student's code runs in grading: read its source")
    if kind == "nothing":
        why = data.get("why")
        raise Refused(f"it was not kept: {printable(why[:MOST_WHY]) if isinstance(why, str) else shown(why)}")
    raise Refused(f"kind={shown(kind)}: write machine, references, strace, segments, answers, chosen or value")


def plain(thing: Any, work: dict[str, Any], exercise: Exercise) -> Any:
    """Return the judge's version of `thing`, which was packed as `work`: plain data is copied.

    A judge's own variables contain answers, so no class of a learner's may run there: neither a dictionary with its own
    `get`, nor a number with its own `==`.  A grader makes the same copy.  Machines, their parts and traces are
    passed as they are, and so is an object of a course's own exercise that can't be rebuilt.

    Raises :class:`Refused` for anything that can't be kept or rebuilt, and for a machine of a learner's class.
    """
    is_plain = isinstance(thing, PLAIN)
    if is_plain and (exercise.shipped or work["kind"] != "nothing"):
        copy = remade(json.loads(json.dumps(work)))
        return copy if isinstance(copy, exercise.takes) else thing
    known = type(thing) in (*PLAIN, exercise.takes) or _is_ours(type(thing))
    if (is_plain or _is_ours(exercise.takes)) and not known:
        raise Refused(
            f"{shown(thing)} is {a_kind(thing)}, a class of your own: check plain data, or a thing of the package"
        )
    return thing


def _is_ours(one: type) -> bool:
    """Return whether `one` is a class of this package itself, and not derived from such a class elsewhere."""
    module = sys.modules.get(one.__module__)
    return one.__module__.startswith("vmwidgets.") and getattr(module, one.__qualname__, None) is one


def users_names(work: Any) -> set[str]:
    """Return the names of files on a learner's computer in packed work: paths, from ``/proc`` or strace."""
    return set(_paths(_unpacked(work)))


def by_kind(work: dict[str, Any]) -> dict[str, Any]:
    """Return packed work with other names for files (library 1, program 1, file 1), one name for each file."""
    text = _unpacked(work)
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for path in _paths(text):
        kind = "library" if ".so" in path else "program" if "/bin/" in path else "file"
        counts[kind] += 1
        names[path] = f"/{kind}-{counts[kind]}" + ".so" * (kind == "library")
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return _repacked(work, text)


def _unpacked(work: Any) -> str:
    if not isinstance(work, dict):
        return ""
    if work.get("kind") == "machine":
        return gzip.decompress(base64.b64decode(work["journal"])).decode()
    return str(work.get("text", ""))


def _repacked(work: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the same kind of work with this text; a journal gets a new checksum, and is tested."""
    if work.get("kind") != "machine":
        return {**work, "text": text} if "text" in work else work
    *lines, _end = text.splitlines(keepends=True)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    whole = "".join(lines) + json.dumps({"end": len(lines), "sha256": digest}, separators=(",", ":")) + "\n"
    made = {**work, "journal": base64.b64encode(gzip.compress(whole.encode(), 6, mtime=0)).decode()}
    remade(made)
    return made


def _paths(text: str) -> list[str]:
    """Return the paths of files, in the order in which they first appear."""
    return list(dict.fromkeys(PATH.findall(text)))


def _journal(machine: Machine) -> str:
    if machine.journal.incomplete:
        raise Refused(machine.journal.incomplete)
    saved = machine.journal.as_file()
    if len(saved) > MOST_WORK_BYTES:
        raise Refused(f"its journal has more than {MOST_WORK_BYTES >> 20} MiB")
    return base64.b64encode(saved).decode()


def _machine(journal: bytes) -> Machine:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "machine.jsonl.gz")
        path.write_bytes(journal)
        try:
            return load_journal(path)
        except Refused as refusal:  # without the name of the temporary file
            raise Refused(f"{refusal}".replace(repr(str(path)), "its journal")) from None


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * MOST_WORK_BYTES:
        raise Refused("a journal is a base64 string, not too long")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("a journal is a base64 string") from None


def _written(value: Any) -> str:
    """Return plain data as Python writes it, so that a reader runs nothing."""
    kind = type(value)
    if value is None or kind in (bool, str, bytes):
        return repr(value)
    if kind in (int, Address, Size):
        if value.bit_length() > MOST_BITS:
            raise Refused(f"it is or holds a number of more than {MOST_BITS:,} bits")
        return int.__repr__(value)
    if kind is float and math.isfinite(value):
        return repr(value)
    if kind in (list, tuple, dict) and len(value) > MOST_VALUE:
        raise Refused(f"it has {len(value):,} items, more than {MOST_VALUE:,}")
    if kind is dict:
        return f"{{{', '.join(f'{_written(key)}: {_written(one)}' for key, one in value.items())}}}"
    if kind is tuple:
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    if kind is list:
        return f"[{', '.join(map(_written, value))}]"
    raise Refused(f"it is or holds {a_kind(value)}: use numbers, strings, lists, tuples or dictionaries")


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise Refused(f"{shown(text)} is not plain: use numbers, strings, lists, tuples and dictionaries") from None


def _text(data: dict[str, Any], name: str) -> str:
    text = data.get(name)
    if not isinstance(text, str) or len(text) > MOST_WORK_BYTES:
        raise Refused(f"{name}={shown(text)}: pass a string, not too long")
    return text


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise Refused(f"it has {len(text):,} characters, more than {most:,}")
    return text


def _of_references(value: ReferencesValue) -> dict[str, Any]:
    string = " ".join(f"{step.page}{'w' * step.write}" for step in value.runs[0].steps)
    return {"kind": "references", "string": string, "runs": [[run.policy, run.frames] for run in value.runs]}


def _references(data: dict[str, Any]) -> ReferencesValue:
    runs = data.get("runs")
    if not isinstance(runs, list) or not all(_is_run(run) for run in runs):
        raise Refused(f"runs={shown(runs)}: write pairs of a policy and a number of frames")
    policies, frames = dict.fromkeys(run[0] for run in runs), dict.fromkeys(run[1] for run in runs)
    return reference_string(_text(data, "string"), list(frames), list(policies))


def _is_run(run: Any) -> bool:
    return isinstance(run, list) and len(run) == 2 and isinstance(run[0], str) and isinstance(run[1], int)


def _pairs(answers: dict[Any, Any]) -> list[list[Any]]:
    """Return questions and answers as plain data; anything but numbers, strings and rows of these becomes text."""
    if len(answers) > MOST_ANSWERS:
        raise Refused(f"it has {len(answers):,} answers, more than {MOST_ANSWERS:,}")
    return [[_simple(question), _simple(answer)] for question, answer in answers.items()]


def _simple(value: Any) -> Any:
    if not isinstance(value, (bool, str)) and hasattr(value, "__index__"):  # NumPy's numbers too
        return int(operator.index(value))
    if isinstance(value, (tuple, list)):
        return [_simple(one) for one in value[:2]] if len(value) == 2 else shown(value)
    return value if value is None or (isinstance(value, str) and len(value) <= MOST_ANSWER) else shown(value)


def _answers(pairs: Any) -> dict[Any, Any]:
    rows = isinstance(pairs, list) and len(pairs) <= MOST_ANSWERS
    if not rows or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise Refused(f"answers={shown(pairs)}: write pairs of a question and its answer")
    if not all(isinstance(question, (int, str)) for question, _ in pairs):
        raise Refused("a question is a number or a string")
    return dict(pairs)
