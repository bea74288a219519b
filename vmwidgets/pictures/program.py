"""A small C program and what it does: its text with the current line, the TLB, and frames that changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

from vmwidgets.given.played import LineCounts, Played, counts_of
from vmwidgets.views.memory.frames import touched_frames
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.program import COLUMNS, CodeLine, draw_program, room_of_panes

from .at import At
from .registry import picture_of
from .translation import sight_of, steps_of_translation, translation_in, translation_scene

_COLUMNS: dict[str, Callable[[LineCounts], int]] = dict(
    zip(COLUMNS, map(attrgetter, ("accesses", "misses", "faults", "copies")), strict=True)
)
"""The functions that give a line's number in each column, by the column's heading."""


@picture_of(first_for=Played, name="Program")
def draw(at: At) -> Scene:
    """Draw the text of a C program that was played, with the current line, each line's cost so far, and the TLB.

    Frames are drawn if they changed.

    `target` is the result of ``vm.play(…)``.  Each access is an operation of the machine, so the picture steps from
    access to access.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> picture = vm.Program(vm.play("fork", m))
    >>> picture.scene().title, picture.scene().subtitle
    ('fork.c, line 20', 'main: read p + 4,096, 1 byte')
    """
    played: Played = at.target
    machine = at.whole
    done, whole = played.steps_in(machine.journal), played.lines
    counts = counts_of(done)
    columns = [name for name, of in _COLUMNS.items() if any(of(one) for one in whole.values())]
    lines = [
        CodeLine(text, {name: _COLUMNS[name](counts.get(number, LineCounts())) for name in columns})
        if number in whole
        else CodeLine(text)
        for number, text in enumerate(played.text, 1)
    ]
    last = done[-1].step if done else None
    doing = "" if last is None else f"{last.process}: {last}"
    return draw_program(
        played.name,
        lines,
        columns,
        None if last is None else last.line,
        doing,
        at.moment,
        _panes(at, room_of_panes(lines, columns, at.width)),
        machine=machine.name,
        width=at.width,
    )


def _panes(at: At, width: float) -> Scene | None:
    """Return the TLB of the latest access, and frames if they changed, in `width` pixels; None before any access."""
    one = translation_in(at.whole, None, None)
    if one is None:
        return None
    there, panes = replace(at, width=width), ("tlb", *["frames"] * bool(touched_frames(at.moment.events)))
    scene = translation_scene(there, panes, one, at.moment, sight_of(at.whole, one, at.moment))
    return replace(scene, steps=at.moment.steps(steps_of_translation(there, panes, one)))
