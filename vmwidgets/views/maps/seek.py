"""Looking an address up in a picture: the same comparisons as the kernel's, but nothing in the machine moves."""

from __future__ import annotations

from dataclasses import replace

from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.base.values.maps import EntryValue, MapValue
from vmwidgets.views.scene.model import Caption, Steps
from vmwidgets.views.story.words.map_pictures import sought as say
from vmwidgets.views.story.words.names import address as name
from vmwidgets.views.story.words.names import span

from .picture import MapPicture


def seek(picture: MapPicture, address: int) -> MapPicture:
    """`picture` as the answer to "what is at `address`?": its path in the tree, and a sentence."""
    value = picture.value
    path, found = _path(value, address)
    states: dict[int, tuple[str, ...]] = {node: ("path",) for node, _ in path}
    if found is not None:
        states[found.id] = ("path", "here")
    return replace(
        picture,
        caption=_caption(value, address, found, len(path)),
        steps=Steps(0, 0, -1),
        states=states,
        path=tuple(path),
        hint=None,
    )


def _path(value: MapValue, address: int) -> tuple[list[tuple[int, str]], EntryValue | None]:
    """Each node compared with where it sent the search, and the entry that holds the address."""
    entries = {entry.id: entry for entry in value.entries}
    path: list[tuple[int, str]] = []
    node = value.nodes.get(value.root)
    while node is not None and node.id in entries:
        entry = entries[node.id]
        if entry.start <= address < entry.end:
            path.append((node.id, "here"))
            return path, entry
        side = "left" if address < entry.start else "right"
        path.append((node.id, side))
        node = value.nodes.get(node.left if side == "left" else node.right)
    return path, None


def _caption(value: MapValue, address: int, found: EntryValue | None, compared: int) -> Caption:
    reason = say("compared", compared)
    if found is not None:
        return Caption(say("held", address=name(address), range=span(found.start, found.end)), (), reason)
    below = max((entry.end for entry in value.entries if entry.end <= address), default=value.start)
    above = min((entry.start for entry in value.entries if entry.start > address), default=value.end)
    size = binary_size(above - below)
    return Caption(say("free", address=name(address), size=size, range=span(below, above)), (), reason)
