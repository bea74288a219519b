"""Policies on paper: textbook strings, relations that are proved, and models that are written from the definitions."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from vmwidgets.engine.base.errors import CallbackFailed, Refused
from vmwidgets.engine.memory.replacement import POLICIES
from vmwidgets.reference_strings.references import MOST_REFERENCES, reference_string

SILBERSCHATZ = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
BELADY = "1 2 3 4 1 2 5 1 2 3 4 5"

strings = st.lists(st.integers(0, 6), min_size=1, max_size=60)
sizes = st.integers(1, 6)


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [
        ("fifo", (15, 10), (9, 10)),
        ("lru", (12, 8), (10, 8)),
        ("opt", (9, 8), (7, 6)),
        ("clock", (14, 9), (9, 10)),
        ("second chance", (14, 9), (9, 10)),
    ],
)
def test_textbook_counts(policy, first, second):
    for string, expected in ((SILBERSCHATZ, first), (BELADY, second)):
        found = reference_string(string, (3, 4), policy)
        assert tuple(found.faults(policy, frames) for frames in (3, 4)) == expected


def test_the_frames_of_a_textbook_fifo():
    """Silberschatz, Galvin and Gagne, figure of FIFO replacement: contents after each fault."""
    steps = reference_string(SILBERSCHATZ, 3, "fifo").run("fifo").steps
    after_faults = ["".join("." if page is None else str(page) for page in step.pages) for step in steps if step.fault]
    assert after_faults == (
        ["7..", "70.", "701", "201", "231", "230", "430", "420", "423", "023", "013", "012", "712", "702", "701"]
    )


# ---- models ------------------------------------------------------------------------------------------


def fewest(string, size):
    """The fewest faults that any choice of victims makes: all are tried."""

    @cache
    def best(place, held):
        if place == len(string):
            return 0
        page = string[place]
        if page in held:
            return best(place + 1, held)
        if len(held) < size:
            return 1 + best(place + 1, held | {page})
        return 1 + min(best(place + 1, held - {victim} | {page}) for victim in held)

    return best(0, frozenset())


@given(st.lists(st.integers(0, 5), min_size=1, max_size=14), st.integers(1, 4))
def test_opt_has_the_fewest_faults_that_are_possible(string, size):
    assert reference_string(string, size, "opt").faults("opt") == fewest(tuple(string), size)


@given(strings, sizes)
def test_lru_is_a_list_in_the_order_of_uses(string, size):
    recent = []
    for step, page in zip(reference_string(string, size, "lru").runs[0].steps, string, strict=True):
        assert step.fault == (page not in recent)
        if page in recent:
            recent.remove(page)
        expected = recent.pop(0) if len(recent) == size else None
        assert step.victim == expected
        recent.append(page)
        assert {page for page in step.pages if page is not None} == set(recent)


@given(strings, st.integers(1, 12))
def test_a_working_set_is_the_pages_of_the_last_references(string, window):
    """With frames for all pages: what is held is what the last `window` references used, as Denning defines it."""
    run = reference_string(string, 8, vm.Replacement("working set", window=window)).runs[0]
    for time, step in enumerate(run.steps):
        assert step.fault == (string[time] not in string[max(0, time - window) : time])
        held = {page for page in step.pages if page is not None}
        assert held == set(string[max(0, time - window + 1) : time + 1])
        assert step.victim is None


@given(strings, sizes)
def test_second_chance_and_the_clock_are_two_ways_to_make_one_choice(string, size):
    found = reference_string(string, size, ("clock", "second chance"))
    one, other = (run.steps for run in found.runs)
    assert [(step.fault, step.victim) for step in one] == [(step.fault, step.victim) for step in other]


@given(strings, sizes)
def test_the_clock_is_fifo_where_bits_say_nothing(string, size):
    """If at every replacement all reference bits are set, or none is, the clock takes the oldest page."""
    fifo, clock = reference_string(string, size, ("fifo", "clock")).runs
    bits = 0
    for step in clock.steps:
        if step.victim is not None and bits not in (0, size):
            return
        bits = len(step.referenced)
    assert [step.victim for step in fifo.steps] == [step.victim for step in clock.steps]


@given(strings)
@pytest.mark.parametrize("policy", ["lru", "opt"])
def test_stack_policies_have_no_anomaly(policy, string):
    found = reference_string(string, range(1, 8), policy)
    assert found.anomalies == ()
    faults = [found.faults(policy, frames) for frames in range(1, 8)]
    assert faults == sorted(faults, reverse=True)


@given(strings)
def test_what_lru_holds_it_holds_with_more_frames_too(string):
    few, many = reference_string(string, (3, 4), "lru").runs
    for one, other in zip(few.steps, many.steps, strict=True):
        assert set(one.pages) - {None} <= set(other.pages)


@given(strings, sizes)
def test_every_run_accounts_for_its_frames(string, size):
    pages = len(set(string))
    for run in reference_string(string, size, (*POLICIES, vm.Replacement("working set", window=2))).runs:
        held = set()
        for page, step in zip(string, run.steps, strict=True):
            assert step.fault == (page not in held)
            assert (step.victim is not None) == (step.fault and len(held) == size)
            held = held - {step.victim} - set(step.expired) | {page}
            assert sorted(one for one in step.pages if one is not None) == sorted(held)
            assert step.pages[step.frame] == page
            assert step.frame in step.referenced
            assert step.referenced <= {frame for frame, page in enumerate(step.pages) if page is not None}
        assert run.faults + run.hits == len(string)
        assert run.rate == run.faults / len(string)
        assert min(pages, run.faults) == pages


# ---- a learner's own ---------------------------------------------------------------------------------


@given(strings, sizes)
def test_a_function_can_be_each_policy_that_needs_no_state(string, size):
    def oldest(pages):
        return min(pages, key=lambda page: page.arrived)

    def least_recent(pages):
        return min(pages, key=lambda page: page.used)

    found = reference_string(string, size, ("fifo", oldest, "lru", least_recent))
    victims = [[step.victim for step in run.steps] for run in found.runs]
    assert victims[0] == victims[1]
    assert victims[2] == victims[3]


def test_a_function_sees_bits_and_numbers():
    seen = []

    def look(pages):
        seen.append([(page.page, page.arrived, page.used, page.referenced, page.dirty) for page in pages])
        return pages[-1]

    reference_string("A Bw A C", 2, look)
    assert seen == [[(ord("A"), 0, 2, True, False), (ord("B"), 1, 1, True, True)]]


def test_a_write_makes_a_page_dirty_until_it_goes():
    run = reference_string("3w 4 3 5 6 3", 2, "fifo").run("fifo")
    assert [sorted(step.dirty) for step in run.steps] == [[0], [0], [0], [], [], []]
    assert [step.write for step in run.steps] == [True, False, False, False, False, False]


def test_opt_may_be_given_another_future():
    wrong = reference_string("1 2 3 1 2", 2, vm.Replacement("opt", future=(9,)))
    assert wrong.faults("opt") >= reference_string("1 2 3 1 2", 2, "opt").faults("opt")


# ---- what is said ------------------------------------------------------------------------------------


def test_the_anomaly_is_said():
    assert "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4." in repr(reference_string(BELADY, (4, 3)))
    assert "anomaly" not in repr(reference_string(BELADY, (3, 4), ("lru", "opt")))
    assert "anomaly" not in repr(reference_string(BELADY, 3))


def test_a_run_is_read_as_a_grid():
    assert repr(reference_string("1 2w 3 1", 2, "clock").run("clock")).splitlines() == [
        "clock, 2 frames: 4 faults of 4 references",
        "            1  2w   3   1",
        "frame 0   >1' >1'  3' >3'",
        "frame 1     .  2'  >2  1'",
        "fault       *   *   *   *",
        "evicted             1   2",
    ]


def test_a_long_run_goes_on_below():
    lines = repr(reference_string(range(50), 1, "fifo").run("fifo")).splitlines()
    assert len(lines) == 1 + 3 * 4
    assert max(map(len, lines)) < 100


@pytest.mark.parametrize("string", ["7 0 1", "7,0,1", " 7, 0 ,1 ", [7, 0, 1], (n for n in (7, 0, 1)), ["7", 0, "1"]])
def test_strings_as_people_write_them(string):
    assert reference_string(string).pages == (7, 0, 1)


def test_a_working_set_has_its_window_in_its_name():
    found = reference_string("1 2 3", 3, [vm.Replacement("working set", window=n) for n in (1, 2)])
    assert found.policies == ("working set of 1", "working set of 2")
    assert reference_string("1 2 3", 3, "working set").faults("working set") == 3


# ---- nonsense ----------------------------------------------------------------------------------------


def wrong(pages):
    return "this one"


def elsewhere(pages):
    return 77


def frame_of_the_first(pages):
    return pages[0].frame


def emptied(pages):
    kept = pages[:]
    pages.clear()
    return kept


def raising(pages):
    raise ValueError("no idea")


class Nasty:
    def __index__(self):
        raise RuntimeError("no")

    __hash__ = None


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("7 0 x1",), "reference 3, 'x1', is not a page"),
        (("7 0 -1",), "reference 3, '-1'"),
        (("7 0.5",), "reference 2, '0.5'"),
        (("1 A",), "numbers and letters"),
        ((b"1 2",), "references=b'1 2': pass a string, not bytes"),
        (("",), "there are no references"),
        (([],), "there are no references"),
        ((7,), "references=7 is an int"),
        ((None,), "references=None is no value"),
        (([True],), "reference 1, True"),
        (([1, None],), "reference 2, None"),
        (([-1],), "reference 1, -1"),
        (([Nasty()],), "reference 1, .*Nasty"),
        (([1 << 60],), "reference 1, 1152921504606846976"),
        ((range(MOST_REFERENCES + 1),), "at most 10,000 references"),
        ((range(MOST_REFERENCES), (3, 4, 5)), "more than 100,000 steps"),
        (("1 2", 0), "frames=0: a memory has from 1 to 64 frames"),
        (("1 2", -3), "frames=-3"),
        (("1 2", "3"), "frames='3'"),
        (("1 2", 128), r"frames=128: .*vm\.trace\(.*\)\.faults\(frames=\.\.\., page=\.\.\.\)"),
        (("1 2", True), "frames=True"),
        (("1 2", [3, [4]]), r"frames=\[4\]"),
        (("1 2", ()), "frames: write a number"),
        (("1 2", None), "frames=None"),
        (("1 2", 3, "clok"), "policy='clok': write one of"),
        (("1 2", 3, ()), "policies: write at least one"),
        (("1 2", 3, 5), "policy=5"),
        (("1 2", 3, ("fifo", "fifo")), "two policies are called 'fifo'"),
        ((range(1000), range(54, 65)), "more than 2,000,000 places in a grid"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(call, said):
    with pytest.raises(Refused, match=said) as error:
        reference_string(*call)
    assert "\n" not in str(error.value)


def test_a_function_that_raises_is_named():
    with pytest.raises(CallbackFailed, match=r"^policy raising raised ValueError: no idea$"):
        reference_string("1 2", 1, raising)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (wrong, "policy wrong gave 'this one': it must give one of the 2 pages that it got"),
        (elsewhere, "policy elsewhere gave 77: it must give one of the 2 pages"),
        (frame_of_the_first, "policy frame_of_the_first gave [0-9]+: it must give one of the 2 pages"),
        (emptied, "policy emptied gave a list: it must give one of the 2 pages"),
    ],
)
def test_an_answer_that_is_no_page_is_a_failure_of_the_function_as_on_a_machine(function, said):
    with pytest.raises(CallbackFailed, match=f"^{said}"):
        reference_string("1 2 3", 2, function)
    m = vm.boot("x86-64")
    m.replacement = function
    t = m.task("init")
    start = t.mmap(3 * vm.PAGE)
    t.limit("rss", 2 * vm.PAGE)
    t.read(start)
    t.read(start + vm.PAGE)
    with pytest.raises(CallbackFailed, match=said.split(": ", 1)[-1]):
        t.read(start + 2 * vm.PAGE)


def test_steps_share_what_does_not_change():
    """A string of hits keeps one copy of what memory holds, however long it is."""
    for policy in ("fifo", "lru", "opt", "clock"):
        steps = reference_string([*range(64), *[3] * 900], 64, policy).runs[0].steps[64:]
        assert len({id(step.pages) for step in steps}) == 1
        assert len({id(step.referenced) for step in steps}) == 1
        assert len({id(step.dirty) for step in steps}) == 1


def test_of_two_windows_one_has_to_be_said():
    few, many = vm.Replacement("working set", window=2), vm.Replacement("working set", window=4)
    found = reference_string(BELADY, 3, (few, many))
    with pytest.raises(Refused, match="2 runs of 'working set': write 'working set of 2' or 'working set of 4'"):
        found.run("working set")
    assert found.run("working set of 4").policy == "working set of 4"
    assert reference_string(BELADY, 3, many).faults("working set") == found.faults("working set of 4")


def test_runs_that_there_are_not():
    found = reference_string(BELADY, (3, 4), "fifo")
    with pytest.raises(Refused, match="frames: write which, 3 or 4"):
        found.faults("fifo")
    with pytest.raises(Refused, match="no run of 'lru' with 3 frames; there are fifo with 3; fifo with 4"):
        found.faults("lru", 3)


def test_a_policy_may_be_written_as_in_books() -> None:
    found = vm.reference_string("1 2 3 1", 2, ("LRU", "Opt", "FIFO"))
    assert found.policies == ("lru", "opt", "fifo")
    assert found.faults("LRU") == found.faults("lru") == 4
