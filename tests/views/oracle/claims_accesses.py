"""What headlines of accesses claim: bytes, translations, page faults, copies."""

from __future__ import annotations

from .claiming import Said, Seen, claim
from .claims_maps import number_given
from .reading import PAGE, counted, edited, number, pages_at, resident, swapped, translations


def accessed(seen: Seen, said: Said) -> None:
    """The bytes are where the tables lead to, afterwards."""
    data = seen.given.get("data", seen.operation.result)
    address = number(said["address"])
    assert number(said["count"]) == len(data)
    assert address == number_given(seen, "address")
    if "who" in said:
        assert said["who"] == (seen.part if seen.operation.target != "machine" else "The kernel")
    else:
        assert said["cpu"] == seen.operation.target
    if "did" in said:
        assert said["did"] == {"load": "loaded", "fetch": "fetched"}[seen.operation.name]


@claim("map operations: read")
def read(seen: Seen, said: Said) -> None:
    accessed(seen, said)
    if seen.operation.target.startswith("task:"):
        bytes_are_there(seen, number(said["address"]), seen.operation.result)


@claim("map operations: write")
def written(seen: Seen, said: Said) -> None:
    accessed(seen, said)
    if seen.operation.target.startswith("task:") and not edited(seen.machine):
        bytes_are_there(seen, number(said["address"]), seen.given["data"])


def bytes_are_there(seen: Seen, address: int, data: bytes) -> None:
    """The last page of the bytes: of a long access the first ones may have left memory again."""
    task = seen.machine.tasks[seen.operation.target.partition(":")[2]]
    last = max(address, address + len(data) - 1 & -PAGE)
    found = task.walk(last)
    if found.pa is not None and not edited(seen.machine):
        rest = data[last - address :]
        assert bytes(seen.machine.system.ram.read(int(found.pa), len(rest))) == rest


@claim("map operations: read/cpu")
def read_through(seen: Seen, said: Said) -> None:
    accessed(seen, said)


@claim("map operations: write/cpu")
def written_through(seen: Seen, said: Said) -> None:
    accessed(seen, said)


@claim("map operations: touch")
def touched(seen: Seen, said: Said) -> None:
    assert said["who"] == seen.part
    assert number(said["address"]) == number_given(seen, "address")
    assert said["access"] == str(seen.given.get("access", "read"))
    task = seen.machine.tasks[said["who"]]
    assert task.walk(number(said["address"])).ok or edited(seen.machine)


def tlb_counts(seen: Seen) -> tuple[int, int]:
    """How many accesses the TLBs answered, and how many they did not, by their own counts."""
    before = [cpu.value().tlb for cpu in seen.before.cpus]
    after = [cpu.value().tlb for cpu in seen.machine.cpus]
    hits = sum(one.hits for one in after) - sum(one.hits for one in before)
    return hits, sum(one.misses for one in after) - sum(one.misses for one in before)


def of_tables(seen: Seen, tables: str) -> None:
    """Whose tables were walked."""
    part = seen.operation.target.partition(":")[0]
    words = {"machine": "the kernel's page tables", "cpu": "the page tables"}
    assert tables == words.get(part, f"the page tables of {seen.part}")


def no_fault(seen: Seen) -> None:
    """What was in memory is, but for what left, and nothing came."""
    before, after = resident(seen.before).keys(), resident(seen.machine).keys()
    assert before > after if seen.says("map operations: access/out") else before == after


@claim("map operations: access/hit")
def answered_by_the_tlb(seen: Seen, said: Said) -> None:
    hits, misses = tlb_counts(seen)
    assert (misses, hits) == (0, number(said["count"]))
    no_fault(seen)


@claim("map operations: access/walked")
def answered_by_walks(seen: Seen, said: Said) -> None:
    hits, misses = tlb_counts(seen)
    assert (hits, misses) == (0, number(said["count"]))
    of_tables(seen, said["tables"])
    no_fault(seen)


@claim("map operations: access/marked")
def marked_by_walks(seen: Seen, said: Said) -> None:
    assert "data" in seen.given or seen.given.get("access") == "write"
    assert tlb_counts(seen)[0] >= number(said["count"])
    of_tables(seen, said["tables"])
    no_fault(seen)


@claim("map operations: access/both")
def answered_by_both(seen: Seen, said: Said) -> None:
    hits, misses = tlb_counts(seen)
    assert (hits, misses) == (counted(said["hits"]), number(said["count"]))
    of_tables(seen, said["tables"])
    no_fault(seen)


def came(seen: Seen) -> set[tuple[str, int]]:
    """The pages of objects that are in frames that they were not in."""
    before = resident(seen.before)
    return {page for page, frame in resident(seen.machine).items() if before.get(page) != frame}


def faults_made(seen: Seen, said: Said) -> None:
    """So many faults were resolved, as processors count them for what accesses cost.

    Threads that ran while the cell slept may have made some of them.
    """
    before, after = (machine.system.processors.counts for machine in (seen.before, seen.machine))
    made = after.minor + after.major - before.minor - before.major
    count = number(said["count"])
    others = {one.name for one in (*seen.threads_before.threads, *seen.threads.threads)} - {"", "pagedaemon"}
    assert 1 <= count <= made if others else count == made >= 1


@claim("map operations: access/faults")
def answered_by_faults(seen: Seen, said: Said) -> None:
    of_tables(seen, said["tables"])
    faults_made(seen, said)
    before, frames = resident(seen.before), {*resident(seen.before).values()}
    new = [one for one, frame in resident(seen.machine).items() if one not in before and frame not in frames]
    assert counted(said["pages"]) >= len(new)
    stayed = resident(seen.before).keys() <= resident(seen.machine).keys()
    if stayed and not seen.says("map operations: access/out"):  # else some came and left again, or the other way
        assert counted(said["pages"]) == len(new)


@claim("map operations: access/faults/in memory")
def answered_from_memory(seen: Seen, said: Said) -> None:
    of_tables(seen, said["tables"])
    faults_made(seen, said)
    before, now = ({*resident(machine).values()} for machine in (seen.before, seen.machine))
    assert now <= before


@claim("map operations: access/faults/no copy")
def needed_no_copy(seen: Seen, said: Said) -> None:
    """The task had the pages in these frames, could not write to them, and no other task's tables lead to them."""
    faults_made(seen, said)
    assert resident(seen.before) == resident(seen.machine)
    start = number_given(seen, "address")
    pages = pages_at(seen.machine, said["task"], start, start + len(seen.given.get("data", b"x")))
    assert len(pages) >= number(said["count"])
    freed = [at for at in pages if seen.before.tasks[said["task"]].walk(at, "write").pa is None]
    assert len(freed) == number(said["count"])
    for at in freed:
        assert {task for task, _ in translations(seen.machine)[pages[at]]} == {said["task"]}
        assert seen.machine.tasks[said["task"]].walk(at, "write").pa is not None


@claim("map operations: access/faults/no reference")
def needed_no_shadow(seen: Seen, said: Said) -> None:
    """The pages stayed in their frames, and of all objects and entries only one entry refers to the object."""
    faults_made(seen, said)
    assert resident(seen.before) == resident(seen.machine)
    value = seen.machine.memory_objects.value()
    assert [one.shadow for one in value.objects.values()].count(said["object"]) == 0
    assert len(value.all_mappers()[said["object"]]) == 1


def copies(seen: Seen) -> set[tuple[str, int]]:
    """Pages of shadows that are new in memory."""
    objects = seen.machine.memory_objects.value().objects
    before = seen.before.memory_objects.value().objects
    moved = {(page, frame) for name, one in before.items() if name not in objects for page, frame in one.pages.items()}
    new = {(name, page) for name, page in came(seen) if (page, objects[name].pages[page]) not in moved}
    return {(name, page) for name, page in new if objects[name].kind != "file"}


@claim("map operations: access/copied")
def copied(seen: Seen, said: Said) -> None:
    copied_from(seen, said, [said["object"]])


def copied_from(seen: Seen, said: Said, sources: list[str]) -> None:
    """So many pages are new, in objects that are in front of the source, with the bytes that it had."""
    faults_made(seen, said)
    made = copies(seen)
    count = number(said["pages"]) if "pages" in said else 1
    went = swapped(seen.before) | swapped(seen.machine)  # pages that came again are not copies
    assert 1 <= len(made) <= max(count, number(said["count"])) + len(went)
    assert count <= number(said["count"])
    if "page" in said:
        assert number(said["page"]) in {page for _, page in made}
    known = seen.before.memory_objects.value().objects.keys() | seen.machine.memory_objects.value().objects.keys()
    assert set(sources) <= known


@claim("map operations: access/copied/from several")
def copied_from_several(seen: Seen, said: Said) -> None:
    names = said["objects"]
    several = names.split(" and ") if " and " in names else []
    assert several or counted(names) > 2
    copied_from(seen, said, several)


def have_it(seen: Seen, name: str) -> None:
    """A task had a page mapped that the other one has another frame for now."""
    own = seen.operation.target.partition(":")[2]
    assert name != own
    start = number_given(seen, "address")
    mine = pages_at(seen.machine, own, start, start + len(seen.given.get("data", b"x")))
    theirs = {frame for frame, places in translations(seen.before).items() if name in [task for task, _ in places]}
    assert mine and theirs, "one has a copy, the other had the page"
    assert {*mine.values()} - theirs, "a frame of its own"


@claim("map operations: access/copied/one has it")
def copied_since_one_has_it(seen: Seen, said: Said) -> None:
    have_it(seen, said["task"])
    copied_from(seen, said, [])


@claim("map operations: access/copied/more have it")
def copied_since_more_have_it(seen: Seen, said: Said) -> None:
    have_it(seen, said["task"])
    copied_from(seen, said, [])
    assert 1 <= counted(said["others"]) < len(seen.before.tasks) - 1


@claim("map operations: access/out")
def left_memory(seen: Seen, said: Said) -> None:
    kept = seen.machine.memory_objects.value().objects  # what another one took in has its pages there now
    gone = {one for one in resident(seen.before).keys() - resident(seen.machine).keys() if one[0] in kept}
    least, most = (
        len({resident(seen.before)[one] for one in some}) for some in (gone - hidden(seen), gone)
    )  # frames: one of them can be of several objects
    assert least <= number(said["count"])
    if number(said["count"]) == 1:
        assert most >= 1 or len(seen.given.get("data", seen.operation.result or b"")) > PAGE


def hidden(seen: Seen) -> set[tuple[str, int]]:
    """What new pages are in front of, in the shadows of an object: a copy that hides a page from all frees it."""
    objects = seen.machine.memory_objects.value().objects
    found: set[tuple[str, int]] = set()
    for name, page in resident(seen.machine).keys() - resident(seen.before).keys():
        while (name := objects[name].shadow if name in objects else "") != "":
            found.add((name, page))
    return found


@claim("map operations: access/time")
def took_time(seen: Seen, said: Said) -> None:
    """What the processors counted meanwhile, at the costs that the machine has; threads may have counted too."""
    costs = seen.machine.costs
    assert costs is not None
    after, before = (one.effective_access_time() for one in (seen.machine, seen.before))
    total = (after.accesses - before.accesses) * (costs.tlb + costs.memory)
    total += (after.walk_references - before.walk_references) * costs.memory
    total += (after.minor - before.minor) * costs.minor + (after.major - before.major) * costs.major
    value, unit = said["time"].split(" ")
    took = float(value.replace(",", "")) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]
    exact = unit == "ns" and "." not in value
    most = total if exact else 1.06 * total
    assert took <= most
    assert seen.threads.threads or took == total or (not exact and took >= 0.94 * total)


@claim("map operations: access/killed")
def killed_meanwhile(seen: Seen, said: Said) -> None:
    assert said["task"] in seen.before.tasks
    assert said["task"] not in seen.machine.tasks
    faults_made(seen, said)
