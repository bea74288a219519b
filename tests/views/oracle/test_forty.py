"""Forty sentences keep who acts, how much, and which function it was: none becomes true by saying less.

What each has to say is told from its small life by hand: sizes, counts and addresses that were given, and what follows.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pytest

from . import (  # noqa: F401  # which list claims
    court,
    forty_lives,
)
from .claiming import CLAIMS, heard_of

pytestmark = pytest.mark.once


class Kept(NamedTuple):
    """What a sentence of a template has to say: in some sentence of the life, all of it."""

    key: str
    subject: str
    """Who acts, or what is acted on."""
    numbers: dict[str, str]
    """By placeholder, what it has to hold; "count" is 1 in a singular that has no place for it."""
    function: str
    """The function of the kernel, the operation, the signal or the error that it names."""


FORTY = {
    "of_a_map": [
        Kept("map operations: enter", "the map of init", {"size": "16 KiB", "address": "0x40_0000"}, "enter"),
        Kept("map operations: protect", "0x40_1000", {"size": "4 KiB", "rights": "r--"}, "protect"),
        Kept("map operations: range", "Entries", {"changed": "1", "cut": "2", "joined": "0"}, "merged"),
        Kept("map operations: advise", "advise", {"size": "8 KiB", "address": "0x40_0000", "what": "random"}, "advise"),
        Kept("map operations: wire", "wire", {"size": "4 KiB", "address": "0x40_1000"}, "wire"),
        Kept("map operations: lookup", "the entry", {"range": "0x40_1000–0x40_2000"}, "lookup"),
        Kept("map operations: remove", "the map of init", {"size": "16 KiB", "count": "3"}, "remove"),
        Kept("map events: EntryResized/low", "0x40_0000–0x40_4000", {"after": "0x40_0000–0x40_1000"}, "low part"),
        Kept("map events: EntryUnlinked", "0x40_2000–0x40_4000", {"range": "0x40_2000–0x40_4000"}, "list"),
        Kept("map events: EntryWired", "0x40_1000", {"entry": "0x40_1000"}, "wired once"),
    ],
    "of_pages": [
        Kept("object operations: swap_on", "Swap space", {"size": "64 KiB"}, "Swap"),
        Kept("object operations: mmap", "init", {"size": "16 KiB", "address": "0x40_0000", "flags": "private"}, "mmap"),
        Kept("map operations: write", "init", {"count": "8,192", "address": "0x40_0000"}, "write"),
        Kept("map operations: read", "init", {"count": "8,192", "address": "0x40_0000"}, "read"),
        Kept("map operations: access/faults", "page tables of init", {"count": "2", "pages": "2 pages"}, "page faults"),
        Kept("map operations: access/hit", "The TLB", {"count": "2"}, "no walk, no page fault"),
        Kept("map operations: access/copied/one has it", "init.1", {"count": "1", "page": "1"}, "page fault"),
        Kept("map events: FaultRaised", "0x40_1000", {"code": "6", "kind": "not-present"}, "error code"),
        Kept("map events: PagerAsked/miss", "memory 1", {"where": "memory 1+0x1000"}, "pager"),
        Kept("cpus: TlbMissed", "cpu:0", {"address": "0x40_0000"}, "walks the page tables"),
        Kept("cpus: TlbFlushed/range", "cpu:0", {"count": "2", "range": "0x40_0000–0x40_4000"}, "drops"),
        Kept("object operations: fork", "init.1", {"count": "1", "task": "init"}, "fork"),
        Kept("object events: PageCopied", "memory 1", {"page": "1", "object": "memory 2"}, "copied"),
        Kept("object operations: page_out", "swap space", {"count": "1", "swap": "1", "file": "0"}, "evicted"),
        Kept("object events: PageOut/swap", "memory 1", {"page": "0", "slot": "0"}, "swap slot"),
        Kept("object events: PageIn", "memory 1", {"page": "0", "slot": "0"}, "swap slot"),
        Kept("object operations: exit", "init.1", {"task": "init.1"}, "exit"),
        Kept("object operations: munmap", "init", {"size": "8 KiB", "count": "1"}, "munmap"),
        Kept("object operations: mprotect", "init", {"size": "4 KiB", "address": "0x40_2000"}, "mprotect"),
        Kept("object operations: limit", "init", {"size": "12 KiB"}, "rss"),
        Kept("object events: SignalSent", "Task init", {"address": "0x7000_0000"}, "SIGSEGV"),
        Kept("headlines: failed", "read", {"kind": "FAULT"}, "read"),
    ],
    "of_a_task_that_ends": [Kept("object operations: freed", "pages", {"count": "3"}, "free")],
    "of_files": [
        Kept("object operations: file", "text", {"size": "9,000 B"}, "file"),
        Kept("object operations: msync", "1 page", {"count": "1"}, "msync"),
        Kept("object operations: file read", "text", {"count": "10"}, "read"),
        Kept("object operations: file/pages", "memory", {"hits": "0 pages", "misses": "1 page"}, "read"),
        Kept("object operations: truncate", "text", {"size": "5,000 B", "before": "9,000 B"}, "truncate"),
        Kept("object events: PageDirtied", "file text", {"page": "1"}, "written back"),
        Kept("kmem operations: read_file", "film", {"count": "16", "read": "16"}, "read_file"),
    ],
    "of_processors": [
        Kept("cpus: cpu run", "cpu:1", {"space": "init"}, "runs"),
        Kept("map operations: read/cpu", "cpu:1", {"count": "8,192", "address": "0x40_0000"}, "load"),
        Kept("map operations: access/walked", "The TLB", {"count": "2"}, "walks of the page tables"),
        Kept("cpus: ShootdownSent", "cpu:0", {"cpu": "cpu:1", "what": "1 page at 0x40_0000 of init"}, "drop"),
        Kept("cpus: acknowledge", "cpu:1", {"count": "1"}, "shootdown"),
        Kept("cpus: flush", "cpu:1", {"count": "1"}, "flush"),
    ],
    "of_threads": [
        Kept("threads: ran/slept", "naps", {"what": "a wakeup of alarm"}, "sleeps"),
        Kept("threads: ThreadSlept/until", "naps", {"until": "5"}, "sleeps"),
        Kept("threads: tick", "The clock", {"before": "0", "after": "5"}, "clock"),
        Kept("threads: tick/woke", "naps", {"threads": "naps"}, "ready"),
        Kept("threads: wakeup", "1 thread", {"count": "1"}, "wakeup"),
        Kept("threads: Deadlocked", "left → right → left", {"chain": "left → right → left"}, "lock"),
    ],
    "of_kernel_memory": [
        Kept("kmem operations: alloc/pages", "kmem_map", {"size": "12 KiB", "count": "3"}, "kmem_malloc"),
        Kept("kmem operations: free/pages", "kmem_map", {"size": "12 KiB", "count": "3"}, "kmem_free"),
        Kept("kmem operations: alloc/addresses", "exec_map", {"size": "64 KiB"}, "kmem_alloc_wait"),
        Kept("threads: no gap", "exec_map", {"size": "16 KiB"}, "gap"),
        Kept("kmem operations: free", "exec_map", {"size": "64 KiB"}, "kmem_free_wakeup"),
        Kept("kmem operations: free/woke", "1 sleeper", {"count": "1"}, "woke"),
        Kept("kmem operations: suballoc", "inner", {"map": "kmem.kernel_map"}, "kmem_suballoc"),
        Kept("kmem operations: malloc", "zone 128", {"cache": "zone 128"}, "malloc"),
        Kept("kmem events: ZoneGrown", "Zone 128", {"size": "4 KiB"}, "kmem_malloc"),
        Kept("kmem operations: take_pages", "Another user", {"count": "10"}, "allocated"),
        Kept("kmem operations: give_pages", "Another user", {"count": "4"}, "freed"),
    ],
    "of_a_domain": [
        Kept("domain operations: made", "slots[0]", {"size": "16 KiB", "kind": "a frame"}, "physical"),
        Kept("domain operations: map", "slots[0]", {"size": "16 KiB", "address": "0x5000_0000", "flags": "rw-"}, "map"),
        Kept("domain operations: modify_flags", "modify_flags", {"size": "16 KiB", "flags": "r--"}, "modify_flags"),
        Kept("domain events: VnodeUnmapInvoked", "The kernel", {"entries": "0–3"}, "clears"),
        Kept("domain operations: unmap", "unmap", {"size": "16 KiB", "address": "0x5000_0000"}, "unmap"),
        Kept("domain operations: made/mint", "slots[0]", {"size": "16 KiB", "rights": "r-g"}, "minted"),
        Kept("domain events: Refused", "The kernel", {"error": "SYS_ERR_VM_MAP_RIGHTS"}, "vnode_map"),
        Kept("domain operations: take_slots", "hello", {"count": "5"}, "take_slots"),
        Kept("domain operations: give_slots", "hello", {"count": "2"}, "give_slots"),
    ],
}  # fmt: skip  # a table
"""By the name of the life that makes them."""


@cache
def said_in(life: str) -> dict[str, list[str]]:
    """The sentences of a small life, by the keys of their templates."""
    said: dict[str, list[str]] = {}
    for machine in getattr(forty_lives, life)():
        for key, sentence in heard_of(machine.journal.last)[1]:
            said.setdefault(key, []).append(sentence)
    return said


def lacks(kept: Kept, sentence: str) -> list[str]:
    """What a sentence does not say of all that it has to."""
    matches = [match for pattern in CLAIMS[kept.key].patterns if (match := pattern.match(sentence))]
    places = matches[0].groupdict() if matches else {}
    missing = [text for text in (kept.subject, kept.function) if not has_words(sentence, text)]
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
    assert any(lacks(kept, sentence) == [] for sentence in said), {one: lacks(kept, one) for one in said}


def test_a_sentence_that_says_less_is_found() -> None:
    kept = FORTY["of_kernel_memory"][0]
    (sentence,) = said_in("of_kernel_memory")[kept.key]
    assert lacks(kept, sentence) == []
    assert lacks(kept, sentence.replace("12 KiB", "some memory")) == ["size 12 KiB"]
    assert lacks(kept, sentence.replace("kmem_map", "a map")) == ["kmem_map"]
    assert lacks(kept, sentence.replace("kmem_malloc", "It")) == ["kmem_malloc"]
    assert lacks(kept, sentence.replace("3 pages", "pages")) == ["size 12 KiB", "count 3"]


def test_they_are_forty_at_least() -> None:
    keys = {one.key for kept in FORTY.values() for one in kept}
    assert len(keys) == sum(map(len, FORTY.values())) >= 40
