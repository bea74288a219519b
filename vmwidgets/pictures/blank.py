"""A picture with words left out, to be filled in on paper: a worksheet, its key, and an exam made from both.

Anything that the picture itself names can be left out: a column of its table, or a name before a value, such as "frame
0x1ec".  A left-out value is missing everywhere in the picture, its table and its titles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.hidden import EMPTY
from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.views.scene.model import STILL, Caption, Node, Scene, Table

from .exports import Snapshot
from .keeping import EXAMINED_BY
from .quantities import Blanks, Quantity

_VALUE = r"(?:0x[\da-f_]+|\d[\d_,]*(?:\.\d+)?(?: (?:[KMGT]iB|bytes?))?)(?![\w.])"
_NAMED = re.compile(rf"(?<![\w'.])((?:[A-Za-z][\w-]* )?[A-Za-z][\w-]*) ({_VALUE})")
"""A name of one or two words before a value."""

_NO_NAMES = frozenset(("a", "at", "by", "copy", "for", "found", "from", "in", "is", "of", "than", "the", "to", "with"))
"""Words that don't name the value after them."""

_MEANS = r"(?:: [a-z][^;.]*)?"
"""The meaning of a code, which follows it in words: "6: not present, write, user"."""

_LONG = 3
"""The length from which a value is unmistakable; a shorter one may mean other things."""


class Answer(NamedTuple):
    """A blank: its number in the worksheet, its name, and its value."""

    number: int
    word: str
    value: str


class Worksheet(Snapshot):
    """A picture with numbered blanks; `key` is the complete picture, `answers` are the blanks in order."""

    def __init__(self, scene: Scene, answers: Sequence[Answer], key: Snapshot) -> None:
        super().__init__(scene, -1)
        self.answers, self.key = tuple(answers), key

    def exam(self, path: str | Path, *, key: bool = True, force: bool = False) -> Path:
        """Write an exam with a question for each blank, to a file that ends in .md, .html or .qti.

        With `key`, the answers follow on a page of their own; with `force`, an existing file is replaced.  Returns the
        path.

        Raises :class:`Refused` for another ending, and if the file exists or can't be written.
        """
        return EXAMINED_BY[-1](self, path, key, force)


def blanked(
    scene: Scene,
    words: Sequence[object],
    quantities: Sequence[Quantity] = (),
    without: Callable[[Blanks], Scene] | None = None,
) -> Worksheet:
    """Return a picture without what these words name: see :meth:`.Picture.blank`.

    `without` draws the picture with blanks for some of its `quantities`; other words are left out of its texts.
    """
    meant = {word: [one for one in quantities if word in one.words] for one in quantities for word in one.words}
    said = {} if meant else _values(scene)
    found = [word.lower() if isinstance(word, str) else "" for word in words]
    unknown = next((word for word, name in zip(words, found, strict=True) if name not in meant | said), None)
    if unknown is not None or not words:
        what = f"this picture has no {shown(unknown)}" if words else "say what is to be left out"
        raise Refused(f"blank: {what}; it has {', '.join(sorted(meant | said)) or 'nothing that has a name'}")
    answers: dict[tuple[str, str], Answer] = {}
    for word in dict.fromkeys(found):
        held = (
            [(one.name, one.written) for one in meant[word]] if word in meant else [(word, one) for one in said[word]]
        )
        for name, value in held:
            answers.setdefault((name, "" if word in meant else value), Answer(len(answers) + 1, word, value))
    asked = {name: one.number for (name, value), one in answers.items() if not value}
    drawn = replace(without(Blanks(quantities, asked)), notes=scene.notes) if asked and without is not None else scene
    key = f"Key: {'; '.join(f'{one.number} {one.word} {one.value}' for one in answers.values())}."
    told = [one for (_, value), one in answers.items() if value]
    return Worksheet(
        _without(drawn, tuple(answers.values()), told, [word for word in found if word not in meant]),
        tuple(answers.values()),
        Snapshot(replace(scene, notes=(*scene.notes, key)), -1),
    )


# ---- names and values ------------------------------------------------------------------------------


def _runs(scene: Scene) -> Iterator[str]:
    """Yield the texts in the drawing, from top to bottom."""
    for node in sorted(scene.nodes, key=lambda node: (node.y, node.x)):
        yield from (run.text for run in node.text)


def _values(scene: Scene) -> dict[str, list[str]]:
    """Return each name in the picture with its values, in reading order."""
    found: dict[str, dict[str, None]] = {}
    for name, value in (pair for text in _runs(scene) for pair in _named(text)):
        found.setdefault(name, {})[value] = None
    read = set(_runs(scene))
    for table in _tables(scene.table):
        for at, name in enumerate(table.header):
            cells = [row[at] for row in table.rows if at < len(row)]
            shown_too = dict.fromkeys(cell for cell in cells if re.search(r"\w", cell) and _is_read(cell, read))
            if name and shown_too:
                found.setdefault(name.lower(), {}).update(shown_too)
    return {name: list(values) for name, values in found.items()}


def _is_read(cell: str, read: set[str]) -> bool:
    """Return whether a text of the table is also in the drawing."""
    return _is_known(cell) and (cell in read or (_is_long(cell) and any(_token(cell).search(text) for text in read)))


def _named(text: str) -> Iterator[tuple[str, str]]:
    for name, value in _NAMED.findall(text):
        words = name.split()
        if words[-1].lower() not in _NO_NAMES:
            kept = words if words[0].lower() not in _NO_NAMES else words[1:]
            yield " ".join(kept).lower(), value
            if len(kept) > 1:
                yield kept[-1].lower(), value


def _tables(table: Table) -> Iterator[Table]:
    yield table
    for _, more in table.more:
        yield from _tables(more)


# ---- blanks ----------------------------------------------------------------------------------------


def _is_known(value: str) -> bool:
    """Return whether a text by itself is unmistakable: "6" may be a step's number, but "rw-" can only be rights."""
    return len(value) >= _LONG


def _is_long(value: str) -> bool:
    """Return whether a value is unmistakable within other words."""
    return len(value) >= _LONG and any(one.isdecimal() for one in value)


_HEXADECIMAL = re.compile(r"(?<![\w.])(?:0x[\da-f_]+|[\da-f]{8,16})(?!\w)")
"""A number in hexadecimal; a descriptor has no 0x where all of its bits are drawn."""

_DIGITS = re.compile(r"(?<!\w)[01]{3,}(?!\w)")
"""A number in binary, as a drawing writes an address's bits."""

_NUMBER = re.compile(r"0x[\da-f_]+|0|[1-9]\d*")
"""A number."""

_FIELDS = ((12, 52), (10, 54))
"""Bits of a descriptor that may be a frame's number: of x86 and ARM, and of RISC-V."""


_TELLING = 0x100
"""The least number of a page that is looked for in other numbers."""


def _page_in(value: str) -> int | None:
    """Return the number of the page that a value names by its number or by its address; None for another value."""
    if not _is_long(value) or not value.startswith("0x"):
        return None
    number = int(value.replace("_", ""), 16)
    page = number if number % PAGE else number // PAGE
    return page if page >= _TELLING else None  # a smaller number is also part of numbers that mean something else


def _pages_in(number: int) -> set[int]:
    """Return the numbers of pages and frames that an address or a descriptor may contain."""
    return {number, *(number % (1 << high) >> low for low, high in _FIELDS)}


def _token(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w)")


def _blank(answer: Answer) -> str:
    """Return a blank as wide as its value."""
    return str(answer.number).center(max(len(answer.value), 4), "_")


def _without(scene: Scene, every: Sequence[Answer], answers: Sequence[Answer], words: Sequence[str]) -> Scene:
    """Return the scene with blanks for `answers`, and without anything that gives away `every` answer.

    A number beside no name, which may be any of several quantities, has a blank without a number, and so has a number
    that contains a page's or a frame's.
    """
    held: dict[str, list[Answer]] = {}
    for one in answers:
        held.setdefault(one.value, []).append(one)
    numbers = {int(one.value.replace("_", ""), 0) for one in answers if _NUMBER.fullmatch(one.value)}
    pages = {page for one in answers if (page := _page_in(one.value)) is not None}

    def contains(found: re.Match[str]) -> str:
        number = int(found[0].replace("_", ""), 16)
        return EMPTY if pages & _pages_in(number) else found[0]

    def bits(found: re.Match[str]) -> str:
        return "_" * len(found[0]) if int(found[0], 2) in numbers else found[0]

    def told(text: str, *, alone: bool = False) -> str:
        """Return the text with blanks; with `alone`, the whole text may be a value."""
        for one in answers:
            if alone and text == one.value and _is_known(text):
                return _blank(one) if len(held[text]) == 1 else EMPTY
            means = _MEANS if one.word.endswith("code") else ""
            value = rf"(\b{re.escape(one.word)} ){re.escape(one.value)}(?![\w.]){means}"
            text = re.sub(f"(?i){value}", rf"\g<1>{_blank(one)}", text)
            if _is_long(one.value):
                text = _token(one.value).sub(_blank(one) if len(held[one.value]) == 1 else EMPTY, text)
        return _HEXADECIMAL.sub(contains, text) if pages else text

    def of(node: Node, name: str) -> Node:
        runs = tuple(replace(run, text=told(run.text, alone=True)) for run in node.text)
        if runs != node.text:  # the digits of a number's bits are beside it
            runs = tuple(replace(run, text=_DIGITS.sub(bits, run.text)) for run in runs)
        title = ", ".join(run.text for run in runs) if runs != node.text else told(node.title)
        return replace(node, id=name, thing="", text=runs, title=title, action="", value=-1)

    def rows(table: Table) -> Table:
        columns = [name.lower() in words for name in table.header]
        cells = []
        for row in table.rows:
            is_about = any(cell.lower() in words for cell in row)  # a row of a quantity, with its bits
            kept = (_DIGITS.sub(bits, cell) if is_about else cell for cell in row)
            cells.append(tuple(told(cell, alone=one) for cell, one in zip(kept, columns, strict=False)))
        return Table(table.header, tuple(cells), tuple((told(name), rows(more)) for name, more in table.more))

    names = {node.id: f"{scene.view}/{at}" for at, node in enumerate(scene.nodes)}
    asked = ", ".join(f"{one.number} {one.word}" for one in every)
    return replace(
        scene,
        title=told(scene.title),
        subtitle=told(scene.subtitle),
        caption=Caption(f"Fill in {counted(len(every), 'blank')}."),
        nodes=tuple(of(node, names[node.id]) for node in scene.nodes),
        links=tuple(
            replace(
                link, id=f"{scene.view}/link/{at}", source=names.get(link.source, ""), target=names.get(link.target, "")
            )
            for at, link in enumerate(scene.links)
        ),
        table=rows(scene.table),
        steps=STILL,
        notes=(*map(told, scene.notes), f"What is left out: {asked}."),
        about={},
        opened=(),
        answers=False,
    )
