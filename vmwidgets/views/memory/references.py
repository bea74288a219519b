"""A string of references as a grid: time across, frames down, a block for each policy, one below the other.

A reference is a column: its page on top, what each frame holds after it, and below, for a fault, a dot and the page
that goes.  A column of a fault has a tint.  Where the policy looks at reference bits, a page whose bit is set has a
square; a triangle is the clock's hand.  The same reference is the same thing in all blocks, so selecting it in one
selects it in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vmwidgets.engine.base.units import counted
from vmwidgets.engine.paper.references_schema import PageName, PageReference, PolicyRun, ReferencesValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, shorten, text_width, visible
from vmwidgets.views.story.words.pictures import say_references

COLUMNS = 240
"""References that are drawn, in all blocks together; the others are behind a fold."""

FRAMES = 16
"""Frames of a block that are drawn."""

ROWS = 400
"""References of a block that are in its table."""

_NAMES, _ROW, _HEAD, _APART = 60.0, 19.0, 21.0, 24.0
_ROOMY, _WIDEST = 36.0, 104.0
"""Width of a column where there is room, and where its page has a long number."""


def draw_references(
    runs: Sequence[PolicyRun], value: ReferencesValue | None = None, *, first: int = 0, selection: str = "",
    width: float = WIDTH,
) -> Scene:  # fmt: skip  # as others have it
    """The scene of runs of one string, from reference `first` on."""
    length = len(runs[0].steps)
    across = _Across.of(runs, width)
    count = max(1, COLUMNS // len(runs) // across.count) * across.count
    start = min(first, length - 1)
    nodes: list[Node] = []
    y = 4.0
    shown = range(start, min(start + count, length))
    for first_of_row in range(0, len(runs), across.beside):
        bottom = y
        for place, run in enumerate(runs[first_of_row : first_of_row + across.beside]):
            block, end = _block(f"references/{first_of_row + place}", run, shown, across, y)
            nodes += [replace(node, x=node.x + place * (across.wide + _APART)) for node in block] if place else block
            bottom = max(bottom, end)
        y = bottom
    nodes += _folds(start, count, length, y, width)
    lanes = dict.fromkeys(node.lane for node in nodes)
    pages = len({step.page for step in runs[0].steps})
    return kit.scene(
        "references",
        "a string of references",
        f"{counted(length, 'reference')} to {counted(pages, 'page')}",
        nodes,
        caption=_caption(runs, value, selection),
        table=_table(runs, start),
        lanes=[Lane(lane, label=_lane_label(lane, runs)) for lane in lanes if lane],
        width=width,
    )


class _Across:
    """How columns are placed: so many in a line, each so wide; and how many blocks are beside each other."""

    def __init__(self, width: float, column: float, beside: int = 1) -> None:
        self.column = column
        self.beside = beside
        self.wide = _wide(width, beside)
        """Pixels of a block."""
        self.count = max(1, int((self.wide - _NAMES) / column + 1e-6))

    @classmethod
    def of(cls, runs: Sequence[PolicyRun], width: float) -> _Across:
        """Columns for the longest page, with room for the hand and the bit where a policy has them.

        The runs of a policy are beside each other if all of the string has room then.
        """
        longest = max(text_width(_page(step), "mono label") for run in runs for step in run.steps)
        least = longest + (28.0 if any(run.uses_bits for run in runs) else 12.0)
        policies = len({run.policy for run in runs})
        each = len(runs) // policies if len(runs) % policies == 0 else 1
        for beside in (each, 1):
            share = (_wide(width, beside) - _NAMES) / len(runs[0].steps)
            if beside == 1 or share >= least:
                break
        return cls(width, min(_WIDEST, max(least, min(share, _ROOMY))), beside)

    def left(self, place: int) -> float:
        """Where the column at this place of a line is."""
        return MARGIN + _NAMES + place * self.column


def _wide(width: float, beside: int) -> float:
    """Pixels of each of so many blocks beside each other."""
    return (width - 2 * MARGIN + _APART) / beside - _APART


def _page(step: PageReference) -> str:
    return f"{step.page}{'w' * step.write}{'|' * step.ticks}"


# ---- a block ---------------------------------------------------------------------------------------------


def _block(name: str, run: PolicyRun, shown: range, across: _Across, y: float) -> tuple[list[Node], float]:
    """A policy's references, in as many lines as they take."""
    policy = shorten(visible(run.policy), 180, "strong")
    words = f"{counted(run.faults, 'fault')}, {counted(run.hits, 'hit')}: {100 * run.rate:.3g} % faults"
    title = f"{policy}, {counted(run.frames, 'frame')}"
    nodes = [kit.heading(f"{name}/heading", title, words, y, width=across.wide + 2 * MARGIN)]
    y += nodes[0].h
    drawn = min(run.frames, FRAMES)
    high = _HEAD + (drawn + 2) * _ROW
    for line, begin in enumerate(shown[:: across.count]):
        lane = f"{name}/{line}"
        nodes.append(_names(f"{lane}/names", begin, run.frames, drawn, y, high))
        for place, index in enumerate(range(begin, min(begin + across.count, shown.stop))):
            box = kit.Box(across.left(place), y, across.column - 2, high)
            nodes.append(_column(lane, run, index, drawn, box))
        y += high + 10
    return nodes, y


def _names(identity: str, begin: int, frames: int, drawn: int, y: float, high: float) -> Node:
    """What the rows are, left of them; of a line that begins later, from which reference on."""
    more = f" of {frames}" if frames > drawn else ""
    names = [*(f"frame {number}" for number in range(drawn)), "fault", "goes"]
    text = [Text(0, _HEAD + _ROW * row + 13, word, "label dim") for row, word in enumerate(names)]
    text.insert(0, fitted(0, 14, f"from {begin}" if begin else "page", _NAMES - 4, "label dim"))
    title = f"frames 0 to {drawn - 1}{more}" if more else ""
    return Node(identity, "label", MARGIN, y, _NAMES - 4, high, shape="none", text=tuple(text), title=title)


def _column(lane: str, run: PolicyRun, index: int, drawn: int, box: kit.Box) -> Node:
    step = run.steps[index]
    middle, room = box.w / 2, box.w - (20 if run.uses_bits else 2)
    text = [fitted(middle, 14, _page(step), box.w - 2, "mono label strong", "middle")]
    bars = [Bar(0, _HEAD - 2, box.w, 1, "line"), Bar(0, _HEAD + drawn * _ROW, box.w, 1, "line")]
    for frame, page in enumerate(step.pages[:drawn]):
        top = _HEAD + frame * _ROW
        is_here = frame == step.frame
        if page is not None:
            text.append(fitted(middle, top + 13, str(page), room, f"mono label{' strong' * is_here}", "middle"))
        if is_here:
            bars.append(Bar(middle - 6, top + 16, 12, 1.5, "mark"))
        if run.uses_bits and frame in step.referenced:
            bars.append(Bar(box.w - 6, top + 3, 4, 4, "mark"))
        if frame == step.hand:
            text.append(Text(1, top + 13, "▸", "label"))
    below = _HEAD + drawn * _ROW
    if step.fault:
        text.append(Text(middle, below + 13, "●", "label error", "middle"))
    gone = ",".join(map(str, step.gone))
    text.append(fitted(middle, below + _ROW + 13, gone, box.w - 2, "mono label", "middle"))
    return Node(
        f"{lane}/{index}", "reference", *box, thing=f"reference:{index}", text=tuple(run for run in text if run.text),
        bars=tuple(bars), state=("fault",) if step.fault else ("hit",), title=_title(run, index), action="select",
        lane=lane,
    )  # fmt: skip


def _title(run: PolicyRun, index: int) -> str:
    """All of a column in words."""
    step = run.steps[index]
    parts = [f"reference {index}: {'write to ' * step.write}page {step.page}, {_outcome(step)}"]
    parts.append(f"frames hold {', '.join(map(_held, step.pages))}")
    if run.uses_bits:
        set_bits = ", ".join(str(frame) for frame in sorted(step.referenced)) or "none"
        parts.append(f"reference bits set: {set_bits}")
    if step.ticks:
        parts.append(f"then {counted(step.ticks, 'tick')} of the clock")
    if any(counter is not None for counter in step.counters):
        counters = ", ".join("none" if one is None else f"{one:08b}" for one in step.counters)
        parts.append(f"counters {counters}")
    if step.hand is not None:
        parts.append(f"hand at frame {step.hand}")
    return "; ".join(parts)


def _held(page: PageName | None) -> str:
    return "nothing" if page is None else str(page)


def _outcome(step: PageReference) -> str:
    """Such as "fault, 7 goes"."""
    gone = f", {' and '.join(map(str, step.gone))} {'goes' if len(step.gone) == 1 else 'go'}" if step.gone else ""
    return f"{'fault' if step.fault else 'hit'}{gone}"


def _folds(start: int, count: int, length: int, y: float, width: float) -> Iterator[Node]:
    """What lies before and behind: a click shows it."""
    left = kit.row(2, y, 24, width=width, most=220)
    if start:
        words = f"◂ {counted(start, 'earlier reference')}"
        yield kit.fold(f"references/from/{max(0, start - count)}", left[0], words, lane="references/more", opens=True)
    if start + count < length:
        words = f"{counted(length - start - count, 'later reference')} ▸"
        yield kit.fold(f"references/from/{start + count}", left[1], words, lane="references/more", opens=True)


def _lane_label(lane: str, runs: Sequence[PolicyRun]) -> str:
    number, _, line = lane.removeprefix("references/").partition("/")
    return f"{visible(runs[int(number)].headline)}, line {int(line) + 1}" if number.isdecimal() else "other references"


# ---- words -----------------------------------------------------------------------------------------------


def _caption(runs: Sequence[PolicyRun], value: ReferencesValue | None, selection: str) -> Caption:
    anomalies = () if value is None else value.anomalies
    reason = " ".join(visible(str(one)) for one in anomalies)
    kind, _, number = selection.partition(":")
    if kind == "reference" and number.isdecimal() and int(number) < len(runs[0].steps):
        index = int(number)
        several = len({run.frames for run in runs}) > 1
        labels = [f"{visible(run.policy)}{f' with {run.frames} frames' * several}" for run in runs]
        what = "; ".join(f"{label}: {_outcome(run.steps[index])}" for label, run in zip(labels, runs, strict=True))
        return Caption(say_references("reference", number=index, page=runs[0].steps[index].page, what=what), (), reason)
    by_frames: dict[int, list[str]] = {}
    for run in runs:
        by_frames.setdefault(run.frames, []).append(f"{run.faults:,} by {visible(run.policy)}")
    said = [
        say_references("faults", frames=counted(frames, "frame"), faults=", ".join(faults))
        for frames, faults in by_frames.items()
    ]
    return Caption(" ".join(said), (), reason)


def _table(runs: Sequence[PolicyRun], start: int) -> Table:
    rows = [
        (visible(run.policy), f"{run.frames}", f"{run.faults:,}", f"{run.hits:,}", f"{run.rate:.3f}") for run in runs
    ]
    more = tuple((f"{visible(run.headline)}", _table_of(run, start)) for run in runs)
    return Table(("policy", "frames", "faults", "hits", "faults a reference"), tuple(rows), more)


def _table_of(run: PolicyRun, start: int) -> Table:
    has_hand = run.steps[0].hand is not None
    bits = ("bits",) * run.uses_bits
    header = ("reference", "page", *(f"frame {frame}" for frame in range(run.frames)), *bits, *("hand",) * has_hand)
    rows = []
    for index, step in enumerate(run.steps[start : start + ROWS], start):
        row = [f"{index}", _page(step), *("" if page is None else str(page) for page in step.pages)]
        if run.uses_bits:
            row.append(" ".join(str(frame) for frame in sorted(step.referenced)))
        if has_hand:
            row.append(f"{step.hand}")
        rows.append((*row, "fault" if step.fault else "", ", ".join(map(str, step.gone))))
    return Table((*header, "fault", "goes"), tuple(rows))
