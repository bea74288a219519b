"""The film of a picture: one drawing of an operation, and the differences at the other steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from json import dumps
from typing import Any

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.views.scene.model import AFTER, Scene, Steps
from vmwidgets.views.scene.wire import encode_scene

MOST = 40
"""The most steps of a film.  A longer film has only the steps where another function begins; if those are too many, it
has no steps.
"""

LISTS = ("nodes", "links", "marks")
"""The lists of a scene; a difference says which items of a list are kept."""


@frozen
class Film:
    """The drawings of a picture at the `places` of an operation, as data.

    A page already has the drawing at place number `base`.  `frames` contains, for every other place, the difference
    from the neighbour on the side of `base`.  `digests` identify the drawing at each place.
    """

    places: tuple[int, ...]
    base: int
    frames: tuple[Mapping[str, Any], ...]
    digests: Mapping[int, bytes]

    def encode(self) -> dict[str, Any]:
        """Return the film as the page reads it (`js/src/film.ts`)."""
        return {"places": list(self.places), "base": self.base, "frames": list(self.frames)}


def frame_of(scene: Scene) -> dict[str, Any]:
    """Return a scene without its steps, which are the same in the whole film."""
    data = encode_scene(scene, with_table=False)
    del data["steps"]
    return data


def digest(scene: Scene) -> bytes:
    """Return a few bytes that are equal only for equal drawings."""
    return _digest(frame_of(scene))


def _digest(data: Mapping[str, Any]) -> bytes:
    return blake2b(dumps(data, ensure_ascii=True, separators=(",", ":")).encode(), digest_size=16).digest()


def places_of(steps: Steps, most: int = MOST) -> tuple[int, ...]:
    """Return the places of a film: all steps or, if there are too many, those where another kernel function begins.

    >>> places_of(Steps(3, 3, 1, (0, 4, 9, AFTER), (0, 2, 3)))
    (0, 4, 9, -1)
    >>> places_of(Steps(3, 3, 1, (0, 4, 9, AFTER), (0, 2, 3)), most=3)
    (0, 9, -1)
    """
    if len(steps.places) <= most:
        return steps.places
    begun = tuple(steps.places[index] for index in steps.functions if index < len(steps.places))
    return begun if len(begun) <= most else ()


def places_around(base: Scene) -> tuple[int, ...]:
    """Return the places of a film around a drawing; none if the drawing would be the only one."""
    found = {*places_of(base.steps), _here(base)}
    return tuple(sorted(found, key=lambda place: (place == AFTER, place))) if len(found) > 1 else ()


def _here(base: Scene) -> int:
    steps = base.steps
    return steps.places[steps.index] if steps.index < len(steps.places) else AFTER


def film_of(draw: Callable[[int | None], Scene], base: Scene) -> Film | None:
    """Return the film of an operation around the drawing `base`; None if it would be the only drawing.

    `draw` takes the number of the operation's events that are done, or None for all of them.
    """
    here = _here(base)
    others = (place for place in places_around(base) if place != here)
    return spliced(base, {place: frame_of(draw(None if place == AFTER else place)) for place in others})


def spliced(base: Scene, others: Mapping[int, dict[str, Any]]) -> Film | None:
    """Return the film from the drawing `base` and the drawings at all other places."""
    places, here = places_around(base), _here(base)
    if not places:
        return None
    drawn = [frame_of(base) if place == here else others[place] for place in places]
    at = places.index(here)
    before = [difference(later, earlier) for earlier, later in pairwise(drawn[: at + 1])]
    after = [difference(earlier, later) for earlier, later in pairwise(drawn[at:])]
    digests = {place: _digest(frame) for place, frame in zip(places, drawn, strict=True)}
    return Film(places, at, (*before, {}, *after), digests)


# ---- differences ---------------------------------------------------------------------------------


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference between two drawings: fields by name, None for a removed field.

    For a field with fields of its own, only the fields that differ are given.  The same holds for an item of a list if
    the list had an item with the same `id`.

    >>> before = {"title": "a", "nodes": [{"id": "x", "y": 1, "w": 9}, {"id": "z"}]}
    >>> difference(before, {"title": "a", "nodes": [{"id": "new"}, {"id": "x", "y": 2}, {"id": "z"}]})
    {'nodes': [{'id': 'new'}, {'id': 'x', 'w': None, 'y': 2}, [1, 1]]}
    """
    found: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if value == old:
            continue
        if name in LISTS and old is not None:
            found[name] = _kept_and_new(old, value)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            found[name] = difference(old, value)
        else:
            found[name] = value
    return found


def _kept_and_new(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """Return the list `after` as runs of `before`, each [first, length], and items that `before` lacks."""
    places = {dumps(one): place for place, one in enumerate(before)}
    known = _by_id(before)
    found: list[Any] = []
    for one in after:
        place = places.get(dumps(one))
        if place is None:
            old = known.get(one.get("id"))
            found.append(one if old is None else {"id": one["id"], **difference(old, one)})
        elif found and isinstance(found[-1], list) and sum(found[-1]) == place:
            found[-1][1] += 1
        else:
            found.append([place, 1])
    return found


def _by_id(items: Sequence[Any]) -> dict[str, Any]:
    return {one["id"]: one for one in items if "id" in one}


def applied(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the drawing that results from a difference.

    >>> applied({"nodes": [{"id": "x", "y": 1}, {"id": "z"}]}, {"nodes": [{"id": "x", "y": 2}, [1, 1]]})
    {'nodes': [{'id': 'x', 'y': 2}, {'id': 'z'}]}
    """
    found = dict(before)
    for name, value in change.items():
        old = before.get(name)
        if value is None:
            del found[name]
        elif name in LISTS and old is not None:
            found[name] = _merged(old, value)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            found[name] = applied(old, value)
        else:
            found[name] = value
    return found


def _merged(before: Sequence[Any], parts: Sequence[Any]) -> list[Any]:
    known = _by_id(before)
    found: list[Any] = []
    for part in parts:
        if isinstance(part, list):
            found += before[part[0] : sum(part)]
        else:
            found.append(applied(known.get(part.get("id"), {}), part))
    return found
