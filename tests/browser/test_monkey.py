"""A seeded monkey at a dashboard: whatever it does, the page reports no error and the machine is whole."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error

from tests.browser.lab import Notebook

GESTURES = int(os.environ.get("VMWIDGETS_GESTURES", "50"))
"""How many; `make sweep` does a thousand."""

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
    "[", "]", "{", "}", "c", "p", "t", "+", "-", "d", "x", "?",
)  # fmt: skip


class Monkey:
    """Does one thing at a time, the same ones for the same seed and page."""

    def __init__(self, notebook: Notebook, seed: int) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.draws = random.Random(seed)

    def act(self) -> None:
        """One gesture."""
        gestures: list[tuple[int, Callable[[], None]]] = [
            (30, self.click), (40, self.press), (10, self.push), (8, self.slide), (6, self.drag), (4, self.find),
            (2, self.operate),
        ]  # fmt: skip
        try:
            self.draws.choices([one for _, one in gestures], [weight for weight, _ in gestures])[0]()
        except Error as error:
            if "not attached" not in str(error):  # it was taken away while the monkey reached for it
                raise

    def one_of(self, selector: str) -> Any:
        """One of the elements that are there, or None."""
        found = [one for one in self.page.query_selector_all(f".jp-Notebook .vmwidgets {selector}") if one.is_visible()]
        return self.draws.choice(found) if found else None

    def click(self) -> None:
        if node := self.one_of(".vmw-scene:not([inert]) .nodes .node"):
            node.dispatch_event("click", {"bubbles": True})

    def press(self) -> None:
        if node := self.one_of(".node[tabindex='0']"):
            node.focus()
        self.page.keyboard.press(self.draws.choice(KEYS))

    def push(self) -> None:
        if button := self.one_of("button:not([disabled]):not([title*='as a file'])"):
            button.dispatch_event("click", {"bubbles": True})

    def slide(self) -> None:
        if slider := self.one_of("input[type=range]:not([disabled])"):
            slider.fill(str(self.draws.randint(0, int(slider.get_attribute("max") or 0))))

    def drag(self) -> None:
        box = (self.one_of(".node.ribbon") or self.one_of(".node")).bounding_box()
        if box:
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
    notebook.wait_idle()
    index = notebook.run("m.check(); print(len(m.kernel_map) > 0)")
    assert [output.get("text") for output in notebook.outputs(index)] == ["True\n"]
    for cell in (1, 2):
        assert notebook.cell(cell).locator(".vmw-scene .node").count() > 0
