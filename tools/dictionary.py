"""What pictures have in common: `python -m tools.dictionary` writes it to the file that packing.py packs pictures with.

It is made of pieces of the gallery's pictures and of their films.  In each round, each kind of picture names the piece
of its own with the most runs of letters that other kinds have too, and that no piece before it has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.views.gallery import every
from vmwidgets.pictures.film import film_of
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.controls import at_moment
from vmwidgets.widgets.host.packing import pack, pack_film, unpack_text

FILE = Path(__file__).parents[1] / "vmwidgets" / "widgets" / "host" / "dictionary.txt"

SIZE = 4096
"""Characters of the dictionary.  6,000 would save 2 percent of a picture, and add 600 bytes to the page's code."""

PIECE = 160
"""Characters of a piece.  Pieces of 100 or of 240 save less."""

RUN = 6
"""Letters of a run; with 8 or 10, less is saved."""

PICTURES, TEXT = 2, 9000
"""The number of pictures that are read of each kind, and the number of characters that are read of each text."""

BEGINNING = re.compile(r'\{|,"|\["')
"""Where a piece may begin."""


def texts() -> dict[str, list[str]]:
    """Return what is packed of the gallery's pictures, by kind."""
    found: dict[str, list[str]] = {}
    for _, picture in every():
        known = found.setdefault(picture.scene().view, [])
        if len(known) < PICTURES:
            known.append("".join(text[:TEXT] for text in _texts(picture)))
    return found


def _texts(picture: Picture) -> Iterator[str]:
    scene, machine = picture.scene(), picture.machine
    alone = {"operations": [], "now": True, "kept": False, "finds": False}
    frame = pack(scene, {**at_moment(machine, scene.steps.operation, None, -1, asks=False), **alone})
    yield unpack_text(frame)
    if machine is not None and scene.steps.count:
        film = film_of(partial(drawn, picture, machine.journal.serial(scene.steps.operation)), scene)
        if film is not None:
            yield unpack_text(pack_film(film, scene.steps.operation, frame), frame)


def drawn(picture: Picture, serial: int, done: int | None) -> Scene:
    """The drawing of a picture after so many events of an operation; None is after all."""
    return picture.drawing(picture.at(When(serial, done)))


def pieces(known: Mapping[str, Sequence[str]], size: int = SIZE) -> list[str]:
    """Return pieces of the texts, the best last: what is nearest costs zlib least."""
    shared = Counter(run for several in known.values() for run in set().union(*map(_runs, several)))
    cut = {
        kind: {
            one[begin.start() : begin.start() + PIECE].strip() for one in several for begin in BEGINNING.finditer(one)
        }
        for kind, several in known.items()
    }
    runs = {piece: _runs(piece) for several in cut.values() for piece in several}
    found: list[str] = []
    while sum(map(len, found)) < size:
        named: list[tuple[int, str]] = []
        for several in cut.values():
            worth, piece = max((sum(shared[run] for run in runs[piece]), piece) for piece in several)
            named.append((worth, piece))
            shared.subtract({run: shared[run] for run in runs[piece]})
        found = [piece for _, piece in sorted(named)] + found
    while sum(map(len, found)) > size:
        del found[0]
    return found


def _runs(text: str) -> frozenset[str]:
    return frozenset(text[place : place + RUN] for place in range(len(text) - RUN + 1))


def main() -> None:
    """Write the dictionary, a piece a line."""
    FILE.write_text("\n".join(pieces(texts())) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
