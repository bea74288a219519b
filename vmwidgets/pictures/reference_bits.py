"""Reference and dirty bits: how many pages of each task were used, and written.

docs/dev/architecture.md explains this file as the example of a new picture.
"""

from collections import Counter
from dataclasses import replace

from vmwidgets import events as ev
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Bars, Column, Row
from vmwidgets.views.scene.model import Scene, Table

from .at import At
from .registry import picture_of

BITS = {"referenced and dirty": "used-and-dirty", "referenced": "used", "dirty": "dirty", "neither": "unused"}
"""The combinations of a page's bits, and the style of each in a bar."""

WORDS = {
    "referenced and dirty": "used and written (bits R and D)", "referenced": "used (bit R)", "dirty": "written (bit D)",
    "neither": "neither, or not since the bits were cleared",
}  # fmt: skip  # the words of a legend
"""The combinations of bits in words."""

CHANGING = ev.RingMoved, ev.PagesEntered, ev.PagesLeft, ev.PageDirtied, ev.PageCleaned, ev.PteWritten, ev.PteRunWritten


@picture_of(shows=Machine, name="ReferenceBits")
def draw(at: At) -> Scene:
    """Return the reference and dirty bits of the pages in memory, counted for each task.  `target` is the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.ReferenceBits(m)
    ReferenceBits of machine ...
    """
    tasks, steps = bits_of(at), at.steps(bits_of, *CHANGING)
    bars = {task: Bars([(one[bits], style) for bits, style in BITS.items()]) for task, one in tasks.items()}
    named = [(task or "not mapped", bars[task], counted(one.total(), "page")) for task, one in tasks.items()]
    rows = [Row(f"bits/task/{task}", cells) for task, cells in zip(tasks, named, strict=True)]
    known = [(style, WORDS[bits]) for bits, style in BITS.items() if any(one[bits] for one in tasks.values())]
    none = "" if rows else "No page of a task is in memory."
    changed = not steps.count and tasks != bits_of(replace(at, done=0))
    caption = at.moment.caption_of(steps, _answer(tasks, at), tells=False, changed=changed)
    return boxes.picture(
        "bits", "reference bits", counted(len(tasks), "task"),
        boxes.below(
            boxes.rows("bits", COLUMNS, rows), boxes.words("bits/none", none), boxes.key("bits", known), gap=10
        ),
        caption=caption, steps=steps, machine=at.whole.name, width=at.width,
        table=Table(("task", *BITS), [(task, *(f"{one[bits]:,}" for bits in BITS)) for task, one in tasks.items()]),
    )  # fmt: skip  # what it draws, what it says


COLUMNS = Column(most=200, middle=True), Column(takes=True), Column(style="label dim", end=True)
"""A task, a bar of its pages, and their number."""


def _answer(tasks: dict[str, Counter[str]], at: At) -> str:
    """Return how many pages were used and written, and how many reference bits the operation cleared."""
    every = sum(tasks.values(), Counter[str]())
    if not every.total():
        return ""
    both = every["referenced and dirty"]
    said = f"{_of(every['referenced'] + both, every.total())} used, and {every['dirty'] + both:,} written."
    cleared = sum(isinstance(event, ev.ReferenceCleared) or (isinstance(event, ev.HandLooked) and event.found == "used")
                  for event in at.moment.so_far)  # fmt: skip  # by the policy of a queue, or by a clock's hand
    return said + f" {counted(cleared, 'reference bit')} {'was' if cleared == 1 else 'were'} cleared." * bool(cleared)


def _of(some: int, every: int) -> str:
    return f"{some:,} of {counted(every, 'page')} {'was' if some == 1 else 'were'}"


def bits_of(at: At) -> dict[str, Counter[str]]:
    """Return, by task, how many pages have each combination of bits at a moment."""
    tasks: dict[str, Counter[str]] = {}
    for page in (page for ring in at.value(at.whole.replacement).rings.values() for page in ring.pages):
        bits = " and ".join(["referenced"] * page.referenced + ["dirty"] * page.dirty) or "neither"
        tasks.setdefault(page.task, Counter())[bits] += 1
    return dict(sorted(tasks.items()))
