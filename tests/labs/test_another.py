"""Another question like a prediction: each answer is what a machine does; nothing is kept, graded or in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.comparisons.formats import compare_formats
from vmwidgets.labs.alike import ALIKE, Alike
from vmwidgets.labs.answers import written
from vmwidgets.labs.control import Control
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.explained import question_of
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.prediction import Prediction

BASE = 0x100_0000
"""Where memory is mapped on a machine, if the question does not say it: a multiple of 2 MiB."""


def drawn(name: str, number: int = 30) -> Iterator[Alike]:
    return (ALIKE[name](Draws(f"test|{name}|{seed}")) for seed in range(number))


def said(one: Alike) -> str:
    return written(one.answer, one.kind, one.options)


def numbers(text: str) -> list[int]:
    """The numbers of a text, those in hexadecimal too."""
    return [int(one.replace(",", ""), 0) for one in re.findall(r"0x[0-9a-fA-F_]+|\d[\d,]*\d|\d", text)]


def bounds(text: str) -> object:
    base, limit, address = numbers(text)
    reached = lab.attempt(vm.BaseAndBounds(base, limit).translate, address)
    return (
        "nothing: a fault" if isinstance(reached, type(lab.attempt(vm.boot, ""))) else f"physical {vm.Address(reached)}"
    )


def linear(text: str) -> object:
    bits, page, width = (numbers(part)[0] for part in re.split("bits, |and ", text))
    machine = vm.paper(va=bits, page=page * vm.KIB, levels=1, entry=width)
    return machine.pages * width


def tables_of(*ranges: tuple[int, int], name: str = "x86", large: bool = False) -> Any:
    return compare_formats(ranges, name, large=large).value.formats[0]


def tree(text: str) -> object:
    _, low, _, high = numbers(text)
    return tables_of((low, 16 * vm.PAGE), (high, 16 * vm.PAGE)).tables


def index(text: str) -> object:
    return vm.boot("x86").task("t").walk(numbers(text)[0]).steps[0].index


def pieces(text: str) -> object:
    *free, size = numbers(text)
    return "yes, in the largest piece" if max(free) >= size else "no, though enough is free"


def cut(text: str) -> object:
    holes, _, size = (numbers(text)[0], 0, 32)
    space = vm.boot("x86-64").task("t").map
    space.enter(size * vm.PAGE, at=BASE)
    before = len(space)
    for hole in range(holes):
        space.remove(BASE + (3 + 4 * hole) * vm.PAGE, size=vm.PAGE)
    return len(space) - before


def touched(text: str) -> object:
    size, before = numbers(text)
    task = vm.boot("x86-64").task("t")
    task.mmap("64 KiB", at=BASE, flags="private fixed")
    task.write(BASE + vm.PAGE - before, b"x" * size)
    return task.resident // vm.PAGE


def first_fit(text: str) -> object:
    *gaps, wanted = numbers(text)
    space = vm.boot("x86-64").task("t").map
    space.enter(BASE, at=0, fixed=True, prot="none")
    places, at = {}, BASE
    for gap in gaps:
        places[at] = f"in the gap of {gap} page{'s' * (gap > 1)}"
        at += gap * vm.PAGE
        space.enter(vm.PAGE, at=at, fixed=True, prot="none")
        at += vm.PAGE
    return places.get(int(space.enter(wanted * vm.PAGE)), "after all of them")


def rotations(text: str) -> object:
    space = vm.boot("x86-64").task("t").map
    for address in numbers(text):
        space.enter(vm.PAGE, at=address, fixed=True)
    return space.machine.journal.last.rotations


def offset(text: str) -> object:
    _, page, _ = numbers(text)
    machine = vm.boot("x86-64")
    space = machine.task("t").map
    at = space.enter("64 KiB", object=machine.object("thing"))
    space.remove(at + page * vm.PAGE, size=vm.PAGE)
    return space.lookup(at + (page + 1) * vm.PAGE).offset


def slot(text: str) -> object:
    area, number, _ = numbers(text)
    machine = vm.boot("x86-64")
    entries = sorted(
        machine.kernel_map.lookup(machine.kernel_map.enter(vm.PAGE, nomerge=True)).address for _ in range(50)
    )
    first = [
        one
        for one in {*entries, *(one.address for one in machine.kernel_map)}
        if 0 <= one - machine.kentry.start < 4096
    ]
    return sorted(first)[number] - machine.kentry.start + area


def far_away(text: str) -> object:
    first, second = (one for one in numbers(text) if one >= 0x40_3000)
    one, both = (
        tables_of(*((at, vm.PAGE) for at in places), name="x86-64").tables for places in ([first], [first, second])
    )
    return both - one


def split(text: str, name: str = "x86-64", page: str = "2 MiB") -> object:
    size = next(one for one in numbers(text) if one != 7)
    viewer = vm.boot(name).task("t")
    at = viewer.map.enter(f"{size} MiB", at=BASE, object=viewer.machine.object("film"))
    viewer.map.superpages(at, size=f"{size} MiB", page=page)
    viewer.map.protect(at + size // 2 * vm.MIB + vm.PAGE, size=vm.PAGE, prot="r")
    return len(viewer.tables.descriptors(at, f"{size} MiB"))


def sections(text: str) -> object:
    return split(text, "armv7", "1 MiB")


def code(text: str) -> object:
    machine = vm.boot("x86-64")
    task = machine.task("t")
    at = task.map.enter("16 KiB", at=BASE, object=machine.object("data"))
    task.map.wire(at, size="8 KiB")
    task.map.protect(at, size=vm.PAGE, prot="r")
    place = at + 2 * vm.PAGE if "not present" in text else machine.kmem_malloc(vm.PAGE) if "only for" in text else at
    access = "write" if "writes" in text else "read"
    return machine.walk(place, access, user=text.startswith("User"), task=task).fault.code


def above(text: str) -> object:
    size, pages = numbers(text)[:2]
    machine = vm.boot("x86-64", ram="128 MiB")
    task = machine.task("t")
    p = task.map.enter(f"{size} MiB", at=BASE, object=machine.object("data"))
    task.map.superpages(p, size=f"{size} MiB", page="2 MiB")
    task.map.protect(p + vm.PAGE, size=vm.PAGE, prot="r")  # the large page becomes a table
    pde = task.walk(p).steps[-2]
    machine.set_descriptor(pde.pa, pde.value & ~2)
    assert pages == size * vm.MIB // vm.PAGE
    ends = range(p, p + size * vm.MIB, 64 * vm.PAGE)  # all pages in 256 KiB are alike, but for the read-only one
    return 64 * sum(task.walk(page, "write").ok for page in ends)


def touches(text: str) -> object:
    step = numbers(text)[0]
    machine = vm.boot("x86-64")
    task = machine.task("t")
    b = task.mmap("1 MiB")
    for number in range(10):
        task.write(b + number * step, b"x")
    return machine.fault_count


def frames(text: str) -> object:
    way = re.findall("eager|counted|shadow", text)[0]
    pages, *more = numbers(text)
    machine = vm.boot("x86-64", fork=way)
    parent = machine.task("parent")
    at = parent.mmap(pages * vm.PAGE, flags="private populate")
    child = parent.fork("child")
    for task in (child, parent):
        for page in range(more[0] if more else 1):
            task.write(at + page * vm.PAGE, b"x")
    if "exits" in text:
        child.exit()
    return machine.frame_count


def fifo(text: str) -> object:
    memory: list[int] = []
    faults = 0
    for page in numbers(text):
        if page not in memory:
            faults += 1
            memory = [*memory[-2:], page]
    return faults


def lru(text: str) -> object:
    _, *string, frames, _ = numbers(text)
    memory: list[int] = []
    faults = 0
    for page in string:
        faults += page not in memory
        memory = [*(one for one in memory if one != page), page][-frames:]
    return faults


def cause(text: str) -> object:
    return {12: "fetch an instruction", 13: "a load", 15: "a store"}[numbers(text)[0]]


def large(text: str) -> object:
    size, start = numbers(text)[:2]
    task = vm.boot("x86-64").task("t")
    task.map.enter(f"{size} MiB", at=start * vm.MIB, object=task.machine.object("data"))
    ends = [one * 2 * vm.MIB for one in range(20)]
    return sum(start * vm.MIB <= at and at + 2 * vm.MIB <= (start + size) * vm.MIB for at in ends)


def nested(text: str) -> object:
    """Each guest address is walked in the host's tables, and each guest table is read once."""
    guest, host = numbers(text)[:2]
    reads = 0
    for level in range(guest + 1):
        reads += host + (level < guest)
    return reads


MACHINES: dict[str, Callable[[str], object]] = {
    "00/bounds": bounds, "00/linear": linear, "00/tree": tree, "00/index": index, "00/pieces": pieces,
    "01/cut": cut, "01/touched": touched, "01/first-fit": first_fit, "02/inner-grandchild": rotations,
    "03/offset": offset, "04/next-slot": slot, "06/far-away": far_away, "06/split": split, "06/code": code,
    "06/above": above, "07/split": sections, "08/touches": touches, "08b/eager": frames, "08b/counted": frames,
    "08b/shadow": frames, "08/left": frames, "11/paper": fifo, "11/loop": lru, "12/cause": cause,
    "beyond/large": large, "beyond/nested": nested,
}  # fmt: skip  # a prediction each


@pytest.mark.parametrize("name", ALIKE)
def test_the_answer_is_what_happens(name: str) -> None:
    different = {one.text: one for one in drawn(name)}
    for text, one in list(different.items())[:12]:
        assert said(one) == written(MACHINES[name](text), one.kind, one.options), text
    assert len(different) > 2


@pytest.mark.parametrize("name", ALIKE)
def test_it_is_a_question_that_a_lab_asks_with_answers_of_its_kind(name: str) -> None:
    assert question_of(name)
    assert known_mistakes()[name]
    for one in drawn(name):
        assert len(set(one.options)) == len(one.options)
        assert one.worked and max(map(len, [one.text, *one.worked])) < 500


def asked(name: str = "06/split", answer: int = 515, happened: int = 515) -> Control:
    prediction = lab.predict(id=name, kind="number", answer=answer)
    control = Control(prediction)
    prediction.compare(happened)
    return control


def send(control: Control, kind: str, value: str = "") -> dict[str, Any]:
    control._handle_custom_msg({"type": kind, "value": value}, [])
    return dict(control.another)


def right(control: Control) -> int:
    return numbers(control.another["text"])[1] + 511


def test_it_is_offered_once_the_outcome_is_shown_after_right_and_wrong_answers() -> None:
    prediction = lab.predict(id="06/split", kind="number")
    control = Control(prediction)
    assert control.another == {}
    prediction.compare(515)
    assert control.another == {}, "the outcome is closed"
    prediction.say(515)
    assert (control.another["offer"], control.another["text"]) == ("Another one like this", "")


def test_before_the_outcome_a_page_gets_none() -> None:
    control = Control(lab.predict(id="06/split", kind="number"))
    assert (send(control, "another"), send(control, "try", "515")) == ({}, {})


@pytest.mark.parametrize("name", ["05/patience", "03/who-remains", "10/share"])
def test_a_question_whose_answer_no_number_changes_has_none(name: str) -> None:
    assert asked(name).another == {}


def test_a_courses_own_question_has_none() -> None:
    prediction = lab.predict("How many descriptors?", id="06/split", kind="number", answer=515)
    prediction.compare(515)
    assert Control(prediction).another == {}


@pytest.mark.parametrize("name", ALIKE)
def test_no_answer_can_be_copied_from_the_one_before(name: str) -> None:
    first = next(drawn(name))
    prediction = Prediction(name, "?", first.kind, first.options, in_text=True)
    prediction.say(said(first))
    prediction.compare(said(first))
    control, answers = Control(prediction), [said(first)]
    for _ in range(6):
        assert send(control, "another")["text"]
        answers.append(control._another._answer)
    assert all(one != other for one, other in pairwise(answers))


def test_a_right_answer_is_told_and_a_wrong_one_may_be_tried_again() -> None:
    control = asked()
    send(control, "another")
    assert "Try again" in send(control, "try", "515")["said"]
    assert control.another["steps"] == []
    assert "right" in send(control, "try", str(right(control)))["said"]
    assert control.another["steps"] == []


def test_the_second_miss_shows_the_steps_and_a_wrong_prediction_is_the_first() -> None:
    control = asked()
    send(control, "another")
    send(control, "try", "1")
    assert len(send(control, "try", "2")["steps"]) == 3
    assert str(right(control)) in control.another["said"]
    after_a_miss = asked("06/far-away", answer=4, happened=3)
    send(after_a_miss, "another")
    assert send(after_a_miss, "try", "7")["steps"]
    send(after_a_miss, "another")
    assert send(after_a_miss, "try", "7")["steps"] == [], "each question begins anew"


@pytest.mark.parametrize("value", ["", "many"])
def test_what_is_no_answer_is_no_miss(value: str) -> None:
    control = asked()
    send(control, "another")
    for _ in range(3):
        assert send(control, "try", value)["steps"] == []
    assert "write" in control.another["said"]


def test_nothing_of_it_is_kept_and_no_machine_is_made() -> None:
    control = asked()
    before = control._prediction.data(), repr(lab.predictions), vm.boot().name
    send(control, "another")
    send(control, "try", "1")
    after = control._prediction.data(), repr(lab.predictions)
    assert after == before[:2]
    assert int(vm.boot().name.split()[-1]) == int(before[2].split()[-1]) + 1


def test_the_same_questions_come_in_each_kernel() -> None:
    first, second = asked(), asked()
    assert [send(first, "another")["text"] for _ in range(3)] == [send(second, "another")["text"] for _ in range(3)]
