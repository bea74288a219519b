"""What headlines of operations on maps claim."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm

from .claiming import Said, Seen, claim
from .reading import (
    PAGE,
    Entry,
    binary_size,
    bytes_of,
    bytes_of_given,
    covered,
    ends,
    entries,
    inside,
    map_of,
    number,
    resident,
    size_of,
)  # fmt: skip  # a list


def grown(seen: Seen, name: str) -> int:
    return size_of(seen.machine, name) - size_of(seen.before, name)


# ---- entering, removing, looking up --------------------------------------------------------------


@claim("map operations: enter")
def entered(seen: Seen, said: Said) -> None:
    name, start = said["map"], number(said["address"])
    size = grown(seen, name)
    assert binary_size(size) == said["size"]
    assert covered(entries(seen.before, name), start, start + size) == 0, "it was free"
    assert covered(entries(seen.machine, name), start, start + size) == size


def around(seen: Seen) -> tuple[Entry | None, Entry | None, Entry]:
    """The entries that touched the new range on both sides, and the one that has it now."""
    name, start = seen.map, int(seen.operation.result)
    end = start + grown(seen, name)
    found = entries(seen.before, name)
    (new,) = inside(entries(seen.machine, name), start, end)
    left = next((one for one in found if one.end == start), None)
    right = next((one for one in found if one.start == end), None)
    return left, right, new


@claim("map operations: enter/grown")
def grew(seen: Seen, said: Said) -> None:
    left, right, new = around(seen)
    grown_one = left if said["side"] == "before" else right
    assert grown_one is not None
    assert len(entries(seen.machine, seen.map)) == len(entries(seen.before, seen.map))
    assert (new.start if said["side"] == "before" else new.end) == (
        grown_one.start if said["side"] == "before" else grown_one.end
    )
    alike(grown_one, new, said["why"])


@claim("map operations: enter/joined")
def merged_with_both(seen: Seen, said: Said) -> None:
    left, right, new = around(seen)
    assert left is not None and right is not None
    assert (new.start, new.end) == (left.start, right.end)
    alike(left, right, said["why"])


def alike(one: Entry, other: Entry, why: str) -> None:
    """What the reason of a merge claims."""
    rights = (one.prot, one.max_prot, one.inherit) == (other.prot, other.max_prot, other.inherit)
    if "rights" in why or "same" in why or "alike" in why:
        assert rights, why
    if "no object" in why:
        assert one.object is None and other.object is None
    assert one.object == other.object


@claim("map operations: enter/alone")
def alone(seen: Seen, said: Said) -> None:
    left, right, new = around(seen)
    assert (left, right) == (None, None)
    assert len(entries(seen.machine, seen.map)) == len(entries(seen.before, seen.map)) + 1
    assert new.start == int(seen.operation.result)


@claim("map operations: enter/apart")
def apart(seen: Seen, said: Said) -> None:
    left, right, new = around(seen)
    neighbour = {"previous": left, "next": right}[said["side"]]
    assert neighbour is not None
    assert len(entries(seen.machine, seen.map)) == len(entries(seen.before, seen.map)) + 1
    assert neighbour in entries(seen.machine, seen.map)
    if "object" in said["why"]:
        assert neighbour.object is not None or new.object is not None, said["why"]


@claim("map operations: enter/hint refused")
def hint_refused(seen: Seen, said: Said) -> None:
    hint = number_given(seen, "at", "hint")
    assert int(seen.operation.result) != hint or hint % PAGE, said["why"]
    if "free" in said["why"] or "used" in said["why"] or "holds" in said["why"]:
        there = inside(entries(seen.before, seen.map), hint, hint + grown(seen, seen.map))
        space = map_of(seen.before, seen.map)
        assert there or hint < int(space.start) or hint + grown(seen, seen.map) > int(space.end), said["why"]


@claim("map operations: enter/hint taken")
def hint_taken(seen: Seen, said: Said) -> None:
    assert int(seen.operation.result) % PAGE == 0
    assert "multiple of align" in said["why"]
    assert int(seen.operation.result) >= number_given(seen, "at", "hint") & -PAGE


def number_given(seen: Seen, *names: str) -> int:
    """An argument, under one of these names."""
    given = next(seen.given[name] for name in names if name in seen.given)
    return bytes_of(given) if isinstance(given, str) and "B" in given else int(vm.Address(given))


@claim("map operations: remove")
def removed(seen: Seen, said: Said) -> None:
    name = said["map"]
    assert binary_size(-grown(seen, name)) == said["size"]
    before, after = entries(seen.before, name), entries(seen.machine, name)
    start = min(one.start for one in before if covered(after, one.start, one.end) < one.end - one.start)
    lost = [one for one in before if covered(after, one.start, one.end) < one.end - one.start]
    assert len(lost) == number(said["count"]), start


@claim("map operations: remove/nothing")
def removed_nothing(seen: Seen, said: Said) -> None:
    assert entries(seen.before, seen.map) == entries(seen.machine, seen.map)
    start, end = range_given(seen)
    assert covered(entries(seen.before, seen.map), start, end) == 0


@claim("map operations: remove/cache")
def cache_cleared(seen: Seen, said: Said) -> None:
    value = map_of(seen.machine, seen.map).value()
    assert (value.find_cache, value.find_cache_threshold) == (0, None)


@claim("map operations: remove/untouched")
def nothing_above(seen: Seen, said: Said) -> None:
    before, after = (map_of(machine, seen.map).value() for machine in (seen.before, seen.machine))
    assert (after.find_cache, after.find_cache_threshold) == (before.find_cache, before.find_cache_threshold)
    assert [one for one in entries(seen.before, seen.map) if one.end > range_given(seen)[0]] == []


@claim("map operations: remove/whole")
def removed_whole(seen: Seen, said: Said) -> None:
    assert set(entries(seen.machine, seen.map)) < set(entries(seen.before, seen.map))


@claim("map operations: remove/cut")
def removed_and_cut(seen: Seen, said: Said) -> None:
    left = set(entries(seen.machine, seen.map)) - set(entries(seen.before, seen.map))
    assert len(left) == number(said["count"])


def range_given(seen: Seen) -> tuple[int, int]:
    """The range of whole pages that was given."""
    start = number_given(seen, "address", "start")
    if "size" in seen.given:
        return start & -PAGE, -(-(start + bytes_of_given(seen.given["size"])) // PAGE) * PAGE
    return start, number_given(seen, "end")


@claim("map operations: lookup")
def looked_up(seen: Seen, said: Said) -> None:
    start, end = ends(said["range"])
    assert start <= number_given(seen, "address") < end
    assert (start, end) in [(one.start, one.end) for one in entries(seen.before, seen.map)]


@claim("map operations: lookup/next")
def looked_up_next(seen: Seen, said: Said) -> None:
    wanted = number(said["address"])
    assert wanted == number_given(seen, "address") & -PAGE or wanted == number_given(seen, "address")
    above = [one for one in entries(seen.before, seen.map) if one.end > wanted]
    assert ends(said["range"]) == (above[0].start, above[0].end)
    assert above[0].start > wanted


@claim("map operations: lookup/nothing")
def looked_up_nothing(seen: Seen, said: Said) -> None:
    wanted = number(said["address"])
    assert wanted // PAGE == number_given(seen, "address") // PAGE
    assert [one for one in entries(seen.before, seen.map) if one.end > wanted] == []


@claim("map operations: lookup/cached")
def looked_up_in_cache(seen: Seen, said: Said) -> None:
    value = map_of(seen.before, seen.map).value(whole=10**6)
    (cached,) = [one for one in value.entries if one.id == value.lookup_cache]
    assert cached.start <= number_given(seen, "address") < cached.end


@claim("map operations: lookup/compared")
def looked_up_by_comparing(seen: Seen, said: Said) -> None:
    """The way down the tree as it was, found here again."""
    value = map_of(seen.before, seen.map).value(whole=10**6)
    wanted, node, compared = number_given(seen, "address") & -PAGE, value.root, 0
    by_id = {one.id: one for one in value.entries}
    while node:
        entry, compared = by_id[node], compared + 1
        if entry.start <= wanted < entry.end:
            break
        node = value.nodes[node].left if wanted < entry.start else value.nodes[node].right
    assert compared == number(said["count"])


# ---- ranges --------------------------------------------------------------------------------------


def of_range(seen: Seen, said: Said) -> list[Entry]:
    """The entries in the range of the operation."""
    start, size = number(said["address"]), said["size"]
    first, end = range_given(seen) if "size" in seen.given or "end" in seen.given else (start, start + bytes_of(size))
    assert start == first
    assert binary_size(end - first) == size
    return inside(entries(seen.machine, seen.map), first, end)


@claim("map operations: protect")
def protected(seen: Seen, said: Said) -> None:
    assert {one.prot for one in of_range(seen, said)} <= {said["rights"]}


@claim("map operations: protect/max")
def limited(seen: Seen, said: Said) -> None:
    assert {one.max_prot for one in of_range(seen, said)} <= {said["rights"]}


def inherits(how: str) -> Any:
    def check(seen: Seen, said: Said) -> None:
        assert {one.inherit for one in of_range(seen, said)} <= {how}

    return check


claim("map operations: inherit/share")(inherits("share"))
claim("map operations: inherit/copy")(inherits("copy"))
claim("map operations: inherit/none")(inherits("none"))


@claim("map operations: advise")
def advised(seen: Seen, said: Said) -> None:
    start, end = range_given(seen)
    assert (number(said["address"]), said["size"]) == (start, binary_size(end - start))
    found = [one for one in map_of(seen.machine, seen.map).entries() if int(one.start) < end and start < int(one.end)]
    if said["what"] in ("normal", "random", "sequential"):
        assert {one.advice for one in found} <= {said["what"]}
    given = seen.given["advice"]
    assert said["what"] == (
        ("normal", "random", "sequential", "willneed", "dontneed")[given] if isinstance(given, int) else given
    )


@claim("map operations: wire")
def wired(seen: Seen, said: Said) -> None:
    start, end = range_given(seen)
    assert (number(said["address"]), said["size"]) == (start, binary_size(end - start))
    wired_more(seen, start, end, 1)


def wired_more(seen: Seen, start: int, end: int, more: int) -> None:
    """How often each mapped page of a range is wired, before and after."""
    for page in range(start, end, PAGE):
        before, after = (inside(entries(machine, seen.map), page, page + 1) for machine in (seen.before, seen.machine))
        assert [one.wired for one in after] == [one.wired + more for one in before]


@claim("map operations: unwire")
def unwired(seen: Seen, said: Said) -> None:
    start, end = range_given(seen)
    assert (number(said["address"]), said["size"]) == (start, binary_size(end - start))
    wired_more(seen, start, end, -1)


@claim("map operations: simplify")
def simplified(seen: Seen, said: Said) -> None:
    before, after = entries(seen.before, seen.map), entries(seen.machine, seen.map)
    assert len(before) - len(after) == number(said["count"])


@claim("map operations: simplify/nothing")
def simplified_nothing(seen: Seen, said: Said) -> None:
    assert entries(seen.before, seen.map) == entries(seen.machine, seen.map)


@claim("map operations: range")
def entries_changed(seen: Seen, said: Said) -> None:
    """Each cut makes an entry more, and each merge one less."""
    before, after = entries(seen.before, seen.map), entries(seen.machine, seen.map)
    assert len(after) - len(before) == number(said["cut"]) - number(said["joined"])
    if (said["changed"], said["cut"], said["joined"]) == ("0", "0", "0"):
        assert before == after
    if "start" in seen.given and ("size" in seen.given or "end" in seen.given):  # each entry of it changes once
        start, end = range_given(seen)
        assert number(said["changed"]) <= len(inside(after, start, end)) + number(said["joined"])


@claim("map operations: superpages")
def mapped_large(seen: Seen, said: Said) -> None:
    assert large_pages(seen, seen.machine) - large_pages(seen, seen.before) == number(said["count"])


@claim("map operations: superpages/of")
def mapped_of_a_size(seen: Seen, said: Said) -> None:
    new = large_pages_at(seen, seen.machine).items() - large_pages_at(seen, seen.before).items()
    assert [size for _, size in new] == [bytes_of(said["size"])] * number(said["count"])


@claim("map operations: promote")
def promoted(seen: Seen, said: Said) -> None:
    assert large_pages(seen, seen.machine) - large_pages(seen, seen.before) == number(said["count"])


@claim("map operations: split")
def split(seen: Seen, said: Said) -> None:
    smaller = [
        start
        for start, size in large_pages_at(seen, seen.before).items()
        if any(0 < size_at(seen, seen.machine, page) < size for page in range(start, start + size, PAGE))
    ]
    assert len(smaller) == number(said["count"])


def large_pages(seen: Seen, machine: vm.Machine) -> int:
    """How many large pages the tables of a map's space have in its entries."""
    return len(large_pages_at(seen, machine))


def large_pages_at(seen: Seen, machine: vm.Machine) -> dict[int, int]:
    """Their sizes, by their addresses."""
    found: dict[int, int] = {}
    path = seen.map if "map" in seen.map else f"{seen.map}/map"
    for one in entries(machine, path):
        for page in range(one.start, min(one.end, one.start + (64 << 20)), 1 << 16):
            size = size_at(seen, machine, page)
            if size > PAGE:
                found[page & -size] = size
    return found


def size_at(seen: Seen, machine: vm.Machine, page: int) -> int:
    """How large the page at an address is in a map's space, 0 where there is none."""
    task = seen.map.partition("/")[0].partition(":")[2] or None
    walk = machine.walk(page, task=task) if task else machine.walk(page)
    return int(walk.page_size) if walk.ok else 0


# ---- the machine ---------------------------------------------------------------------------------


@claim("map operations: boot")
def booted(seen: Seen, said: Said) -> None:
    assert len(seen.machine.journal) == 1
    assert not seen.machine.dead


@claim("map operations: boot/reason")
def booted_in_steps(seen: Seen, said: Said) -> None:
    assert seen.moment.story.steps


@claim("map operations: task")
def made_task(seen: Seen, said: Said) -> None:
    assert said["name"] not in seen.before.tasks
    assert entries(seen.machine, f"task:{said['name']}/map") == []


@claim("map operations: task/reason")
def shares_the_kernel(seen: Seen, said: Said) -> None:
    task = seen.machine.tasks[str(seen.given["name"])]
    address = int(seen.machine.kernel_map.start)
    mine, theirs = task.walk(address), seen.machine.walk(address)
    if not seen.machine.standing_edits:
        assert [one.value for one in mine.steps] == [one.value for one in theirs.steps]


@claim("map operations: object")
def made_object(seen: Seen, said: Said) -> None:
    assert said["name"] not in seen.before.objects
    assert said["name"] in seen.machine.objects
    assert not [page for name, page in resident(seen.machine) if name == said["name"]]


@claim("map operations: device")
def made_device(seen: Seen, said: Said) -> None:
    assert said["name"] not in seen.before.objects
    assert said["name"] in seen.machine.objects
    assert bytes_of(said["size"]) == bytes_of_given(seen.given["size"])


@claim("map operations: reap")
def reaped(seen: Seen, said: Said) -> None:
    before, after = seen.before.pages.free_pages, seen.machine.pages.free_pages
    assert seen.operation.result == number(said["count"])
    assert after > before


@claim("map operations: reap/nothing")
def reaped_nothing(seen: Seen, said: Said) -> None:
    assert seen.machine.pages.free_pages == seen.before.pages.free_pages
    assert seen.machine.kentry.contents(most=10**6) == seen.before.kentry.contents(most=10**6)


@claim("map operations: reap/reason")
def reaped_pages(seen: Seen, said: Said) -> None:
    assert seen.machine.pages.free_pages > seen.before.pages.free_pages


@claim("map operations: set_controls")
def controlled(seen: Seen, said: Said) -> None:
    assert seen.machine.controls != seen.before.controls or seen.given
