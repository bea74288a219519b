"""Policies by themselves: random lives of a ring against plain models."""

from __future__ import annotations

import inspect
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.machine.handles.replacement import MachineReplacement
from vmwidgets.engine.machine.kept.copies import freeze, thaw
from vmwidgets.engine.memory.page import Page
from vmwidgets.engine.memory.replacement import (
    POLICIES,
    SIMPLE,
    Clock,
    Fifo,
    Future,
    Lru,
    Optimal,
    Own,
    SecondChance,
    WorkingSet,
)
from vmwidgets.pictures.load_curve import load_curve
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.thrashing import CURVE_POLICIES

FRAMES = range(6)

moves = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "use", "wire", "unwire", "evict"]), st.sampled_from(FRAMES)),
    max_size=80,
)


class Numbered(dict[int, Page[str]]):
    """Pages by the numbers of their frames, made when one is asked for first."""

    def __missing__(self, frame):
        self[frame] = Page(frame, "memory", frame)
        return self[frame]


class Bits:
    """Reference bits, and the frames that are wired, as a policy asks for them."""

    def __init__(self):
        self.used, self.wired = set(), set()

    def may_go(self, page):
        return page.frame not in self.wired

    def referenced(self, page):
        return page.frame in self.used

    def clear_referenced(self, page):
        self.used.discard(page.frame)

    def dirty(self, page):
        return False

    def first_mapped_at(self, frame):
        return "", 0


def frames(pages):
    """The numbers of the frames in which pages are."""
    return [page.frame for page in pages]


@given(moves, st.booleans())
@pytest.mark.parametrize("kind", [Fifo, Lru])
def test_a_page_that_could_not_go_keeps_its_place(kind, moves, fails):
    """A list in the order of arrival or of use is all of it, whatever was wired meanwhile.

    Where the first can't leave after all, the others are tried in the same order.
    """
    policy, pages, line, at = kind(), Bits(), [], Numbered()
    for move, frame in moves:
        if move == "enter" and frame not in line:
            policy.entered(at[frame])
            line.append(frame)
        elif move == "leave" and frame in line:
            policy.left(at[frame])
            line.remove(frame)
            pages.wired.discard(frame)
        elif move == "use" and frame in line:
            policy.touched(at[frame], frame)
            if kind is Lru:
                line.append(line.pop(line.index(frame)))
        elif move == "wire" and frame in line:
            pages.wired.add(frame)
        elif move == "unwire" and frame in pages.wired:
            pages.wired.discard(frame)
            policy.may_go_again(at[frame])
        elif move == "evict":
            order = [one for one in line if one not in pages.wired]
            if fails:
                assert frames(policy.candidates(pages)) == order
            else:
                victim = next(policy.candidates(pages), None)
                assert victim is (at[order[0]] if order else None)
                if victim is not None:
                    policy.left(victim)
                    line.remove(victim.frame)
        assert (frames(policy.order), len(policy)) == (line, len(line))


@given(moves, st.integers(1, 6))
def test_all_that_is_out_of_the_working_set_leaves_as_soon_as_it_may(moves, window):
    policy, pages, used, time, at = WorkingSet(window), Bits(), {}, 0, Numbered()
    for move, frame in moves:
        if move in ("enter", "use"):
            if frame not in used:
                policy.entered(at[frame])
            policy.touched(at[frame], frame)
            time += 1
            used[frame] = time
            old = [one for one, last in used.items() if last <= time - window and one not in pages.wired]
            found = policy.expired(pages)
            assert frames(found) == sorted(old, key=used.get)
            assert found == policy.expired(pages), "asking changes nothing"
            for one in found:
                policy.left(one)
                del used[one.frame]
        elif move == "wire" and frame in used:
            pages.wired.add(frame)
        elif move == "unwire" and frame in pages.wired:
            pages.wired.discard(frame)
            policy.may_go_again(at[frame])


# ---- the clock -------------------------------------------------------------------------------------


def around(clock):
    """The frames of a clock's ring in the order of their places, from place 0 on."""
    order = frames(clock.order)
    return order[len(order) - clock.hand :] + order[: len(order) - clock.hand]


def in_rounds(queue, pages, looks):
    """What a queue of second chance takes first: a page whose bit is set goes to the end without it (by definition).

    `looks` gets each page that is looked at, and what is found.
    """
    for _ in range(2 * len(queue)):
        frame = queue.pop(0)
        queue.append(frame)
        looks.append((frame, "kept" if frame in pages.wired else "used" if frame in pages.used else "unused"))
        if frame in pages.wired:
            continue
        if frame in pages.used:
            pages.used.remove(frame)
        else:
            return queue.pop()
    return None


KINDS = ["enter", "enter", "enter", "leave", "use", "evict", "evict", "wire", "unwire"]
turns = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(range(10))), min_size=20, max_size=80)


@given(turns)
def test_the_clock_is_the_queue_of_second_chance_whatever_comes_and_leaves(moves):
    clock, pages, theirs, queue, at = Clock(Recorder()), Bits(), Bits(), [], Numbered()
    heard = clock.recorder.emit = Heard()
    for move, frame in moves:
        ring = around(clock)
        if move == "enter" and frame not in queue:
            clock.entered(at[frame])
            queue.append(frame)
        elif move == "leave" and frame in queue:
            clock.left(at[frame])
            queue.remove(frame)
            for bits in (pages, theirs):
                bits.wired.discard(frame)
                bits.used.discard(frame)
        elif move in ("use", "wire", "unwire") and frame in queue:
            for bits in (pages, theirs):
                changed = bits.used if move == "use" else bits.wired
                (changed.discard if move == "unwire" else changed.add)(frame)
        elif move == "evict":
            looks = []
            heard.told.clear()
            victim = next(clock.candidates(pages), None)
            assert (None if victim is None else victim.frame) == in_rounds(queue, theirs, looks)
            assert [(one[2], one[5]) for one in heard.told if one[0] == "HandLooked"] == looks, "each look is reported"
            if victim is not None:
                clock.left(victim)
        assert pages.used == theirs.used
        assert (frames(clock.order), len(clock)) == (queue, len(queue))
        both = [one for one in ring if one in queue]
        assert both == [one for one in around(clock) if one in ring], "pages keep their places, and only the hand moves"


def test_a_new_page_takes_the_victims_place():
    clock, pages, at = Clock(), Bits(), Numbered()
    for frame in range(4):
        clock.entered(at[frame])
    for number in range(4, 12):
        victim = next(clock.candidates(pages))
        place = around(clock).index(victim.frame)
        clock.left(victim)
        clock.entered(at[number])
        assert around(clock).index(number) == place == number % 4


def test_the_hand_has_moved_on_when_its_page_leaves_or_is_chosen():
    """By hand: 0 is chosen, so the hand is at 1; that leaves, so it is at 2; the new page comes before it."""
    clock, pages, at = Clock(), Bits(), Numbered()
    for frame in range(4):
        clock.entered(at[frame])
    assert next(clock.candidates(pages)) is at[0]
    assert (frames(clock.order), clock.hand) == ([1, 2, 3, 0], 1)
    clock.left(at[1])
    assert (frames(clock.order), clock.hand) == ([2, 3, 0], 1)
    clock.entered(at[9])
    assert (frames(clock.order), clock.hand) == ([2, 3, 0, 9], 2)


def test_the_vacant_place_at_the_hand_is_the_new_pages_also_where_a_round_begins():
    clock, at = Clock(), Numbered()
    for frame in range(4):
        clock.entered(at[frame])
    clock.left(at[0])
    clock.entered(at[9])
    assert (around(clock), clock.hand) == ([9, 1, 2, 3], 1)


def test_the_line_of_a_queue_does_not_grow_with_references():
    ring, at = Lru(), Numbered()
    for frame in range(10):
        ring.entered(at[frame])
    for number in range(10_000):
        ring.touched(at[number % 7], number)
    assert len(ring._line) < 200
    assert frames(ring.candidates(Bits())) == [7, 8, 9, *(number % 7 for number in range(10_000 - 7, 10_000))]


class Counted(Bits):
    """Keeps which frames a policy asked about."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def may_go(self, page):
        self.asked.append(page.frame)
        return super().may_go(page)


@pytest.mark.parametrize("kind", [Fifo, Lru])
def test_a_page_that_could_not_go_is_checked_once_until_it_may_go(kind):
    ring, pages, at = kind(), Counted(), Numbered()
    for frame in range(100):
        ring.entered(at[frame])
    pages.wired.update(range(50))
    for frame in range(50, 60):
        victim = next(ring.candidates(pages))
        assert victim is at[frame]
        ring.left(victim)
    assert pages.asked == [*range(60)]
    pages.wired.discard(30)
    ring.may_go_again(at[30])
    assert next(ring.candidates(pages)) is at[30]
    assert pages.asked == [*range(60), 30]


# ---- pages and their rings -------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SIMPLE))
def test_a_page_that_left_a_ring_is_not_taken_for_one_of_it_by_its_place_in_another(name):
    """It was set aside there, may go again by now, and has the same place in another ring of the same kind."""
    ring, other, pages, at = SIMPLE[name](), SIMPLE[name](), Bits(), Numbered()
    for frame in (0, 1):
        ring.entered(at[frame])
    pages.wired.add(0)
    next(ring.candidates(pages), None)
    pages.wired.clear()
    ring.may_go_again(at[0])
    ring.left(at[0])
    other.entered(at[0])
    assert (frames(ring.queue), frames(other.queue)) == ([1], [0])
    assert frames(ring.candidates(pages))[:1] == [1]
    other.left(at[0])
    assert (at[0].known, len(other)) == (None, 0)


@pytest.mark.parametrize("kind", [Fifo, Clock])
def test_a_ring_of_very_many_pages_is_copied_without_recursion(kind):
    ring, at, many = kind(), Numbered(), 100_000
    for frame in range(many):
        ring.entered(at[frame])
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        copy, pages = thaw(freeze((ring, dict(at)), {}), {})
    finally:
        sys.setrecursionlimit(before)
    assert frames(copy.queue) == frames(ring.queue)
    assert all(pages[page.frame] is page for page in copy.queue)
    assert not any(one is other for one, other in zip(copy.queue, ring.queue, strict=True))


# ---- lists of policies in words --------------------------------------------------------------------


def words_between(text, begin, end):
    """What stands in a text from `begin` on up to `end`, on one line."""
    return " ".join(text[text.index(begin) :].partition(end)[0].split())


def test_each_list_of_policies_names_all_of_them():
    lists = {
        "m.replacement": MachineReplacement.__doc__,
        "vm.reference_string": words_between(reference_string.__doc__, "A policy is a name (", ")"),
    }
    for where, text in lists.items():
        assert set(re.findall("|".join(map(re.escape, POLICIES)), text)) == set(POLICIES), where


def test_the_list_of_a_load_curve_is_of_the_policies_that_need_no_clock():
    named = re.findall(r'"([a-z ]+)"', words_between(load_curve.__doc__, "by `policy` (", ")"))
    assert set(named) == set(CURVE_POLICIES)
    with pytest.raises(Refused, match=f"write one of {', '.join(CURVE_POLICIES)}$"):
        load_curve(policy="aging")


# ---- what a policy knows of its pages ----------------------------------------------------------------


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self):
        self.told = []

    def __call__(self, raw):
        self.told.append(raw)


def test_a_function_gets_numbers_and_points_in_time():
    asked, pages = [], Numbered()

    def choose(resident):
        asked.append(resident)
        return resident[0].frame

    ring = Own(choose)
    for frame, number in ((4, 70), (5, 80)):  # the reference that brings a page in comes after it
        ring.entered(pages[frame])
        ring.touched(pages[frame], number)
    ring.touched(pages[4], 71)
    ring.touched(pages[4], 71)
    ring.knows(pages[5], 81, "init")
    assert next(ring.candidates(Bits())) is pages[4]
    (described,) = asked
    assert [(one.frame, one.page, one.arrived, one.used) for one in described] == [(4, 71, 0, 3), (5, 81, 1, 1)]


def test_a_future_is_counted_reference_by_reference():
    future = Future((7, 8, 7))
    for task, page in (("init", 7), ("other", 8), ("init", 8), ("init", 7)):
        future.made(task, page)
    assert (future.owner, future.count) == ("init", 3), "the first one decides whose it is"
    future = Future((7, 8, 7))
    for page in (8, 9, 7):
        future.made("init", page)
    assert future.count == 2, "9 is none of the string's"


def test_what_is_used_last_goes_first_and_what_is_never_used_again_before_it():
    future = Future((3, 5, 9, 3))
    ring, pages = Optimal(future), Numbered()
    for frame, number in ((0, 3), (1, 5), (2, 9), (4, 77)):
        ring.entered(pages[frame])
        ring.touched(pages[frame], number, "init") if number == 3 else ring.knows(pages[frame], number, "init")
    assert [page.frame for page in ring.order] == [4, 0, 2, 1]
    assert [ring.note(page) for page in ring.order] == [None, 3, 2, 1]


def test_a_page_with_a_second_chance_is_told():
    heard, bits, pages = Heard(), Bits(), Numbered()
    ring = SecondChance(Recorder())
    ring.recorder.emit = heard
    for frame in (0, 1):
        ring.entered(pages[frame])
    bits.used.add(0)
    assert next(ring.candidates(bits)) is pages[1]
    assert ("ReferenceCleared", 0) in heard.told
    assert not bits.used


def test_nru_needs_ticks_and_reference_bits_as_aging_does():
    for policy in ("nru", "aging"):
        assert (SIMPLE[policy].ages, SIMPLE[policy].uses_bits) == (True, True)
    assert (SIMPLE["fifo"].ages, SIMPLE["fifo"].uses_bits, SIMPLE["fifo"].counts) == (False, False, False)


def test_time_is_the_number_of_references():
    ring, pages = Fifo(), Numbered()
    ring.entered(pages[0])
    for _ in range(3):
        ring.touched(pages[0], 7, "init")
    assert ring.time == 3
