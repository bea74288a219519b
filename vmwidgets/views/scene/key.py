"""The key to a map's colours in a saved picture.  On a page, the key "?" shows it (`js/src/offers.ts`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import kit
from .model import Scene

RANGES = {
    "anonymous": "memory without a file",
    "heap": "heap",
    "stack": "stack",
    "code": "code",
    "file": "file, read only",
    "data": "file, written",
    "unknown": "file, rights unknown",
    "kernel": "the kernel's own",
}
"""The kinds of a process's ranges, which determine their colours."""

ENTRIES = {**RANGES, "submap": "a submap"}
"""The kinds of a map's entries, which have the same colours as ranges of a process."""


def kind_of_range(path: str, protection: str) -> str:
    """Return the kind of a process's range, by the system's name for it and its rights.

    >>> [kind_of_range("/lib/x", one) for one in ("r-x", "rw-", "r--", "???")]
    ['code', 'data', 'file', 'unknown']
    """
    if path in ("[vdso]", "[vvar]", "[vsyscall]", "[vvar_vclock]", "[uprobes]"):
        return "kernel"
    if path == "[heap]":
        return "heap"
    if path.startswith("[stack"):
        return "stack"
    if not path or path.startswith("["):
        return "anonymous"
    if "?" in protection:
        return "unknown"
    return "code" if "x" in protection else "data" if "w" in protection else "file"


def kind_of_object(name: str | None, protection: str) -> str:
    """Return the kind of an object's memory, by its name, and by the rights with which an entry shows it.

    >>> [kind_of_object(one, "r-x") for one in (None, "memory 2", "file libc.so", "/lib/x", "kmem_object")]
    ['anonymous', 'anonymous', 'code', 'code', 'kernel']
    """
    if name in ("kernel_object", "kmem_object"):
        return "kernel"
    if name is None or not name.startswith(("file ", "/", "[")):
        return "anonymous"
    return kind_of_range("/" if name.startswith("file ") else name, protection)


def kind_of_owner(owner: str) -> str:
    """Return the kind of memory of an owner's frames.

    >>> [
    ...     kind_of_owner(one)
    ...     for one in ("object file libc.so", "file libc.so", "object memory 2", "memory 2", "zone 64")
    ... ]
    ['file', 'file', 'anonymous', 'anonymous', 'kernel']
    """
    if owner.startswith("page tables"):
        return "table"
    is_object = owner.startswith(("object ", "memory ", "file "))
    return kind_of_object(owner.removeprefix("object "), "r--") if is_object else "kernel"


def with_key(scene: Scene) -> Scene:
    """Return the scene with one more, dim line: the colours of entries that the scene itself does not explain."""
    said = {bar.style for node in scene.nodes if "/legend/" in node.id for bar in node.bars}
    seen = set(_looks(scene)) - said
    entries = [(look, words) for look, words in ENTRIES.items() if look in seen]
    if not entries:
        return scene
    nodes = kit.legend("key", entries, scene.height, width=scene.width)
    height = max(node.y + node.h for node in nodes) + 4
    return replace(scene, nodes=(*scene.nodes, *nodes), height=height)


def _looks(scene: Scene) -> Iterator[str]:
    """Yield the states of everything drawn in an entry's colour; new entries have another colour."""
    for node in scene.nodes:
        is_entry = node.thing.startswith("entry:") and (node.kind == "entry" or _has_own_colour(node.kind, node.state))
        maps = node.kind == "descriptor" and node.lane != "walk"  # a walk says in words what its page is
        if is_entry or maps:  # a descriptor that maps memory has its colour
            yield from node.state
        elif node.kind == "slot" and node.lane == "slots":  # an entry's slot has the colour as a line
            yield from (bar.style for bar in node.bars)
    for marks in scene.marks:
        if marks.of == "entry":
            for look in marks.looks:
                if _has_own_colour(marks.kind, look.state):
                    yield from look.state


def _has_own_colour(kind: str, state: tuple[str, ...]) -> bool:
    return kind == "range" and "new" not in state
