"""Threads: which sleep, for what, and who will wake them; which can run; and which wait in a circle.

First a sentence gives the answer.  Each thing that threads wait for has a row: its sleepers on the left, in the order
in which they will retry, and who wakes them on the right; they are below each other if there is little room.  A
deadlock is drawn as a circle.  The state of a thread is a word and the shape of its mark: round if asleep, square
otherwise; a running thread has an outline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Link, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped
from vmwidgets.views.story.look import Look, difference
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.threads import deadlock

LEAST, WIDEST, H, GAP, SUBJECT_W = 150.0, 240.0, 40.0, 14.0, 172.0
"""Least and greatest width of a thread, its height, and the space between two; width of what a thread waits for."""

NAMES = 12
"""The most finished threads that are named."""

_SLEEPERS = 5
"""The most sleepers drawn for one thing; if there are more, one fewer is drawn, with the number of the others."""

_GROUPS = 6
"""The most things that get a row because threads wait for them; the others are counted."""

_BESIDE = 640.0 - 2 * MARGIN
"""Room from which a row has columns."""


@frozen
class _Group:
    """The threads that wait for one thing: `kind` and `subject` name it, and `holder` has it (a lock)."""

    kind: str
    subject: str
    holder: str | None
    sleepers: tuple[ThreadValue, ...]

    @property
    def id(self) -> str:
        """Its name in scenes."""
        return f"wait/{self.kind}/{self.subject}"


def draw_threads(
    look: Look[ThreadsValue],
    *,
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
) -> Scene:
    """Return the scene of the threads.

    If the operation changed no thread, the title says who waits, unless the scene is a part of another (`compact`).
    """
    moment, value = look.moment, look.now
    touched = marked(look.before, value)
    groups = groups_of(value)
    ring = [thread for name in value.cycle for thread in value.threads if thread.name == name]
    is_waiting = moment.is_after and (moment.operation is None or moment.operation.outcome != "panic")
    steps = moment.steps(look.mine(("threads", compact), partial(_seen, compact=compact)))
    answer = _answer(value, groups, is_waiting)
    is_still = not (compact or value.cycle or steps.count or moment.operation is None)
    return boxes.picture(
        "threads",
        "threads",
        _subtitle(value),
        boxes.below(
            boxes.words("threads/answer", "" if is_still else answer, "body"),
            _circle(ring, touched),
            _ready(value, touched, is_waiting),
            _waiting(groups, value, touched),
            _done(value, touched),
            gap=18,
        ),
        lanes=[Lane(group.id, down=True, label=name_of(group.kind, group.subject)) for group in groups[:_GROUPS]],
        caption=moment.caption_of(steps, answer, tells=False) if is_still else _caption(moment, value, steps, compact),
        table=Table(_TABLE_HEADER, _rows(value)),
        steps=steps,
        machine=machine,
        width=width,
    )


def _answer(value: ThreadsValue, groups: Sequence[_Group], is_waiting: bool) -> str:
    """Return which threads wait for what, in a sentence: the most first, a deadlock before everything else."""
    some = sorted((one for one in groups if one.subject != _DAEMON), key=lambda one: -len(one.sleepers))
    parts = [f"for {_AWAITED.get(one.kind, '')}{name_of(one.kind, visible(one.subject))}" for one in some[:3]]
    count, left = sum(len(one.sleepers) for one in some), sum(len(one.sleepers) for one in some[3:])
    if len(some) > 1:
        parts = [f"{len(one.sleepers):,} {words}" for one, words in zip(some, parts, strict=False)]
        parts += [f"{left:,} for something else"] * bool(left)
    waits = f"{counted(count, 'thread')} {'waits' if count == 1 else 'wait'}"
    asleep = f"{waits}{' ' if len(some) == 1 else ': '}{', '.join(parts)}." if parts else ""
    return " ".join(filter(None, (asleep, _who_runs(value, is_waiting))))


def _who_runs(value: ThreadsValue, is_waiting: bool) -> str:
    """Return which thread runs now or next; if there is none, that the kernel waits for a call, if it `is_waiting`."""
    running = [visible(thread.name) or "the cell" for thread in value.threads if thread.state == "running"]
    count = len(value.ready)
    if running:
        more = f"; {counted(count, 'more thread')} can go on" if count else ""
        return f"{' and '.join(running)} {'runs' if len(running) == 1 else 'run'} now{more}."
    if not count:
        return "No thread runs; the kernel waits for the next call." if is_waiting else "No thread runs now."
    first = visible(value.ready[0])
    return (
        f"No thread runs now; {first} is the next of {count:,} that can go on."
        if count > 1
        else f"No thread runs now; {first} is next."
    )


_AWAITED = {"lock": "the ", "": "", "channel": "a wakeup of "}
"""The words before the name of the thing that threads wait for."""


def _seen(value: ThreadsValue, *, compact: bool) -> object:
    """Return what is drawn; in a part of another picture (`compact`), the clock matters only to its sleepers."""
    has_clock = not compact or any(thread.kind == "timer" for thread in value.asleep)
    return _facts(value), value.ready, value.sleeping, value.cycle, has_clock and value.ticks


def _facts(value: ThreadsValue) -> dict[str, ThreadValue]:
    """Return what is drawn of each thread; how long it has waited or been ready is in the order of the threads."""
    return {thread.name: replace(thread, since=0) for thread in value.threads}


def groups_of(value: ThreadsValue) -> tuple[_Group, ...]:
    """Return the sleepers by the thing that they wait for, in the order of falling asleep; no deadlocked threads."""
    threads = {thread.name: thread for thread in value.threads}
    order = [threads[name] for name in value.sleeping if name in threads]
    order += [thread for thread in value.asleep if thread not in order]
    found: dict[tuple[str, str], list[ThreadValue]] = {}
    for thread in order:
        if thread.state == "asleep" and thread.name not in value.cycle:
            found.setdefault(_subject_of(thread), []).append(thread)
    kinds = sorted(found.items(), key=lambda item: (_KINDS.get(item[0][0], len(_KINDS)), item[0][1] == _DAEMON))
    return tuple(
        _Group(kind, subject, next((one.holder for one in sleepers if one.holder is not None), None), _waking(sleepers))
        for (kind, subject), sleepers in kinds
    )


_DAEMON = "vm_pages_needed"
"""The page daemon's channel, which says least."""

_KINDS = {"lock": 0, "room": 1, "pages": 2, "timer": 3}
"""The order of kinds of waiting; channels come last, the page daemon's among them."""


def _subject_of(thread: ThreadValue) -> tuple[str, str]:
    """Return the thing that a thread waits for; for all threads that wait for the clock, it is the same."""
    return ("timer", "") if thread.kind == "timer" else (thread.kind, thread.subject)


def _waking(sleepers: Sequence[ThreadValue]) -> tuple[ThreadValue, ...]:
    """Return timers in the order of time, and others in the order of falling asleep."""
    if all(one.until is not None for one in sleepers) and _subject_of(sleepers[0])[0] == "timer":
        return tuple(sorted(sleepers, key=lambda one: one.until or 0))
    return tuple(sleepers)


def marked(before: ThreadsValue, now: ThreadsValue) -> dict[str, str]:
    """Return the threads that are "new", or "changed"."""
    found = difference(_facts(before), _facts(now))
    return {**dict.fromkeys(found.changed, "changed"), **dict.fromkeys(found.new, "new")}


# ---- those that can go on, and those that are done -----------------------------------------------------


def _ready(value: ThreadsValue, touched: Mapping[str, str], is_waiting: bool) -> Part:
    """Return who runs now or next, large, and next to it, or below, the other threads that can run, in one row.

    If the kernel `is_waiting`, the next thread's card names the call that runs it.
    """
    threads = {thread.name: thread for thread in value.threads}
    running = [thread for thread in value.threads if thread.state == "running" and thread.name not in value.cycle]
    ready = [threads[name] for name in value.ready if name in threads]
    ready += [thread for thread in value.threads if thread.state == "ready" and thread not in ready]
    holds = any(thread.holder == "" for thread in value.threads) and "" not in threads
    now = [boxes.thing(H, _cell)] * holds + [_large(thread, touched, "") for thread in running]
    head, after = "runs now", "can go on, the next one first"
    skipped = 0
    if ready and not now:
        now, head, after, skipped = [_large(ready[0], touched, "m.run() runs it" * is_waiting)], "runs next", "then", 1
    others = ready[skipped:]

    def row(w: float) -> Part:
        most = max(1, int((w + GAP) // (LEAST + GAP)))
        shown = some_of(others, most if len(others) <= most else max(2, most - 1), touched)
        parts = [_card(thread, touched, number + skipped, "ready") for number, thread in shown]
        left_out = {thread.name for thread in others}.difference(thread.name for _, thread in shown)
        parts += [_fold("ready", len(left_out), H)] * bool(left_out)
        return _ringed("threads/ready", "ready", boxes.equal(parts, LEAST, most=WIDEST, gap=GAP), touched, left_out)

    runs = _ringed("threads/now", "now", boxes.narrower(WIDEST, boxes.below(*now, gap=GAP)), touched, ())
    left = boxes.below(boxes.words("threads/now", head if now else ""), runs, gap=6)
    right = boxes.below(boxes.words("threads/ready", after if others else ""), boxes.sized(row), gap=GAP)
    both = boxes.columns((WIDEST, left), (0, right), gap=2 * GAP)
    return boxes.either(_BESIDE, both, boxes.below(left, right, gap=GAP))


def _large(thread: ThreadValue, touched: Mapping[str, str], call: str) -> Part:
    """Return the thread that runs now or next, with the call that runs it, if there is one."""
    more = ((call, "mono label dim"),) * bool(call)
    return boxes.thing(_LARGE, lambda box: thread_card(thread, box, touched, lane="ready", more=more))


_LARGE = 54.0
"""The height of the thread that runs now or next."""


def _done(value: ThreadsValue, touched: Mapping[str, str]) -> Part:
    """Return the finished threads, small, with threads ended by this operation first, and their number."""
    done = [thread for thread in value.threads if thread.state in ("returned", "failed")]
    order = sorted(done, key=lambda one: one.name not in touched)
    more = text_width(f"and {len(done):,} more") + 16

    def line(w: float) -> Part:
        parts: list[tuple[float, Part]] = []
        for thread in order[:NAMES]:
            how, why = thread.state, thread.outcome.removeprefix(f"thread {thread.name!r} failed: ")
            label = f"{thread.name} {how}" + (f": {why}" if why and how == "failed" else "")
            wide, rest = min(260, text_width(label)) + 18, more + 8 if len(parts) < len(order) - 1 else 0
            if sum(its + 8 for its, _ in parts) + wide + rest > w:
                break
            state = ["fault"] * (how == "failed") + [touched.get(thread.name, "")] * (thread.name in touched)
            card = boxes.card(
                f"thread/{thread.name}",
                [kit.Line(label)],
                kind="thread",
                thing=f"thread:{thread.name}",
                state=state,
                title=f"{thread.name} {how}: {thread.outcome}",
                lane="done",
            )
            parts.append((wide, card))
        left_out = [thread.name for thread in order[len(parts) :]]
        parts += [(more, _fold("done", len(left_out), 28))] * bool(left_out)
        return _ringed("threads/done", "done", boxes.flowing(parts), touched, left_out)

    return boxes.below(boxes.words("threads/done", f"{len(done):,} done" if done else ""), boxes.sized(line), gap=2)


def _ringed(name: str, fold: str, part: Part, touched: Mapping[str, str], left_out: Collection[str]) -> Part:
    """Return threads, with one line around neighbours that the operation changed, also if they are in a fold."""
    states = {f"thread/{one}": state for one, state in touched.items()}
    folded = {touched.get(one, "") for one in left_out}
    if len(folded) == 1:
        states[f"threads/fold/{fold}"] = folded.pop()
    return boxes.ringed(name, part, states, {f"threads/fold/{fold}": len(left_out)})


def _fold(name: str, count: int, high: float = 26.0, words: str = "more") -> Part:
    """Return a fold with the number left out."""
    said = f"{count:,} {words}"
    return boxes.folded(f"threads/fold/{name}", f"and {said}", title=f"{said}, in the table", high=high)


# ---- those that wait -----------------------------------------------------------------------------------


_HEADS = {
    "threads/asleep": "asleep, in the order they will look again",
    "threads/asleep/what it waits for": "what it waits for",
    "threads/asleep/who wakes it": "who wakes it",
}
"""What is in the columns."""


def _waiting(groups: Sequence[_Group], value: ThreadsValue, touched: Mapping[str, str]) -> Part:
    """Return a row for each thing waited for, with a line between two; the page daemon, if it rests, is the last."""
    heads = [boxes.words(identity, said) for identity, said in _HEADS.items()]
    resting = [group for group in groups if group.subject == _DAEMON]
    groups = [group for group in groups if group not in resting]

    def rows(w: float) -> Part:
        parts: list[Part] = []
        for group in groups[:_GROUPS]:
            parts += [boxes.rule(f"{group.id}/line")] * bool(parts)
            parts.append(_group(group, value, touched, is_wide=w >= _BESIDE))
        left_out = len(groups) - _GROUPS
        if left_out > 0:
            parts.append(boxes.narrower(240, _fold("groups", left_out, words="more things waited for")))
        head = _columns(*heads) if w >= _BESIDE else heads[0]
        return boxes.below(head, boxes.below(*parts, gap=9), gap=16)

    sleeping = [
        boxes.thing(H, partial(_resting, thread, touched, group.id)) for group in resting for thread in group.sleepers
    ]
    return boxes.below(*[boxes.sized(rows)] * bool(groups), *sleeping, gap=12)


def _resting(thread: ThreadValue, touched: Mapping[str, str], lane: str, place: Box) -> Node:
    """Return the page daemon, with what it sleeps for."""
    more = (f"until memory runs low ({_DAEMON})", "label dim")
    return thread_card(replace(thread, doing=""), place, touched, lane=lane, more=(more,))


def _columns(sleepers: Part, subject: Part, waker: Part) -> Part:
    """Return sleepers, what they wait for, and who wakes them, with room for lines between them."""
    return boxes.sized(
        lambda w: boxes.columns((min(300.0, 0.34 * w), sleepers), (SUBJECT_W, subject), (0, waker), gap=30, middle=True)
    )


def _group(group: _Group, value: ThreadsValue, touched: Mapping[str, str], *, is_wide: bool) -> Part:
    """Return what some threads wait for, with these threads and who wakes them next to it, or below."""
    sleepers, waker = _sleepers(group, touched), _waker(group, value)
    named = partial(subject_box, group.id, group.kind, group.subject, group.holder, len(group.sleepers))
    subject = boxes.thing(H, named)
    who = boxes.below(boxes.words(f"{group.id}/who", "who wakes it"), waker)
    below = boxes.below(boxes.narrower(300, subject), boxes.inset(24, boxes.below(sleepers, who, gap=6)), gap=18)

    def links(at: Mapping[str, Node]) -> Iterator[Link]:
        subject, said = at[group.id], at[f"{group.id}/wakes"]
        yield from (_wait(one, subject) for one in at.values() if one.kind == "thread")
        if group.holder is not None:
            ends = (
                ((subject.x + subject.w, subject.y + H / 2), (said.x - 4, said.y + said.h / 2))
                if is_wide
                else ((subject.x + 8, subject.y + H), (subject.x + 8, said.y + 10), (said.x - 4, said.y + 10))
            )
            yield Link(f"{group.id}/held", "held-by", subject.id, said.id, ends, arrow=True)

    return boxes.linked(_columns(sleepers, subject, waker) if is_wide else below, links)


def _sleepers(group: _Group, touched: Mapping[str, str]) -> Part:
    """Return the waiting threads, below each other."""
    some = group.sleepers
    shown = some_of(some, _SLEEPERS if len(some) <= _SLEEPERS else _SLEEPERS - 1, touched)
    parts = [_card(thread, touched, number if len(some) > 1 else 0, group.id) for number, thread in shown]
    left_out = {thread.name for thread in some}.difference(thread.name for _, thread in shown)
    parts += [boxes.narrower(180, _fold(group.id, len(left_out)))] * bool(left_out)
    return _ringed(group.id, group.id, boxes.below(*parts, gap=4), touched, left_out)


def _wait(one: Node, subject: Node) -> Link:
    """Return the line from a sleeper to the thing it waits for, on its right or above it."""
    name = f"{one.id}/waits"
    if subject.x > one.x:
        start, end = (one.x + one.w + 4, one.y + H / 2), (subject.x, subject.y + H / 2)
        return Link(name, "waits", one.id, subject.id, (start, end), bend="level")
    x, y = subject.x + 8, one.y + 16
    return Link(name, "waits", one.id, subject.id, ((one.x + 2, y), (x, y), (x, subject.y + H)))


def _waker(group: _Group, value: ThreadsValue) -> Part:
    """Return who wakes the waiting threads, and whether that can happen."""
    name, several = f"{group.id}/wakes", len(group.sleepers) > 1
    threads = {thread.name: thread for thread in value.threads}
    first = "the first looks first, and who finds nothing sleeps again"
    if group.kind == "lock":
        if group.holder is None:
            return _said(name, "the lock is free", "they are woken")
        holder = group.holder or "the cell"
        said = "when it releases the lock"
        if group.holder in value.cycle:
            return _said(
                name,
                f"never: {holder} holds it",
                "it waits in the circle itself",
                thing=f"thread:{group.holder}",
                style="strong error",
            )
        state = threads[group.holder].state if group.holder in threads else "running"
        more = f"{said}; it is {state} itself" if state == "asleep" else said
        return _said(name, f"{holder} holds it", more, thing=f"thread:{group.holder}", style="strong held")
    if group.kind == "room":
        return _said(name, "kmem_free_wakeup", f"it wakes {'all: ' + first if several else 'it, to look again'}")
    if group.kind == "pages":
        daemon = next((one for one in value.threads if one.subject == _DAEMON or one.name == "pagedaemon"), None)
        if daemon is not None and daemon.state == "asleep":
            return _said(
                name,
                f"{daemon.name}: asleep itself",
                "or a thread that frees pages",
                thing=f"thread:{daemon.name}",
                style="strong error",
            )
        return _said(
            name,
            daemon.name if daemon is not None else "a thread that frees pages",
            f"it is {daemon.state}" if daemon is not None else "",
        )
    ticks = [one.until for one in group.sleepers if one.until is not None]
    if group.kind == "timer":
        return _said(name, f"the clock, at tick {min(ticks, default=0):,}", f"it is at {value.ticks:,}")
    more = f"or the clock, at tick {min(ticks):,}" if len(ticks) == len(group.sleepers) else "until then, nothing"
    return _said(name, f"a wakeup of {visible(group.subject)}" if group.subject else "a wakeup", more)


# ---- the elements --------------------------------------------------------------------------------------

_MARK = 32.0
"""Room for a thread's mark."""


def thread_card(
    thread: ThreadValue,
    place: Box,
    touched: Mapping[str, str],
    number: int = 0,
    lane: str = "threads",
    state: tuple[str, ...] = (),
    *,
    brief: bool = False,
    more: Sequence[tuple[str, str]] = (),
) -> Node:
    """Return a thread; `number` is its place in the row, in its mark (below 1: none).

    With `brief`, only the locks that it holds are shown; `more` are further words with their styles.
    """
    until = "" if thread.until is None else f"to tick {thread.until:,}"
    held = f"holds {', '.join(thread.locks)}" if thread.locks else ""
    doing = "" if held else thread.doing
    second = [
        ("" if brief else thread.state, "label"),
        (until, "label dim"),
        (held, "label held"),
        (doing, "mono label dim"),
        *more,
    ]
    states = [
        *state,
        *([touched[thread.name]] if thread.name in touched else []),
        *["asleep"] * (thread.state == "asleep"),
    ]
    return _thread(
        f"thread/{thread.name}",
        thread.name or "the cell",
        second,
        place,
        number,
        lane,
        [*states, *["here"] * (thread.state == "running")],
        describe(thread),
    )


def _card(thread: ThreadValue, touched: Mapping[str, str], number: int, lane: str) -> Part:
    """Return a thread with its place in a row; `lane` orders keyboard movement."""
    return boxes.thing(H, lambda box: thread_card(thread, box, touched, number, lane))


def _cell(place: Box) -> Node:
    """Return the learner's cell, if it holds a lock that a thread waits for."""
    second = [("running", "label"), ("the notebook's calls", "label dim")]
    title = "the learner's cell: what was called from the notebook"
    return _thread("thread/", "the cell", second, place, 0, "ready", ["here"], title)


def _thread(
    identity: str,
    name: str,
    second: Sequence[tuple[str, str]],
    place: Box,
    number: int,
    lane: str,
    state: Sequence[str],
    title: str,
) -> Node:
    """Return a thread's mark, its name, and its states below, as far as there is room."""
    text = [Text(15, 20, f"{number}", "letter on-step", "middle")] if 0 < number < 100 else []
    is_large = place.h > H
    look, first, below = ("title", 22, 43) if is_large else ("body strong", 16, 33)
    text.append(fitted(_MARK, first, name, place.w - _MARK - 4, look, middle=True))
    x = _MARK
    for words, style in second:
        room = place.w - 4 - x
        if words and room > 24:
            text.append(fitted(x, below, words, room, style))
            x += text_width(words, style) + 6
    ends = [run.x + (run.room or text_width(run.text, run.style)) for run in text if run.anchor == "start"]
    w = place.w if is_large or "stuck" in state else min(place.w, max(ends) + 8)
    side = 22.0 if text[0].anchor == "middle" else 10.0
    mark = Bar(15 - side / 2, first - side / 2, side, side, "step")
    bars = [Bar(0, 0, w, place.h, "rail")] * (is_large and "here" not in state) + [mark]
    return Node(identity, "thread", *place._replace(w=w), identity.replace("/", ":", 1), "box",
                tuple(run for run in text if run.text), tuple(bars), tuple(state), title, "select", lane)  # fmt: skip


def describe(thread: ThreadValue) -> str:
    """Return everything about a thread."""
    said = [f"thread {thread.name}: {thread.state}" if thread.name else f"the cell: {thread.state}"]
    if thread.waits_for:
        said.append(f"waits for {thread.waits_for}")
    if thread.holder is not None:
        said.append(f"which {thread.holder or 'the cell'} holds")
    if thread.until is not None:
        said.append(f"at most until tick {thread.until:,}")
    if thread.locks:
        said.append(f"holds the lock of {', '.join(thread.locks)}")
    return ", ".join(
        [*said, *([f"in {thread.doing}"] if thread.doing else []), *([thread.outcome] if thread.outcome else [])]
    )


def name_of(kind: str, subject: str) -> str:
    """Return the name of the thing that threads wait for.

    >>> name_of("room", "exec_map"), name_of("timer", "")
    ('room in exec_map', 'the clock')
    """
    named = {"room": f"room in {subject}", "lock": f"lock of {subject}", "pages": "free pages", "timer": "the clock"}
    return named.get(kind, subject or "a wakeup")


def subject_box(identity: str, kind: str, subject: str, holder: str | None, count: int, box: Box) -> Node:
    """Return the thing that threads wait for, round if it is a lock, with the number of waiting threads."""
    name, is_lock = name_of(kind, subject), kind == "lock"
    says = f", which {holder or 'the cell'} holds" if holder is not None else ""
    rows: list[str | kit.Line] = [name, kit.Line(f"{count:,} wait{'s' if count == 1 else ''}", "label dim")]
    return kit.card(
        identity,
        box,
        rows,
        kind="channel",
        title=f"{name}{says}: {count:,} wait",
        top=16,
        thing=f"map:{subject}" if kind in ("room", "lock") else "",
        state=("held",) if holder is not None else (),
        lane=identity,
        step=15,
        shape="round" if is_lock else "box",
        pad=18 if is_lock else 10,
        bars=() if is_lock else (Bar(0, H - 4, box.w, 4, "own-kernel"),),
    )


def _said(identity: str, words: str, more: str, *, thing: str = "", style: str = "strong") -> Part:
    """Return who wakes the sleepers, and how."""

    def draw(box: Box) -> Node:
        lines = [(line, style) for line in wrapped(words, box.w, style)[:3]]
        lines += [(line, "label dim") for line in wrapped(more, box.w)]
        text = [Text(0, 14 + 16 * at, line, look) for at, (line, look) in enumerate(lines)]
        return kit.runs(
            identity, box._replace(h=18 + 16 * max(0, len(lines) - 1)), text, title=f"{words}: {more}", thing=thing
        )

    return boxes.thing(0, draw)


def some_of(threads: Sequence[ThreadValue], most: int, touched: Collection[str]) -> list[tuple[int, ThreadValue]]:
    """Return at most this many threads with their places from 1: the first one, those in `touched`, then others."""
    order = sorted(range(len(threads)), key=lambda at: (at > 0 and threads[at].name not in touched, at))
    return [(at + 1, threads[at]) for at in sorted(order[:most])]


# ---- words ---------------------------------------------------------------------------------------------


def _subtitle(value: ThreadsValue) -> str:
    states = [thread.state for thread in value.threads]
    counted = [
        (states.count("running") + states.count("ready"), "can continue"),
        (states.count("asleep"), "asleep"),
        (states.count("returned") + states.count("failed"), "done"),
    ]
    counts = [f"{count:,} {words}" for count, words in counted if count]
    clock = f"tick {value.ticks:,} of the clock, {value.hz:,} a second"
    return " · ".join([clock, *(counts or ["no threads yet"])])


_OF_THREADS = ("spawn", "run", "step", "tick", "wakeup", "tsleep", "kill", "lock", "unlock")
"""The operations that are about threads."""


def _caption(moment: Moment, value: ThreadsValue, steps: Steps, compact: bool) -> Caption:
    """Return the caption; a deadlock is described whatever the operation was."""
    own = moment.caption
    if not value.cycle or "deadlock:" in own.text.lower():  # the error or the story says it first itself
        is_about_threads = moment.operation is not None and moment.operation.name in _OF_THREADS
        return moment.caption if compact else moment.caption_of(steps, tells=is_about_threads or steps.count > 0)
    return replace(own, text=deadlock(value.cycle), reason=own.text, tone="error")


def _rows(value: ThreadsValue) -> tuple[tuple[str, ...], ...]:
    rows = []
    for thread in value.threads[:_MAX_ROWS]:
        holder = "" if thread.holder is None else thread.holder or "the cell"
        until = "" if thread.until is None else f"{thread.until:,}"
        state = thread.state + (" (deadlock)" if thread.name in value.cycle else "")
        rows.append(
            (
                thread.name or "the cell",
                state,
                thread.waits_for,
                holder,
                until,
                ", ".join(thread.locks),
                thread.doing,
                thread.outcome,
            )
        )
    left_out = len(value.threads) - _MAX_ROWS
    return (*rows, *([(f"… {left_out:,} more threads", *[""] * 7)] if left_out > 0 else []))


_MAX_ROWS = 400
_TABLE_HEADER = ("thread", "state", "waits for", "held by", "until tick", "locks", "doing", "outcome")


# ---- a deadlock ----------------------------------------------------------------------------------

MOST = 4
"""The most threads drawn of a circle; if there are more, the first are drawn, with the number of the others."""

_DROP = 60.0
"""Pixels between the upper and the lower row."""


def _circle(ring: Sequence[ThreadValue], touched: Mapping[str, str]) -> Part:
    """Return the circle, each thread waiting for the lock of the next, and how it could not happen."""
    words = (
        "Each holds the lock that the one before it needs. If all took their locks in one order, it could not happen."
    )
    parts = [boxes.drawing(H, partial(_halves, ring, touched)), boxes.words("threads/never", words)]
    return boxes.below(*parts if ring else (), gap=10)


def _halves(ring: Sequence[ThreadValue], touched: Mapping[str, str], box: Box) -> Iterator[Node | Link]:
    """Yield thread, lock, thread, lock, … in the order of waiting, half of them in a row back below the others."""
    most = max(2, min(MOST, int(box.w // (SUBJECT_W + 20))))
    shown = ring if len(ring) <= most else ring[: most - 1]
    makers: list[tuple[float, Callable[[Box], Node]]] = []
    for thread in shown:
        card = partial(thread_card, thread, touched=touched, lane="deadlock", state=("stuck",), brief=True)
        makers += [(LEAST, card), (SUBJECT_W, partial(_lock, thread))]
    if left_out := len(ring) - len(shown):
        title = f"{left_out:,} more, in the table"
        makers.append(
            (
                LEAST,
                partial(
                    kit.fold, "threads/fold/deadlock", words=f"and {left_out:,} more", title=title, lane="deadlock"
                ),
            )
        )
    upper, wides = -(-len(makers) // 2), [wide for wide, _ in makers]
    lower = box._replace(y=box.y + H + _DROP)
    places = [*_row(wides[:upper], box), *reversed(_row([*reversed(wides[upper:])], lower))]
    placed = [make(place) for (_, make), place in zip(makers, places, strict=True)]
    links = [_link(one, other) for one, other in pairwise([*placed, placed[0]])]
    title = "deadlock: each of these threads waits for a lock that the next one holds"
    down = 20 if len(placed) > 3 else 6  # above the corner of a triangle
    place = Box(box.middle[0] - 50, box.y + H + down, 100, 18)
    word = Text(50, 15, "deadlock", "body strong error", "middle")
    yield from placed
    yield kit.runs("threads/deadlock", place, [word], title=title)
    yield from _turns(placed, links)
    yield from links


def _lock(thread: ThreadValue, box: Box) -> Node:
    """Return the lock that a thread of the circle waits for."""
    name = name_of("lock", thread.subject)
    title = f"{name}, which {thread.holder or 'the cell'} holds: 1 wait"
    return kit.cell(f"cycle/{thread.subject}", "channel", box, [(name, "strong")], feet=[H / 2 + 4], spare=36,
                    shape="round", thing=f"map:{thread.subject}", title=title, state=("stuck",),
                    lane="deadlock")  # fmt: skip  # a box


def _row(wides: Sequence[float], box: Box) -> list[Box]:
    """Return the places of half the circle, each in the middle of its share, so that both halves are aligned."""
    share = min(SUBJECT_W + 80, box.w / max(1, len(wides)))
    left = box.x + (box.w - share * len(wides)) / 2
    return [box._replace(x=left + share * at + (share - wide) / 2, w=wide) for at, wide in enumerate(wides)]


def _turns(placed: Sequence[Node], links: Sequence[Link]) -> Iterator[Node]:
    """Yield the words of each arrow, if there is room: above it in a row, or on its right between two rows."""
    kinds = {node.id: node.kind for node in placed}
    words = ["needs" if kinds[link.source] == "thread" else "which is held by" for link in links]
    rooms = [abs(link.points[0][0] - link.points[1][0]) or 200.0 for link in links]
    if any(kinds[link.source] == "fold" for link in links) or not kit.all_or_none(words, [room - 8 for room in rooms]):
        return
    for link, said in zip(links, words, strict=True):
        (x, y), (to_x, to_y) = link.points
        w = text_width(said)
        left, top = ((x + to_x - w) / 2, y - 21) if y == to_y else (x + 10, (y + to_y) / 2 - 10)
        left -= (w + 22) * (y > to_y)  # at the left of an arrow that leads up
        yield kit.label(f"{link.id}/says", said, left, top)


def _link(one: Node, other: Node) -> Link:
    """Return an arrow from box to box: along a row, or down and up at its ends."""
    if abs(one.y - other.y) < 1:
        y = one.y + H / 2
        ends = ((one.x + one.w, y), (other.x, y)) if one.x < other.x else ((one.x, y), (other.x + other.w, y))
    else:
        down = one.y < other.y
        start = (one.x + one.w / 2, one.y + (H if down else 0))
        ends = (start, (other.x + other.w / 2, other.y + (0 if down else H)))
    return Link(f"{one.id}/stuck", "stuck", one.id, other.id, ends, arrow=True)
