"""Lives of machines whose every name is of a script of its own, or very long, and numbers that are none."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import vmwidgets as vm
from tests.views.gallery import NAMES
from vmwidgets.views.scene.text import visible

from . import court  # noqa: F401  # which makes claims
from .claiming import Court, heard_of
from .pictured import pictures_of
from .reading import PAGE

SCRIPTS = {
    "Arabic": "ذاكرة افتراضية",
    "Hebrew": "זיכרון וירטואלי",
    "Devanagari": "आभासी स्मृति",
    "Chinese": "虛擬記憶體",
    "emoji with joiners": "👩‍👩‍👧 🏳️‍🌈",
    "combining marks": "Z͑ͫ̓ͪ̂ͫ̽͏",
    "bidi controls": "\u202eright\u202c \u2066left\u2069 \u200f",
    "braces": "{count} {0} <svg> & [x] 100%",
    **{f"long, {which}": name.strip() for which, name in NAMES.items()},
}
"""Names of a learner's, by what they are."""

PLAIN = "Ordinary-name"
NUMBER = float("nan")
ENDLESS = "é" * 100_000


def named(name: str) -> Iterator[Any]:
    """A machine whose task, file, object, thread, map and domain have the name, after each operation."""
    machine: Any = vm.boot("x86-64", layout="small", ram="16 MiB")
    machine.name = name
    machine.swap_on(16 * PAGE)
    yield machine
    task = machine.task(name)
    yield machine
    file = machine.file(name, b"text" * 2000)
    yield machine
    start = int(task.mmap(4 * PAGE, "rw", "private", file))
    yield machine
    child: list[Any] = []
    acts: list[Callable[[], object]] = [
        lambda: task.write(start, b"own" * 2000),
        lambda: child.append(task.fork(f"{name[:190]}2")),
        lambda: child[0].write(start + PAGE, b"its"),
        lambda: child[0].page_out(start, 2 * PAGE),
        lambda: task.read(start, PAGE),
        lambda: machine.object(f"{name[:190]}3"),
        lambda: task.map.enter(2 * PAGE, object=f"{name[:190]}3"),
        lambda: task.read(0x7000_0000, 1),
        lambda: machine.spawn(lambda: machine.tsleep(name, name, 3), name=name),
        machine.run,
        lambda: machine.kmem_suballoc(16 * PAGE, name.replace("/", "-")),
        lambda: machine.kmem_malloc(2 * PAGE),
        lambda: machine.read_file(name, 3 * PAGE),
        lambda: machine.domain(f"{name[:190]}4").frame(),
        lambda: task.munmap(start, 2 * PAGE),
        task.exit,
    ]
    for act in acts:
        before = len(machine.journal)
        with suppress(vm.VMError):
            act()
        if len(machine.journal) > before:
            yield machine


def said_and_drawn(name: str) -> list[str]:
    """What is said in such a life; a picture after each operation is drawn as text and as SVG."""
    said: list[str] = []
    for turn, machine in enumerate(named(name)):
        heard = heard_of(machine.journal.last)[1]
        said += [sentence for key, sentence in heard if key != "headlines: detail"]  # an error's: paths are as in calls
        for _, picture in pictures_of(machine, turn):
            assert picture.to_text()
            ET.fromstring(picture.to_svg())
    return [one.replace("/", "-") for one in said]


@pytest.fixture(scope="module")
def plain() -> list[str]:
    """What is said where the name is a plain one, each sentence held against the machine."""
    judge = Court()
    for machine in named(PLAIN):
        judge.hear(machine)
    assert judge.wrong == []
    return said_and_drawn(PLAIN)


def scripts() -> Iterator[Any]:
    """The names: some of them always, all in the sweep."""
    for which in SCRIPTS:
        marks = () if which in ("Arabic", "bidi controls") else pytest.mark.sweep
        yield pytest.param(SCRIPTS[which][:150].strip(), id=which, marks=marks)


@pytest.mark.parametrize("name", list(scripts()))
def test_of_every_name_the_same_is_said(name: str, plain: list[str]) -> None:
    assert said_and_drawn(name) == [one.replace(PLAIN, visible(name).replace("/", "-")) for one in plain]


@pytest.mark.parametrize("which", ["Hebrew", "Devanagari", "Chinese", "combining marks"])
@pytest.mark.sweep
def test_what_is_said_of_it_is_so(which: str) -> None:
    judge = Court()
    for machine in named(SCRIPTS[which]):
        judge.hear(machine)
    assert judge.wrong == []


@pytest.mark.sweep
def test_so_it_is_in_a_long_life(plain: list[str]) -> None:
    draws, letters = random.Random(28), sorted({*"".join(SCRIPTS.values())} - {" "})
    for _ in range(150):
        name = "".join(draws.choices(letters, k=draws.randrange(1, 150)))
        assert said_and_drawn(name) == [one.replace(PLAIN, visible(name).replace("/", "-")) for one in plain], name


def calls(machine: Any) -> dict[str, Callable[[Any], object]]:
    """Calls that ask for a number or for a name, and are given another thing."""
    task = machine.tasks["init"]
    return {
        "mmap": task.mmap,
        "read": lambda given: task.read(given, 1),
        "length": lambda given: task.read(0x40_0000, given),
        "brk": task.brk,
        "enter": task.map.enter,
        "protect": lambda given: task.map.protect(given, size=PAGE, prot="r"),
        "kmem_malloc": machine.kmem_malloc,
        "take_pages": machine.take_pages,
        "tick": machine.tick,
        "swap_on": machine.swap_on,
        "read_ahead": machine.read_ahead,
        "store": lambda given: machine.cpus[0].store(given, b"x"),
        "set_descriptor": lambda given: machine.set_descriptor(given, 0),
    }


NAMED = ("task", "object", "domain", "wakeup")


@pytest.fixture(scope="module")
def machine() -> Any:
    machine: Any = vm.boot("x86-64", layout="small", ram="16 MiB")
    machine.task("init").mmap(4 * PAGE, "rw", at=0x40_0000)
    return machine


def is_refused(machine: Any, call: Callable[[], object]) -> None:
    """The call is refused with one sentence that can be read, and nothing is done."""
    before, done = machine.system.copy(), len(machine.journal)
    with pytest.raises((vm.VMError, ValueError, TypeError)) as refused:
        call()
    told = str(refused.value)
    assert told and "\n" not in told and len(told) < 500
    assert len(machine.journal) == done
    assert machine.system.copy() == before


@pytest.mark.parametrize("name", ["mmap", "read", "length", "brk", "enter", "protect", "kmem_malloc", "take_pages",
                                  "tick", "swap_on", "read_ahead", "store", "set_descriptor"])  # fmt: skip  # a list
def test_what_is_no_number_is_refused_and_changes_nothing(machine: Any, name: str) -> None:
    is_refused(machine, lambda: calls(machine)[name](NUMBER))


@pytest.mark.parametrize("name", NAMED)
def test_so_is_a_name_without_end(machine: Any, name: str) -> None:
    is_refused(machine, lambda: getattr(machine, name)(ENDLESS))
