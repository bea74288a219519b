"""Reference and dirty bits: a square for each page in memory, in the order in which the policy looks at them.

Pages that must be saved before they leave are a group, and the others another; the smaller group comes first.  A used
page is filled, and a page that was not used since its bit was cleared is an outline.  Its number is that of the page in
its object.  A frame of several tasks is one rounded square, with the task that mapped it first: it is used if the
hardware set the bit in any of its descriptors.
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
from vmwidgets.views.story.words.names import policy_name

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

MOST, LONG, TASKS = 60, 4, 24
"""The most squares of a task; if it has more pages, this many alike or more are one box; the most tasks."""

_SQUARE, _GAP, _NARROW = 24.0, 4.0, 640.0

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
    steps, every = at.steps(_facts), [page for pages in tasks.values() for page in pages]
    was = {page.frame: _bits(page) for pages in before.values() for page in pages}
    marks = {
        page.frame: "changed" if page.frame in was else "new" for page in every if was.get(page.frame) != _bits(page)
    }
    shown, left = [*tasks.items()][:TASKS], max(0, len(tasks) - TASKS)
    names = (*BITS.values(), NEITHER)
    counts = {task: Counter(BITS.get(_bits(page), NEITHER) for page in pages) for task, pages in tasks.items()}
    value = at.value(at.whole.replacement)
    order = "by arrival" if value.is_function else "the next to be looked at first"
    return Sheet(
        "reference bits", f"{policy_name(value.policy)}, {counted(len(every), 'page')} in memory, {order}",
        boxes.below(
            boxes.sized(partial(_groups, shown, marks)), boxes.more("bits/more", left, "task"),
            _legend(every, is_changed="changed" in marks.values()), gap=12,
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


def _facts(at: At) -> object:
    """Return what is drawn of each page, and the policy."""
    pages = [page for some in pages_of(at).values() for page in some]
    drawn = [(page.task, page.frame, page.object, page.index, page.others, _bits(page)) for page in pages]
    return drawn, at.value(at.whole.replacement).policy


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


def _legend(every: Sequence[RingPage], *, is_changed: bool) -> Part:
    """Return the meanings of those looks that are drawn."""
    kinds = [(f"own-{kind}", "memory" if kind == "anonymous" else "a file") for kind in sorted({*map(_kind, every)})]
    said = ["outline: not used since R was cleared"] * any(not page.referenced for page in every)
    said += ["round: shared by tasks"] * any(page.others for page in every)
    said += ["dashed: its bits were changed now"] * is_changed
    return boxes.key("bits", [*kinds[: 2 * (len(kinds) > 1)], *(("", one) for one in said)])


# ---- what is drawn ---------------------------------------------------------------------------------------


def _groups(tasks: Sequence[tuple[str, Sequence[RingPage]]], marks: Mapping[int, str], w: float) -> Part:
    """Return the pages that must be saved and the others, each with its tasks; the smaller group first."""
    groups = []
    for is_dirty in (False, True):
        some = [(task, [page for page in pages if page.dirty == is_dirty]) for task, pages in tasks]
        count = sum(len(pages) for _, pages in some)
        said = f"written: must be saved before {'it leaves' if count == 1 else 'they leave'}"
        said = said if is_dirty else f"not written: need{'s' * (count == 1)} no saving"
        groups += [(count, is_dirty, f"{counted(count, 'page')} {said}", some)] * bool(count)
    longest = max((text_width(visible(task or _NOT_MAPPED), "body") for task, _ in tasks), default=0.0)
    name = min(w / 3, longest + 14)
    parts = []
    for _, is_dirty, said, some in sorted(groups, key=lambda one: one[:2]):
        rows = [_task(task, pages, marks, is_dirty, name) for task, pages in some if pages]
        parts.append(boxes.below(boxes.heading(f"bits/group/{is_dirty:d}", said), boxes.below(*rows, gap=6)))
    return boxes.below(*parts, gap=8)


_NOT_MAPPED = "not mapped"


def _task(task: str, pages: Sequence[RingPage], marks: Mapping[int, str], is_dirty: bool, wide: float) -> Part:
    """Return a task's squares next to its name, or below it in a narrow picture."""
    squares = boxes.flowing([_box(run, marks) for run in _runs(pages, marks)], gap=_GAP)
    head = boxes.thing(_SQUARE, partial(_head, task, is_dirty))
    return boxes.either(_NARROW, boxes.columns((wide, head), (0, squares)), boxes.below(head, squares, gap=2))


def _head(task: str, is_dirty: bool, box: Box) -> Node:
    name = visible(task or _NOT_MAPPED)
    return kit.runs(f"bits/task/{is_dirty:d}/{task}", box, [fitted(0, 17, name, box.w - 8, "body")], title=name)


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
            bars=(Bar(3, 3, wide - 6, _SQUARE - 6, "ground"),) * (not page.referenced),
            title=title,
            action="select" * (count == 1),
            lane=f"bits/{page.task}",
        )

    return wide, boxes.thing(_SQUARE, draw)
