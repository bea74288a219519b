"""Which operation changed something last: as a scan of the whole history has it."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.hindsight import scan
from tests.engine.machine.lives import ARCHITECTURES, ThreadsLife, operations_life
from tests.engine.machine.task_model import Model
from vmwidgets import PAGE
from vmwidgets.engine.machine import touched
from vmwidgets.engine.machine.hindsight.last import LastChanges, byte_of


def check_bytes(machine: Any, chance: random.Random, most: int = 60) -> int:
    """Compare what it says of many bytes of all tasks with a scan; how many differ in their operation."""
    found = scan.last_changes_of_bytes(machine, scan.pages_of(machine))
    asked = {(page, numbers.index(one)) for page, numbers in found.items() for one in set(numbers)}
    asked |= {(page, chance.randrange(PAGE)) for page in found}
    for (name, va), at in chance.sample(sorted(asked), min(most, len(asked))):
        said, number = machine.last_write(machine.tasks[name], va + at).number, found[name, va][at]
        assert said == number, f"{name} {va + at:#x}: {said} and not {number}"
    return len({one for numbers in found.values() for one in numbers})


@pytest.mark.parametrize("seed", range(6))
def test_bytes_of_tasks(seed: int) -> None:
    """Files, forks, page-out, swap space, truncated files and failures among them."""
    model = Model(ARCHITECTURES[seed % 4], seed)
    for _ in range(90):
        model.step()
        if model.panicked:
            break
    assert check_bytes(model.machine, model.chance) > 5


@pytest.mark.parametrize("seed", range(2))
def test_it_follows_undo_redo_and_branches(seed: int) -> None:
    model = Model("x86-64", 10 + 2 * seed)
    m, chance = model.machine, model.chance
    for _ in range(40):
        model.step()
    task = next(iter(m.tasks.values()))
    task.write(task.mmap(PAGE, at=0x90_0000), b"first")
    assert m.last_write(task, 0x90_0000).name == "write"
    m.undo(10)
    check_bytes(m, chance)
    m.redo(4)
    check_bytes(m, chance)
    other = m.branch(len(m.journal) // 2)
    for machine in (m, other, m):
        made = machine.task(f"late {len(machine.journal)}")
        a = made.mmap(2 * PAGE)
        made.write(a + 8, b"of its own")
        check_bytes(machine, chance)


def test_what_is_done_again_after_an_undo_counts_as_new() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    assert m.last_write(t, a).name == "mmap"
    t.write(a, b"1")
    m.undo()
    m.task("other")
    t.write(a, b"1")
    assert (m.last_write(t, a).number, m.journal[-1].name) == (4, "write")


def test_what_the_other_branch_does_is_its_own() -> None:
    """Serials of two branches are the same numbers for different operations."""
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"1")
    assert m.last_write(t, a).number == 3
    other = m.branch(2)
    other.task("unlike")
    assert other.journal.last.serial == m.journal.last.serial
    assert (other.last_write(other.tasks["t"], a).number, m.last_write(t, a).number) == (2, 3)


def test_what_was_undone_before_the_first_question_is_known_once_it_is_redone() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"1")
    m.undo()
    assert m.last_write(t, a).name == "mmap"
    m.redo()
    assert m.last_write(t, a).number == 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows(architecture: str) -> None:
    """Frames, descriptors and entries of maps, in lives of all operations."""
    m = operations_life(architecture, 3, 150)
    chance = random.Random(architecture)
    frames = [frame for frame in range(m.ram_bytes // PAGE) if m.frames.owner(frame)]
    looks: dict[Any, scan.Look] = {}
    asked: dict[Any, tuple[Any, int]] = {}
    for frame in chance.sample(frames, min(30, len(frames))) + [frames[-1] - at for at in range(20)]:
        looks["frame", frame] = partial(_owner, frame)
        asked["frame", frame] = (m.frames, frame)
    edges = [one for entry in m.kernel_map.entries() for one in (entry.start, entry.end - 1, entry.end)]
    for va in {one for one in edges if m.kernel_map.start <= one < m.kernel_map.end}:
        looks["entry", va] = partial(_entry, va)
        asked["entry", va] = (m.kernel_map, va)
        pa = m.tables.walk(va).steps[-1].pa
        looks["word", va] = partial(_word, pa)
        asked["word", va] = (m.tables, va)
    found = scan.last_changes(m, looks)
    by_operation: dict[tuple[str, int], list[Any]] = {}
    for name, number in found.items():
        by_operation.setdefault((name[0], number), []).append(name)
    assert len(set(found.values())) > 5
    for (_, number), names in by_operation.items():
        for name in chance.sample(names, min(2, len(names))):
            thing, where = asked[name]
            try:
                said = m.last_write(thing, where).number
            except vm.Refused:
                said = 0
            assert said == number, name


def _owner(frame: int, machine: Any) -> str:
    return str(machine.frames.owner(frame))


def _entry(va: int, machine: Any) -> Any:
    entry = machine.kernel_map.vm_map.peek(va)
    return entry.fields() if entry is not None and entry.start <= va else None


def _word(pa: int, machine: Any) -> tuple[str, int]:
    return _owner(pa // PAGE, machine), int(machine.ram.read_word(pa, machine.system.pmap.fmt.entry_width))


def test_threads() -> None:
    """What a thread stores belongs to the operation that had it run."""
    m: Any = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)

    def body() -> Any:
        yield from t.write(a, b"one")
        yield from m.tsleep("nap", ticks=2)
        yield from t.write(a + 1, b"two")

    m.spawn(body)
    m.run(steps=1)
    m.run()
    first, second = m.last_write(t, a), m.last_write(t, a + 1)
    assert (first.name, second.name, m.last_write(t, a + 6).name) == ("run", "run", "mmap")
    assert first.number < second.number
    assert m.at(first.number).tasks["t"].peek(a, 3) == b"one"


def test_threads_that_fail_and_sleep() -> None:
    life = ThreadsLife("x86-64", 1)
    m = life.live(80)
    frames = [frame for frame in range(m.ram_bytes // PAGE) if m.frames.owner(frame)]
    looks: dict[Any, scan.Look] = {frame: partial(_owner, frame) for frame in frames}
    found = scan.last_changes(m, looks)
    by_operation: dict[int, list[int]] = {}
    for frame, number in found.items():
        by_operation.setdefault(number, []).append(frame)
    assert len(by_operation) > 5
    for number, changed in by_operation.items():  # boot alone gave away 300 frames: each question looks for it anew
        for frame in life.chance.sample(changed, min(3, len(changed))):
            assert m.last_write(m.frames, frame).number == number, frame


def test_of_an_operation_with_more_events_than_are_kept_all_count() -> None:
    m = vm.boot("x86-64", ram="64 MiB")
    t = m.task("t")
    size = 1500 * PAGE
    a = t.mmap(size, "rw", "private populate")
    frames = [t.walk(a + at).pa >> 12 for at in (0, size // 2, size - PAGE)]
    first = m.last_write(m.frames, frames[0])
    t.munmap(a, size)
    assert m.journal.last.truncated
    assert first.name == "mmap"
    assert {m.last_write(m.frames, frame).number for frame in frames} == {len(m.journal) - 1}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_asked_now_and_then_is_what_is_asked_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With operations, undo and redo between the questions, so that a stretch is looked at in parts."""
    monkeypatch.setattr(touched, "STRETCH", 30)
    model = Model(ARCHITECTURES[seed], 20 + seed)
    for number in range(70):
        if model.panicked:
            break
        model.step()
        if number % 9 == 8 and not model.panicked:
            check_bytes(model.machine, model.chance, most=6)
            model.machine.undo(2)
            check_bytes(model.machine, model.chance, most=6)
            model.machine.redo(2)
    assert check_bytes(model.machine, model.chance) > 5


def written_often(writes: int) -> tuple[Any, Any, int]:
    """A byte whose value each operation changes, from the third on."""
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    for number in range(writes):
        t.write(a, bytes([number + 1]))
    return m, t, int(a)


def test_what_was_last_before_some_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "STRETCH", 5)
    m, _, a = written_often(30)
    for before in (33, 20, 12, 4, 3):
        found = LastChanges(m).latest([byte_of("t", a)], before)
        assert found is not None
        assert found.number == before - 1


def test_a_question_that_is_stopped_forgets_nothing() -> None:
    m, t, a = written_often(20)

    def stopped(done: int, count: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        m.last_write(t, a, progress=stopped)
    assert m.last_write(t, a).number == 22


def test_a_question_about_what_is_new_does_not_do_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "STRETCH", 10)
    m, t, a = written_often(60)
    told: list[tuple[int, int]] = []
    assert m.last_write(t, a, progress=lambda done, count: told.append((done, count))).number == 62
    assert told == [(2, 63)], "operation 62"


@pytest.mark.parametrize("seed", range(6))
def test_stretches_that_cannot_matter_are_left_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is the first one: what was noted for another would hide a stretch that was left out wrongly."""
    monkeypatch.setattr(touched, "STRETCH", 4)
    model = Model(ARCHITECTURES[seed % 4], 30 + seed)
    for number in range(90):
        model.step()
        if model.panicked:
            break
        if number % 31 == 30:
            model.machine.undo(3)
            model.machine.redo(3)
    m, chance = model.machine, model.chance
    found = scan.last_changes_of_bytes(m, scan.pages_of(m))
    for name, va in chance.sample(sorted(found), min(12, len(found))):
        numbers = found[name, va]
        for at in sorted({numbers.index(one) for one in set(numbers)}):
            m.history.last_changes = None
            said = m.last_write(m.tasks[name], va + at).number
            assert said == numbers[at], f"{name} {va + at:#x}: {said} and not {numbers[at]}"


def test_a_change_long_ago_costs_one_stretch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also in a journal that was loaded, in a branch that went on, and after an undo."""
    monkeypatch.setattr(touched, "STRETCH", 10)
    m = vm.boot("x86-64")
    t, other = m.task("t"), m.task("other")
    a, b = t.mmap(2 * PAGE), other.mmap(PAGE)
    t.write(a, b"1")
    for number in range(100):
        other.write(b, bytes([number]))
        m.kernel_map.enter(PAGE)
    m.journal.save(tmp_path / "saved.jsonl")
    branch = m.branch(50)
    for machine in (branch, vm.load_journal(tmp_path / "saved.jsonl"), m):
        for number in range(40):
            machine.tasks["other"].write(b, bytes([number]))
        told: list[tuple[int, ...]] = []
        task = machine.tasks["t"]
        assert machine.last_write(task, a, progress=lambda *done, told=told: told.append(done)).number == 5
        assert len(told) <= (62 if machine is branch else 12), "what a branch was made with is not known"
        task.write(a, b"2")
        machine.undo(20)
        assert machine.last_write(task, a).number == 5


def test_objects_and_files_say_where_a_page_is() -> None:
    m = vm.boot("x86-64")
    m.swap_on("64 KiB")
    t, o, f = m.task("t"), m.object("o"), m.file("f", b"text")
    a, b = t.mmap(2 * PAGE, "rw", "shared", o), t.mmap(PAGE, "r", "shared", f)
    t.write(a, b"1")
    t.read(b)
    assert (m.last_write(o, 0).name, m.last_write(f, 0).name) == ("write", "read")
    t.page_out(a)
    assert m.last_write(o, 0).name == "page_out"


def test_progress_is_told_once() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    told: list[tuple[int, int]] = []
    a = t.mmap(PAGE)
    m.last_write(t, a, progress=lambda done, count: told.append((done, count)))
    m.last_write(t, a, progress=lambda done, count: told.append((done, count)))
    assert told == [(2, 3), (3, 3)]


def test_bad_questions_are_refused_in_one_sentence() -> None:
    m, other = vm.boot("x86-64"), vm.boot("x86-64")
    t, o = m.task("t"), m.object("o")
    a = t.mmap(PAGE)
    done = len(m.journal)
    for given, says in (
        (("t", a), "thing='t': write a task"),
        ((other.task("t"), a), "belongs to another machine"),
        ((other.frames, 1), "belongs to another machine"),
        ((t,), "write an address"),
        ((m.frames,), "write the number of a frame"),
        ((m.frames, 1 << 40), "frame"),
        ((t, 0x1234_5000), "nothing was ever mapped there in task 't'"),
        ((t, "x"), "where"),
        ((t.map, a - PAGE), "never had an entry there"),
        ((t.map, 1 << 60), "lies outside"),
        ((o, 4096), "was never in memory"),
        ((o,), "write the offset of a page"),
    ):
        with pytest.raises(vm.Refused) as refused:
            m.last_write(*given)
        assert says in str(refused.value), refused.value
    t.exit()
    with pytest.raises(vm.Refused, match="does not exist"):
        m.last_write(t, a)
    assert len(m.journal) == done + 1


def test_it_is_refused_while_an_operation_is_under_way() -> None:
    m: Any = vm.boot("x86-64", layout="tiny")
    t = m.task("t")

    def body() -> Any:
        m.last_write(t, 0)
        yield from m.tsleep("x")

    m.spawn(body, name="asks")
    with pytest.raises(vm.CallbackFailed, match="during an operation"):
        m.run()


def test_what_can_not_be_called_is_refused_before_the_search() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    page = task.mmap("4 KiB")
    task.write(page, b"x")
    with pytest.raises(vm.Refused, match="progress='x'"):
        machine.last_write(task, page, progress="x")  # type: ignore[arg-type]  # what a learner may write
