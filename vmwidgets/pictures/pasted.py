"""A pasted text as a picture: sentences, the walk of the failed address, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address, Size, counted, listed
from vmwidgets.given.pasted import Panic, SaidRange, Trap
from vmwidgets.given.pasted import Pasted as PastedText
from vmwidgets.views.scene.kit import stack
from vmwidgets.views.scene.model import Caption, Scene, Table
from vmwidgets.views.scene.parts import fold_parts
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.tables.pasted import Found, draw_answer, draw_findings, in_words, section_of

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
        self._parts_asked: dict[str, bool] = {}  # by heading, whether a reader opened or folded the part
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the answer, then the walk; the rest is folded, unless nothing was walked."""
        text, found = self._held, self._found()
        scenes = [draw_answer(found, text.summary, _caption(text), width=at.width)]
        if not scenes[0].table.rows and self._walk is None and self._tables is None:  # the caption says everything
            scenes[0] = replace(scenes[0], table=Table((), ()))
        if self._walk is not None:
            walk, trap = self._walk.draw(replace(at, target=self._walk.target)), _walked(text)
            about = f"{walk.title} · {walk.subtitle}"
            scenes.append(replace(walk, title=visible(trap.headline), subtitle=about) if trap is not None else walk)
        if found:
            scenes.append(draw_findings(found, width=at.width))
        if self._tables is not None:
            self._tables.selection = self.selection
            scenes.append(self._tables.draw(replace(at, target=self._tables.target)))
            if self._seeks:  # the answer to a search for an address
                scenes[0] = replace(scenes[0], caption=scenes[-1].caption)
        if len(scenes) > 1:  # nothing is drawn of the answer
            scenes[0] = replace(scenes[0], height=0.0)
        scene = stack(scenes, "pasted")
        tables = tuple(one for one in scene.table.more if one[1].header)
        scene, opens = replace(scene, table=replace(scene.table, more=tables)), self._opens()
        return scene if all(opens.values()) and not self._parts_asked else fold_parts(scene, opens, 0.0, opens)

    def _found(self) -> list[Found]:
        return _found(self._held, is_walked=self._walk is not None, seeks=self._seeks)

    @property
    def _seeks(self) -> bool:
        """Return whether a reader looks for an address."""
        return self._tables is not None and self._tables.address >= 0

    def _opens(self) -> dict[str, bool]:
        """Return whether each part is open, by its heading: as it begins, or as a reader wants it."""
        opens = {section_of(number): not one.folds for number, one in enumerate(self._found())}
        if self._tables is not None:
            opens["section/tables"] = self._walk is None or self._seeks
        return {**opens, **self._parts_asked}

    def opened(self, node_id: str) -> None:
        """Open or fold a part, open a table, a descriptor or a fold of the tables, or press a switch of the walk."""
        if node_id.startswith("section/"):
            self._parts_asked[node_id] = not self._opens().get(node_id, True)
        elif self._walk is not None and node_id.startswith("walk/"):
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


def _walked(text: PastedText) -> Trap | None:
    """Return the trap whose walk is drawn."""
    return next((trap for trap in text.traps if trap.walk is not None), None)


def _caption(text: PastedText) -> Caption:
    """Return the most important finding, in one sentence; a long sentence about a trap goes on below."""
    if text.traps:
        return _in_a_line(text.traps[0].says)
    known = next((panic for panic in text.panics if panic.protects), None)
    if known is not None:
        return _in_a_line(known.protects)
    if len(text.listings) == 1 and not text.tables:
        if not text.ranges:
            said = "The text does not say what is mapped." if text.listings[0].left_out else "Nothing is mapped there."
            return Caption(said)
        return Caption(_reached(text.ranges) + " The text leaves other lines out." * bool(text.listings[0].left_out))
    return Caption(f"The text has {text.summary}.")


def _in_a_line(said: str) -> Caption:
    """Return a caption whose title is a line: what comes after a colon is said below if the sentence is too long."""
    title, _, more = visible(said).partition(". ")
    rest: list[str] = []
    while text_width(title, "title") > _LINE and (at := title.rfind(": ", _SHORT)) > 0:
        title, last = title[:at], title[at + 2 :]
        rest.insert(0, f"{last[:1].upper()}{last[1:].rstrip('.')}.")
    return Caption(f"{title.rstrip('.')}.", (), " ".join([*rest, more]).strip())


_SHORT = 24
"""The least number of letters of a title."""

_LINE = 852.0
"""The width of a title's line at 900 pixels."""


def _reached(ranges: Sequence[SaidRange]) -> str:
    """Return how much memory a listing maps, and how much of that a program can access and write."""
    mapped = sum(one.size for one in ranges)
    user = sum(one.size for one in ranges if one.rights.endswith("u"))
    written = sum(one.size for one in ranges if one.rights.endswith("u") and "w" in one.rights)
    said = f"{Size(mapped)} mapped"
    if not user:
        unsaid = any(one.rights.endswith("?") for one in ranges)
        return f"{said}{'' if unsaid else ', none of it for user code'}."
    return f"{said}, {Size(user)} for user code, which may write {Size(written) if written else 'none of it'}."


def _found(text: PastedText, *, is_walked: bool, seeks: bool) -> list[Found]:
    """Return what was found: the one likely mistake first, then what else the text says."""
    by_words: dict[str, list[Panic]] = {}
    for panic in text.panics:
        by_words.setdefault(panic.text, []).append(panic)
    found: list[Found] = []
    for panic, *again in by_words.values():
        where = f", lines {listed([f'{one.line}' for one in (panic, *again)])}" if again else ""
        words = [f"{panic.function}: {panic.protects}"] if panic.protects else []
        likely = [f"The likely mistake: {panic.mistakes[0]}"] if panic.mistakes else []
        found.append(Found(f"panic: {panic.text}{where}", [*likely, *words], folds=is_walked))
        if panic.mistakes[1:]:
            others = [f"{number}. {mistake}" for number, mistake in enumerate(panic.mistakes[1:], 2)]
            found.append(Found("Other usual mistakes", others, folds=True))
    for trap in text.traps:
        is_said = trap is text.traps[0] and not seeks  # the caption says it
        is_headed = is_walked and trap is _walked(text)
        words = [*([] if is_said else [trap.says]), *trap.decoded]
        if words or not is_headed:
            found.append(
                Found(
                    "The parts of its code" if is_headed and is_said else trap.headline,
                    words,
                    folds=is_headed and is_said,
                )
            )
    for one in text.listings:
        rows = [(each.start, _row(each), _style(each.rights)) for each in one.ranges]
        rows += [
            (each.start, (f"{Address(each.start)}", f"{Size(each.size)}", "not mapped", ""), "") for each in one.absent
        ]
        rows += [(each.start, (f"{Address(each.start)}", "", "not said", ""), "") for each in one.left_out]
        rows.sort(key=lambda row: row[0])
        styles = [style for _, _, style in rows]
        found.append(Found(one.name, (), [row for _, row, _ in rows], COLUMNS, styles, folds=is_walked))
    if len(text.tables) > 1:
        found.append(
            Found(counted(len(text.tables), "page table"), [repr(one)[1:-1] for one in text.tables], folds=is_walked)
        )
    unsaid = [*text.unsaid, *filter(None, [text.passed_over])]
    if unsaid:
        found.append(Found("What the text does not say", unsaid, folds=bool(found) or is_walked or bool(text.tables)))
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
