"""Looking an address up in a picture: the same comparisons as the kernel's, but nothing in the machine moves."""

from __future__ import annotations

from dataclasses import replace

from ..engine.base.units import Address, binary_size
from ..engine.base.values.maps import EntryValue, MapValue
from .addresses import AddressStyle
from .map_picture import MapPicture
from .scene import Caption, Steps


def seek(picture: MapPicture, address: int) -> MapPicture:
    """`picture` as the answer to "what is at `address`?": its path in the tree, and a sentence."""
    value = picture.value
    path, found = _path(value, address)
    states: dict[int, tuple[str, ...]] = {node: ("path",) for node, _ in path}
    if found is not None:
        states[found.id] = ("path", "here")
    return replace(
        picture,
        caption=_caption(value, picture.style, address, found, len(path)),
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


def _caption(value: MapValue, style: AddressStyle, address: int, found: EntryValue | None, compared: int) -> Caption:
    reason = f"{compared} comparison{'' if compared == 1 else 's'} down the tree; nothing in the machine moved."
    if found is not None:
        what = f"{style.long(found.start)}–{style.long(found.end)}"
        return Caption(f"{style.long(address)} is in the entry {what}.", (), reason)
    below = max((entry.end for entry in value.entries if entry.end <= address), default=value.start)
    above = min((entry.start for entry in value.entries if entry.start > address), default=value.end)
    gap = f"a gap of {binary_size(above - below)}, {style.long(below)}–{style.long(above)}"
    return Caption(f"No entry holds {Address(address)}: it lies in {gap}.", (), reason)
