"""Why something is so: by leaving operations out, on machines that this test makes itself."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.task_model import Model
from tests.work import calls_of
from vmwidgets import PAGE
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine.replay import Replay

BASE = 0x10_0000


def done_alone(machine: Any, operations: Iterable[Operation]) -> Any:
    """A machine on which some operations of another are called, as they were recorded."""
    made = vm.boot(**dict(machine.journal[0].arguments))
    for then in operations:
        with suppress(vm.VMError):
            call = made.recorded(then.target, then.name)
            call(**{name: made.resolve(value) for name, value in then.arguments})
    return made


def byte(machine: Any, task: str, va: int) -> Any:
    """A byte as a task sees it, or what is said instead."""
    try:
        return machine.tasks[task].peek(va)
    except vm.VMError as error:
        return type(error).__name__


class Life:
    """Tasks that map pages where they say, so that no operation depends on where another one found room."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"why {seed}")
        self.machine: Any = vm.boot("x86-64", layout="tiny", fork=self.chance.choice(("eager", "counted", "shadow")))
        self.machine.swap_on(40 * PAGE)
        self.machine.task("t")
        self.machine.file("f", self.chance.randbytes(3 * PAGE))
        for _ in range(60):
            with suppress(vm.KernelError, vm.Refused):
                self.step()

    def step(self) -> None:
        """One operation."""
        m, chance = self.machine, self.chance
        task = chance.choice(list(m.tasks.values()))
        at, size = BASE + chance.randrange(6) * PAGE, chance.randrange(1, 4) * PAGE
        file = m.files["f"]
        chance.choice(
            [
                lambda: task.mmap(size, flags="private fixed", at=at),
                lambda: task.mmap(size, flags="shared fixed", at=at),
                lambda: task.mmap(PAGE, "rw", chance.choice(("private fixed", "shared fixed")), file, at=at),
                lambda: task.munmap(at, size),
                lambda: task.write(at + chance.randrange(8), chance.randbytes(2)),
                lambda: task.write(at + chance.randrange(8), chance.randbytes(2)),
                lambda: task.write(at + chance.randrange(8), chance.randbytes(2)),
                lambda: file.write(chance.randrange(8), chance.randbytes(3)),
                lambda: task.madvise(at, size, "dontneed"),
                lambda: task.page_out(at, size),
                lambda: task.fork() if len(m.tasks) < 4 else None,
                lambda: task.mprotect(at, size, chance.choice(("r", "rw"))),
            ]
        )()


@pytest.mark.parametrize("seed", range(12))
def test_each_operation_is_needed_and_no_other(seed: int) -> None:
    life = Life(seed)
    m, lengths = life.machine, set()
    for name in m.tasks:
        for page in range(6):
            va = BASE + page * PAGE + life.chance.randrange(8)
            try:
                found = m.why(m.tasks[name], va)
            except vm.Refused as refused:
                assert "nothing was ever mapped" in str(refused)  # noqa: PT017  either is an answer
                continue
            assert not found.reason
            chain, now = found.operations, byte(m, name, va)
            assert byte(done_alone(m, chain), name, va) == now
            for left_out in chain:
                rest = [then for then in chain if then != left_out]
                assert byte(done_alone(m, rest), name, va) != now, f"{found}\nneeds not {left_out}"
            assert found.last == m.last_write(m.tasks[name], va)
            lengths.add(len(chain))
    assert max(lengths) >= 3


@pytest.mark.sweep
def test_lives_where_addresses_move_and_memory_is_short() -> None:
    """Whatever the life, an answer is found."""
    model = Model("x86-64", 5)
    for _ in range(80):
        model.step()
    m, unknown = model.machine, 0
    for name, task in m.tasks.items():
        for entry in task.map.entries():
            found = m.why(task, entry.start)
            unknown += bool(found.reason)
            assert found.operations
            assert f"of task {name!r}" in repr(found)
    assert not unknown


def test_a_page_that_was_dropped_is_zero_as_at_first() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    t.madvise(a, PAGE, "dontneed")
    found = m.why(t, a)
    assert [then.name for then in found.operations] == ["task", "mmap"]
    assert found.last.name == "madvise"
    assert repr(found).endswith(f"last changed by\n  {m.journal[4]}")


def test_a_byte_that_was_there_by_chance_before_is_not_the_answer() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"text")
    t.munmap(a, PAGE)
    t.mmap(PAGE, "r", "private fixed", m.file("f", b"text"), at=a)
    assert [then.name for then in m.why(t, a).operations] == ["task", "make_file", "mmap"]


def test_addresses_move_with_their_ranges() -> None:
    """Left out, the first mapping makes room for the second one."""
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    first = t.mmap(4 * PAGE)
    t.write(first, b"noise")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    found = m.why(t, a)
    assert [then.number for then in found.operations] == [1, 4, 5]


def test_a_fault_a_right_an_entry_and_a_frame() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    t.write(t.mmap(PAGE), b"noise")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    t.mprotect(a, PAGE, "r")
    names = {"task", "mmap", "write", "mprotect"}
    fault = m.why(t.walk(a, "write"))
    assert ({then.name for then in fault.operations}, len(fault.operations)) == (names, 4)
    assert "faults (protection)" in fault.what
    assert {then.name for then in m.why(t.tables, a).operations} == names
    assert [then.name for then in m.why(t.map, a).operations] == ["task", "mmap", "mprotect"]
    assert {then.name for then in m.why(m.frames, t.walk(a).pa >> 12).operations} == names
    assert m.why(m.kernel_map, m.kernel_map.start).operations == ()


def test_the_story_of_each_operation_is_folded_below() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    found = m.why(t, a)
    assert len(repr(found).splitlines()) == 4
    assert [name in found.explain() for name in ("vm_map_enter", "vm_map_fault")] == [True, True]


def test_of_many_operations_five_are_written() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    for _ in range(4):
        t = t.fork()
    lines = repr(m.why(t, a)).splitlines()
    assert lines[1] == "  ... 2 earlier"
    assert len(lines) == 7


def test_of_a_long_life_few_operations_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(64 * PAGE)
    for number in range(400):
        t.write(a + number % 60 * PAGE, number.to_bytes(2, "little"))
    child = t.fork()
    tried: list[str] = []

    class Counting(Replay):
        def otherwise(self, then: Operation, **other: Any) -> bool:
            tried.append(then.name)
            return super().otherwise(then, **other)

    monkeypatch.setattr("vmwidgets.engine.machine.hindsight.why.Replay", Counting)
    page = a + 7 * PAGE
    assert [then.name for then in m.why(child, page).operations] == ["task", "mmap", "write", "fork"]
    assert sorted(then.name for then in m.why(t.tables, page + 9).operations) == ["fork", "mmap", "task", "write"]
    assert len(tried) < 300


def test_what_a_thread_stored_is_known_as_far_as_its_operation() -> None:
    m: Any = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)

    def body() -> Any:
        yield from t.write(a, b"x")

    m.spawn(body, name="writer")
    m.run()
    found = m.why(t, a)
    assert found.operations == (m.journal[-1],)
    assert "'writer'" in found.reason


def test_bad_questions_are_refused() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t, o = m.task("t"), m.object("o")
    t.mmap(PAGE, "rw", "shared", o)
    before = len(m.journal)
    for given, says in (
        (("t", 0), "write a task"),
        ((t,), "write an address"),
        ((t, 0x5000_0000), "nothing was ever mapped"),
        ((m.frames, 3), "no page tables lead to this frame"),
        ((vm.boot("x86-64").task("t"), 0), "another machine"),
    ):
        with pytest.raises(vm.Refused) as refused:
            m.why(*given)
        assert says in str(refused.value)
    t.write(t.mmap(PAGE, "rw", "shared", o), b"x")
    with pytest.raises(vm.Refused, match="ask why of a byte"):
        m.why(o, 0)
    assert len(m.journal) == before + 2


def test_the_last_change_is_explained_though_nothing_needs_it_and_no_line_is_long() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE, "rw", "private", m.file("f", bytes(3000)))
    t.write(a, b"x")
    t.madvise(a, PAGE, "dontneed")
    found = m.why(t, a)
    assert found.last.name == "madvise"
    assert found.last not in found.operations
    assert found.explain().count("madvise") >= 2
    assert max(map(len, repr(found).splitlines())) <= 202
    assert any(
        row[1].startswith("last changed by") and "madvise" in row[1] for row in vm.Reasons(found).scene().table.rows
    )


def written_often(writes: int, way: str) -> tuple[Any, Any, int]:
    """A byte that is written many times: by itself, across two pages, in shared memory, or at a second address."""
    m = vm.boot("x86-64")
    t = m.task("t")
    if way == "alias":
        o = m.object("film")
        a, other = (t.map.enter(PAGE, object=o) for _ in range(2))
    else:
        a = other = t.mmap(2 * PAGE, "rw", "shared" if way == "shared" else "private")
    start, length, at = (a + PAGE - 6, 12, a + PAGE + 2) if way == "across" else (other, 1, a)
    writers = [t, t.fork()] if way == "shared" else [t]
    for number in range(writes):
        writers[number % len(writers)].write(start, bytes([number % 250 + 1]) * length)
    return m, t, at


@pytest.mark.parametrize("way", ["alone", "across", "shared", "alias"])
def test_a_byte_needs_the_mapping_and_not_the_writes_before_the_last(way: str) -> None:
    costs = []
    for writes in (60, 420):
        m, t, at = written_often(writes, way)
        m.why(t, at)  # the looks, whose cost is a replay of the operations
        found: list[Any] = []
        costs.append(calls_of(lambda found=found, m=m, t=t, at=at: found.append(m.why(t, at))))
        names = [then.name for then in found[0].operations]
        assert names.count("write") == 1
        assert found[0].operations[-1].number == len(m.journal) - 1
        makes = {"alias": {"task", "object", "enter"}, "shared": {"task", "mmap", "fork"}}  # the child wrote last
        assert set(names) - {"write"} == makes.get(way, {"task", "mmap"})
    assert costs[1] < 2 * costs[0]


def test_a_write_beside_the_byte_still_needs_the_byte() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"first")
    t.write(a + 8, b"beside")
    m.why(t, a)
    assert [then.name for then in m.why(t, a).operations] == ["task", "mmap", "write"]
    assert m.why(t, a).operations[-1].arguments[1][1] == b"first"
