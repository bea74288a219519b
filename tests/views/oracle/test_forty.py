"""Forty sentences keep who acts, how much, and which function it was: none becomes true by saying less.

What each has to say is told from its small life by hand: sizes, counts and addresses that were given, and what follows.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pytest

from vmwidgets.views.story.calls import Functions

from . import (  # noqa: F401  # which list claims
    court,
    forty_lives,
)
from .claiming import CLAIMS, heard_of


class Kept(NamedTuple):
    """What a sentence of a template has to say: in some sentence of the life, all of it."""

    key: str
    numbers: dict[str, str]
    """By placeholder, what it has to hold; "count" is 1 in a singular that has no place for it."""
    names: tuple[str, ...] = ()
    """Of who acts, or what is acted on, as machines call them."""
    function: str = ""
    """The function of the kernel or the operation: in the sentence, or in the line of functions below it."""


FORTY = {
    "of_a_map": [
        Kept("map operations: enter", {"size": "16 KiB", "address": "0x40_0000"}, ("the map of init",), "vm_map_enter"),
        Kept("map operations: protect", {"size": "4 KiB", "rights": "r--"}, ("0x40_1000",), "vm_map_protect"),
        Kept("map operations: range", {"changed": "1", "cut": "2", "joined": "0"}),
        Kept("map operations: advise",
             {"size": "8 KiB", "address": "0x40_0000", "what": "random"}, (), "vm_map_madvise"),
        Kept("map operations: wire", {"size": "4 KiB", "address": "0x40_1000"}, (), "vm_map_wire"),
        Kept("map operations: lookup", {"range": "0x40_1000–0x40_2000"}, (), "vm_map_lookup_nearest"),
        Kept("map operations: remove", {"size": "16 KiB", "count": "3"}, ("the map of init",), "vm_map_remove"),
        Kept("map events: EntryResized/low", {"after": "0x40_0000–0x40_1000"}, ("0x40_0000–0x40_4000",)),
        Kept("map events: EntryUnlinked", {"range": "0x40_2000–0x40_4000"}),
        Kept("map events: EntryWired", {"entry": "0x40_1000"}),
    ],
    "of_pages": [
        Kept("object operations: swap_on", {"size": "64 KiB"}),
        Kept("object operations: mmap",
             {"size": "16 KiB", "address": "0x40_0000", "flags": "private"}, ("init",), "vm_mmap"),
        Kept("map operations: write", {"count": "8,192", "address": "0x40_0000"}, ("init", "wrote")),
        Kept("map operations: read", {"count": "8,192", "address": "0x40_0000"}, ("init", "read")),
        Kept("map operations: access/faults", {"count": "2", "pages": "2 pages"}, ("page tables of init",)),
        Kept("map operations: access/hit", {"count": "2"}),
        Kept("map operations: access/copied/one has it", {"count": "1", "page": "1"}, ("init.1",)),
        Kept("map events: FaultRaised", {"code": "6", "kind": "not-present"}, ("0x40_1000",)),
        Kept("map events: PagerAsked/miss", {"where": "memory 1+0x1000"}, ("memory 1",)),
        Kept("cpus: TlbMissed", {"address": "0x40_0000"}, ("cpu:0",)),
        Kept("cpus: TlbFlushed/range", {"count": "2", "range": "0x40_0000–0x40_4000"}, ("cpu:0",)),
        Kept("object operations: fork", {"count": "1", "task": "init"}, ("init.1",), "vm_map_fork"),
        Kept("object events: PageCopied/here",
             {"page": "1", "object": "memory 2", "address": "0x40_1000"}, ("memory 1",)),
        Kept("object operations: page_out", {"count": "1", "swap": "1", "file": "0"}),
        Kept("object events: PageOut/swap", {"page": "0", "slot": "0"}, ("memory 1",)),
        Kept("object events: PageIn", {"page": "0", "slot": "0"}, ("memory 1",)),
        Kept("object operations: exit", {"task": "init.1"}, (), "exit"),
        Kept("object operations: munmap", {"size": "8 KiB", "count": "1"}, ("init",), "munmap"),
        Kept("object operations: mprotect", {"size": "4 KiB", "address": "0x40_2000"}, ("init",), "mprotect"),
        Kept("object operations: limit", {"size": "12 KiB"}, ("init", "rss")),
        Kept("object events: SignalSent", {"address": "0x7000_0000"}, ("SIGSEGV",)),
        Kept("headlines: failed", {"kind": "FAULT"}, ("read",)),
    ],
    "of_a_task_that_ends": [
        Kept("object operations: freed", {"count": "3"}, ("free",)),
    ],
    "of_files": [
        Kept("object operations: file", {"size": "9,000 B"}, ("text",)),
        Kept("object operations: msync", {"count": "1"}, (), "msync"),
        Kept("object operations: file read", {"count": "10"}, ("text", "read")),
        Kept("object operations: file/pages", {"hits": "0 pages", "misses": "1 page"}, ("read",)),
        Kept("object operations: truncate", {"size": "5,000 B", "before": "9,000 B"}, ("text",), "truncate"),
        Kept("object events: PageDirtied", {"page": "1"}, ("file text",)),
        Kept("kmem operations: read_file", {"count": "16", "read": "16"}, ("film",), "read_file"),
    ],
    "of_processors": [
        Kept("cpus: cpu run", {"space": "init"}, ("cpu:1",)),
        Kept("map operations: read/cpu", {"count": "8,192", "address": "0x40_0000"}, ("cpu:1", "loaded")),
        Kept("map operations: access/walked", {"count": "2"}),
        Kept("cpus: ShootdownSent", {"cpu": "cpu:1", "what": "1 page at 0x40_0000 of init"}, ("cpu:0",)),
        Kept("cpus: acknowledge", {"count": "1"}, ("cpu:1",)),
        Kept("cpus: flush", {"count": "1"}, ("cpu:1",), "flush"),
    ],
    "of_threads": [
        Kept("threads: ran/slept", {"what": "a wakeup of alarm"}, ("naps",)),
        Kept("threads: ThreadSlept/until", {"until": "5"}, ("naps",)),
        Kept("threads: tick", {"before": "0", "after": "5"}),
        Kept("threads: tick/woke", {"threads": "naps"}),
        Kept("threads: wakeup", {"count": "1"}, (), "wakeup"),
        Kept("threads: Deadlocked", {"chain": "left → right → left"}, ("lock",)),
    ],
    "of_kernel_memory": [
        Kept("kmem operations: alloc/pages", {"size": "12 KiB", "count": "3"}, ("kmem_map",), "kmem_malloc"),
        Kept("kmem operations: free/pages", {"size": "12 KiB", "count": "3"}, ("kmem_map",), "kmem_free"),
        Kept("kmem operations: alloc/addresses", {"size": "64 KiB"}, ("exec_map",), "kmem_alloc_wait"),
        Kept("threads: no gap", {"size": "16 KiB"}, ("exec_map",)),
        Kept("kmem operations: free", {"size": "64 KiB"}, ("exec_map",), "kmem_free_wakeup"),
        Kept("kmem operations: free/woke", {"count": "1"}),
        Kept("kmem operations: suballoc", {"map": "kmem.kernel_map"}, ("inner",), "kmem_suballoc"),
        Kept("kmem operations: malloc", {"cache": "zone 128"}, (), "malloc"),
        Kept("kmem events: ZoneGrown", {"size": "4 KiB"}, ("kmem_malloc",)),
        Kept("kmem operations: take_pages", {"count": "10"}),
        Kept("kmem operations: give_pages", {"count": "4"}),
    ],
    "of_a_domain": [
        Kept("domain operations: made", {"size": "16 KiB", "kind": "a frame"}, ("slots[0]",)),
        Kept("domain operations: map/refilled", {"size": "16 KiB", "address": "0x5000_0000"}, (), "map"),
        Kept("domain operations: map/frame", {"flags": "rw-"}, ("slots[0]",)),
        Kept("domain operations: modify_flags", {"size": "16 KiB", "flags": "r--"}, (), "modify_flags"),
        Kept("domain events: VnodeUnmapInvoked", {"entries": "0–3"}),
        Kept("domain operations: unmap", {"size": "16 KiB", "address": "0x5000_0000"}, (), "unmap"),
        Kept("domain operations: made/mint", {"rights": "r-g"}, ("slots[0]",)),
        Kept("domain events: Refused", {"error": "SYS_ERR_VM_MAP_RIGHTS"}, ("vnode_map",)),
        Kept("domain operations: take_slots", {"count": "5"}, ("hello",), "take_slots"),
        Kept("domain operations: give_slots", {"count": "2"}, ("hello",), "give_slots"),
    ],
}  # fmt: skip  # a table
"""By the name of the life that makes them."""


@cache
def said_in(life: str) -> dict[str, list[tuple[str, Functions]]]:
    """The sentences of a small life with the functions below them, by the keys of their templates."""
    said: dict[str, list[tuple[str, Functions]]] = {}
    for machine in getattr(forty_lives, life)():
        moment, heard = heard_of(machine.journal.last)
        for key, sentence in heard:
            said.setdefault(key, []).append((sentence, moment.story.headline.functions))
    return said


def lacks(kept: Kept, sentence: str, functions: Functions) -> list[str]:
    """What a sentence does not say of all that it has to."""
    matches = [match for pattern in CLAIMS[kept.key].patterns if (match := pattern.match(sentence))]
    places = matches[0].groupdict() if matches else {}
    missing = [text for text in kept.names if not has_words(sentence, text)]
    if kept.function and kept.function not in functions and not has_words(sentence, kept.function):
        missing.append(kept.function)
    for name, text in kept.numbers.items():
        place = places.get(name, sentence if name == "count" else "")
        if not has_words(place, text):
            missing.append(f"{name} {text}")
    return missing


def has_words(sentence: str, words: str) -> bool:
    """Whether these are in it, and none is part of a longer word or number."""
    return re.search(rf"(?<![\w,.]){re.escape(words)}(?![\w]|[,.]\w)", sentence) is not None


@pytest.mark.parametrize(
    ("life", "kept"), [pytest.param(life, one, id=one.key) for life, kept in FORTY.items() for one in kept]
)
def test_forty_sentences_keep_subject_number_and_function(life: str, kept: Kept) -> None:
    said = said_in(life).get(kept.key, [])
    assert said, "nothing says this any more"
    assert any(lacks(kept, *one) == [] for one in said), {one: lacks(kept, *one) for one in said}


def test_a_sentence_that_says_less_is_found() -> None:
    kept = FORTY["of_kernel_memory"][0]
    ((sentence, functions),) = said_in("of_kernel_memory")[kept.key]
    assert lacks(kept, sentence, functions) == []
    assert lacks(kept, sentence.replace("12 KiB", "some memory"), functions) == ["size 12 KiB"]
    assert lacks(kept, sentence.replace("kmem_map", "a map"), functions) == ["kmem_map"]
    assert lacks(kept, sentence, ("kmem_alloc",)) == ["kmem_malloc"]
    assert lacks(kept, sentence.replace("3 pages", "pages"), functions) == ["size 12 KiB", "count 3"]


def test_they_are_forty_at_least() -> None:
    keys = {one.key for kept in FORTY.values() for one in kept}
    assert len(keys) == sum(map(len, FORTY.values())) >= 40
