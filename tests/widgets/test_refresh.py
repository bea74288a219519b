from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from vmwidgets.engine.base.journal import Journal
from vmwidgets.engine.base.operations import Door
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.widgets.host.refresh import BREATH, PAUSE, Refresher


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Machine:
    name = "machine 1"

    def __init__(self) -> None:
        self.door = Door(Recorder(), Journal(lambda _number: ()))
        self.operations = 0

    def on_operation(self, callback: Any) -> None: ...


class Picture:
    """Remembers which state each of its frames shows; drawing takes `cost` seconds."""

    def __init__(self, clock: Clock | None = None, cost: float = 0.0) -> None:
        self.machine = Machine()
        self.frames: list[int] = []
        self._clock, self._cost = clock, cost

    def refresh(self) -> None:
        if self._clock:
            self._clock.now += self._cost
        self.frames.append(self.machine.operations)


def operate(refresher: Refresher, picture: Picture) -> None:
    picture.machine.operations += 1
    refresher.mark([picture])


def test_the_first_operation_is_sent_at_once() -> None:
    picture = Picture()
    operate(Refresher(Clock(), threads=False), picture)
    assert picture.frames == [1]


def test_what_a_page_asked_for_needs_no_pause_and_what_else_it_changed_does() -> None:
    clock, other = Clock(), Picture()
    picture, refresher = Picture(clock, cost=1.0), Refresher(clock, threads=False)
    operate(refresher, picture)
    clock.now += BREATH / 2
    with refresher.answering(picture):
        for one in (picture, other):
            operate(refresher, one)
        assert (picture.frames, other.frames) == ([1], [])
    assert (picture.frames, other.frames) == ([1, 2], [])
    clock.now += BREATH / 2
    refresher.mark([])
    assert (picture.frames, other.frames) == ([1, 2], [1])


def test_a_page_that_asks_in_vain_holds_nothing_up() -> None:
    picture, refresher = Picture(), Refresher(Clock(), threads=False)
    with pytest.raises(ValueError, match="in vain"), refresher.answering(picture):
        raise ValueError("in vain")
    assert picture.frames == []
    operate(refresher, picture)
    assert picture.frames == [1]


def test_a_burst_is_one_frame_and_the_cells_end_sends_the_newest() -> None:
    picture = Picture()
    refresher = Refresher(Clock(), threads=False)
    for _ in range(10_000):
        operate(refresher, picture)
    assert picture.frames == [1]
    refresher.flush()
    assert picture.frames == [1, 10_000]
    refresher.flush()
    assert picture.frames == [1, 10_000], "nothing changed since"


def test_after_the_pause_an_operation_sends_its_own_state() -> None:
    clock, picture = Clock(), Picture()
    refresher = Refresher(clock, threads=False)
    operate(refresher, picture)
    operate(refresher, picture)
    clock.now += PAUSE
    operate(refresher, picture)
    assert picture.frames == [1, 3]


def test_slow_drawing_leaves_most_of_the_time_to_the_cell() -> None:
    clock = Clock()
    picture = Picture(clock, cost=0.2)
    refresher = Refresher(clock, threads=False)
    begun = clock.now
    while clock.now < begun + 60:
        operate(refresher, picture)
        clock.now += 0.001
    drawing = 0.2 * len(picture.frames)
    assert drawing / 60 <= 1 / (1 + BREATH) + 0.01


def test_a_forgotten_picture_is_not_drawn() -> None:
    picture = Picture()
    refresher = Refresher(Clock(), threads=False)
    operate(refresher, picture)
    operate(refresher, picture)
    refresher.forget(picture)
    refresher.flush()
    assert picture.frames == [1]


def test_the_stop_button_loses_nothing() -> None:
    class Stopped(Picture):
        def refresh(self) -> None:
            if not self.frames:
                self.frames.append(-1)
                raise KeyboardInterrupt
            super().refresh()

    picture = Stopped()
    refresher = Refresher(Clock(), threads=False)
    with pytest.raises(KeyboardInterrupt):
        operate(refresher, picture)
    refresher.flush()
    assert picture.frames == [-1, 1]


def wait_until(condition: Any) -> bool:
    end = time.monotonic() + 60  # a busy computer; usually it is so at once
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def test_the_timer_covers_a_cell_that_sleeps() -> None:
    picture = Picture()
    refresher = Refresher()
    operate(refresher, picture)
    operate(refresher, picture)
    assert wait_until(lambda: picture.frames == [1, 2])


def test_the_timer_skips_a_machine_with_an_operation_under_way() -> None:
    clock, picture = Clock(), Picture()
    refresher = Refresher(clock)
    operate(refresher, picture)
    operate(refresher, picture)

    def half_done() -> list[int]:
        picture.machine.operations = -99
        clock.now += 1  # from now on the timer would send
        time.sleep(5 * PAUSE)
        seen = list(picture.frames)
        picture.machine.operations = 3
        return seen

    assert picture.machine.door.operate("machine", "slow", (), half_done) == [1]
    assert wait_until(lambda: picture.frames == [1, 3])


@pytest.mark.parametrize("asked", [True, False])
def test_what_another_thread_looks_at_is_sent_as_soon_as_it_has_looked(asked: bool) -> None:
    picture, refresher = Picture(), Refresher()
    looks, may_end = threading.Event(), threading.Event()

    def film() -> None:
        with picture.machine.door.looking():
            looks.set()
            may_end.wait()

    thread = threading.Thread(target=film, daemon=True)
    thread.start()
    assert looks.wait(60)
    if asked:
        with refresher.answering(picture):
            picture.machine.operations += 1
    else:
        operate(refresher, picture)
    assert picture.frames == []
    may_end.set()
    thread.join()
    assert wait_until(lambda: picture.frames == [1])


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Pyodide."""

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.mark.usefixtures("no_threads")
def test_without_threads_the_loop_sends_what_a_callback_left() -> None:
    async def two_operations() -> None:
        for _ in range(2):
            operate(refresher, picture)
        assert picture.frames == [1]
        clock.now += 1
        while picture.frames != [1, 2]:
            await asyncio.sleep(PAUSE / 4)
        clock.now += 1
        operate(refresher, picture)
        operate(refresher, picture)
        assert picture.frames == [1, 2, 3]
        clock.now += 1
        while picture.frames[-1] != 4:
            await asyncio.sleep(PAUSE / 4)

    clock, picture = Clock(), Picture()
    refresher = Refresher(clock)
    asyncio.run(asyncio.wait_for(two_operations(), 60))


@pytest.mark.usefixtures("no_threads")
def test_without_threads_the_end_of_the_cell_sends() -> None:
    picture = Picture()
    refresher = Refresher(Clock())
    for _ in range(3):
        operate(refresher, picture)
    refresher.flush()
    assert picture.frames == [1, 3]
