"""The film of a picture: what a page needs to step by itself."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from tests.views import gallery
from tests.widgets.film import played
from tests.widgets.page import HELLO, draw, export, replies, seek
from vmwidgets.engine.base.journal import RUNNING
from vmwidgets.pictures.at import At
from vmwidgets.pictures.film import MOST, Film, film_of, frame_of, places_of
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import AFTER, Scene, Steps
from vmwidgets.views.scene.twin import table_twin
from vmwidgets.widgets.host.films import Films, films
from vmwidgets.widgets.host.packing import pack_table, unpack, unpack_text
from vmwidgets.widgets.host.view import View


def machine_with_steps() -> Any:
    machine = vm.boot("x86-64")
    for rights in ("rw", "r", "rw"):
        machine.kernel_map.enter("16 KiB", prot=rights)
    return machine


def frames_of(film: Film, base: Scene) -> list[dict[str, Any]]:
    """All drawings of a film, as a page makes them of the one that it has."""
    return played(film.encode(), frame_of(base))


def sent_film(view: View) -> dict[str, Any]:
    """The film that a page has of the frame that it has."""
    assert view.film["seq"] == view.frame["seq"]
    film: dict[str, Any] = json.loads(unpack_text(view.film["data"], view.frame["data"]))
    return film


def make_all() -> None:
    while films.make():
        pass


SECTIONS = [gallery.of_maps, gallery.of_tables, gallery.of_memory, gallery.of_objects, gallery.of_domains]


def pictures() -> Iterator[Picture]:
    for section in SECTIONS:
        yield from (picture for _, picture in section() if picture.machine is not None)


def test_of_one_drawing_and_the_differences_all_drawings_can_be_made() -> None:
    made = 0
    for picture in pictures():
        base, machine = picture.scene(), picture.machine
        assert machine is not None
        serial = machine.journal.serial(picture.operation)
        scenes = {}
        for place in base.steps.places:
            scenes[place] = picture.drawing(picture.at(When(serial, None if place == AFTER else place)))
        film = film_of(lambda done, scenes=scenes: scenes[AFTER if done is None else done], base)  # type: ignore[misc]
        if film is None:
            assert not base.steps.count or len(base.steps.places) > MOST
            continue
        made += 1
        wanted = [frame_of(scenes[place]) for place in film.places]
        assert frames_of(film, base) == wanted
        assert all(one != other for one, other in pairwise(wanted)), "each step is seen"
    assert made > 20


def test_the_film_begins_wherever_the_picture_is() -> None:
    machine = machine_with_steps()
    picture = vm.Map(machine.kernel_map)
    serial, places = machine.journal.last.serial, picture.scene().steps.places
    whole = [frame_of(picture.drawing(picture.at(When(serial, None if one == AFTER else one)))) for one in places]
    for place in places:
        picture.moment = When(serial, None if place == AFTER else place)
        base = picture.scene()
        at = picture.at(When(serial))
        film = film_of(lambda done, at=at: picture.drawing(picture.at(When(serial, done))), base)  # type: ignore[misc]
        assert film is not None
        assert film.places[film.base] == place
        assert frames_of(film, base) == whole


def test_of_very_many_steps_the_film_has_those_where_functions_begin() -> None:
    places = (*range(100), AFTER)
    assert places_of(Steps(100, 100, 1, places, (0, 40, 100))) == (0, 40, AFTER)
    assert places_of(Steps(100, 100, 1, places, tuple(range(101)))) == ()


def test_a_page_that_shows_a_picture_gets_its_film_when_nobody_waits() -> None:
    machine = machine_with_steps()
    view = vm.Map(machine.kernel_map)
    replies(view)
    make_all()
    assert not view.film, "nobody looks at it"
    replies(view, HELLO)
    assert not view.film, "the frame goes first"
    make_all()
    film = sent_film(view)
    assert tuple(film["places"]) == view.scene().steps.places
    assert film["number"] == view.operation


def test_a_step_that_the_page_has_made_is_one_word_to_it_and_all_pictures_go_along() -> None:
    machine = machine_with_steps()
    view, other = vm.Map(machine.kernel_map), vm.Dashboard(machine)
    for one in (view, other):
        replies(one, HELLO)
    make_all()
    number, place = view.operation, view.scene().steps.places[3]
    before = dict(view.frame), dict(other.frame)
    stand = seek(number, place, number)
    assert replies(view, stand) == []
    assert (view.step, view.moment) == (3, When(machine.journal.last.serial, place))
    draw(other)
    assert other.moment == view.moment
    assert (dict(view.frame), dict(other.frame)) == before, "the page has these drawings"
    assert view.spot == {"seq": view.frame["seq"], "when": {"place": place, "now": False}}
    assert other.spot["when"]["place"] == place
    index = sent_film(view)["places"].index(place)
    base = unpack(view.frame["data"])["scene"]
    steps = base.pop("steps")
    assert steps["count"] == len(steps["places"]) - 1
    assert played(sent_film(view), base)[index] == frame_of(view.scene())


def test_each_word_of_a_page_is_answered_even_if_the_picture_cannot_be_drawn() -> None:
    machine = machine_with_steps()
    view: Any = vm.Map(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    here = seek(view.operation, -1, view.operation)
    assert replies(view, here) == []
    assert view.spot["seq"] == view.seq, "a message to the page, too"
    assert replies(view, here) == [{"type": "unchanged"}]
    view._film, view.draw = None, lambda at: 1 // 0
    assert replies(view, here) == [{"type": "unchanged"}]
    assert "ZeroDivisionError" in view.status


def test_a_step_of_before_an_operation_does_not_hide_what_the_operation_did() -> None:
    machine = machine_with_steps()
    view = vm.Map(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    number, place = view.operation, view.scene().steps.places[3]
    machine.kernel_map.enter("4 KiB")  # while the page's word is under way
    assert replies(view, seek(number, place, number)) == [{"type": "unchanged"}]
    assert view.moment is None
    assert view.operation == number + 1


def test_a_page_that_cannot_read_the_film_gets_the_drawing() -> None:
    machine = machine_with_steps()
    view = vm.Map(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    number, place = view.operation, view.scene().steps.places[3]
    replies(view, seek(number, place))
    before = view.frame["seq"]
    assert view.spot["when"]["place"] == place
    replies(view, {**HELLO, "seq": -1})
    assert view.frame["seq"] > before
    assert unpack(view.frame["data"])["when"]["place"] == place


def test_that_a_page_cannot_read_the_film_is_heard_after_its_next_hello_too() -> None:
    """The second hello went by a shell of the kernel that was faster."""
    machine = machine_with_steps()
    view = vm.EntryList(machine.kernel_map)
    replies(view, {**HELLO, "seq": 1})
    make_all()
    assert view.film
    before = view.seq
    replies(view, seek(3, 0, 3))
    draw(view)
    assert view.seq == before, "a word is enough for a page with the film"
    replies(view, {**HELLO, "seq": before, "nth": 3}, {**HELLO, "seq": -1, "nth": 2})
    assert view.seq == before + 1
    assert unpack(view.frame["data"])["when"]["place"] == 0


def test_a_step_of_the_film_is_drawn_only_when_somebody_asks_for_more_than_the_page_has() -> None:
    machine = machine_with_steps()
    drawn: list[int | None] = []

    class Noted(vm.Map):
        def draw(self, at: At) -> Scene:
            drawn.append(at.done)
            return super().draw(at)

    view: Any = Noted(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    number = view.operation
    for place in view.scene().steps.places:
        drawn.clear()
        replies(view, seek(number, place, number))
        assert view.spot["when"].get("place", AFTER) == place
        assert not drawn, "the page has this drawing"
        told: list[Any] = []
        view.send = lambda content, buffers=None, told=told: told.append(unpack_text(bytes(buffers[0])))
        request = export("table", number, place)
        view._handle_msg({"content": {"data": {"method": "custom", "content": request}}, "buffers": []})
        assert [unpack_text(pack_table(table_twin(view.scene())))] == told
        assert drawn[0] == (None if place == AFTER else place)


def test_two_machines_side_by_side_are_drawn_again_after_an_operation_of_the_left_one() -> None:
    machine, other = machine_with_steps(), machine_with_steps()
    view: Any = vm.Map(machine.kernel_map).beside(vm.Map(other.kernel_map))
    replies(view, HELLO)
    make_all()
    before = unpack(view.frame["data"])["scene"]["nodes"]
    machine.kernel_map.enter("4 KiB")
    draw(view)
    assert unpack(view.frame["data"])["scene"]["nodes"] != before


def test_another_option_makes_another_film() -> None:
    machine = machine_with_steps()
    view = vm.Map(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    old = sent_film(view)
    view.width = 500
    draw(view)
    make_all()
    assert sent_film(view) != old
    assert len(played(sent_film(view), {**unpack(view.frame["data"])["scene"]})) == len(sent_film(view)["places"])


def test_a_film_that_is_the_same_is_not_sent_again() -> None:
    machine = machine_with_steps()
    view = vm.Map(machine.kernel_map)
    replies(view, HELLO)
    make_all()
    seen: list[Any] = []
    view.observe(seen.append, ["film", "frame"])
    replies(view, HELLO)
    view.changed()
    draw(view)
    make_all()
    assert seen == []


class FailingInside(vm.Map):
    """A learner's picture, which can be drawn after an operation and not in the middle of it."""

    def draw(self, at: At) -> Scene:
        if at.done is not None:
            raise ZeroDivisionError
        return super().draw(at)


def test_a_drawing_that_fails_ends_its_own_film_and_no_other() -> None:
    machine = machine_with_steps()
    failing, other = FailingInside(machine.kernel_map), vm.Map(machine.kernel_map)
    for one in (failing, other):
        replies(one, HELLO)
    make_all()
    assert not failing.film
    assert sent_film(other)["number"] == other.operation
    failing.step = 0
    draw(failing)
    assert failing.status.startswith("this picture could not be drawn: ZeroDivisionError")


class Filmed:
    """A picture without a machine, whose film is one drawing; the first attempt is stopped."""

    machine, wants_film = None, True

    def __init__(self) -> None:
        self.attempts = 0

    def filming(self) -> Iterator[None]:
        self.attempts += 1
        if self.attempts == 1:
            raise KeyboardInterrupt
        yield


def test_one_thread_waits_for_a_cell_that_sleeps_however_many_pictures_it_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The threads of other tests may still end: only new ones count."""
    monkeypatch.setattr(RUNNING, "cell", 1)
    before, mine = set(threading.enumerate()), Films()
    for _ in range(5):
        mine.want(FilmedLater())
    assert len(set(threading.enumerate()) - before) == 1


class FilmedLater(Filmed):
    """Its film never ends, and takes no time."""

    def filming(self) -> Iterator[None]:
        yield


def test_after_the_stop_button_the_idle_loop_makes_films_again() -> None:
    loop, mine, picture = asyncio.new_event_loop(), Films(), Filmed()
    loop.call_soon(mine.want, picture)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()

    async def until_made() -> None:
        mine.want(picture)
        while picture.attempts < 2:
            await asyncio.sleep(0)

    loop.run_until_complete(asyncio.wait_for(until_made(), 20))
    loop.close()


def test_a_kept_picture_is_stepped_by_its_page_whatever_its_machine_did_since() -> None:
    machine = machine_with_steps()
    view, other = vm.Map(machine.kernel_map), vm.Map(machine.kernel_map)
    view.follow = False
    number, place = view.operation, view.scene().steps.places[3]
    view.moment = When(machine.journal.last.serial)
    machine.kernel_map.enter("4 KiB")
    assert replies(view, seek(number, place, number)) == []
    assert view.moment == When(machine.journal.serial(number), place)
    assert other.moment is None


@pytest.mark.parametrize("outcome", ["asks", "none"])
def test_a_picture_that_asks_gives_nothing_away(outcome: str) -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    start = task.mmap("16 KiB")
    task.write(start, b"x")
    view = vm.Dashboard(task, panes="translation", ask=outcome == "asks")
    replies(view, HELLO)
    draw(view)
    make_all()
    assert bool(view.film) == (outcome == "none")
