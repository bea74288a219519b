"""A buddy system on paper: each size of block a row, to scale, with the cuts that a request needed.

The picture has no machine, and does not change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.on_paper.buddy import BuddyRequest, BuddyValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width

from .at import At
from .registry import picture_of

_ROW, _PITCH, _LABEL, _LARGE, _AXIS = 20.0, 27.0, 84.0, 30.0, 20.0
"""Heights of a block and of a row, width of its size, heights of the enlarged block and of the addresses above all."""


@picture_of(first_for=BuddyValue, name="Buddy")
def draw_buddy(at: At) -> Scene:
    """Return the blocks of memory after the last request, by size, the cuts that it needed, and what it left unused.

    `target` is a ``vm.buddy``.

    >>> import vmwidgets as vm
    >>> vm.Buddy(vm.buddy("1 MiB", ["21 KiB"])).scene().caption.text
    '21 KiB is asked for, 32 KiB is given: 5 cuts.'
    """
    value: BuddyValue = at.target
    last = value.requests[-1]
    sizes = _sizes(value)
    asked, given = binary_size(last.asked), binary_size(last.size)
    cuts = counted(len(last.halved), "cut") if last.halved else "no cut"
    verb = f"{asked} is asked for, {given} is given: {cuts}."
    if last.halved:
        until = " until a half would be too small" if len(last.halved) > 1 else ""
        how = f"{binary_size(last.halved[0][1])}, the smallest free block that is large enough, is halved{until}."
    else:
        how = f"A free block of {given} was there."
    unused = "The block is used whole."
    if last.waste:
        old = sum(one.waste for one in value.requests) - last.waste
        more = f", as are {binary_size(old)} of older ones" if old else ""
        unused = f"{binary_size(last.waste)} of the block is lost{more}: internal fragmentation."
    blocks = [(start, size, "free") for start, size in last.free]
    blocks += [(one.start, one.size, f"given for {binary_size(one.asked)}") for one in value.requests]
    return boxes.picture(
        "buddy",
        f"a buddy system of {binary_size(value.size)}",
        "",
        boxes.linked(
            boxes.below(
                boxes.drawing(_PITCH * len(sizes) + _AXIS, lambda box: _rows(value, sizes, box)),
                boxes.drawing(_LARGE + 24, lambda box: _larger(last, box)),
                gap=24,
            ),
            _zoomed,
        ),
        caption=Caption(verb, (), f"{how} {unused}"),
        table=Table(
            ("start", "size", "what"),
            [(binary_size(start), binary_size(size), what) for start, size, what in sorted(blocks)],
        ),
        width=at.width,
    )


def _sizes(value: BuddyValue) -> list[int]:
    """Return the sizes of blocks, from memory to the smallest block."""
    least = min(size for size in [*(one.size for one in value.requests), *(s for _, s in value.requests[-1].free)])
    sizes = [value.size]
    while sizes[-1] > least:
        sizes.append(sizes[-1] // 2)
    return sizes


def _rows(value: BuddyValue, sizes: list[int], box: Box) -> Iterator[Node]:
    """Yield the addresses, and a row of blocks for each size: what has no room in its block is said beside the row."""
    left, scale = box.x + _LABEL, (box.w - _LABEL) / value.size
    marks = [value.size * part // 4 for part in range(4)]
    axis = [Text(_LABEL + at * scale, 14, "address 0" if not at else binary_size(at), "label dim") for at in marks]
    yield kit.runs("buddy/axis", box._replace(h=_AXIS), axis, title="offsets in the memory")
    last = value.requests[-1]
    given = Box(left + last.start * scale, 0, last.size * scale, 0)
    for number, size in enumerate(sizes):
        y = box.y + _AXIS + _PITCH * number + 4
        yield kit.runs(f"buddy/{size}", Box(box.x, y, _LABEL, _ROW), [Text(0, 14, binary_size(size), "strong")])
        blocks = sorted(_blocks(value, size), key=lambda one: one[0])
        said, end = Counter[str](), left
        for start, draw, words in blocks:
            place = Box(left + start * scale, y, size * scale, _ROW)
            has_room = text_width(words) <= place.w - 8
            yield draw(place, words if has_room else "")
            said[words] += bool(words) and not has_room
            end = place.x + place.w
        if size < last.size and end < given.x + given.w:
            end = max(end, given.x + given.w)  # beside the band to the enlarged block
        beside = " · ".join(f"{times} × {words}" if times > 1 else words for words, times in said.items() if times)
        if beside and end + 6 + text_width(beside) <= box.x + box.w:
            yield kit.runs(
                f"buddy/{size}/said", Box(end + 6, y, text_width(beside), _ROW), [Text(0, 14, beside, "label dim")]
            )


Block = tuple[int, Callable[[Box, str], Node], str]
"""The start of a block, a function that draws it in a place with words, and its words."""


def _blocks(value: BuddyValue, size: int) -> Iterator[Block]:
    """Yield the blocks of a size: those that were halved, those that requests got, and free ones."""
    last = value.requests[-1]
    for one in value.requests:
        for cut, (start, length) in enumerate(one.halved, 1):
            if length == size:
                was = f"{binary_size(size)}, was free" if one is last and cut == 1 else ""
                yield start, partial(_halved, start, size, cut if one is last else 0), was
        if one.size == size:
            yield (
                one.start,
                partial(_given, one, one is last),
                f"{binary_size(one.asked)} {'new' if one is last else 'in use'}",
            )
    for start, length in last.free:
        if length == size:
            said = f"{binary_size(size)} free" + ", the buddy of the new one" * (
                size == last.size and start == last.start ^ size
            )
            yield start, partial(_free, start), said


def _halved(start: int, size: int, cut: int, place: Box, words: str) -> Node:
    """Return a block that was halved, with the cut in its middle: a line, as its halves are in the next row.

    `cut` is the cut's number, 0 for an earlier request.  A block with `words` was free before: it is drawn.
    """
    line = Bar(place.w / 2 - 1, -3, 2, _ROW + 6, "error" if cut else "line")
    whole = Bar(1, _ROW / 2 - 1, place.w - 2, 2, "line") if cut != 1 else Bar(0, 0, place.w, _ROW, "own-gone")
    said = f"{binary_size(size)} from {start:#x}, halved {f'by cut {cut}' if cut else 'before'}"
    text = [Text(place.w / 2 + 5, 14 if cut == 1 else 7, f"cut {cut}", "label error")] * (
        cut > 0 and text_width(f"cut {cut}", "label error") + 7 <= place.w / 2
    )
    text += [Text(6, 14, words, "label dim")] * (bool(words) and text_width(words) < place.w / 2 - 12)
    return kit.runs(f"buddy/halved/{start:x}/{size:x}", place, text, bars=(whole, line), title=said)


def _given(one: BuddyRequest, is_now: bool, place: Box, words: str) -> Node:
    """Return a block that was given: the part that is used, and the waste; grey if it was given before."""
    said = (
        f"{binary_size(one.size)} from {one.start:#x}: {binary_size(one.asked)} used, {binary_size(one.waste)} wasted"
    )
    used = place.w * one.asked / one.size
    bars = [Bar(0, 0, used, _ROW, "new" if is_now else "own-kernel")]
    bars += [Bar(used, 0, place.w - used, _ROW, "waste"), Bar(place.w - 1.5, 0, 1.5, _ROW, "ground")]
    text = [Text(place.w / 2, 14, words, "label", "middle")] * bool(words)
    return kit.runs(
        f"buddy/given/{one.start:x}", place, text, bars=bars, title=f"{said}{'' if is_now else ', given before'}"
    )


def _free(start: int, place: Box, words: str) -> Node:
    title = f"free, from {start:#x}"
    return kit.chip(f"buddy/free/{start:x}", "run", place, words, state=("tile", "is-free"), title=title)


def _larger(one: BuddyRequest, box: Box) -> Iterator[Node]:
    """Yield the block that was given, across the picture: its used part and its waste, to scale."""
    y = box.y
    head = f"the block of {binary_size(one.size)}, enlarged"
    yield kit.runs("buddy/larger", Box(box.x, y + _LARGE + 4, box.w, 20), [Text(0, 14, head, "label dim")])
    used = box.w * one.asked / one.size
    said = binary_size(one.asked)
    yield kit.chip(
        "buddy/larger/used", "run", Box(box.x, y, used, _LARGE), (f"{said} used", said, ""), style="strong",
        state=("tile", "now"), title=f"{said} used",
    )  # fmt: skip
    if one.waste:
        said = binary_size(one.waste)
        yield kit.chip(
            "buddy/larger/waste", "run", Box(box.x + used, y, box.w - used, _LARGE), (f"{said} wasted", said, ""),
            style="strong", state=("waste",), title=f"{said} wasted",
        )  # fmt: skip


def _zoomed(at: Mapping[str, Node]) -> Iterator[Link]:
    """Yield the band from the given block to the same block, larger."""
    given = next(node for node in at.values() if any(bar.style == "new" for bar in node.bars))
    whole = [at[name] for name in ("buddy/larger/used", "buddy/larger/waste") if name in at]
    below = Box(whole[0].x, whole[0].y, sum(node.w for node in whole), whole[0].h)
    end = max(node.y + node.h for node in at.values() if node.y + node.h <= whole[0].y)
    straight = end - given.y - given.h  # past the rows of smaller blocks
    small = Box(given.x, given.y, given.w, given.h)
    yield kit.band("buddy/zoom", given.id, whole[0].id, small, below, straight=straight, state=("now",))
