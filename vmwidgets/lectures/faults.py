"""Faults and fork: a page comes at its first use, and is copied at the first write after a fork."""

from __future__ import annotations

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture

PAGES = 4


def lecture() -> Lecture:
    """A parent, its child, and who copies what.

    >>> list(lecture().what_if)
    ['the parent writes first', 'the child exits']
    """
    machine = boot("x86-64")
    parent = machine.task("parent")
    told = Lecture("Faults and fork: memory at the last moment", machine)
    told.show(known_pictures()["Objects"](machine), known_pictures()["Fault"](machine))
    start = parent.mmap(PAGES * PAGE)
    told.mark(
        "a promise",
        "Four pages are mapped, and no frame is used. Vote. Then step through the first fault: access, TLB, "
        "walk, fault, "
        "map, object, frame, tables, retry. Error code 6 is a write by user code. A pager fills the page, here "
        "with zeroes. The ring is the list in which the kernel later looks for a page to evict.",
        minutes=5,
    )
    told.question(
        "a promise", "The task has mapped four pages. How many frames hold them?", ["0", "1", "4"],
        machine.frame_count, "mmap only makes an entry. A frame is allocated at the first use of each page.",
        {"1": "This is so after the first access.", "4": "Right if mmap allocated memory immediately (MAP_POPULATE)."},
    )  # fmt: skip
    parent.write(start, b"mine")
    told.mark(
        "one page", "One page has a frame. The other three come in one step: their faults are all alike.", minutes=1
    )
    with machine.group("the other three pages"):
        for page in range(1, PAGES):
            parent.write(start + page * PAGE, b"mine")
    told.mark("four pages", "Fork comes next. Ask what has to be copied, and vote.", minutes=3)

    child = parent.fork("child")
    told.question(
        "four pages", "The parent forks. How many frames are in use for these pages after that?", ["4", "5", "8"],
        machine.frame_count, "Nothing is copied: both see the same frames, and may only read them.",
        {"5": "One will be copied at the first write, and there has been no write yet.",
         "8": "The first Unix copied everything; a child that calls exec next needs nothing of this."},
    )  # fmt: skip
    told.mark(
        "after fork",
        "Round pages are seen by several tasks. Now the child writes. Here the child's tables are empty "
        "after a fork, so "
        "the fault is 'not present'; Linux and xv6 copy the tables, and there it is a protection fault. A shadow is an "
        "object for the pages that one task has written; the other pages are found in the object behind it. "
        "What if the parent writes first?",
        minutes=5,
    )
    first = machine.branch("after fork")
    first.tasks["parent"].write(start, b"hers")
    gone = machine.branch("after fork")
    gone.tasks["child"].exit()
    told.what_if = {"the parent writes first": first, "the child exits": gone}

    child.write(start, b"own!")
    told.question(
        "after fork", "The child writes to page 0. How many frames are in use then?", ["4", "5", "8"],
        machine.frame_count, "The write faults, and this one page is copied. The other three are shared as before.",
        {"4": "Then the parent would see what the child wrote.", "8": "Only the page that is written is copied."},
    )  # fmt: skip
    told.mark(
        "copied",
        "The price of a fork is paid page by page, and only for pages that are written. Next the parent "
        "writes to the "
        "same page: this kernel copies it too; Linux would reuse the frame that only one task sees.",
        minutes=4,
    )
    parent.write(start, b"mine")
    told.mark(
        "both wrote",
        "The child exits: its own frame is freed, and the shared ones are the parent's alone again. To end: count the "
        "frames that a fork and an exit cost, if the child wrote one page.",
        minutes=2,
    )
    child.exit()
    return told
