"""The frames of memory in rows, in address order: each cell is a frame, and a free block is drawn as one.

Equal rows form one band, and if there are too many, those far from what is selected are folded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import NamedTuple

from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.engine.memory.pages_schema import FrameRun, FramesValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.key import kind_of_owner
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import short_count, wording
from vmwidgets.views.story.words.names import frames as frame_numbers
from vmwidgets.views.story.words.names import owner_words

from .buddies import FREE, blocks_of

ROWS, PIECES = 14, 120
"""The most rows and bands that are drawn (changed rows first), and the most pieces in them."""

LABEL = 64.0
"""Room for the address of a row's first frame."""

_ROW, _PITCH, _UNIFORM = 20.0, 26.0, 6
"""Heights of a row, and of a row with its gap; the most full rows of one owner that stay rows."""


class Piece(NamedTuple):
    """Neighbouring frames of one run with the same states; None for unknown frames."""

    first: int
    frames: int
    run: FrameRun | None
    state: str = ""

    @property
    def end(self) -> int:
        """The frame after the last one."""
        return self.first + self.frames


class Strip(NamedTuple):
    """A row of pieces, or a band: `rows` rows of one piece, with `blocks` of it side by side."""

    pieces: tuple[Piece, ...]
    rows: int = 1
    blocks: int = 1

    @property
    def state(self) -> bool:
        """Return whether anything changed here."""
        return any(one.state for one in self.pieces)


def pieces_of(value: FramesValue, lit: Collection[int], chosen: int) -> Iterator[Piece]:
    """Yield the frames in order, cut where their states differ and, if they are free, where a block ends."""
    said = {frame: _said(frame, lit, chosen) for frame in sorted({*lit, chosen})}
    order, at = list(said), value.first_frame
    for run in value.runs:
        if run.first > at:
            yield Piece(at, run.first - at, None)
        at = run.first + run.frames
        cuts = {run.first, at}
        marked = order[bisect_left(order, run.first) : bisect_left(order, at)]
        if run.state == "free":
            cuts |= {first for first, _ in blocks_of(run.first, run.frames)}
        else:
            cuts |= {frame for one in marked for frame in (one, one + 1) if said.get(frame) != said.get(frame - 1)}
        places = sorted(cuts)
        for first, end in pairwise(places):
            place = bisect_left(order, first)
            is_marked = place < len(order) and order[place] < end
            yield Piece(first, end - first, run, said[order[place]] if is_marked else "")
    if at < value.end_frame:
        yield Piece(at, value.end_frame - at, None)


def _said(frame: int, lit: Collection[int], chosen: int) -> str:
    return " ".join(filter(None, ("path" if frame in lit else "", "here" if frame == chosen else "")))


def strips_of(pieces: Sequence[Piece], across: int) -> list[Strip]:
    """Return the pieces in rows of `across` frames; a piece that fills more rows becomes a band."""
    strips: list[Strip] = []
    row: list[Piece] = []

    def end_row() -> None:
        if row:
            strips.append(Strip(tuple(row)))
            row.clear()

    for piece in pieces:
        at = piece.first
        while at < piece.end:
            room = across - at % across
            whole = (piece.end - at) // across
            many = piece.run is None or piece.run.state == "free" or whole > _UNIFORM
            if room == across and whole and many:
                end_row()
                _join(strips, Strip((piece._replace(first=at, frames=whole * across),), whole), piece)
                at += whole * across
                continue
            count = min(room, piece.end - at)
            row.append(piece._replace(first=at, frames=count))
            at += count
            if count == room:
                end_row()
    end_row()
    return strips


def _join(strips: list[Strip], strip: Strip, piece: Piece) -> None:
    """Add a band; adjacent blocks of one size are joined."""
    last = strips[-1] if strips else None
    if last is not None and len(last.pieces) == 1 and piece.run is not None:
        (other,) = last.pieces
        alike = other.run == piece.run and other.state == piece.state and other.end == strip.pieces[0].first
        if alike and last.rows == last.blocks * strip.rows:
            whole = other._replace(frames=other.frames + strip.pieces[0].frames)
            strips[-1] = Strip((whole,), last.rows + strip.rows, last.blocks + 1)
            return
    strips.append(strip)


def rows_of(strips: Sequence[Strip], across: int) -> Part:
    """Return the strips as a part."""
    return boxes.drawing(0, partial(_rows, strips, across))


def _rows(strips: Sequence[Strip], across: int, box: Box) -> Iterator[Node]:
    """Yield the nodes of the strips."""
    ranked = _chosen(strips)
    y, wide = box.y, box.w - LABEL
    unit = wide / across
    for shown, group in groupby(enumerate(strips), key=lambda one: one[0] in ranked):
        some = [strip for _, strip in group]
        if not shown and (len(some) > 1 or all(piece.run is None for piece in some[0].pieces)):
            yield _left_out(some, Box(box.x + LABEL, y, wide, _ROW))
            y += _PITCH
            continue
        for strip in some:
            first = strip.pieces[0].first
            words = f"{first // across * across:#x}"
            yield kit.label(f"frames/row/{first:x}", words, box.x, y, style="mono label dim", most=LABEL)
            for piece in strip.pieces:
                room = wide if strip.rows > 1 else piece.frames * unit
                place = Box(box.x + LABEL + piece.first % across * unit, y, room - 1, _ROW)
                yield _piece(piece, strip, place, unit)
            y += _PITCH


def _chosen(strips: Sequence[Strip]) -> set[int]:
    """Return the strips that are drawn: if some changed, they and their neighbours."""
    known = [at for at, strip in enumerate(strips) if any(piece.run is not None for piece in strip.pieces)]
    changed = [at for at in known if strips[at].state]
    near = {place for at in changed for place in (at - 1, at, at + 1)}.intersection(known)
    chosen, left = set[int](), PIECES
    for at in sorted(near or known, key=lambda at: (at not in changed, at))[:ROWS]:
        left -= len(strips[at].pieces)
        if chosen and left < 0:
            break
        chosen.add(at)
    return chosen


def _left_out(some: Sequence[Strip], box: Box) -> Node:
    """Return a fold of some rows: how many frames they have, and if they are free."""
    pieces = [piece for strip in some for piece in strip.pieces]
    count = sum(piece.frames for piece in pieces)
    if all(piece.run is not None and piece.run.state == "free" for piece in pieces):
        words = f"{counted(count, 'free frame')} more, in {counted(sum(strip.blocks for strip in some), 'block')}"
        return kit.fold(f"frames/fold/{pieces[0].first:x}", box, words, title=words, lane="frames/runs")
    return fold_of(pieces[0].first, count, box)


def fold_of(first: int, count: int, box: Box) -> Node:
    """Return a fold of `count` frames from `first` on, which are left out."""
    words = f"{short_count(count)} frame{'' if count == 1 else 's'} more"
    return kit.fold(
        f"frames/fold/{first:x}",
        box,
        words,
        title=f"{count:,} frames from {first:#x} on are left out",
        lane="frames/runs",
    )


def _piece(piece: Piece, strip: Strip, box: Box, unit: float) -> Node:
    """Return the frames of a piece in one row, or the band of a piece."""
    run = piece.run
    if run is None:
        return kit.chip(
            f"frames/fold/{piece.first:x}",
            "fold",
            box,
            ("…", ""),
            lane="frames/runs",
            state=["folded"],
            title=f"{counted(piece.frames, 'frame')} from {piece.first:#x} on are left out",
        )
    is_free, is_band = run.state in FREE, strip.rows > 1
    kind = "free" if is_free else kind_of_owner(run.owner)
    bars: list[Bar] = []
    if run.state == "zeroed":
        bars += [Bar(unit * (at + 0.5) - 1.5, box.h / 2 - 1.5, 3, 3, "line") for at in range(piece.frames)]
    elif not is_free and not is_band:
        bars += [Bar(unit * at - 1, 0, 1, box.h, "ground") for at in range(1, piece.frames)]
    bars += [Bar(0, box.h - 3, box.w, 3, "mark")] * run.wired
    ways = _ways(piece, strip) if is_band or run.state == "free" else ("",)
    words = wording((*ways, ""), box.w - 6)
    text = [Text(box.w / 2, box.h / 2 + 4, words, "label", "middle")] if words else []
    return Node(
        f"frames/run/{piece.first:x}",
        "run",
        *box,
        f"frame:{piece.first}",
        "box",
        tuple(text),
        tuple(bars),
        ("tile", f"is-{kind}", f"frame-{run.state}", *piece.state.split()),
        piece_words(piece),
        "select",
        "frames/runs",
    )


def _ways(piece: Piece, strip: Strip) -> tuple[str, ...]:
    """Return the words in free frames and in bands, from the longest wording to the count alone."""
    size, count = binary_size(piece.frames * PAGE), f"{piece.frames:,}"
    if piece.run is not None and piece.run.state != "free":
        owner = owner_words(piece.run.owner)
        return f"{owner}: {count} frames, {size}", f"{owner}: {count}", f"{count}"
    if strip.blocks > 1:
        one = piece.frames // strip.blocks
        long = f"{strip.blocks:,} free blocks of {one:,} frames, {binary_size(one * PAGE)} each"
        return long, f"{strip.blocks:,} free blocks of {binary_size(one * PAGE)}", f"{count} free"
    if strip.rows > 1 or piece.frames >= 32:
        return f"one free block of {count} frames, {size}", f"{count} free", count
    return f"{count} free", count


def piece_words(piece: Piece) -> str:
    """Return everything about a piece, and about its run if it is a part of one."""
    run = piece.run
    assert run is not None
    owner, wired = f" of {owner_words(run.owner)}" if run.owner else "", " wired" if run.wired else ""
    part = "" if piece.frames == run.frames else f"; among the {run.frames:,} {frame_numbers(run.first, run.frames)}"
    return (
        f"{counted(piece.frames, 'frame')} {frame_numbers(piece.first, piece.frames)}: {run.state}{owner}{wired}{part}"
    )
