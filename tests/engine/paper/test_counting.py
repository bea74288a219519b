"""Counts of a trace: against policies that keep each frame, against a plain loop, and two ways of OPT."""

from __future__ import annotations

import random
from collections import OrderedDict

import numpy as np
import pytest

from vmwidgets.engine.base.errors import Refused, UnknownName
from vmwidgets.engine.paper import counting
from vmwidgets.engine.paper.counting import counts_of, runs_of, windows_of
from vmwidgets.engine.paper.references import reference_string
from vmwidgets.engine.paper.trace import trace

PAGE = 4096


def drawn(seed: int, length: int = 300) -> tuple[list[int], list[bool]]:
    """A string with some locality, of up to a dozen pages, with writes."""
    draws = random.Random(seed)
    pages, there = [], 0
    for _ in range(length):
        there = draws.choice((there, there, there + 1, draws.randrange(12))) % 12
        pages.append(there)
    return pages, [draws.random() < 0.3 for _ in pages]


def written(steps: object) -> int:
    """How many pages went that were dirty, by what each frame has."""
    count, dirty = 0, set()
    for step in steps:  # type: ignore[attr-defined]
        count += sum(page in dirty for page in step.gone)
        dirty -= set(step.gone)
        dirty |= {step.page} if step.write else set()
    return count


@pytest.mark.parametrize("policy", ["fifo", "lru", "clock", "second chance", "opt", "aging", "nru"])
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_policies_that_keep_each_frame(policy: str, seed: int) -> None:
    pages, writes = drawn(seed)
    tick = 16 if policy in ("aging", "nru") else 0
    words = []
    for place, (page, writes_it) in enumerate(zip(pages, writes, strict=True)):
        words += ["|"] * bool(tick and place and place % tick == 0)
        words.append(f"{page}{'w' * writes_it}")
    kept = reference_string(" ".join(words), (1, 2, 3, 5, 8), policy)
    runs = runs_of(np.array(pages), np.array(writes), tick)
    found = counts_of(runs, policy, (1, 2, 3, 5, 8), tick)
    for size, counts in found.items():
        run = kept.run(policy, size)
        assert counts.faults == run.faults, (policy, size)
        if policy != "opt":  # of pages that are not used again, OPT here lets another one go
            assert counts.written == written(run.steps), (policy, size)


def plain_lru(pages: list[int], size: int) -> int:
    inside: OrderedDict[int, None] = OrderedDict()
    faults = 0
    for page in pages:
        if page in inside:
            inside.move_to_end(page)
        else:
            faults += 1
            if len(inside) == size:
                inside.popitem(last=False)
            inside[page] = None
    return faults


@pytest.mark.parametrize(("seed", "length", "among"), [(0, 5000, 700), (1, 64, 9), (2, 65, 90), (3, 129, 3), (4, 1, 1)])
def test_lru_with_all_sizes_is_a_loop_with_each(seed: int, length: int, among: int) -> None:
    draws = random.Random(seed)
    pages = [draws.randrange(draws.randrange(1, among + 1)) for _ in range(length)]
    runs = runs_of(np.array(pages), np.zeros(length, bool))
    sizes = (1, 2, 3, 17, 64, 333, 900)
    found = counts_of(runs, "lru", sizes)
    assert {size: counts.faults for size, counts in found.items()} == {size: plain_lru(pages, size) for size in sizes}


@pytest.mark.parametrize("seed", range(6))
def test_both_ways_of_opt_agree(seed: int) -> None:
    pages, writes = drawn(seed, 600)
    runs = runs_of(np.array(pages), np.array(writes))
    distances, stack = counting.opt_distances(runs.pages, runs.names)
    sizes = (1, 2, 3, 4, 6, 9, 12)
    assert counting.from_distances(runs, distances, stack, sizes) == counting._optimal(runs, sizes)


def test_a_deep_stack_of_opt_is_counted_size_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = np.array([page for _ in range(40) for page in range(60)])
    runs = runs_of(pages, np.zeros(len(pages), bool))
    with pytest.raises(counting.TooDeep):
        counting.opt_distances(runs.pages, runs.names, most=0.001)
    assert counts_of(runs, "opt", (30,))[30].faults < counts_of(runs, "lru", (30,))[30].faults == len(pages)


def test_random_is_the_same_each_time_and_between_opt_and_all() -> None:
    pages, writes = drawn(9, 2000)
    runs = runs_of(np.array(pages), np.array(writes))
    assert counts_of(runs, "random", (4,)) == counts_of(runs, "random", (4,))
    assert counts_of(runs, "opt", (4,))[4].faults < counts_of(runs, "random", (4,))[4].faults < 2000


@pytest.mark.parametrize("size", [1, 2, 5, 30, 400])
def test_a_window_is_the_pages_of_the_references_before(size: int) -> None:
    pages = drawn(3)[0]
    (found,) = windows_of(np.array(pages), [size])
    assert found.faults == sum(page not in pages[max(0, at - size) : at] for at, page in enumerate(pages))
    sets = [len(set(pages[max(0, at + 1 - size) : at + 1])) for at in range(len(pages))]
    assert found.mean == pytest.approx(sum(sets) / len(sets))
    assert found.largest == max(sets)


# ---- traces ----------------------------------------------------------------------------------------


def test_a_reference_that_crosses_pages_counts_for_each() -> None:
    found = trace([PAGE - 4, 0, 3 * PAGE], [True, False, False], sizes=[8, 4, 3 * PAGE])
    pages, writes = found.pages()
    assert pages.tolist() == [0, 1, 0, 3, 4, 5]
    assert writes.tolist() == [True, True, False, False, False, False]
    assert found.pages("16 KiB")[0].tolist() == [0, 0, 0, 1]


def test_beladys_anomaly_is_said() -> None:
    string = [page * PAGE for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)]
    found = trace(string).faults("fifo", (3, 4))
    assert [found.faults("fifo", size) for size in (3, 4)] == [9, 10]
    assert found.anomalies == [("fifo", 3, 4)]
    assert "9 faults with 3 frames, and 10 with 4." in repr(found)


def test_all_pages_fit_into_as_many_frames_and_into_more() -> None:
    found = trace([page * PAGE for page in (1, 2, 3, 1, 2, 3)]).faults(("lru", "fifo", "clock", "opt"), (3, 10**9))
    assert {found.faults(policy, size) for policy in found.policies for size in (3, 10**9)} == {3}


WRONG = [
    (lambda: trace([]), "no references"),
    (lambda: trace([-1]), "number 0"),
    (lambda: trace([1 << 64]), "number 0"),
    (lambda: trace(7), "write numbers"),
    (lambda: trace(np.array([0.5])), "whole numbers"),
    (lambda: trace([1, 2], [True]), "one for each"),
    (lambda: trace([1]).faults("best"), "write one of fifo"),
    (lambda: trace([1]).faults("lru", 0), "from 1 on"),
    (lambda: trace([1]).faults("aging"), "tick="),
    (lambda: trace([1]).pages("5 KiB"), "power of two"),
    (lambda: trace([1]).part(1), "no reference"),
]


@pytest.mark.parametrize(("asked", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_is_wrong_is_one_sentence(asked: object, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        asked()  # type: ignore[operator]


def test_what_was_not_counted_is_named() -> None:
    found = trace([1]).faults("lru", 1)
    with pytest.raises(UnknownName, match="counted are lru"):
        found.faults("fifo", 1)
