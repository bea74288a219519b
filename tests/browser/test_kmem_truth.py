"""Kernel memory on a page is what Python holds: who sleeps on what in which order, and the entries of exec_map.

After each cell that changes something, ids and words of the nodes are compared with the machine's own values.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.browser.lab import Notebook

BOOT = """
import json
import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
pieces = [m.kmem_alloc_wait("16 KiB") for _ in range(4)]
for name, size in ("large", "32 KiB"), ("small", "16 KiB"), ("late", "4 KiB"):
    m.spawn(m.kmem_alloc_wait, size, name=name)
"""

TRUTH = """
threads = m.threads.value()
kinds = {one.name: one.kind for one in threads.threads}
print(json.dumps({
    "ready": list(threads.ready),
    "asleep": [name for name in threads.sleeping if kinds[name] == "room"],
    "returned": sorted(one.name for one in threads.threads if one.state == "returned"),
    "entries": [entry.id for entry in m.kmem.exec_map],
    "sleepers": list(m.kmem.exec_map.sleepers),
}))
"""

DRAWN = """(cell) => {
    const words = (node) => [...node.querySelectorAll('text')].map((text) => text.textContent);
    const left = (node) => node.getBoundingClientRect().x, top = (node) => Math.round(node.getBoundingClientRect().y);
    const nodes = (kind) => [...cell.querySelectorAll(`.vmwidgets .node.${kind}`)].sort((a, b) => left(a) - left(b));
    const name = (node) => node.dataset.id.replace('thread/', '');
    const threads = nodes('thread');
    const waits = (node) => (node.getAttribute('aria-label') ?? '').includes('waits for room in exec_map');
    const sleepers = threads.filter(waits).sort((a, b) => top(a) - top(b));
    return {
        ready: threads.filter((node) => words(node).includes('ready')).map(name),
        asleep: sleepers.filter((node) => words(node).includes('asleep')).map(name),
        returned: threads.filter((node) => words(node).join(' ').includes('returned')).map(name).sort(),
        numbers: sleepers.map((node) => words(node)[0]),
    };
}"""

IS_DRAWN = f"""([cell, threads]) => {{
    const drawn = ({DRAWN})(cell);
    return Object.keys(threads).every((name) => JSON.stringify(drawn[name]) === JSON.stringify(threads[name]));
}}"""
"""Whether the threads are drawn as Python holds them: a frame may be on its way."""

RANGES = """(cell) => [...cell.querySelectorAll(".vmwidgets .node.range[data-id^='kmem/exec_map/']")]
    .sort((a, b) => a.getBoundingClientRect().x - b.getBoundingClientRect().x)
    .map((node) => Number(node.dataset.id.split('/')[2]))"""

STEPS = (
    "m.run()",  # all three go to sleep
    "m.kmem_free(pieces[0], '16 KiB')",  # wakes nobody
    "m.kmem_free_wakeup(pieces[2], '16 KiB')",  # all three are ready, in order
    "m.step()",  # large finds too little in a row, and goes to the back
    "m.step()",  # small gets the first piece
    "m.run()",  # late gets a part of the second
    "m.kmem_free_wakeup(pieces[3], '16 KiB')",
    "m.run()",  # still too little
    "m.kill('large')",
)


def test_each_picture_is_what_python_holds_after_each_cell(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook(BOOT, "m.threads", "m.kmem"))
    notebook.run_all()
    for index in (1, 2):
        notebook.cell(index).locator(".vmw-scene .node").first.wait_for()
    seen = [held_and_drawn(notebook)["asleep"]]
    for step in STEPS:
        notebook.run(step)
        seen.append(held_and_drawn(notebook)["asleep"])
    in_order = ["large", "small", "late"]
    assert seen[:5] == [[], in_order, in_order, [], ["large"]], "the story is the one that was meant"


def held_and_drawn(notebook: Notebook) -> dict[str, Any]:
    """What Python holds, after the page was found to show just that."""
    held = json.loads(notebook.outputs(notebook.run(TRUTH))[0]["text"])
    threads = {name: held[name] for name in ("ready", "asleep", "returned")}
    notebook.page.wait_for_function(IS_DRAWN, arg=[notebook.cell(1).element_handle(), threads])
    drawn = notebook.cell(1).evaluate(DRAWN)
    several = len(held["asleep"]) > 1
    assert drawn["numbers"] == [str(place) if several else name for place, name in enumerate(held["asleep"], 1)]
    assert notebook.cell(2).evaluate(RANGES) == held["entries"]
    below = notebook.cell(2).locator(".vmwidgets .node[data-id^='kmem/exec_map/sleeper/']").all_text_contents()
    assert [one.removesuffix("asleep for room") for one in below] == held["sleepers"]
    return dict(held)
