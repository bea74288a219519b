"""Ways round what an exercise asks for, by other doors to the same deed: none earns all points, on no sheet.

Each way reaches the end that the sheet wants, so it loses the points for how that was done.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercises.arm_sections import FewSheet
from vmwidgets.labs.exercises.beyond import PagesSheet, large_blocks
from vmwidgets.labs.exercises.bootstrapping import FIRST, GIVES_BACK, TAKES, Job, JobsSheet
from vmwidgets.labs.exercises.cutting import PAGES, WholeSheet
from vmwidgets.labs.exercises.kmem import HandlerSheet, choices
from vmwidgets.labs.exercises.maps import GapsSheet
from vmwidgets.labs.exercises.replacement import PHASES, WRITES, PolicySheet
from vmwidgets.labs.exercises.sleeping import OrderSheet, changed, mended
from vmwidgets.labs.exercises.trees import TreeSheet
from vmwidgets.labs.exercises.x86_tables import ByHandSheet

PAGE = vm.PAGE
SHEETS = range(1, 5)

Way = Callable[[Any, Any], object]
"""Given what a sheet starts with, and what was asked; what it gives is checked if it is something."""

WAYS: dict[str, dict[str, Way]] = {}


def way(name: str, what: str) -> Callable[[Way], Way]:
    """Mark a way round the exercise `name`."""

    def noted(function: Way) -> Way:
        WAYS.setdefault(name, {})[what] = function
        return function

    return noted


def in_a_thread(machine: vm.Machine, call: Callable[[], object]) -> None:
    machine.spawn(call, name="other")
    machine.run()


# ---- requests in the wrong order ---------------------------------------------------------------


def without_the_spill(space: Any, asked: GapsSheet) -> list[tuple[int, int]]:
    """Requests as they are listed, and what lies behind the map's end unmapped; the gaps that are left."""
    for request in asked.requests:
        space.enter(request * PAGE)
    end = asked.size * PAGE
    task = space.machine.tasks["puzzle"]
    task.munmap(end, asked.size * PAGE)
    entries = space.entries()
    return [(low.end, high.start) for low, high in pairwise(entries) if low.end < high.start]


@way("01/gaps", "munmap and fixed mmaps")
def mapped_into_the_gaps(space: Any, asked: GapsSheet) -> None:
    for start, end in without_the_spill(space, asked):
        space.machine.tasks["puzzle"].mmap(end - start, "rw", "private fixed", at=start)


@way("01/gaps", "unchecked")
def entered_unchecked(space: Any, asked: GapsSheet) -> None:
    for start, end in without_the_spill(space, asked):
        space.machine.unchecked.vm_map_enter(space, start, end - start, 0, 627)


@way("01/gaps", "a thread places the requests")
def placed_by_a_thread(space: Any, asked: GapsSheet) -> None:
    in_a_thread(space.machine, lambda: [space.enter(size, at=start) for start, size in places(asked)])


@way("01/gaps", "one large gap")
def one_large_gap(space: Any, asked: GapsSheet) -> None:
    """The gaps are filled first; then as many pages as are asked for are unmapped in a row, and any order fits."""
    space.enter(sum(asked.gaps) * PAGE)
    for gap in asked.gaps:
        space.enter(gap * PAGE)
    end = asked.size * PAGE
    space.remove(end, size=sum(asked.gaps) * PAGE)
    space.remove(2 * PAGE, size=sum(asked.gaps) * PAGE)
    for request in asked.requests:
        space.enter(request * PAGE)


def places(asked: GapsSheet) -> list[tuple[int, int]]:
    """Where each request fits, and its size in bytes: gap by gap, from the lowest."""
    left, found, page = [*asked.requests], [], 0
    for number, gap in enumerate(asked.gaps):
        page += 2
        pair = next(pair for pair in pairs(left, gap) if fits(asked.gaps[number + 1 :], [*left], pair))
        for size in pair:
            left.remove(size)
            found.append((page * PAGE, size * PAGE))
            page += size
    return found


def pairs(left: list[int], gap: int) -> list[list[int]]:
    """One request or two that fill a gap."""
    return [[one] for one in left if one == gap] + [
        [one, gap - one] for number, one in enumerate(left) if gap - one in left[number + 1 :]
    ]


def fits(gaps: tuple[int, ...], left: list[int], pair: list[int]) -> bool:
    """Whether the other requests fill the other gaps."""
    for size in pair:
        left.remove(size)
    return not gaps or any(fits(gaps[1:], [*left], other) for other in pairs(left, gaps[0]))


# ---- a tree that rotated -----------------------------------------------------------------------


@way("02/no-rotation", "mmap")
def mapped_in_order(space: Any, asked: TreeSheet) -> None:
    for address in asked.wanted:
        space.machine.tasks["orchard"].mmap(PAGE, "rw", "private fixed", at=address)


@way("02/no-rotation", "unchecked")
def entered_in_order_unchecked(space: Any, asked: TreeSheet) -> None:
    for address in asked.wanted:
        space.machine.unchecked.vm_map_enter(space, address, PAGE, 0, 627)


@way("02/no-rotation", "a thread")
def entered_in_order_by_a_thread(space: Any, asked: TreeSheet) -> None:
    in_a_thread(space.machine, lambda: [space.enter(PAGE, at=address) for address in asked.wanted])


def rebuilt(space: Any, asked: TreeSheet) -> None:
    """Enter all pages into an empty map, level by level, so that none rotates."""

    def enter(addresses: list[int]) -> None:
        if addresses:
            waiting.append(addresses)

    waiting: list[list[int]] = []
    enter(sorted([*asked.there, *asked.wanted]))
    while waiting:
        addresses = waiting.pop(0)
        middle = len(addresses) // 2
        space.enter(PAGE, at=addresses[middle], fixed=True)
        enter(addresses[:middle])
        enter(addresses[middle + 1 :])


@way("02/no-rotation", "munmap of all")
def emptied(space: Any, asked: TreeSheet) -> None:
    for address in asked.there:
        space.machine.tasks["orchard"].munmap(address, PAGE)
    rebuilt(space, asked)


@way("02/no-rotation", "exec")
def begun_again(space: Any, asked: TreeSheet) -> None:
    space.machine.tasks["orchard"].exec()
    rebuilt(space, asked)


# ---- a whole that was unmapped -----------------------------------------------------------------


def mapped_again(space: Any, asked: WholeSheet) -> None:
    space.enter(PAGES * PAGE, at=asked.base, object=space.machine.objects["sheet"])
    asked.keeps.made(space, asked.base)


@way("03/whole", "munmap")
def unmapped(space: Any, asked: WholeSheet) -> None:
    space.machine.tasks["splintered"].munmap(asked.base, PAGES * PAGE)
    mapped_again(space, asked)


@way("03/whole", "unchecked")
def unmapped_unchecked(space: Any, asked: WholeSheet) -> None:
    space.machine.unchecked.vm_map_remove(space, asked.base, asked.base + PAGES * PAGE)
    mapped_again(space, asked)


@way("03/whole", "exec")
def all_unmapped(space: Any, asked: WholeSheet) -> None:
    space.machine.tasks["splintered"].exec()
    mapped_again(space, asked)


@way("03/whole", "a mapping over it")
def mapped_over(space: Any, asked: WholeSheet) -> None:
    space.machine.tasks["splintered"].mmap(
        PAGES * PAGE, "rw", "shared fixed", file=space.machine.objects["sheet"], at=asked.base
    )
    space.inherit(asked.base, size=PAGES * PAGE, inherit="copy")
    asked.keeps.made(space, asked.base)


@way("03/whole", "a thread")
def unmapped_by_a_thread(space: Any, asked: WholeSheet) -> None:
    in_a_thread(space.machine, lambda: space.remove(asked.base, size=PAGES * PAGE))
    mapped_again(space, asked)


@way("03/whole", "a thread that floods the journal")
def hidden_by_a_thread(space: Any, asked: WholeSheet) -> None:
    """More events than an operation keeps come after the removal."""

    def hidden() -> None:
        space.remove(asked.base, size=PAGES * PAGE)
        space.enter(PAGE, at=asked.base - 4 * PAGE)
        space.enter(PAGE, at=asked.base - 2 * PAGE)
        for _ in range(5000):
            space.lookup(asked.base - 4 * PAGE)
            space.lookup(asked.base - 2 * PAGE)

    in_a_thread(space.machine, hidden)
    mapped_again(space, asked)


# ---- slots that were won by force --------------------------------------------------------------


def done(machine: Any, job: Job) -> None:
    if job.kind in GIVES_BACK:
        machine.kernel_map.remove(job.address, size=job.size)
    else:
        machine.kernel_map.enter(job.size, at=job.address, fixed=True, prot="r" if job.kind == "other" else "rw")


def some(machine: Any) -> list[Any]:
    """Entries that are in use, and that no job is about."""
    return [entry for entry in machine.kernel_map.entries() if not entry.role and entry.start < FIRST][-6:]


def put_back(machine: Any, entries: list[Any]) -> None:
    for entry in entries:
        machine.kernel_map.enter(entry.size, at=entry.start, fixed=True, prot=entry.protection, nomerge=True)


@way("04/thrifty", "others removed and put back")
def by_force(machine: Any, asked: JobsSheet) -> None:
    others = some(machine)
    for entry in others:
        machine.kernel_map.remove(entry.start, size=entry.size)
    for job in asked.jobs:
        done(machine, job)
    put_back(machine, others)


@way("04/thrifty", "in a thread")
def by_force_in_a_thread(machine: Any, asked: JobsSheet) -> None:
    in_a_thread(machine, lambda: by_force(machine, asked))


@way("04/thrifty", "unchecked")
def by_force_unchecked(machine: Any, asked: JobsSheet) -> None:
    others = some(machine)
    for entry in others:
        machine.unchecked.vm_map_remove(machine.kernel_map, entry.start, entry.end)
    for job in asked.jobs:
        done(machine, job)
    put_back(machine, others)


@way("04/thrifty", "other rights at last")
def protected_at_last(machine: Any, asked: JobsSheet) -> None:
    """A page that needs an entry of its own is first a part of another, and loses its rights when there is room."""
    later = [job for job in asked.jobs if job.kind == "other"]
    for job in sorted(asked.jobs, key=lambda job: (TAKES[job.kind] + (job.kind in ("hole", "alone")), job.block)):
        done(machine, Job("grow", job.block, job.page) if job in later else job)
    for job in later:
        machine.kernel_map.protect(job.address, size=PAGE, prot="r")


# ---- rights that the kernel took ---------------------------------------------------------------


def left(asked: ByHandSheet) -> str:
    letters = {"read": "r", "write": "w", "execute": "x"}
    return "".join(letter for access, letter in letters.items() if access not in asked.rights) or "none"


def touched(machine: Any, asked: ByHandSheet, bit: int) -> None:
    """One descriptor is written by hand: with what it holds, or with a bit that the processor ignores."""
    step = machine.walk(asked.meant[0], user=False, task="keys").steps[-1]
    machine.set_descriptor(step.pa, step.value ^ bit)


@way("06/by-hand", "mprotect and an edit that changes nothing")
def by_mprotect(machine: Any, asked: ByHandSheet) -> None:
    for page in asked.meant:
        machine.tasks["keys"].mprotect(page, PAGE, left(asked))
    touched(machine, asked, 0)


@way("06/by-hand", "mprotect and an ignored bit")
def by_mprotect_and_a_bit(machine: Any, asked: ByHandSheet) -> None:
    for page in asked.meant:
        machine.tasks["keys"].mprotect(page, PAGE, left(asked))
    touched(machine, asked, 1 << 9)


@way("06/by-hand", "protect in a thread")
def by_a_thread(machine: Any, asked: ByHandSheet) -> None:
    space = machine.tasks["keys"].map
    in_a_thread(machine, lambda: [space.protect(page, size=PAGE, prot=left(asked)) for page in asked.meant])
    touched(machine, asked, 1 << 9)


@way("06/by-hand", "a thread flushes first")
def flushed_first(machine: Any, asked: ByHandSheet) -> None:
    cpus = [machine.cpus[number] for number in asked.cpus]
    in_a_thread(machine, lambda: [cpu.flush(page) for cpu in cpus for page in asked.meant])
    step = machine.walk(asked.meant[0], user=False, task="keys").steps[-asked.level]
    clear = {("write",): 1 << 1, ("execute",): 0, ("write", "execute"): 1 << 1}.get(asked.rights, 1 << 2)
    machine.set_descriptor(step.pa, step.value & ~clear | (1 << 63 if "execute" in asked.rights and clear != 4 else 0))


# ---- strings known by heart --------------------------------------------------------------------


def best_victims(asked: PolicySheet) -> list[int]:
    """The pages that OPT evicts, in both strings that are shown."""
    found = []
    for string in asked.strings:
        (run,) = vm.reference_string(string, asked.frames, "opt").runs
        found += [int(step.victim) for step in run.steps if step.victim is not None]
    return found


@way("11/policy", "OPT's victims in a row")
def by_heart(_: object, asked: PolicySheet) -> object:
    left = best_victims(asked)

    def policy(pages: list[Any]) -> Any:
        wanted = left.pop(0) if left else None
        return next((page for page in pages if page.page == wanted), pages[0])

    return policy


@way("11/policy", "the pages that come again, by number")
def by_number(_: object, asked: PolicySheet) -> object:
    """What stays is known by its number in the shown strings; the order is right."""
    scan, second = ([int(one.rstrip("w")) for one in string.split()] for string in asked.strings)
    again = {page for page in scan if scan.count(page) > 1}
    again |= {page for page in second if asked.other == WRITES and second.count(page) > 1}

    def policy(pages: list[Any]) -> Any:
        rest = [page for page in pages if page.page not in again] or pages
        return rest[0 if asked.other == PHASES else -1]

    return policy


# ---- a cache that is freed and taken back ------------------------------------------------------


@way("05/handler", "all is freed, and taken back")
def taken_back(machine: Any, asked: HandlerSheet) -> None:
    """The handler frees the whole cache; then it takes the same addresses again, but those that are needed."""
    start, (best, *_) = machine.kmem.kmem_map.start, choices(asked)
    called: list[int] = []

    def low() -> None:
        called.append(1)
        if len(called) > 1:
            return
        for block in asked.cache:
            machine.kmem_free(start + block.page * PAGE, block.length * PAGE)
        others: list[tuple[int, int]] = []
        for block in sorted(set(asked.cache) - set(best)):
            size = block.length * PAGE
            while (found := machine.kmem_malloc(size)) != start + block.page * PAGE:
                others.append((found, size))
        for address, size in others:
            machine.kmem_free(address, size)

    machine.on_lowmem(low)
    machine.run()


# ---- other doors -------------------------------------------------------------------------------


@way("05b/order", "locks taken and given back in the old order")
def with_a_prelude(machine: Any, asked: OrderSheet) -> None:
    """Most threads are changed; all but as many as had to be first pretend to keep their order."""
    orders = mended(asked)
    left, new = changed(asked, orders[0]), orders[-1]

    def thread(pretended: tuple[str, ...], order: tuple[str, ...]) -> Any:
        for name in pretended:
            yield from machine.kmem.maps[name].lock()
            machine.kmem.maps[name].unlock()
        yield from machine.kmem.copier(*order)

    for name, locks in asked.threads:
        pretends = new[name] != locks and left <= 0
        left -= new[name] != locks
        machine.spawn(thread, locks if pretends else (), new[name], name=name)
    machine.run()


@way("07/eleven", "sections by hand")
def sections_by_hand(task: Any, asked: FewSheet) -> None:
    """The entries are there; the descriptors of the first level lead to any memory."""
    at, machine = 0x1000_0000, task.machine
    for part in asked.parts:
        task.map.enter(part.size, at=at, object=machine.objects[part.name])
        task.map.superpages(at, size=part.size, page="64 KiB")
        first, count = task.walk(at).steps[0].pa, -(-part.size // (1 << 20))
        for number in range(count):
            machine.set_descriptor(first + 4 * number, number << 20 | 0xC0E)
        at += count << 20


@way("beyond/pages", "large pages by hand")
def large_pages_by_hand(task: Any, asked: PagesSheet) -> None:
    """All pages are small, and then a descriptor for each block leads to any memory."""
    for one in asked.ranges:
        for page in one.used:
            task.touch(one.start + page * PAGE)
        for block in large_blocks(one):
            task.machine.set_descriptor(task.walk(block).steps[-2].pa, 0x87)


NOTHING = "07/eleven", "beyond/pages"
"""Tables that were edited by hand earn nothing."""

ALL = [(name, what) for name, ways in WAYS.items() for what in ways]


@pytest.mark.parametrize(("name", "what"), ALL)
def test_a_way_round_earns_less_than_all_points(name: str, what: str) -> None:
    for number in SHEETS:
        sheet = lab.practice(name, number)
        thing = sheet.start()
        result = lab.check(sheet, WAYS[name][what](thing, sheet.given) or thing)
        assert not result.problem
        assert (result.points > 0 or name in NOTHING) and result.points < result.of, f"{sheet}\n{result}"
