"""Pictures say only what they draw: what a caption names is drawn, and not folded away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.views import gallery
from vmwidgets.given.followed import Break, Followed
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene

ADDRESS = re.compile(r"0x[0-9a-f_]+")
SAME = saying("moments: same")

QUOTED = {"Walk", "Beside", "Reasons", "Fault", "Followed", "Pasted", "Comparison"}
"""Pictures whose captions name an address of their title or of a descriptor's word, and not of a part."""


@cache
def drawn() -> dict[str, tuple[Picture, Scene]]:
    return {name: (picture, picture.scene()) for name, picture in gallery.every()}


def words_of(scene: Scene) -> Iterator[str]:
    """All that is written in a picture but its caption: boxes, what hovering says, and headings."""
    yield from (scene.title, scene.subtitle, *scene.notes)
    for node in scene.whole().nodes:
        yield node.title
        yield from (run.text for run in node.text)


def said(scene: Scene) -> str:
    return f"{scene.caption.text} {scene.caption.reason}"


def numbers(text: str) -> Iterator[int]:
    for one in ADDRESS.findall(text):
        yield int(one.replace("_", "").rstrip("x") or "0", 16)


def ranges(text: str) -> Iterator[tuple[int, int]]:
    for low, high in re.findall(r"(0x[0-9a-f_]+)–(0x[0-9a-f_]+)", text):
        yield int(low.replace("_", ""), 16), int(high.replace("_", ""), 16)


def is_drawn(value: int, texts: list[str], whole: str) -> bool:
    """Whether a number is written, in full or after "…", or lies in a range that is."""
    digits = f"{value:x}"
    flat = whole.replace("_", "")
    if any(tail and tail in flat for tail in (digits, digits[-8:] if len(digits) > 8 else "")):
        return True
    return any(low <= value < high for text in texts for low, high in ranges(text))


def test_a_caption_names_no_address_that_its_picture_does_not_draw() -> None:
    found = {}
    for name, (picture, scene) in drawn().items():
        if type(picture).__name__ in QUOTED:
            continue
        texts = [*words_of(scene)]
        left = [value for value in numbers(said(scene)) if not is_drawn(value, texts, " ".join(texts))]
        if left:
            found[name] = [f"{value:#x}" for value in left]
    assert found == {}


OF_ENTRIES = re.compile(r"\bmerged\b|\bneighbour\b|\bthe entry before it\b")


def test_a_caption_about_entries_is_above_a_picture_of_entries() -> None:
    """A list of threads, of frames or of caches has none."""
    kinds = {type(picture).__name__ for picture, scene in drawn().values() if OF_ENTRIES.search(said(scene))}
    assert kinds <= {"Map", "Tree", "EntryList", "Ribbon", "Dashboard", "Kmem"}


def test_what_did_not_change_is_said_in_few_words() -> None:
    """Of an operation elsewhere, nothing else is said; a picture's own answer comes first."""
    captions = [
        scene.caption for _, scene in drawn().values() if SAME in f"{scene.caption.text} {scene.caption.reason}"
    ]
    assert len(captions) > 5
    assert {one.reason for one in captions} == {SAME}


def pictures_of(machine: vm.Machine) -> Iterator[Picture]:
    kinds: list[Any] = [
        vm.Frames, vm.Slabs, vm.Threads, vm.Kmem, vm.Objects, vm.Clock, vm.ReferenceBits, vm.Sharing, vm.Fault,
    ]  # fmt: skip  # a list
    yield from (vm.picture(kind(machine)) for kind in kinds)
    yield from (vm.picture(kind(machine.kernel_map)) for kind in (vm.Map, vm.Tree, vm.EntryList, vm.Ribbon))
    yield vm.picture(machine.cpus)


def contents(picture: Picture) -> Any:
    scene = picture.scene()
    return [*scene.table.rows]


def life(machine: Any) -> Iterator[None]:
    """Operations of all kinds, each on one part of the machine."""
    task = machine.task("init")
    yield
    start = task.mmap("16 KiB")
    yield
    task.write(start, b"a")
    yield
    task.read(start, 1)
    yield
    child = task.fork("child")
    yield
    child.write(start, b"b")
    yield
    machine.object("heap")
    yield
    machine.kernel_map.enter("8 KiB")
    yield
    machine.kernel_map.lookup(machine.kernel_map.entries()[0].start)
    yield
    machine.kmem_malloc("12 KiB")
    yield
    task.mprotect(start, "4 KiB", "r")
    yield
    task.munmap(start + 8192, "4 KiB")
    yield
    machine.cpus[1].run(child)
    yield
    machine.cpus[1].load(start)
    yield
    machine.reap()
    yield
    machine.malloc(100)
    yield
    machine.spawn(machine.tsleep, "x", "x", name="sleeper")
    yield
    machine.run()
    yield
    child.exit()
    yield


@pytest.mark.parametrize("fork", ["counted", "shadow"])
def test_nothing_changed_where_a_picture_says_so(fork: str) -> None:
    """What it draws is the same before the operation and after it."""
    machine = vm.boot("x86-64", fork=fork, cpus=2)
    met = 0
    for _ in life(machine):
        number = machine.journal.last.number
        for picture, then in zip(pictures_of(machine), pictures_of(machine.at(number - 1)), strict=True):
            if SAME in said(picture.scene()):
                met += 1
                assert contents(then) == contents(picture), (machine.journal.last, type(picture))
    assert met > 40


def test_frames_that_a_tlb_names_are_not_folded_away() -> None:
    """The strip of frames has a box for each frame of the TLB beside it, which the story is about."""
    for name in ("matrix", "fork", "malloc"):
        played = vm.play(name, vm.boot("x86-64", tlb=(1, 4)))
        scene = vm.Dashboard(played.machine, panes=["tlb", "frames"]).scene()
        named = {slot.entry.pa >> 12 for cpu in played.machine.cpus.value().cpus for slot in cpu.tlb.slots}
        assert named
        shown = set()
        for node in scene.nodes:
            if node.thing.startswith("frame:"):
                first = int(node.thing.partition(":")[2])
                words = " ".join(run.text for run in node.text)
                if "more" not in words:
                    shown |= {frame for frame in named if first <= frame} if "–" in words else {first}
        assert named <= shown, (name, sorted(map(hex, named - shown)))


# ---- pictures of what went wrong, and of what did not --------------------------------------------------


def followed(address: int | None, frame: int | None) -> Scene:
    """A break at this address or in this frame; the walk given with it is of 0x2000, to 0x87f5_7000."""
    (walk, _) = gallery.after_a_fork()
    assert walk.pa == 0x87F5_7000
    first = Break("shared-and-writable", "Something is wrong.", "f()", "vm.c:1", (), "sh (2)", address, frame, (walk,))
    return vm.picture(Followed("broken", "cow", 1, 1, first)).scene()


@pytest.mark.parametrize(
    ("address", "frame", "is_drawn"),
    [(0x1000, 0x87F9_3000, False), (0x1000, None, False), (None, 0x87F9_3000, False), (None, None, False),
     (0x2000, 0x87F9_3000, True), (0x2008, None, True), (0x1000, 0x87F5_7000, True)],
)  # fmt: skip  # a table
def test_the_picture_of_a_break_draws_no_other_walk(address: int | None, frame: int | None, is_drawn: bool) -> None:
    """A descriptor of another address, of another frame, says nothing of what is wrong."""
    assert any(node.kind == "board" for node in followed(address, frame).nodes) is is_drawn


def red(scene: Scene) -> list[str]:
    return [node.id for node in scene.nodes if "fault" in node.state]


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_a_page_that_nobody_touched_is_not_red(architecture: str) -> None:
    """Its map has an entry for it: nothing went wrong.  Where no entry is, and for a refused write, it is red."""
    machine = vm.boot(architecture)
    task = machine.task("init")
    start = task.mmap("8 KiB")
    text = task.mmap("4 KiB", "r")
    for picture in (vm.picture(machine), vm.picture(vm.Dashboard(task)), vm.Walk(task.walk(start, "write"))):
        scene = picture.scene()
        assert red(scene) == []
        assert scene.caption.tone != "error"
    far = vm.Walk(task.walk(start + (64 << 20))).scene()
    assert red(far)
    assert far.caption.tone == "error"
    task.read(text, 1)
    assert red(vm.Walk(task.walk(text, "write")).scene())


@pytest.mark.parametrize(
    "picture",
    [
        lambda: vm.picture(vm.BaseAndBounds("4 MiB", "64 KiB").layout),
        lambda: vm.picture(vm.Segments(code=(0, "4 KiB", "rx"), heap=(1 << 31, "1 GiB", "rw")).layout),
    ],
)
def test_a_picture_that_is_not_to_scale_says_so(picture: Any) -> None:
    """4 KiB and 4,091 MiB are equally high."""
    words = " ".join(run.text for node in picture().scene().nodes for run in node.text)
    assert "not to scale" in words


def test_why_claims_no_more_than_was_tried() -> None:
    """The parent wrote the same letter before: without the child's write, the byte is the same."""
    lives = []
    for with_last in (True, False):
        machine = vm.boot("x86-64")
        parent = machine.task("parent")
        page = parent.mmap("4 KiB")
        parent.write(page, b"o")
        child = parent.fork("child")
        if with_last:
            child.write(page, b"o")
        lives.append((machine, child, page))
    assert [child.read(page, 1) for _, child, page in lives] == [b"o", b"o"]
    machine, child, page = lives[0]
    machine.undo()  # the read
    why = machine.why(child, page)
    caption = vm.picture(why).scene().caption
    assert "would differ" not in caption.reason
    assert f"These {len(why.operations)} operations alone" in caption.reason
