"""When copies are kept: as often as they pay, near moments that were asked for, and not while threads are in calls."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from zlib import decompress

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.history import EVERY, NEAR, SOON
from vmwidgets.engine.machine.system import constants

PAGE = vm.PAGE


def numbers(m):
    return [copy.number for copy in m.history._copies]


def go_on(m, until):
    while len(m.journal) <= until:
        m.kernel_map.remove(m.kernel_map.enter(PAGE), size=PAGE)


def naps(m):
    yield from m.tsleep("nap")


def test_a_copy_is_taken_soon_after_the_last_thread_has_ended():
    m = vm.boot(layout="tiny")
    m.spawn(naps, m, name="napper")
    m.run(steps=1)
    go_on(m, EVERY + 100)
    assert numbers(m) == []
    assert not m.system.between_calls
    m.wakeup("nap")
    m.run()
    assert m.system.between_calls
    ended = len(m.journal)
    go_on(m, ended + 2 * SOON)
    (number,) = numbers(m)
    assert ended <= number + 1 <= ended + SOON + 2


def test_moments_before_one_that_was_asked_for_have_a_copy_near_them():
    m = vm.boot(layout="tiny")
    go_on(m, 3 * EVERY)
    number = 2 * EVERY + 400
    m.at(number)
    near = [copy for copy in numbers(m) if number - NEAR <= copy < number]
    assert near
    kept = len(numbers(m))
    for other in range(number - 10, number):
        m.at(other)
    assert len(numbers(m)) == kept


def test_it_is_kept_where_no_thread_is_in_a_call():
    m = vm.boot(layout="tiny")
    go_on(m, EVERY + 300)
    m.spawn(naps, m, name="napper")
    m.run(steps=1)
    begun = len(m.journal)
    go_on(m, begun + 60)
    m.wakeup("nap")
    m.run()
    ended = len(m.journal)
    go_on(m, ended + 20)
    m.at(ended + 18)
    kept = [number for number in numbers(m) if number > EVERY + 2]
    assert kept
    assert not any(begun <= number + 1 < ended for number in kept)


def fails(m):
    yield from m.tsleep("nap", ticks=1)
    raise ValueError("at the end")


def returns(m):
    yield from m.tsleep("nap", ticks=1)
    return "rested"


@pytest.mark.parametrize("body", [returns, fails])
def test_a_thread_that_ended_before_a_copy_can_be_killed_after_it(body):
    """A copy has nothing of its call: giving it up takes the thread out, and is the same in each machine."""
    m: Any = vm.boot(layout="tiny")
    m.spawn(body, m, name="ended")
    with suppress(vm.CallbackFailed):
        m.run()
    go_on(m, EVERY + 10)
    m.undo()  # from here on the structures are those of a copy
    assert numbers(m)
    before = m.threads["ended"].value
    assert before.state == ("returned" if body is returns else "failed")
    m.kill("ended")
    assert "ended" not in m.threads._scheduler.threads
    for again in (m.branch(), m.at(-1)):
        assert list(again.threads.value().threads) == list(m.threads.value().threads)
        assert again.journal.last.agrees(m.journal.last)
    m.undo()
    assert m.threads["ended"].value == before
    m.redo()
    m.check()


def test_a_copy_takes_a_tenth_of_the_pages_in_it_and_has_every_byte():
    m = vm.boot()
    task = m.task("init")
    start = task.mmap(400 * PAGE)
    for number in range(400):
        task.write(start + number * PAGE + 9 * number, b"page %d" % number)
    task.munmap(start + PAGE, 300 * PAGE)  # what is in their frames stays there, and a stale translation can read it
    there = m.ram.read(0, m.ram.size)
    assert there.count(b"page ") == 400
    assert len(m.system.copy()) < 400 * PAGE / 10
    assert m.branch().ram.read(0, m.ram.size) == there


def test_a_channel_that_nobody_sleeps_on_any_more_is_in_no_copy():
    m: Any = vm.boot()

    def once(channel):
        yield from m.tsleep(channel, ticks=1)

    m.spawn(once, "the first of all", name="first")
    m.run()
    assert m.threads["first"].done
    assert b"the first of all" not in decompress(m.system.copy())


def test_what_walks_have_read_is_no_constant_of_a_format():
    m = vm.boot()
    before = len(constants.__wrapped__())
    task = m.task("init")
    start = task.mmap(50 * PAGE)
    for address in range(start, start + 50 * PAGE, PAGE):
        task.write(address, b"x")
    assert len(constants.__wrapped__()) == before
