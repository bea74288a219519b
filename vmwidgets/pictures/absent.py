"""The picture of something that does not exist at a moment: a sentence says so, above the picture and in it."""

from __future__ import annotations

from dataclasses import replace

from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.kit import MARGIN, paragraph
from vmwidgets.views.scene.model import STILL, Caption, Scene, Table
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.words.pictures import say_nothing

from .moments import NotThere, Undone


def blank(view: str, title: str, width: float) -> Scene:
    """Return an empty scene, for a picture that was never drawn."""
    return Scene(view, title, "", width, 1, Caption(""), (), (), Table((), ()), STILL)


def absent_scene(number: int, missing: Refused, drawn: Scene) -> Scene:
    """Return a scene that says what is `missing` after operation `number`, and where to look for it.

    `drawn` is a scene of the same picture from another moment, or a blank one: its title, size and columns stay.
    """
    made = missing.made if isinstance(missing, NotThere) else -1
    where = "then" if made < 0 else "later" if made > number else "earlier"
    why = visible(str(missing))
    here = {"number": f"{number:,}"} if made < 0 else {"number": f"{number:,}", "made": f"{made:,}"}
    caption = Caption(
        say_nothing("missing", why=why[:1].upper() + why[1:]), (), say_nothing(where, **here) if number >= 0 else ""
    )
    said = paragraph("absent", caption.text, MARGIN, MARGIN, drawn.width - 2 * MARGIN, style="strong")
    scene = replace(drawn.emptied(caption), steps=replace(STILL, operation=number))
    return replace(scene, nodes=(said,), height=max(drawn.height, said.h + 2 * MARGIN))


def scene_instead(refused: Refused, number: int, drawn: Scene | None, empty: Scene) -> Scene:
    """Return the scene for a moment that can't be drawn, in a machine whose latest operation is `number`.

    If the moment was undone, the latest scene stays; `empty` is for a picture that has no scene yet.
    """
    if not isinstance(refused, Undone):
        return absent_scene(number, refused, drawn or empty)
    scene = drawn or empty.emptied(Caption(say_nothing("undone")))
    return replace(scene, steps=replace(STILL, operation=number))
