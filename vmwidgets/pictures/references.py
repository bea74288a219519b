"""A string of references as a table of small grids: a row for each policy, a column for each number of frames.

If there are many grids, the faults of each policy come first, as bars; then comes the grid of the best policy, and a
press on the name of another policy draws its grid too.

The string is written once above each column.  Below the string, each reference has a dot if it was a fault, then the
contents of each frame after it, then the evicted page, as the names of rows say; faults are shaded.  The count of
faults is in a grid's margin.  References are counted from 1: every fifth has its number, and the selected one.  If the
policy uses reference bits, a page whose bit is set is underlined; a line is around the page at the clock's hand.  The
same reference is the same thing in all grids, so that selecting it in one grid selects it in all.  There is no machine,
and nothing changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown, with_signs
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted, listed
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.references_schema import PageName, PageReference, PolicyRun, ReferencesValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import LINE, MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, shorten, text_width
from vmwidgets.views.story.words.names import policy_name
from vmwidgets.views.story.words.pictures import say_references

from .at import At
from .picture import Picture
from .registry import picture_of

COLUMNS = 240
"""The most references that are drawn, in all grids together; the others are folded."""

GRIDS = 4
"""The most grids that are all drawn whole."""

FRAMES = 16
"""The most frames of a grid."""

ROWS = 400
"""The most references of a run in its table."""

TALL = 1400.0
"""The greatest height in pixels of all grids, if that is enough for one line of the string; the rest is folded."""

_ROW, _DOTS, _OUT, _BELOW, _NUMBERS = 22.0, 18.0, 20.0, 14.0, 14.0
"""Heights of a frame, of the dots and of the evicted page; space below a grid; height of the references' numbers."""

_STRING = 54.0
"""The most pixels above the grids of a line: the string, its numbers, and the numbers of frames."""

_INDEX, _COUNT, _APART = 75.0, 88.0, 18.0
"""Widths of the names of rows and of the count of faults; space between grids."""

_NAME = 150.0
"""The greatest width of a policy's name, in two lines if it is longer."""

_NARROW = 612.0
"""Room in pixels below which each grid has its name above it, with the count next to it."""

_ROOMY, _WIDEST = 36.0, 192.0
"""Width of a reference with enough room, and its maximum: 16 digits, with letters for a write, a tick and the hand."""


@picture_of(first_for=(ReferencesValue, PolicyRun))
class References(Picture):
    """A reference string under page replacement policies: a row for each policy, a column for each number of frames.

    `target` is the result of ``vm.reference_string(…)``, or one of its runs; or it is what this function takes, such
    as ``"7 0 1"``, for the frames and policies that it chooses.  Select a reference to read what each
    policy does at that point.  Only a part of a long string is drawn, from the reference `first` on.  If there are many
    runs, only the best one's frames are drawn; press another run's name to see the contents of its frames.

    >>> import vmwidgets as vm
    >>> found = vm.reference_string("1 2 3 1 2", 2, ("fifo", "opt"))
    >>> picture = vm.picture(found)
    >>> picture.scene().caption.text
    '5 faults with 2 frames, by FIFO.'
    >>> picture.selection = "reference:2"
    >>> picture.scene().caption.reason
    '...FIFO: fault, 1 is evicted; OPT: fault, 2 is evicted...'
    """

    first = traitlets.Int(0, min=0, help="The reference from which the picture is drawn.").tag(public=True)

    def __init__(self, target: ReferencesValue | PolicyRun | str | Sequence[PageName], **options: Any) -> None:
        if isinstance(target, (str, list, tuple)):
            target = reference_string(target)
        if not isinstance(target, (ReferencesValue, PolicyRun)):
            such = "a string such as '7 0 1' or the result of vm.reference_string(…)"
            raise Refused(f"References shows {such}, not {shown(target)}")
        self._held = target  # weakly held otherwise, and nothing else may keep it
        self._opened: frozenset[int] = frozenset()
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the grid."""
        value = at.target if isinstance(at.target, ReferencesValue) else None
        runs = (at.target,) if value is None else value.runs
        return draw_references(
            runs, value, first=self.first, selection=self.selection, opened=self._opened, width=at.width
        )

    def opened(self, node_id: str) -> None:
        """Draw earlier or later references, or the frames of one of many runs."""
        _, what, number, *_ = node_id.split("/")
        if what in ("run", "switch"):
            self._opened ^= {int(number)}
        else:
            self.first = int(number)

    @traitlets.observe("first")
    def _begins_otherwise(self, change: object) -> None:
        self.changed(change)


def draw_references(
    runs: Sequence[PolicyRun],
    value: ReferencesValue | None = None,
    *,
    first: int = 0,
    selection: str = "",
    opened: Collection[int] = (),
    width: float = WIDTH,
) -> Scene:
    """Return the scene of runs of one string, from reference `first` on; many runs are whole only if `opened`."""
    length = len(runs[0].steps)
    sheet = _Sheet.of(runs, value, opened, width - 2 * MARGIN)
    most = COLUMNS // max(1, sum(map(len, sheet.shown)))
    each = _STRING + sum(
        max(sheet.high(runs[one]) for one in row) + _BELOW + (LINE + 2) * sheet.is_narrow for row in sheet.shown
    )
    count = max(1, min(most // sheet.count, int(TALL // each))) * sheet.count
    start = min(first, length - 1)
    selected = _selected(selection, length)
    shown = range(start, min(start + count, length))
    lines = [
        _line(runs, sheet, line, range(begin, min(begin + sheet.count, shown.stop)), selected)
        for line, begin in enumerate(shown[:: sheet.count])
    ]
    pages = len({step.page for step in runs[0].steps})
    most = max((run.frames for run in runs), default=0)
    left_out = f" · {FRAMES} of {most:,} frames are drawn" if most > FRAMES else ""
    others = ["references/runs"] * (sheet.whole is not None)
    others += ["references/more"] * (start > 0 or start + count < length)
    lanes = [
        Lane(_lane(number, line), label=f"{_headline(runs[number])}, line {line + 1}")
        for line in range(len(lines))
        for row in sheet.shown
        for number in row
    ]
    lanes += [Lane(lane, label="other references") for lane in others]
    return boxes.picture(
        "references",
        "a string of references",
        f"{counted(length, 'reference')} to {counted(pages, 'page')}{left_out}",
        boxes.below(
            boxes.sized(partial(_bars, runs)),
            *lines,
            _legend(runs, sheet),
            _folds(start, count, length),
            _others(runs, sheet),
            gap=6,
        ),
        caption=_caption(runs, value, selected),
        table=_table(runs, start),
        lanes=lanes,
        width=width,
    )


def _lane(number: int, line: int) -> str:
    return f"references/{number}/{line}"


@frozen(slots=False)
class _Sheet:
    """The layout of grids: `beside` grids in a row, given by their places in `runs`.

    A reference is `column` pixels wide.
    """

    rows: tuple[tuple[int, ...], ...]
    column: float
    count: int
    """The number of references in a line."""
    left: float
    """Pixels for the names of policies."""
    block: float
    """Pixels from one grid to the next."""
    is_narrow: bool
    """Whether each grid has its name above it, with its count next to it."""
    whole: frozenset[int] | None
    """The runs that are drawn; None for all."""
    anomalies: dict[tuple[str, int], int]
    """A policy's additional faults with a number of frames, compared with fewer frames."""

    @classmethod
    def of(cls, runs: Sequence[PolicyRun], value: ReferencesValue | None, opened: Collection[int], w: float) -> _Sheet:
        """Return a layout with columns wide enough for the longest page and for a policy's hand.

        The runs of a policy are side by side if the whole string then fits, with their names above them if there is no
        room on the left.
        """
        longest = max(text_width(_page(step), _PAGE) for run in runs for step in run.steps)
        least = longest + 8.0
        name = max(text_width(policy_name(run.policy), "body strong") for run in runs)
        policies = len({run.policy for run in runs})
        each = len(runs) // policies if len(runs) % policies == 0 else 1
        ways = ((True, each), (True, 1)) if w < _NARROW else ((False, each), (True, each), (False, 1))
        for is_narrow, beside in ways:
            left = 0.0 if is_narrow else min(_NAME, max(name, text_width("16 frames"))) + 12
            block = (w - left + _APART) / beside
            room = block - _APART - _INDEX - _COUNT * (not is_narrow)
            if room / len(runs[0].steps) >= least:
                break
        column = min(_WIDEST, max(least, min(room / len(runs[0].steps), _ROOMY)))
        rows = tuple(tuple(range(begin, begin + beside)) for begin in range(0, len(runs), beside))
        more = (
            {}
            if value is None
            else {(one.policy, one.frames[1]): one.faults[1] - one.faults[0] for one in value.anomalies}
        )
        whole = None
        if len(runs) > GRIDS:
            odd = {policy for policy, _ in more}
            best, _ = _compared(runs)
            decide = {number for number, run in enumerate(runs) if run in best or run.policy in odd}
            rows = tuple(sorted(rows, key=decide.isdisjoint))
            pressed = {*opened}  # a row that two runs of which are opened, at another width, is folded
            whole = frozenset(
                one for row in rows for one in row if decide.isdisjoint(row) == bool(len(pressed & {*row}) % 2)
            )
        count = max(1, int(room / column + 1e-6))
        lines = -(-len(runs[0].steps) // count)
        count = -(-len(runs[0].steps) // lines)  # no line is much shorter than the others
        if not is_narrow:  # no further apart than the width of their references
            block = min(block, _INDEX + min(count, len(runs[0].steps)) * column + _COUNT + 2 * _APART)
        return cls(rows, column, count, left, block, is_narrow, whole, more)

    def beside(self, grids: Sequence[Part]) -> Part:
        """Return a row of grids, or of the parts above grids, to the right of the names."""
        return boxes.inset(self.left, boxes.columns(*((self.block - _APART, one) for one in grids), gap=_APART))

    @property
    def shown(self) -> tuple[tuple[int, ...], ...]:
        """The rows that are drawn."""
        return self.rows if self.whole is None else tuple(row for row in self.rows if self.whole.issuperset(row))

    def high(self, run: PolicyRun) -> float:
        """Return the height of a grid in pixels."""
        return _DOTS + min(run.frames, FRAMES) * _ROW + _OUT


_PAGE = "mono strong body"
"""The style of a page that is referenced."""


def _page(step: PageReference) -> str:
    return f"{step.page}{'w' * step.write}{'|' * step.ticks}"


# ---- the faults of each policy -----------------------------------------------------------------------------


def _bars(runs: Sequence[PolicyRun], w: float) -> Part:
    """Return the faults of each policy as bars, the fewest first and the limit last, if there are many grids.

    The bars are for the number of frames that the title is about; columns have the faults with other numbers.
    """
    if len(runs) <= GRIDS:
        return boxes.below()
    frames = [*dict.fromkeys(run.frames for run in runs)]
    size = _compared(runs)[0][0].frames
    by = {(run.policy, run.frames): run for run in runs}
    ranked = sorted(
        (run for run in runs if run.frames == size), key=lambda run: (_is_limit(runs, run), run.faults, run.policy)
    )
    if len(ranked) == 1:  # one policy
        ranked, others = sorted(runs, key=lambda run: run.faults), []
    else:
        others = [one for one in frames if one != size]
    rows = []
    for run in ranked:
        is_limit = _is_limit(runs, run)
        name = policy_name(run.policy) if others or len(frames) == 1 else _headline(run)
        cells: list[boxes.Cell] = [
            f"{name}: the limit, knows the future" if is_limit else name,
            boxes.Bars([(run.faults, "unused" if is_limit else "used")]),
            f"{run.faults:,}",
            *(f"{by[run.policy, one].faults:,}" for one in others if (run.policy, one) in by),
        ]
        rows.append(boxes.Row(f"references/bar/{run.policy}/{run.frames}", cells, _headline(run)))
    columns = [
        boxes.Column("policy", most=w / 3, middle=True),
        boxes.Column(takes=True),
        boxes.Column(f"faults with {counted(size, 'frame')}" if others else "faults", "strong", end=True),
        *(boxes.Column(f"with {one}", "label dim", end=True, rank=rank) for rank, one in enumerate(others, 1)),
    ]
    return boxes.below(boxes.rows("references/bars", columns, rows, high=24), boxes.apart(18))


# ---- a line of the string --------------------------------------------------------------------------------


def _line(runs: Sequence[PolicyRun], sheet: _Sheet, line: int, shown: range, selected: int | None) -> Part:
    """Return a part of the string above each column of grids, and all runs' grids below."""
    names_sizes = not line and len(sheet.rows[0]) > 1 and not sheet.is_narrow
    titles = [counted(runs[number].frames, "frame") if names_sizes else "" for number in sheet.rows[0]]
    strings = [partial(_string, runs[0], sheet, line, shown, selected, *one) for one in enumerate(titles)]
    parts = [sheet.beside([boxes.thing(0, draw) for draw in strings])]
    for row in sheet.shown:
        grids = [boxes.drawing(0, partial(_grid, runs, number, sheet, line, shown)) for number in row]
        parts += [sheet.beside(grids), boxes.apart(_BELOW)]
    return boxes.below(*parts)


def _grid(runs: Sequence[PolicyRun], number: int, sheet: _Sheet, line: int, shown: range, box: Box) -> Iterator[Node]:
    """Yield a run: the meanings of its rows, its references, and its count of faults."""
    run, high = runs[number], sheet.high(runs[number])
    if sheet.is_narrow:
        yield _name_above(runs, number, sheet, line, box)
        box = box._replace(y=box.y + LINE + 2)
    elif any(number == row[0] for row in sheet.rows):
        yield _name_beside(run, number, sheet, line, box)
    else:
        text = tuple(_frames(run, 0))
        yield kit.runs(f"{_lane(number, line)}/names", box._replace(w=_INDEX - 4, h=high), text)
    x = box.x + _INDEX
    for column, index in enumerate(shown):
        place = Box(x + column * sheet.column, box.y, sheet.column - 2, high)
        yield _column(_lane(number, line), run, index, place)
    if not sheet.is_narrow and not line:
        yield _count(runs, number, sheet, Box(x + len(shown) * sheet.column + 4, box.y, _COUNT - 6, high))


def _string(
    run: PolicyRun, sheet: _Sheet, line: int, shown: range, selected: int | None, place: int, title: str, box: Box
) -> Node:
    """Return the pages of references `shown`, above a column of grids for the number of frames in `title`."""
    middle = (sheet.column - 2) / 2
    top = _NUMBERS + (18.0 if title else 0.0)
    numbers = [
        Text(
            _INDEX + column * sheet.column + middle,
            top,
            f"{shown[column] + 1}",
            "strong" if shown[column] == selected else "dim",
            "middle",
        )
        for column in _numbered(shown, selected, sheet.column)
    ]
    text = numbers + [
        fitted(
            _INDEX + column * sheet.column + middle,
            top + 14,
            _page(run.steps[index]),
            sheet.column - 2,
            _PAGE,
            "middle",
        )
        for column, index in enumerate(shown)
    ]
    if title:
        text.append(Text(_INDEX, 13, title, "strong"))
    if not place:
        text += [_of_row(0, top, "reference"), _of_row(0, top + 14, "page")]
    w = _INDEX + len(shown) * sheet.column
    bars = (Bar(_INDEX, top + 19, w - _INDEX - 2, 1, "line"),)
    words = f"references {shown[0] + 1} to {shown[-1] + 1}" if shown[0] else "the string, from its beginning"
    return kit.runs(f"references/string/{line}/{place}", box._replace(w=w, h=top + 22), text, bars=bars, title=words)


def _numbered(shown: range, selected: int | None, column: float) -> list[int]:
    """Return the columns with a number: the selected one, the first, and every fifth as far as there is room."""
    chosen = [selected - shown.start] if selected is not None and selected in shown else []
    apart = (text_width(f"{shown.stop}", "strong") + 6) / column
    for place in (0, *(place for place, index in enumerate(shown) if index % 5 == 4)):
        if all(abs(place - other) >= apart for other in chosen):
            chosen.append(place)
    return chosen


def _name_beside(run: PolicyRun, number: int, sheet: _Sheet, line: int, box: Box) -> Node:
    """Return the policy to the left of a row of grids, and the meanings of their rows."""
    room, wide = sheet.left - 6, sheet.left + _INDEX
    names = [
        fitted(0, 12 + 16 * at, name, room, "body strong")
        for at, name in enumerate(_in_two(policy_name(run.policy), room))
    ]
    if len(sheet.rows[0]) == 1:
        names.append(fitted(0, 13 + 16 * len(names), counted(run.frames, "frame"), room, "dim"))
    place = Box(box.x - sheet.left, box.y, wide - 4, sheet.high(run))
    return _name(run, number, sheet, line, place, [*names, *_frames(run, sheet.left)])


def _in_two(name: str, room: float) -> list[str]:
    """Return a policy's name in one line, or in two if it does not fit into one."""
    fit = next((at for at in range(len(name), 0, -1) if text_width(name[:at], "body strong") <= room), len(name))
    return [name[:fit], *[name[fit:]] * (fit < len(name))]


def _name(run: PolicyRun, number: int, sheet: _Sheet, line: int, box: Box, text: Sequence[Text]) -> Node:
    """Return a name; a press on it folds its grid, if not all grids are drawn."""
    if sheet.whole is None:
        return kit.runs(f"{_lane(number, line)}/names", box, text, title=_headline(run))
    return Node(
        f"references/run/{number}/{line}",
        "fold",
        *box,
        shape="none",
        text=tuple(text),
        title=f"{_headline(run)}; fold it",
        action="open",
        lane="references/runs",
    )


def _others(runs: Sequence[PolicyRun], sheet: _Sheet) -> Part:
    """Return the names of runs that are not drawn, for a press."""
    if sheet.whole is None:
        return boxes.below()
    several = len(sheet.rows[0]) > 1
    others = [runs[row[0]] for row in sheet.rows if row not in sheet.shown]
    switches = [
        kit.Switch(f"{runs.index(run)}", policy_name(run.policy) if several else said, None, f"{said}; show it")
        for run in others
        for said in [_headline(run)]
    ]
    return boxes.switches("references", [switches])


def _frames(run: PolicyRun, x: float, top: float = 0.0) -> Iterator[Text]:
    """Yield the names of a grid's rows: faults, frames, and evicted pages."""
    yield _of_row(x, top + 12, "fault")
    for frame in range(min(run.frames, FRAMES)):
        yield _of_row(x, top + _DOTS + frame * _ROW + 15, f"{frame}" if frame else "frame 0")
    yield _of_row(x, top + _DOTS + min(run.frames, FRAMES) * _ROW + 15, "evicted")


def _of_row(x: float, y: float, words: str) -> Text:
    """Return the name of a row, up to the first reference."""
    return Text(x + _INDEX - 6, y, words, "dim", "end")


def _rank(runs: Sequence[PolicyRun], run: PolicyRun) -> str:
    """Return "fewest" for fewer faults than others with as many frames; OPT, which no kernel can have, is the limit."""
    if _is_limit(runs, run):
        return "the limit"
    others = [one.faults for one in runs if one.frames == run.frames and not _is_limit(runs, one)]
    return "fewest" if len(others) > 1 and run.faults == min(others) < max(others) else ""


def _is_limit(runs: Sequence[PolicyRun], run: PolicyRun) -> bool:
    """Return whether a run is of the optimal policy, beside others."""
    return run.policy == OPTIMAL and any(one.policy != OPTIMAL for one in runs)


def _name_above(runs: Sequence[PolicyRun], number: int, sheet: _Sheet, line: int, box: Box) -> Node:
    """Return the policy's name above a grid, with its faults."""
    run, w = runs[number], box.w
    more = sheet.anomalies.get((run.policy, run.frames), 0)
    faults = counted(run.faults, "fault")
    words = f"▲ {faults}, {more:,} more" if more else ", ".join(filter(None, (faults, _rank(runs, run))))
    room = w - text_width(words, "strong") - 8
    text = [
        fitted(0, 14, f"{policy_name(run.policy)}, {counted(run.frames, 'frame')}", room, "strong"),
        Text(w, 14, words, "strong", "end"),
        *_frames(run, 0, LINE + 2),
    ]
    return _name(run, number, sheet, line, box._replace(h=LINE + 2 + sheet.high(run)), text)


def _count(runs: Sequence[PolicyRun], number: int, sheet: _Sheet, box: Box) -> Node:
    """Return a grid's margin: its faults, their rank, and how many more than with fewer frames."""
    run = runs[number]
    more = sheet.anomalies.get((run.policy, run.frames), 0)
    rank = _rank(runs, run)
    title = f"{_headline(run)}, {counted(run.hits, 'hit')}: {100 * run.rate:.3g} % faults"
    if more:
        title += f"; {more:,} more than with fewer frames: Belady's anomaly"
    count, w = f"{run.faults:,}", box.w
    words = "fault" if run.faults == 1 else "faults"
    text: tuple[Text, ...] = (Text(4, _DOTS + 13, count, "title"), Text(4, _DOTS + 30, words, "dim"))
    if more:
        text += (fitted(4, _DOTS + 47, f"▲ {more:,} more", w - 4, "strong"),)
    elif rank:
        text += (Text(4, _DOTS + 47, rank, "strong" if rank == "fewest" else "dim"),)
    high = max(box.h, _DOTS + (51 if more or rank else 35))
    return kit.runs(f"references/{number}/faults", box._replace(h=high), text, title=title)


def _column(lane: str, run: PolicyRun, index: int, box: Box) -> Node:
    """Return a reference in a grid."""
    step = run.steps[index]
    drawn = min(run.frames, FRAMES)
    middle, room = box.w / 2, box.w - 2
    text = [Text(middle, 12, "●", "", "middle")] if step.fault else []
    bars = []
    for frame, page in enumerate(step.pages[:drawn]):
        top = _DOTS + frame * _ROW
        if page is not None:
            style = _PAGE if frame == step.frame else "mono dim body"
            text.append(fitted(middle, top + 15, str(page), room - 4, style, "middle"))
        half = min(room - 6, text_width(str(page), _PAGE)) / 2
        if run.uses_bits and frame in step.referenced:
            bars.append(Bar(middle - half, top + 17, 2 * half, 1.5, "mark"))
        if frame == step.hand:
            bars.append(Bar(middle - half - 4, top + 1.5, 2 * half + 8, _ROW - 2, "next"))
    gone = ",".join(map(str, step.gone))
    text.append(fitted(middle, _DOTS + drawn * _ROW + 15, gone, room, "mono", "middle"))
    return Node(
        f"{lane}/{index}",
        "reference",
        *box,
        thing=f"reference:{index}",
        text=tuple(run for run in text if run.text),
        bars=tuple(bars),
        state=("miss",) if step.fault else ("hit",),
        title=_title(run, index),
        action="select",
        lane=lane,
    )


def _legend(runs: Sequence[PolicyRun], sheet: _Sheet) -> Part:
    """Return the meanings of the marks that are present and that no row names."""
    parts = ["w: a write"] * any(step.write for step in runs[0].steps)
    parts += ["|: a tick"] * any(step.ticks for step in runs[0].steps)
    drawn = [runs[number] for row in sheet.shown for number in row]
    parts += ["underlined: its reference bit is set"] * any(run.uses_bits for run in drawn)
    parts += ["in a box: the clock's hand is there"] * any(run.steps[0].hand is not None for run in drawn)
    parts += ["▲: more faults with more frames"] * bool(sheet.anomalies)
    return boxes.words("references/legend", " · ".join(parts), "dim")


def _title(run: PolicyRun, index: int) -> str:
    """Return everything about a column in words."""
    step = run.steps[index]
    parts = [f"reference {index + 1}: {'write to ' * step.write}page {step.page}, {_outcome(step)}"]
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
    """Return the outcome, such as "fault, 7 is evicted"."""
    gone = (
        f", {' and '.join(map(str, step.gone))} {'is' if len(step.gone) == 1 else 'are'} evicted" if step.gone else ""
    )
    return f"{'fault' if step.fault else 'hit'}{gone}"


def _folds(start: int, count: int, length: int) -> Part:
    """Return folds for the references before and after; a click opens them."""
    later = length - start - count
    ways = (
        (start, max(0, start - count), f"◀ {counted(start, 'earlier reference')}"),
        (later, start + count, f"{counted(later, 'later reference')} ▶"),
    )
    folds = [
        boxes.folded(f"references/from/{first}", words, lane="references/more", opens=True)
        if some > 0
        else boxes.below()
        for some, first, words in ways
    ]
    return boxes.equal(folds, 1, most=220)


# ---- words -----------------------------------------------------------------------------------------------


def _selected(selection: str, length: int) -> int | None:
    """Return the index of the selected reference, if a reference is selected."""
    kind, _, number = selection.partition(":")
    return int(number) if kind == "reference" and number.isdecimal() and int(number) < length else None


def _caption(runs: Sequence[PolicyRun], value: ReferencesValue | None, index: int | None) -> Caption:
    anomalies = [] if value is None else [replace(one, policy=policy_name(one.policy)) for one in value.anomalies]
    reason = " ".join(with_signs(one) for one in anomalies)
    if index is not None:
        several = len({run.frames for run in runs}) > 1
        labels = [f"{policy_name(run.policy)}{f' with {run.frames} frames' * several}" for run in runs]
        page = runs[0].steps[index].page
        what = "; ".join(f"{label}: {_outcome(run.steps[index])}" for label, run in zip(labels, runs, strict=True))
        return Caption(say_references("reference", number=index + 1, page=page, what=what), (), reason)
    least, limits = _compared(runs)
    text, *more = _answer(runs, least, limits)
    if len(least) == 2 and [one.faults for one in anomalies] == [(least[0].faults, least[1].faults)]:
        reason = say_references("more", policy=_short(least[0]))  # the title has the numbers
    return Caption(text, (), " ".join((*more, reason)).strip())


OPTIMAL = "opt"


def _compared(runs: Sequence[PolicyRun]) -> tuple[list[PolicyRun], list[PolicyRun]]:
    """Return the runs that decide, and the limit for as many frames.

    That is the fewest faults for the number of frames at which policies differ most; of one policy, the first and the
    last number of frames.
    """
    real = [run for run in runs if not _is_limit(runs, run)]
    by_frames: dict[int, list[int]] = {}
    for run in real:
        by_frames.setdefault(run.frames, []).append(run.faults)
    found = real if len(real) < 3 else [real[0], real[-1]]
    if len({run.policy for run in real}) > 1:
        size = max(by_frames, key=lambda one: max(by_frames[one]) - min(by_frames[one]))
        found = [run for run in real if run.frames == size and run.faults == min(by_frames[size])]
    sizes = {run.frames for run in found}
    return found, [run for run in runs if _is_limit(runs, run) and run.frames in sizes]


def _answer(runs: Sequence[PolicyRun], least: Sequence[PolicyRun], limits: Sequence[PolicyRun]) -> Iterator[str]:
    """Yield which policy has the fewest faults, for the number of frames at which they differ most; and the limit."""
    names = listed([_short(run) for run in least])
    real = {run.policy for run in runs if not _is_limit(runs, run)}
    if len(real) == 1:
        yield say_references("alone", policy=_short(least[0]), faults=_faults(least))
    elif len(real) == len(least):
        yield say_references("alike", policies=names, faults=_faults(least[:1]))
    else:
        times = f"{counted(least[0].faults, 'time')} with {counted(least[0].frames, 'frame')}"
        case = "best/limit" if limits else "best"
        yield say_references(case, len(least), policies=names, compared=len(real), times=times)
    if limits:
        yield say_references("limit", policy=_short(limits[0]), faults=_faults(limits))


def _faults(runs: Sequence[PolicyRun]) -> str:
    return listed([f"{counted(run.faults, 'fault')} with {counted(run.frames, 'frame')}" for run in runs])


def _short(run: PolicyRun) -> str:
    """Return a policy's name as it fits in a title."""
    return shorten(policy_name(run.policy), _NAME)


def _headline(run: PolicyRun) -> str:
    """Return the policy, the frames and the faults."""
    return f"{policy_name(run.policy)}, {counted(run.frames, 'frame')}: {counted(run.faults, 'fault')}"


def _table(runs: Sequence[PolicyRun], start: int) -> Table:
    rows = [
        (policy_name(run.policy), f"{run.frames}", f"{run.faults:,}", f"{run.hits:,}", f"{run.rate:.3f}")
        for run in runs
    ]
    more = tuple((_headline(run), _table_of(run, start)) for run in runs)
    return Table(("policy", "frames", "faults", "hits", "faults a reference"), tuple(rows), more)


def _table_of(run: PolicyRun, start: int) -> Table:
    has_hand = run.steps[0].hand is not None
    bits = ("bits",) * run.uses_bits
    header = ("reference", "page", *(f"frame {frame}" for frame in range(run.frames)), *bits, *("hand",) * has_hand)
    rows = []
    for index, step in enumerate(run.steps[start : start + ROWS], start):
        row = [f"{index + 1}", _page(step), *("" if page is None else str(page) for page in step.pages)]
        if run.uses_bits:
            row.append(" ".join(str(frame) for frame in sorted(step.referenced)))
        if has_hand:
            row.append(f"{step.hand}")
        rows.append((*row, "fault" if step.fault else "", ", ".join(map(str, step.gone))))
    return Table((*header, "fault", "evicted"), tuple(rows))
