"""Reference and dirty bits: a square for each page in memory, in the order in which the policy looks at them.

A used page is filled, and a page that was not used since its bit was cleared is an outline; a written page has a line
below it.  Its number is that of the page in its object.  A frame of several tasks is one rounded square, with the task
that mapped it first: it is used if the hardware set the bit in any of its descriptors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from vmwidgets import events as ev
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.memory.replacement_schema import RingPage
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Rows, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

MOST, LONG, TASKS = 60, 4, 24
"""The most squares of a task; if it has more pages, this many alike or more are one box; the most tasks."""

_SQUARE, _GAP, _NAME, _SUMS, _NARROW = 24.0, 4.0, 190.0, 150.0, 640.0

CHANGING = (
    ev.RingMoved,
    ev.HandMoved,
    ev.HandLooked,
    ev.ReferenceCleared,
    ev.PagesEntered,
    ev.PagesLeft,
    ev.PageDirtied,
    ev.PageCleaned,
    ev.PteWritten,
    ev.PteRunWritten,
)
"""The events that change a square, or its place."""

BITS = {(True, True): "referenced and dirty", (True, False): "referenced", (False, True): "dirty"}
NEITHER = "neither"
"""The combinations of a page's bits, as the table names them."""


@picture("ReferenceBits", shows=["vmwidgets.engine.machine.machine.Machine"])
def reference_bits(at: At) -> Sheet:
    """Draw which pages in memory were used and which were written, by task.  `target` is the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.ReferenceBits(m)
    ReferenceBits of machine ...
    """
    tasks, before = pages_of(at), pages_of(replace(at, done=0))
    steps, every = at.steps(pages_of, *CHANGING), [page for pages in tasks.values() for page in pages]
    was = {page.frame: _bits(page) for pages in before.values() for page in pages}
    marks = {
        page.frame: "changed" if page.frame in was else "new" for page in every if was.get(page.frame) != _bits(page)
    }
    left = max(0, len(tasks) - TASKS)
    names = (*BITS.values(), NEITHER)
    counts = {task: Counter(BITS.get(_bits(page), NEITHER) for page in pages) for task, pages in tasks.items()}
    value = at.value(at.whole.replacement)
    order = "by arrival" if value.is_function else "as the policy looks at them"
    return Sheet(
        "reference bits", f"{value.policy}, {counted(len(every), 'page')} in memory",
        boxes.below(
            *(_task(task, pages, marks) for task, pages in [*tasks.items()][:TASKS]),
            boxes.more("bits/more", left, "task"), _legend(every, order), gap=10,
        ),
        answer=_answer(every), more=_cleared(at), tells=False, steps=steps,
        changed=not steps.count and tasks != before,
        table=Table(
            ("task", *names),
            Rows(lambda: tuple((task, *(f"{counts[task][name]:,}" for name in names)) for task in tasks)),
            (("pages, in order", Table(("task", "page", "frame", "bits"), Rows(lambda: tuple(
                (task, f"{page.index} of {page.object}", f"{page.frame:#x}", BITS.get(_bits(page), NEITHER))
                for task, pages in tasks.items() for page in pages
            )))),),
        ),
    )  # fmt: skip  # what it draws, what it says


def pages_of(at: At) -> dict[str, list[RingPage]]:
    """Return the pages of each task at a moment, as the policy will look at them; "" has those that no task maps."""
    tasks: dict[str, list[RingPage]] = {}
    for ring in at.value(at.whole.replacement).rings.values():
        for page in ring.pages:
            tasks.setdefault(page.task, []).append(page)
    return dict(sorted(tasks.items()))


def _bits(page: RingPage) -> tuple[bool, bool]:
    return page.referenced, page.dirty


# ---- what is said ----------------------------------------------------------------------------------------


def _answer(every: Sequence[RingPage]) -> str:
    """Return how many pages were used, and how many must be saved before they leave."""
    if not every:
        return "No page of a task is in memory."
    used, dirty = (sum(getattr(page, bit) for page in every) for bit in ("referenced", "dirty"))
    total = counted(len(every), "page")
    first = f"{used:,} of {total} {'was' if used == 1 else 'were'} used"
    if used == len(every):
        first = f"All {total} were used" if used > 1 else "The page was used"
    saved = f"{dirty:,} must be saved before {'it leaves' if dirty == 1 else 'they leave'}"
    return f"{first}; {saved if dirty else 'none has to be saved before it leaves'}."


def _cleared(at: At) -> str:
    """Return how many reference bits the operation cleared: by the policy of a queue, or by a clock's hand."""
    count = sum(
        isinstance(event, ev.ReferenceCleared) or (isinstance(event, ev.HandLooked) and event.found == "used")
        for event in at.moment.so_far
    )
    return f"{counted(count, 'reference bit')} {'was' if count == 1 else 'were'} cleared." * bool(count)


def _legend(every: Sequence[RingPage], order: str) -> Part:
    """Return the meanings of those looks that are drawn, and of the order."""
    kinds = [(f"own-{kind}", "memory" if kind == "anonymous" else "a file") for kind in sorted({*map(_kind, every)})]
    said = ["filled: used"] * any(page.referenced for page in every)
    said += ["outline: not used"] * any(not page.referenced for page in every)
    said += ["line below: written"] * any(page.dirty for page in every)
    said += ["round: shared by tasks, drawn once"] * any(page.others for page in every)
    said += ["number: page of its object"]
    words = " · ".join([*said, f"from left to right: {order}"] if every else [])
    return boxes.below(boxes.key("bits", kinds), boxes.words("bits/looks", words), gap=4)


# ---- what is drawn ---------------------------------------------------------------------------------------


def _task(task: str, pages: Sequence[RingPage], marks: Mapping[int, str]) -> Part:
    """Return a task's squares next to its name, or below it in a narrow picture, and its numbers."""
    used, dirty = (sum(getattr(page, bit) for page in pages) for bit in ("referenced", "dirty"))
    name, said = task or "not mapped", f"{used:,} used, {dirty:,} written"

    runs = _runs(pages, marks)
    squares = boxes.flowing([_box(run, marks) for run in runs], gap=_GAP)
    narrow = boxes.below(boxes.thing(20, partial(_head, task, name, said)), squares, gap=2)
    head, sums = (boxes.thing(20, one) for one in (partial(_head, task, name, ""), partial(_sums, task, said)))
    return boxes.either(_NARROW, boxes.columns((_NAME, head), (0, squares), (_SUMS, sums)), narrow)


def _sums(task: str, said: str, box: Box) -> Node:
    return kit.runs(f"bits/sum/{task}", box, [Text(box.w, 15, said, "label dim", "end")])


def _head(task: str, name: str, said: str, box: Box) -> Node:
    text = [fitted(0, 15, visible(name), box.w - 8 - text_width(said) * bool(said), "body strong")]
    text += [Text(box.w, 15, said, "label dim", "end")] * bool(said)
    return kit.runs(f"bits/task/{task}", box, text, title=visible(f"{name}: {said}" if said else name))


def _runs(pages: Sequence[RingPage], marks: Mapping[int, str]) -> list[list[RingPage]]:
    """Return the pages one by one or, if there are too many, neighbours that look alike together."""
    if len(pages) <= MOST:
        return [[page] for page in pages]
    alike = groupby(pages, key=lambda page: (_kind(page), *_bits(page), marks.get(page.frame), page.others > 0))
    runs = [[*run] for _, run in alike]
    return [part for run in runs for part in ([run] if len(run) >= LONG else [[page] for page in run])]


def _id(page: RingPage) -> str:
    return f"bits/page/{page.frame:x}"


def _kind(page: RingPage) -> str:
    return kind_of_object(page.object, "r--")


def _box(run: Sequence[RingPage], marks: Mapping[int, str]) -> tuple[float, Part]:
    """Return a page as a square, or several as a box with their number, and its width."""
    page, count, mark = run[0], len(run), marks.get(run[0].frame, "")
    wide = _SQUARE if count == 1 else max(3 * _SQUARE, text_width(f"{count:,} pages", "strong") + 16)
    bits = f"{'used' if page.referenced else 'not used'}{', written' * page.dirty}"
    what = f"page {page.index} of {page.object}, frame {page.frame:#x}" if count == 1 else f"{count:,} pages"
    more = f", and {counted(page.others, 'more translation')}" * bool(page.others and count == 1)

    title = visible(f"{what}{more}: {bits}{f', {mark}' * bool(mark)}")

    def draw(box: Box) -> Node:
        number = f"{count:,} pages" if count > 1 else f"{page.index}"
        fits = text_width(number) <= wide - 2
        text = (Text(wide / 2, 16, number, "label strong" if count > 1 else "label", "middle"),) * fits
        return Node(
            _id(page),
            "square",
            box.x,
            box.y,
            wide,
            _SQUARE,
            thing=f"frame:{page.frame}" * (count == 1),
            text=text,
            shape="round" if page.others else "box",
            state=(_kind(page), *([] if page.referenced else ["unused"]), *[mark] * bool(mark)),
            bars=(
                *[Bar(3, 3, wide - 6, _SQUARE - 6, "ground")] * (not page.referenced),
                *[Bar(0, _SQUARE + 3, wide, 3, "mark")] * page.dirty,
            ),
            title=title,
            action="select" * (count == 1),
            lane=f"bits/{page.task}",
        )

    return wide, boxes.below(boxes.thing(_SQUARE, draw), boxes.apart(8))
