"""How following a kernel ended: the broken thing itself, and the line of C and the call that broke it.

The frame is in the middle, and the descriptors that lead to it are at its sides, each with its lock: open if user code
can write there without a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vmwidgets.engine.base.units import PAGE, Address, counted, listed
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Bar, Caption, Lane, Link, Node, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible, wording, wrapped

if TYPE_CHECKING:
    from vmwidgets.engine.mmu.tables import TablesWalk
    from vmwidgets.given.followed import Break
    from vmwidgets.given.followed import Followed as Found
    from vmwidgets.pictures.at import At

TITLES: Mapping[str, str] = {
    "free-and-mapped": "{who} still maps a frame that is free.",
    "free-and-table": "{who} still has a table in a page that is free.",
    "mapped-twice": "{who} can write one frame at two addresses.",
    "table-shared": "Two processes have one page, and a table is in it.",
    "aligned": "{who} has a superpage that begins between two of its size.",
    "count": "The kernel counts the descriptors of a frame wrong.",
    "beyond-size": "{who} maps a page beyond its size.",
    "exec-rights": "{who} may do more with a page than its program asks for.",
    "guard": "{who} can touch the guard page below its stack.",
    "user": "{who} can't touch a page of its own.",
    "lost": "A frame is lost: nothing leads to it, and it is not free.",
    "table-lost": "A page table is lost: nothing leads to it, and it is not free.",
    "free-list": "The list of free pages leads to something else than a page.",
}
"""What went wrong, by the name of the broken rule; other rules have only the sentence of the break."""

TABLES = "free-and-table", "table-shared", "table-lost"
"""The rules whose frame has a page table in it."""

_ROOM, _APART, _HIGH, _NARROW = 260.0, 40.0, 58.0, 560.0
"""The greatest width of a card; the least space between two; a card's height; below this width they are stacked."""


@picture("Followed", first_for=["vmwidgets.given.followed.Followed"])
def followed(at: At) -> Sheet:
    """Draw how following a kernel ended: the broken frame with its descriptors, the line of C, and the call.

    `target` is the result of ``k.follow(…)``.
    """
    found: Found = at.target
    first = found.first
    walks = [walk for walk in first.walks if first.shows(walk)] if first is not None else []
    notes = ("Where it was", found.lines), ("Not checked", found.outside)
    part = boxes.below(
        *([boxes.drawing(0, partial(_broken, first, walks)), _breaker(first)] if first is not None else []),
        *(boxes.pairs(f"followed/{title}", [(title, " ".join(map(visible, some)))]) for title, some in notes if some),
        gap=16,
    )  # fmt: skip  # the frame, the call, the rest
    checked = f"{counted(found.calls, 'call')} and {counted(found.stops, 'stop')} were checked"
    return Sheet(
        f"following xv6, lab {visible(found.lab)}", checked, part, caption=_caption(found), header=("what", "says"),
        rows=lambda: [*_rows(first), *((title, said) for title, some in notes for said in some)],
        lanes=[Lane("descriptors", "Descriptors"), Lane("code", "The code")],
    )  # fmt: skip  # what it draws, what it says


def _caption(found: Found) -> Caption:
    """Return what went wrong as a person says it; then the sentence with addresses."""
    first = found.first
    if first is None:
        return Caption(visible(found.headline), tone="panic" if found.outcome == "panicked" else "plain")
    title = _title(first)
    return Caption(visible(title), (), visible(first.says) * (title != first.says), "error")


def _title(first: Break) -> str:
    if first.rule == "shared-and-writable" and len(first.walks) > 1:
        names = [_who(walk) for walk in first.walks]
        writers = [name for name, walk in zip(names, first.walks, strict=True) if _can_write(walk)]
        others = [name for name in names if name not in writers]
        if writers and others:
            return f"{listed(writers)} can write a frame that {listed(others)} has too."
        return f"{listed(names)} can write one frame."
    return TITLES.get(first.rule, first.says).format_map({"who": first.process or "A process"})


def _who(walk: TablesWalk) -> str:
    return walk.tables.name if walk.tables is not None else "a process"


def _rights(walk: TablesWalk) -> str:
    """Return what user code may do with the page, in words: "read, write"; "" if no page was found."""
    if walk.permissions is None:
        return ""
    user = walk.permissions.user
    words = [word for word, has in (("read", user.read), ("write", user.write), ("execute", user.execute)) if has]
    return ", ".join(words) or "no right for user code"


def _can_write(walk: TablesWalk) -> bool:
    return walk.permissions is not None and walk.permissions.user.write


# ---- the broken thing ------------------------------------------------------------------------------------


def _broken(first: Break, walks: Sequence[TablesWalk], box: Box) -> Iterator[Node | Link]:
    """Yield the frame, the descriptors at its sides (or above and below), the lines between them, and what follows."""
    place = next((walk.pa // PAGE * PAGE for walk in walks if walk.pa is not None), None)
    place = place if first.frame is None else first.frame
    if place is None:
        return
    sides = walks[::2], walks[1::2]
    is_stacked = box.w < _NARROW
    wide = box.w if is_stacked else min(_ROOM, (box.w - 2 * _APART) / 3)
    step = _HIGH + 12
    tops = [0.0, 0.0] if is_stacked else [(max(map(len, sides)) - len(some)) * step / 2 for some in sides]
    high = max(1, *map(len, sides)) * step
    y = box.y + (len(sides[0]) * step if is_stacked else (high - step) / 2)
    frame = _frame(first.rule, place, len(walks), Box(box.x + (box.w - wide) / 2, y, wide, _HIGH))
    yield frame
    end = frame.y + step if is_stacked else box.y + high
    for side, some in enumerate(sides):
        for row, walk in enumerate(some):
            x = box.x + (box.w - wide) * side
            y = (end if is_stacked and side else box.y) + tops[side] + row * step
            card = _descriptor(first, walk, f"followed/descriptor/{2 * row + side}", Box(x, y, wide, _HIGH), side)
            yield card
            yield _line(card, frame, ("fault",) if _is_wrong(first, walk) else ())
    end += len(sides[1]) * step * is_stacked
    if follows := _follows(first, walks):
        yield kit.paragraph("followed/follows", visible(follows), box.x, end, box.w, style="body error")


def _line(card: Node, frame: Node, state: tuple[str, ...]) -> Link:
    """Return the line from a descriptor to its frame."""
    if card.x == frame.x:
        x, is_above = card.x + card.w / 2, card.y < frame.y
        points = ((x, card.y + card.h * is_above), (x, frame.y + frame.h * (not is_above)))
    else:
        is_left = card.x < frame.x
        points = ((card.x + card.w * is_left, card.y + card.h / 2), (frame.x + frame.w * (not is_left),
                                                                     frame.y + frame.h / 2))  # fmt: skip  # two ends
    return Link(f"{card.id}/to", "leads", card.id, frame.id, points, state, bend="level")


def _frame(rule: str, place: int, users: int, box: Box) -> Node:
    """Return the frame, with the number of its descriptors that are drawn."""
    kind, number = "table" if rule in TABLES else "anonymous", str(Address(place))
    word = "free" if rule.startswith("free-") else "a page table" if kind == "table" else "frame"
    is_wide = text_width(number, "mono body") <= box.w - 62
    text = [
        fitted(14, 24, word, box.w - 62, "label"),
        fitted(14, 44, number, box.w - (62 if is_wide else 18), "mono body" if is_wide else "mono"),
    ]
    bars = [Bar(0, box.h - 5, box.w, 5, f"own-{kind}")]
    if word == "free":
        bars.insert(0, Bar(0, 0, box.w, box.h, "rail"))
    if users > 1:
        bars.append(Bar(box.w - 39, 9, 26, 26, "count step"))
        text.append(Text(box.w - 26, 26, str(users), "letter on-step", "middle"))
    title = f"{word} {number}: {counted(users, 'descriptor leads', 'descriptors lead')} to it"
    return Node("followed/frame", "board-frame", *box, text=tuple(text), bars=tuple(bars), state=(kind,), title=title,
                lane="descriptors")  # fmt: skip  # a card


def _descriptor(first: Break, walk: TablesWalk, identity: str, box: Box, is_right: int) -> Node:
    """Return a process's card: its address of the page, and its lock; a wrong one is red."""
    name, is_open, is_wrong = _who(walk), _can_write(walk), _is_wrong(first, walk)
    means = "can write" if is_open else "a write faults"
    look, x = "error" if is_wrong else "step", 14.0
    if first.rule in ("guard", "user", "exec-rights"):
        means = f"may {_rights(walk)}" if _rights(walk) else "nothing"
    place = str(Address(walk.va))
    spare = box.w - x - 46 - text_width(means, "label")
    ways = (f"at {place}: {means}", means) if spare < text_width(f"at {place}", "mono") else (f"at {place}",)
    style = "label error" if is_wrong else "label dim"
    text = [fitted(x, 24, visible(name), box.w - x - 44, "body strong")]
    if len(ways) == 1:
        text += [fitted(x, 44, ways[0], box.w, "mono dim"), Text(box.w - 14, 44, means, style, "end")]
    else:
        text.append(fitted(x, 44, wording(ways, box.w - x - 8), box.w - x - 8, style))
    bars = [Bar(box.w - 5 if is_right else 0, 0, 5, box.h, "table"), *_lock(box.w - 34, 16, is_open, look)]
    title = f"{name} at {place}: {means}, rights: {_rights(walk) or 'none'}, PTE {walk.steps[-1].value:#x}"
    return Node(identity, "board", *box, text=tuple(text), bars=tuple(bars), title=visible(title), lane="descriptors")


def _lock(x: float, y: float, is_open: bool, look: str) -> list[Bar]:
    """Return a padlock with a body 14 pixels wide; the shackle of an open one is beside it."""
    shackle = Bar(x + 8, y - 7, 8, 11, f"shackle {look}") if is_open else Bar(x + 3, y - 6, 8, 11, f"shackle {look}")
    return [shackle, Bar(x, y, 14, 11, f"lock {look}")]


def _is_wrong(first: Break, walk: TablesWalk) -> bool:
    """Return whether a descriptor is the wrong one: of a shared frame, one that lets user code write."""
    if first.rule in ("shared-and-writable", "mapped-twice"):
        return _can_write(walk)
    return walk.va == first.address and _who(walk) in (first.process, "a process")


def _follows(first: Break, walks: Sequence[TablesWalk]) -> str:
    """Return what follows from the broken rule: in names if two processes share a frame, or else its reason."""
    writers = [_who(walk) for walk in walks if _can_write(walk)]
    others = [_who(walk) for walk in walks if not _can_write(walk)]
    if first.rule == "shared-and-writable" and writers and others:
        return f"A write by {listed(writers)} changes what {listed(others)} reads, without a fault."
    return first.reason


# ---- words -----------------------------------------------------------------------------------------------


def _breaker(first: Break) -> Part:
    """Return the line of C and the call that broke the rule, the calls around it, and the rule."""
    line, call = visible(first.line or "no line is known"), visible(first.call)
    beside = text_width(f"{line}   {call}", "mono body")

    def put(w: float) -> Part:
        lines = [Line(f"{line}   {call}", "mono body")] if beside <= w - 16 else [Line(line, "mono body")]
        lines += [Line(one, "mono") for one in wrapped(call, w - 16, "mono")] if len(lines[0].left) == len(line) else []
        said = [*map(visible, first.lines), f"The rule {first.rule}{f': {first.keeps}' * bool(first.keeps)}"]
        lines += [Line(one, "label dim") for all_of in said for one in wrapped(all_of, w - 16, "label dim")]
        return boxes.card("followed/code", lines, title=" ".join([line, call, *said]), lane="code")

    return boxes.sized(put)


def _rows(first: Break | None) -> Iterator[tuple[str, str]]:
    """Yield the break as rows: the rule, the call, and each descriptor."""
    if first is None:
        return
    yield "broken rule", f"{first.rule}: {first.says}"
    yield "line", first.line or "none is known"
    yield from (("call", one) for one in (first.call, *first.lines) if one)
    for walk in first.walks:
        if first.shows(walk):
            where = "no page" if walk.pa is None else f"frame {Address(walk.pa)}"
            yield (
                "descriptor",
                f"{_who(walk)} at {Address(walk.va)}: {where}, {_rights(walk)}, {walk.steps[-1].value:#x}",
            )
