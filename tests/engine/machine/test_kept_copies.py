"""When copies are kept: as often as they pay, near moments that were asked for, and not while threads are in calls."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.machine.history import EVERY, NEAR, SOON

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
