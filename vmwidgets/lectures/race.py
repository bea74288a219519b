"""A race: two scripts of six steps, all their orders, and the shortest one in which a freed page is read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.hindsight.orders import Orders, orders
from vmwidgets.engine.spaces.processors import SHOOTDOWNS
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture, Ready

Step = tuple[Any, ...]
"""A part of the machine, the name of a call to it, and the arguments."""

SECRET = b"PIN 4711"

PLACE = 0x1_0000
"""The address of the page: the first that `mmap` returns."""

KERNEL: tuple[Step, ...] = (
    ("task:editor", "munmap", PLACE, PAGE),
    ("cpu:0", "run", "bank"),
    ("task:bank", "mmap", PAGE),
    ("task:bank", "write", PLACE, SECRET),
    ("task:bank", "munmap", PLACE, PAGE),
    ("task:bank", "mmap", PAGE),
)
"""The kernel's steps on cpu 0: a thread of one task gives a page back, and another task runs, and gets the frame."""

PROGRAM: tuple[Step, ...] = (
    ("cpu:1", "load", PLACE, len(SECRET)),
    ("cpu:1", "load", PLACE, len(SECRET)),
    ("cpu:1", "acknowledge"),
    ("cpu:1", "load", PLACE, len(SECRET)),
    ("cpu:1", "run", "bank"),
    ("cpu:1", "run", "editor"),
)
"""The steps of cpu 1: it reads the page, and drops a translation when it looks at its interrupts."""

ONE_SCREEN = 840
"""Width in pixels of the only picture: its words are at least 11 pixels high, and 24 when enlarged to 1,920."""


def begun(shootdown: str) -> Machine:
    """Return the machine before the race, with this kind of shootdown: both processors run the editor, with one page.

    >>> begun("sent").cpus.shootdown
    'sent'
    """
    machine = boot("x86-64", layout="tiny", cpus=2)
    editor = machine.task("editor")
    machine.task("bank")
    editor.write(editor.mmap(PAGE), b"my draft")
    for cpu in machine.cpus:
        cpu.run("editor")
    machine.cpus.shootdown = shootdown
    return machine


def leaks(machine: Any) -> bool:
    """Return whether the latest operation was cpu 1's and read the bank's secret."""
    last = machine.journal.last
    return bool(last.target == "cpu:1" and last.result == SECRET)


def every_order(shootdown: str) -> Orders:
    """Return both scripts in every order, with this kind of shootdown.

    >>> every_order("acknowledged").wrong
    0
    """
    return orders(begun(shootdown), KERNEL, PROGRAM, leaks)


def lecture() -> Lecture:
    """Return the lecture on a race: a page's frame gets a new owner while cpu 1 still has the page's translation.

    >>> [answer for _, _, answer, _ in lecture().ask.values()]
    ['924', 'my draft', 'PIN 4711', 'none']
    """
    found = {kind: every_order(kind) for kind in SHOOTDOWNS}
    sent, waited = found["sent"], found["acknowledged"]
    order = sent.shortest or ()
    machine = begun("sent")
    told = Lecture("A stale translation: one race, every order", machine)
    editor = machine.tasks["editor"]
    told.show(known_pictures()["Dashboard"](editor, panes=["tlb", "walk", "frames"], address=PLACE), wide=ONE_SCREEN)
    told.mark(
        "two scripts",
        "The editor has two threads. The thread on cpu 0 unmaps the page; then the bank runs there, and gets the "
        "frame. The thread on cpu 1 reads the page. Each side has six steps, which keep their order; nothing else "
        "about their order is known. The request to drop a translation is sent, and the kernel does not wait for an "
        "answer.",
        minutes=4,
    )
    told.question(
        "two scripts",
        "Two scripts of six steps each. In how many orders can the twelve steps run?",
        ["12", "36", "924"],
        sent.count,
        "Choose which six of the twelve places belong to the kernel: 12! / (6! · 6!).",
        {"12": "That is how many steps there are.", "36": "6 · 6 counts pairs of steps, not orders of all twelve."},
    )
    _do(machine, order[0])
    told.mark(
        "cpu 1 knows the page",
        "A search did every order, and stopped in each when cpu 1 had read the bank's secret. From here the story "
        "is the shortest of those orders. cpu 1 has loaded from the page, and its TLB has the translation. Next the "
        "kernel unmaps the page.",
        minutes=3,
    )
    _do(machine, order[1])
    told.mark(
        "unmapped",
        "The descriptor is gone and the frame is free. The request to cpu 1 is under way, and the kernel continues. "
        "Vote: what does a load on cpu 1 return at this moment?",
        minutes=4,
    )
    told.question(
        "unmapped",
        "The page is unmapped, and cpu 1 has not handled its interrupts. What does a load return there?",
        ["a page fault", "my draft", "zeroes"],
        _loaded(machine.branch()),
        "cpu 1 has a hit in its TLB and does not read the tables. The free frame still has the old bytes.",
        {
            "a page fault": "That comes once cpu 1 has dropped the translation. Until then it does not ask the tables.",
            "zeroes": "A page is cleared when its frame is used again, not when it is freed.",
        },
    )
    for step in order[2:-1]:
        _do(machine, step)
    told.mark(
        "another owner",
        "The bank has the frame now, and has written its secret. The editor has no access to the bank's memory, says "
        "every table of the kernel. Vote, and then step.",
        minutes=4,
    )
    told.question(
        "another owner",
        "cpu 1 still runs the editor, and loads from the unmapped page. What does it read?",
        ["a page fault", "my draft", "PIN 4711"],
        _loaded(machine.branch()),
        "The stale translation leads to the frame, and the frame is the bank's.",
        {
            "a page fault": "The tables would say so; cpu 1 has a hit, and does not read them.",
            "my draft": "Those bytes were cleared when the bank got the frame.",
        },
    )
    _do(machine, order[-1])
    told.mark(
        "the secret is read",
        "Ask for one more order with the same end. "
        + " ".join(f"With a request that is {kind}, {_often(one)}." for kind, one in found.items())
        + " A kernel that waits for the answer is right in every order, and pays for the wait in every one.",
        minutes=5,
    )
    told.question(
        "the secret is read",
        "Let the kernel wait for the answer before it frees the page. In how many orders is the secret read then?",
        ["none", "half as many", "as many"],
        "none" if not waited.wrong else str(waited.wrong),
        "The frame is not free before cpu 1 has dropped its translation, so no order gives it to the bank too early.",
        {
            "half as many": "Then the kernel would still be wrong. A race that is rarer is harder to find.",
            "as many": "The wait is there to keep the frame from being used again too early.",
        },
    )
    waiting = machine.branch("cpu 1 knows the page")
    waiting.cpus.shootdown = "acknowledged"
    for step in order[1:]:
        _do(waiting, step)
    told.what_if["the kernel waits"] = waiting
    _do(machine, ("cpu:1", "acknowledge"))
    return told


def _do(machine: Machine, step: Step) -> None:
    """Do a step, which may fail."""
    path, name, *given = step
    with suppress(VMError):
        machine.recorded(path, name)(*given)


def _loaded(machine: Machine) -> str:
    """Return the result of a load by cpu 1 on a branch."""
    try:
        return machine.cpus[1].load(PLACE, len(SECRET)).decode()
    except VMError:
        return "a page fault"


def _often(found: Orders) -> str:
    """Return, in words, in how many of the orders the page is read.

    >>> _often(every_order("acknowledged"))
    'the secret is read in 0 orders of 924'
    """
    return f"the secret is read in {counted(found.wrong, 'order')} of {found.count:,}"


READY = Ready("race", 20, "a stale translation on two processors (OSTEP 19, 32)", lecture)
