"""The effect of an operation in one sentence: the words, the functions to name, and the wording of failures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any, TypeVar

from vmwidgets import events as ev
from vmwidgets.engine.base.journal import MAX_EVENTS, Operation
from vmwidgets.engine.base.units import binary_size, counted, listed
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.calls import Functions, followed, left_open, returned

from .called import called
from .names import address
from .registry import HEADLINES, Headline, Sentences, saying_of

say = Sentences("headlines")

MAX_FUNCTIONS = 5
"""The most functions that a caption names; if there are more, it names the first and the last ones."""

MAX_WORDS = 20
"""The most words of a headline."""

E = TypeVar("E", bound=ev.Event)

NAMING = ("map", "cache", "object", "file", "task", "cpu", "thread", "domain", "zone", "ring", "owner")
"""Attributes in which events name their subject."""


class Facts:
    """The basis of a headline: the operation, its events, and its arguments."""

    def __init__(self, operation: Operation, events: Sequence[ev.Event]) -> None:
        self.operation = operation
        self.events = events
        self.name = operation.name
        self.result = operation.result
        self.truncated = operation.truncated

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """The arguments of the call, by name."""
        return dict(self.operation.arguments)

    @property
    def target(self) -> str:
        """The path of the part that was called."""
        return visible(self.operation.target.replace("%2F", "/").replace("%25", "%"))

    @property
    def part(self) -> str:
        """The learners' name for the part that was called."""
        return called(self.operation.target)

    @property
    def map(self) -> str:
        """The name of the map that was called or, in an unchecked call, passed."""
        given = self.given.get("map") if self.operation.target == "unchecked" else None
        return visible(str(given)) if given else self.part

    @property
    def own_name(self) -> str:
        """The name of the called task or file, as in events."""
        return self.operation.target.partition(":")[2].replace("%2F", "/").replace("%25", "%")

    def of(self, *kinds: type[E]) -> list[E]:
        """Return the events of some kinds, whatever their map, cache or task, to be counted or searched.

        To find the latest event of a map, cache or task, call :meth:`last`.
        """
        return [event for event in self.events if isinstance(event, kinds)]

    def last(self, kind: type[E], **which: object) -> E | None:
        """Return the latest event of a kind with the attributes `which`; None if there is none.

        Raises :class:`TypeError` if events of that kind name their map, cache or object, and `which` does not.
        """
        naming = [name for name in NAMING if name in kind.field_names]
        if naming and not which.keys() & {*naming}:
            raise TypeError(f"the last {kind.__name__} of which {naming[0]}?")
        found = (event for event in reversed(self.of(kind)) if all(getattr(event, a) == b for a, b in which.items()))
        return next(found, None)

    def of_the_cell(self) -> Facts:
        """Return the facts without the events of threads that ran while the cell waited."""
        if not self.of(ev.ThreadRuns):
            return self
        return Facts(self.operation, [event for _, event, _, runner in followed(self.events) if not runner])

    def at_map(self, *kinds: type[E]) -> list[E]:
        """Return the events of the map that was called."""
        given = self.given.get("map") if self.operation.target == "unchecked" else None
        name = str(given) if given else self.operation.target.removeprefix("kmem/")
        names = (name, self.operation.target)
        return [event for event in self.of(*kinds) if getattr(event, "map", name) in names]

    def of_task(self, *kinds: type[E]) -> list[E]:
        """Return the events of the called task's address space, without events of the kernel's maps."""
        own = f"{self.operation.target}/map"
        return [event for event in self.of(*kinds) if getattr(event, "map", own) == own]

    def called(self, name: str) -> ev.Called | None:
        """Return the latest call of a kernel function."""
        return next((event for event in reversed(self.of(ev.Called)) if event.name == name), None)

    def returned(self, name: str) -> list[object]:
        """Return the results of a kernel function's successful calls."""
        return [result for _, result in returned(self.events, name)]

    def mapped_by_faults(self) -> int:
        """Return the number of pages that faults mapped and that then stayed in memory."""
        left: dict[object, int] = {
            event.frame: at for at, event in enumerate(self.events) if isinstance(event, ev.PageOut)
        }
        return sum(left.get(frame, -1) < at for at, frame in returned(self.events, "vm_map_fault"))

    def size(self, name: str = "size") -> str:
        """Return a size from the arguments, in words."""
        given = self.given.get(name)
        return binary_size(given) if isinstance(given, int) else visible(str(given or "a range"))

    def where(self, name: str = "address") -> str:
        """Return an address from the arguments."""
        return visible(address(self.given.get(name, 0)))


def headline(operation: Operation, events: Sequence[ev.Event]) -> Caption:
    """Return the headline of `operation`, with its functions and its tone."""
    facts = Facts(operation, events)
    if operation.outcome == "panic":
        functions = shortened(left_open(events))
        return Caption(say("panic", said=visible(operation.said)), functions, say("panic/dead"), "panic")
    if operation.outcome == "error":
        return _failed(facts)
    if operation.outcome == "interrupted":
        text = say("interrupted", name=operation.name, address=address(operation.result[-1]))
        return Caption(text, shortened(left_open(events)), "", "error")
    text, reason = written(facts)
    if operation.truncated:
        reason = say("long", events=f"{MAX_EVENTS:,}")
    return Caption(text, telling(facts), reason, "error" if facts.of(ev.Deadlocked) else "good")


def written(facts: Facts) -> Headline:
    """Return the headline of a completed operation."""
    name, part = facts.name, part_of(facts.operation.target)
    writer = HEADLINES.get((part, name)) or HEADLINES.get(("", name))
    if writer is None:
        changed = receipt(facts.events)
        return Headline(say("other" if changed else "other/nothing", name=name, target=facts.part, changed=changed))
    return writer(facts)


_NOUNS = {"entry": "entries", "frame": "frames", "memory object": "memory objects", "descriptor": "descriptors"}
_NEW: dict[type[ev.Event], str] = {ev.PageAllocated: "frame", ev.EntryLinked: "entry", ev.ObjectMade: "memory object"}
_GONE: dict[type[ev.Event], str] = {ev.PageFreed: "frame", ev.EntryUnlinked: "entry", ev.ObjectGone: "memory object"}


def counts_of(events: Iterable[ev.Event]) -> dict[str, Counter[str]]:
    """Count what events created, changed and removed: frames, entries, memory objects, descriptors.  O(events)."""
    new, gone, written = Counter[str](), Counter[str](), set[int]()
    for event in events:
        for counts, kinds in ((new, _NEW), (gone, _GONE)):
            if type(event) in kinds:
                counts[kinds[type(event)]] += 1 << getattr(event, "order", 0)
        if isinstance(event, ev.PteWritten):
            written.add(event.pa)
        elif isinstance(event, ev.PteRunWritten):
            written.update(pa for pa, _, _ in event.words())
    return {"new": new, "changed": Counter({"descriptor": len(written)}), "gone": gone}


def receipt(events: Iterable[ev.Event]) -> str:
    """Return the changes in numbers: the text of an operation without a sentence, and a check of the other sentences.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("16 KiB")
    >>> receipt(m.journal.last.events)
    '1 entry new'
    """
    texts = []
    for how, counts in counts_of(events).items():
        some = [counted(counts[one], one, many) for one, many in _NOUNS.items() if counts[one]]
        texts += [f"{listed(some)} {how}"] if some else []
    return "; ".join(texts)


def part_of(target: str) -> str:
    """Return the kind of part that a path names.

    >>> [part_of(path) for path in ("kernel_map", "task:init/map", "task:init", "kmem/exec_map", "cpu:0")]
    ['map', 'map', 'task', 'kmem', 'cpu']
    """
    head, _, rest = target.partition("/")
    kind = head.partition(":")[0]
    if kind == "task" and rest:
        return "map"
    if kind == "domain" and rest:
        return "memobj"
    return "map" if kind in ("kernel_map", "unchecked") else kind


def _failed(facts: Facts) -> Caption:
    """Return what failed, and with which error: in a chain of errors, the one that caused the others."""
    operation = facts.operation
    said = visible(operation.said)
    after = HEADLINES.get((part_of(operation.target), "failed"), HEADLINES[("", "failed")])(facts)
    causes = causes_of(said)
    if causes:
        kind, why = causes[-1]
        text = say("failed", name=operation.name, kind=kind)
    else:
        text, why = say("failed/other", name=operation.name, said=said), ""
        if len(text.split()) > MAX_WORDS:
            text, why = say("failed/briefly", name=operation.name), said
    reason = f"{say('detail', said=_begun(why))} {after.reason}".rstrip() if why else after.reason
    functions = _where_it_failed(facts.events) if _is_domains(facts) else left_open(facts.events)
    return Caption(text, shortened(functions) or telling(facts), reason, "error")


def _begun(said: str) -> str:
    """Return an error's text with a capital letter, to begin a sentence; a function's name at its start stays as it is.

    >>> _begun("no gap of 1 TiB"), _begun("kmem_alloc_wait can't finish")
    ('No gap of 1 TiB', "kmem_alloc_wait can't finish")
    """
    return said if "_" in said.partition(" ")[0] else said[:1].upper() + said[1:]


_CAUSE = re.compile(r"(?:^| \(|; )([A-Z][A-Z_0-9]+): ")
"""The places in an error's text where the name of another error begins."""


def causes_of(said: str) -> list[tuple[str, str]]:
    """Return the errors that a sentence names, outermost first, with the text of each; none if it names none.

    >>> causes_of("LIB_ERR_FRAME_ALLOC: no frame is available (LIB_ERR_SLOT_ALLOC: no slot is available)")
    [('LIB_ERR_FRAME_ALLOC', 'no frame is available'), ('LIB_ERR_SLOT_ALLOC', 'no slot is available')]
    >>> causes_of("NOMEM: no gap of 1 TiB (the largest has 2 GiB)")
    [('NOMEM', 'no gap of 1 TiB (the largest has 2 GiB)')]
    >>> causes_of("the handler of thread 'a' failed")
    []
    """
    found = list(_CAUSE.finditer(said))
    if not found or found[0].start():
        return []
    ends = [*(one.start() for one in found[1:]), len(said) - (len(found) > 1)]  # all but the first name are in brackets
    return [(one[1], said[one.end() : end]) for one, end in zip(found, ends, strict=True)]


# ---- functions -----------------------------------------------------------------------------------


def shortened(functions: Functions) -> Functions:
    """Return the outermost and the innermost functions, if there are many, with "…" between them.

    >>> shortened(("a", "b", "c", "d", "e", "f"))
    ('a', '…', 'c', 'd', 'e', 'f')
    """
    many = len(functions) > MAX_FUNCTIONS
    return (*functions[:1], "…", *functions[-(MAX_FUNCTIONS - 1) :]) if many else functions


_CHANGE = 2
"""The least weight of an event that changes a map."""


def _weight(event: ev.Event, where: str) -> int:
    """Return how much an event says about an operation's subject (:attr:`.registry.Saying.weight`)."""
    return saying_of(event).weight.get(where, 0)


def telling(facts: Facts) -> Functions:
    """Return the operation's name, unless the kernel function has it, and the functions at the most important event."""
    if _is_domains(facts):
        return _domains_functions(facts)
    best = _most_telling(facts)
    return shortened(best if best and facts.name in best[0] else (facts.name, *best))


def _most_telling(facts: Facts) -> Functions:
    """Return the kernel functions that were running at the most important event; none if they all say too little."""
    where = "kmem" if facts.of(ev.MapLocked, ev.MapUnlocked) else "map"
    if where == "map" and facts.name in _SEVERAL and not facts.truncated:
        return _in_common(facts)
    best: Functions = ()
    rank = 0 if where == "kmem" else -1
    for _, event, functions, _ in followed(facts.events):
        weight = _weight(event, where)
        if functions and weight >= rank and (weight or where == "map"):
            best, rank = functions, weight
    if where == "map" and rank < _CHANGE and facts.name != "lookup":  # no important event: what all events share
        best = _shared(functions for _, _, functions, _ in followed(facts.events) if functions)
        best = () if best[:1] == ("rbtree_lookup_nearest",) else best  # a search alone is not the requested operation
    return best


_SEVERAL = ("remove", "vm_map_remove")
"""Operations whose work several functions share: cutting at both ends, and unlinking the part in between."""


def _in_common(facts: Facts) -> Functions:
    """Return the functions that were running at each change of a map."""
    changes = [
        functions for _, event, functions, _ in followed(facts.events) if functions and _weight(event, "map") >= _CHANGE
    ]
    if not changes:
        return next((functions for _, _, functions, _ in followed(facts.events) if functions), ())
    return _shared(changes)


def _shared(stacks: Iterable[Functions]) -> Functions:
    """Return the functions with which all of the stacks begin."""
    return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*stacks, strict=False)))


def _is_domains(facts: Facts) -> bool:
    kind = facts.operation.target.partition(":")[0]
    return kind == "domain" or facts.name in ("domain", "destroy_domain")


def _domains_functions(facts: Facts) -> Functions:
    """Return the functions at the last request to write entries, or if there is none, to make a capability.

    Revoking is recognized by its own name, whatever it unmaps.
    """
    if facts.called("caps_revoke") is not None:
        return ("caps_revoke",)
    best: Functions = ()
    rank = 1
    for _, event, functions, _ in followed(facts.events):
        weight = _weight(event, "domain")
        if weight >= rank and functions and "refill_slabs" not in functions:
            best, rank = functions, weight
    return shortened(best) or (facts.name,)


def _where_it_failed(events: Sequence[ev.Event]) -> Functions:
    """Return the functions that were running where the last error began; functions that undo work return after that."""
    stack: list[str] = []
    deepest: Functions = ()
    for event in events:
        if isinstance(event, ev.Called):
            stack.append(event.name)
        elif isinstance(event, ev.Returned) and stack:
            failed = isinstance(event.result, str) and "_ERR_" in event.result
            if failed and not (deepest[: len(stack)] == tuple(stack) and len(deepest) > len(stack)):
                deepest = tuple(stack)
            stack.pop()
    return deepest
