"""The load curve: a processor that computes more with more tasks, until memory does not hold what they use."""

from __future__ import annotations

from itertools import islice

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.reference_strings.thrashing import BURST, DISK, LOCALITY, PAGES, SCOPES, WAIT, references


@pytest.fixture(scope="module")
def curve():
    return vm.load_curve()


def test_more_tasks_compute_more_up_to_the_knee(curve):
    for scope in SCOPES:
        rising = [point.work for point in curve.of(scope) if point.tasks <= min(5, curve.knee(scope))]
        assert rising == sorted(rising)
        assert rising[0] < BURST / (BURST + WAIT) < rising[1]  # one waits for its device, and now and then for the disk


@pytest.mark.parametrize("scope", ["global", "local"])
def test_behind_the_knee_is_thrashing(curve, scope):
    most, last = curve.of(scope)[curve.knee(scope) - 1], curve.of(scope)[-1]
    assert last.work < most.work / 2
    assert last.disk > 0.95  # the disk is what all wait for
    assert last.faults > 4 * most.faults
    assert last.outside == 0


def test_working_sets_prevent_it(curve):
    points = curve.of("working set")
    knee = curve.knee("working set")
    assert min(point.work for point in points if point.tasks >= knee) > 0.85
    assert points[-1].outside > 2  # by leaving some outside
    assert points[0].outside == 0
    assert points[-1].faults < 3 * points[0].faults


def test_equal_shares_fit_fewer_tasks_than_shared_memory(curve):
    assert curve.knee("local") < curve.knee("global")


def test_the_knee_is_where_the_localities_fill_memory():
    """Twice the memory, or half: the knee moves with it."""
    knees = [vm.load_curve(range(1, 9), "global", frames=frames).knee() for frames in (16, 32, 64)]
    assert knees[0] < knees[1] < knees[2]
    assert all(knee <= frames / LOCALITY for knee, frames in zip(knees, (16, 32, 64), strict=True))


def test_with_room_for_all_nobody_thrashes_and_scopes_agree():
    curve = vm.load_curve((1, 4), ("global", "local"), frames=4 * PAGES)
    one, other = curve.of("global"), curve.of("local")
    assert [point.work for point in one] == [point.work for point in other]
    crowded = vm.load_curve((1, 4), "global", frames=32).of("global")
    assert all(point.faults < other.faults / 1.5 for point, other in zip(one, crowded, strict=True))


@pytest.mark.parametrize("policy", ["fifo", "second chance", "clock"])
def test_any_policy_has_the_curve(policy):
    curve = vm.load_curve((1, 5, 11), "global", policy=policy)
    first, middle, last = (point.work for point in curve.of("global"))
    assert first < middle > last


def test_shares_are_equal_and_what_is_left_over_is_not_used():
    works = [vm.load_curve(4, "local", frames=frames).points[0].work for frames in (32, 33, 35, 36)]
    assert works[0] == works[1] == works[2] < works[3]


def test_a_page_that_was_read_is_used_before_it_goes():
    """With a frame a task, the disk is all that counts: one reference or more for each page that it reads."""
    (point,) = vm.load_curve(8, "global", frames=8).points
    assert point.disk > 0.99
    assert point.work >= point.disk / DISK


def test_reference_bits_make_the_clock_better_than_fifo():
    fifo, clock, lru = (vm.load_curve(8, "global", policy=name).points[0] for name in ("fifo", "clock", "lru"))
    assert lru.faults < clock.faults < fifo.faults / 1.5


def test_the_same_seed_gives_the_same_curve(curve):
    assert vm.load_curve() == curve
    assert vm.load_curve((3,), seed=2) != vm.load_curve((3,), seed=1)


def test_a_task_uses_the_same_pages_whatever_the_others_do():
    assert list(islice(references(1, 4), 900)) == list(islice(references(1, 4), 900))
    assert list(islice(references(1, 4), 900)) != list(islice(references(1, 5), 900))


@pytest.mark.parametrize("scope", SCOPES)
def test_memory_that_is_too_short_for_one(scope):
    (point,) = vm.load_curve(1, scope, frames=2).points
    assert point.work < 0.1
    assert point.disk > 0.7


def test_it_is_read_as_a_table():
    assert repr(vm.load_curve((1, 2), ("global", "working set"))).splitlines()[:2] == [
        "useful work by the number of tasks, 64 frames, lru",
        "tasks   global   working set",
    ]


def test_the_knee_of_a_scope_that_there_is_not():
    with pytest.raises(Refused, match="scope='local': write one of global"):
        vm.load_curve(1, "global").knee("local")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tasks": 0}, "tasks=0: write numbers from 1 to 32"),
        ({"tasks": ()}, "tasks: write at least one"),
        ({"tasks": range(1, 40)}, "tasks=33"),
        ({"tasks": "many"}, "tasks='m'"),
        ({"tasks": True}, "tasks=True"),
        ({"scopes": "all"}, "scopes='all': write some of global, local, working set"),
        ({"scopes": ()}, r"scopes=\(\)"),
        ({"scopes": 3}, "scopes=3"),
        ({"scopes": [[1]]}, r"scopes=\[\[1\]\]"),
        ({"policy": "opt"}, "policy='opt': write one of fifo, lru"),
        ({"policy": None}, "policy=None"),
        ({"policy": []}, r"policy=\[\]"),
        ({"frames": 0}, "frames=0"),
        ({"frames": 10}, r"frames=10: write a number from 11 \(one for each task"),
        ({"frames": 2.5}, "frames=2.5"),
        ({"seed": "x"}, "seed='x'"),
    ],
)
def test_numbers_that_no_machine_has(wrong, said):
    with pytest.raises(Refused, match=said):
        vm.load_curve(**wrong)
