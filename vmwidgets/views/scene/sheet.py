"""A picture as one function: :func:`picture` makes a function a kind of picture, and a :class:`Sheet` is what it says.

The function takes a moment (`At`, of `vmwidgets.pictures`) and returns a sheet.  Widths, the machine's name, captions
and margins are the same for all pictures, and no function names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.engine.base.frozen import frozen

from . import boxes
from .boxes import Drawn, Part
from .model import STILL, Caption, Lane, Rows, Scene, Steps, Table
from .relations import Relations

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At
    from vmwidgets.views.story.moment import Moment


@frozen
class Sheet:
    """What a picture says: the name of what it shows, the answer to its question, what is drawn, and a table of it.

    `answer` is the picture's first sentence, and `more` its last; between them is what the operation did, or that
    nothing here changed.  With `tells`, that is the operation's own headline, for a picture that draws what the
    headline names.  `changed` says that the picture changed without a step.  A `caption` replaces all of them.

    `rows` are computed when the table is read.  `key` has the meanings of looks; those of them that are drawn are
    explained below the picture.  A whole `table` replaces header and rows.
    """

    title: str
    subtitle: str
    part: Part
    answer: str = ""
    more: str = ""
    header: Sequence[str] = ()
    rows: Callable[[], Iterable[Sequence[str]]] = tuple
    key: Mapping[str, str] = field(default_factory=dict)
    steps: Steps = STILL
    tells: bool = True
    changed: bool = False
    caption: Caption | None = None
    answers: bool = False
    lanes: Sequence[Lane] = ()
    about: Callable[[set[str]], Relations] | None = None
    table: Table | None = None

    def scene(self, view: str, width: float, moment: Moment | None = None, machine: str = "") -> Scene:
        """Return the scene of the view called `view` at a moment; None for a picture without a machine."""
        caption = self.caption
        if caption is None and moment is not None:
            caption = moment.caption_of(self.steps, self.answer, self.more, tells=self.tells, changed=self.changed)
        table = Table(tuple(self.header), Rows(lambda: tuple(tuple(row) for row in self.rows())))
        return boxes.picture(
            view,
            self.title,
            self.subtitle,
            boxes.below(self.part, explained(view, self.key), gap=10),
            caption=Caption(self.answer, reason=self.more) if caption is None else caption,
            table=self.table or table,
            steps=self.steps,
            machine=machine,
            width=width,
            lanes=self.lanes,
            about=self.about,
            answers=self.answers,
        )


def explained(prefix: str, meanings: Mapping[str, str]) -> Part:
    """Return the meanings of those looks that are already drawn."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        seen = {look for node in drawn.nodes for bar in node.bars for look in bar.style.split()}
        seen |= {look for node in drawn.nodes for look in (*node.state, node.shape)}
        return boxes.key(prefix, [(look, said) for look, said in meanings.items() if look in seen])(drawn, x, y, w)

    return put


class Kind(NamedTuple):
    """A kind of picture that is one function: see :func:`picture`."""

    name: str
    draw: Callable[[At], Sheet]
    first_for: Sequence[str]
    shows: Sequence[str]
    part: str
    what: str
    find: Callable[[At, str], str] | None


KINDS: dict[str, Kind] = {}
"""The pictures of imported modules that are one function each, by name."""


def picture(
    name: str,
    *,
    first_for: Sequence[str] = (),
    shows: Sequence[str] = (),
    part: str = "",
    what: str = "",
    find: Callable[[At, str], str] | None = None,
) -> Callable[[Callable[[At], Sheet]], Callable[[At], Sheet]]:
    """Make a function a kind of picture: `vmwidgets` has it under `name`.

    `first_for` are the classes of what it shows, with their modules: a cell that ends with such a thing shows this
    picture.  `shows` are classes that it draws only when it is called by name.  With the name of a machine's `part`,
    such as "caches", it shows that part of a given machine too.  `what` says in words what it shows, for the error for
    another thing.  `find` returns the selection for an address that the
    reader looks for, as text; it raises :class:`Refused` for another text.
    """

    def register(draw: Callable[[At], Sheet]) -> Callable[[At], Sheet]:
        KINDS[name] = Kind(name, draw, first_for, shows, part, what, find)
        return draw

    return register
