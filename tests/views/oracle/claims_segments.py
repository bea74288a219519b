"""What the picture of segments claims: pieces of a program in physical memory, and what is free beside them."""

from __future__ import annotations

from .claiming import Said, claim
from .pictured import Pictured
from .reading import bytes_of, number


def bytes_in(seen: Pictured, free: bool) -> dict[int, list[str]]:
    """The program's pieces that each KiB of memory holds, of those that a program may have, or may not."""
    value = seen.subject
    found: dict[int, list[str]] = {}
    for name, _, base, size, _ in value.segments:
        for at in range(base, base + size, 1024):
            is_free = not value.free or any(start <= at < start + length for start, length in value.free)
            if is_free == free:
                found.setdefault(at, []).append(name)
    return found


@claim("segments: segments/none")
def no_segment(seen: Pictured, said: Said) -> None:
    assert all(size == 0 for _, _, _, size, _ in seen.subject.segments)


@claim("segments: segments/placed")
def placed(seen: Pictured, said: Said) -> None:
    places = sorted((base, base + size) for _, _, base, size, _ in seen.subject.segments if size)
    ends, pieces = 0, 0
    for start, end in places:
        pieces += not pieces or start > ends
        ends = max(ends, end)
    assert pieces == number(said["count"])


@claim("segments: segments/free")
def free_pieces(seen: Pictured, said: Said) -> None:
    value = seen.subject
    used = {*bytes_in(seen, True), *bytes_in(seen, False)}
    left = sorted({at for start, size in value.free for at in range(start, start + size, 1024)} - used)
    pieces: list[int] = []
    for at, before in zip(left, [None, *left], strict=False):
        if before is None or at != before + 1024:
            pieces.append(0)
        pieces[-1] += 1024
    assert len(pieces) == number(said["count"])
    assert sum(pieces) == bytes_of(said["size"])
    if "largest" in said:
        assert max(pieces) == bytes_of(said["largest"])


@claim("segments: segments/outside")
def outside(seen: Pictured, said: Said) -> None:
    names = {name for names in bytes_in(seen, False).values() for name in names}
    assert {*said["names"].replace(" and ", ", ").split(", ")} == names


@claim("segments: segments/over")
def over(seen: Pictured, said: Said) -> None:
    both = [*bytes_in(seen, True).values(), *bytes_in(seen, False).values()]
    groups = {tuple(names) for names in both if len(names) > 1}
    assert {tuple(one.replace(" and ", ", ").split(", ")) for one in said["names"].split("; ")} == groups
