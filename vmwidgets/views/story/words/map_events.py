"""What happens in maps, event by event: the tree, the list, searches, merges, and what entries allow."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryFields
from vmwidgets.views.scene.text import visible

from .names import Names, address, span
from .registry import InBox, says, sentences

say = sentences(
    "map events",
    {
        "TreeCompared/left": "{key} is below {entry}: go left.",
        "TreeCompared/right": "{key} is at or above the end of the entry at {entry}: go right.",
        "TreeCompared/here": "{key} is not below {entry} and not past its end: found.",
        "TreeCompared/left, inserting": "The insertion goes left at {entry}: {key} is below it.",
        "TreeCompared/right, inserting": "The insertion goes right at {entry}: {key} is at or above its end.",
        "TreeLinked/root": "{entry} becomes the root of the tree, red at first.",
        "TreeLinked/left": "{entry} becomes the left child of {parent}, a red leaf.",
        "TreeLinked/right": "{entry} becomes the right child of {parent}, a red leaf.",
        "TreeRecoloured/red": "{entry} becomes red ({why}).",
        "TreeRecoloured/black": "{entry} becomes black ({why}).",
        "TreeRotated/left": "A rotation to the left moves {entry} down and {raised} up.",
        "TreeRotated/right": "A rotation to the right moves {entry} down and {raised} up.",
        "TreeUnlinked/one": "{entry} is removed from the tree; its child, if it has one, takes its place.",
        "TreeUnlinked/two": "{entry} is removed from the tree; its successor {heir} takes its place and colour.",
        "EntryLinked": "{range} is added to the list, between {before} and {after}.",
        "EntryLinked/only": "{range} is added to the list as its only entry.",
        "EntryUnlinked": "{range} is removed from the list.",
        "EntryResized/low": "{before} is cut: its low part is {after}.",
        "EntryResized/high": "The high part of {before} is {after}.",
        "EntryResized/grown": "{before} grows to {after}.",
        "EntryResized/joined": "{before} merges with the next entry: {after}.",
        "EntryResized/took before": "{before} merges with the entry before it: {after}.",
        "EntryResized/took after": "{before} merges with the entry after it: {after}.",
        "EntryResized/got object": "{after} gets an anonymous object.",
        "EntryResized/gave object": "{after} gives up its anonymous object.",
        "EntryResized/submap": "{after} becomes a submap.",
        "EntryResized": "{before} becomes {after}: {why}.",
        "EntryChanged": "{range} changes: {why}.",
        "EntryWired": (
            "{entry} is wired once: its pages stay in memory.",
            "{entry} is wired {count} times: its pages stay in memory.",
        ),
        "EntryWired/no": "{entry} is no longer wired: its pages can be evicted.",
        "MergeTried/previous": "The range merges with the previous entry: {why}.",
        "MergeTried/next": "The range merges with the next entry: {why}.",
        "MergeTried/both": "The range merges with both neighbours: {why}.",
        "MergeTried/not previous": "The range does not merge with the previous entry: {why}.",
        "MergeTried/not next": "The range does not merge with the next entry: {why}.",
        "FindCacheMoved/cleared": "The find cache is cleared: the next search for a gap starts at the bottom.",
        "FindCacheMoved/any": "The next search for a gap begins at {address}.",
        "FindCacheMoved/large": "The next search for a gap of more than {size} begins at {address}.",
        "GapTried/taken": "The gap of {space} at {address} is large enough: the search chooses it.",
        "GapTried/best": "The search chooses the gap of {space} at {address}: {why}.",
        "GapTried/passed": "The gap of {space} at {address} is {why}.",
        "GapTried/small": "The gap of {space} at {address} is too small.",
        "GapTried/none": "There is no gap here: the next entry begins at or below {address}.",
        "HintTried/taken": "The hint {hint} is used: {why}.",
        "HintTried/refused": "The hint {hint} is refused: {why}.",
        "LookupCacheHit": "The lookup cache points to the entry at {entry}, which contains the address.",
        "SearchRestarted": "No gap above this point is large enough: the search restarts at {address}.",
        "KernelLimitMoved": "The kernel's page tables now reach up to {address}.",
        "KentrySlabTaken": "The kentry area takes slab {index} from its free list.",
        "KentrySlabGiven": "The kentry area puts slab {index} back on its free list.",
        "FaultRaised": "The access to {address} faults: {kind}, error code {code}.",
        "PagerAsked/hit": "The page at {where} is in memory already: frame {frame}.",
        "PagerAsked/miss": "The pager supplies the page at {where}: frame {frame}.",
        "PagerAsked/none": "The pager has no page at {where}: {outcome}.",
        "BootStage": "{name}: {what}.",
        "Panicked": "The kernel panics ({name}): {reason}.",
    },
)

HEADER = "the header"
"""What is before the first entry of a list and after the last."""

_RESIZED = {
    "the low part": "low",
    "the front part": "low",
    "the high part": "high",
    "the back part": "high",
    "grown upwards": "grown",
    "grown downwards": "grown",
    "stretched": "grown",
    "joined with the next": "joined",
    "took in the entry before": "took before",
    "took in the entry after": "took after",
    "got an anonymous object": "got object",
    "gave its anonymous object back": "gave object",
    "became the place of a submap": "submap",
}
"""Which sentence says a change of an entry's range, by the engine's word for it."""

_OBSTACLES = {
    "it may not merge": "one of them is marked nomerge",
    "the request may not merge": "the request is marked nomerge",
}

_ALL = (2**64 - 1, 2**32 - 1)
"""The find cache's threshold when nothing is known."""


def obstacle(why: str) -> str:
    """Why a range did not merge."""
    return _OBSTACLES.get(why, why)


def _range(fields: EntryFields) -> str:
    return span(fields[1], fields[2])


# ---- the tree and the list -----------------------------------------------------------------------


_BESIDE = {"left": "below {}", "right": "above {}", "here": "found: {}"}
"""What a comparison found, in a box."""


@says(
    ev.TreeCompared,
    about="tree",
    of="tree",
    thing="entry:{0.node}",
    weight={"map": 1},
    box=InBox("lookup", lambda event, names: _BESIDE[event.outcome].format(names.entry(event.node))),
)
def _compared(event: ev.TreeCompared, names: Names) -> str:
    inserting = ", inserting" if names.functions[-1:] == ("rbtree_insert",) else ""
    return say(f"TreeCompared/{event.outcome}{inserting}", key=address(event.key), entry=names.entry(event.node))


@says(ev.TreeLinked, about="tree", of="tree", thing="entry:{0.node}", weight={"map": 3})
def _hung(event: ev.TreeLinked, names: Names) -> str:
    side = event.side if event.parent else "root"
    return say(f"TreeLinked/{side}", entry=names.entry(event.node), parent=names.entry(event.parent))


@says(ev.TreeRecoloured, about="tree", of="tree", thing="entry:{0.node}")
def _recoloured(event: ev.TreeRecoloured, names: Names) -> str:
    return say(f"TreeRecoloured/{'red' if event.red else 'black'}", entry=names.entry(event.node), why=event.why)


@says(ev.TreeRotated, about="tree", of="tree", thing="entry:{0.node}")
def _rotated(event: ev.TreeRotated, names: Names) -> str:
    return say(f"TreeRotated/{event.side}", entry=names.entry(event.node), raised=names.entry(event.raised))


@says(ev.TreeUnlinked, about="tree", of="tree", thing="entry:{0.node}", weight={"map": 2})
def _unhung(event: ev.TreeUnlinked, names: Names) -> str:
    case = "two" if event.successor else "one"
    return say(f"TreeUnlinked/{case}", entry=names.entry(event.node), heir=names.entry(event.successor))


@says(ev.EntryLinked, about="list", of="map", thing="entry:{0.entry[0]}")
def _linked(event: ev.EntryLinked, names: Names) -> str:
    if not event.previous and not event.next:
        return say("EntryLinked/only", range=_range(event.entry))
    before = names.entry(event.previous) if event.previous else HEADER
    after = names.entry(event.next) if event.next else HEADER
    return say("EntryLinked", range=_range(event.entry), before=before, after=after)


@says(ev.EntryUnlinked, about="list", of="map", thing="entry:{0.entry[0]}")
def _unlinked(event: ev.EntryUnlinked, names: Names) -> str:
    return say("EntryUnlinked", range=_range(event.entry))


_GREW = {"grew down for an access below it": "the stack grows"}


@says(
    ev.EntryResized,
    about="list",
    of="map",
    thing="entry:{0.after[0]}",
    weight={"map": 4},
    box=InBox("lookup", lambda event, _: _GREW.get(event.why, "the entry changes")),
)
def _resized(event: ev.EntryResized, names: Names) -> str:
    case = _RESIZED.get(event.why)
    name = f"EntryResized/{case}" if case else "EntryResized"
    return say(name, before=_range(event.before), after=_range(event.after), why=visible(event.why))


@says(ev.EntryChanged, about="map", of="map", thing="entry:{0.after[0]}", weight={"map": 4, "kmem": 2})
def _changed(event: ev.EntryChanged, names: Names) -> str:
    return say("EntryChanged", range=_range(event.after), why=visible(event.why))


@says(ev.EntryWired, about="map", of="map", thing="entry:{0.entry}", weight={"kmem": 2})
def _wired(event: ev.EntryWired, names: Names) -> str:
    return say("EntryWired" if event.after else "EntryWired/no", event.after, entry=names.entry(event.entry))


@says(ev.MergeTried, about="list", of="map", thing="entry:{0.neighbour}")
def _merge_tried(event: ev.MergeTried, names: Names) -> str:
    return say(f"MergeTried/{'' if event.merged else 'not '}{event.side}", why=obstacle(event.why))


# ---- searches ------------------------------------------------------------------------------------


@says(ev.FindCacheMoved, about="list", of="map")
def _find_cache(event: ev.FindCacheMoved, names: Names) -> str:
    least = event.threshold_after
    case = "cleared" if least in _ALL else "large" if least else "any"
    return say(f"FindCacheMoved/{case}", address=address(event.after), size=binary_size(least))


@says(ev.GapTried, about="list", of="map")
def _gap(event: ev.GapTried, names: Names) -> str:
    if event.taken:
        case = "best" if event.why else "taken"
    else:
        case = "passed" if event.why else "small" if event.space else "none"
    return say(f"GapTried/{case}", space=binary_size(event.space), address=address(event.position), why=event.why)


@says(ev.HintTried, about="list", of="map")
def _hint(event: ev.HintTried, names: Names) -> str:
    return say(f"HintTried/{'taken' if event.taken else 'refused'}", hint=address(event.hint), why=event.why)


@says(
    ev.LookupCacheHit,
    about="list",
    of="map",
    thing="entry:{0.entry}",
    weight={"map": 1},
    box=InBox("lookup", lambda event, names: f"found again: {names.entry(event.entry)}"),
)
def _cache_hit(event: ev.LookupCacheHit, names: Names) -> str:
    return say("LookupCacheHit", entry=names.entry(event.entry))


@says(ev.SearchRestarted, about="list", of="map")
def _restarted(event: ev.SearchRestarted, names: Names) -> str:
    return say("SearchRestarted", address=address(event.position))


# ---- what belongs to no map ----------------------------------------------------------------------


@says(ev.KernelLimitMoved, about="machine")
def _limit(event: ev.KernelLimitMoved, names: Names) -> str:
    return say("KernelLimitMoved", address=address(event.after))


@says(ev.KentrySlabTaken, ev.KentrySlabGiven, about="kentry")
def _kentry(event: ev.KentrySlabTaken | ev.KentrySlabGiven, names: Names) -> str:
    return say(event.tag, index=event.index)


@says(ev.FaultRaised, about="machine")
def _fault(event: ev.FaultRaised, names: Names) -> str:
    return say("FaultRaised", address=address(event.va), kind=event.kind, code=event.words)


_ASKED = {"hit": "in memory", "miss": "page supplied"}


@says(
    ev.PagerAsked,
    about="machine",
    thing="object:{0.object}",
    weight={"map": 3},
    box=InBox("object", lambda event, _: f"{visible(event.object)}: {_ASKED.get(event.outcome, event.outcome)}"),
)
def _pager(event: ev.PagerAsked, names: Names) -> str:
    case = event.outcome if event.outcome in ("hit", "miss") else "none"
    where = f"{visible(event.object)}+{event.offset:#x}"
    return say(f"PagerAsked/{case}", where=where, frame=f"{event.frame:#x}", outcome=event.outcome)


@says(ev.BootStage, about="machine")
def _boot(event: ev.BootStage, names: Names) -> str:
    return say("BootStage", name=event.name, what=event.what)


@says(ev.Panicked, about="machine")
def _panic(event: ev.Panicked, names: Names) -> str:
    return say("Panicked", name=event.name, reason=visible(event.reason))
