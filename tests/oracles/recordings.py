"""Recorded traces as lists of lines, to be changed and written again."""

from __future__ import annotations

import contextlib
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.oracles.reader import Unreadable
from tests.oracles.replay import Divergence, replay

FOLDER = Path(__file__).resolve().parents[1] / "data" / "traces"

Line = dict[str, Any]


def samples(system: str) -> list[Path]:
    """All recordings of a system, by name."""
    return sorted((FOLDER / system).glob("*.jsonl.gz"))


SAMPLES, FREEBSD_SAMPLES, BARRELFISH_SAMPLES = map(samples, ("x15", "freebsd", "barrelfish"))


def sample(name: str, system: str = "x15") -> Path:
    """The file of a recording."""
    (found,) = (path for path in samples(system) if path.name == f"{name}.jsonl.gz")
    return found


def lines_of(name: str, system: str = "x15") -> list[Line]:
    """Header, operations and last line of a sample."""
    with gzip.open(sample(name, system)) as file:
        return [json.loads(line) for line in file]


def shortened(name: str, operations: int) -> list[Line]:
    """The first operations of a sample, with a last line that fits."""
    lines = lines_of(name)
    return [*lines[: operations + 1], {"end": "ok", "ops": operations}]


def write(path: Path, lines: list[Line]) -> Path:
    """A trace file of these lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def diverges(folder: Path, lines: list[Line], i: int, *paths: str) -> Divergence:
    """That a replay of these lines stops at line `i`, where only the fields at `paths`, if told, differ."""
    found = replay(write(folder / "altered.jsonl", lines)).divergence
    assert found is not None
    assert found.line == i + 1
    if paths:
        assert [one[0] for one in found.differences] == list(paths)
    return found


def is_compared_or_unreadable(content: bytearray, most: int) -> None:
    """That a damaged file is compared, `most` operations at most, or told to be unreadable: no error of Python's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.jsonl"
        path.write_bytes(content)
        with contextlib.suppress(Unreadable):
            assert replay(path).operations <= most


def is_unreadable(folder: Path, lines: list[Line], number: int, reason: str) -> str:
    """That these lines can't be replayed, for this reason in line `number`; the sentence that says so."""
    path = write(folder / "damaged.jsonl", lines)
    with pytest.raises(Unreadable) as caught:
        replay(path)
    assert str(caught.value).startswith(f"{path}:{number}: ")
    assert reason in str(caught.value)
    return str(caught.value)


def put_anywhere(data: st.DataObject, case: Any, value: Any) -> None:
    """Replace something in a case of lists and dicts, at any depth, by `value`."""
    target = case
    while True:
        key = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
        if not isinstance(target[key], (dict, list)) or not target[key] or data.draw(st.booleans()):
            target[key] = value
            return
        target = target[key]
