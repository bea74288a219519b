"""Time in both directions: machines of the past, branches, undo and redo, over random lives."""

from __future__ import annotations

import gc
import random
import signal
import threading
import warnings
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, LIVES
from tests.engine.machine.structures import differences, shared
from vmwidgets.engine.base.packed import KEPT
from vmwidgets.engine.machine import history
from vmwidgets.engine.machine.history import EVERY, MOST_COPIED_BYTES
from vmwidgets.engine.machine.replay import Replay

PAGE = vm.PAGE


def same(one, other):
    """Fail with the first places where two machines differ."""
    assert [place for place, _ in zip(differences(one, other), range(3), strict=False)] == []


@pytest.fixture
def m():
    return vm.boot(layout="tiny")


# ---- random lives --------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("kind", LIVES)
class TestLives:
    def test_a_machine_of_the_past_is_one_that_did_only_so_much(self, kind, architecture):
        m = LIVES[kind](architecture, 3, 120)
        last = len(m.journal) - 1
        compared = 0
        for number in sorted({0, last, *random.Random(architecture).sample(range(last), 4)}):
            then = m.at(number)
            fresh = LIVES[kind](architecture, 3, number)
            if len(fresh.journal) - 1 == number:  # the life begins with operations of its own
                same(then, fresh)
                compared += 1
            assert len(then.journal) == number + 1
            assert shared(then, m) == []
        assert compared >= 4

    def test_a_branch_and_its_origin_go_on_without_each_other(self, kind, architecture):
        m = LIVES[kind](architecture, 4, 80)
        number = len(m.journal) // 2
        before = m.at(len(m.journal) - 1)
        branch = m.branch(number)
        then = m.at(number)
        assert shared(branch, m) == []
        with suppress(vm.VMError):
            branch.kernel_map.enter("12 KiB")
            branch.take_pages(3)
        branch.check()
        same(m, before)
        if not m.dead:
            m.task("another")
            same(m.at(number), then)
            assert "another" not in branch.tasks

    def test_all_undone_and_all_redone_is_the_same_machine_with_the_same_handles(self, kind, architecture):
        m = LIVES[kind](architecture, 5, 90)
        before, number = m.branch(), len(m.journal)
        handles = {name: (task, task.map) for name, task in m.tasks.items()}
        events = [one.events for one in m.journal[-3:]]
        m.undo(number - 1)
        same(m, m.at(0))
        assert len(m.journal) == 1 and not m.tasks
        m.redo(number - 1)
        same(m, before)
        assert {name: (task, task.map) for name, task in m.tasks.items()} == handles
        assert [one.events for one in m.journal[-3:]] == events
        assert m.journal.undone is None and not m.journal.branches

    def test_undone_one_by_one(self, kind, architecture):
        m = LIVES[kind](architecture, 6, 40)
        for _ in range(5):
            number = len(m.journal) - 2
            then = m.at(number)
            m.undo()
            same(m, then)
            assert len(m.journal) == number + 1
            m.check()


# ---- undo ----------------------------------------------------------------------------------------


class TestUndo:
    def test_a_handle_refuses_where_it_names_nothing_and_works_again_after_redo(self, m):
        task = m.task("init")
        address = task.map.enter("8 KiB", object=m.object("file"))
        task.write(address, b"hello")
        m.undo(4)
        for use in (lambda: task.map.enter("4 KiB"), lambda: task.read(address)):
            with pytest.raises(vm.Refused, match="does not exist at this moment of the machine"):
                use()
        assert "does not exist at this moment" in repr(task)
        assert len(m.journal) == 1
        m.redo(4)
        assert task.read(address, 5) == b"hello"
        assert m.tasks["init"] is task

    def test_the_latest_operations_events_are_there(self, m):
        m.kernel_map.enter("8 KiB")
        events = m.journal.last.events
        m.kernel_map.enter("4 KiB")
        m.undo()
        assert m.journal.last.events == events != ()

    def test_what_is_done_instead_makes_a_branch_of_what_was_undone(self, m):
        m.kernel_map.enter("8 KiB")
        m.kernel_map.enter("4 KiB", prot="r")
        m.undo()
        other = m.kernel_map.enter("16 KiB", prot="rwx")
        with pytest.raises(vm.Refused, match="nothing was undone, or another operation followed"):
            m.redo()
        (branch,) = m.journal.branches
        assert [one.arguments for one in branch.operations] == [(("size", "4 KiB"), ("prot", "r"))]
        assert [one.serial for one in m.journal] == [0, 1, 3], "serials are never used again"
        assert m.journal.last.result == other

    @pytest.mark.parametrize("count", [-1, 3, "x", 1.5, None])
    def test_counts_that_make_no_sense(self, m, count):
        m.kernel_map.enter("8 KiB")
        m.task("init")
        before = m.branch()
        with pytest.raises(vm.Refused):
            m.undo(count)
        same(m, before)
        assert len(m.journal) == 3

    def test_a_dead_machine_lives_again(self):
        m: Any = vm.boot(layout="tiny")
        while m.kmem_malloc(PAGE, vm.M_NOWAIT):
            pass
        m.spawn(m.kmem_alloc, PAGE, name="t")
        number = len(m.journal)
        with pytest.raises(vm.KernelPanic):
            m.kmem_malloc(PAGE)
        assert m.dead
        dead = m.at(number)
        assert dead.dead
        branch = m.branch(number - 1)
        branch.check()
        m.undo()
        assert not m.dead
        same(m, branch)
        m.redo()
        assert m.dead

    def test_a_descriptor_edited_by_hand_is_undone_and_redone(self, m):
        step = m.walk(int(m.kernel_map.start)).steps[-1]
        before = m.branch()
        m.set_descriptor(step.pa, step.value ^ 1)
        edited = m.branch()
        m.undo()
        same(m, before)
        m.redo()
        same(m, edited)
        assert m.descriptor_edits

    def test_pictures_hear_of_an_undo_once(self, m):
        heard = []
        m.on_operation(lambda machine: heard.append(len(machine.journal)))
        for _ in range(4):
            m.kernel_map.enter("4 KiB")
        m.undo(3)
        m.redo(2)
        assert heard == [2, 3, 4, 5, 2, 4]

    def test_one_that_is_answered_otherwise_leaves_all_as_it_was(self, m):
        m.kernel_map.enter("4 KiB")
        m.task("init")
        m.kernel_map.enter("8 KiB")
        record = m.journal[1]
        m.journal._rows[1] = (*m.journal._rows[1][:6], 4096, *m.journal._rows[1][7:])
        before = list(m.journal)
        structures = m.system.structures()
        with pytest.raises(vm.VMError, match=r"operation 1, kernel_map.enter, has another result .*, not 4096"):
            m.undo()
        assert list(m.journal) == before
        assert m.system.structures() == structures
        m.journal._rows[1] = (*m.journal._rows[1][:6], record.result, *m.journal._rows[1][7:])
        m.undo()
        m.check()

    def test_the_stop_button_in_an_undo_leaves_all_as_it_was(self, m, monkeypatch):
        for _ in range(EVERY // 4):
            m.kernel_map.remove(m.kernel_map.enter("4 KiB"), size="4 KiB")
        structures, number = m.system.structures(), len(m.journal)
        repeated = Replay.once
        calls = []

        def press(replay, operation):
            calls.append(operation)
            repeated(replay, operation)
            if len(calls) == 20:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Replay, "once", press)
            with pytest.raises(KeyboardInterrupt):
                m.undo()
        assert m.system.structures() == structures and len(m.journal) == number
        m.check()
        m.undo()
        assert len(m.journal) == number - 1

    def test_long_after_its_events_were_dropped(self, m):
        for _ in range(KEPT + 200):
            address = m.kernel_map.enter("4 KiB")
            m.kernel_map.remove(address, size="4 KiB")
        number = len(m.journal)
        then = m.at(5)
        m.undo(number - 6)
        same(m, then)
        m.redo(number - 6)
        assert len(m.journal) == number
        m.check()


# ---- at and branch -------------------------------------------------------------------------------


class TestAt:
    def test_a_machine_of_the_past_is_to_look_at(self, m):
        m.task("init")
        m.kernel_map.enter("8 KiB")
        then = m.at(1)
        for change in (
            lambda: then.kernel_map.enter("4 KiB"), lambda: then.task("x"), then.undo, then.redo, then.run, then.reap,
            lambda: then.spawn(lambda: None), lambda: setattr(then, "controls", then.controls),
        ):  # fmt: skip  # one list
            with pytest.raises(vm.Refused, match=r"m\.branch\(1\)"):
                change()
        assert len(then.journal) == 2
        then.check()
        assert then.walk(int(then.kernel_map.start)).ok
        assert then.branch().kernel_map.enter("4 KiB")

    @pytest.mark.parametrize("number", [3, -4, 10**20, "x", None, 1.0, True])
    def test_numbers_that_name_no_operation(self, m, number):
        m.task("init")
        m.task("b")
        for ask in (m.at, m.branch) if number is not None else (m.at,):
            with pytest.raises(vm.Refused):
                ask(number)

    def test_marks_name_moments_and_are_never_undone(self, m):
        m.mark("empty")
        m.task("init")
        m.mark("before the bug")
        m.task("b")
        assert [len(m.at(one).tasks) for one in ("empty", "before the bug")] == [0, 1]
        m.undo(2)
        with pytest.raises(vm.Refused, match=r"was undone; m\.redo"):
            m.at("before the bug")
        assert len(m.journal) == 1, "a mark is not an operation"
        m.redo(2)
        assert len(m.branch("before the bug").tasks) == 1
        with pytest.raises(vm.Refused):
            m.mark("")

    def test_settings_processors_and_quirks_are_those_of_the_machine(self):
        m = vm.boot("x86-64", cpus=2, asids=True, quirks={"clip-end-first"}, seed=7, ram="32 MiB")
        m.set_controls(replace(m.controls, wp=False))
        branch = m.branch()
        same(branch, m)
        assert (branch.quirks, len(branch.cpus), branch.seed) == (m.quirks, 2, 7)

    def test_an_interrupted_operation_stops_there_again(self, m):
        task = m.task("t")
        for number in range(60):
            task.map.enter("4 KiB", at=number * 2 * PAGE, prot="r" if number % 2 else "rw")
        m.door.stop_at = 31
        with pytest.raises(KeyboardInterrupt):
            task.map.remove(0, 1 << 20)
        assert 0 < len(task.map) < 60
        left = m.branch()
        assert len(left.tasks["t"].map) == len(task.map)
        m.undo()
        assert len(task.map) == 60
        m.redo()
        same(m, left)

    def test_inside_an_operation_it_is_refused(self, m):
        said = []

        def thread():
            for ask in (m.undo, m.redo, m.branch, lambda: m.at(0)):
                with pytest.raises(vm.Refused, match="can't run during an operation") as refused:
                    ask()
                said.append(refused)
            yield from m.tsleep("x", ticks=1)

        m.spawn(thread)
        m.run()
        assert len(said) == 4

    def test_copies_are_taken_as_the_machine_works_and_are_bounded(self, m):
        for _ in range(EVERY + 10):
            address = m.kernel_map.enter("4 KiB")
            m.kernel_map.remove(address, size="4 KiB")
        assert 0 < m.history.bytes_kept <= MOST_COPIED_BYTES
        assert m.history._nearest(len(m.journal) - 1).number >= EVERY

    def test_a_copy_is_none_of_another_line(self, m):
        for _ in range(EVERY):
            m.kernel_map.enter("4 KiB")
        m.undo(20)
        for _ in range(25):
            m.kernel_map.enter("8 KiB", prot="r")
        number = len(m.journal) - 1
        fresh = m.branch(number)
        same(fresh, m)


# ---- learners' code ------------------------------------------------------------------------------


class TestThreads:
    def test_after_an_undo_a_thread_goes_on_with_its_own_generator(self, m):
        got = []

        def shell():
            got.append((yield from m.kmem_alloc("8 KiB")))
            yield from m.tsleep("x", ticks=5)
            got.append((yield from m.kmem_alloc("4 KiB")))
            return len(got)

        m.spawn(shell)
        m.step()
        m.kmem_malloc(PAGE)
        m.undo()
        m.run()
        assert (len(got), m.threads["shell"].result) == (2, 2)

    def test_what_it_did_later_is_repeated_first(self, m):
        def shell():
            yield from m.tsleep("x", ticks=1)
            address = yield from m.kmem_alloc("4 KiB")
            yield from m.tsleep("y", ticks=1)
            yield from m.kmem_free(address, "4 KiB")
            return "done"

        m.spawn(shell)
        for _ in range(2):
            m.run(steps=2)
        m.undo(2)
        m.run()
        assert m.threads["shell"].result == "done"
        m.check()

    def test_a_thread_whose_function_has_run_further_says_so(self, m):
        """Its record ends where it was killed, and its generator is gone."""

        def shell():
            yield from m.tsleep("x", ticks=1)
            yield from m.tsleep("y", ticks=1)

        m.spawn(shell)
        m.step()
        m.kill("shell")
        m.undo()
        with pytest.raises(vm.CallbackFailed, match="what its function would do next is not known"):
            m.run()

    def test_in_a_branch_it_repeats_its_record_and_stops_where_that_ends(self, m):
        def shell():
            yield from m.kmem_alloc("4 KiB")
            yield from m.tsleep("x", ticks=1)
            yield from m.kmem_alloc("8 KiB")

        m.spawn(shell)
        m.step()
        branch = m.branch(1)
        with pytest.raises(vm.CallbackFailed, match="recorded up to here"):
            branch.run()
        branch.check()

    def test_another_answer_than_was_recorded_ends_it(self, m):
        """Memory was taken before the recorded thread runs."""

        def shell():
            if m.kmem_malloc(4 * PAGE, vm.M_NOWAIT):
                m.task("rich")
            yield from m.tsleep("x", ticks=1)
            m.task("poor")

        def asks():
            address = yield from m.kmem_malloc(4 * PAGE, vm.M_NOWAIT)
            yield from m.tsleep("x", ticks=1)
            m.task("rich" if address else "poor")

        m.spawn(asks)
        m.run()
        assert "rich" in m.tasks
        branch = m.branch(1)
        while branch.kmem_malloc(PAGE, vm.M_NOWAIT):
            pass
        with pytest.raises(
            vm.CallbackFailed, match=r"kmem_malloc is answered differently here \(0x0 instead of 0x\w+\)"
        ):
            branch.run()
        assert not branch.tasks, "it changes nothing further"
        branch.check()

    def test_a_function_that_is_spawned_instead_is_not_the_recorded_one(self, m):
        def first():
            yield from m.tsleep("x", ticks=1)
            m.task("first")

        def second():
            yield from m.tsleep("y", ticks=1)
            m.task("second")

        m.spawn(first, name="t")
        m.run()
        m.undo(2)
        m.spawn(second, name="t")
        m.run()
        assert set(m.tasks) == {"second"}

    def test_a_deadlock_that_stays_can_be_gone_back_from(self, m):
        def locks(one, other):
            yield from one.lock()
            yield from m.tsleep("x", ticks=1)
            yield from other.lock()

        m.spawn(locks, m.kmem.exec_map, m.kmem.pipe_map, name="a")
        m.spawn(locks, m.kmem.pipe_map, m.kmem.exec_map, name="b")
        with suppress(vm.KernelError):
            m.run()
        assert m.threads.cycle
        for _ in range(5):
            m.kernel_map.enter("4 KiB")
        then = m.at(2)
        m.undo(5)
        assert m.threads.cycle
        m.undo()
        same(m, then)
        m.undo(2)
        assert len(m.threads) == 1

    def test_ending_what_an_undo_left_closes_no_generator(self, m):
        closed = []

        def shell():
            try:
                yield from m.tsleep("x", ticks=1)
                yield from m.tsleep("y", ticks=1)
            except GeneratorExit:
                closed.append(True)
                raise

        m.spawn(shell)
        m.step()
        m.undo()
        m.redo()
        assert not closed
        m.run()
        assert m.threads["shell"].state == "returned" and not closed


class TestHandlers:
    def machine(self, with_argument):
        m: Any = vm.boot(layout="tiny")
        spare = [m.kmem_malloc(4 * PAGE) for _ in range(16)]
        calls = []

        def give(machine=None):
            calls.append(machine)
            where = machine if machine is not None else m
            free = [one for one in where.kmem.allocations if one.start in spare and one.size == 4 * PAGE]
            if free:
                where.kmem_free(free[-1].start, 4 * PAGE)

        def give_alone():
            give()

        def give_with(machine):
            give(machine)

        m.on_lowmem(give_with if with_argument else give_alone)
        return m, calls

    def test_a_handler_is_repeated_and_then_called_again_in_a_branch(self):
        m, calls = self.machine(True)
        m.kmem_malloc(8 * PAGE)
        done = len(calls)
        assert calls == done * [m] != []
        branch = m.branch()
        assert len(calls) == done, "what it did is repeated from its record"
        branch.kmem_malloc(8 * PAGE)
        assert len(calls) > done and set(calls[done:]) == {branch}
        branch.check()

    def test_in_a_branch_it_must_not_change_the_origin(self):
        m, calls = self.machine(False)
        before, branch = m.branch(), m.branch()
        with pytest.raises(vm.CallbackFailed, match="write it with the machine as its argument"):
            branch.kmem_malloc(8 * PAGE)
        same(m, before)
        assert len(calls) == 1

    def test_after_an_undo_it_is_called_again(self):
        m, calls = self.machine(False)
        m.kmem_malloc(8 * PAGE)
        done = len(calls)
        m.undo()
        assert len(calls) == done
        m.kmem_malloc(8 * PAGE)
        assert len(calls) == 2 * done > 0
        m.check()


class TestEndsFromOutside:
    """What ended an operation was not part of the machine: a learner's function, or the stop button."""

    def check(self, m):
        """The machine can go back, and forth, and be saved and loaded."""
        m.task("after")
        before, number = m.branch(), len(m.journal)
        m.undo(number - 1)
        m.redo(number - 1)
        same(m, before)
        m.check()

    @pytest.mark.parametrize("kind", ["an error", "the stop button", "an operation", "undo", "after two steps"])
    def test_an_until_that_fails(self, m, kind):
        asked = []

        def until():
            asked.append(1)
            if kind == "the stop button":
                raise KeyboardInterrupt
            if kind == "an operation":
                m.task("no")
            if kind == "undo":
                m.undo()
            if kind == "an error" or len(asked) > 2:
                raise ValueError("no")

        def thread():
            for _ in range(5):
                yield from m.tsleep("x", ticks=1)

        m.spawn(thread)
        with pytest.raises((vm.VMError, KeyboardInterrupt)):
            m.run(until)
        self.check(m)

    def test_the_stop_button_in_a_thread_and_in_a_handler(self, m):
        def thread():
            yield from m.tsleep("x", ticks=1)
            raise KeyboardInterrupt

        m.spawn(thread)
        with pytest.raises(KeyboardInterrupt):
            m.run()
        self.check(m)

        @m.on_lowmem
        def give():
            raise KeyboardInterrupt

        with suppress(KeyboardInterrupt, vm.VMError):
            m.kmem_malloc(1 << 20)
        m.task("later")
        m.branch().check()

    def test_a_group_in_a_thread_is_refused(self, m):
        def thread():
            with m.group("g"):
                yield from m.tsleep("x")

        m.spawn(thread)
        with pytest.raises(vm.CallbackFailed, match="can't run during an operation"):
            m.run()
        assert not m.journal.open_groups
        m.undo()


def test_a_redo_of_more_than_there_is_changes_nothing(m):
    m.task("a")
    m.task("b")
    m.undo()
    with pytest.raises(vm.Refused, match="only 1 can be redone"):
        m.redo(5)
    assert list(m.tasks) == ["a"]
    assert m.journal.undone is not None


def test_a_thread_needs_a_function_also_where_one_of_its_name_was_undone(m):
    m.spawn(m.kmem_alloc, "4 KiB", name="q")
    m.undo()
    m.task("x")
    with pytest.raises(vm.Refused, match="takes a function"):
        m.spawn(name="q")
    with pytest.raises(vm.Refused, match="a name and a function"):
        m.register_handler("h")


def test_copies_are_taken_again_after_a_long_undo(m):
    def work(count):
        for _ in range(count):
            m.kernel_map.remove(m.kernel_map.enter("4 KiB"), size="4 KiB")

    work(EVERY)
    m.undo(2 * EVERY - 5)
    work(EVERY)
    assert max(copy.number for copy in m.history._copies if m.history._is_ours(copy)) >= EVERY


def test_a_machine_to_look_at_has_the_marks_of_now_and_takes_none(m):
    m.task("a")
    then = m.at(1)
    with pytest.raises(vm.Refused, match="read-only"):
        then.mark("mine")
    m.mark("ours")
    assert set(m.at(1).journal.marks) == {"ours"}
    with pytest.raises(vm.Refused, match="no mark with this name; marks: 'ours'"):
        m.branch("your")


def test_a_branch_does_not_keep_its_origin():
    m: Any = vm.boot(layout="tiny")
    m.on_lowmem(lambda machine: None)
    m.task("a")
    branch, origin = m.branch(), weakref.ref(m)
    del m
    gc.collect()
    assert origin() is None
    branch.check()


# ---- groups --------------------------------------------------------------------------------------


class TestGroups:
    def test_a_group_is_undone_and_redone_as_one(self, m):
        m.task("before")
        with m.group("set-up"):
            m.task("a")
            m.task("b")
        m.task("after")
        m.undo()
        m.undo()
        assert list(m.tasks) == ["before"]
        m.redo()
        assert list(m.tasks) == ["before", "a", "b"]
        m.redo()
        m.undo(2)
        assert list(m.tasks) == ["before"]

    def test_the_journal_shows_it_as_one_and_can_open_it(self, m):
        m.task("before")
        with m.group("set-up"):
            m.task("a")
            m.task("b")
        lines = repr(m.journal).splitlines()
        assert lines[1].startswith("1: machine.task(name='before')")
        assert lines[2:] == ["2 to 3: set-up, 2 operations as one"]
        assert [one.number for one in m.journal.units()[-1].operations] == [2, 3]
        m.undo()
        assert len(m.journal.units()) == 2

    def test_of_groups_in_one_another_the_outermost_gives_the_name(self, m):
        with m.group("outer"):
            with m.group("inner"):
                m.task("a")
            m.task("b")
        assert repr(m.journal).splitlines()[-1] == "1 to 2: outer, 2 operations as one"

    def test_one_that_begins_with_one_that_failed_is_undone_whole(self, m):
        with m.group("outer"):
            with suppress(vm.Refused), m.group("inner"):
                m.task("a")
                m.kernel_map.enter(0)
            m.task("b")
            m.task("c")
        m.undo()
        assert len(m.journal) == 1

    def test_one_that_fails_is_undone(self, m):
        m.task("before")
        before = m.branch()
        with pytest.raises(vm.Refused), m.group("set-up"):  # noqa: PT012  what comes before the failure is what counts
            m.task("a")
            m.kernel_map.enter(0)
        same(m, before)
        assert len(m.journal) == 2


@pytest.mark.usefixtures("without_collector")
def test_signals_do_not_come_between_an_undo_and_its_machine(m):
    """A timer's interrupts at any moment of undo and redo: the machine is whole, and nothing is lost."""
    for _ in range(40):
        m.kernel_map.enter("4 KiB", prot="rw" if len(m.journal) % 2 else "r")
    number, entries = len(m.journal), list(m.kernel_map.entries())
    assert threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for turn in range(30):
            with suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.0005 * (turn + 1))  # in here: a busy computer may be slow
                m.undo(3)
                m.redo(3)
                signal.setitimer(signal.ITIMER_REAL, 0)  # in here, so that none comes in between
            undone = m.journal.undone
            assert len(m.journal) + (len(undone.operations) if undone else 0) == number
            m.check()
            with warnings.catch_warnings(), suppress(vm.Refused):
                while m.journal.undone is not None:
                    m.redo()
        assert list(m.kernel_map.entries()) == entries
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_a_mark_that_is_none_and_a_dead_machine_say_what_can_be_done(m):
    m.mark("ours")
    for ask in (m.at, m.branch):
        with pytest.raises(vm.Refused, match="there is no mark with this name; marks: 'ours'"):
            ask("typo")
    while m.kmem_malloc(PAGE, vm.M_NOWAIT):
        pass
    with pytest.raises(vm.KernelPanic):
        m.kmem_malloc(PAGE)
    with pytest.raises(vm.Refused, match=r"m\.undo\(\) undoes the operation that killed it"):
        m.task("x")


def test_machines_of_the_past_that_nothing_refers_to_are_freed(monkeypatch):
    """They are full of cycles, and the collector does not count what comes from a copy: it is called."""
    machine = vm.boot()
    machine.task("init").map.fill(1_200)
    monkeypatch.setattr(history, "UNCOLLECTED", 0)
    gc.disable()
    try:
        seen = [weakref.ref(machine.at(number).system) for number in range(1_000, 1_012)]
        alive = sum(one() is not None for one in seen)
    finally:
        gc.enable()
    assert alive <= history.LOOKED_AT + 1
