"""How following a kernel ended: the broken thing itself, and the line of C and the call that broke it.

The frame is in the middle, and the descriptors that lead to it are at its sides, each with its lock: open if user code
can write there without a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vmwidgets.engine.base.units import PAGE, Address, counted, listed
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Line
from vmwidgets.views.scene.model import Bar, Caption, Lane, Link, Node
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import visible, wrapped

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
    "unmapped": "{who} lost a page that no call was asked to unmap.",
    "reserved": "{who} has a descriptor with reserved bits.",
    "exec-rights": "{who} may do more with a page than its program asks for.",
    "guard": "{who} can touch the guard page below its stack.",
    "user": "{who} can't touch a page of its own.",
    "lost": "A frame is lost: nothing leads to it, and it is not free.",
    "table-lost": "A page table is lost: nothing leads to it, and it is not free.",
    "free-list": "The list of free pages leads to something else than a page.",
}
"""What is wrong, by the name of the broken rule; other rules have only the sentence of the break."""

TABLES = "free-and-table", "table-shared", "table-lost"
"""The rules whose frame has a page table in it."""

_HIGH, _APART, _WIDE = 74.0, 56.0, 560.0
"""A card's height; the room for a line between two; the width from which the cards are side by side."""


@picture("Followed", first_for=["vmwidgets.given.followed.Followed"])
def followed(at: At) -> Sheet:
    """Draw how following a kernel ended: the broken frame with its descriptors, the line of C, and the call.

    `target` is the result of ``k.follow(…)``.
    """
    found: Found = at.target
    first = found.first
    walks = [walk for walk in first.walks if first.shows(walk)] if first is not None else []
    walks.sort(key=lambda walk: not _can_write(walk))  # a writer comes first
    notes = ("Where it was", found.lines), ("Not checked", found.outside)
    part = boxes.below(
        *([_broken(first, walks), _breaker(first)] if first is not None else []),
        *(boxes.pairs(f"followed/{title}", [(title, " ".join(map(visible, some)))]) for title, some in notes if some),
        gap=16,
    )
    checked = f"{counted(found.calls, 'call')} and {counted(found.stops, 'stop')} were checked"
    return Sheet(
        f"following xv6, lab {visible(found.lab)}",
        checked,
        part,
        caption=_caption(found),
        header=("what", "says"),
        rows=lambda: [*_rows(first), *((title, said) for title, some in notes for said in some)],
        lanes=[Lane("descriptors", "Descriptors"), Lane("code", "The code")],
    )


def _caption(found: Found) -> Caption:
    """Return what is wrong as a person says it; then the sentence with addresses."""
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
    title = TITLES.get(first.rule)  # what the rule itself says is no template
    return first.says if title is None else title.format(who=first.process or "A process")


def _who(walk: TablesWalk) -> str:
    return walk.tables.name if walk.tables is not None else "a process"


def _rights(walk: TablesWalk) -> str:
    return "none" if walk.permissions is None else str(walk.permissions.user)


def _can_write(walk: TablesWalk) -> bool:
    return walk.permissions is not None and walk.permissions.user.write


# ---- the broken thing ------------------------------------------------------------------------------------


def _broken(first: Break, walks: Sequence[TablesWalk]) -> Part:
    """Return the frame, the descriptors at its sides (or above and below), the lines between them, and what follows."""
    place = next((walk.pa // PAGE * PAGE for walk in walks if walk.pa is not None), None)
    place = place if first.frame is None else first.frame
    if place is None:
        return boxes.below()
    cards = [boxes.sized(partial(_descriptor, first, number, walk)) for number, walk in enumerate(walks)]
    frame, left, right = _frame(first.rule, place, len(walks)), cards[::2], cards[1::2]
    across = [(0.0, one) for one in (boxes.below(*left, gap=12), frame, boxes.below(*right, gap=12))]
    drawn = boxes.either(
        _WIDE, boxes.columns(*across, gap=_APART, middle=True), boxes.below(*left, frame, *right, gap=12)
    )

    def lines(at: Mapping[str, Node]) -> Iterator[Link]:
        for number, walk in enumerate(walks):
            card, state = at[f"followed/descriptor/{number}"], ("fault",) * _is_wrong(first, walk)
            yield replace(
                kit.arrow(f"{card.id}/to", card, at["followed/frame"], kind="leads", state=state), arrow=False
            )

    follows = boxes.words("followed/follows", visible(_follows(first, walks)), "body error")
    return boxes.below(boxes.linked(drawn, lines), follows, gap=12)


def _frame(rule: str, place: int, users: int) -> Part:
    """Return the frame, with the number of its descriptors that are drawn."""
    kind, number = "table" if rule in TABLES else "anonymous", str(Address(place))
    word = "free" if rule.startswith("free-") else "a page table" if kind == "table" else "frame"
    lines = [Line(word, right=counted(users, "descriptor")), Line(number, "mono body")]
    title = f"{word} {number}: {counted(users, 'descriptor leads', 'descriptors lead')} to it"
    return boxes.sized(
        lambda w: boxes.card(
            "followed/frame",
            lines,
            kind="board-frame",
            least=_HIGH,
            title=title,
            state=(kind,),
            lane="descriptors",
            bars=(*[Bar(0, 0, w, _HIGH, "rail")] * (word == "free"), Bar(0, _HIGH - 5, w, 5, f"own-{kind}")),
        )
    )


def _descriptor(first: Break, number: int, walk: TablesWalk, w: float) -> Part:
    """Return a process's card: its address of the page, and its lock; a wrong one is red."""
    name, place, is_wrong = _who(walk), str(Address(walk.va)), _is_wrong(first, walk)
    means = "can write" if _can_write(walk) else "a write faults"
    if first.rule in ("guard", "user", "exec-rights"):
        means = f"user code: {_rights(walk)}"
    look, x = "error" if is_wrong else "step", w - 34
    shackle = Bar(x + 8, 9, 8, 11, f"shackle {look}") if _can_write(walk) else Bar(x + 3, 10, 8, 11, f"shackle {look}")
    lines = [
        Line(visible(name), "body strong", " " * 10),
        Line(f"at {place}", "mono dim"),
        Line(means, "label error" if is_wrong else "label dim"),
    ]
    return boxes.card(
        f"followed/descriptor/{number}",
        lines,
        kind="board",
        least=_HIGH,
        lane="descriptors",
        title=visible(f"{name} at {place}: {means}, rights {_rights(walk)}, PTE {walk.steps[-1].value:#x}"),
        bars=(Bar((w - 4) * (number % 2), 0, 4, _HIGH, "table"), shackle, Bar(x, 16, 14, 11, f"lock {look}")),
    )


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
        read = "reads" if len(others) == 1 else "read"
        return f"A write by {listed(writers)} changes what {listed(others)} {read}, without a fault."
    return first.reason


# ---- words -----------------------------------------------------------------------------------------------


def _breaker(first: Break) -> Part:
    """Return the line of C and the call that broke the rule, the calls around it, and the rule."""
    line, call = visible(first.line or "no line is known"), visible(first.call)
    rest = [*map(visible, first.lines), f"The rule {first.rule}{f': {first.keeps}' * bool(first.keeps)}"]

    def put(w: float) -> Part:
        lines = [Line(one, "mono body") for one in wrapped(f"{line} {call}".strip(), w - 16, "mono body")]
        lines += [Line(one, "label dim") for said in rest for one in wrapped(said, w - 16, "label dim")]
        return boxes.card("followed/code", lines, title=" ".join([line, call, *rest]), lane="code")

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
