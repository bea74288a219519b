"""What steps claim of maps: the tree, the list, searches, merges, and what entries allow."""

from __future__ import annotations

import re
from typing import Any

from vmwidgets.engine.kernel.map.map_schema import EntryValue, MapValue
from vmwidgets.pictures.spaces import range_names

from .claiming import Said, claim
from .reading import binary_size, bytes_of, ends, number, path_called
from .steps import StepSeen, earlier_steps


def now(seen: StepSeen) -> MapValue:
    """The map just after the step."""
    return seen.then.map(seen.about)


def was(seen: StepSeen) -> MapValue:
    """The map before the step."""
    return seen.before.map(seen.about)


_MENTIONED = re.compile(r"(.*?)(?: \((.*) at (0x[\da-f_]+)\))?")


def named(seen: StepSeen, name: str) -> int:
    """The entry that a sentence calls by its range's name, perhaps with the map's, in the map of the step."""
    system, path = seen.machine.system, path_called(seen.about)
    of_kmem = system.kmem_maps.get(path.removeprefix("kmem/"))
    vm_map: Any = system.maps.get(path, of_kmem)
    roles = system.roles.get(path if path in system.maps else f"kmem/{path.removeprefix('kmem/')}", {})
    names = range_names(vm_map, roles).items()
    (found,) = [identity for identity, one in names if name in (one, f"{one} of {vm_map.called}")]
    return found


def entry(seen: StepSeen, value: MapValue, words: str) -> EntryValue:
    """The entry that a sentence calls by its range's name, or by its id or its start where that is not known."""
    name, size, start = _MENTIONED.fullmatch(words).groups()
    if name.startswith("entry "):
        identity = int(name.split()[1])
    elif name.startswith("0x"):
        (identity,) = [one.id for one in value.entries if one.start == number(name)]
    else:
        identity = named(seen, name)
    if start is not None:
        places = [
            (binary_size(one.size), one.start)
            for some in (was(seen), now(seen))
            for one in some.entries
            if one.id == identity
        ]
        assert not places or (size, number(start)) in places
    (found,) = [one for one in value.entries if one.id == identity]
    return found


def spans(value: MapValue) -> list[tuple[int, int]]:
    return [(int(one.start), int(one.end)) for one in value.entries]


# ---- the tree ------------------------------------------------------------------------------------


@claim("map events: TreeCompared/left")
def goes_left(seen: StepSeen, said: Said) -> None:
    assert number(said["key"]) < entry(seen, now(seen), said["entry"]).start


@claim("map events: TreeCompared/right")
def goes_right(seen: StepSeen, said: Said) -> None:
    found, key = entry(seen, now(seen), said["entry"]), number(said["key"])
    assert key >= found.end or (key > found.start and key not in [one.start for one in now(seen).entries])


def is_inserted(seen: StepSeen, said: Said) -> None:
    """The entry that begins there is in the list already, and not in the tree."""
    assert entry(seen, now(seen), said["key"]).id not in now(seen).nodes


@claim("map events: TreeCompared/left, inserting")
def insertion_goes_left(seen: StepSeen, said: Said) -> None:
    goes_left(seen, said)
    is_inserted(seen, said)


@claim("map events: TreeCompared/right, inserting")
def insertion_goes_right(seen: StepSeen, said: Said) -> None:
    assert number(said["key"]) >= entry(seen, now(seen), said["entry"]).end
    is_inserted(seen, said)


@claim("map events: TreeCompared/here")
def found_here(seen: StepSeen, said: Said) -> None:
    found = entry(seen, now(seen), said["entry"])
    assert found.start <= number(said["key"]) < found.end


def node(seen: StepSeen, value: MapValue, words: str) -> Any:
    return value.nodes[entry(seen, value, words).id]


@claim("map events: TreeLinked/root")
def became_root(seen: StepSeen, said: Said) -> None:
    assert now(seen).root == entry(seen, now(seen), said["entry"]).id
    assert node(seen, now(seen), said["entry"]).red
    assert was(seen).root == 0


def became_child(seen: StepSeen, said: Said, side: str) -> None:
    value = now(seen)
    assert getattr(node(seen, value, said["parent"]), side) == entry(seen, value, said["entry"]).id
    leaf = node(seen, value, said["entry"])
    assert (leaf.left, leaf.right, leaf.red) == (0, 0, True)
    assert entry(seen, value, said["entry"]).id not in was(seen).nodes


@claim("map events: TreeLinked/left")
def became_left(seen: StepSeen, said: Said) -> None:
    became_child(seen, said, "left")


@claim("map events: TreeLinked/right")
def became_right(seen: StepSeen, said: Said) -> None:
    became_child(seen, said, "right")


@claim("map events: TreeRecoloured/red")
def became_red(seen: StepSeen, said: Said) -> None:
    assert node(seen, now(seen), said["entry"]).red
    assert said["why"]


@claim("map events: TreeRecoloured/black")
def became_black(seen: StepSeen, said: Said) -> None:
    assert not node(seen, now(seen), said["entry"]).red
    if said["why"] == "the root is black":
        assert now(seen).root == entry(seen, now(seen), said["entry"]).id


def rotated(seen: StepSeen, said: Said, side: str) -> None:
    """The raised one is the parent of the other, on the side that was turned to."""
    value, before = now(seen), was(seen)
    lowered, raised = entry(seen, value, said["entry"]).id, entry(seen, value, said["raised"]).id
    assert getattr(value.nodes[raised], side) == lowered
    other = {"left": "right", "right": "left"}[side]
    assert getattr(before.nodes[lowered], other) == raised


@claim("map events: TreeRotated/left")
def rotated_left(seen: StepSeen, said: Said) -> None:
    rotated(seen, said, "left")


@claim("map events: TreeRotated/right")
def rotated_right(seen: StepSeen, said: Said) -> None:
    rotated(seen, said, "right")


@claim("map events: TreeUnlinked/one")
def left_the_tree(seen: StepSeen, said: Said) -> None:
    gone = was(seen).nodes.keys() - now(seen).nodes.keys()
    (identity,) = gone
    before = was(seen).nodes[identity]
    assert 0 in (before.left, before.right)
    assert entry(seen, was(seen), said["entry"]).id == identity


@claim("map events: TreeUnlinked/two")
def gave_its_place(seen: StepSeen, said: Said) -> None:
    (identity,) = was(seen).nodes.keys() - now(seen).nodes.keys()
    before = was(seen).nodes[identity]
    assert before.left and before.right
    assert entry(seen, was(seen), said["entry"]).id == identity
    heir = entry(seen, now(seen), said["heir"]).id
    assert now(seen).nodes[heir].red == before.red


# ---- the list ------------------------------------------------------------------------------------


@claim("map events: EntryLinked")
def joined(seen: StepSeen, said: Said) -> None:
    found = spans(now(seen))
    place = [one.id for one in now(seen).entries].index(entry(seen, now(seen), said["range"]).id)
    before, after = said["before"], said["after"]
    first, last = place == 0, place == len(found) - 1
    assert before == "the header" if first else entry(seen, now(seen), before) == now(seen).entries[place - 1]
    assert after == "the header" if last else entry(seen, now(seen), after) == now(seen).entries[place + 1]
    assert len(found) == len(spans(was(seen))) + 1


@claim("map events: EntryLinked/only")
def joined_alone(seen: StepSeen, said: Said) -> None:
    assert now(seen).entries == (entry(seen, now(seen), said["range"]),)


@claim("map events: EntryUnlinked")
def left_the_list(seen: StepSeen, said: Said) -> None:
    assert len(spans(was(seen))) == len(spans(now(seen))) + 1
    assert entry(seen, was(seen), said["range"]).id not in [one.id for one in now(seen).entries]


def resized(seen: StepSeen, before: str, after: str) -> None:
    """An entry had the one range, and has the other."""
    found = spans(now(seen))
    assert ends(after) in found or not [one for one in found if one[0] < ends(after)[1] and ends(after)[0] < one[1]]
    assert ends(before) in spans(was(seen)) or ends(before) not in found, "it may be out of the list meanwhile"
    assert ends(before) != ends(after)


def is_named(seen: StepSeen, said: Said) -> None:
    """The name is of the entry that was cut or made: it may be out of the list meanwhile."""
    event: Any = seen.step.event
    assert named(seen, _MENTIONED.fullmatch(said["range"])[1]) == event.after[0]


@claim("map events: EntryResized/low")
def low_part(seen: StepSeen, said: Said) -> None:
    resized(seen, said["before"], said["after"])
    assert ends(said["before"])[0] == ends(said["after"])[0]
    assert ends(said["before"])[1] > ends(said["after"])[1]
    is_named(seen, said)


@claim("map events: EntryResized/high")
def high_part(seen: StepSeen, said: Said) -> None:
    resized(seen, said["before"], said["after"])
    assert ends(said["before"])[1] == ends(said["after"])[1]
    assert ends(said["before"])[0] < ends(said["after"])[0]
    is_named(seen, said)


@claim("map events: EntryResized/grown")
def grown(seen: StepSeen, said: Said) -> None:
    resized(seen, said["before"], said["after"])
    before, after = ends(said["before"]), ends(said["after"])
    assert after[0] <= before[0] and before[1] <= after[1] and before != after


def merged(seen: StepSeen, said: Said) -> tuple[tuple[int, int], tuple[int, int]]:
    resized(seen, said["before"], said["after"])
    return ends(said["before"]), ends(said["after"])


@claim("map events: EntryResized/joined")
def merged_with_next(seen: StepSeen, said: Said) -> None:
    before, after = merged(seen, said)
    assert before[0] == after[0] and before[1] < after[1]


@claim("map events: EntryResized/took before")
def took_before(seen: StepSeen, said: Said) -> None:
    before, after = merged(seen, said)
    assert before[1] == after[1] and after[0] < before[0]


@claim("map events: EntryResized/took after")
def took_after(seen: StepSeen, said: Said) -> None:
    before, after = merged(seen, said)
    assert before[0] == after[0] and before[1] < after[1]


def of_range(value: MapValue, text: str) -> EntryValue:
    (found,) = [one for one in value.entries if (int(one.start), int(one.end)) == ends(text)]
    return found


@claim("map events: EntryResized/got object")
def got_an_object(seen: StepSeen, said: Said) -> None:
    assert of_range(now(seen), said["after"]).object is not None
    assert ends(said["after"]) in [(int(one.start), int(one.end)) for one in was(seen).entries]


@claim("map events: EntryResized/gave object")
def gave_its_object(seen: StepSeen, said: Said) -> None:
    assert of_range(now(seen), said["after"]).object is None
    assert of_range(was(seen), said["after"]).object is not None


@claim("map events: EntryResized/submap")
def became_a_submap(seen: StepSeen, said: Said) -> None:
    assert str(of_range(now(seen), said["after"]).object).startswith("submap:")


@claim("map events: EntryResized")
def became(seen: StepSeen, said: Said) -> None:
    resized(seen, said["before"], said["after"])
    assert said["why"]


@claim("map events: EntryChanged")
def changed(seen: StepSeen, said: Said) -> None:
    after = entry(seen, now(seen), said["range"])
    before = next(one for one in was(seen).entries if one.id == after.id)
    assert (before.flags, before.object, before.offset, before.wired) != (
        after.flags, after.object, after.offset, after.wired,
    )  # fmt: skip  # two sides
    assert said["why"]


@claim("map events: EntryWired")
def is_wired(seen: StepSeen, said: Said) -> None:
    assert entry(seen, now(seen), said["entry"]).wired == number(said["count"])


@claim("map events: EntryWired/no")
def is_not_wired(seen: StepSeen, said: Said) -> None:
    assert entry(seen, now(seen), said["entry"]).wired == 0
    assert entry(seen, was(seen), said["entry"]).wired > 0


# ---- searches ------------------------------------------------------------------------------------


@claim("map events: FindCacheMoved/cleared")
def cache_cleared(seen: StepSeen, said: Said) -> None:
    assert now(seen).find_cache_threshold is None


@claim("map events: FindCacheMoved/any")
def cache_moved(seen: StepSeen, said: Said) -> None:
    assert (now(seen).find_cache, now(seen).find_cache_threshold) == (number(said["address"]), 0)


@claim("map events: FindCacheMoved/large")
def cache_moved_for_large(seen: StepSeen, said: Said) -> None:
    assert now(seen).find_cache == number(said["address"])
    assert now(seen).find_cache_threshold == bytes_of(said["size"])


def gap_at(seen: StepSeen, start: int) -> int:
    """How many bytes are free from an address on, before the step."""
    if any(low <= start < high for low, high in spans(was(seen))):
        return 0
    above = [low for low, _ in spans(was(seen)) if low >= start]
    return min([*above, int(now(seen).end)]) - start


def gap(seen: StepSeen, said: Said) -> None:
    """The size is what is free there, rounded to whole units as it is written."""
    assert said["space"] == binary_size(gap_at(seen, number(said["address"])))


@claim("map events: GapTried/taken")
def gap_taken(seen: StepSeen, said: Said) -> None:
    gap(seen, said)


@claim("map events: GapTried/best")
def gap_chosen(seen: StepSeen, said: Said) -> None:
    gap(seen, said)
    assert said["why"]


@claim("map events: GapTried/passed")
def gap_passed(seen: StepSeen, said: Said) -> None:
    gap(seen, said)
    assert said["why"]


@claim("map events: GapTried/small")
def gap_too_small(seen: StepSeen, said: Said) -> None:
    gap(seen, said)


@claim("map events: GapTried/none")
def no_gap(seen: StepSeen, said: Said) -> None:
    """An address that is rounded up to what was wanted may be beyond that entry."""
    address = number(said["address"])
    assert gap_at(seen, address) == 0 or int(seen.machine.journal.last.result) % 0x1_0000 == 0
    assert [low for low, _ in spans(was(seen)) if low <= address]


@claim("map events: LookupCacheHit")
def cached(seen: StepSeen, said: Said) -> None:
    assert was(seen).lookup_cache == entry(seen, was(seen), said["entry"]).id


@claim("map events: KernelLimitMoved")
def limit_moved(seen: StepSeen, said: Said) -> None:
    assert seen.then.map("kernel_map").klimit == number(said["address"])


@claim("map events: PagerAsked/hit")
def page_was_there(seen: StepSeen, said: Said) -> None:
    name, _, offset = said["where"].rpartition("+")
    assert seen.then.value("objects").objects[name].pages[number(offset) >> 12] == number(said["frame"])
    assert all(number(offset) >> 12 in pages for pages in pages_lately(seen, name)), "else it came just now"


def pages_lately(seen: StepSeen, name: str) -> list[dict[int, int]]:
    """The pages that an object had in memory at the steps before: that one comes is told in several."""
    values = [then.value("objects").objects for then in (seen.before, *earlier_steps(seen, 4))]
    return [objects[name].pages if name in objects else {} for objects in values]


@claim("map events: PagerAsked/miss")
def page_supplied(seen: StepSeen, said: Said) -> None:
    name, _, offset = said["where"].rpartition("+")
    assert seen.then.value("objects").objects[name].pages[number(offset) >> 12] == number(said["frame"])
    assert not all(number(offset) >> 12 in pages for pages in pages_lately(seen, name)), "it came just now"
