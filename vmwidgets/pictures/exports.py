"""The exports of every picture, live or not: files, text, a snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.files import place_of, written_whole
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.svg import to_svg, with_letters
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.twin import RULES, html_page, output_html, text_twin, twin_html
from vmwidgets.views.scene.wire import encode_scene

SEEN = 'A notebook draws it. Here, print(...) says it in words, and .save("{}.svg") draws it into a file.'
"""How to see a picture at a prompt, which draws nothing."""


class Exports:
    """The files and texts made from a scene."""

    def scene(self) -> Scene:
        """Return the scene that is shown."""
        raise NotImplementedError

    def _page_svg(self) -> str:
        """Return the picture as an SVG with its style sheet, which follows its reader's dark mode, for our letters."""
        return to_svg(self.scene(), letters=True)

    @says_what_it_takes
    def to_svg(self, *, theme: str | None = None) -> str:
        """Return the picture as a standalone SVG document, enlarged by its `scale`.

        With a `theme`, "light" or "dark", its style is in plain attributes, which every program draws alike.  Without
        one, it has a style sheet, which browsers understand, and follows the reader's dark mode.  Both have letters,
        some 36 kB.

        Raises :class:`Refused` for another theme.
        """
        from vmwidgets.views.scene.plain import plain_svg

        drawn = self._page_svg()
        return with_letters(drawn if theme is None else plain_svg(drawn, theme=theme))

    @says_what_it_takes
    def to_dot(self, *, theme: str = "light") -> str:
        """Return the picture's structure in Graphviz's language: nodes, ports, edges and clusters, for `dot`.

        `theme` is "light" or "dark".
        """
        from vmwidgets.views.scene.dot import to_dot

        return to_dot(self.scene(), theme)

    @says_what_it_takes
    def graphviz(self, *, theme: str = "light") -> Any:
        """Return the picture's structure as a `graphviz.Source`: ``source.render("map", format="pdf")`` draws it.

        Its text is created here; to draw it, the package `graphviz` runs Graphviz's program `dot`.
        """
        from vmwidgets.views.scene.dot import source

        return source(self.scene(), theme)

    @says_what_it_takes
    def to_json(self) -> dict[str, Any]:
        """Return the scene as plain data, documented in :mod:`vmwidgets.views.scene.wire`."""
        return encode_scene(self.scene())

    @says_what_it_takes
    def to_html(self) -> str:
        """Return one HTML file that needs no other: the picture, its words and its table."""
        return html_page(self.scene(), self.to_svg())

    @says_what_it_takes
    def to_text(self) -> str:
        """Return the picture in words: heading, caption and table."""
        return text_twin(self.scene())

    @says_what_it_takes
    def to_png(self, *, theme: str = "light", scale: float = 2.0) -> bytes:
        """Return the picture as a PNG, with `scale` pixels for each pixel of the drawing; `theme` is "light" or "dark".

        Raises :class:`Refused` if the extra ``png`` is not installed.
        """
        from vmwidgets.views.scene.plain import to_png

        return to_png(self._page_svg(), theme=theme, scale=scale)

    def _to_pdf(self, theme: str) -> bytes:
        from vmwidgets.views.scene.plain import to_pdf

        return to_pdf(self._page_svg(), theme=theme)

    @in_ascii
    def __str__(self) -> str:
        """Return the picture in words, in ASCII: ``print(picture)`` shows it where there is no page."""
        try:
            return self.to_text()
        except Refused as refused:  # the moment was undone, or the machine is gone
            return f"{self!r}: {refused}"

    def _at_prompt(self, name: str) -> str:
        """Return what a prompt shows of the picture called `name`: its title, its answer, and where to see it."""
        try:
            scene = self.scene()
        except Exception:  # noqa: BLE001  a repr says something even of a picture that can't be drawn
            return f"<{name}>"
        answer = visible(" ".join(part for part in (scene.caption.text, scene.caption.reason) if part))
        title = visible(scene.title).removeprefix(f"{scene.machine}: ")
        lines = f"{name}: {title}", answer, SEEN.format(type(self).__name__.lower())
        return "\n  ".join(line for line in lines if line)

    def _each_step(self) -> Sequence[Exports]:
        """Return the picture at each step of the shown operation; here there is only one step."""
        return [self]

    @says_what_it_takes
    def save(self, path: str | os.PathLike[str], *, theme: str = "light") -> Path:
        """Write the picture to a file, in the format of its ending: .svg, .pdf, .png, .html, .json, .dot or .txt.

        `theme`, "light" or "dark", is of an .svg, .pdf, .png or .dot file; the others have no theme, or their reader's.
        A .pdf is one page, as large as the picture, of vectors and embedded fonts (the extra ``figures``); a .png has
        two pixels for each pixel of the drawing (the extra ``png``).

        An .html file steps through the current operation, and opens at the moment that is shown.  A ``*`` in the name
        stands for the number of a step, so that each step gets a file: ``"rotation-*.svg"`` writes rotation-01.svg to
        rotation-17.svg.  Files of an earlier, longer series remain.

        A file is never half written: if writing fails, an existing file stays as it was.  Returns the path; for several
        files, the path of the last step.

        Raises :class:`Refused` for another ending or theme, if an extra is missing, and if the file can't be written.
        """
        file = place_of(path, "map.svg")
        make = maker_of(file, theme=theme)
        numbered = files_of(self, file)
        with ExitStack() as written:  # all of them are put in place, or none
            for one, picture in numbered.items():
                written.enter_context(written_whole(one)).write(_bytes(make(picture)))
        return next(reversed(numbered))


def _bytes(made: str | bytes) -> bytes:
    return made if isinstance(made, bytes) else made.encode("utf-8", "replace")


STEP = "*"
"""The character for the number of a step in a file name."""


def files_of(picture: Exports, file: Path) -> dict[Path, Exports]:
    """Return the files that `save` writes under this name, each with its picture: one for each step, or one."""
    if STEP not in file.name:
        return {file: picture}
    pictures = picture._each_step()
    digits = len(str(len(pictures)))
    return {file.with_name(file.name.replace(STEP, f"{at:0{digits}}")): one for at, one in enumerate(pictures, 1)}


_FORMATS: dict[str, Callable[[Exports, str], str | bytes]] = {
    ".svg": lambda picture, theme: picture.to_svg(theme=theme),
    ".pdf": lambda picture, theme: picture._to_pdf(theme),
    ".html": lambda picture, _theme: picture.to_html(),
    ".json": lambda picture, _theme: json.dumps(picture.to_json(), ensure_ascii=False, indent=1) + "\n",
    ".dot": lambda picture, theme: picture.to_dot(theme=theme),
    ".txt": lambda picture, _theme: picture.to_text() + "\n",
    ".png": lambda picture, theme: picture.to_png(theme=theme),
}
"""The functions that write files, by the ending of their names."""


def maker_of(file: Path, option: str = "save", theme: str = "light") -> Callable[[Exports], str | bytes]:
    """Return the function that makes files with this ending.  The error for another ending names the `option`.

    Raises :class:`Refused` for another ending or theme, and if an extra is missing.
    """
    from vmwidgets.views.scene.plain import check_extra, check_theme

    check_theme(theme)
    make = _FORMATS.get(file.suffix.lower())
    if make is None:
        endings = ", ".join(_FORMATS)
        raise Refused(f"{option}: {shown(str(file))} ends in {shown(file.suffix)}; it must end in {endings}")
    check_extra(file.suffix.lower())
    return lambda picture: make(picture, theme)


# ---- pictures that stay as they are --------------------------------------------------------------


def signature(scene: Scene, cell: str, operation: int) -> str:
    """Return the words that name a picture's machine, its cell and, unless it is negative, the latest `operation`."""
    words = [scene.machine, cell, f"after operation {operation}" if operation >= 0 else ""]
    return visible(" · ".join(word for word in words if word))


def signed(scene: Scene, cell: str, operation: int) -> Scene:
    """Return the scene with its signature among the notes."""
    return replace(scene, notes=(*scene.notes, signature(scene, cell, operation)))


class Snapshot(Exports):
    """One moment of a view, to compare before with after; a cell shows it as a static picture.

    The last note of `scene` gives its origin: see :func:`signed`.
    """

    def __init__(
        self, scene: Scene, operation: int, scale: float = 1, slim: Scene | None = None, selected: str = ""
    ) -> None:
        """Keep the scene, its layout for a telephone (`slim`), and the `selected` thing."""
        self._scene, self._operation, self._scale = scene, operation, scale
        self._slim, self._selected = slim, selected

    @property
    def values(self) -> tuple[Any, ...]:
        """Return the arguments that make an equal snapshot."""
        return self._scene, self._operation, self._scale, self._slim, self._selected

    def scene(self) -> Scene:
        """Return the scene of that moment."""
        return self._scene

    def _page_svg(self) -> str:
        return to_svg(self._scene, scale=self._scale, selected=self._selected, letters=True)

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        scene = self._scene
        slim = "" if self._slim is None else to_svg(self._slim, bare=True, selected=self._selected)
        image = output_html(scene, to_svg(scene, bare=True, selected=self._selected), slim=slim)
        picture = twin_html("", image, scene.notes[-1] if scene.notes else "")
        return {"text/html": picture + RULES, "text/plain": self.to_text()}

    @in_ascii
    def __repr__(self) -> str:
        when = f" after operation {self._operation}" if self._operation >= 0 else ""
        return self._at_prompt(f"snapshot{when}")
