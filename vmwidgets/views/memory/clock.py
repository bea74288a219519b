"""Page replacement: the frames of a ring with the hardware's notes on each page, and the hand.

A lamp shows whether a page was used, and a dot whether it was written.  The hand's actions in an operation are next to
the ring, or below it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import cos, hypot, pi, sin
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.kernel.tasks.rings_schema import ReferenceCleared
from vmwidgets.engine.memory.replacement_schema import ReplacementValue, RingPage, RingValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Rows, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, either, having, once, seen, where

ROWS = 200
"""The most frames in a table; it begins with the frames that are next in turn."""

MOST = 12
"""The most frames that are drawn: a small ring is a circle of all its frames; a larger ring is rows of the frames that
are next in turn.
"""

MOST_GONE = 4
"""The most pages that left in an operation and are named."""

_W, _H = 124.0, 70.0

_WIDEST, _STORY = 1000.0, 250.0
"""The greatest width of the ring with the hand's actions next to it; and their room there."""


class Noted(NamedTuple):
    """The wording of a policy's notes on a page: the head of the column, a cell, and the line of a card."""

    name: str
    words: Callable[[int | None], str]
    before: str = ""

    def card(self, note: int | None) -> str:
        """Return the line of a card."""
        return f"{self.before}{self.words(note)}"


NOTES = {
    "aging": Noted("counter", lambda note: f"{note or 0:08b}"),
    "opt": Noted("next use", lambda note: "never" if note is None else f"{note:,}", "next use "),
}
"""The notes of each policy."""


def draw_clock(
    look: Look[ReplacementValue],
    *,
    task: str = "",
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of one ring: the ring of `task`, or the ring of all tasks."""
    moment, value = look.moment, look.now
    ring = _chosen(value, task)
    pages, note = ring.pages, NOTES.get(value.name)
    h = _H + (kit.LINE if note else 0)
    vacant = _vacant(ring, moment) if value.has_hand and pages else []
    count = ring.count + len(vacant)
    is_circle = value.has_hand and 3 <= count <= MOST and _circle(count) <= width - 2 * MARGIN
    top = 8.0 if pages else 0.0
    looked = [event for event in moment.so_far if isinstance(event, ev.HandLooked) and event.ring == ring.name]
    is_beside = is_circle and bool(_all_looked(look, ring.name)) and _circle(count) <= width - 2 * MARGIN - _STORY
    room = min(width, _WIDEST) - _STORY if is_beside else width
    drawn = sorted(pages, key=lambda page: page.place) if is_circle else pages[:MOST]
    places = kit.ring(count, _W, h, width=room, top=top + 8) if is_circle else _rows(len(drawn), h, width, top)
    came = _came(ring, moment)
    numbers = sorted([*(page.place for page in drawn), *vacant]) if is_circle else [page.place for page in drawn]
    boxes = dict(zip(numbers, places, strict=True))
    turns = {page.frame: turn for turn, page in enumerate(pages, 1)}
    cards = [_card(page, boxes[page.place], came, note, turns[page.frame]) for page in drawn]
    nodes, links = [*cards], list[Link]()
    nodes += [_empty(number, boxes[number]) for number in vacant if is_circle]
    if value.has_hand and pages:
        hub = _hand(places, pages[0], is_circle)
        nodes.append(hub)
        if is_circle:
            at = {page.frame: boxes[page.place] for page in pages}  # another place had its number before
            links += _track(places, hub, [at[event.frame] for event in looked if event.frame in at])
        links.append(kit.arrow("clock/hand", hub, cards[drawn.index(pages[0])], kind="hand"))
        links += _onwards(boxes, pages) if is_circle and len(pages) > 2 else ()
    elif pages:
        words = "in the order in which they were brought in" if value.is_function else "checked first"
        nodes.append(kit.label("clock/first", words, MARGIN, top + 14))
    if not pages:
        whose = f"task {visible(task)}" if task else "a task"
        nodes.append(kit.label("clock/none", f"No page of {whose} is in memory.", MARGIN, 6))
    bottom = max((place.y + place.h for place in places), default=30.0)
    if len(drawn) < ring.count:
        nodes.append(kit.label("clock/more", f"… and {ring.count - len(drawn):,} more after them", MARGIN, bottom + 8))
        bottom += 28
    place = (room, top + 8, _STORY - MARGIN) if is_beside else (MARGIN, bottom + 12, width - 2 * MARGIN)
    nodes += _story(looked, *place)
    bottom = max([bottom, *(node.y + node.h for node in nodes)])
    if pages:
        nodes += _gone(ring, moment, bottom + 10, width)
        bottom = max(node.y + node.h for node in nodes)
        nodes += _legend(ring, value, cards, links, bottom + 12, width)
        bottom = max(node.y + node.h for node in nodes)
    taken, answer = _taken(ring, moment), _answer(ring, value)
    asked = "brought in" if value.is_function else "checked"
    heads = asked, "frame", "page", "of", "R", "D", *([note.name] if note else [])
    return kit.scene(
        "clock",
        "page replacement",
        _subtitle(ring, value),
        nodes,
        links=links,
        caption=moment.answered(taken, answer) if taken else moment.answered(answer),
        table=Table(heads, Rows(lambda: _rows_of(ring, note, len(heads)))),
        steps=moment.steps(steps_of_ring(task, look)),
        machine=machine,
        width=width,
        height=bottom + 8,
    )


def _subtitle(ring: RingValue, value: ReplacementValue) -> str:
    of = f"pages of {visible(ring.name)}" if ring.name else "pages of all tasks"
    others = len(value.rings) - (ring.name in value.rings)
    of += f" · {counted(others, 'other ring')}" if others else ""
    decides = " decides" if value.is_function else ""
    return f"{visible(value.policy)}{decides} · {of} · {counted(ring.count, 'frame')}"


def _vacant(ring: RingValue, moment: Moment) -> list[int]:
    """Return the places vacated by pages in this unfinished operation: the next page gets one of them."""
    places = _moved(moment.so_far, ring.name)
    if moment.is_after or any(was >= 0 and now >= 0 for was, now in places.values()):
        return []  # the others' places changed, so a place's number says nothing
    gone = {was for was, now in places.values() if now < 0 <= was}
    return sorted(gone - {page.place for page in ring.pages})


def _moved(events: Iterable[ev.Event], name: str) -> dict[int, tuple[int, int]]:
    """Return, for frames that moved in a ring, the place before and after these events; -1 if not in the ring."""
    found: dict[int, tuple[int, int]] = {}
    for event in events:
        moves: Iterable[tuple[int, int, int]] = ()
        if isinstance(event, ev.RingMoved) and event.ring == name:
            moves = ((event.frame, event.before, event.after),)
        elif isinstance(event, ev.RingRenumbered) and event.ring == name:
            moves = event.places
        for frame, before, after in moves:
            found[frame] = found.get(frame, (before, after))[0], after
    return found


def _exchanged(events: Iterable[ev.Event]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return, for frames whose page changed, the page before and after these events; (object, index), or -1."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for event in events:
        if isinstance(event, (ev.PagesEntered, ev.PagesLeft)):
            comes = isinstance(event, ev.PagesEntered)
            for index, frame in event.pages:
                before, after = (-1, frame) if comes else (frame, -1)
                key = event.object, index
                found[key] = found.get(key, (before, after))[0], after
    return found


def _empty(number: int, box: Box) -> Node:
    """Return a place without a page."""
    return kit.fold(f"clock/place {number}", box, "empty", title=f"place {number} is empty", lane="clock")


def _chosen(value: ReplacementValue, task: str) -> RingValue:
    """Return the ring of a task or, without a task, the ring of all tasks; if each task has its own, the largest."""
    rings = value.rings
    if task in rings:
        return rings[task]
    if "" in rings or not rings or task:
        return rings.get("", RingValue(task, (), 0))
    return max(rings.values(), key=lambda ring: ring.count)


def steps_of_ring(task: str, look: Look[ReplacementValue]) -> Mine:
    """Return the steps of a ring: its frames, the hand, and the notes of hardware and policy on each page."""

    def ring(done: int) -> RingValue:
        return _chosen(look.at(done), task)

    rows = where(lambda stage: any(map(_moves, stage.events)))
    cleared = where(lambda stage: isinstance(stage.step.event, ReferenceCleared))
    bits = seen(ring, _not_clearing, lambda: not look.is_far and _chosen(look.after, task).count <= FEW)
    return once(("ring", task), either(rows, cleared, bits))


def _not_clearing(stages: Sequence[Stage]) -> Iterator[Stage]:
    """Yield the stages that change a page's notes, except those just before a policy reports that it cleared a bit.

    So a TLB that drops the translation first is not a step of its own.
    """
    for stage in having(*_NOTING)(stages):
        if stage.step.functions[-1:] != ("pmap_clear_reference",):
            yield stage


def _moves(event: ev.Event) -> bool:
    """Return whether an event changes a ring: a frame's place, the hand, a note, the policy."""
    if isinstance(event, (ev.RingMoved, ev.HandMoved)):
        return event.before != event.after
    return isinstance(event, (ev.HandLooked, ev.RingRenumbered, ev.PagesNoted, ev.PagesAged, ev.ReplacementChosen))


_NOTING = (
    ev.PagesEntered, ev.PagesLeft, ev.PageDirtied, ev.PageCleaned, ev.PageLost, ev.PageOut, ev.SwapShared, ev.SwapLeft,
    ev.SwapFreed, ev.SwapMoved, ev.PageBlank, ev.PageWritten, ev.BlankGone, ev.PteWritten, ev.PteRunWritten,
)  # fmt: skip  # a list
"""Events that may change a page's owner, or its reference and dirty bits."""


FEW = 64
"""The size of a ring up to which each set bit is searched for."""


def _circle(count: int) -> float:
    """Return the width of a circle of `count` cards."""
    return _W + hypot(_W, _H) / sin(pi / max(3, count)) + 20


def _rows(count: int, h: float, width: float, top: float) -> list[Box]:
    return kit.grid(count, _W, top + 38, h, width=width)


def _hand(places: list[Box], first: RingPage, is_circle: bool) -> Node:
    if not is_circle:
        return kit.label("clock/hub", "hand", places[0].x, places[0].y - 30, style="strong")
    x, y = kit.center(places)
    return kit.label("clock/hub", "hand", x - 16, y - 9, style="strong")


def _taken(ring: RingValue, moment: Moment) -> str:
    """Return a sentence on which page the hand, or the policy, chose in this operation, and how many it passed."""
    evicted = [(frame, page) for frame, page, is_evicted in _left(ring, moment) if is_evicted]
    if not evicted:
        return ""
    (frame, page), *others = evicted
    if others:
        return f"{counted(len(evicted), 'page')} were evicted."
    looked = [event for event in moment.so_far if isinstance(event, ev.HandLooked) and event.ring == ring.name]
    cleared = {event.frame for event in looked if event.found == "used"}
    whose = f"the lamps of all {len(cleared)} pages" if len(cleared) > 1 else "its lamp"
    lamps = "the lamp of 1 other page" if len(cleared) == 1 else f"the lamps of {len(cleared):,} other pages"
    passed = f" after the hand turned off {whose if frame in cleared else lamps}" if cleared else ""
    return f"{page[:1].upper()}{page[1:]} was evicted{passed}."


def _left(ring: RingValue, moment: Moment) -> list[tuple[int, str, bool]]:
    """Return the pages that left the ring in this operation: frame before, name, and whether they were evicted.

    Pages that were not evicted were freed, with their memory.
    """
    moved = _moved(moment.so_far, ring.name)
    evicted = {event.frame for event in moment.so_far if isinstance(event, ev.PageOut | ev.PageLeaving)}
    return [
        (before, f"page {index} of {visible(name)}", before in evicted)
        for (name, index), (before, after) in sorted(_exchanged(moment.so_far).items())
        if after < 0 and moved.get(before, (-1, -1))[0] >= 0
    ]


def _answer(ring: RingValue, value: ReplacementValue) -> str:
    """Return the hand's position and what it does there next, or the page that is checked first, with its notes."""
    if not ring.pages:
        return ""
    first = ring.pages[0]
    page = f"page {first.index} of {visible(first.object)}" + f", in {visible(first.task)}" * bool(first.task)
    if value.is_function:
        return f"A function decides which of {counted(ring.count, 'page')} leaves; {page} was brought in first."
    noted = f"its lamp is {'on' if first.referenced else 'off'} (R is {first.referenced:d})"
    if not value.has_hand:
        return f"Checked first: {page}; {noted}."
    follows = "it is spared once: its lamp goes off" if first.referenced else "it goes next"
    return f"The hand is at {page}: {noted}. If the page may leave, {follows}."


def _all_looked(look: Look[ReplacementValue], ring: str) -> list[ev.Event]:
    """Return what the hand examined in the whole operation, so that the ring does not move from step to step."""
    return [event for event in look.moment.events if isinstance(event, ev.HandLooked) and event.ring == ring]


def _track(places: Sequence[Box], hub: Node, looked: Sequence[Box]) -> Iterator[Link]:
    """Yield the ring, and the part of it along which the hand moved."""
    x, y = kit.center(places)
    radius = y - places[0].y - places[0].h / 2
    turns = [2 * pi * part / 96 for part in range(97)]
    circle = tuple((round(x + radius * sin(turn), 1), round(y - radius * cos(turn), 1)) for turn in turns)
    yield Link("clock/track", "track", hub.id, hub.id, circle)
    if len(looked) > 1:
        begin, end = (places.index(box) for box in (looked[0], looked[-1]))
        steps = (end - begin) % len(places) or len(places)
        share = 96 / len(places)
        way = tuple(circle[round(begin * share + part) % 96] for part in range(round(steps * share) + 1))
        yield Link("clock/way", "track", hub.id, hub.id, way, ("path",))


_FOUND = {
    "used": ("lamp on", "turned off: the page stays"),
    "unused": ("lamp off", "the page is chosen"),
    "kept": ("passed over", "it can't be evicted now"),
}
"""The state of a page under the hand, and the result."""

_MOST_STEPS = 6


def _story(looked: Sequence[ev.HandLooked], x: float, y: float, w: float) -> list[Node]:
    """Return the hand's actions, page by page, the latest last; if there are many, earlier ones are counted."""
    if not looked:
        return []
    nodes = [kit.label("clock/story", "what the hand did", x, y, most=w)]
    y += 26
    shown = looked[-_MOST_STEPS:]
    if len(shown) < len(looked):
        nodes.append(kit.label("clock/story/more", f"{counted(len(looked) - len(shown), 'page')} before", x, y, most=w))
        y += 22
    for number, event in enumerate(shown, len(looked) - len(shown) + 1):
        found, happens = _FOUND[event.found]
        name = f"frame {event.frame:#x}: {found}"
        text = [
            Text(11, 15, f"{number}", "letter on-step", "middle"),
            fitted(32, 15, name, w - 32, "strong"),
            fitted(32, 32, happens, w - 32, "label dim"),
        ]
        title = f"{number}: {name}, {happens}" + (
            f"; {Address(event.va)} of {visible(event.task)}" if event.task else ""
        )
        nodes.append(Node(f"clock/looked/{number}", "stage", x, y, w, 38, f"frame:{event.frame}", "box", tuple(text),
                          (Bar(0, 0, 22, 22, "step"),), title=title, action="select", lane="clock/story"))  # fmt: skip
        y += 42
    return nodes


def _came(ring: RingValue, moment: Moment) -> set[int]:
    """Return the frames of a ring that got a page in this operation, and which of these held another page before."""
    got = {after for before, after in _exchanged(moment.so_far).values() if before < 0}
    return {frame for frame in _moved(moment.so_far, ring.name) if frame in got}


def _gone(ring: RingValue, moment: Moment, y: float, width: float) -> list[Node]:
    """Return the pages that left the ring in this operation, as far as there is room; the others are counted."""
    gone = [
        (frame, page, f"{'evicted' if is_evicted else 'freed'}: {page}")
        for frame, page, is_evicted in _left(ring, moment)
    ]
    widths = (min(text_width(said) + 24, width - 2 * MARGIN) for _, _, said in gone[:MOST_GONE])
    boxes = kit.flow(widths, y, 24.0, width=width)
    nodes = [
        kit.fold(f"clock/gone/{number}", box, said, title=f"{page} was in frame {frame:#x}")
        for number, ((frame, page, said), box) in enumerate(zip(gone, boxes, strict=False))
    ]
    if len(gone) > len(boxes):
        below = max(box.y + box.h for box in boxes)
        nodes.append(kit.label("clock/gone/more", f"… and {len(gone) - len(boxes):,} others", MARGIN, below + 6))
    return nodes


def _legend(
    ring: RingValue, value: ReplacementValue, cards: Sequence[Node], links: Sequence[Link], y: float, width: float
) -> list[Node]:
    """Return the meanings of the lamps, dots and numbers on the cards, and of the arrow to the hand's next place.

    It names the bits behind lamps and dots, once.
    """
    looks = {"lamp-on" if page.referenced else "lamp-off" for page in ring.pages}
    lamps = ("lamp-on", "lamp on: used (bit R)"), ("lamp-off", "lamp off: not used, or not since it was turned off")
    entries = [one for one in lamps if one[0] in looks]
    if any(page.dirty for page in ring.pages):
        entries.append(("dot-on", "written (bit D, dirty): saved before it is evicted"))
    happens = "were brought in" if value.is_function else "are checked"
    entries.append(("", f"1, 2, 3: the order in which they {happens}"))
    if any(link.id == "clock/onwards" for link in links):
        entries.append(("", "arrow between cards: where the hand moves next"))
    if any(" +" in run.text for card in cards for run in card.text):  # if there is room for it
        entries.append(("", "+1: one more task maps it"))
    return kit.legend("clock", entries, y, width=width)


def _onwards(boxes: Mapping[int, Box], pages: Sequence[RingPage]) -> Iterator[Link]:
    """Yield an arrow from the page at the hand to the next page."""
    first, second = (boxes[page.place] for page in pages[:2])
    ends = first.edge_towards(second.middle), second.edge_towards(first.middle)
    yield Link("clock/onwards", "next", f"clock/{pages[0].frame}", f"clock/{pages[1].frame}", ends, arrow=True)


def _card(page: RingPage, place: Box, came: Collection[int], note: Noted | None, turn: int) -> Node:
    who = f"{visible(page.task)}{f' +{page.others}' if page.others else ''}" if page.task else ""
    where = str(Address(page.va)) if page.task else "mapped nowhere"
    state = ["new"] * (page.frame in came)
    mapped = f"{where} of {who}" if who else where
    title = f"{mapped}, page {page.index} of {visible(page.object)}, place {page.place}, checked as number {turn}"
    title += f", {'used' if page.referenced else 'not used'}, {'written' if page.dirty else 'not written'}"
    lamp = Bar(7, _BITS - 10, 11, 11, "lamp-on" if page.referenced else "lamp-off")
    dot = Bar(57, _BITS - 9, 10, 10, "dot-on" if page.dirty else "dot-off")
    foot = Bar(0, place.h - 4, place.w, 4, f"own-{kind_of_object(page.object, '')}")
    frame = kit.Line((f"frame {page.frame:#x}", f"{page.frame:#x}"), "strong", f"{turn:,}")
    whose = f"page {page.index} · {who}" if who else f"page {page.index}"
    lines: list[str | kit.Line] = [
        frame,
        kit.Line((whose, f"page {page.index}")),
        kit.Line(where, "mono label dim"),
        "",
        *([note.card(page.note)] if note else []),
    ]
    card = kit.card(
        f"clock/{page.frame}", place, lines, thing=f"frame:{page.frame}", kind="ring-page", lane="clock", state=state,
        title=title, top=15, step=15, bars=(lamp, dot, foot),
    )  # fmt: skip
    bits = (22.0, "used", page.referenced), (71.0, "written", page.dirty)
    words = [Text(x, _BITS, word, "label" if is_set else "label dim") for x, word, is_set in bits]
    return replace(card, text=(*card.text[:_ABOVE], *words, *card.text[_ABOVE:]))


_BITS, _ABOVE = 60.0, 4
"""The baseline of the words for a page's bits; and the number of words above them."""


def _rows_of(ring: RingValue, note: Noted | None, columns: int) -> tuple[tuple[str, ...], ...]:
    rows = tuple(_row(number, page, note) for number, page in enumerate(ring.pages[:ROWS], 1))
    more = ring.count - len(rows)
    return rows if not more else (*rows, ("…", f"{more:,} more", *[""] * (columns - 2)))


def _row(asked: int, page: RingPage, note: Noted | None) -> tuple[str, ...]:
    where = f"{visible(page.task)} {Address(page.va)}" if page.task else "mapped nowhere"
    of = f"page {page.index} of {visible(page.object)}"
    words = [note.words(page.note)] if note else []
    return f"{asked:,}", f"{page.frame:#x}", where, of, f"{page.referenced:d}", f"{page.dirty:d}", *words
