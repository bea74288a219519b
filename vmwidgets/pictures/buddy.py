"""A buddy system on paper: each size of block a row, to scale, with the cuts that a request needed.

The picture has no machine, and does not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.on_paper.buddy import BuddyRequest, BuddyValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width

from .at import At
from .registry import picture_of

_ROW, _PITCH, _LABEL, _LARGE = 20.0, 27.0, 84.0, 30.0
"""Heights of a block and of a row, the width of its size, and the height of the given block, larger."""


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
        how = f"{binary_size(last.halved[0][1])} is halved until a half would be too small."
    else:
        how = f"A free block of {given} was there."
    unused = f"{binary_size(last.waste)} of the block stays unused." if last.waste else "The block is used whole."
    blocks = [(start, size, "free") for start, size in last.free]
    blocks += [(one.start, one.size, f"given for {binary_size(one.asked)}") for one in value.requests]
    return boxes.picture(
        "buddy",
        f"a buddy system of {binary_size(value.size)}",
        "",
        boxes.linked(
            boxes.below(
                boxes.drawing(_PITCH * len(sizes), lambda box: _rows(value, sizes, box)),
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
    scale = (box.w - _LABEL) / value.size
    last = value.requests[-1]
    for number, size in enumerate(sizes):
        y = box.y + _PITCH * number + 4
        name = binary_size(size)
        yield kit.runs(f"buddy/{size}", Box(box.x, y, _LABEL, _ROW), [Text(0, 14, name, "strong")])

        def place(start: int, y: float = y, size: int = size) -> Box:
            return Box(box.x + _LABEL + start * scale, y, size * scale, _ROW)

        for one in value.requests:
            for cut, (start, length) in enumerate(one.halved, 1):
                if length == size:
                    yield _halved(place(start), start, size, cut if one is last else 0)
            if one.size == size:
                yield _given(place(one.start), one, is_now=one is last)
        free = [start for start, length in last.free if length == size]
        taken = [*free, *(one.start for one in value.requests if one.size == size)]
        taken += [start for one in value.requests for start, length in one.halved if length == size]
        for start in free:
            where = place(start)
            said = f"{name} free" + ": its buddy" * (size == last.size and start == last.start ^ size)
            right = min((place(other).x for other in taken if other > start), default=box.x + box.w)
            is_beside = text_width(said) > where.w - 4 and where.x + where.w + 6 + text_width(said) <= right
            ways = "" if is_beside else (said, name, "free", "")
            yield kit.chip(
                f"buddy/free/{start:x}", "run", where, ways, state=("tile", "is-free"), title=f"{said}, from {start:#x}"
            )
            if is_beside:
                beside = Box(where.x + where.w + 6, y, text_width(said), _ROW)
                yield kit.runs(f"buddy/free/{start:x}/said", beside, [Text(0, 14, said, "label dim")])


def _halved(place: Box, start: int, size: int, cut: int) -> Node:
    """Return a block that was halved: empty, as its halves are in the next row, with the cut in its middle.

    `cut` is the cut's number; 0 if it was made for an earlier request.
    """
    line = Bar(place.w / 2 - 1, -3, 2, _ROW + 6, "error" if cut else "line")
    whole = Bar(0, _ROW / 2 - 1, place.w, 2, "line")
    said = f"{binary_size(size)} from {start:#x}, halved {f'by cut {cut}' if cut else 'before'}"
    text = [Text(place.w / 2 + 5, 7, str(cut), "label error")] * (cut > 0 and place.w / 2 > 5 + text_width("0"))
    return kit.runs(f"buddy/halved/{start:x}/{size:x}", place, text, bars=(whole, line), title=said)


def _given(place: Box, one: BuddyRequest, *, is_now: bool) -> Node:
    """Return a block that was given: the part that is used, and the waste; grey if it was given before."""
    said = (
        f"{binary_size(one.size)} from {one.start:#x}: {binary_size(one.asked)} used, {binary_size(one.waste)} wasted"
    )
    identity = f"buddy/given/{one.start:x}"
    if not is_now:
        ways = f"{binary_size(one.asked)} used", binary_size(one.asked), ""
        return kit.chip(identity, "run", place, ways, state=("tile", "is-kernel"), title=f"{said}, given before")
    used = place.w * one.asked / one.size
    bars = Bar(0, 0, used, _ROW, "new"), Bar(used, 0, place.w - used, _ROW, "waste")
    return kit.runs(identity, place, [], bars=bars, title=said)


def _larger(one: BuddyRequest, box: Box) -> Iterator[Node]:
    """Yield the block that was given, across the picture: its used part and its waste, to scale."""
    y = box.y + 24
    head = f"the block of {binary_size(one.size)}, larger"
    yield kit.runs("buddy/larger", box._replace(h=20), [Text(box.w, 14, head, "label dim", "end")])
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
    given = next(node for node in at.values() if node.id.startswith("buddy/given/") and node.kind != "run")
    whole = [at[name] for name in ("buddy/larger/used", "buddy/larger/waste") if name in at]
    below = Box(whole[0].x, whole[0].y, sum(node.w for node in whole), whole[0].h)
    end = max(node.y + node.h for node in at.values() if node.y < whole[0].y - 24)
    straight = end - given.y - given.h  # past the rows of smaller blocks
    small = Box(given.x, given.y, given.w, given.h)
    yield kit.band("buddy/zoom", given.id, whole[0].id, small, below, straight=straight)
