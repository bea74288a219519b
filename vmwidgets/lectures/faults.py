"""Faults and fork: a page is brought in at its first use; when it is copied depends on the way to fork."""

from __future__ import annotations

from typing import NamedTuple

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture, Ready

PAGES = 4


class Way(NamedTuple):
    """A lecturer's words for one way to fork: the reasons for the number of frames after each event, and notes."""

    picture: str
    """The picture that shows the frames best."""
    at_fork: str
    after_fork: str
    child_writes: str
    after_child: str
    parent_writes: str
    ends: str


WAYS = {
    "counted": Way(
        "Sharing",
        "No page is copied: both tasks map the same frames, and a write to them traps to the kernel.",
        "The fork copied the parent's page tables, and cleared W in each PTE of both. Both tasks keep their right to "
        "write: the map still says rw, but a write traps to the kernel, which counts who uses each frame. Now the "
        "child writes: the page is present, so this is a protection fault. Error code 7 is x86's, in Linux too. RISC-V "
        "says less: in xv6, scause is 15 for this write, and for a write to a page that is not present. "
        "What if the parent writes first?",
        "The write faults, and this one page is copied. The other three are shared as before.",
        "The price of a fork is paid page by page, and only for pages that are written. Next the parent writes to the "
        "same page. Its PTE still lacks W, so it faults, too: error code 7 again. Vote: is there a second copy?",
        "Only the parent still maps this frame, so the kernel sets W again, and copies no page.",
        "Two faults, and one copy.",
    ),
    "shadow": Way(
        "Objects",
        "No page is copied: both tasks see the same frames, and a write to them traps to the kernel.",
        "Round pages are seen by several tasks. Now the child writes. Here the child's tables are empty after a fork, "
        "so the fault is 'not present'; Linux copies the tables, and there it is a protection fault. A shadow is "
        "an object for the pages that one task has written; the other pages are found in the object behind it. "
        "What if the parent writes first?",
        "The write faults, and this one page is copied. The other three are shared as before.",
        "The price of a fork is paid page by page, and only for pages that are written. Next the parent writes to the "
        "same page. This kernel counts references to objects, not to frames. Vote: is there a second copy?",
        "The object has two references, so the parent gets a copy, too; Linux would use the frame that only it maps.",
        "Two faults, and two copies: one page of the object behind has no reader any more.",
    ),
    "eager": Way(
        "Sharing",
        "The fork copies each of the four pages, as the first UNIX did, and xv6.",
        "Each task has frames of its own, and may write to them. What is this work for if the child calls exec next? "
        "Now the child writes: no fault. What if the parent writes first?",
        "The child has its own frame for each page since the fork, so the write does not even fault.",
        "The price of this fork was paid at once, for each page. Next the parent writes to the same page. Vote.",
        "Each task writes to its own frame.",
        "No fault, and four copies.",
    ),
}


def lecture(fork: str = "counted") -> Lecture:
    """Return the lecture on a parent and its child, and on when pages are copied, in one way to fork.

    >>> list(lecture().what_if)
    ['the parent writes first', 'the child exits']
    >>> [lecture(way).ask["copied"][2] for way in WAYS]
    ['5', '6', '8']
    """
    way, machine = WAYS[fork], boot("x86-64", fork=fork)
    parent = machine.task("parent")
    told = Lecture("Faults and fork: memory at the last moment", machine)
    told.show(known_pictures()[way.picture](machine), known_pictures()["Fault"](machine))
    told.mark(
        "a promise",
        "Four pages will be mapped. Vote. Then step through the first fault: access, TLB, walk, fault, map, object, "
        "frame, tables, retry. Error code 6 is a write by user code. A pager fills the page, here "
        "with zeroes.",
        minutes=5,
    )
    start = parent.mmap(PAGES * PAGE)
    told.question(
        "a promise",
        "The task maps four pages. How many frames hold them then?",
        ["0", "1", "4"],
        machine.frame_count,
        "mmap only makes an entry. A frame is allocated at the first use of each page.",
        {"1": "This is so after the first access.", "4": "Right if mmap allocated memory immediately (MAP_POPULATE)."},
    )
    parent.write(start, b"mine")
    told.mark(
        "one page", "One page has a frame. The other three come in one step: their faults are all alike.", minutes=1
    )
    with machine.group("The parent writes the other three pages"):
        for page in range(1, PAGES):
            parent.write(start + page * PAGE, b"mine")
    told.mark("four pages", "Fork comes next. Ask what has to be copied, and vote.", minutes=3)

    def count(moment: str, text: str, why: str, wrong: dict[str, str]) -> None:
        answer = str(machine.frame_count)
        told.question(
            moment, text, [*wrong], answer, why, {option: said for option, said in wrong.items() if option != answer}
        )

    child = parent.fork("child")
    count(
        "four pages",
        "The parent forks. How many frames are in use for these pages after that?",
        way.at_fork,
        {
            "4": "Right if the fork copies no page, and leaves that to the first write.",
            "5": "The first write may copy one page. There has been no write yet.",
            "8": "The first UNIX copied everything; a child that calls exec next needs nothing of this.",
        },
    )
    told.mark("after fork", way.after_fork, minutes=5)
    first = machine.branch("after fork")
    first.tasks["parent"].write(start, b"hers")
    gone = machine.branch("after fork")
    gone.tasks["child"].exit()
    told.what_if = {"the parent writes first": first, "the child exits": gone}

    child.write(start, b"own!")
    count(
        "after fork",
        "The child writes to page 0. How many frames are in use then?",
        way.child_writes,
        {
            "4": "Then the parent would see what the child wrote.",
            "5": "Right if this write makes the first copy.",
            "8": "Right only if each page is copied, written or not.",
        },
    )
    told.mark("copied", way.after_child, minutes=4)
    parent.write(start, b"mine")
    count(
        "copied",
        "The parent writes to page 0, too. How many frames are in use then?",
        way.parent_writes,
        {
            "5": "Right if the kernel knows that only the parent still maps this frame.",
            "6": "Right if the kernel copies the page for the parent, too.",
            "8": "Right only if each page is copied, written or not.",
        },
    )
    told.mark(
        "both wrote",
        f"{way.ends} The child exits: its own frames are freed, and what both used is the parent's alone again. "
        "To end: count the frames that a fork and an exit cost, if the child wrote one page.",
        minutes=2,
    )
    child.exit()
    return told


READY = Ready(
    "faults", 20, "the shorter cow: demand paging, fork, copy-on-write (OSTEP 21, 23)", lecture, of_fork=lecture
)
