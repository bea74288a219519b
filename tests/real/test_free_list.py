"""The lists of free pages of a kernel with several lists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from vmwidgets.real.follow.free_list import FreePages

HEADS = (0x8000_1000, 0x8000_1008)


@pytest.mark.parametrize(
    ("second", "free"),
    [
        ([0x84E0_0000], False),  # a processor's list with one page: the page after it is in use
        ([0x84E0_0000, 0x84C0_0000], True),  # superpages of 2 MiB, so the page after it is a part of one
        ([0x84E0_0000, 0x84E0_5000], False),
    ],
)
def test_a_list_of_superpages_is_told_from_a_list_with_a_page_at_such_an_address(second, free):
    first = [0x8700_1000, 0x8700_2000, 0x8700_3000]
    words: dict[int, int] = {}
    for head, pages in zip(HEADS, (first, second), strict=True):
        words |= dict(zip((head, *pages), (*pages, 0), strict=True))
    program: Any = SimpleNamespace(heads_of=lambda structure: list(HEADS))
    gdb: Any = SimpleNamespace(words=lambda places: [words.get(at, 0) for at in places])
    one = FreePages(program)
    one.update(gdb)
    assert 0x84E0_0000 in one
    assert (0x84E0_1000 in one) is free
