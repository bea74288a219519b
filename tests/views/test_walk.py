"""What the picture of a walk says of rights: both sides, where they may different things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmwidgets.engine.base.values.tables import Permission, Permissions
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.views.walk import draw_walk


@pytest.mark.parametrize(
    ("supervisor", "user", "sentence"),
    [
        ("rwx", "rwx", "User code and supervisor may read, write and execute here, as far as the tables go."),
        ("rw-", "---", "Only the supervisor may read and write here, as far as the tables go."),
        ("rw-", "r-x", "User code may read and execute here, the supervisor read and write, as far as the tables go."),
        ("---", "r--", "User code may read here, the supervisor nothing, as far as the tables go."),
        ("---", "---", "User code and supervisor may do nothing here, as far as the tables go."),
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
