"""Questions on copy-on-write: what tasks read after a fork, which pages are copied, and by which fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied, ShadowMoved
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables_schema import FaultRaised
from vmwidgets.labs.draws import Draws
from vmwidgets.pictures.registry import picture
from vmwidgets.views.scene.model import Scene

from .question import NUMBER, Again, Kind, Question, drawing, likeness, options_of, table
from .walk import CODE_RULE, code_mistakes

NAMES = "parent", "child", "grandchild"
LETTERS = "abcdefghijklmnopqrstuvwxyz"

RULE = (
    "**Fork, counted:** A fork copies no page: both tasks map the same frames, and a write to one traps to the "
    "kernel. The kernel counts how many tasks map each frame. A write to a frame that other tasks map too makes a "
    "copy; a task that maps a frame alone writes to it in place."
)
SHADOWS = (
    "**Fork by shadows:** A fork copies no page. It makes all pages in the parent's page tables read-only, and the "
    "child's page tables are empty. A read maps the page that it finds; if this page was there before the fork, it is "
    "mapped read-only. A write maps the task's own copy of the page, writable. No page is "
    "freed, and nothing else changes the tables."
)
KERNEL = "X15's `vm_map_fork` and `vm_object_shadow`"
COUNTED = "Linux's `do_wp_page`; here `vm_map_fork` on a machine with counted frames"


class Step(NamedTuple):
    """A task's action: it "forks" another task, or "reads" or "writes" a page, in shared memory if `shared`."""

    who: str
    verb: str
    page: int = 0
    letter: str = ""
    shared: bool = False

    @property
    def words(self) -> str:
        """The step as a line of a table."""
        if self.verb == "forks":
            return f"forks the {self.letter}"
        place = f"page {self.page}{' of the shared memory' if self.shared else ''}"
        return f"writes `{self.letter}` to {place}" if self.verb == "writes" else f"reads {place}"


class Family:
    """A task with pages of private and perhaps of shared memory, and later its descendants."""

    def __init__(self, pages: int, shared: int = 0, *, fork: str = "counted") -> None:
        self.machine = boot("x86-64", fork=fork)
        self.tasks: dict[str, Task] = {"parent": self.machine.task("parent")}
        first = self.tasks["parent"]
        self.private = int(first.mmap(pages * PAGE))
        self.shared = int(first.mmap(shared * PAGE, flags="shared")) if shared else 0
        for page in range(pages + shared):
            at = self.private + page * PAGE if page < pages else self.shared + (page - pages) * PAGE
            first.write(at, b"0")

    def address(self, step: Step) -> int:
        """Return the address that a step reads or writes."""
        return (self.shared if step.shared else self.private) + step.page * PAGE

    def do_alone(self, step: Step) -> None:
        """Do a step of a question on copies.

        Raises :class:`Again` if the kernel joins objects: then it copies less than the rule says.
        """
        self.do(step)
        if any(isinstance(event, ShadowMoved) for event in self.machine.journal.last.events):
            raise Again

    def do(self, step: Step) -> str:
        """Do a step; returns the bytes of a read."""
        task = self.tasks[step.who]
        if step.verb == "forks":
            self.tasks[step.letter] = task.fork(step.letter)
        elif step.verb == "writes":
            task.write(self.address(step), step.letter.encode())
        else:
            return task.read(self.address(step), 1).decode()
        return ""

    def faults(self) -> list[FaultRaised]:
        """Return the faults of the latest step."""
        return [event for event in self.machine.journal.last.events if isinstance(event, FaultRaised)]

    @property
    def copies(self) -> int:
        """The number of pages that the latest step copied."""
        return sum(isinstance(event, PageCopied) for event in self.machine.journal.last.events)

    @property
    def frames(self) -> int:
        """The frames that hold the tasks' pages."""
        return self.machine.frame_count


def drawing_of(
    pages: int, steps: Sequence[Step], title: str, shared: int = 0, *, fork: str = "counted"
) -> Callable[[], Scene]:
    """Return a function that draws the family's memory after these steps."""

    def draw() -> Scene:
        family = Family(pages, shared, fork=fork)
        for step in steps:
            family.do(step)
        return drawing(picture(family.machine.memory_objects), title)

    return draw


def drawn_steps(draws: Draws, pages: int, *, count: int, tasks: int, reads: bool = False) -> list[Step]:
    """Return forks and writes without repeated letters."""
    letters = iter(draws.shuffled(LETTERS))
    names, steps = list(NAMES[:tasks]), list[Step]()
    there = ["parent"]
    forks = {0, count // 2 + draws.below(2)} if tasks > 2 else {draws.below(3)}
    for number in range(count):
        if number in forks:
            steps.append(Step(there[-1], "forks", letter=names[len(there)]))
            there.append(names[len(there)])
        verb = draws.choice(("writes", "writes", "reads")) if reads else "writes"
        steps.append(Step(draws.choice(there), verb, draws.between(1, pages - 1), next(letters)))
    return steps


def story(steps: Sequence[Step]) -> str:
    """Return the steps as a table."""
    return table(("step", "task", "does"), [(str(at), step.who, step.words) for at, step in enumerate(steps, 1)])


def _begins(pages: int) -> str:
    return (
        f"The parent has {counted(pages, 'page')} of private memory, 0 to {pages - 1}, and has written to all of them"
    )


# ---- kinds -----------------------------------------------------------------------------------------


def _whose(question: Question) -> str:
    """Return the rule of thumb that gives the answer: the last write, the task's own last write, or no rule."""
    asked = re.findall(r"What does the (\w+) read in page (\d)", question.text)[0]
    writes = re.findall(rf"\| (\w+) \| writes (`\w`) to page {asked[1]} \|", question.text)
    own = [letter for who, letter in writes if who == asked[0]]
    if question.answer == writes[-1][1]:
        return "last"
    return "own" if own[-1:] == [question.answer] else "inherited"


def value(draws: Draws) -> Question:
    """Make a question on what a task reads at the end: its own last write, the inherited byte, or the last write."""
    pages, page = 3, draws.between(1, 2)
    steps = [
        step._replace(page=page) if draws.below(3) else step for step in drawn_steps(draws, pages, count=7, tasks=3)
    ]
    written = [step.letter for step in steps if step.verb == "writes" and step.page == page]
    if len(written) < 4:
        raise Again
    family, asked = Family(pages), Step(draws.choice(NAMES), "reads", page)
    for step in steps:
        family.do(step)
    found = family.do(asked)
    if found == "0":
        raise Again
    (last,) = [step for step in steps if step.letter == found]
    return Question(
        f"{_begins(pages)}: `0`. A fork gives the new task the same private memory, copy-on-write.\n\n"
        f"{story(steps)}\n\nWhat does the {asked.who} read in page {page} at the end?",
        f"`{found}`",
        f"The {last.who} wrote this in step {steps.index(last) + 1}; of later writes, the {asked.who} sees only its "
        f"own. ({KERNEL})",
        options=options_of(draws, f"`{found}`", draws.shuffled([f"`{letter}`" for letter in written])),
        mistakes=_not_read(steps, asked, last),
        solution=drawing_of(pages, steps, "The tasks' memory at the end"),
    )


def _not_read(steps: Sequence[Step], asked: Step, last: Step) -> dict[str, str]:
    """Return why the task does not read another write to the page: it was overwritten, or is in another task's page."""
    found = {}
    for number, step in enumerate(steps, 1):
        if step.verb == "writes" and step.page == asked.page and step != last:
            over = step.who == last.who and number <= steps.index(last)
            said = f"step {steps.index(last) + 1} wrote over it" if over else f"the {asked.who} does not see that write"
            found[f"`{step.letter}`"] = f"the {step.who} wrote it in step {number}; {said}"
    return found


def copies(draws: Draws) -> Question:
    """Make a question on how many pages are copied."""
    pages = draws.between(4, 9)
    steps = drawn_steps(draws, pages, count=draws.between(6, 14), tasks=2, reads=True)
    family, copied = Family(pages), list[int]()
    for number, step in enumerate(steps, 1):
        family.do_alone(step)
        copied += [number] * family.copies
    fork = next(number for number, step in enumerate(steps, 1) if step.verb == "forks")
    return Question(
        f"{_begins(pages)}. The kernel forks by counting.\n\n{story(steps)}\n\nHow many pages does the kernel copy?",
        str(len(copied)),
        f"The steps that copy a page: {', '.join(map(str, copied)) or 'none'}. Writes before the fork copy "
        "nothing; after "
        f"the fork, the second task that writes to a page is the only task that maps its frame. ({COUNTED})",
        NUMBER,
        rules=(RULE,),
        figure=drawing_of(pages, steps[:fork], "The tasks' memory after the fork"),
        solution=drawing_of(pages, steps, "The tasks' memory at the end"),
    )


def frames(draws: Draws) -> Question:
    """Make a question on how many frames a family of three needs."""
    pages = draws.between(4, 9)
    steps = drawn_steps(draws, pages, count=draws.between(5, 13), tasks=3)
    family, copied = Family(pages), list[int]()
    for number, step in enumerate(steps, 1):
        family.do_alone(step)
        copied += [number] * family.copies
    assert family.frames == pages + len(copied), "each copy takes a frame, and nothing is given back"
    return Question(
        f"{_begins(pages)}. The kernel forks by counting.\n\n{story(steps)}\n\nHow many frames hold pages of these "
        "tasks at the end?",
        str(family.frames),
        f"{pages} frames, and one more for the copy in each of these steps: "
        f"{', '.join(map(str, copied)) or 'none'}. At the other writes, no other task maps the frame. ({COUNTED})",
        NUMBER,
        rules=(RULE,),
        figure=drawing_of(pages, (), "The parent's memory at the beginning"),
        solution=drawing_of(pages, steps, "The tasks' memory at the end"),
    )


CODES = (None, 4, 5, 6, 7)
FAULTS = ("no fault", *(f"error code {code:#x}" for code in CODES[1:]))
OFTEN = (*("no fault",) * 3, *("error code 0x4", "error code 0x6", "error code 0x7") * 4)
"""The possible answers.  The shortest, "no fault", is right in one of five cases: as often as by guessing."""


def fault(draws: Draws) -> Question:
    """Make a question on the first fault of an access."""
    pages = 3
    steps = drawn_steps(draws, pages, count=4, tasks=2, reads=True)
    asked = Step(draws.choice(NAMES[:2]), draws.choice(("reads", "writes", "writes")), draws.between(1, 2), "z")
    family = Family(pages, fork="shadow")
    for step in (*steps, asked):
        family.do_alone(step)
    raised = family.faults()
    right = f"error code {raised[0].code:#x}" if raised else FAULTS[0]
    return Question(
        f"{_begins(pages)}. The kernel forks by shadows. All this is on x86-64, in user mode.\n\n{story(steps)}\n\n"
        f"Then the {asked.who} {asked.words.replace(' `z`', '')}. Which page fault does this access cause first?",
        right,
        _why(raised, asked),
        options=options_of(draws, right, FAULTS),
        rules=(SHADOWS, CODE_RULE),
        mistakes=dict(
            zip(FAULTS, code_mistakes(raised[0].code if raised else None, _reason(raised), CODES).values(), strict=True)
        ),
        solution=drawing_of(pages, steps, "The tasks' memory before the access", fork="shadow"),
    )


def _why(raised: Sequence[FaultRaised], asked: Step) -> str:
    if not raised:
        return f"The {asked.who}'s page tables map the page and allow the access. (Intel SDM 3A, 4.7; {KERNEL})"
    return f"In the {asked.who}'s page tables {_reason(raised)}. (Intel SDM 3A, 4.7; {KERNEL})"


def _reason(raised: Sequence[FaultRaised]) -> str:
    """Return the reason for the fault; "" if there was none."""
    if not raised:
        return ""
    return "the page " + ("is mapped, but not to be written" if (raised[0].code or 0) & 1 else "is not mapped yet")


def shared(draws: Draws) -> Question:
    """Make a question on what three tasks read in shared and in private memory."""
    pages = 2
    steps = [
        step._replace(page=1, shared=bool(draws.below(2))) if step.verb == "writes" else step
        for step in drawn_steps(draws, pages, count=7, tasks=3)
    ]
    family, wrong_way = Family(pages, pages), Family(pages, pages)
    for step in steps:
        family.do(step)
        wrong_way.do(step if step.verb == "forks" else step._replace(shared=not step.shared))
    right = tuple(_read(family, name) for name in NAMES)
    if len({one for one, _ in right}) < 2 or any(other == "0" for _, other in right):
        raise Again
    letters = [step.letter for step in steps if step.verb == "writes"]
    swapped = tuple((other, one) for one, other in (_read(wrong_way, name) for name in NAMES))
    all_own = tuple((one, draws.choice(letters)) for one, _ in right)
    all_shared = tuple((right[0][0], other) for _, other in right)
    seen = {other for _, other in right}
    unseen = [one for one in letters if one not in seen] or letters
    base = tuple((draws.choice(letters), draws.choice(unseen)) for _ in right)
    others = [
        tuple(pair if number != at else (draws.choice(letters), pair[1]) for number, pair in enumerate(base))
        for at in range(3)
    ]
    wrong = draws.shuffled([swapped, all_shared, all_own, base, *others])
    return Question(
        "The parent has page 1 of private memory and page 1 of shared memory (`MAP_SHARED`), both with `0` in it. A "
        f"fork gives the new task both.\n\n{story(steps)}\n\nWhat do the three tasks read in page 1 at the end, "
        "first in "
        "private and then in shared memory?",
        _rows(right),
        "All tasks see a write to shared memory, and the last write counts. A write to private memory is seen by "
        "its task, "
        f"and by tasks that it forks later. ({KERNEL})",
        options=options_of(draws, _rows(right), map(_rows, wrong)),
        mistakes={_rows(one): _differing(one, right) for one in wrong},
        solution=drawing_of(pages, steps, "The tasks' memory at the end", pages),
    )


def _read(family: Family, name: str) -> tuple[str, str]:
    return family.do(Step(name, "reads", 1)), family.do(Step(name, "reads", 1, shared=True))


def _rows(found: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name} `{one}` and `{other}`" for name, (one, other) in zip(NAMES, found, strict=True))


def _differing(found: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> str:
    """Return why an option is wrong: its error about shared memory, and the first task that reads another byte."""
    together, last = {other for _, other in found}, right[0][1]
    why = ["all tasks read the same byte in shared memory"] if len(together) > 1 else []
    why += [f"the last write to shared memory is `{last}`"] if together != {last} and not why else []
    other = (name for name, one, read in zip(NAMES, found, right, strict=True) if one[0] != read[0])
    for name in [*other][:1]:
        why.append(f"in private memory the {name} reads `{right[NAMES.index(name)][0]}`")
    return ", and ".join(why)


KINDS = (
    Kind("cow/value", 1, "what a task reads after forks and writes", value, ("own", "inherited", "last"), _whose),
    Kind("cow/copies", 2, "how many pages are copied", copies, ("1", "2", "3", "4", "5", "6")),
    Kind("cow/fault", 2, "the first fault that an access causes", fault, OFTEN),
    Kind("cow/frames", 3, "how many frames a family of three takes", frames, ("8", "9", "10", "11", "12", "13")),
    Kind("cow/shared", 3, "what three tasks read in private and in shared memory", shared, range(5), likeness),
)
