"""Page replacement: the frames of a ring with the hardware's notes on each page, and the hand.

Words say whether a page was used and whether it was written.  The hand's actions in an operation are next to the ring,
or below it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.memory.replacement_schema import ReplacementValue, RingPage, RingValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import LINE, MARGIN, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, once, seen
from vmwidgets.views.story.words.names import policy_name

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

ROWS = 200
"""The most frames in a table; it begins with the frames that are next in turn."""

MOST = 12
"""The most frames that are drawn: a small ring is a circle of all its frames; a larger ring is rows of the frames that
are next in turn.
"""

MOST_GONE = 4
"""The most pages that left in an operation and are named."""

_W, _H, _LINE = 124.0, 74.0, 15.0
"""The size of a card, and from one of its lines to the next."""

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


@picture(
    "Clock",
    first_for=["vmwidgets.engine.machine.handles.replacement.MachineReplacement"],
    shows=["vmwidgets.engine.machine.handles.tasks.Task"],
    part="replacement",
    what="the page replacement of a machine, machine.replacement, or that of a task",
)
def clock(at: At) -> Sheet:
    """Draw the frames of tasks in the order in which a policy looks at them: their bits, and a clock's hand.

    If a function decides, only the function knows that order; frames are then in the order in which their pages were
    brought in.  `target` is a machine or, if tasks evict only their own pages, a task: then its frames are shown.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> m.replacement = "clock"
    >>> t = m.task("init")
    >>> t.write(t.mmap("4 KiB"), b"x")
    >>> vm.Clock(m).scene().subtitle
    'clock · pages of all tasks · 1 frame'
    """
    look: Look[ReplacementValue] = at.look(at.whole.replacement, first=ROWS)
    task = "" if at.target.path == at.whole.replacement.path else at.target.name
    moment, value = look.moment, look.now
    ring = _chosen(value, task)
    note = NOTES.get(value.name)
    taken, answer = _taken(ring, moment), _answer(ring, value)
    asked = "brought in" if value.is_function else "checked"
    heads = asked, "frame", "page", "of", "R", "D", *([note.name] if note else [])
    whose = f"task {visible(task)}" if task else "a task"
    steps = moment.steps(steps_of_ring(task, look))
    drawn = boxes.below(_turns(ring, look, note), boxes.below(*_gone(ring, moment), gap=6), _legend(value), gap=12)
    return Sheet(
        "page replacement",
        _subtitle(ring, value),
        drawn if ring.pages else boxes.below(),
        answer=taken or answer or f"No page of {whose} is in memory.",
        more=answer if taken else "",
        tells=_is_about_policies(moment),
        steps=steps,
        header=heads,
        rows=lambda: _rows_of(ring, note, len(heads)),
    )


def _is_about_policies(moment: Moment) -> bool:
    """Return whether the operation chose a policy or a limit: the picture does not draw where an access was."""
    return moment.operation is not None and moment.operation.name in ("set_replacement", "replace_by", "limit")


def _turns(ring: RingValue, look: Look[ReplacementValue], note: Noted | None) -> Part:
    """Return the ring, and next to it or below what the hand did."""
    moment, value = look.moment, look.now
    seats, came = _seats(ring, look) if value.has_hand else [], _came(ring, moment)
    one_task = _one_task(ring)
    count, high = max(ring.count, len(seats)), _H + (LINE if note else 0)
    turns = {page.frame: turn for turn, page in enumerate(ring.pages, 1)}
    looked = _looked(ring, moment)
    has_story, story = bool(_looked(ring, moment.at(None))), boxes.below(*_story(looked), gap=4)

    following = _following(ring, value)

    def card(page: RingPage, box: Box) -> Node:
        is_decided = value.is_function or value.name not in _WHY or value.name == "nru"
        whose = "" if one_task else _whose(page)
        return _card(page, whose, box, came, note, turns[page.frame], is_next=page is following, by_bits=is_decided)

    def part(w: float) -> Part:
        is_circle = value.has_hand and 3 <= count <= MOST and _circle(count) <= w
        if not is_circle:
            return boxes.below(_in_rows(ring, value, high, card), story, gap=12)
        circle = boxes.drawing(high, partial(_in_circle, ring, seats, looked, card))
        if has_story and _circle(count) <= w - _STORY:
            return boxes.narrower(_WIDEST, boxes.columns((0, circle), (_STORY - MARGIN, story), gap=MARGIN))
        return boxes.below(circle, story, gap=12)

    return boxes.sized(part)


def _in_rows(ring: RingValue, value: ReplacementValue, high: float, card: Callable[[RingPage, Box], Node]) -> Part:
    """Return the frames that are next in turn, in rows."""
    shown = ring.pages[:MOST]
    words = "in the order in which they were brought in" if value.is_function else "checked first"
    first = boxes.thing(LINE, _hub) if value.has_hand else boxes.words("clock/first", words)
    cards = boxes.equal([boxes.thing(high, partial(card, page)) for page in shown], _W)

    def hand(at: Mapping[str, Node]) -> Iterator[Link]:
        if value.has_hand:
            yield kit.arrow("clock/hand", at["clock/hub"], at[f"clock/{shown[0].frame}"], kind="hand")

    left = ring.count - len(shown)
    task = visible(_one_task(ring))
    said = [f"All are pages of {task}."] * bool(task) + [f"… and {left:,} more after them"] * bool(left)
    more = boxes.words("clock/more", " ".join(said))
    return boxes.below(boxes.linked(boxes.below(first, cards, gap=12), hand), more, gap=8)


def _hub(box: Box) -> Node:
    return kit.label("clock/hub", "hand", box.x, box.y, style="strong")


def _in_circle(
    ring: RingValue,
    seats: Sequence[int | None],
    looked: Sequence[ev.HandLooked],
    card: Callable[[RingPage, Box], Node],
    room: Box,
) -> Iterator[Node | Link]:
    """Yield the frames on their seats in a circle, with the hand in the middle."""
    pages = {page.frame: page for page in ring.pages}
    places = [box._replace(x=box.x + room.x) for box in kit.ring(len(seats), _W, room.h, width=room.w, top=room.y)]
    at = {frame: box for frame, box in zip(seats, places, strict=True) if frame is not None}
    cards = {frame: card(pages[frame], box) for frame, box in at.items()}
    yield from cards.values()
    yield from (_empty(number, places[number]) for number, frame in enumerate(seats) if frame is None)
    x, y = kit.center(places)
    hub = _hub(Box(x - 16, y - 9, 0, 0))
    yield hub
    yield from _track(places, hub, [at[event.frame] for event in looked if event.frame in at])
    first, *others = pages
    yield kit.arrow("clock/hand", hub, cards[first], kind="hand")
    yield from _onwards(at, first, others[0]) if len(pages) > 2 else ()


def _subtitle(ring: RingValue, value: ReplacementValue) -> str:
    of = f"pages of {visible(ring.name)}" if ring.name else "pages of all tasks"
    others = len(value.rings) - (ring.name in value.rings)
    of += f" · {counted(others, 'other ring')}" if others else ""
    decides = " decides" if value.is_function else ""
    return f"{policy_name(value.policy)}{decides} · {of} · {counted(ring.count, 'frame')}"


def _seats(ring: RingValue, look: Look[ReplacementValue]) -> list[int | None]:
    """Return the frame on each seat of a circle; None for a seat whose page left in this unfinished operation.

    The next page gets one of these seats.
    """
    now = _around(ring)
    seats, place = list[int | None](now), 0
    is_same = not look.moment.is_after and look.before.policy == look.now.policy
    were = _around(look.before.rings.get(ring.name, ring)) if is_same else now
    if [frame for frame in were if frame in now] != [frame for frame in now if frame in were]:
        return seats  # a frame came back on another seat, so the seats from before say nothing
    for frame in were:
        if frame in now:
            place = seats.index(frame) + 1
            continue
        if place == len(seats) or seats[place] in were:  # else a new page has the seat
            seats.insert(place, None)
        place += 1
    return seats


def _around(ring: RingValue) -> list[int]:
    """Return the frames of a ring in the order of their places."""
    frames, first = [page.frame for page in ring.pages], ring.count - ring.hand
    return frames[first:] + frames[:first]


def _moves_of(ring: RingValue, moment: Moment) -> list[ev.RingMoved]:
    return [event for event in moment.so_far if isinstance(event, ev.RingMoved) and event.ring == ring.name]


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
    return kit.fold(f"clock/place {number}", box, "empty", title=f"place {number} is empty", lane="clock", state="none")


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

    def facts(done: int) -> object:
        value, moment = look.at(done), look.moment.at(done)
        ring = _chosen(value, task)
        has_note, turn = value.name in NOTES, _following(ring, value)
        pages = [page if has_note else replace(page, note=None) for page in ring.pages[:MOST]]
        hand, looked = value.has_hand and ring.hand, len(_looked(ring, moment))
        did = looked, _left(ring, moment), _came(ring, moment)
        return value.policy, ring.name, ring.count, len(value.rings), pages, hand, _one_task(ring), turn, did

    return once(("ring", task), seen(facts, is_far=look.is_far))


def _looked(ring: RingValue, moment: Moment) -> list[ev.HandLooked]:
    """Return what the hand of a ring has looked at in this operation; in all of it, the ring never moves for it."""
    return [event for event in moment.so_far if isinstance(event, ev.HandLooked) and event.ring == ring.name]


def _circle(count: int) -> float:
    """Return the width of a circle of `count` cards."""
    return _W + hypot(_W, _H) / sin(pi / max(3, count)) + 20


def _taken(ring: RingValue, moment: Moment) -> str:
    """Return a sentence on which page the hand, or the policy, chose in this operation, and how many it passed."""
    evicted = [(frame, page) for frame, page, is_evicted in _left(ring, moment) if is_evicted]
    if not evicted:
        return ""
    (frame, page), *others = evicted
    if others:
        return f"{counted(len(evicted), 'page')} were evicted."
    looked = _looked(ring, moment)
    cleared = {event.frame for event in looked if event.found == "used"}
    whose = f"all {len(cleared)} pages" if len(cleared) > 1 else "it"
    others_of = f"{len(cleared):,} other page{'s' * (len(cleared) > 1)}"
    passed = f" Before that, the hand cleared R of {whose if frame in cleared else others_of}." if cleared else ""
    return f"{page[:1].upper()}{page[1:]} was evicted.{passed}"


def _left(ring: RingValue, moment: Moment) -> list[tuple[int, str, bool]]:
    """Return the pages that left the ring in this operation: frame before, name, and whether they were evicted.

    Pages that were not evicted were freed, with their memory.
    """
    first = {event.frame: event.to for event in reversed(_moves_of(ring, moment))}
    evicted = {event.frame for event in moment.so_far if isinstance(event, ev.PageOut | ev.PageLeaving)}
    return [
        (before, f"page {index} of {visible(name)}", before in evicted)
        for (name, index), (before, after) in sorted(_exchanged(moment.so_far).items())
        if after < 0 and first.get(before, "in") != "in"
    ]


def _answer(ring: RingValue, value: ReplacementValue) -> str:
    """Return which page is next in turn for eviction, and why; of a clock, where its hand is too."""
    if not ring.pages:
        return ""
    first = ring.pages[0]
    if value.is_function:
        return f"A function chooses from {counted(ring.count, 'page')}; {_name_of(first)} was brought in first."
    turn, why = _next_in_turn(ring, value)
    hand = f" The hand is at {_name_of(first)}." if value.has_hand else ""
    if turn is None:
        return f"{why}{hand}"
    at = f" It is at {Address(turn.va)} in {visible(turn.task)}." if turn.task else ""
    several = sum(bool(one.count) for one in value.rings.values()) > 1
    whose = visible(ring.name) if ring.name else "the tasks without a ring of their own"
    only = f" Other pages are in other rings: this one is for {whose}." if several else ""
    after = f"{at}{hand}{only} A page that can't be evicted is passed over."
    if value.name in _SPARING and turn.referenced:
        return f"Each page was used: after one round, {_name_of(turn)} is evicted. {why}{after}"
    return f"Next in turn for eviction: {_name_of(turn)}. {why}{after}"


def _name_of(page: RingPage) -> str:
    return f"page {page.index} of {visible(page.object)}"


_WHY = {
    "fifo": "It came first.",
    "lru": "It was not used for the longest time.",
    "working set": "It was not used for the longest time.",
    "opt": "No page is needed later.",
    "aging": "No counter is lower.",
    "nru": "No R and D are lower.",
}
"""Why the first page of a policy's order is next in turn."""


_SPARING = ("clock", "second chance")
"""The policies that spare a page once if it was used, and clear its reference bit."""


def _next_in_turn(ring: RingValue, value: ReplacementValue) -> tuple[RingPage | None, str]:
    """Return the page that is next in turn and the reason; None if that depends on pages that are not shown."""
    pages = ring.pages
    if value.name not in _SPARING:
        return pages[0], next(why for name, why in _WHY.items() if value.name.startswith(name))
    unused = next((page for page in pages if not page.referenced), None)
    if unused is not None:
        return unused, "It was not used since its R was cleared (R is 0)."
    if len(pages) < ring.count:
        return None, f"Of the next {len(pages):,} pages, each was used, and is spared once."
    return pages[0], "Each R is 1, and is cleared on the way."


def _following(ring: RingValue, value: ReplacementValue) -> RingPage | None:
    """Return the page that is next in turn; None if there is none, or only a function knows it."""
    return None if value.is_function or not ring.pages else _next_in_turn(ring, value)[0]


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
    "used": ("R is 1", "cleared: the page stays"),
    "unused": ("R is 0", "the page is chosen"),
    "kept": ("passed over", "it can't be evicted now"),
}
"""The state of a page under the hand, and the result."""

_MOST_STEPS = 6


def _story(looked: Sequence[ev.HandLooked]) -> Iterator[Part]:
    """Yield the hand's actions, page by page, the latest last; if there are many, earlier ones are counted."""
    shown = looked[-_MOST_STEPS:]
    if looked:
        yield boxes.words("clock/story", "what the hand did")
        yield boxes.words(
            "clock/story/more",
            f"{counted(len(looked) - len(shown), 'page')} before" if len(shown) < len(looked) else "",
        )
    for number, event in enumerate(shown, len(looked) - len(shown) + 1):
        yield boxes.thing(38, partial(_action, number, event))


def _action(number: int, event: ev.HandLooked, box: Box) -> Node:
    """Return what the hand did at one page."""
    found, happens = _FOUND[event.found]
    name = f"frame {event.frame:#x}: {found}"
    text = (
        Text(11, 15, f"{number}", "letter on-step", "middle"),
        fitted(32, 15, name, box.w - 32, "strong"),
        fitted(32, 32, happens, box.w - 32, "label dim"),
    )
    title = f"{number}: {name}, {happens}" + (f"; {Address(event.va)} of {visible(event.task)}" if event.task else "")
    return Node(f"clock/looked/{number}", "stage", *box, f"frame:{event.frame}", "box", text,
                (Bar(0, 0, 22, 22, "step"),), title=title, action="select", lane="clock/story")  # fmt: skip


def _came(ring: RingValue, moment: Moment) -> set[int]:
    """Return the frames of a ring that got a page in this operation, and which of these held another page before."""
    got = {after for before, after in _exchanged(moment.so_far).values() if before < 0}
    return {event.frame for event in _moves_of(ring, moment) if event.frame in got}


def _gone(ring: RingValue, moment: Moment) -> Iterator[Part]:
    """Yield the pages that left the ring in this operation, as far as there is room; the others are counted."""
    gone = _left(ring, moment)
    named = [
        (frame, page, f"{'evicted' if is_evicted else 'freed'}: {page}") for frame, page, is_evicted in gone[:MOST_GONE]
    ]
    yield boxes.flowing(
        [
            (
                text_width(said) + 24,
                boxes.folded(
                    f"clock/gone/{number}", said, title=f"{page} was in frame {frame:#x}", high=24, state="none"
                ),
            )
            for number, (frame, page, said) in enumerate(named)
        ]
    )
    left = len(gone) - len(named)
    yield boxes.words("clock/gone/more", f"… and {counted(left, 'other')}" if left else "")


def _legend(value: ReplacementValue) -> Part:
    """Return the meanings of the numbers on the cards, and of the arrow to the hand's next place."""
    happens = "were brought in" if value.is_function else "are checked"
    entries = [("", f"1, 2, 3: the order in which they {happens}")]

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        known = [*entries]
        if any("ghost" in node.state for node in drawn.nodes):
            known.append(("", "dashed: evicted next"))
        if any(link.id == "clock/onwards" for link in drawn.links):
            known.append(("", "arrow between cards: where the hand moves next"))
        cards = (node for node in drawn.nodes if node.kind == "ring-page")
        if any(" +" in run.text for card in cards for run in card.text):  # if there is room for it
            known.append(("", "+1: one more task maps it"))
        return boxes.key("clock", known)(drawn, x, y, w)

    return put


def _onwards(at: Mapping[int, Box], first: int, second: int) -> Iterator[Link]:
    """Yield an arrow from the frame at the hand to the next frame."""
    ends = at[first].edge_towards(at[second].middle), at[second].edge_towards(at[first].middle)
    yield Link("clock/onwards", "next", f"clock/{first}", f"clock/{second}", ends, arrow=True)


def _whose(page: RingPage) -> str:
    """Return the task that maps a page, with the number of others."""
    return f"{visible(page.task)}{f' +{page.others}' if page.others else ''}" if page.task else "mapped nowhere"


def _one_task(ring: RingValue) -> str:
    """Return the task of all pages; "" if there are several, or not all pages are known."""
    tasks = {page.task for page in ring.pages}
    is_known = len(tasks) == 1 and len(ring.pages) == ring.count and not any(page.others for page in ring.pages)
    return tasks.pop() if is_known else ""


def _card(
    page: RingPage,
    whose: str,
    place: Box,
    came: Collection[int],
    note: Noted | None,
    turn: int,
    *,
    is_next: bool,
    by_bits: bool,
) -> Node:
    """Return a page's card; the words about its bits are dim unless the policy decides `by_bits`."""
    who, where = _whose(page), str(Address(page.va)) if page.task else "mapped nowhere"
    state = ["new"] * (page.frame in came) + ["ghost"] * is_next
    mapped = f"{where} of {who}" if page.task else where
    bits = f"R is {page.referenced:d}{', written' if page.dirty else ''}"
    title = f"{mapped}, {_name_of(page)}, frame {page.frame:#x}, checked as number {turn}"
    title += f"{', evicted next' * is_next}, {bits}"
    lines: list[str | kit.Line] = [
        kit.Line((_name_of(page), f"page {page.index}"), "strong", f"{turn:,}"),
        *[kit.Line(whose)] * bool(whose),
        kit.Line(f"frame {page.frame:#x}", "label dim"),
        kit.Line(bits, "label" if by_bits else "label dim"),
        *([note.card(page.note)] if note else []),
    ]
    return kit.card(
        f"clock/{page.frame}",
        place,
        lines,
        thing=f"frame:{page.frame}",
        kind="ring-page",
        lane="clock",
        state=state,
        title=title,
        top=17,
        step=_LINE if whose else LINE,
        bars=[Bar(8, place.h - 7, place.w - 16, 3, f"own-{kind_of_object(page.object, '')}")],
    )


def _rows_of(ring: RingValue, note: Noted | None, columns: int) -> tuple[tuple[str, ...], ...]:
    rows = tuple(_row(number, page, note) for number, page in enumerate(ring.pages[:ROWS], 1))
    more = ring.count - len(rows)
    return rows if not more else (*rows, ("…", f"{more:,} more", *[""] * (columns - 2)))


def _row(asked: int, page: RingPage, note: Noted | None) -> tuple[str, ...]:
    where = f"{visible(page.task)} {Address(page.va)}" if page.task else "mapped nowhere"
    words = [note.words(page.note)] if note else []
    return f"{asked:,}", f"{page.frame:#x}", where, _name_of(page), f"{page.referenced:d}", f"{page.dirty:d}", *words
