"""A picture with words left out, to be filled in on paper: a worksheet, its key, and an exam made from both.

Anything that the picture itself names can be left out: a column of its table, or a name before a value, such as "frame
0x1ec".  A left-out value is missing everywhere in the picture, its table and its titles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene.model import STILL, Caption, Node, Scene, Table

from .exports import Exports, Snapshot
from .keeping import EXAMINED_BY

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


def blanked(picture: Exports, words: Sequence[object]) -> Worksheet:
    """Return the picture without the values of these words: see :meth:`.Picture.blank`."""
    scene = picture.scene().whole()
    known = _values(scene)
    found = [word.lower() if isinstance(word, str) else "" for word in words]
    unknown = next((word for word, name in zip(words, found, strict=True) if name not in known), None)
    if unknown is not None or not words:
        what = f"this picture has no {shown(unknown)}" if words else "say what is to be left out"
        raise Refused(f"blank: {what}; it has {', '.join(sorted(known)) or 'nothing that has a name'}")
    answers: list[Answer] = []
    for word in dict.fromkeys(found):
        for value in known[word]:
            if all(value != one.value for one in answers):
                answers.append(Answer(len(answers) + 1, word, value))
    said = "; ".join(f"{one.number} {one.word} {one.value}" for one in answers)
    key = Snapshot(replace(scene, notes=(*scene.notes, f"Key: {said}.")), -1)
    return Worksheet(_without(scene, answers, found), answers, key)


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


def _token(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w)")


def _blank(answer: Answer) -> str:
    """Return a blank as wide as its value."""
    return str(answer.number).center(max(len(answer.value), 4), "_")


def _without(scene: Scene, answers: Sequence[Answer], words: Sequence[str]) -> Scene:
    """Return the scene with blanks, and without anything that gives away the answers."""

    def told(text: str, *, alone: bool = False) -> str:
        """Return the text with blanks; with `alone`, the whole text may be a value."""
        for one in answers:
            if alone and text == one.value and _is_known(text):
                return _blank(one)
            means = _MEANS if one.word.endswith("code") else ""
            value = rf"(\b{re.escape(one.word)} ){re.escape(one.value)}(?![\w.]){means}"
            text = re.sub(f"(?i){value}", rf"\g<1>{_blank(one)}", text)
            if _is_long(one.value):
                text = _token(one.value).sub(_blank(one), text)
        return text

    def of(node: Node, name: str) -> Node:
        runs = tuple(replace(run, text=told(run.text, alone=True)) for run in node.text)
        title = ", ".join(run.text for run in runs) if runs != node.text else told(node.title)
        return replace(node, id=name, thing="", text=runs, title=title, action="")

    def rows(table: Table) -> Table:
        columns = [name.lower() in words for name in table.header]
        cells = tuple(
            tuple(told(cell, alone=one) for cell, one in zip(row, columns, strict=False)) for row in table.rows
        )
        return Table(table.header, cells, tuple((told(name), rows(more)) for name, more in table.more))

    names = {node.id: f"{scene.view}/{at}" for at, node in enumerate(scene.nodes)}
    asked = ", ".join(f"{one.number} {one.word}" for one in answers)
    return replace(
        scene,
        title=told(scene.title),
        subtitle=told(scene.subtitle),
        caption=Caption(f"Fill in {counted(len(answers), 'blank')}."),
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
        answers=False,
    )
