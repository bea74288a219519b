"""A seeded monkey at a dashboard and at a handout: whatever it does, the page has no error and one can go on."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error

import vmwidgets as vm
from tests.browser.lab import Notebook
from tests.captions import saying
from tests.widgets.test_handout import FRAMES, forked, read

GESTURES = int(os.environ.get("VMWIDGETS_GESTURES", "50"))
"""How many at the dashboard, and four times as many at a handout; `make sweep` does a thousand."""

SETUP = """
import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
t = m.task("init")
t.write(t.map.enter("16 KiB", at=0x40_0000, object=m.object("heap")), b"x")
for size in ("8 KiB", "16 KiB"):
    m.kmem_malloc(size)
"""
OPERATIONS = (
    "m.kernel_map.enter('4 KiB')", "m.kmem_malloc('8 KiB')", "m.undo()", "m.tick(1)",
    "t.map.protect(0x40_0000, size='4 KiB', prot='r')",
)  # fmt: skip
KEYS = (
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Enter", " ", "Escape",
    "[", "]", "{", "}", "c", "p", "t", "+", "-", "d", "x", "?", "f", "n", "h", ".", "b",
)  # fmt: skip
PRESENTING = ("f", "n", "h", ".", "b", "Escape", "PageUp", "PageDown", "[", "]", "F5")
"""What a lecturer presses while a picture fills the screen."""


NOT_YET = saying("no picture: then", number="").rstrip(" .")
"""What a picture says that is led to a moment before its thing was made."""

VISIBLE = """([selector, share]) => {
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 0;
    const found = [...document.querySelectorAll(selector)].filter(isSeen);
    return found[Math.floor(share * found.length)] ?? null;
}"""


def one_in_sight(page: Any, draws: random.Random, selector: str) -> Any:
    """One of the elements that can be seen, or None; the page chooses, since asking it for each takes seconds."""
    return page.evaluate_handle(VISIBLE, [selector, draws.random()]).as_element()


class Monkey:
    """Does one thing at a time, the same ones for the same seed and page."""

    def __init__(self, notebook: Notebook, seed: int) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.draws = random.Random(seed)

    def act(self) -> None:
        """One gesture."""
        gestures: list[tuple[int, Callable[[], None]]] = [
            (30, self.click), (40, self.press), (10, self.push), (8, self.slide), (6, self.drag), (4, self.find),
            (4, self.present), (2, self.operate),
        ]  # fmt: skip
        try:
            self.draws.choices([one for _, one in gestures], [weight for weight, _ in gestures])[0]()
        except Error as error:
            if "not attached" not in str(error):  # it was taken away while the monkey reached for it
                raise

    def one_of(self, selector: str) -> Any:
        """One of the elements that are there, or None."""
        return one_in_sight(self.page, self.draws, f".jp-Notebook .vmwidgets {selector}")

    def click(self) -> None:
        if node := self.one_of(".vmw-scene:not([inert]) .nodes .node"):
            node.dispatch_event("click", {"bubbles": True})

    def press(self) -> None:
        if node := self.one_of(".node[tabindex='0']"):
            node.focus()
        self.page.keyboard.press(self.draws.choice(KEYS))

    def present(self) -> None:
        """Fill the screen with a picture, or leave it, and press what is pressed there; it may stay so."""
        if node := self.one_of(".node[tabindex='0']"):
            node.focus()
        self.page.keyboard.press("f")
        for key in self.draws.choices(PRESENTING, k=4):
            self.page.keyboard.press(key)

    def push(self) -> None:
        if button := self.one_of("button:not([disabled]):not([title*='as a file'])"):
            button.dispatch_event("click", {"bubbles": True})

    def slide(self) -> None:
        if slider := self.one_of("input[type=range]:not([disabled])"):
            slider.fill(str(self.draws.randint(0, int(slider.get_attribute("max") or 0))))

    def drag(self) -> None:
        node = self.one_of(".node.ribbon") or self.one_of(".node")  # none where neither picture is there at its moment
        if node and (box := node.bounding_box()):
            self.page.mouse.move(box["x"] + self.draws.random() * box["width"], box["y"] + box["height"] / 2)
            self.page.mouse.down()
            self.page.mouse.move(box["x"] + self.draws.random() * box["width"], box["y"], steps=3)
            self.page.mouse.up()

    def find(self) -> None:
        if field := self.one_of(".vmw-find"):
            field.fill(self.draws.choice(("0x40_0000", "ffff_8080_0014_1000", "nowhere", "", "\u202e", "9" * 300)))
            field.press("Enter")

    def operate(self) -> None:
        self.notebook.run(self.draws.choice(OPERATIONS))


@pytest.mark.parametrize("seed", [1])
def test_a_monkey_breaks_nothing(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], seed: int
) -> None:
    notebook = open_notebook(new_notebook(SETUP, "m", "vm.Map(t.map)"))
    notebook.run_all()
    for index in (1, 2):
        notebook.cell(index).locator(".vmw-scene .node").first.wait_for()
    monkey = Monkey(notebook, seed)
    for _ in range(GESTURES):
        monkey.act()
    while notebook.page.locator(".vmw-filled").count():
        notebook.page.keyboard.press("Escape")
    notebook.wait_idle()
    index = notebook.run("m.check(); print(len(m.kernel_map) > 0)")
    assert [output.get("text") for output in notebook.outputs(index)] == ["True\n"]
    for cell in (1, 2):
        has_nodes = notebook.cell(cell).locator(".vmw-scene .node").count() > 0
        assert has_nodes or notebook.cell(cell).get_by_text(NOT_YET).count(), "it is drawn, or not there at its moment"


# ---- a handout -----------------------------------------------------------------------------------

STORY_KEYS = (
    "PageDown", "PageUp", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End", "[", "]", "{", "}", "Enter",
    " ", "Escape", "p", "f", "n", ".", "b", "0", "1", "2", "9", "x",
)  # fmt: skip

PLACE = """() => {
    const root = document.querySelector('.vmw-player');
    const [, at, count] = /^step (\\d+) of (\\d+)/.exec(root.querySelector('.vmw-where').textContent);
    const slider = root.querySelector('.vmw-slider');
    const asked = root.querySelector('fieldset') !== null;
    const asks = asked && root.querySelector('.vmw-answer').textContent === '';
    const drawn = [...root.querySelectorAll('.vmw-stage:not([hidden]) .vmw-scene')];
    return { at: +at, count: +count, slider: +slider.value + 1, most: +slider.max + 1, asks, answered: asked && !asks,
             sentence: root.querySelector('.vmw-caption b').textContent,
             waits: root.querySelector('[title^="step forward"]').disabled,
             empty: drawn.filter((scene) => !scene.querySelector('.node')).length, stages: drawn.length };
}"""


class Reader:
    """Reads a handout in no sensible way."""

    def __init__(self, page: Any, seed: int) -> None:
        self.page, self.draws = page, random.Random(seed)

    def act(self) -> None:
        """One gesture."""
        gestures = [self.press, self.choose, self.push, self.slide, self.point]
        self.draws.choices(gestures, [45, 20, 10, 15, 10])[0]()

    def one_of(self, selector: str) -> Any:
        return one_in_sight(self.page, self.draws, f".vmw-player {selector}")

    def press(self) -> None:
        self.page.keyboard.press(self.draws.choice(STORY_KEYS))

    def choose(self) -> None:
        """An answer, a branch, or back to the story; where nothing is to be chosen, the story goes on."""
        if button := self.one_of(":is(fieldset, .vmw-choices) button"):
            button.dispatch_event("click", {"bubbles": True})
        else:
            self.page.keyboard.press("PageDown")

    def push(self) -> None:
        if button := self.one_of("button:not([disabled])"):
            button.dispatch_event("click", {"bubbles": True})

    def slide(self) -> None:
        if slider := self.one_of("input[type=range]"):
            slider.fill(str(self.draws.randint(0, int(slider.get_attribute("max") or 0))))

    def point(self) -> None:
        if node := self.one_of(".node[role]"):
            node.dispatch_event("click", {"bubbles": True})

    def place(self) -> dict[str, Any]:
        """Where the story is, as its page says in several ways."""
        found: dict[str, Any] = self.page.evaluate(PLACE)
        return found


@pytest.mark.parametrize("seed", [3])  # it comes into the branch and back
@pytest.mark.sweep
def test_a_monkey_reads_a_handout(opened: Callable[..., Any], tmp_path: Path, seed: int) -> None:
    machine, _, child, address = forked()
    other = machine.branch("after fork")
    other.tasks["parent"].write(address, b"z")
    child.exit()
    pictures = (vm.Objects(machine), vm.Fault(machine))
    ask, what_if = {"after fork": FRAMES}, {"the parent writes": other}
    file = vm.handout(machine, tmp_path / "fork.html", *pictures, ask=ask, what_if=what_if)
    story, reader, answered = read(file), Reader(opened(file), seed), False
    question = next(number for number, step in enumerate(story["steps"], 1) if "question" in step)
    told = {len(one["steps"]): one["steps"] for one in (story, *story["branches"])}
    for _ in range(4 * GESTURES):
        reader.act()
        place = reader.place()
        answered = answered or place["answered"]
        assert 1 <= place["at"] == place["slider"] <= place["count"] == place["most"]
        assert answered or place["at"] <= question, "what is asked was not told before"
        assert place["sentence"] == told[place["count"]][place["at"] - 1]["sentence"]
        assert place["waits"] == (place["asks"] or place["at"] == place["count"])
        assert place["empty"] == 0 < place["stages"]
    reader.page.keyboard.press("Escape")
    for _ in range(200):  # one can go on to the end
        if reader.place()["asks"]:
            reader.page.locator("fieldset button").first.click()
        reader.page.keyboard.press("PageDown")
        if reader.place()["at"] == reader.place()["count"]:
            return
    raise AssertionError(f"stuck at {reader.place()}")
