from __future__ import annotations

import random

import pytest

from tests.engine.mmu import random_tables
from vmwidgets.engine.mmu.formats import FORMATS


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_words_of_a_run_are_read_as_each_by_itself(name):
    """Whatever the order: a word that differs from the one before in a bit that decides is read anew."""
    fmt, draws = FORMATS[name], random.Random(name)
    for level in fmt.levels:
        like = [draws.getrandbits(8 * fmt.entry_width) for _ in range(40)]
        words = [word & -8 | low for word in like for low in draws.sample(range(8), 4)] + [0, *like, 0]
        read = [(level.read_as(word), word) for word in words if word]
        assert level.mapped(words) == [one.address_of(word) for one, word in read if one.kind == "leaf"]
        assert level.mapped([]) == level.mapped([0]) == []


@pytest.mark.parametrize("name", FORMATS)
def test_of_small_pages_those_in_other_frames_are_told_and_of_large_ones_none(name):
    fmt = FORMATS[name]
    level, draws, seen = fmt.level(1), random.Random(name), set()
    for _ in range(2_000):
        word = random_tables.word(fmt, level, draws, 1 << 28)
        descriptor = level.read_as(word)
        if descriptor.kind == "leaf":
            frame = descriptor.address_of(word) >> 12
            is_small = level.span_of(descriptor) == 4096
            assert level.not_elsewhere((0, word, 0, word), {frame}) == [1, 3]
            assert level.not_elsewhere((0, word, 0), {frame + 1}) == ([] if is_small else [1])
            seen.add(is_small)
    assert seen == ({True, False} if name == "armv7" else {True})
