"""The moment that pictures share: its places, its words, and what is past and what is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.engine.machine.random_door import Walker
from tests.views.domains import machine_life
from tests.views.lives import Life
from vmwidgets import events as ev
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.kernel.map.map_schema import Entries
from vmwidgets.pictures.at import ranges_of
from vmwidgets.pictures.moments import When, look_at
from vmwidgets.views.domain.picture import steps_of_domain
from vmwidgets.views.scene.model import AFTER
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, where


def having(*kinds: type[ev.Event]) -> Mine:
    """The stages with an event of one of these kinds."""
    return where(lambda stage: any(isinstance(event, kinds) for event in stage.events))


PICTURES: list[Mine] = [
    having(ev.EntryLinked, ev.EntryUnlinked, ev.TreeRotated), having(ev.PageAllocated, ev.PageFreed, ev.BlockSplit),
    having(ev.BufferAllocated, ev.BufferFreed), having(ev.PteWritten, ev.TlbFilled), steps_of_domain("life"),
]  # fmt: skip


def operations() -> Iterator[tuple[vm.Machine, Operation]]:
    """Operations of all parts of machines, that live at random."""
    for architecture in ("x86-64", "armv7"):
        walker = Walker(architecture, 5)
        for _ in range(60):
            walker.step()
            yield walker.machine, walker.machine.journal.last
    life = Life(3)
    for _ in life.go_on(60):
        yield life.machine, life.machine.journal.last
    domain = machine_life(2)
    for operation in domain.machine.journal[1:]:
        yield domain.machine, operation


LIVED = list(operations())

T = TypeVar("T")


def some(many: Sequence[T]) -> Sequence[T]:
    """A few of many, the first and the last among them."""
    return many if len(many) < 60 else [*many[:20], *many[20 : -20 : len(many) // 20], *many[-20:]]


@pytest.mark.parametrize("mine", PICTURES)
def test_each_place_of_a_picture_is_reached_by_its_number_and_by_its_index(mine: Mine) -> None:
    reached = 0
    for _, operation in LIVED:
        after = Moment(operation)
        steps = after.steps(mine)
        assert len(steps.places) == steps.count + 1
        assert (steps.index, steps.places[-1]) == (steps.count, AFTER)
        assert steps.count != 1, "one step has the picture before it, with it, and after the operation"
        for index, place in some(list(enumerate(steps.places))):
            moment = after.at(place)
            assert moment == Moment(operation, None if place == AFTER else place)
            assert moment.steps(mine).index == index
            reached += 1
    assert reached > 200


def test_places_rise_and_each_has_a_step_of_the_story() -> None:
    for _, operation in LIVED:
        after = Moment(operation)
        places = [step.index + 1 for step in after.story.steps]
        assert places == sorted(set(places))
        for step in some(after.story.steps):
            moment = after.at(step.index + 1)
            assert moment.caption.text == step.sentence
            assert moment.so_far[-1] in (step.event, operation.events[step.index])


def test_before_the_first_event_it_is_before_the_operation_and_after_all_its_headline_is_said() -> None:
    for _, operation in LIVED:
        first = saying("moments: left out") if operation.truncated else saying("moments: before")
        assert Moment(operation, 0).caption.text == first
        assert Moment(operation).caption == Moment(operation).story.headline


def test_what_is_past_and_what_is_so_far_are_all_events_between_them() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.enter("16 KiB")
    operation = machine.journal.last
    value = machine.kernel_map.value()
    places = [0, *(step.index + 1 for step in Moment(operation).story.steps), len(operation.events)]
    for done in places:
        new = Entries.reported(Moment(operation, done).so_far).new("kernel_map")
        assert look_at(machine.kernel_map, Moment(operation, done)).now.nr_entries == 3 + len(new)
    assert {*Entries.reported(operation.events).new("kernel_map")} == {
        entry.id for entry in value.entries if not entry.role
    }


def test_two_pictures_at_one_moment_say_the_same() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    machine.kmem_malloc("12 KiB")
    operation = machine.journal.last
    pictures = vm.Kmem(machine), vm.Frames(machine), vm.Map(machine.kmem.maps["kmem_map"])
    shared = 0
    for place in pictures[0].scene().steps.places[1:-1]:
        said = {Moment(operation, place, ranges_of(machine)).caption.text}
        for picture in pictures:
            picture.moment = When(operation.serial, place)
            scene = picture.scene()
            shared += place in scene.steps.places
            said |= {scene.caption.text} if place in scene.steps.places else set()
        assert len(said) == 1, said
    assert shared > len(pictures[0].scene().steps.places[1:-1])


def test_pictures_and_steps_of_one_operation_share_its_story_and_others_have_their_own() -> None:
    machine = vm.boot("x86-64")
    pictures = [vm.Map(machine.kernel_map), vm.Tree(machine.kernel_map), vm.Tree(machine.kernel_map)]
    stories = []
    for _ in range(3):
        machine.kernel_map.enter(vm.PAGE)
        last = When(machine.journal.last.serial)
        moments = [picture.at(when).moment for picture in pictures for when in (None, last._replace(done=3))]
        assert len({id(moment.story) for moment in moments}) == 1
        assert [moment.done for moment in moments[:2]] == [None, 3]
        stories.append(moments[0].story)
    machine.undo()
    before, now = When(machine.journal.last.serial - 1), None
    assert [pictures[0].at(when).moment.story for when in (before, now)] == stories[:2]
    other = vm.boot("x86-64")
    assert vm.Map(other.kernel_map).at().moment.story.headline != stories[1].headline


def test_a_story_that_is_kept_keeps_no_machine() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter(vm.PAGE)
    vm.Map(machine.kernel_map).to_svg()
    there = weakref.ref(machine.system.maps["kernel_map"])
    del machine
    gc.collect()
    assert there() is None


def test_pictures_that_cannot_be_of_the_inside_show_the_end_and_say_what_the_operation_did() -> None:
    machine = vm.boot("x86-64", layout="small")
    pictures = [vm.Map(machine.kernel_map), vm.Tree(machine.kernel_map)]
    machine.kernel_map.enter("16 KiB")
    ends = [picture.scene() for picture in pictures]
    assert all(scene.steps.count for scene in ends)
    machine.system.pages.allocate(owner="me")
    assert machine.journal.incomplete
    for picture, end in zip(pictures, ends, strict=True):
        picture.moment = (machine.journal.last.serial, 1)
        scene = picture.scene()
        assert scene.steps.count == 0
        assert scene.caption.text == end.caption.text


def test_an_entry_that_is_not_known_is_called_by_its_number() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.kernel_map.lookup(machine.kernel_map.start)
    operation = machine.journal.last
    assert any("entry 1" in step.sentence for step in Moment(operation).story.steps)
    named = [step.sentence for step in Moment(operation, ranges=ranges_of(machine)).story.steps]
    assert named
    assert not any("entry 1" in text for text in named)
    assert any(str(machine.kernel_map.start) in text for text in named)
