"""What headlines of operations on memory objects of self-paging domains claim."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.machine.arguments import region_flags
from vmwidgets.engine.selfpaging.domain_schema import DomainValue, Vregion

from .claiming import Said, Seen, claim
from .claims_domains import both, leaf_pages, leaves, may, name_of, pages, words
from .reading import PAGE, binary_size, bytes_of, number


def region_of(value: DomainValue, memobj: str) -> Vregion:
    """The region that shows a memory object."""
    (found,) = [one for one in value.regions if one.memobj == memobj]
    return found


def shown(value: DomainValue, region: Vregion) -> int:
    """How many pages of a region are mapped."""
    inside = [one for one in leaves(value) if region.base <= one.va < region.base + region.size]
    return sum(one.span for one in inside) // PAGE


def object_made(seen: Seen, said: Said) -> int:
    """The object is new and shown there; how many of its pages are mapped."""
    before, after = both(seen)
    region = region_of(after, said["memobj"])
    assert said["memobj"] not in [one.memobj for one in before.regions]
    assert said["memobj"] in seen.machine.domains[name_of(seen)].domain.memobjs
    assert (region.base, binary_size(region.size)) == (number(said["address"]), said["size"])
    assert region.flags & 0xFF == words(said["flags"]) & 0xFF
    return shown(after, region)


def behind(seen: Seen, memobj: str) -> list[tuple[str, int, int]]:
    """The frames behind a memory object: slot, offset, bytes."""
    fills = seen.machine.domains[name_of(seen)].domain.memobjs[memobj].fills
    return [(str(one.frame), one.offset, one.size) for one in fills]


@claim("domain operations: memobj")
def object_made_empty(seen: Seen, said: Said) -> None:
    assert object_made(seen, said) == 0
    assert behind(seen, said["memobj"]) == []


@claim("domain operations: memobj/frame")
def object_made_with_a_frame(seen: Seen, said: Said) -> None:
    assert object_made(seen, said) == 0
    assert [frame for frame, _, _ in behind(seen, said["memobj"])] == [said["frame"]]


@claim("domain operations: memobj/mapped")
def object_made_and_mapped(seen: Seen, said: Said) -> None:
    assert object_made(seen, said) == number(said["count"]) > 0
    assert [frame for frame, _, _ in behind(seen, said["memobj"])] == [said["frame"]]


def object_called(seen: Seen, said: Said) -> tuple[Vregion, int]:
    """The region of the object that was called, and how many pages more of it are mapped."""
    assert seen.operation.target.endswith(f"/memobj:{said['memobj']}")
    before, after = both(seen)
    region = region_of(before, said["memobj"])
    return region, shown(after, region) - shown(before, region)


def first_of(value: DomainValue, other: DomainValue, region: Vregion) -> int:
    """The first page of a region that only one of two domains maps."""
    here, there = (leaf_pages(one, region.base, region.size) for one in (value, other))
    return min(here - there)


def put(seen: Seen, said: Said) -> tuple[Vregion, int]:
    """The frame is behind the object; as :func:`object_called`."""
    offset = number(said["offset"])
    assert (said["frame"], offset) in [(frame, place) for frame, place, _ in behind(seen, said["memobj"])]
    assert offset not in [one.offset for one in seen.before.domains[name_of(seen)].domain.memobjs[said["memobj"]].fills]
    return object_called(seen, said)


@claim("domain operations: fill")
def filled(seen: Seen, said: Said) -> None:
    assert put(seen, said)[1] == 0


@claim("domain operations: fill/mapped")
def filled_and_mapped(seen: Seen, said: Said) -> None:
    region, more = put(seen, said)
    assert more == number(said["count"]) > 0
    assert number(said["address"]) == region.base + number(said["offset"])
    assert number(said["address"]) == first_of(both(seen)[1], both(seen)[0], region)


def took_out(seen: Seen, said: Said) -> tuple[Vregion, int]:
    """A frame was behind the object there, and is not; as :func:`object_called`."""
    offset, objects = number(said["offset"]), [
        one.domains[name_of(seen)].domain.memobjs[said["memobj"]] for one in (seen.before, seen.machine)
    ]  # fmt: skip  # two things at once
    before, after = ([one.offset for one in memobj.fills] for memobj in objects)
    assert sorted([*after, offset]) == before
    return object_called(seen, said)


@claim("domain operations: unfill")
def unfilled(seen: Seen, said: Said) -> None:
    assert took_out(seen, said)[1] == 0


@claim("domain operations: unfill/mapped")
def unfilled_and_unmapped(seen: Seen, said: Said) -> None:
    region, more = took_out(seen, said)
    assert -more == number(said["count"]) > 0
    assert number(said["address"]) == region.base + number(said["offset"])
    assert number(said["address"]) == first_of(*both(seen), region)


def protected(seen: Seen, said: Said, size: int | None) -> int:
    """The mapped pages of the range have those rights; how many they are."""
    region, more = object_called(seen, said)
    assert more == 0
    offset = number(said["offset"])
    given = seen.given.get("size")
    assert size == (None if given is None else int(vm.Size(given)))
    length = region.size - offset if size is None else size
    assert offset == int(vm.Size(seen.given.get("offset", 0)))
    flags = said["flags"]
    assert words(flags) & 7 == region_flags(seen.given["flags"]) & 7
    found = leaf_pages(both(seen)[1], region.base + offset, length)
    for page in found:
        if "modify-flags-lost" not in seen.machine.quirks:
            may(seen, page, PAGE, flags)
    return len(found)


@claim("domain operations: protect")
def protected_unmapped(seen: Seen, said: Said) -> None:
    assert protected(seen, said, bytes_of(said["size"])) == 0


@claim("domain operations: protect/mapped")
def protected_mapped(seen: Seen, said: Said) -> None:
    assert protected(seen, said, bytes_of(said["size"])) == number(said["count"]) > 0


@claim("domain operations: protect/rest")
def rest_protected_unmapped(seen: Seen, said: Said) -> None:
    assert protected(seen, said, None) == 0


@claim("domain operations: protect/rest mapped")
def rest_protected_mapped(seen: Seen, said: Said) -> None:
    assert protected(seen, said, None) == number(said["count"]) > 0


def ended(seen: Seen, said: Said) -> int:
    """The object is gone; how many of its pages were mapped."""
    before, after = both(seen)
    region = region_of(before, said["memobj"])
    assert (region.base, binary_size(region.size)) == (number(said["address"]), said["size"])
    assert said["memobj"] not in seen.machine.domains[name_of(seen)].domain.memobjs
    assert region not in after.regions
    assert shown(after, region) == 0
    return shown(before, region)


@claim("domain operations: remove")
def ended_unmapped(seen: Seen, said: Said) -> None:
    assert ended(seen, said) == 0


@claim("domain operations: remove/mapped")
def ended_and_unmapped(seen: Seen, said: Said) -> None:
    assert ended(seen, said) == number(said["count"]) > 0


@claim("domain operations: deserialise")
def deserialised(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert leaves(before) == []
    assert pages(after) == number(said["count"])
    assert min(one.va for one in leaves(after)) == number(said["address"])


@claim("domain operations: deserialise/nothing")
def deserialised_nothing(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert leaves(before) == leaves(after)
