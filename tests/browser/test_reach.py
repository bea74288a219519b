"""Small things in a narrow picture are reached by keys: a thousand in a row, and what is folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook

CELL = """
import vmwidgets as vm
m = vm.boot("aarch64")
space = m.task("init").map
apart = int(space.end - space.start) // 1000 & -(1 << 16)
with m.group("a thousand ranges"):
    for number in range(1000):
        space.enter("64 KiB", at=int(space.start) + number * apart, fixed=True, nomerge=True)
vm.{kind}(space, width=420{more})
"""

ALONG = """(cell) => {
    const node = () => document.activeElement.closest('.node');
    const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    cell.querySelector('.vmw-scene .node[tabindex="0"]').focus();
    press('Home');
    const met = [];
    while (!met.includes(node().dataset.thing)) {
        met.push(node().dataset.thing);
        press('ArrowRight');
    }
    return met;
}"""
"""The things that the focus meets on its way along a lane."""

Opener = Callable[..., Notebook]


def shown(opened: Notebook) -> Any:
    """The only picture of the notebook, once it is drawn and has its controls."""
    opened.run_all()
    opened.cell(0).locator(".vmw-scene .node[tabindex='0']").first.wait_for(state="attached")
    return opened.cell(0)


@pytest.mark.parametrize("kind", ["Tree", "Ribbon"])
def test_arrows_meet_each_of_a_thousand(kind: str, open_notebook: Opener, new_notebook: Callable[..., str]) -> None:
    notebook = open_notebook(new_notebook(CELL.format(kind=kind, more=", whole=1000")))
    met = shown(notebook).evaluate(ALONG)
    known = notebook.outputs(notebook.run("print(*[f'entry:{one.id}' for one in space])"))[0]["text"].split()
    assert {*known} <= {*met}


def test_a_fold_is_opened_and_an_address_found_with_keys(
    open_notebook: Opener, new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(CELL.format(kind="Ribbon", more="")))
    page, cell = notebook.page, shown(notebook)
    things = "[...cell.querySelectorAll('.node[data-thing^=\"entry:\"]')].length"
    before = cell.evaluate(f"(cell) => {things}")
    cell.evaluate("(cell) => cell.querySelector('.node.fold').focus()")
    page.keyboard.press("Enter")
    page.wait_for_function(f"([cell, before]) => {things} > before", arg=[cell.element_handle(), before])
    entry, address = notebook.outputs(notebook.run("one = list(space)[777]; print(one.id, one.start)"))[0][
        "text"
    ].split()
    wanted = f".node[data-thing='entry:{entry}']"
    assert cell.locator(wanted).count() == 0, "it is folded"
    cell.locator(".vmw-scene .node[tabindex='0']").focus()
    page.keyboard.press("/")
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    cell.locator(f"{wanted}.selected").wait_for()
