"""A picture's steps are those in which it changes: none draws what the one before drew, and none is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, says
from tests.views.domains import machine_life
from tests.views.test_past_lives import Life, entries, families, operations, processors, threads
from vmwidgets.engine.base.journal import Operation
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.step import Step

LONG = 400
"""Events of an operation beyond which it is left out here: each of its moments is drawn."""


def drawn(scene: Scene) -> tuple[Any, ...]:
    """What is seen of a picture beside its caption and its controls."""
    return scene.title, scene.subtitle, scene.nodes, scene.links, scene.marks


def pictures(machine: vm.Machine) -> Iterator[Picture]:
    """One picture of each part of a machine."""
    known = known_pictures()

    def of(name: str, thing: Any) -> Picture:
        return known[name](thing)

    for name in ("Map", "Tree", "EntryList", "Ribbon"):
        yield of(name, machine.kernel_map)
    for name in (
        "Kmem",
        "Kentry",
        "Frames",
        "Slabs",
        "Threads",
        "Objects",
        "Clock",
        "Tlb",
        "Dashboard",
        "Tables",
    ):
        yield of(name, machine)
    yield of("Fault", machine)
    yield from made_of_functions(machine)
    yield known["Dashboard"](machine, panes="translation")
    yield of("Walk", machine.walk(int(machine.kernel_map.start) + 5 * vm.PAGE))
    for task in list(machine.tasks.values())[:1]:
        for name in ("Map", "Tables", "Objects", "Fault"):
            yield of(name, task)
        for entry in task.map.entries()[:1]:
            yield of("Walk", machine.walk(entry.start, task=task))
    for domain in list(machine.domains.values())[:1]:
        yield of("Domain", domain)


def made_of_functions(machine: vm.Machine) -> Iterator[Picture]:
    """The pictures of a machine that are one function each, others' too: nobody lists them here."""
    for kind in known_pictures().values():
        if kind.__init__.__module__ == "vmwidgets.pictures.registry":
            with suppress(vm.Refused):
                yield kind(machine)


def faults_of_steps(picture: Picture, operation: Operation, places: list[int]) -> Iterator[tuple[str, int]]:
    """Steps that draw the same as before ("still"), and moments between steps that draw otherwise ("missing").

    Steps that are joined to at most nine are each one of `every`.
    """

    def at(place: int) -> tuple[Any, ...]:
        picture.moment = When(operation.serial, None if place == AFTER else place)
        return drawn(picture.scene())

    steps = picture.scene().steps
    assert len(steps.places) <= 1 + 9 + 1
    own = {*steps.places, *steps.every}
    before = at(0)
    for place in places:
        if place > 0:
            now = at(place)
            if (now == before) is (place in own):
                yield "still" if place in own else "missing", place
            before = now


LIVES: list[tuple[Callable[[str, int], Life], int]] = [
    (operations, 8), (threads, 8), (entries, 4), (processors, 14), (families, 14),
]  # fmt: skip


OTHERS: list[tuple[Callable[[str, int], Life], int, str, int]] = [
    (families, 6, "riscv-sv39", 100), (families, 6, "aarch64", 104), (threads, 6, "riscv-sv39", 104),
    (threads, 6, "armv7", 104), (operations, 6, "riscv-sv39", 103), (operations, 6, "armv7", 102),
]  # fmt: skip  # in each, a picture had such a step when events were listed by hand


def faults_of_life(
    get: Callable[[], vm.Machine], act: Callable[[], object], count: int, steps: Counter[str]
) -> Iterator[tuple[str, ...]]:
    """Each fault of the `steps` of all pictures in so many operations: picture, operation, what, and the sentence."""
    for _ in range(3 * count):
        before = len(get().journal)
        act()
        machine = get()
        operation = machine.journal.last
        if len(machine.journal) <= before or len(operation.events) > LONG:
            continue
        story = known_pictures()["Frames"](machine).at().moment.story.steps
        said = {step.index + 1: step.sentence for step in story}
        for picture in pictures(machine):
            for what, place in faults_of_steps(picture, operation, list(said)):
                yield type(picture).__name__, operation.name, what, said[place]
            steps[type(picture).__name__] += picture.steps
        count -= 1
        if not count or machine.dead:
            break


@pytest.mark.parametrize(("kind", "count"), LIVES)
def test_each_step_changes_the_picture_and_no_change_is_without_a_step(
    kind: Callable[[str, int], Life], count: int
) -> None:
    get, act = kind("x86-64", 1)
    steps: Counter[str] = Counter()
    assert list(faults_of_life(get, act, count, steps)) == []
    assert sum(steps.values()) > 5


@pytest.mark.parametrize(("kind", "count", "architecture", "seed"), OTHERS)
def test_so_it_is_on_other_processors(
    kind: Callable[[str, int], Life], count: int, architecture: str, seed: int
) -> None:
    assert list(faults_of_life(*kind(architecture, seed), count, Counter())) == []


@pytest.mark.parametrize("name", ["Domain", "Vnodes", "Capabilities", "SlabLevels"])
def test_what_a_domain_does_is_a_step_of_the_pictures_that_it_changes(name: str) -> None:
    domain = machine_life(2)
    machine = domain.machine
    picture = known_pictures()[name](domain)
    moved = 0
    for operation in list(machine.journal[1:])[-12:]:
        if len(operation.events) <= LONG:
            picture.moment = When(operation.serial)
            places = [step.index + 1 for step in picture.at().moment.story.steps]
            assert list(faults_of_steps(picture, operation, places)) == []
            moved += picture.steps
    assert moved


def test_what_a_write_shows_is_in_the_pictures_that_it_changes_and_in_no_other() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    place = task.mmap("8 KiB")
    task.write(place, b"x")
    known = known_pictures()
    for name in ("Threads", "Kmem", "Slabs"):
        assert known[name](machine).scene().steps.count == 0, name
    for name, thing in (("Walk", machine.walk(place, task=task)), ("Tables", task), ("Objects", task), ("Fault", task)):
        assert known[name](thing).scene().steps.count > 1, name


def test_many_steps_that_are_alike_are_one_that_can_be_opened() -> None:
    machine = vm.boot("x86-64")
    machine.read_file("film", "1 MiB")
    picture = known_pictures()["Frames"](machine)
    steps = picture.scene().steps
    assert steps.count < 12
    assert len(steps.every) == 1 + 256 + 1, "before, a step for each page, and after"
    said = [row[0] for row in steps.said]
    assert fields_of("kmem events: Alike", said[-2])["count"] == "506"
    told = [step.sentence for step in Moment(machine.journal.last).story.every_step]
    serial = machine.journal.last.serial
    for place in steps.every[100:104]:
        picture.moment = When(serial, place)
        assert picture.scene().caption.text == told[[step.index + 1 for step in _every(machine)].index(place)]
    explanation: Any = machine.journal.last.explain()
    assert len(repr(explanation).splitlines()) < 20
    assert len(explanation.whole.story.steps) == len(told)
    assert explanation.whole.story.every_step == explanation.story.every_step


def _every(machine: vm.Machine) -> tuple[Step, ...]:
    return Moment(machine.journal.last).story.every_step


def test_a_joined_step_says_what_was_joined_before_what_it_is() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for number in range(12):
        space.enter("4 KiB", at=0x10_0000 + number * 0x4000, fixed=True)
    space.remove(0x10_0000, size=9 * 0x4000)
    picture = vm.Map(space)
    steps = picture.scene().steps
    captions = {}
    for place in steps.every:
        picture.moment = When(machine.journal.last.serial, place)
        captions[place] = picture.scene().caption
    rotated = 0
    for (first, place), (said, _) in zip(pairwise(steps.places[:-1]), steps.said, strict=False):
        joined = [captions[one] for one in steps.every if first < one < place]
        caption = captions[place]
        assert joined[-1].text in caption.reason
        assert said.partition(joined[-1].text)[2].strip() == caption.text, "in the order in which it happened"
        assert {one.reason for one in joined} == {""}, "each alone skips nothing"
        rotated += says("map events: TreeRotated/left", caption.reason)
    assert rotated, "a rotation is never unsaid because another step ended later"


@pytest.mark.parametrize("act", ["take_pages", "populate", "read_file"])
def test_what_is_folded_leaves_out_no_step_and_keeps_their_order(act: str) -> None:
    machine = vm.boot("x86-64")
    if act == "take_pages":
        machine.take_pages(482)
    elif act == "populate":
        machine.task("init").mmap("8 MiB", flags="private|populate")
    else:
        machine.read_file("film", "1 MiB")
    story = Moment(machine.journal.last).story
    assert len(story.steps) < 60 < len(story.every_step)
    indices = [step.index for step in story.every_step]
    assert indices == sorted(set(indices))
    assert all(step.index == step.inside[-1].index for step in story.steps if step.inside)


def _fault_of_one_of_many_pages() -> tuple[vm.Machine, str]:
    task = vm.boot("x86-64").task("init")
    place = task.mmap("256 KiB")
    for page in range(12):
        task.write(place + page * vm.PAGE, b"x")
    return task.machine, "Sharing"


def _promise() -> tuple[vm.Machine, str]:
    task = vm.boot("x86-64").task("init")
    task.mmap("8 KiB")
    return task.machine, "Sharing"


def _eviction_from_the_smaller_ring() -> tuple[vm.Machine, str]:
    machine = vm.boot("x86-64")
    machine.swap_on("1 MiB")
    for name, pages in (("large", 4), ("small", 2)):
        task = machine.task(name)
        task.limit("rss", pages * vm.PAGE)
        place = task.mmap("64 KiB")
        for page in range(pages + 1):
            task.write(place + page * vm.PAGE, b"x")
    return machine, "Clock"


def _first_search_of_a_map() -> tuple[vm.Machine, str]:
    task = vm.boot("x86-64").task("init")
    task.map.enter("4 KiB")
    return task.machine, "Ribbon"


@pytest.mark.parametrize(
    "act", [_fault_of_one_of_many_pages, _promise, _eviction_from_the_smaller_ring, _first_search_of_a_map]
)
def test_what_is_not_drawn_is_no_step_and_what_is_drawn_is_one(act: Callable[[], tuple[vm.Machine, str]]) -> None:
    machine, name = act()
    operation = machine.journal.last
    picture = known_pictures()[name](machine.tasks["init"].map if name == "Ribbon" else machine)
    places = [step.index + 1 for step in picture.at().moment.story.steps]
    assert list(faults_of_steps(picture, operation, places)) == []


@pytest.mark.parametrize("cut", ["protect", "remove", "wire"])
def test_an_entry_cut_in_the_middle_is_a_step_of_what_it_changes(cut: str) -> None:
    machine = vm.boot()
    for prot in ("rw", "r", "rw"):
        machine.kernel_map.enter("16 KiB", prot=prot)
    inside = machine.kernel_map.enter("64 KiB") + 2 * vm.PAGE
    does = {"protect": {"prot": "r"}, "remove": {}, "wire": {}}[cut]
    getattr(machine.kernel_map, cut)(inside, size=vm.PAGE, **does)
    operation = machine.journal[-1]
    places = [step.index + 1 for step in vm.Kentry(machine).at().moment.story.steps]
    for picture in pictures(machine):
        assert list(faults_of_steps(picture, operation, places)) == [], type(picture).__name__
