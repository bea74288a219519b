from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from tests.engine.base.counters import Counter
from vmwidgets import events as ev
from vmwidgets.engine.base.journal import MAX_EVENTS, MOST_EVENTS, Journal
from vmwidgets.engine.base.operations import PartReference
from vmwidgets.engine.base.packed import KEPT
from vmwidgets.engine.base.units import Address, Size
from vmwidgets.engine.kernel.map.map_schema import MapResized

BOUND = 120
"""Bytes that the record of an operation may take once its events are gone."""


def record(number, *raw, target="counter"):
    return target, "add", ("amount",), (number,), "done", number, "", deque(raw, MAX_EVENTS)


def filled(count, remake=None):
    journal = Journal(remake)
    for number in range(count):
        journal.record(*record(number, ("MapResized", "counter", number, number + 1)))
    return journal


def kept(journal):
    return [bool(operation.events) for operation in journal]


@pytest.mark.parametrize("count", [KEPT, KEPT + 1, 2 * KEPT - 1, 2 * KEPT, 2 * KEPT + 5])
def test_the_latest_thousand_keep_their_events(count):
    journal = filled(count)
    assert kept(journal) == [False] * (count - KEPT) + [True] * KEPT
    assert [journal.keeps(number) for number in range(count)] == kept(journal)
    assert len(journal) == count
    assert [operation.arguments for operation in journal[:2]] == [(("amount", 0),), (("amount", 1),)]


def test_fewer_keep_them_where_they_are_many():
    journal = Journal()
    at_most = MOST_EVENTS // MAX_EVENTS
    for number in range(at_most + 7):
        journal.record(*record(number, *[("MapResized", "counter", 0, number)] * MAX_EVENTS))
    assert kept(journal) == [False] * 7 + [True] * at_most
    journal.cut(at_most)
    journal.record(*record(at_most, ("MapResized", "counter", 0, 1)))
    assert kept(journal) == [False] * 7 + [True] * (at_most - 6)
    assert [journal.keeps(number) for number in range(at_most + 1)] == kept(journal)


@pytest.mark.parametrize("left", [0, 1, KEPT - 1, KEPT, KEPT + 4, KEPT + 5, 2 * KEPT + 4])
def test_what_is_left_after_a_cut_keeps_what_it_had(left):
    journal = filled(2 * KEPT + 5)
    before, whole = journal[:left], journal.state()
    journal.cut(left)
    assert journal[:] == before
    assert [journal.keeps(number) for number in range(left)] == kept(journal)
    other = Journal()
    journal.restore(whole)
    if left:
        other.begin_as(journal, left)
        assert other[:] == before
    assert journal[:left] == before
    assert journal[:] == filled(2 * KEPT + 5)[:]


def test_operations_are_found_by_their_serials_also_where_some_were_undone():
    journal = filled(KEPT - 7)
    journal.cut(KEPT - 20)
    journal.next_serial = journal.most_serial
    for number in range(KEPT - 20, 4 * KEPT):
        journal.record(*record(number))
    serials = [operation.serial for operation in journal]
    assert serials == [*range(KEPT - 20), *range(KEPT - 7, 4 * KEPT + 13)]
    assert [journal.serial(number) for number in range(4 * KEPT)] == serials
    assert [journal.number_of(serial) for serial in serials[::97]] == [*range(0, 4 * KEPT, 97)]
    assert journal.number_of(KEPT - 15) is None
    journal.cut(KEPT + 3)
    journal.next_serial = journal.most_serial
    for number in range(KEPT + 3, 3 * KEPT):
        journal.record(*record(number))
    assert [journal.serial(number) for number in range(3 * KEPT)] == [operation.serial for operation in journal]


def test_older_events_are_made_again_and_only_those():
    asked: list[int] = []

    def remake(number: int) -> Any:
        asked.append(number)
        return ("again", number)

    journal = filled(KEPT + 5, remake)
    assert [journal.events(number) for number in (0, 4)] == [("again", 0), ("again", 4)]
    assert journal.events(5) == (MapResized("counter", 5, 6),)
    assert journal.events(-1) == (MapResized("counter", KEPT + 4, KEPT + 5),)
    assert asked == [0, 4]
    assert journal.events(-KEPT - 1) == ("again", 4)


def test_without_a_way_to_make_them_again_they_are_gone():
    assert filled(KEPT + 1).events(0) == ()


def test_records_of_long_runs_stay_small():
    counter = Counter()
    for amount in range(1, 2 * KEPT + 1):
        counter.add(amount)
    journal = counter.door.journal
    old = journal[:KEPT]
    assert all(not operation.raw for operation in old)
    assert 0 < journal.bytes_an_operation() <= BOUND
    assert Journal().bytes_an_operation() < BOUND


def emit_many(recorder):
    for number in range(MAX_EVENTS + 10):
        recorder.emit((ev.MapResized.tag, "x", 0, number))


def test_one_operation_keeps_its_last_events():
    counter = Counter()
    counter.between = lambda: emit_many(counter.recorder)
    counter.add(1)
    operation = counter.door.journal.last
    assert operation.truncated
    assert operation.events[0] == MapResized("x", 0, 10)
    assert operation.events[-1] == MapResized("x", 0, MAX_EVENTS + 9)
    counter.between = lambda: None
    counter.add(1)
    assert not counter.door.journal.last.truncated


def test_it_can_be_read_like_a_list_but_not_changed():
    journal = filled(12)
    assert (journal[3].number, journal[-1].number, journal.last.number) == (3, 11, 11)
    assert [operation.number for operation in journal[2:4]] == [2, 3]
    with pytest.raises(IndexError):
        journal[12]
    with pytest.raises(IndexError):
        _ = Journal().last
    with pytest.raises(AttributeError):
        journal[0].result = 5


def test_it_prints_the_latest():
    lines = repr(filled(12)).splitlines()
    assert lines[0] == "... 2 earlier"
    assert lines[1] == "2: counter.add(amount=2) -> 2"
    assert len(lines) == 11
    assert repr(filled(3)).splitlines() == [f"{n}: counter.add(amount={n}) -> {n}" for n in range(3)]


def test_old_records_come_back_as_they_were():
    """Addresses and sizes are packed as numbers: what comes back is of the same kind, among the same others."""
    given = [
        (Address(4096), Size(64), 7, True, "64 KiB", None),
        (),
        (("at", Address(1 << 63)), ("size", (Size(5), b"x"))),
        (PartReference("kernel_map"), Address(0)),
    ]
    results = [Address(8192), None, ("KernelError", "NOMEM", 1), Size(3), False]
    journal = Journal()
    for number in range(2 * KEPT):
        journal.record("m", "f", None, given[number % 4], "done", results[number % 5], "", ())
    packed, kept = journal[: KEPT // 2], journal[KEPT + KEPT // 5 : KEPT + KEPT // 5 + 20]
    for one in (*packed, *kept):
        wanted = given[one.number % 4], results[one.number % 5]
        assert repr((one.arguments, one.result)) == repr(wanted)
        assert [type(value) for value in one.arguments] == [type(value) for value in wanted[0]]
