"""Counts of a trace: against policies that keep each frame, and against plain loops."""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import CallbackFailed, Refused, UnknownName
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.reference_strings import counting
from vmwidgets.reference_strings.counting import counts_of, runs_of, windows_of
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.trace import trace
from vmwidgets.reference_strings.traces_schema import Counts

from .slow_simulator import simulate

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


SIMULATED = ("fifo", "lru", "clock", "opt", "aging", "nru")

STRINGS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=120)


@given(STRINGS, st.sampled_from(SIMULATED), st.integers(1, 11), st.integers(1, 30))
def test_counts_are_those_of_a_slow_simulator(
    string: list[tuple[int, bool]], policy: str, frames: int, tick: int
) -> None:
    pages, writes = [page for page, _ in string], [is_write for _, is_write in string]
    ticking = tick if policy in ("aging", "nru") else 0
    found = trace([page * PAGE for page in pages], writes).faults(policy, frames, tick=ticking)
    counts = found.faults(policy, frames), found.written(policy, frames)
    assert counts == simulate(policy, pages, writes, frames, ticking)


def tree_walk() -> tuple[list[int], list[bool]]:
    """A made-up program: it searches trees of 3 levels, logs each search, and sweeps a table now and then."""
    draws, pages, writes = random.Random(63), [], []
    for search in range(700):
        leaf = int(draws.random() ** 3 * 64)
        steps = [(0, False), (1 + leaf // 8, False), (10 + leaf, draws.random() < 0.2), (80 + search // 90, True)]
        if search % 100 == 99:
            steps += [(100 + page, page % 4 == 0) for page in range(40)]
        for page, is_write in steps:
            pages += [page] * draws.randrange(1, 4)
            writes += [is_write] * (len(pages) - len(writes))
    return pages, writes


@pytest.mark.parametrize("policy", SIMULATED)
def test_a_program_of_thousands_of_references_is_counted_as_simulated(policy: str) -> None:
    pages, writes = tree_walk()
    tick = 250 if policy in ("aging", "nru") else 0
    found = trace([page * PAGE for page in pages], writes).faults(policy, (1, 4, 16, 48, 200), tick=tick)
    for frames, counts in found.counts[policy].items():
        assert tuple(counts) == simulate(policy, pages, writes, frames, tick), frames


@given(STRINGS, st.integers(1, 5))
def test_second_chance_evicts_what_the_clock_evicts(string: list[tuple[int, bool]], frames: int) -> None:
    kept = reference_string([page for page, _ in string], frames, ("clock", "second chance"))
    clock, second = (kept.run(policy).steps for policy in kept.policies)
    assert [step.gone for step in clock] == [step.gone for step in second]


# ---- numbers of pages ---------------------------------------------------------------------------------

REGIONS = st.sampled_from([0, 1, 7, 0x7FFF, 1 << 16, 1 << 24, 5 << 24, *range(100, 140)])
"""Numbers of regions of 4 GiB, some alike at their ends, and more than have tables."""


@pytest.mark.parametrize("at_once", [3, 1 << 16])
@given(st.lists(st.tuples(REGIONS, st.integers(0, 3)), min_size=1, max_size=120))
def test_pages_are_numbered_in_their_order(at_once: int, places: list[tuple[int, int]]) -> None:
    pages = np.array([region << 20 | page for region, page in places])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "AT_ONCE", at_once)
        names, numbers = counting.numbered(pages)
    assert names.tolist() == sorted(set(pages.tolist()))
    assert names[numbers].tolist() == pages.tolist()


def test_a_region_that_is_known_leaves_room_for_another() -> None:
    numbering = counting.Numbering()
    assert all(numbering.places(np.array(pages)) is not None for pages in ([5], [1 << 20, 6], [5, 1 << 20, 7]))
    assert numbering.finish()[0].tolist() == [5, 6, 7, 1 << 20]


@pytest.mark.parametrize("at_once", [3, 1 << 16])
@given(
    st.lists(st.tuples(REGIONS, st.integers(0, 2 * PAGE), st.integers(1, 9), st.booleans()), min_size=1, max_size=60),
    st.data(),
)
def test_each_part_of_the_time_has_its_references(
    at_once: int, references: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    addresses = [(region << 32) + at for region, at, _, _ in references]
    sizes, writes = [size for _, _, size, _ in references], [is_write for *_, is_write in references]
    first = data.draw(st.integers(0, len(references) - 1))
    last = data.draw(st.integers(first + 1, len(references)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "AT_ONCE", at_once)
        found = trace(addresses, writes, sizes=sizes).locality(1, 1000, first=first, last=last)
    wanted: dict[int, list[int]] = {}
    for address, size, is_write in [*zip(addresses, sizes, writes, strict=True)][first:last]:
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1):
            counts = wanted.setdefault(page, [0, 0])
            counts[0] += 1
            counts[1] += is_write
    assert [(row.first, [row.references, row.writes]) for row in found.rows] == sorted(wanted.items())


def test_what_is_said_of_a_place_has_each_reference_once() -> None:
    found = trace([PAGE - 4, PAGE - 4, 0, 2 * PAGE], [False, True, False, False], sizes=[8, 2, 4, 4])
    for place, references, mix in (
        (found.locality(), 4, "3 reads, 1 write"),  # one reference is to two pages
        (found.locality(high=PAGE), 3, "2 reads, 1 write"),
        (found.locality(low=PAGE, high=2 * PAGE), 1, "1 read"),
        (found.locality(low=PAGE + 8), 2, "2 reads"),  # of whole pages
        (found.locality(first=2), 2, "2 reads"),
    ):
        assert (place.references, place.mix) == (references, mix)
    assert [row.references for row in found.locality().rows] == [3, 1, 1]


# ---- policies of the learner's own -------------------------------------------------------------------


def test_an_own_policy_gets_the_same_pages_as_on_paper() -> None:
    pages, writes = drawn(5)
    seen: list[list[list[ResidentPage]]] = []

    def mine(inside: list[ResidentPage]) -> ResidentPage:
        seen[-1].append(inside)
        return max(inside, key=lambda one: (one.page * 7 + one.used) % 5)

    seen.append([])
    words = " ".join(f"{page}{'w' * is_write}" for page, is_write in zip(pages, writes, strict=True))
    kept = reference_string(words, 4, mine)
    seen.append([])
    found = trace([page * PAGE for page in pages], writes).faults(mine, 4)
    assert seen[0] == seen[1] != []
    assert (found.faults("mine", 4), found.written("mine", 4)) == (kept.faults("mine"), written(kept.runs[0].steps))


class EveryOther:
    """Evicts the oldest page and the newest in turn."""

    def __init__(self) -> None:
        self.turn = 0

    def __call__(self, pages: list[ResidentPage]) -> ResidentPage:
        self.turn += 1
        return pages[-(self.turn % 2)]


def test_a_class_begins_anew_with_each_number_of_frames() -> None:
    string = [page * PAGE for page in drawn(6)[0]]
    together = trace(string).faults(EveryOther, (2, 3, 5))
    assert together.counts["EveryOther"][5] == trace(string).faults(EveryOther, 5).counts["EveryOther"][5]
    assert reference_string(drawn(6)[0], 5, EveryOther).faults("EveryOther") == together.faults("EveryOther", 5)


@pytest.mark.parametrize(
    ("choose", "sentence"),
    [
        (lambda pages: 1 // 0, "raised ZeroDivisionError"),
        (lambda pages: 7, "gave 7: it must give one of the 2 pages"),
        (lambda pages: ResidentPage(9, 9, 0, 0, True, False), "one of the 2 pages"),
    ],
)
def test_an_own_policy_that_fails_is_one_sentence(choose: object, sentence: str) -> None:
    with pytest.raises(CallbackFailed, match=sentence) as caught:
        trace([0, PAGE, 2 * PAGE]).faults(choose, 2)  # type: ignore[arg-type]  # any function
    assert "\n" not in str(caught.value)


def test_progress_ends_when_all_is_done_and_an_interrupt_ends_the_count() -> None:
    told: list[tuple[int, int]] = []
    trace([0, PAGE, 0]).faults(("lru", "fifo"), (1, 2), progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] and [done for done, _ in told] == sorted(done for done, _ in told)

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trace([0, PAGE, 0]).faults("fifo", (1, 2), progress=stop)


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


def plain_opt(pages: list[int], writes: list[bool], size: int) -> Counts:
    """Belady's MIN with each size by itself; of pages that are not used again, the one with the highest number goes."""
    never, following, coming = len(pages), [0] * len(pages), dict[int, int]()
    for at in range(len(pages) - 1, -1, -1):
        following[at] = coming.get(pages[at], never + pages[at])
        coming[pages[at]] = at
    inside: dict[int, int] = {}
    dirty: set[int] = set()
    faults = written = 0
    for page, writes_it, then in zip(pages, writes, following, strict=True):
        if page not in inside:
            faults += 1
            if len(inside) == size:
                gone = max(inside, key=lambda one: inside[one])
                del inside[gone]
                written += gone in dirty
                dirty.discard(gone)
        inside[page] = then
        if writes_it:
            dirty.add(page)
    return Counts(faults, written)


@pytest.mark.parametrize(
    ("length", "among", "repeated"),
    [(600, 9, 0.5), (400, 24, 0.0), (400, 25, 0.0), (900, 60, 0.3), (60, 60, 0.0), (700, 90, 0.9)],
)
def test_opt_with_all_sizes_is_belady_with_each(length: int, among: int, repeated: float) -> None:
    draws = random.Random(length + among)
    pages: list[int] = [0]
    for _ in range(length):
        pages.append(pages[-1] if draws.random() < repeated else draws.randrange(draws.randrange(1, among + 1)))
    writes = [draws.random() < 0.3 for _ in pages]
    runs = runs_of(np.array(pages), np.array(writes))
    sizes = range(1, len(runs.names) + 2)
    numbers = {int(name): number for number, name in enumerate(runs.names)}
    found = counts_of(runs, "opt", sizes)
    assert found == {size: plain_opt([numbers[one] for one in pages], writes, size) for size in sizes}


def test_opt_is_the_same_where_each_size_by_itself_is_faster() -> None:
    pages, writes = drawn(3, 600)
    pages = [page * 7 + at % 7 for at, page in enumerate(pages)]
    runs = runs_of(np.array(pages), np.array(writes))
    with pytest.raises(counting.TooDeep):
        counting.opt_distances(runs.pages, runs.names, 0)
    distances, stack = counting.opt_distances(runs.pages, runs.names, 1000)
    sizes = range(1, len(runs.names) + 1)
    assert counting.from_distances(runs, distances, stack, sizes) == counting._optimal(runs, sizes)


def test_opt_of_a_loop_keeps_all_but_one_page_at_a_time() -> None:
    """With C frames, C - 1 pages stay for N - 1 references: of a loop over N pages, (C - 1) / (N - 1) are hits."""
    rounds, among = 40, 60
    pages = list(range(among)) * rounds
    runs = runs_of(np.array(pages), np.zeros(len(pages), bool))
    found = counts_of(runs, "opt", range(1, among + 1))
    assert found[among].faults == among
    assert found[1].faults == len(pages)
    for size in range(2, among):
        hits = (len(pages) - size) * (size - 1) / (among - 1)
        assert abs(len(pages) - found[size].faults - hits) <= size


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
    assert "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4." in repr(found)


def newest_of_few(pages: list[ResidentPage]) -> ResidentPage:
    return pages[-1] if len(pages) < 4 else pages[0]


def clock(pages: list[ResidentPage]) -> ResidentPage:
    return newest_of_few(pages)


LOOP = (0, 1, 2, 3, 4) * 3


@pytest.mark.parametrize(
    ("policy", "string"),
    [("random", (0, 2, 1, 3, 2, 0, 3, 4, 3, 4, 0, 4, 3, 4)), (newest_of_few, LOOP), (clock, LOOP)],
)
def test_beladys_anomaly_is_that_of_fifo_and_the_clock_alone(policy: object, string: tuple[int, ...]) -> None:
    found = trace([page * PAGE for page in string]).faults(policy, range(1, 6))  # type: ignore[arg-type]  # either
    assert found.worse and not found.anomalies
    assert "more frames, more faults: " in repr(found)
    assert "Belady" not in repr(found)


def test_a_function_that_is_called_as_a_policy_is_no_other() -> None:
    pages, writes = drawn(2)
    string = trace([page * PAGE for page in pages], writes)
    found = string.faults([clock, "second chance"], 4)
    assert found.counts["clock"] == string.faults(clock, 4).counts["clock"]
    assert found.counts["second chance"] == string.faults("second chance", 4).counts["second chance"]
    assert found.counts["clock"] != found.counts["second chance"]

    def aging(inside: list[ResidentPage]) -> ResidentPage:
        return inside[0]

    assert string.faults(aging, 4).faults("aging", 4) == string.faults("fifo", 4).faults("fifo", 4)


def test_what_an_array_had_is_kept() -> None:
    given, sizes = np.array([0, PAGE, 0], np.uint64), np.array([8, 8, 8], np.uint32)
    found = trace(given, sizes=sizes)
    given[:], sizes[:] = 9 * PAGE, PAGE
    assert found.addresses.tolist() == [0, PAGE, 0]
    assert found.pages()[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64, np.int64, bool, object])
def test_numbers_of_each_type_are_taken(kind: type) -> None:
    found = trace(np.array([1, 0, 1], kind), np.array([0, 1, 0], kind), sizes=np.array([1, 1, 0], kind))
    assert found.addresses.tolist() == [1, 0, 1]
    assert found.kinds.tolist() == [0, 1, 0]


def test_the_last_byte_of_64_bits_is_touched() -> None:
    assert trace([(1 << 64) - 8], sizes=[8]).pages()[0].tolist() == [(1 << 52) - 1]


def test_numbers_of_frames_may_be_numpys() -> None:
    pages, writes = drawn(2)
    string = trace([page * PAGE for page in pages], writes)
    wanted = string.faults("nru", (1, 2), tick=7)
    for sizes in (np.arange(1, 3), [np.int64(2), np.uint8(1)]):
        assert string.faults("nru", sizes, tick=np.int64(7)).counts == wanted.counts
    assert string.faults("lru", np.int64(2)).sizes == string.faults("lru", np.array(2)).sizes == (2,)


def test_numbers_of_references_and_addresses_may_be_numpys() -> None:
    found = trace([0, PAGE, 2 * PAGE])
    assert found.part(np.int64(1), np.uint8(2)).addresses.tolist() == [PAGE]
    named = found.named({"A": (np.int64(PAGE), np.int64(PAGE))})
    assert [row.name for row in named.locality().rows] == ["", "A", ""]


def test_all_pages_fit_into_as_many_frames_and_into_more() -> None:
    found = trace([page * PAGE for page in (1, 2, 3, 1, 2, 3)]).faults(("lru", "fifo", "clock", "opt"), (3, 10**9))
    assert {found.faults(policy, size) for policy in found.policies for size in (3, 10**9)} == {3}


def first(pages: list[ResidentPage]) -> ResidentPage:
    return pages[0]


WRONG = [
    (lambda: trace([]), "no references"),
    (lambda: trace([-1]), "number 0"),
    (lambda: trace([1 << 64]), "number 0"),
    (lambda: trace(7), "write numbers"),
    (lambda: trace(np.array([0.5])), "whole numbers"),
    (lambda: trace([1, 2], [True]), "one for each"),
    (lambda: trace(np.arange(3), np.array([0, 5, 0], np.uint8)), "writes, number 1, 5: write a number from 0 to 0x1"),
    (lambda: trace([1] * 2, sizes=np.array([1, 1 << 40], np.uint64)), f"sizes, number 1, {1 << 40}"),
    (lambda: trace([0, 2**64 - 7], sizes=[8, 8]), "reference 1, of 8 bytes at 0xfffffffffffffff9, goes past"),
    (lambda: trace(np.array(5)), "addresses are an array of 0 dimensions"),
    (lambda: trace(np.zeros((2, 2), int)), "addresses are an array of 2 dimensions"),
    (lambda: trace([1]).faults("lru", range(1, 20_001)), "frames: at most 10,000 are counted at once"),
    (lambda: trace([1]).faults(["lru"] * 70 + ["mispelt"]), "policies: at most 64 are counted at once"),
    (lambda: trace([1]).faults("lru", True), "frames=True"),
    (lambda: trace([1]).faults("lru", np.array(0.5)), "frames=array.0.5.: write a number of frames"),
    (lambda: trace([1]).faults("lru", "12"), "frames='12'"),  # type: ignore[arg-type]  # the door says it
    (lambda: trace([1]).faults(np.array(7)), "policy=array"),
    (lambda: trace([1]).part(True), "first=True: write a whole number from 0 to 1"),
    (lambda: trace([1]).part(0, 2), "last=2: write a whole number from 0 to 1"),
    (lambda: trace([1]).named({"A": (1.5, 2)}), "write its first address and its size"),
    (lambda: trace([1]).locality(parts=0), "parts=0: write a whole number"),
    (lambda: trace([1]).locality(parts="a"), "parts='a': write a whole number"),  # type: ignore[arg-type]  # the door says it
    (lambda: trace([1]).locality(rows=0), "rows=0: write a whole number"),
    (lambda: trace([1]).locality(low="x"), "low='x': write a whole number"),  # type: ignore[arg-type]  # the door says it
    (lambda: trace([1]).locality(high=-1), "high=-1: write a whole number"),
    (lambda: trace([1]).faults("best"), "write one of fifo"),
    (lambda: trace([1]).faults("lru", 0), "from 1 on"),
    (lambda: trace([1]).faults("aging"), "tick="),
    (lambda: trace([1]).faults((first, first)), "two policies are called 'first'"),
    (lambda: trace([1]).faults([]), "at least one of"),
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


def test_a_number_of_numpy_is_the_size_of_a_page_too() -> None:
    references = trace([0, 4096, 4097])
    given: Any = np.int64(4096)
    assert repr(references.faults(frames=2, page=given)) == repr(references.faults(frames=2, page="4 KiB"))


@pytest.mark.parametrize("page", [True, None, 4096.0, b"4 KiB", 4095, -4096])
def test_a_page_that_is_no_power_of_two_is_refused_in_a_sentence(page: Any) -> None:
    with pytest.raises(Refused, match=rf"^page={re.escape(repr(page))}: write a power of two"):
        trace([0, 4096]).faults(frames=2, page=page)
