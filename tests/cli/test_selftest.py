"""`vmwidgets selftest`: all that ships agrees, and a kernel or a recording that was changed is found."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.cli import main, originals, selftest
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.x15.vm_map import X15Map
from vmwidgets.engine.selfpaging import pmap
from vmwidgets.engine.selfpaging.flags import kernel_flags
from vmwidgets.sources.strace.recordings import Recording

DATA = Path(vm.__file__).parent / "sources" / "data"


def test_all_that_ships_is_compared_and_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest"]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == f"vmwidgets {vm.__version__}"
    named = [line.partition(":")[0] for line in lines]
    calls = [path.relative_to(DATA / "calls").as_posix().partition(".")[0] for path in (DATA / "calls").rglob("*.gz")]
    tables = [f"tables/{path.name.partition('.')[0]}" for path in (DATA / "tables").iterdir()]
    programs = [f"strace/{path.name.partition('.')[0]}" for path in (DATA / "strace").glob("*.strace.gz")]
    assert sorted(named) == sorted([*calls, *tables, *programs]), "each file that ships, once"
    assert sorted(name.partition("/")[0] for name in calls) == ["barrelfish", "freebsd", "x15"]
    assert last == f"{len(named)} recordings agree, 0 differ"
    for name in calls:
        (line,) = (line for line in lines if line.startswith(f"{name}: "))
        with gzip.open(DATA / "calls" / f"{name}.jsonl.gz") as file:
            assert line == f"{name}: {sum(1 for _ in file) - 1} operations agree"
    walks = [re.search(r": (\d+) walks agree$", line) for line in lines if line.startswith("tables/")]
    assert [found and found[1] for found in walks] == ["100", "100"]


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any], str, str]] = {
    "no ranges of X15 are joined": (
        X15Map,
        "try_merge",
        lambda real: lambda self, request: None,
        "x15",
        "number of entries",
    ),
    "first fit leaves a page free": (
        FreeBSDMap,
        "_first_fit",
        lambda real: lambda self, length: real(self, length) + vm.PAGE,
        "freebsd",
        "the result",
    ),
    "a map of X15 can't be looked through": (X15Map, "__iter__", lambda real: lambda self: 1 // 0, "x15", "size"),
    "Barrelfish's pages are always writable": (
        pmap,
        "kernel_flags",
        lambda real: lambda flags: kernel_flags(flags) | 2,
        "barrelfish",
        "descriptors",
    ),
}
"""What is broken in the engine: its place, and the kernel and the part of the result or the state that then differ."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_kernel_is_found(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, name, broken, kernel, part = FAULTS[fault]
    monkeypatch.setattr(place, name, broken(getattr(place, name)))
    assert main(["selftest"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    *_, differs, where, _call, sentence = out.splitlines()
    assert differs.startswith(f"{kernel}/")
    assert re.fullmatch(r"\S+: diverges at operation \d+ \(line \d+\), after \d+ operations? that agree", where)
    assert sentence.startswith(f"  {part}")
    assert ", and in the recording " in sentence


def altered(folder: Path, name: str, change: Callable[[list[Any]], object]) -> Path:
    """A copy of the calls in the package, one file of which is changed."""
    shutil.copytree(DATA / "calls", folder / "calls")
    path = folder / "calls" / f"{name}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(lines)
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    return folder / "calls"


def test_a_recording_that_differs_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def changed(lines: list[Any]) -> None:
        lines[30][3]["size"] += 4096

    monkeypatch.setattr(originals, "FOLDER", altered(tmp_path, "x15/place-1", changed))
    assert main(["selftest"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "x15/place-1 differs, after 0 recordings that agree\n" in out
    assert "diverges at operation 29 (line 31), after 29 operations that agree" in out
    assert out.splitlines()[-1].startswith("  size is 0x")
    assert "freebsd" not in out, "the first difference ends it"


def test_a_walk_that_differs_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(name: str) -> Any:
        tables = vm.recorded_tables(name)
        tables.answers = ({"pa": 0x123000}, *tables.answers[1:])
        return tables

    monkeypatch.setattr(selftest, "recorded_tables", wrong)
    assert main(["selftest"]) == 1
    *_, differs, sentence = capsys.readouterr().out.splitlines()
    assert differs == "tables/linux-armv7 differs, after 3 recordings that agree"
    assert sentence.endswith(", and in the recording physical 0x12_3000")


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


@pytest.mark.parametrize(("cut", "why"), [(0, "the file is empty"), (3000, "Compressed file ended")])
def test_a_recording_that_is_damaged_is_one_sentence(
    cut: int, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = altered(tmp_path, "x15/place-1", lambda lines: lines if cut else lines.clear())
    path = folder / "x15" / "place-1.jsonl.gz"
    path.write_bytes(path.read_bytes()[: cut or None])
    monkeypatch.setattr(originals, "FOLDER", folder)
    assert main(["selftest"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert why in err
    assert err.endswith(": install vmwidgets again\n")
