"""`vmwidgets selftest`: all that ships agrees, and a recording that was changed is found with its first difference."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.sources.traces.recordings import FOLDERS, Line
from vmwidgets.cli import main, selftest
from vmwidgets.sources.strace.recordings import Recording

SHIPPED = FOLDERS[1]


def test_all_that_ships_is_compared_and_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest"]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == f"vmwidgets {vm.__version__}"
    named = [line.partition(":")[0] for line in lines]
    traces = [path.relative_to(SHIPPED).as_posix().partition(".")[0] for path in SHIPPED.rglob("*.gz")]
    data = SHIPPED.parent
    tables = [f"tables/{path.name.partition('.')[0]}" for path in (data / "tables").iterdir()]
    programs = [f"strace/{path.name.partition('.')[0]}" for path in (data / "strace").glob("*.strace.gz")]
    assert sorted(named) == sorted([*traces, *tables, *programs]), "each file that ships, once"
    assert last == f"{len(named)} recordings agree, 0 differ"
    for name in traces:
        (line,) = (line for line in lines if line.startswith(f"{name}: "))
        with gzip.open(SHIPPED / f"{name}.jsonl.gz") as file:
            operations = sum(b'"op"' in one for one in file)
        count = re.search(r": (\d+) operations? agree", line)
        assert count is not None
        assert 0 <= operations - int(count[1]) <= 1, "all of them, but for an operation that only ends the recording"


@contextmanager
def altered(folder: Path, name: str, change: Callable[[list[Line]], None]) -> Iterator[Path]:
    copy = folder / "traces"
    shutil.copytree(SHIPPED, copy)
    path = copy / f"{name}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(lines)
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    yield copy


def changed(lines: list[Line]) -> None:
    lines[30]["after"]["size"] += 4096


def test_a_recording_that_differs_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(selftest, "shipped_traces", lambda: altered(tmp_path, "x15/place-1", changed))
    assert main(["selftest"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "x15/place-1 differs, after 0 recordings that agree\n" in out
    assert "diverges at operation 29 (line 31), after 29 operations that agree" in out
    rows = [line.split() for line in out.splitlines()]
    assert [row[0] for row in rows if row and row[0].startswith("after.")] == ["after.size"]
    assert "freebsd" not in out, "the first difference ends it"


def test_a_map_that_differs_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = vm.recording("threads")
    heap = next(line for line in real.maps.splitlines() if line.endswith("[heap]"))
    other = real.maps.replace(heap, heap.replace("rw-p", "r--p"))
    broken = Recording(real.name, real.program, real.strace, other)
    monkeypatch.setattr(selftest, "recording", lambda name: broken if name == "threads" else vm.recording(name))
    assert main(["selftest"]) == 1
    out = capsys.readouterr().out
    assert "strace/threads differs, after 7 recordings that agree\n" in out
    assert heap.split("-")[0][-4:] in out.partition("strace/threads differs")[2]


def test_a_recording_that_is_damaged_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(
        selftest, "shipped_traces", lambda: altered(tmp_path, "x15/place-1", lambda lines: lines.clear())
    )
    assert main(["selftest"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("the file is empty: install vmwidgets again\n")
