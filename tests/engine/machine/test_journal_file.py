"""Saved journals: what is written, made again, and refused."""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from tests.conftest import ROOT
from tests.engine.machine.journals import machines
from tests.engine.machine.structures import differences
from vmwidgets.engine.machine.kept import journal_file


@pytest.fixture
def m():
    m = vm.boot(layout="tiny")
    task = m.task("init")
    address = task.map.enter("8 KiB", object=m.object("file"))
    task.write(address, b"hello")
    m.set_controls(replace(m.controls, wp=False))
    m.mark("here")
    with m.group("two"):
        m.kernel_map.enter("4 KiB")
        m.kernel_map.enter("8 KiB", prot="r")
    m.kernel_map.enter("16 KiB")
    m.undo()
    return m


def lines_of(path):
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def write(path, lines, end=True):
    """A file of these lines, with a true check value at the end."""
    text = "".join(f"{line}\n" for line in lines)
    if end:
        last = {"end": len(lines), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        text += json.dumps(last) + "\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


# ---- saved and made again ------------------------------------------------------------------------


def test_the_machine_is_made_again_with_its_journal_marks_groups_and_what_was_undone(m, tmp_path):
    m.journal.save(tmp_path / "mine.jsonl.gz")
    again = vm.load_journal(tmp_path / "mine.jsonl.gz")
    assert list(differences(m, again)) == []
    assert [one[:7] for one in again.journal] == [one[:7] for one in m.journal]
    assert (again.journal.marks, again.journal.groups) == (m.journal.marks, m.journal.groups)
    again.redo()
    assert len(again.journal) == len(m.journal) + 1
    again.undo(2)
    assert len(again.at("here").journal) == len(again.journal)
    assert again.tasks["init"].read(0, 5) == b"hello"


def test_a_thread_asleep_in_a_loaded_machine_is_undone_without_a_word(m, tmp_path, monkeypatch):
    def sleeps():
        yield from m.tsleep("for ever")

    m.spawn(sleeps, name="waits")
    m.run()
    m.journal.save(tmp_path / "mine.jsonl.gz")
    again = vm.load_journal(tmp_path / "mine.jsonl.gz")
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: printed.append(unraisable.exc_value))
    again.undo(2)
    gc.collect()
    assert printed == []
    assert "waits" not in again.journal.scripts
    again.redo(2)
    assert again.threads["waits"].state == "asleep"


def test_random_lives_are_the_same_machines_and_the_same_bytes(tmp_path):
    for name, machine in machines().items():
        machine.journal.save(tmp_path / name)
        again = vm.load_journal(tmp_path / name)
        assert [place for place, _ in zip(differences(machine, again), range(3), strict=False)] == [], name
        again.journal.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / name).read_bytes(), name


def test_what_processors_run_is_saved(tmp_path):
    machine = vm.boot(cpus=2)
    machine.cpus[1].run(machine.task("init"))
    machine.journal.save(tmp_path / "one")
    again = vm.load_journal(tmp_path / "one")
    assert [(one.name, one.target, one.outcome) for one in again.journal] == [
        (one.name, one.target, one.outcome) for one in machine.journal
    ]
    assert "runs 'init'" in repr(again.cpus[1])


def test_branches_are_saved(m, tmp_path):
    m.task("instead")
    assert m.journal.branches
    m.journal.save(tmp_path / "j")
    again = vm.load_journal(tmp_path / "j")
    assert [one.after for one in again.journal.branches] == [one.after for one in m.journal.branches]
    assert [one.name for one in again.journal.branches[0].operations] == ["enter"]
    again.task("more")
    m.task("more")
    assert again.journal.last.serial == m.journal.last.serial, "serials of what was undone are not used again"


def test_a_panic_and_an_edit_by_hand_are_in_the_journal(tmp_path):
    m: Any = vm.boot(layout="tiny")
    while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
        pass
    step = m.walk(int(m.kernel_map.start)).steps[-1]
    m.set_descriptor(step.pa, step.value | 1 << 9)
    with pytest.raises(vm.KernelPanic):
        m.kmem_malloc(vm.PAGE)
    m.journal.save(tmp_path / "j")
    again = vm.load_journal(tmp_path / "j")
    assert again.dead
    assert again.descriptor_edits == m.descriptor_edits
    assert list(differences(m, again)) == []


def test_every_hash_seed_gives_the_same_bytes(tmp_path):
    """Two processes, two orders of sets."""
    files = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        command = [sys.executable, "-W", "ignore", "-m", "tests.engine.machine.journals", "save", str(folder)]
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}, check=True
        )
        files.append({one.name: one.read_bytes() for one in folder.iterdir()})
    assert files[0] == files[1] and len(files[0]) == 8


def test_time_and_name_in_the_packing_are_empty(m, tmp_path):
    m.journal.save(tmp_path / "j")
    head = (tmp_path / "j").read_bytes()[:10]
    assert head[3] == 0, "no name"
    assert head[4:8] == bytes(4), "no time"


def test_a_save_that_fails_leaves_the_old_file(m, tmp_path, monkeypatch):
    path = tmp_path / "j"
    m.journal.save(path)
    old = path.read_bytes()
    m.kernel_map.enter("4 KiB")

    def full(journal):
        yield {"format": "x"}
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_file, "_lines", full)
    with pytest.raises(vm.Refused, match="can't be written: No space left on device"):
        m.journal.save(path)
    assert path.read_bytes() == old
    assert [one.name for one in tmp_path.iterdir()] == ["j"]


# ---- refused -------------------------------------------------------------------------------------


def refused(path):
    with pytest.raises(vm.Refused) as error:
        vm.load_journal(path)
    sentence = str(error.value)
    assert repr(str(path)) in sentence and ", line " in sentence and "\n" not in sentence
    return sentence


@pytest.fixture
def saved(m, tmp_path):
    path = tmp_path / "mine.jsonl.gz"
    m.journal.save(path)
    return path


def test_a_file_that_is_not_there_or_none(tmp_path):
    with pytest.raises(vm.Refused, match=r"none': no such file or directory$"):
        vm.load_journal(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    assert "not a whole gzip file" in refused(tmp_path / "text")
    (tmp_path / "empty").write_bytes(gzip.compress(b""))
    assert "it ends too soon" in refused(tmp_path / "empty")
    write(tmp_path / "other", ['{"a": 1}'])
    assert "it is not a journal" in refused(tmp_path / "other")
    write(tmp_path / "list", ["[]"])
    assert "object of JSON" in refused(tmp_path / "list")


def test_each_truncation_is_refused(saved):
    whole = saved.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        saved.write_bytes(whole[:length])
        refused(saved)
    lines = lines_of(saved.parent / "x") if (saved.parent / "x").exists() else []
    assert not lines


def test_each_line_left_out_or_changed_is_refused(saved):
    lines = lines_of(saved)
    for number in range(len(lines)):
        write(saved, [*lines[:number], *lines[number + 1 :]], end=False)
        refused(saved)
    write(saved, [line.replace('"8 KiB"', '"4 KiB"') for line in lines], end=False)
    assert "check value does not match" in refused(saved)


def test_a_later_version_says_who_wrote_it(saved):
    lines = lines_of(saved)[:-1]
    lines[0] = json.dumps({"format": "vmwidgets journal", "version": 4, "by": "vmwidgets 9.0"})
    write(saved, lines)
    assert "it has version 4, written by 'vmwidgets 9.0'" in refused(saved)


def test_what_the_engine_now_answers_otherwise_names_the_line(saved):
    lines = lines_of(saved)[:-1]
    number = next(at for at, line in enumerate(lines) if '"8 KiB"' in line and '"enter"' in line)
    lines[number] = lines[number].replace('"result":', '"was":1,"result":7,"x":')
    write(saved, lines)
    assert f"line {number + 1}: operation" in refused(saved)
    assert "has another result" in refused(saved)


GOOD = {
    "operation": 1, "target": "machine", "name": "task", "arguments": {"name": "x"}, "outcome": "done", "result": None,
}  # fmt: skip  # one line of a file
BAD_OPERATIONS: dict[str, dict[str, Any]] = {
    "no such operation": {"name": "explode"},
    "a private method": {"name": "_find"},
    "a method that is not an operation": {"name": "check"},
    "undo": {"name": "undo", "arguments": {}},
    "a listener": {"name": "on_operation", "arguments": {"callback": "x"}},
    "a dunder": {"name": "__init__"},
    "a boot": {"name": "boot"},
    "another part": {"target": "kernel_map/../x"},
    "a file": {"target": "machine", "name": "save", "arguments": {"path": "x"}},
    "a code argument": {"name": "spawn", "arguments": {"name": "x", "function": "print"}},
    "a handler's function": {"name": "register_handler", "arguments": {"name": "x", "function": "print"}},
    "an argument too many": {"name": "task", "arguments": {"name": "x", "more": 1}},
    "an argument of another kind": {"name": "task", "arguments": {"name": 7}},
    "settings of another processor": {"name": "set_controls", "arguments": {"controls": {"settings": {"ttbr": 1}}}},
    "settings of another kind": {"name": "set_controls", "arguments": {"controls": {"settings": {"wp": "x"}}}},
    "no settings": {"name": "set_controls", "arguments": {"controls": {"settings": 3}}},
    "a billion steps": {"name": "run", "arguments": {"steps": 10**9}},
    "steps of another kind": {"name": "run", "arguments": {"steps": "many"}},
    "a name that is no text": {"name": 3},
    "arguments that are none": {"arguments": 5},
    "a value that is none": {"arguments": {"name": {"a": 1, "b": 2}}},
    "bytes that are none": {"arguments": {"name": {"bytes": "zz"}}},
    "an address that is none": {"arguments": {"name": {"hex": "zz"}}},
    "a part that is none": {"arguments": {"name": {"part": "task:nobody"}}},
    "an unknown kind of value": {"arguments": {"name": {"code": "x"}}},
    "a serial that is none": {"operation": "x"},
    "a serial that was used": {"operation": 0},
    "an end that is none": {"stopped_at": "x"},
}


@pytest.mark.parametrize("case", BAD_OPERATIONS)
def test_a_line_that_no_machine_wrote(case, saved):
    lines = lines_of(saved)[:-1]
    write(saved, [*lines[:2], json.dumps({**GOOD, **BAD_OPERATIONS[case]})])
    assert ", line 3: " in refused(saved)


HOSTILE = {
    "a copy of structures": ("_another", {"copy": {"bytes": "80"}, "name": "x"}),
    "an attribute": ("__setattr__", {"name": "name", "value": "x"}),
    "a listener": ("on_operation", {"callback": "x"}),
    "undo": ("undo", {}),
    "a look": ("walk", {"address": 0}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_was_undone_and_scripts_can_name_operations_only(case, saved):
    name, arguments = HOSTILE[case]
    lines = [line for line in lines_of(saved)[:-1] if not line.startswith('{"line"')][:2]
    undone = {
        "operation": 1,
        "target": "machine",
        "name": name,
        "arguments": arguments,
        "outcome": "done",
        "result": None,
    }
    write(saved, [*lines, json.dumps({"line": "undone", "after": 0}), json.dumps(undone)])
    again = vm.load_journal(saved)
    with pytest.raises(vm.VMError, match="is not an operation"):
        again.redo()
    again.check()
    spawn = {"operation": 1, "target": "machine", "name": "spawn", "arguments": {"name": "t"}, "outcome": "done"}
    step = {"operation": 2, "target": "machine", "name": "step", "arguments": {}, "outcome": "error"}
    thread = [["machine", name, arguments, None, 2]]
    rows = [{**spawn, "result": {"part": "thread:t"}}, {**step, "result": ["CallbackFailed"]}]
    rows.append({"script": "t", "serial": 1, "actions": thread})
    write(saved, [*lines, *map(json.dumps, rows)])
    with suppress(vm.Refused):
        again = vm.load_journal(saved)
        assert again.threads["t"].state == "failed"
        assert (again.name != "x", len(again.journal)) == (True, 3)


def test_many_operations_that_were_undone_load_in_linear_time_and_scripts_of_any_length(tmp_path):
    m: Any = vm.boot(layout="tiny")

    def busy():
        for _ in range(20):
            for _ in range(100):
                m.pagedaemon.stop()
            yield from m.tsleep("x", ticks=1)

    m.spawn(busy)
    m.run()
    m.journal.save(tmp_path / "j")
    lines = lines_of(tmp_path / "j")
    assert max(map(len, lines)) < 200_000 and sum(line.startswith('{"script"') for line in lines) > 2
    again = vm.load_journal(tmp_path / "j")
    assert again.threads["busy"].state == "returned"


def test_numbers_that_no_machine_has_are_written_and_loaded(tmp_path):
    m: Any = vm.boot(layout="tiny")

    def odd():
        for number in (10**50, 10**5000, -(10**60)):
            with suppress(vm.VMError):
                yield from m.kmem_alloc(number)

    m.spawn(odd)
    m.run()
    m.journal.save(tmp_path / "j")
    assert vm.load_journal(tmp_path / "j").threads["odd"].state == "returned"


def test_who_may_read_the_file_stays(m, tmp_path):
    m.journal.save(tmp_path / "j")
    (tmp_path / "j").chmod(0o640)
    m.journal.save(tmp_path / "j")
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "null", "{}", '{"what": 1}', '{"operation": 1}', '{"script": "x"}', '{"line": "x", "after": 1}',
     '{"mark": "x"}', '{"mark": "", "serial": 1}', '{"mark": 7, "serial": 1}', '{"mark": "x", "serial": -5}',
     '{"group": "x", "first": 5, "last": 2}', '{"group": 7, "first": 1, "last": 2}',
     '{"group": "x", "first": "y", "last": 2}', '{"operation": NaN}', '{"operation": 1.5}',
     "[" * 100_000, '{"operation": ' + "9" * 5000 + "}", '{"script": "x", "serial": 1, "actions": [[1]]}'],
)  # fmt: skip  # one list
def test_lines_that_are_none(line, saved):
    lines = lines_of(saved)[:-1]
    write(saved, [*lines[:2], line])
    assert ", line 3: " in refused(saved)


def test_values_in_values_have_an_end(saved):
    lines = lines_of(saved)[:-1]
    deep = "[" * 60 + "]" * 60
    write(saved, [*lines[:2], json.dumps({**GOOD, "arguments": {"name": "deep"}}).replace('"deep"', deep)])
    assert "lists in lists" in refused(saved)


def test_a_bomb_is_bounded(saved, monkeypatch):
    monkeypatch.setattr(journal_file, "MOST_JOURNAL_BYTES", 100_000)
    lines = lines_of(saved)[:-1]
    write(saved, [*lines[:2], *['{"mark":"x","serial":1}'] * 10_000])
    assert "longer than a journal is" in refused(saved)
    monkeypatch.setattr(journal_file, "MOST_LINE", 1000)
    write(saved, [*lines[:2], json.dumps({"mark": "x" * 2000, "serial": 1})])
    assert ", line 3: it is longer" in refused(saved)


def test_something_behind_the_end(saved):
    text = gzip.decompress(saved.read_bytes())
    saved.write_bytes(gzip.compress(text + b"more\n"))
    assert "after the end" in refused(saved)


@pytest.mark.parametrize(
    "arguments",
    [
        {"architecture": "pdp-11"},
        {"ram": 1 << 60},
        {"ram": "x"},
        {"cpus": 10**9},
        {"quirks": ["x"]},
        {"more": 1},
        {"seed": -1},
    ],
)
def test_a_boot_that_is_none(arguments, saved):
    lines = lines_of(saved)[:-1]
    boot = json.loads(lines[1])
    boot["arguments"] |= arguments
    write(saved, [lines[0], json.dumps(boot)])
    assert ", line 2: " in refused(saved)
    write(saved, [lines[0], *lines[2:]])
    assert "the first operation is the boot" in refused(saved)


def test_a_thread_of_a_loaded_machine_stops_where_its_record_ends(tmp_path):
    m: Any = vm.boot(layout="tiny")

    def shell():
        yield from m.kmem_alloc("4 KiB")
        yield from m.tsleep("x", ticks=3)
        yield from m.kmem_alloc("8 KiB")

    m.spawn(shell)
    m.step()
    m.journal.save(tmp_path / "j")
    again = vm.load_journal(tmp_path / "j")
    assert again.threads["shell"].state == "asleep"
    with pytest.raises(vm.CallbackFailed, match="recorded up to here"):
        again.run()
    again.check()
