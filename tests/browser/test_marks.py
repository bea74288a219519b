"""A map that grows past what is drawn one by one, and shrinks again, in a real page: nothing on it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Notebook

CELL = """
import vmwidgets as vm
m = vm.boot("x86-64")
space = m.task("init").map
PAGE = vm.PAGE
places = [0x40_0000 + 2 * number * PAGE for number in range(80)]
for place in places[:70]:
    space.enter(PAGE, at=place, fixed=True, nomerge=True)
entry = list(space)[30]
view = vm.{kind}(space)
view
"""

SEEN = """([id, cell]) => {
    const root = window.panel.content.widgets[cell].node;
    const element = root.querySelector(`[data-id="${id}"]`);
    const shape = element?.querySelector('.shape')?.getBoundingClientRect();
    const frame = root.querySelector('.vmw-scene').getBoundingClientRect();
    return {
        place: shape && [shape.x - frame.x, shape.y - frame.y, shape.width, shape.height].map(Math.round),
        focused: element === document.activeElement,
        selected: element?.classList.contains('selected') ?? false,
        paths: root.querySelectorAll('.marks path').length,
        nodes: root.querySelectorAll('.nodes > .node').length,
    };
}"""


@pytest.fixture
def shown(
    request: pytest.FixtureRequest, open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> tuple[Notebook, str]:
    """A notebook with one lane of a map of 70 entries, of which number 30 is selected; and that one's id."""
    kind, lane = request.param
    notebook = open_notebook(new_notebook(CELL.format(kind=kind)))
    notebook.run_all()
    notebook.cell(0).locator(".marks path").first.wait_for(state="attached")
    number = notebook.outputs(notebook.run("print(entry.id)"))[0]["text"].strip()
    return notebook, f"{lane}/{number}"


def seen(notebook: Notebook, identity: str) -> dict[str, Any]:
    """Where a thing is in the picture, whether it has the focus and is selected; how much is drawn."""
    notebook.page.wait_for_timeout(300)  # what moves has come to rest
    found: dict[str, Any] = notebook.page.evaluate(SEEN, [identity, 0])
    return found


@pytest.mark.parametrize("shown", [("Ribbon", "ribbon")], indirect=True)
def test_a_mark_is_clicked_and_selected_in_the_kernel(shown: tuple[Notebook, str]) -> None:
    notebook, identity = shown
    notebook.run("view.selection = f'entry:{entry.id}'")
    before = seen(notebook, identity)
    assert before["selected"]
    box = notebook.cell(0).locator(f'[data-id="{identity}"] .shape').bounding_box()
    notebook.run("view.selection = ''")
    assert seen(notebook, identity)["place"] is None, "it is a mark among others"
    notebook.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    after = seen(notebook, identity)
    assert (after["place"], after["focused"], after["selected"]) == (before["place"], True, True)
    assert notebook.outputs(notebook.run("print(view.selection)"))[0]["text"].strip().endswith(identity.split("/")[1])
    assert notebook.problems == []


EXECUTE = "(code) => window.panel.sessionContext.session.kernel.requestExecute({ code }).done.then(() => 0)"
"""As another page would: no cell of this one takes the focus."""


@pytest.mark.parametrize("shown", [("Ribbon", "ribbon")], indirect=True)
@pytest.mark.sweep
def test_growing_and_shrinking_past_what_is_drawn_one_by_one_loses_nothing(shown: tuple[Notebook, str]) -> None:
    notebook, identity = shown
    notebook.run("view.selection = f'entry:{entry.id}'")
    statements = (
        ("[space.remove(place, size=PAGE) for place in places[69:49:-1]]", "> 45"),
        ("[space.enter(PAGE, at=place, fixed=True, nomerge=True) for place in places[50:70]]", "< 20"),
    )
    found = []
    for statement, count in statements:
        notebook.cell(0).locator(f'[data-id="{identity}"]').focus()
        found.append(seen(notebook, identity))
        notebook.page.evaluate(EXECUTE, statement)
        notebook.page.wait_for_function(
            f"() => window.panel.content.widgets[0].node.querySelectorAll('.nodes > .node').length {count}"
        )
        found.append(seen(notebook, identity))
    assert [one["paths"] for one in found] == [1, 0, 0, 1]
    assert all(one["focused"] and one["selected"] for one in found)
    assert found[3]["place"] == found[0]["place"]
    assert notebook.problems == []
