"""A TLB in front of a trace, and several programs in one memory, against loops over plain lists."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.reference_strings.trace import Trace, trace

from .slow_simulator import simulate

PAGE = 4096


def tlb_by_sets(pages: list[int], sets: int, ways: int, policy: str) -> int:
    """The misses of a TLB, each set for itself."""
    own = [[page for page in pages if page % sets == number] for number in range(sets)]
    return sum(simulate(policy, part, [False] * len(part), ways)[0] for part in own)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=200),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3, 8]),
    st.sampled_from(["lru", "fifo", "clock", "opt"]),
)
def test_a_tlb_misses_as_each_of_its_sets_does(pages: list[int], sets: int, ways: int, policy: str) -> None:
    found = trace([page * PAGE for page in pages]).tlb(sets * ways, ways, policy)
    assert found.misses == tlb_by_sets(pages, sets, ways, policy)
    assert found.hits + found.misses == len(pages)


def test_larger_pages_reach_further() -> None:
    sweep = trace([page * PAGE for page in range(64)] * 4)
    assert [sweep.tlb(4, page=size).misses for size in ("4 KiB", "64 KiB")] == [256, 4]


def program(seed: int, length: int, name: str = "") -> Trace:
    draws = random.Random(seed)
    return trace(
        [draws.randrange(12) * PAGE for _ in range(length)], [draws.random() < 0.3 for _ in range(length)], name=name
    )


def test_programs_take_turns_and_share_nothing() -> None:
    one, other = program(1, 25, "one"), program(2, 10, "other")
    both = one.interleaved(other, quantum=10)
    turns = [address >> 56 for address in both.addresses.tolist()]
    assert turns == [0] * 10 + [1] * 10 + [0] * 15
    for number, alone in enumerate((one, other)):
        mine = [at for at, turn in enumerate(turns) if turn == number]
        assert [both.addresses.tolist()[at] & (1 << 56) - 1 for at in mine] == alone.addresses.tolist()
        assert [both.kinds.tolist()[at] for at in mine] == alone.kinds.tolist()
    assert [row.name for row in both.locality(rows=30).rows[::12]] == ["one", "other"]


@pytest.mark.parametrize("policy", ["lru", "fifo", "clock", "opt"])
def test_local_replacement_is_each_program_alone_with_its_part(policy: str) -> None:
    one, other = program(3, 300), program(4, 200)
    both = one.interleaved(other, quantum=7)
    local = both.faults(policy, (2, 7, 12), local=True)
    for frames, counts in local.counts[policy].items():
        parts = (one, frames - frames // 2), (other, frames // 2)
        alone = [simulate(policy, t.pages()[0].tolist(), t.pages()[1].tolist(), size) for t, size in parts]
        assert counts.faults == sum(faults for faults, _ in alone)
        assert counts.written == sum(written for _, written in alone)
    pages, writes = both.pages()
    shared = both.faults(policy, 7)
    assert (
        shared.faults(policy, 7) == simulate(policy, pages.tolist(), writes.tolist(), 7)[0] != local.faults(policy, 7)
    )


def test_local_replacement_divides_the_frames_among_the_programs_that_there_are() -> None:
    one, other, third = (program(seed, 60, f"program {seed}") for seed in (5, 6, 7))
    part = one.interleaved(other, third, quantum=20).part(40, 80)  # of the third program, then of the first
    wanted = third.part(0, 20).interleaved(one.part(20, 40), quantum=20)
    assert part.faults(iter(("lru",)), 9, local=True).faults("lru", 9) == sum(
        alone.faults("lru", frames).faults("lru", frames)
        for alone, frames in ((one.part(20, 40), 5), (third.part(0, 20), 4))
    )
    assert part.named({}).faults("opt", 8, local=True).counts == wanted.faults("opt", 8, local=True).counts


WRONG = [
    (lambda: trace([1]).tlb(6, 4), "ways=4: 6 entries can't be divided"),
    (lambda: trace([1]).tlb(4, policy="aging"), "policy='aging': write one of fifo"),
    (lambda: trace([1]).interleaved(), "pass from 1 to 63 other traces"),
    (lambda: trace([1]).interleaved(trace([1 << 60])), "more than 56 bits"),
    (lambda: trace([1]).faults("lru", 4, local=True), "for several programs"),
    (lambda: trace([0xFFFF_FFFF_FF60_0000, 0x40_0000]).faults("lru", 300, local=True), "for several programs"),
    (
        lambda: trace([1]).interleaved(trace([1])).faults(("lru", "working set"), 2, local=True),
        "local=True divides the frames, and the working set has none",
    ),
    (lambda: trace([(1 << 56) - 1], sizes=[2]).interleaved(trace([1])), "more than 56 bits"),
    (lambda: trace([1]).interleaved(trace([1])).faults("lru", (4, 1), local=True), "frames=1: .* begin at 2"),
]


@pytest.mark.parametrize(("asked", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_is_wrong_is_one_sentence(asked: object, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        asked()  # type: ignore[operator]
