"""What steps claim of X15's searches for room, and of ranges that merge with their neighbours."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.kernel.map.map_schema import EntryValue

from .claiming import Said, claim
from .claims_map_steps import spans, was
from .reading import bytes_of_given, number
from .steps import Gone, StepSeen

# ---- hints and searches --------------------------------------------------------------------------


def wanted(seen: StepSeen) -> int:
    """How many bytes the operation wants, where it is this map that it wants them in; else it is not known."""
    operation = seen.moment.operation
    assert operation is not None
    given = dict(operation.arguments)
    if operation.name != "enter" or operation.target != seen.about or "size" not in given:
        raise Gone("the size that is sought")
    return -(-bytes_of_given(given["size"]) // 4096) * 4096


def is_free(seen: StepSeen, start: int, size: int) -> bool:
    """Whether nothing of the range is used, and all of it is the map's."""
    value = was(seen)
    inside = value.start <= start and start + size <= value.end
    return inside and not [one for one in spans(value) if one[0] < start + size and start < one[1]]


@claim("map events: HintTried/taken")
def hint_taken(seen: StepSeen, said: Said) -> None:
    assert said["why"].startswith("it is free")
    assert is_free(seen, number(said["hint"]), wanted(seen))
    operation = seen.moment.operation
    assert operation is not None
    assert number(said["hint"]) == int(vm.Address(dict(operation.arguments)["at"]))
    if "align" in said["why"]:
        assert number(said["hint"]) % number(said["why"].partition("align ")[2].partition(":")[0])


@claim("map events: HintTried/refused")
def hint_refused(seen: StepSeen, said: Said) -> None:
    hint, size, why = number(said["hint"]), wanted(seen), said["why"]
    assert not is_free(seen, hint, size)
    begins = [one for one in spans(was(seen)) if one[0] <= hint < one[1]]
    overlaps = [one for one in spans(was(seen)) if hint < one[0] < hint + size]
    if why.startswith("it starts inside the entry"):
        assert f"{begins[0][0]:#x}, {begins[0][1]:#x}" in why.replace("_", "")
    elif why.startswith("it overlaps"):
        assert not begins
        assert f"{min(overlaps)[0]:#x}, {min(overlaps)[1]:#x}" in why.replace("_", "")
    else:
        assert why in ("it lies outside the map", "it passes the end of the map")
        assert hint < was(seen).start or hint + size > was(seen).end


@claim("map events: SearchRestarted")
def restarted(seen: StepSeen, said: Said) -> None:
    """Above the find cache no gap is large enough; a map with a fit of its own goes on elsewhere."""
    value = was(seen)
    assert number(said["address"]) == value.start
    if value.find_cache_threshold is None:
        return
    above = [one for one in spans(value) if one[1] > value.find_cache]
    edges = [max(int(value.find_cache), int(value.start)), *(edge for one in above for edge in one), int(value.end)]
    largest = max(edges[place + 1] - edges[place] for place in range(0, len(edges), 2))
    assert largest < wanted(seen) or not uses_find_cache(seen) or "align" in dict(seen.moment.operation.arguments)


def uses_find_cache(seen: StepSeen) -> bool:
    """Whether the map searches as X15's do, and not by a fit that was chosen."""
    return seen.machine.part(seen.about).placement is None


# ---- merging -------------------------------------------------------------------------------------


def request(seen: StepSeen) -> tuple[int, int]:
    """The range that the operation entered into this map."""
    operation = seen.moment.operation
    assert operation is not None
    size = wanted(seen)
    if operation.outcome != "done":
        raise Gone("the range that was entered")
    return int(operation.result), int(operation.result) + size


def neighbour(seen: StepSeen, side: str) -> EntryValue:
    """The entry that the range touches on a side, as it was before it merged."""
    start, end = request(seen)
    found = [one for one in was(seen).entries if (one.end == start if side == "previous" else one.start == end)]
    assert len(found) == 1, "it touches one"
    return found[0]


def entry_of_request(seen: StepSeen) -> EntryValue:
    """The entry that has the range in the end."""
    start, end = request(seen)
    over = seen.now.value(seen.about if seen.about in seen.machine.system.maps else f"kmem/{seen.about}")
    (whole,) = [one for one in over.entries if one.start <= start and end <= one.end]
    found: EntryValue = whole
    return found


def merges(seen: StepSeen, said: Said, *sides: str) -> None:
    """The neighbour has no object and the same properties as the range, which is in one entry with it in the end."""
    assert said["why"] == "no object, same properties"
    whole = entry_of_request(seen)
    for side in sides:
        beside = neighbour(seen, side)
        assert beside.object is None
        assert whole.start <= beside.start and beside.end <= whole.end
        assert (whole.protection, whole.inheritance) == (beside.protection, beside.inheritance)


@claim("map events: MergeTried/previous")
def merges_with_previous(seen: StepSeen, said: Said) -> None:
    merges(seen, said, "previous")


@claim("map events: MergeTried/next")
def merges_with_next(seen: StepSeen, said: Said) -> None:
    merges(seen, said, "next")


@claim("map events: MergeTried/both")
def merges_with_both(seen: StepSeen, said: Said) -> None:
    merges(seen, said, "previous", "next")


def differs(beside: EntryValue, whole: EntryValue) -> bool:
    """Whether two entries allow other things."""
    kept = [(one.protection, one.max_protection, one.inheritance, one.advice) for one in (beside, whole)]
    return kept[0] != kept[1]


def stays_apart(seen: StepSeen, said: Said, side: str) -> None:
    """There is a border on that side; and what is said of the neighbour is so."""
    beside, why = neighbour(seen, side), said["why"]
    start, end = request(seen)
    whole = entry_of_request(seen)
    assert whole.start == start if side == "previous" else whole.end == end
    reasons = {
        "an object is mapped": beside.object is not None or whole.object is not None,
        "it is wired": beside.wired > 0,
        "one of them is marked nomerge": beside.nomerge or whole.nomerge,
        "the request is marked nomerge": whole.nomerge,
        "its protection, inheritance or advice differs": differs(beside, whole),
    }
    assert reasons[why]


@claim("map events: MergeTried/not previous")
def not_with_previous(seen: StepSeen, said: Said) -> None:
    stays_apart(seen, said, "previous")


@claim("map events: MergeTried/not next")
def not_with_next(seen: StepSeen, said: Said) -> None:
    stays_apart(seen, said, "next")
