"""What the picture of a walk says of rights: both sides, where they may different things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmwidgets.engine.base.values.tables import Permission, Permissions
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.views.tables.walk import draw_walk


@pytest.mark.parametrize(
    ("supervisor", "user", "sentence"),
    [
        ("rwx", "rwx", "The page tables let user code and the supervisor read, write and execute here."),
        ("rw-", "---", "The page tables let only the supervisor read and write here."),
        ("rw-", "r-x", "The page tables let user code read and execute here, and the supervisor read and write."),
        ("---", "r--", "The page tables let user code read here, and the supervisor do nothing."),
        ("---", "---", "The page tables let user code and the supervisor do nothing here."),
    ],
)
def test_each_sides_rights_are_told(supervisor, user, sentence):
    ram = Ram(1 << 20)
    ram.write_word(0x4000, 4, 0x0030_0C02)
    found = walk(ram, ARMV7, 0x4000, 0x1234)
    sides = (Permission(*(letter != "-" for letter in side)) for side in (supervisor, user))
    scene = draw_walk(replace(found, permissions=Permissions(*sides)))
    assert scene.caption is not None
    assert scene.caption.reason == sentence
