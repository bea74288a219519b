"""An operation's story as text: the words of the pictures, whether the machine lives on or not."""

from __future__ import annotations

import gc
import re

import vmwidgets as vm
from tests.captions import fields_of, says
from vmwidgets.engine.base.errors import ascii_text
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.packed import KEPT


def lines(operation: Operation) -> list[str]:
    return str(operation.explain()).splitlines()


def sentences(operation: Operation) -> list[str]:
    """The sentences of the steps, without their numbers."""
    numbered = [line.strip().partition(". ") for line in lines(operation)]
    return [sentence for number, _, sentence in numbered if number.isdecimal()]


def test_it_says_what_the_pictures_say() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.enter("16 KiB")
    view = vm.Map(machine.kernel_map)
    told = sentences(machine.journal.last)
    caption = view.scene().caption
    assert lines(machine.journal.last)[0] == ascii_text(caption.text)
    assert ascii_text(caption.reason).startswith(lines(machine.journal.last)[1])
    drawn = []
    for step in range(1, view.scene().steps.count):
        view.step = step
        drawn.append(ascii_text(view.scene().caption.text))
    assert [text for text in told if text in drawn] == drawn


def test_steps_are_numbered_and_functions_stand_above_those_that_they_did() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.enter("16 KiB")
    told = lines(machine.journal.last)
    numbers = [int(line.strip().partition(".")[0]) for line in told[1:] if line.strip()[0].isdigit()]
    assert numbers == list(range(1, len(numbers) + 1))
    hung = next(number for number, line in enumerate(told) if says("map events: TreeLinked/left", line))
    above = next(line for line in reversed(told[:hung]) if "->" in line)
    assert above.strip().endswith("vm_map_link -> rbtree_insert")


def test_an_older_operation_is_told_with_what_entries_were_called_then() -> None:
    machine = vm.boot("x86-64", layout="small")
    first = machine.kernel_map.enter("16 KiB")
    machine.kernel_map.lookup(first)
    looked_up = machine.journal.last
    then = sentences(looked_up)
    machine.kernel_map.remove(first, size="4 KiB")
    assert sentences(looked_up) == then
    assert not any(re.search(r"entry \d", sentence) for sentence in then)  # a lookup names entries by address


def test_an_operation_whose_events_were_forgotten_is_told_as_it_was() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.enter("16 KiB")
    before = str(machine.journal[1].explain())
    for _ in range(KEPT + 1):
        machine.tick(1)
    assert not machine.journal[1].records
    assert str(machine.journal[1].explain()) == before


def test_a_forgotten_operation_is_not_taken_for_the_same_one_of_a_copy_or_of_another_machine() -> None:
    others = [vm.boot("x86-64", layout="small", quirks=("nomerge-enter",) * (index % 2)) for index in range(8)]
    machine = vm.boot("x86-64", layout="small")
    for one in (*others, machine):
        one.kernel_map.enter("16 KiB")
    before = str(machine.journal[1].explain())
    for one in (*others, machine):
        for _ in range(KEPT + 1):
            one.tick(1)
    copies = [machine.at(number) for number in (1, KEPT + 1)]
    assert not machine.journal[1].records
    assert str(machine.journal[1].explain()) == before
    assert [str(copy.journal[1].explain()) for copy in copies] == [before] * 2


def test_the_story_outlives_its_machine() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.enter("16 KiB")
    operation = machine.journal.last
    del machine
    gc.collect()
    assert fields_of("map operations: enter", lines(operation)[0])["size"] == "16 KiB"


def test_of_very_many_steps_those_in_the_middle_are_counted() -> None:
    machine = vm.boot("x86-64")
    space = machine.kernel_map
    first = space.entries()[-1].end
    for index in range(300):
        space.enter(vm.PAGE, at=first + index * vm.PAGE, prot=("rw", "r")[index % 2])
    space.remove(first, space.end)
    told = lines(machine.journal.last)
    (left_out,) = [line for line in told if "more steps" in line]
    counted = int(left_out.strip().removeprefix("... ").removesuffix(" more steps").replace(",", ""))
    last = int(told[-1].strip().partition(".")[0])
    assert last == 400 + counted
