"""One screen of a translation: what its panes say of a hit, a miss, a fault and a stale entry, step by step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.pictures.translation import PANES
from vmwidgets.views.memory.frames import touched_frames
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.story.lookups import lookups_of

PLACE = 0x40_3000
DASHBOARD: Any = known_pictures()["Dashboard"]


def machine_with(name: str = "editor", **options: Any) -> tuple[vm.Machine, Any]:
    machine = vm.boot("x86-64", **options)
    task = machine.task(name)
    task.map.enter(vm.PAGE, at=PLACE, object=machine.object("draft"))
    for cpu in machine.cpus:
        cpu.run(task)
    return machine, task


def runs_in(drawn: Scene) -> Iterator[tuple[str, int, int]]:
    """The runs of frames in a picture: the ID of each, its first frame, and its length."""
    for one in drawn.nodes:
        if one.id.startswith("frames/run/"):
            yield one.id, int(one.thing.partition(":")[2]), int(one.title.partition(" ")[0].replace(",", ""))


def picture(target: Any, **options: Any) -> Picture:
    made: Picture = DASHBOARD(target, **{"panes": "translation"} | options)
    return made


def node(scene: Scene, identity: str) -> Node:
    (found,) = [one for one in scene.nodes if one.id == identity]
    return found


def words(scene: Scene, identity: str) -> str:
    return " ".join(run.text for run in node(scene, identity).text)


def read_in(scene: Scene) -> list[str]:
    """The descriptors that are drawn as read, by their things."""
    return [one.thing for one in scene.nodes if one.id.startswith("walk/step/")]


def steps_of(view: Picture, number: int) -> Iterator[Scene]:
    """The picture at each of its steps of an operation."""
    machine = view.machine
    assert machine is not None
    serial = machine.journal.serial(number)
    view.moment = When(serial)
    for place in view.scene().steps.places:
        view.moment = When(serial, None if place < 0 else place)
        yield view.scene()


def test_a_miss_shows_the_walk_and_then_the_refill() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    machine.cpus[0].flush()
    task.read(PLACE)
    before, missed, filled, after = steps_of(picture(task, panes=PANES), machine.journal.last.number)
    walk = task.walk(PLACE)
    way = "tlb/cpu:0/3/0"
    assert read_in(before) == []
    assert "free" in node(before, way).state
    assert read_in(missed) == [f"pte:{step.pa:x}" for step in walk.steps]
    assert "free" in node(missed, way).state
    assert node(filled, way).state == node(after, way).state == ("new",)
    assert words(missed, "walk/verdict").startswith("On its way")
    frame = f"frames/run/{int(walk.pa) >> 12:x}"
    assert "here" not in node(missed, frame).state
    assert str(vm.Address(walk.pa)) in words(filled, "walk/verdict")
    assert "here" in node(filled, frame).state


def test_what_descriptors_allow_is_said_in_words_when_they_were_read_and_nothing_moves() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    machine.cpus[0].flush()
    task.read(PLACE)
    scenes = list(steps_of(picture(task), machine.journal.last.number))
    rights = [rights_of(scene) for scene in scenes]
    ends = [any(node.id == "walk/step/1" for node in scene.nodes) for scene in scenes]
    assert [found != [] for found in rights] == ends
    assert ends[0] is False
    assert {one.id.removeprefix("walk/flag/") for one in rights[-1]} >= {"P", "R/W", "U/S"}
    assert len({scene.height for scene in scenes}) == 1
    machine.cpus[0].flush()
    task.read(PLACE)
    task.read(PLACE)
    *_, hit = steps_of(picture(task), machine.journal.last.number)
    assert hit.height < scenes[-1].height, "no table is read: no room is kept for it"


def rights_of(scene: Scene) -> list[Node]:
    """The lines that say in words what the descriptors allow."""
    return [one for one in scene.nodes if one.lane == "rights"]


def test_a_hit_reads_no_table() -> None:
    machine, task = machine_with()
    task.write(PLACE, b"x")
    task.read(PLACE)
    *_, after = steps_of(picture(task, panes=PANES), machine.journal.last.number)
    assert read_in(after) == []
    assert words(after, "walk/verdict").startswith("Not read: a TLB hit")
    assert [link for link in after.links if link.id.startswith("walk/")] == []
    assert node(after, "tlb/cpu:0/3/0").state == ("path",)
    frame = int(task.walk(PLACE).pa) >> 12
    assert "here" in node(after, f"frames/run/{frame:x}").state
    rows = [row for heading, table in after.table.more if heading.startswith("page tables") for row in table.rows]
    assert rows == [("", "", "", "", "", "verdict", "")], "the table gives no descriptor for read, either"


def test_a_fault_shows_where_the_walk_stops() -> None:
    machine, task = machine_with()
    with pytest.raises(vm.VMError):
        task.read(0x70_0000_0000)
    scene = picture(task).scene()
    assert "fault" in node(scene, "walk/verdict").state
    assert "fault" in node(scene, "walk/step/4").state
    task.write(PLACE, b"x")
    number = machine.journal.last.number
    verdicts = [words(scene, "walk/verdict") for scene in steps_of(picture(task), number)]
    assert verdicts[0].startswith("Not read")
    assert verdicts[1].startswith("On its way")
    assert verdicts[2].startswith("#PF")
    assert any(one.startswith("Not read again") for one in verdicts[2:-2]), "what the kernel wrote was not read yet"
    assert verdicts[-1].startswith("Access succeeds")


def test_a_stale_entry_differs_visibly() -> None:
    machine, task = machine_with(cpus=2)
    for cpu in machine.cpus:
        cpu.store(PLACE, b"x")
    fresh = picture(task).scene()
    machine.cpus.shootdown = "forgotten"
    task.map.protect(PLACE, size=vm.PAGE, prot="r")
    machine.cpus[1].store(PLACE, b"oops")
    stale = picture(task).scene()
    assert "fault" not in node(fresh, "tlb/cpu:1/3/0").state
    assert node(stale, "tlb/cpu:1/3/0").state == ("path", "fault")
    assert "≠" in words(stale, "tlb/cpu:1/3/0")
    assert "user r--" in words(stale, "walk/verdict")
    assert stale.caption.tone == "error"


def slices(scene: Scene) -> list[str]:
    return [one.id for one in scene.nodes if one.id.startswith("address/")]


def test_a_large_page_is_cut_as_such_only_when_its_descriptor_was_read() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    size = 2 * vm.MIB
    start = task.map.enter(size, at="66 MiB", object=machine.object("film"))
    task.map.superpages(start, size=size, page=size)
    task.read(start)
    before, *_, after = steps_of(picture(task), machine.journal.last.number)
    assert slices(before) == ["address/top", "address/4", "address/3", "address/2", "address/1", "address/offset"]
    assert slices(after) == ["address/top", "address/4", "address/3", "address/2", "address/offset"]
    assert words(after, "address/offset").startswith("0x0 20–0")
    sets = {one.id.split("/")[3] for one in after.nodes if one.id.startswith("tlb/cpu:0/set/")}
    assert sets == {str(start // vm.PAGE % 16), str(start // size % 16)} == {"0", "1"}


def test_the_latest_access_is_shown_after_operations_that_make_none() -> None:
    machine, task = machine_with()
    other = machine.task("other")
    place = other.mmap("4 KiB")
    task.write(PLACE, b"x")
    other.write(place, b"y")
    machine.object("film")
    assert picture(machine).scene().title == f"translation of {vm.Address(place)} in other"
    assert picture(task).scene().title == f"translation of {vm.Address(PLACE)} in editor"
    assert picture(task, address=PLACE + 5 * vm.PAGE).scene().title.startswith("translation of 0x40_8000")
    assert "in the kernel" in picture(machine, address=int(machine.kernel_map.start)).scene().title


def test_no_access_yet_says_what_makes_one() -> None:
    machine, task = machine_with()
    assert "task.read(address)" in words(picture(machine).scene(), "translation/none")
    assert "editor.read(address)" in words(picture(task).scene(), "translation/none")
    task.write(PLACE, b"x")
    task.exit()
    assert "task.read(address)" in words(picture(machine).scene(), "translation/none"), "its tables are gone"


@pytest.mark.parametrize(
    ("panes", "said"),
    [
        (["map"], "there is no pane 'map'; there are 'address', 'tlb', 'walk', 'rights', 'frames'"),
        (["walk", "tlb", "walk"], "the pane 'walk' is there twice: once is enough"),
        ("walk", "panes='walk'; it must be 'translation' or a list of"),
        ([], "it must be 'translation' or a list of"),
        ([3], "there is no pane 3"),
        (["rights", "tlb"], "add the pane 'walk'"),
        (7, "panes=7; it must be"),
    ],
)
def test_panes_that_there_are_not_are_refused(panes: Any, said: str) -> None:
    with pytest.raises(vm.Refused, match="Dashboard: ") as refused:
        DASHBOARD(vm.boot(), panes=panes)
    assert said in str(refused.value)


def test_what_has_no_translation_is_refused() -> None:
    machine = vm.boot()
    with pytest.raises(vm.Refused, match="address is for a translation"):
        DASHBOARD(machine, address=0x1000)
    with pytest.raises(vm.Refused, match="Dashboard shows a machine or a map"):
        DASHBOARD(object(), panes="translation")
    for panes in (None, ["address"]):
        with pytest.raises(vm.Refused, match="ask needs panes with something to press"):
            DASHBOARD(machine, panes=panes, ask=True)
    with pytest.raises(vm.Refused, match="ask=3"):
        DASHBOARD(machine, panes="translation", ask=3)


def test_panes_are_drawn_in_their_order_and_alone() -> None:
    _, task = machine_with()
    task.write(PLACE, b"x")
    both = DASHBOARD(task, panes=["frames", "walk"]).scene()
    tops = {one.id.partition("/")[0]: one.y for one in reversed(both.nodes)}
    assert set(tops) == {"frames", "walk"}
    assert tops["frames"] < tops["walk"]


def test_only_a_picture_that_asks_for_the_frame_has_the_frames() -> None:
    _, task = machine_with()
    task.write(PLACE, b"x")
    assert not any(runs_in(picture(task).scene()))


def test_what_each_descriptor_allows_is_a_pane_below_the_tables() -> None:
    _, task = machine_with()
    task.write(PLACE, b"x")
    heights = []
    for panes, expected in (
        (["walk"], set()),
        (["walk", "rights"], {"P", "R/W", "U/S", "A", "D", "XD"}),
    ):
        scene = DASHBOARD(task, panes=panes).scene()
        assert {one.id.removeprefix("walk/flag/") for one in rights_of(scene)} == expected
        heights.append(scene.height)
    assert heights[0] < heights[1]


def test_names_are_text_and_many_processors_are_counted() -> None:
    machine, task = machine_with("<b>/&", cpus=6)
    machine.cpus[5].store(PLACE, b"x")
    view = picture(task)
    scene = view.scene()
    assert "<b>/&" in scene.title
    assert DASHBOARD(task.map, panes="translation").scene().title == scene.title
    assert "<b>/&" not in view.to_svg()
    assert words(scene, "tlb/others") == "… 4 processors more"
    assert node(scene, "tlb/cpu:5/3/0").state == ("new",)


def test_a_machine_that_panicked_is_shown() -> None:
    machine, task = machine_with(layout="small")
    task.write(PLACE, b"x")
    while not machine.dead:
        with contextlib.suppress(vm.KernelPanic):
            machine.kmem_malloc("1 MiB")
    assert picture(task).scene().title.startswith("translation of 0x40_3000")


@pytest.mark.parametrize("architecture", ["x86-64", "x86", "x86-pae", "aarch64", "armv7", "riscv-sv39"])
@pytest.mark.parametrize("width", [420, 640, 900, 1600])
def test_nothing_lies_on_another_and_nothing_is_outside(architecture: str, width: int) -> None:
    machine = vm.boot(architecture, cpus=2)
    task = machine.task("init")
    start = task.mmap("64 KiB")
    for place in range(3):
        task.write(start + place * vm.PAGE, b"x")
    view = picture(task, width=width)
    for scene in steps_of(view, machine.journal.last.number):
        assert all(one.x >= 0 and one.x + one.w <= width + 1 for one in scene.nodes)
        assert max(one.y + one.h for one in scene.nodes) <= scene.height
        cells = [one for one in scene.nodes if one.kind in ("slot", "run", "fold", "bits", "table", "verdict")]
        for one, other in pairwise(sorted(cells, key=lambda one: (one.y, one.x))):
            assert one.y + one.h <= other.y or one.x + one.w <= other.x or other.x + other.w <= one.x


def test_lookups_of_a_store_that_faults() -> None:
    machine, _ = machine_with()
    machine.cpus[0].store(PLACE, b"x")
    first, second = lookups_of(machine.journal.last.events)
    assert (first.outcome, first.faulted, first.filled) == ("missed", True, None)
    assert second.filled is not None
    assert (second.outcome, second.faulted, second.filled.va) == ("missed", False, PLACE)
    assert first.end < second.at < second.end


@pytest.mark.parametrize("width", [420, 560])
def test_frames_that_changed_are_never_folded_in_a_narrow_picture(width: int) -> None:
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task("init")
    at = task.mmap("16 KiB")
    task.write(at, b"z" * 8000)
    view = picture(task, panes=PANES, width=width)
    scene = view.scene()
    changed = touched_frames(machine.journal.last.events)
    assert len(changed) >= 4, "two pages, and tables"
    new = {one.id for one in scene.nodes if "new" in one.state}
    marked = [range(first, first + count) for identity, first, count in runs_in(scene) if identity in new]
    assert all(any(frame in run for run in marked) for frame in changed)
