"""What is claimed of forks that copy each page at once, or count who has a frame."""

from __future__ import annotations

import vmwidgets as vm

from .claiming import Said, Seen, claim
from .claims_accesses import copied_from
from .claims_object_steps import faulted_at, now, one, was
from .claims_objects import shared_and_all, task_of
from .reading import PAGE, entries, number, resident, swapped, translations
from .steps import StepSeen


def own_pages(machine: vm.Machine, task: str) -> dict[int, int]:
    """The frames of a task's private pages of anonymous memory, by their addresses."""
    objects = machine.memory_objects.value().objects
    found = {}
    for entry in entries(machine, f"task:{task}/map"):
        memory = objects.get(entry.object or "")
        if memory is not None and memory.kind != "file" and entry.inherit == "copy":
            addresses = {int(entry.start) + page * PAGE - int(entry.offset): page for page in memory.pages}
            found |= {at: memory.pages[page] for at, page in addresses.items() if entry.start <= at < entry.end}
    return found


@claim("object operations: fork/counted")
def have_the_same_frames(seen: Seen, said: Said) -> None:
    shared, every = shared_and_all(seen)
    assert shared == 0 < every
    (child,) = seen.machine.tasks.keys() - seen.before.tasks.keys()
    mine, theirs = own_pages(seen.machine, task_of(seen)), own_pages(seen.machine, child)
    assert mine == theirs
    for name in (task_of(seen), child):
        assert all(seen.machine.tasks[name].walk(at, "write").pa is None for at in theirs), "a write faults"


@claim("object operations: fork/rest")
def have_the_same_frames_of_others(seen: Seen, said: Said) -> None:
    (child,) = seen.machine.tasks.keys() - seen.before.tasks.keys()
    mine, theirs = own_pages(seen.machine, task_of(seen)), own_pages(seen.machine, child)
    same = [at for at, frame in theirs.items() if mine.get(at) == frame]
    slots = [{*one.swapped.values()} for one in seen.machine.memory_objects.value().objects.values()]
    assert same or len(set().union(*slots)) < sum(map(len, slots))
    for name in (task_of(seen), child):
        assert all(seen.machine.tasks[name].walk(at, "write").pa is None for at in same), "a write faults"


@claim("object operations: fork/none")
def had_no_page(seen: Seen, said: Said) -> None:
    assert own_pages(seen.before, task_of(seen)) == {}
    shared, every = shared_and_all(seen)
    assert shared < every


@claim("object operations: fork/pages/eager")
def copied_each(seen: Seen, said: Said) -> None:
    before, after = resident(seen.before), resident(seen.machine)
    new = (after.keys() | swapped(seen.machine)) - (before.keys() | swapped(seen.before))
    assert len(new) == number(said["count"]) > 0
    frames = [frame for page, frame in after.items() if page in new]
    assert len({*frames}) == len(frames), "each has a frame of its own"
    assert not {*frames} & {frame for page, frame in after.items() if page not in new}


@claim("map operations: access/copied/frame")
def copied_since_the_frame_is_others_too(seen: Seen, said: Said) -> None:
    copied_from(seen, said, [])
    before, after = resident(seen.before), resident(seen.machine)
    left = {frame for page, frame in before.items() if page in after and after[page] != frame}
    assert any(frame in left for page, frame in before.items() if after.get(page) == frame), "another one still has it"


@claim("object events: PageCopied/own here")
def copied_from_its_own_frame_at(seen: StepSeen, said: Said) -> None:
    copied_from_its_own_frame(seen, said)
    faulted_at(seen, said)


@claim("object events: PageCopied/own")
def copied_from_its_own_frame(seen: StepSeen, said: Said) -> None:
    page, frame = number(said["page"]), number(said["frame"])
    assert one(seen, said).pages[page] == frame
    others = [
        value.pages[page] for name, value in now(seen).objects.items() if name != said["object"] and page in value.pages
    ]
    assert others and frame not in others, "another one still has the frame that it had"


@claim("object events: NoCopyNeeded")
def used_by_one_task(seen: StepSeen, said: Said) -> None:
    """The frame is a page of one object, as before, and that task's tables lead to it."""
    frame = number(said["frame"])
    holders = [name for name, value in now(seen).objects.items() if frame in value.pages.values()]
    assert len(holders) == 1
    assert now(seen).objects[holders[0]].pages == was(seen).objects[holders[0]].pages
    before = translations(seen.started).get(frame, [])
    assert {task for task, _ in before} <= {said["task"]}


@claim("object events: PageKept")
def stays(seen: StepSeen, said: Said) -> None:
    assert number(said["frame"]) in one(seen, said).pages.values()
    before = [frame for value in was(seen).objects.values() for frame in value.pages.values()]
    after = [frame for value in now(seen).objects.values() for frame in value.pages.values()]
    assert before.count(number(said["frame"])) >= after.count(number(said["frame"])) > 0


@claim("object events: PageJoined")
def joined(seen: StepSeen, said: Said) -> None:
    page, found = number(said["page"]), one(seen, said)
    assert found.pages[page] == number(said["frame"])
    assert found.swapped[page] == number(said["slot"])
    assert any(
        value.pages.get(page) == number(said["frame"]) and value.swapped.get(page) == number(said["slot"])
        for name, value in was(seen).objects.items()
        if name != said["object"]
    )


def slots_that_moved(seen: StepSeen, said: Said, *, in_now: bool) -> None:
    """So many slots are in the one list and not in the other, and another object has each."""
    before = was(seen).objects[said["object"]].swapped if said["object"] in was(seen).objects else {}
    after = now(seen).objects[said["object"]].swapped if said["object"] in now(seen).objects else {}
    has, lacks = (after, before) if in_now else (before, after)
    moved = {page: slot for page, slot in has.items() if lacks.get(page) != slot}
    others = {
        slot for name, value in now(seen).objects.items() if name != said["object"] for slot in value.swapped.values()
    }
    kept = {page: slot for page, slot in moved.items() if slot in others}
    assert len(kept) == number(said["count"])
    if not said.plural:
        assert kept == {number(said["page"]): number(said["slot"])}


@claim("object events: SwapShared")
def shares_slots(seen: StepSeen, said: Said) -> None:
    slots_that_moved(seen, said, in_now=True)


@claim("object events: SwapLeft")
def leaves_slots(seen: StepSeen, said: Said) -> None:
    slots_that_moved(seen, said, in_now=False)
