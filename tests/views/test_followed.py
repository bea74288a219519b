"""The picture of a kernel that was followed: the broken frame, both locks, the call; and a title that a person says."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.gallery import after_a_fork
from vmwidgets.given.followed import Break, Followed
from vmwidgets.real.follow.rules import RULES
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import text_width

FRAME = 0x87F5_7000
"""The frame of the walks of :func:`after_a_fork`: PTE 0x21fd5cd7 of the text has the page number 0x87f57."""

BOTH_READ, BOTH_WRITE = "0x0000000021fd5c53", "0x0000000021fd5cd7"
"""The child's PTE, without and with W (bit 2)."""


def scene_of(rule: str, child: str = BOTH_READ, *, walks: int = 2, width: int = 900) -> Scene:
    first = Break(rule, "What is wrong.", "f()", "vm.c:1", (), "sh (2)", 0x2000, FRAME, after_a_fork(child)[:walks])
    return vm.picture(Followed("broken", "cow", 1, 1, first), width=width).scene()


def locks(scene: Scene) -> dict[str, tuple[str, bool]]:
    """The look of each process's lock, and whether it is open: the shackle then reaches beyond the body."""
    found = {}
    for node in scene.nodes:
        if node.kind == "board":
            (shackle,) = (bar for bar in node.bars if "shackle" in bar.style)
            (body,) = (bar for bar in node.bars if "lock" in bar.style.split())
            found[node.text[0].text] = body.style.split()[1], shackle.x + shackle.w > body.x + body.w
    return found


def frame_of(scene: Scene) -> Node:
    (frame,) = (node for node in scene.nodes if node.kind == "board-frame")
    return frame


@pytest.mark.parametrize(
    ("child", "theirs", "title"),
    [(BOTH_READ, ("step", False), "sh (2) can write a frame that its child (3) has too."),
     (BOTH_WRITE, ("error", True), "sh (2) and its child (3) can write one frame.")],
)  # fmt: skip  # a table
@pytest.mark.parametrize("width", [420, 900, 1600])
def test_both_locks_are_drawn_and_an_open_one_is_the_mistake(
    child: str, theirs: tuple[str, bool], title: str, width: int
) -> None:
    scene = scene_of("shared-and-writable", child, width=width)
    assert locks(scene) == {"sh (2)": ("error", True), "its child (3)": theirs}
    assert scene.caption.text == title
    assert {link.target for link in scene.links} == {frame_of(scene).id}
    wrong = [link.source for link in scene.links if "fault" in link.state]
    assert len(wrong) == (2 if theirs[1] else 1)
    assert "2 descriptors" in [run.text for run in frame_of(scene).text]


def test_of_a_frame_that_is_free_only_the_wrong_descriptor_is_drawn() -> None:
    scene = scene_of("free-and-mapped", walks=1)
    assert list(locks(scene)) == ["sh (2)"]
    assert frame_of(scene).text[0].text == "free"
    assert "sh (2)" in scene.caption.text and scene.caption.reason.startswith("What is wrong.")


@pytest.mark.parametrize("rule", [one.name for one in RULES])
def test_each_rule_has_a_title_of_one_line(rule: str) -> None:
    """Rules of the base kernel's functions keep their sentence, which names an address or a bit."""
    title = scene_of(rule).caption.text
    assert text_width(title, "heading") <= 852
    assert "{" not in title


def test_the_table_has_the_rule_the_call_and_each_descriptor() -> None:
    rows = scene_of("shared-and-writable").table.rows
    said = [words for _, words in rows]
    assert any(one.startswith("sh (2) at 0x2000") and "0x21fd5cd7" in one and "rw-" in one for one in said)
    assert any(one.startswith("its child (3) at 0x2000") and "0x21fd5c53" in one for one in said)
    assert "f()" in said and "vm.c:1" in said


def test_what_the_kernel_says_at_its_end_is_first() -> None:
    panic = vm.picture(
        Followed("panicked", "base", 1, 1, panic="freewalk: leaf", lines=("kfree (kalloc.c:52)",))
    ).scene()
    assert panic.caption.text == "The kernel panicked: freewalk: leaf."
    assert any("kfree (kalloc.c:52)" in run.text for node in panic.nodes for run in node.text)


def test_the_one_that_can_write_is_at_the_left_whichever_was_found_first() -> None:
    first = Break("shared-and-writable", "What is wrong.", "", "", (), "", 0x2000, FRAME, after_a_fork()[::-1])
    scene = vm.picture(Followed("broken", "cow", 1, 1, first)).scene()
    places = {node.text[0].text: node.x for node in scene.nodes if node.kind == "board"}
    assert places["sh (2)"] < frame_of(scene).x < places["its child (3)"]


def test_a_rule_that_has_no_title_says_its_own_sentence_braces_and_all() -> None:
    first = Break("custom", "Frame of {sh} is wrong.", "", "vm.c:1", (), "sh", 0x2000, FRAME, ())
    assert vm.picture(Followed("broken", "cow", 1, 1, first)).scene().caption.text == "Frame of {sh} is wrong."
