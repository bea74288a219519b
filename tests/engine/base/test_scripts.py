from __future__ import annotations

import pickle

import pytest

from vmwidgets.engine.base.scripts import Action, Script
from vmwidgets.engine.base.units import Address


def actions(count, first=1):
    return [
        Action("machine", "kmem_malloc", (("size", 4096),), Address(0x1000 * at), at)
        for at in range(first, first + count)
    ]


def test_a_script_that_is_packed_is_the_same_and_smaller():
    open_one, packed = Script(actions(40), 1), Script(actions(40), 1)
    packed.pack()
    assert len(pickle.dumps(packed)) < len(pickle.dumps(open_one)) / 2
    assert packed == open_one
    assert [type(one.answer) for one in packed] == [Address] * 40
    assert (len(packed), packed[7], list(packed[3:5]), packed.last) == (40, open_one[7], actions(2, 4), 40)
    packed.pack()
    assert packed == open_one


def test_a_packed_script_goes_on_when_it_has_to():
    script = Script(actions(3), 1)
    script.pack()
    script.append(actions(1, 4)[0])
    script.answered(3, "later")
    assert (len(script), script.last) == (4, 4)
    assert script[3] == actions(1, 4)[0]._replace(answer="later")
    assert list(script)[:3] == actions(3)


@pytest.mark.parametrize("packs", [False, True])
def test_a_part_of_a_script_goes_on_without_it(packs):
    script = Script([*actions(3), *actions(2, 3)], 1)
    if packs:
        script.pack()
    assert [one.serial for one in script.until(3)] == [1, 2, 3, 3]
    assert list(script.until(0)) == []
    whole = script.until(4)
    assert whole == script
    for one, other in ((script, whole), (whole, script)):
        before = list(other)
        one.append(actions(1, 9)[0])
        one.answered(0, "changed")
        assert list(other) == before


def test_old_actions_are_packed_again_after_a_late_answer():
    script = Script(serial=1)
    for action in actions(5000):
        script.append(action)
    packed = script.bytes
    script.answered(0, "late")
    for action in actions(5000, 5001):
        script.append(action)
    assert script.bytes > packed, "the answer's pieces, and those after it"
    assert [one.serial for one in script] == [*range(1, 10001)]
    assert script[0].answer == "late"
