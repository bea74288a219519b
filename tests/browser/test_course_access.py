"""Labs by the keyboard alone, read as text, in no hurry; on a small window and at twice the size nothing is cut."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.lab import Notebook
from tests.labs.solutions import of_lab, solved
from vmwidgets import lab

ROOT = Path(__file__).resolve().parents[2]
LABS = {name: of_lab(name).SOLVED for name in ("01-maps", "08a-demand-paging")}
CHECK = re.compile(r'lab\.check\("([^"]+)", (\w+)\)')
SHEET = re.compile(r'^(\w+) = lab\.(?:variant|sheet)\("([^"]+)"\)\n\1$', re.MULTILINE)
YOURS = "# your code here"

SMALL = {"width": 1280, "height": 800}
TWICE = {"width": 640, "height": 400}
"""What a page has of the small window at 200 % zoom: CSS pixels, by which everything is laid out."""

WHERE = "() => [panel.content.activeCellIndex, panel.content.mode]"

IN_CONTROL = """(index) => {
    const { activeElement } = document;
    const control = activeElement.closest('.jp-OutputArea [role=group]');
    return !!control && panel.content.widgets[index].node.contains(control);
}"""

ON_CELL = "(index) => document.activeElement === panel.content.widgets[index].node"

TOO_WIDE = """() => {
    const outputs = document.querySelectorAll('.jp-Notebook .jp-OutputArea-output');
    const scrolled = (node, root) => {
        for (let at = node.parentElement; at && at !== root; at = at.parentElement) {
            if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return true;
        }
        return false;
    };
    const found = [];
    for (const output of [...outputs].filter((one) => one.offsetParent)) {
        const right = output.getBoundingClientRect().right + 1;
        const name = output.innerText.slice(0, 60);
        const wide = [...output.querySelectorAll('img, svg')].filter(
            (one) => one.getBoundingClientRect().right > right && !scrolled(one, output),
        );
        found.push(...wide.map(() => `a picture: ${name}`));
        const { scrollWidth, clientWidth } = output;
        if (scrollWidth > clientWidth + 1) found.push(`${scrollWidth} > ${clientWidth}: ${name}`);
    }
    const page = document.querySelector('.jp-WindowedPanel-outer');
    if (page.scrollWidth > page.clientWidth + 1) found.push('the notebook');
    return found;
}"""

GALLERY = (
    'from vmwidgets import lab\nlab.begin("01", student=["a" * 64, "b" * 64], course="c" * 64)',
    'sheet = lab.variant("01/guard")\nsheet',
    'lab.check("01/guard", sheet.start())',
    'stacks = sheet.start()\nstacks.enter("1 MiB", at=0)\nlab.check("01/guard", stacks)',
    'lab.hint("01/guard", tier=3)',
    """
words = "where a very long name has no space: " + "x" * 120
long = lab.predict(words, id="t/" + "y" * 90, options=[words, "z" * 200])
""",
    'long.say("z" * 200)\nlong.compare(words)',
    'count = lab.predict("How many?", id="t/count", kind="number")',
    "lab.predictions",
    """
@lab.author.exercise("t/long", "A title " + "t" * 100, points=1, takes=int)
def judge(value):
    yield lab.author.criterion(1, False, "yes", "no " + "n" * 200, expected="e" * 300, actual="a" * 300)
lab.check("t/long", 1)
""",
)
"""Every kind of output that a lab has, some with words that fit nowhere."""


def cells(name: str) -> list[str]:
    """The sources of a notebook's cells."""
    return ["".join(cell["source"]) for cell in json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())["cells"]]


def go_to(notebook: Notebook, index: int) -> None:
    """To a cell, by the arrow keys of the command mode."""
    keyboard = notebook.page.keyboard
    keyboard.press("Escape")
    while (at := notebook.page.evaluate(WHERE)) != [index, "command"]:
        assert at[1] == "command"
        keyboard.press("ArrowDown" if at[0] < index else "ArrowUp")


def run_by_keys(notebook: Notebook, index: int) -> None:
    go_to(notebook, index)
    notebook.page.keyboard.press("Shift+Enter")
    notebook.wait_idle()


def type_below(notebook: Notebook, index: int, line: int, text: str) -> None:
    """Write lines of code into a cell, below its line of this number."""
    go_to(notebook, index)
    keyboard = notebook.page.keyboard
    keyboard.press("Enter")
    keyboard.press("Control+Home")
    for _ in range(line):
        keyboard.press("ArrowDown")
    keyboard.press("End")
    for one in text.splitlines():
        keyboard.press("Enter")
        keyboard.type(one)


def solved_by_keys(notebook: Notebook, name: str) -> list[str]:
    """Do each exercise of a lab; its ids."""
    done = []
    for index, source in enumerate(cells(name)):
        if SHEET.search(source) or "lab.begin(" in source:
            run_by_keys(notebook, index)
        if (asked := SHEET.search(source)) is not None:
            assert words_missing(notebook, index, lab.variant(asked[2]).text) == []
        if (check := CHECK.search(source)) is None or YOURS not in source:
            continue
        lines = source.splitlines()
        number = next(number for number, line in enumerate(lines) if line.startswith(YOURS))
        recipe = LABS[name][check[1]].right[0](lab.variant(check[1]).given)
        type_below(notebook, index, number, f"thing = {check[2]}\n{recipe}")
        notebook.page.keyboard.press("Shift+Enter")
        notebook.wait_idle()
        of = lab.check(check[1]).of
        assert f"{of} of {of} points" in notebook.cell(index).locator(".jp-OutputArea").aria_snapshot(), check[1]
        done.append(check[1])
    return done


def words_missing(notebook: Notebook, index: int, text: str) -> list[str]:
    """The lines of a sheet that its output does not say in words; it has no picture that could."""
    output = notebook.cell(index).locator(".jp-OutputArea-output")
    assert output.locator("img, svg, canvas").count() == 0
    seen = " ".join(output.inner_text().split())
    return [line for line in text.splitlines() if " ".join(line.replace("`", "").split()) not in seen]


def answer_by_keys(notebook: Notebook, index: int, *keys: str) -> str:
    """Run the cell that asks, go to its control by the tabulator, and press keys; what the page then says."""
    go_to(notebook, index - 1)  # the arrow keys pass folded cells: from the question above, Shift+Enter leads there
    keyboard = notebook.page.keyboard
    keyboard.press("Shift+Enter")
    keyboard.press("Control+Enter")
    notebook.wait_idle()
    notebook.cell(index).locator(".vmw-answer").first.wait_for()
    for _ in range(40):
        if notebook.page.evaluate(IN_CONTROL, index):
            break
        keyboard.press("Tab")
    for key in keys:
        keyboard.press(key)
    notebook.cell(index).get_by_text("Your answer is shown above").wait_for()
    notebook.wait_idle()
    keyboard.press("Escape")
    assert notebook.page.evaluate(ON_CELL, index), "Escape leads back to the cell"
    return str(notebook.cell(index).locator(".jp-OutputArea").inner_text())


@pytest.mark.parametrize("name", ["01-maps", pytest.param("08a-demand-paging", marks=pytest.mark.sweep)])
def test_a_lab_is_done_by_the_keyboard_alone(open_notebook: Callable[..., Notebook], name: str) -> None:
    notebook = open_notebook(f"notebooks/{name}.ipynb")
    notebook.page.set_viewport_size(SMALL)
    assert sorted(solved_by_keys(notebook, name)) == sorted(LABS[name])
    if name != "01-maps":
        return
    sources = cells(name)
    choice = next(index for index, source in enumerate(sources) if "lab.predict(" in source and "options=" in source)
    number = next(index for index, source in enumerate(sources) if 'kind="number"' in source)
    option = re.findall(r'"([^"]+)":', sources[choice])[1]  # what each stands for may be a name of Python
    assert f"you said: {option}" in answer_by_keys(notebook, choice, "Space", "ArrowDown", "Tab", "Enter")
    assert "because=True" in sources[number]
    said = answer_by_keys(notebook, number, "3", "Tab", *"so", "Tab", "Space")
    assert "you said: 3, because so" in said
    notebook.run_all()
    for size in (SMALL, TWICE):
        notebook.page.set_viewport_size(size)
        notebook.wait_idle()
        assert notebook.page.evaluate(TOO_WIDE) == [], size


def test_nothing_of_a_lab_is_wider_than_a_small_window_or_a_large_letter(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(*GALLERY))
    notebook.run_all()
    errors = [out for index in range(len(GALLERY)) for out in notebook.outputs(index) if out["output_type"] == "error"]
    assert errors == []
    notebook.cell(7).locator(".vmw-answer").first.wait_for()
    for size in (SMALL, TWICE):
        notebook.page.set_viewport_size(size)
        notebook.wait_idle()
        assert notebook.page.evaluate(TOO_WIDE) == [], size


def test_each_graded_task_is_lines_of_code() -> None:
    """The solutions that `course/` has are such lines: nothing has to be pressed, dragged or seen."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        of_code = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        for source in ("".join(cell["source"]) for cell in of_code):
            graded = set(CHECK.findall(source))
            assert {name for name, _ in graded} <= solved().keys(), path
            assert not graded or YOURS in source, f"{path.stem}: {source}"
            assert source.count("lab.check(") == len(graded), f"{path.stem}: {source}"


def clocks(source: str) -> list[str]:
    """What a module takes of clocks."""
    names = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return sorted(names & {"time", "datetime", "sched", "timeit", "threading", "asyncio"})


def test_no_task_is_timed() -> None:
    """Neither what asks nor what judges knows what time it is, and the control of a prediction waits for ever.

    `minutes` knows it, for a student who wants to be told how long each cell took; only `begin` and `lab` ask it.
    """
    teller, told = "minutes.py", {"beginning.py", "lab.py"}
    for path in (ROOT / "vmwidgets" / "labs").rglob("*.py"):
        text = path.read_text("utf-8")
        assert path.name == teller or clocks(text) == [], path
        assert path.name in told or not re.search(r"import minutes|\bminutes import", text), path
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert not [source for source in cells(path.stem) if "import time" in source], path
    assert not re.search(r"setTimeout|setInterval|Date\b|performance\.", (ROOT / "js/src/answer.ts").read_text("utf-8"))
