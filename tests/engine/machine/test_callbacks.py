"""Learners' threads and handlers that do nonsense, what becomes of them, and doing it all again."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.test_threads import shell
from vmwidgets.engine.kernel.threads.scheduler import Stuck


@pytest.fixture
def m():
    return vm.boot("x86-64")


def yields_nonsense(m):
    yield 5


def raises(m):
    raise KeyError("k")
    yield


def exits(m):
    raise SystemExit
    yield


def forgets_to_wait(m):
    m.kmem_alloc(4096)
    yield from m.tsleep("x", ticks=1)


def forgets_at_the_end(m):
    yield from m.tsleep("x", ticks=1)
    m.kmem_alloc(4096)


def spins(m):
    exec("while True: pass")  # on one line, where a trace of lines would see nothing
    yield


def calls_on_and_on(m):
    while True:
        m.wakeup("nobody")
    yield


def runs_others(m):
    m.run()
    yield


BAD = {
    yields_nonsense: "yielded 5: a thread yields calls",
    raises: "failed: KeyError: 'k'",
    exits: "failed: SystemExit",
    forgets_to_wait: "called kmem_alloc without waiting for it",
    forgets_at_the_end: "called kmem_alloc without waiting for it",
    spins: "turns of loops and calls of functions without waiting",
    calls_on_and_on: "50,000 operations without waiting for anything",
    runs_others: "lets threads run",
}


class TestBadThreads:
    @pytest.mark.parametrize("body", BAD, ids=lambda body: body.__name__)
    def test_one_sentence_and_the_machine_is_whole(self, m, body):
        m.spawn(m.kmem_alloc, "4 KiB", name="other")
        m.spawn(body, m, name="bad")
        with pytest.raises(vm.CallbackFailed, match=BAD[body]) as failed:
            m.run()
        assert "'bad'" in str(failed.value)
        assert m.threads["bad"].state == "failed"
        assert (m.threads["other"].state, m.dead) == ("returned", False)
        m.check()
        assert m.run() == 0, "the failure is told once"

    def test_one_that_never_ends_is_stopped_after_a_count_and_can_be_killed(self, m, monkeypatch):
        monkeypatch.setattr("vmwidgets.engine.machine.handles.threads.STEPS", 100)

        def forever():
            while True:
                yield from m.tsleep("x", ticks=1)

        m.spawn(forever)
        with pytest.raises(Stuck, match="after 100 steps there is still something to do"):
            m.run()
        m.kill("forever")
        assert m.run() == 0
        m.check()

    def test_killing_undoes_what_a_call_had_begun(self, m):
        m.pagedaemon.stop()
        m.take_pages(m.kmem.pages.free - m.kmem.pages.free_reserved - 2)
        free, size = m.kmem.pages.available, m.kmem.kernel_map.size
        m.spawn(m.kmem_alloc, "64 KiB", name="greedy")
        m.run()
        assert m.kmem.pages.available < free
        m.kill("greedy")
        assert (m.kmem.pages.available, m.kmem.kernel_map.size) == (free, size)
        m.check()


class TestHandlers:
    @pytest.fixture
    def short(self):
        """A machine whose kmem_map is used up, page by page."""
        m: Any = vm.boot(layout="tiny")
        while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
            pass
        return m

    def test_one_that_frees_makes_the_first_try_succeed(self, short):
        @short.on_lowmem
        def give():
            short.kmem_free(short.kmem.kmem_map.start + 5 * vm.PAGE, vm.PAGE)

        assert short.kmem_malloc(vm.PAGE) == short.kmem.kmem_map.start + 5 * vm.PAGE
        assert short.threads.ticks == 0

    def test_without_any_it_is_eight_tries_and_a_panic(self, short):
        tried = []
        short.on_lowmem(lambda: tried.append(short.threads.ticks))
        with pytest.raises(vm.KernelPanic, match=r"kmem_malloc\(4096\): kmem_map too small: 262144 total allocated"):
            short.kmem_malloc(vm.PAGE)
        quarter = 1000 // 4
        assert tried == [quarter * attempt * (attempt - 1) // 2 for attempt in range(1, 9)]
        assert short.threads.ticks == 36 * quarter

    def test_one_of_the_same_name_takes_the_others_place(self, short):
        called = []

        def handler():
            called.append("first")

        def again(m):
            called.append("second")
            m.kmem_free(m.kmem.kmem_map.start, vm.PAGE)

        again.__name__ = handler.__name__  # as when a cell is run again
        short.on_lowmem(handler)
        short.on_lowmem(again)
        short.kmem_malloc(vm.PAGE)
        assert called == ["second"]

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (lambda m: m.tsleep("x"), "may not sleep"),
            (lambda m: 1 / 0, "ZeroDivisionError"),
            (lambda m: m.kmem_free(1, 1), "not a range in any map"),
            (lambda m: (yield), "a generator"),
            (lambda m: m.run(), "lets threads run"),
        ],
    )
    def test_a_bad_one_is_one_error_nothing_is_lost_and_the_machine_is_whole(self, short, body, says):
        short.on_lowmem(body)
        before = short.kmem.kmem_map.entries()
        with pytest.raises(vm.CallbackFailed, match=says):
            short.kmem_malloc(vm.PAGE)
        assert short.kmem.kmem_map.entries() == before
        assert not short.dead
        short.check()

    def test_in_the_page_daemon_a_bad_one_is_a_warning_and_the_daemon_lives_on(self, m):
        m.read_file("film", "4 MiB")
        m.take_pages(100_000)

        @m.on_lowmem
        def bad():
            raise ValueError("oops")

        with pytest.warns(RuntimeWarning, match="ValueError: oops"):
            assert m.kmem_alloc("16 KiB")
        assert m.threads["pagedaemon"].state == "asleep"

    @pytest.mark.parametrize(
        ("name", "function", "why"),
        [
            (3.5, print, "a handler's name 3.5 is a float"),
            (None, print, "is no value"),
            ("", print, "0 characters: write 1 to 200"),
            ("x" * 1000, print, "1000 characters: write 1 to 200"),
            ("\ud800", print, "a lone surrogate"),
            ("fine", 5, "5 can't be called"),
            ("fine", lambda a, b: None, "has 2 parameters"),
        ],
    )
    def test_a_handler_that_is_registered_by_name_has_a_name_and_is_a_function(self, m, name, function, why):
        done = len(m.journal)
        with pytest.raises(vm.Refused, match=why):
            m.register_handler(name, function)
        assert len(m.journal) == done
        with pytest.raises(vm.Refused, match="is a Machine"):
            m.register_handler(m, print)


class TestAgain:
    def test_a_machine_made_again_does_what_threads_and_handlers_did(self):
        m: Any = vm.boot(layout="tiny")
        taken = [m.kmem_malloc(4 * vm.PAGE) for _ in range(16)]

        @m.on_lowmem
        def give():
            m.kmem_free(taken.pop(), 4 * vm.PAGE)

        def thread(size):
            a = yield from m.kmem_malloc(size)
            yield from m.write(a, b"data")
            m.tick(3)
            with suppress(vm.KernelError):
                yield from m.read(m.kmem.exec_map.start)
            yield from m.kmem_free(a, size)
            yield from m.tsleep("end", ticks=20)
            raise ValueError("at the end")

        for size in 8 * vm.KIB, 12 * vm.KIB:
            m.spawn(thread, size)
        m.step()
        m.run(until=lambda: m.threads.ticks > 10)
        with pytest.raises(vm.CallbackFailed):
            m.run()
        twin = m.branch(len(m.journal) - 1)
        for ours, theirs in zip(m.journal, twin.journal, strict=True):
            assert (ours.outcome, list(ours.raw)) == (theirs.outcome, list(theirs.raw)), ours
        assert twin.threads.value() == m.threads.value()
        assert twin.system.callbacks.scripts == m.system.callbacks.scripts

    def test_beyond_what_was_recorded_a_thread_of_such_a_machine_says_so(self, m):
        def thread():
            yield from m.tsleep("a", ticks=1)
            yield from m.tsleep("b", ticks=1)

        m.spawn(thread)
        m.step()
        twin = m.branch(len(m.journal) - 1)
        with pytest.raises(vm.CallbackFailed, match="recorded up to here"):
            twin.run()

    def test_a_thread_that_was_stopped_half_way_leaves_no_warning(self, m):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            m.spawn(shell, m)
            m.step()
            m.kill("shell") if m.threads["shell"].state == "asleep" else None

    def test_a_panic_in_a_run_is_a_panic_again(self):
        m = vm.boot(layout="tiny")
        while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
            pass
        m.spawn(m.kmem_malloc, vm.PAGE, name="t")
        with pytest.raises(vm.KernelPanic):
            m.run()
        twin = m.branch(len(m.journal) - 1)
        assert (twin.dead, twin.threads.value()) == (True, m.threads.value())

    def test_results_names_that_come_again_and_what_was_done_at_the_end_are_the_same(self):
        m: Any = vm.boot(layout="tiny")

        def first(m):
            try:
                yield from m.tsleep("x")
            finally:
                m.take_pages(3)

        m.spawn(first, m, name="t")
        m.run()
        m.kill("t")
        m.spawn(m.kmem_alloc, "8 KiB", name="t")
        m.run()
        m.kill("t")
        m.spawn(m.kmem_alloc, "16 KiB", name="t")
        m.run()
        pages = [m.kmem_malloc(vm.PAGE) for _ in range(64)]

        def give():
            m.kmem_free(pages.pop(), vm.PAGE)

        for _ in range(2):  # as when a cell is run again
            m.on_lowmem(give)
            m.kmem_malloc(vm.PAGE)
        twin = m.branch(len(m.journal) - 1)
        assert twin.threads.value() == m.threads.value()
        assert twin.threads["t"].result == m.threads["t"].result != 0
        assert [list(one.raw) for one in twin.journal] == [list(one.raw) for one in m.journal]
        assert len(m.system.kernel.kmem.others) == 3


class TestMoreNonsense:
    def test_a_call_is_waited_for_once(self, m):
        def twice():
            call = m.kmem_alloc("4 KiB")
            yield call
            yield call

        m.spawn(twice)
        with pytest.raises(vm.CallbackFailed, match="yielded kmem_alloc twice"):
            m.run()

    def test_async_functions_are_told_what_to_write(self, m):
        async def coroutine():
            pass

        m.spawn(coroutine)
        with pytest.raises(vm.CallbackFailed, match="yield from"):
            m.run()

    def test_an_error_without_words_is_named(self, m):
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError

        def mute():
            raise Mute
            yield

        m.spawn(mute)
        with pytest.raises(vm.CallbackFailed, match="thread 'mute' failed: Mute"):
            m.run()

    def test_a_handler_that_has_itself_called_is_told(self):
        m = vm.boot(layout="tiny")
        while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
            pass

        def handler():
            m.kmem_malloc(vm.PAGE)

        m.on_lowmem(handler)
        with pytest.raises(vm.CallbackFailed, match="use M_NOWAIT"):
            m.kmem_malloc(vm.PAGE)

        def exhausted():
            m.kmem_free(next(iter([])), vm.PAGE)

        exhausted.__name__ = "handler"
        m.on_lowmem(exhausted)
        with pytest.raises(vm.CallbackFailed, match="StopIteration"):
            m.kmem_malloc(vm.PAGE)
        m.check()

    def test_a_function_to_wait_for_only_looks(self, m):
        for number, (until, says) in enumerate(
            [
                (lambda: m.threads.ticks > 0 and 1 / 0, "ZeroDivisionError"),
                (lambda: m.kmem_malloc(4096), "may only look"),
            ]
        ):
            m.spawn(lambda: m.tsleep("x", ticks=5), name=f"t{number}")
            with pytest.raises(vm.CallbackFailed, match=says):
                m.run(until=until)
            assert not m.dead
        m.check()
