"""A pasted text as a picture: sentences, the walk of the failed address, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address, Size, counted, listed
from vmwidgets.given.pasted import Panic, SaidRange
from vmwidgets.given.pasted import Pasted as PastedText
from vmwidgets.views.scene.kit import stack
from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.tables.pasted import Found, draw_pasted, in_words

from .at import At
from .picture import Picture
from .registry import picture_of
from .tables import Tables, Walk


@picture_of(first_for=PastedText)
class Pasted(Picture):
    """A terminal's text: traps with their walks, panics, lists of rights, and a page table that can be opened.

    `target` is the result of ``vm.load(text)``.  The picture shows the first table in which a trap's address could be
    walked, or else the first table.  ``pasted.tables[1]`` is a picture of another table.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.load("panic: freewalk: leaf")).scene().title
    'pasted text'
    """

    def __init__(self, target: PastedText, **options: Any) -> None:
        if not isinstance(target, PastedText):
            raise Refused(f"Pasted shows the result of vm.load(text), not {shown(target)}")
        self._held = target  # weakly held otherwise, and nothing else may keep it
        walked = next((trap.walk for trap in target.traps if trap.walk is not None), None)
        self._walk = Walk(walked) if walked is not None else None
        table = walked.tables if walked is not None else next(iter(target.tables), None)
        is_one_walk = walked is not None and getattr(table, "is_one_walk", False)  # the walk already shows everything
        self._tables = Tables(table) if table is not None and not is_one_walk else None
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return everything: sentences first, then the walk, then the tables."""
        text = self._held
        seeks = self._tables is not None and self._tables.address >= 0
        found = _found(text)
        if len(text.traps) == 1 and not seeks:
            found[0] = Found(text.traps[0].headline, text.traps[0].decoded)  # the caption says the rest
        first = draw_pasted(found, text.summary, _caption(text), width=at.width)
        if not first.table.rows and self._walk is None and self._tables is None:  # the caption says everything
            first = replace(first, table=Table((), ()))
        scenes = [first]
        if self._walk is not None:
            scenes.append(self._walk.draw(replace(at, target=self._walk.target)))
        if self._tables is not None:
            self._tables.selection = self.selection
            scenes.append(self._tables.draw(replace(at, target=self._tables.target)))
            if seeks:  # the answer to a search for an address
                scenes[0] = replace(first, caption=scenes[-1].caption)
        return stack(scenes, "pasted")

    def opened(self, node_id: str) -> None:
        """Open a table, a descriptor or a fold of the tables, or press a switch of the walk."""
        if self._walk is not None and node_id.startswith("walk/"):
            self._walk.opened(node_id)
        elif self._tables is not None and node_id.startswith("tables/"):
            self._tables.opened(node_id)
            self.selection = self._tables.selection
        self.changed()

    def sought(self, text: str) -> None:
        """Open the path to an address in the tables."""
        if self._tables is None:
            raise Refused("find: this text has no page table to look in")
        self._tables.sought(text)
        self.selection = self._tables.selection


def _caption(text: PastedText) -> str:
    """Return the most important finding, in one sentence."""
    if text.traps:
        return text.traps[0].says
    known = next((panic for panic in text.panics if panic.protects), None)
    if known is not None:
        return known.protects
    if len(text.listings) == 1 and not text.tables:
        if not text.ranges:
            return "The text does not say what is mapped." if text.listings[0].left_out else "Nothing is mapped there."
        return _reached(text.ranges) + " The text leaves other lines out." * bool(text.listings[0].left_out)
    return f"The text has {text.summary}."


def _reached(ranges: Sequence[SaidRange]) -> str:
    """Return how much memory a listing maps, and how much of that a program can access and write."""
    mapped = sum(one.size for one in ranges)
    user = sum(one.size for one in ranges if one.rights.endswith("u"))
    written = sum(one.size for one in ranges if one.rights.endswith("u") and "w" in one.rights)
    said = f"{counted(len(ranges), 'range')}: {Size(mapped)} mapped"
    if not user:
        unsaid = any(one.rights.endswith("?") for one in ranges)
        return f"{said}{'' if unsaid else ', none of it for user code'}."
    return f"{said}, {Size(user)} of it for user code, which may write {Size(written) if written else 'none of that'}."


def _found(text: PastedText) -> list[Found]:
    found = [Found(trap.headline, [trap.says, *trap.decoded]) for trap in text.traps]
    by_words: dict[str, list[Panic]] = {}
    for panic in text.panics:
        by_words.setdefault(panic.text, []).append(panic)
    for panic, *again in by_words.values():
        usual = [f"{number}. {mistake}" for number, mistake in enumerate(panic.mistakes, 1)]
        words = [f"{panic.function}: {panic.protects}", "Usual mistakes:", *usual] if panic.protects else []
        where = f", lines {listed([f'{one.line}' for one in (panic, *again)])}" if again else ""
        found.append(Found(f"panic: {panic.text}{where}", words))
    for one in text.listings:
        rows = [(each.start, _row(each), _style(each.rights)) for each in one.ranges]
        rows += [
            (each.start, (f"{Address(each.start)}", f"{Size(each.size)}", "not mapped", ""), "") for each in one.absent
        ]
        rows += [(each.start, (f"{Address(each.start)}", "", "not said", ""), "") for each in one.left_out]
        rows.sort(key=lambda row: row[0])
        found.append(Found(one.name, (), [row for _, row, _ in rows], COLUMNS, [style for _, _, style in rows]))
    if len(text.tables) > 1:
        found.append(Found(counted(len(text.tables), "page table"), [repr(one)[1:-1] for one in text.tables]))
    unsaid = [*text.unsaid, *filter(None, [text.passed_over])]
    if unsaid:
        found.append(Found("What the text does not say", unsaid))
    return found


COLUMNS = ("address", "size", "rights", "physical")


def _row(one: SaidRange) -> tuple[str, ...]:
    where = "" if one.pa is None else f"{Address(one.pa)}"
    return f"{Address(one.start)}", f"{Size(one.size)}", in_words(one.rights), where


def _style(rights: str) -> str:
    """Return the colour of a range: by the program's rights, or the kernel's own colour."""
    if rights.endswith("-"):
        return "own-kernel"
    return "own-code" if "x" in rights else "own-anonymous" if "w" in rights else "own-file"
