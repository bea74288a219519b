"""The parts of a saved notebook that can still be stepped: a film with each drawing, and one player in each file.

Without scripts (in a notebook that is not trusted, on GitHub, in an email), these parts are invisible.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import cache
from html import escape
from math import inf

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.pictures.film import film_of
from vmwidgets.pictures.moments import When
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.static import packed_static, read_static

from .controls import at_moment
from .packing import pack, pack_film
from .view import View

MOST_PICTURE_BYTES = 96 * 1024
"""The largest packed film that is saved, in bytes."""

MANY = "it can't be stepped on a saved page: its steps need too much room"
"""The text of a picture whose film is not saved."""


@frozen
class SavedFilm:
    """A picture's packed frame and film."""

    frame: bytes
    film: bytes
    machine: str
    selected: str

    def html(self) -> str:
        """Return HTML for a twin: the film's data, and the script that tells the player of a new film on the page."""
        data = (f'data-{name}="{escape(text)}"' for name, text in self._data().items())
        return f"<div hidden {' '.join(data)}></div>{CALL}"

    def _data(self) -> dict[str, str]:
        return {
            "vmwidgets-film": bundle(),
            "frame": b64encode(self.frame).decode(),
            "steps": b64encode(self.film).decode(),
            "machine": self.machine,
            "selected": self.selected,
        }


CALL = '<script>document.dispatchEvent(new Event("vmwidgets-film"))</script>'
"""The script that tells the player of a new film: see `js/src/saved.ts`."""


def saved_film(view: View, scene: Scene, when: When | None) -> SavedFilm | str:
    """Return the film around `scene`, which a view showed at a moment, or why it has none, in words; "" says nothing.

    A picture that can't be drawn at each step gets no film.
    """
    machine = view.machine
    if machine is None or when is None or view.asks or not scene.steps.count:
        return ""
    try:
        at = replace(view.at(When(when.operation)), width=scene.width, height=inf)
        with view.as_drawn():
            film = film_of(lambda done: view.drawing(replace(at, done=done)), scene)
    except Exception:  # noqa: BLE001  the moment was undone, or a drawing fails: the others of the cell get their films
        return ""
    if film is None:
        return MANY
    alone = {"operations": [], "now": when.done is None, "kept": False, "finds": False, "scale": view.scale}
    frame = pack(scene, {**at_moment(machine, at.number, when.done, -1, asks=False), **alone}, level=9)
    packed = pack_film(film, at.number, frame)
    if len(frame) + len(packed) > MOST_PICTURE_BYTES:
        return MANY
    return SavedFilm(frame, packed, scene.machine, view.selection)


def why_still(view: View, scene: Scene) -> str:
    """Return why a picture has no steps, if the last operation has none in it."""
    number = scene.steps.operation
    if view.machine is None or view.asks or scene.steps.count or number < 0:
        return ""
    return f"it can't be stepped: operation {number} changed nothing in it"


@cache
def player() -> str:
    """Return the player, as a script that unpacks and starts itself."""
    code = b64encode(packed_static("saved.js")).decode()
    return (
        f'<script>new Response(new Blob([Uint8Array.from(atob("{code}"),c=>c.charCodeAt(0))]).stream().pipeThrough('
        'new DecompressionStream("deflate"))).text().then(t=>{const s=document.createElement("script");'
        "s.textContent=t;document.head.append(s)})</script>"
    )


def bundle() -> str:
    """Return the hash of the built front end: films are played by the player of their own version."""
    return read_static("bundle.txt").strip()
