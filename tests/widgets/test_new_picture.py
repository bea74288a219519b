"""A picture that somebody adds: what it shows, what it is the first choice for, its steps; the example of the docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.replacement import MachineReplacement
from vmwidgets.pictures import registry
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import known_pictures, picture_of
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Bars, Column, Row
from vmwidgets.views.scene.model import Node, Scene, Table


@pytest.fixture
def machine() -> vm.Machine:
    """Two tasks: `init` wrote three pages, `shell` read two of a file."""
    machine = vm.boot("x86-64")
    machine.replacement = "clock"
    machine.swap_on("64 KiB")
    init, shell = machine.task("init"), machine.task("shell")
    heap = init.mmap("16 KiB")
    for page in range(3):
        init.write(heap + page * vm.PAGE, b"x")
    shell.read(shell.mmap("8 KiB", "r", "private", machine.file("motd", b"x" * 8192)), 8192)
    return machine


@pytest.fixture
def _registry() -> Iterator[None]:
    pictures, shown = dict(known_pictures()), dict(registry._shown_as)
    yield
    registry._pictures.clear()
    registry._pictures.update(pictures)
    registry._shown_as.clear()
    registry._shown_as.update(shown)


def drawn(at: At) -> Scene:
    """How many pages of each task are in memory."""
    pages = Counter(page.task for ring in at.value(at.whole.replacement).rings.values() for page in ring.pages)
    rows = [Row(f"pages/{task}", (task, Bars([(count, "used")]))) for task, count in sorted(pages.items())]
    words = counted(sum(pages.values()), "page")
    table = Table(("task", "pages"), [(task, str(count)) for task, count in sorted(pages.items())])
    return boxes.picture(
        "pages", words, "", boxes.rows("pages", (Column(), Column(takes=True)), rows), caption=at.moment.caption,
        table=table, steps=at.steps(drawn_of), machine=at.whole.name, width=at.width,
    )  # fmt: skip


def drawn_of(at: At) -> int:
    """What changes in the picture."""
    return sum(len(ring.pages) for ring in at.value(at.whole.replacement).rings.values())


@pytest.mark.usefixtures("_registry")
def test_what_shows_a_machine_does_not_take_its_own_picture_away(machine: vm.Machine) -> None:
    picture_of(shows=Machine, name="Resident")(drawn)
    assert type(vm.picture(machine)).__name__ == "Dashboard"
    picture = vm.Resident(machine)
    assert picture.scene().title == "5 pages"
    with pytest.raises(vm.Refused, match="Resident shows a Machine, not <"):
        vm.Resident(machine.frames)


@pytest.mark.usefixtures("_registry")
def test_it_is_the_first_choice_for_the_kind_that_it_is_registered_for(machine: vm.Machine) -> None:
    picture_of(first_for=MachineReplacement, shows=Machine, name="Resident")(drawn)
    assert type(vm.picture(machine.replacement)).__name__ == "Resident"
    assert type(vm.picture(machine)).__name__ == "Dashboard"
    assert vm.picture(machine.replacement).scene().table.rows == [("init", "3"), ("shell", "2")]


@pytest.mark.usefixtures("_registry")
@pytest.mark.parametrize("wrong", [{"name": "Resident"}, {"shows": Machine}])
def test_a_function_needs_a_name_and_something_to_draw(wrong: dict[str, Any]) -> None:
    with pytest.raises(vm.Refused, match="drawn needs a name, and shows= or first_for="):
        picture_of(**wrong)(drawn)


@pytest.mark.usefixtures("_registry")
def test_it_goes_back_into_an_operation_by_steps_of_its_own(machine: vm.Machine) -> None:
    picture_of(shows=Machine, name="Resident")(drawn)
    machine.tasks["shell"].write(machine.tasks["shell"].mmap("8 KiB"), b"x" * 8192)
    picture = vm.picture(vm.Resident(machine))
    titles = []
    for step in range(picture.steps + 1):
        picture.step = step
        titles.append(picture.scene().title)
    assert titles == ["5 pages", "6 pages", "7 pages", "7 pages"], "a step for each page, and the whole operation"


# ---- the example -------------------------------------------------------------------------------------------------


def test_the_example_counts_what_the_ring_has(machine: vm.Machine) -> None:
    (ring,) = machine.replacement.value().rings.values()
    bits = [
        ("referenced and dirty", True, True), ("referenced", True, False), ("dirty", False, True),
        ("neither", False, False),
    ]  # fmt: skip
    scene = vm.ReferenceBits(machine).scene()
    assert scene.table.header == ("task", *(name for name, _, _ in bits))
    for task, *counts in scene.table.rows:
        pages = [(page.referenced, page.dirty) for page in ring.pages if page.task == task]
        assert [int(count) for count in counts] == [pages.count((used, dirty)) for _, used, dirty in bits]
    assert [row[0] for row in scene.table.rows] == ["init", "shell"]


def squares(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.kind == "square"]


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_square_is_filled_if_its_page_was_used_and_in_a_group_of_those_that_are_saved_if_it_was_written(
    machine: vm.Machine, width: int
) -> None:
    machine.replacement = "clock"
    machine.swap_on("64 KiB")
    machine.tasks["init"].limit("rss", "12 KiB")
    init = machine.tasks["init"]
    init.write(init.mmap("4 KiB"), b"x")  # the hand clears the bits of the others
    scene = vm.ReferenceBits(machine, width=width).scene()
    heads = sorted((node.y, node.id) for node in scene.nodes if node.id.startswith("bits/group/"))
    is_written = {
        node.thing: max(head for head in heads if head[0] < node.y)[1].endswith("1") for node in squares(scene)
    }
    drawn = {
        node.thing: ("ground" not in {bar.style for bar in node.bars}, is_written[node.thing], "file" in node.state)
        for node in squares(scene)
    }
    rings = [ring.pages for ring in machine.replacement.value().rings.values()]
    pages = [page for ring in rings for page in ring]
    assert drawn == {
        f"frame:{page.frame}": (page.referenced, page.dirty, page.object.startswith("file ")) for page in pages
    }
    assert len(set(drawn.values())) >= 3, "used, not used, of a file"
    rows: dict[str, list[str]] = {}
    for node in sorted(squares(scene), key=lambda node: (node.y, node.x)):
        rows.setdefault(node.lane, []).append(node.thing)
    for task in ("init", "shell"):
        order = [f"frame:{page.frame}" for page in pages if page.task == task]
        order.sort(key=lambda one: [*is_written.values()].count(is_written[one]))
        assert rows[f"bits/{task}"] == order, "the order of the policy, in each group"


def test_a_frame_of_two_tasks_is_one_square() -> None:
    m = vm.boot("x86-64")
    t = m.task("init")
    t.write(t.mmap("8 KiB"), b"x" * 8192)
    t.fork("child")
    scene = vm.ReferenceBits(m).scene()
    assert len(squares(scene)) == 2
    assert all("1 more translation" in node.title and node.shape == "round" for node in squares(scene))
    assert "shared by tasks" in " ".join(run.text for node in scene.nodes for run in node.text)
    t.write(t.mmap("4 KiB"), b"own")
    found = squares(vm.ReferenceBits(m).scene())
    assert sorted((node.shape, node.text[0].text) for node in found) == [("box", "0"), ("round", "0"), ("round", "1")]


@pytest.mark.parametrize("width", [420, 900])
def test_of_many_pages_those_alike_are_a_box_with_their_number(width: int) -> None:
    m = vm.boot("x86-64")
    t = m.task("init")
    t.mmap("400 KiB", flags="private populate")
    scene = vm.ReferenceBits(m, width=width).scene()
    counts = [int(node.text[0].text.split()[0]) if "pages" in node.title else 1 for node in squares(scene)]
    assert sum(counts) == 100
    assert max(counts) > 60 and len(counts) < 12
    assert len(dict(scene.table.more)["pages, in order"].rows) == 100


def test_each_of_its_steps_changes_it(machine: vm.Machine) -> None:
    shell = machine.tasks["shell"]
    shell.write(shell.mmap("4 KiB"), b"x")
    picture = vm.picture(vm.ReferenceBits(machine))
    tables = []
    for step in range(picture.steps):
        picture.step = step
        tables.append(tuple(picture.scene().table.rows))
    assert len(tables) > 1
    assert all(one != other for one, other in pairwise(tables))
