"""Each sentence is true: what it claims is held against the machine, before and after, and step by step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

import vmwidgets as vm
from tests.views.claims import claims, ends, number
from tests.views.lives import Life
from vmwidgets.engine.base.units import PAGE, binary_size
from vmwidgets.engine.base.values.maps import MapValue
from vmwidgets.pictures.picture import starts_of
from vmwidgets.views.maps.picture import map_picture
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.registry import TEMPLATES

WHOLE = 10**6
Ranges = list[tuple[int, int]]


@dataclass
class Seen:
    """A machine around one operation: its maps before and after."""

    machine: vm.Machine
    before: dict[str, Ranges]
    after: dict[str, Ranges]

    def grown(self, name: str) -> int:
        """By how many bytes a map grew."""
        return sum(end - start for start, end in self.after[name]) - sum(
            end - start for start, end in self.before[name]
        )


def maps_of(machine: vm.Machine) -> dict[str, Ranges]:
    every: dict[str, Any] = {"kernel_map": machine.kernel_map, **machine.kmem.maps}
    every |= {task.map.path: task.map for task in machine.tasks.values()}
    every["kmem/kernel_map"] = machine.kmem.kernel_map
    every["kernel_map"] = machine.kernel_map
    return {name: [(int(one.start), int(one.end)) for one in part.entries()] for name, part in every.items()}


def part_of(machine: vm.Machine, path: str) -> Any:
    """The map at a path."""
    if path.startswith("kmem/"):
        return machine.kmem.maps.get(path.removeprefix("kmem/"), machine.kmem.kernel_map)
    return machine.kernel_map if path == "kernel_map" else machine.tasks["init"].map


# ---- lives -------------------------------------------------------------------------------------------


def life_of_maps(seed: int) -> Iterator[vm.Machine]:
    """A task's map and the kernel's, with all that can be done to them."""
    machine = vm.boot("x86-64", layout="small")
    draws = random.Random(seed)
    task = machine.task("init", placement=draws.choice([None, "first", "best", "worst", "next"]))
    machine.object("heap")
    first = int(machine.kernel_map.end) - 512 * PAGE
    for _ in range(60):
        yield machine
        space, low = draws.choice([(task.map, 0x40_0000), (machine.kernel_map, first)])
        with suppress(vm.KernelError, vm.Refused):
            done_to(machine, space, low + draws.randrange(200) * PAGE, draws)


def done_to(machine: vm.Machine, space: Any, page: int, draws: random.Random) -> None:
    """Something at a page of a map."""
    size, prot, task = draws.randrange(1, 24) * PAGE, draws.choice(["r", "rw", "rx"]), machine.tasks["init"]
    backed = [entry.start for entry in task.map.entries() if entry.object] or [page]
    place = draws.choice(backed)
    acts: list[tuple[int, Callable[[], object]]] = [
        (5, lambda: space.enter(size, at=page, prot=prot)),
        (3, lambda: space.enter(size, prot="rw")),
        (4, lambda: space.enter(size, at=page, fixed=True, prot="rw")),
        (1, lambda: space.enter(size, prot="rw", nomerge=True)),
        (2, lambda: task.map.enter(size, at=page, object="heap")),
        (6, lambda: space.remove(page, size=size)),
        (3, lambda: space.lookup(page)),
        (3, lambda: space.protect(page, size=size, prot=prot)),
        (2, lambda: task.write(place, b"hello")),
        (2, lambda: task.read(place, 3)),
        (1, machine.kentry.reap),
    ]
    draws.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()


def life_of_memory(seed: int) -> Iterator[vm.Machine]:
    """Kernel memory and its threads."""
    life = Life(seed)
    yield life.machine
    for _ in life.go_on(70):
        yield life.machine


LIVES = [life_of_maps, life_of_memory]


def watched(life: Iterator[vm.Machine]) -> Iterator[Seen]:
    """Each operation of a life that was done, with the maps before and after it."""
    machine = next(life)
    before, number_then = maps_of(machine), machine.journal.last.number
    for _ in life:
        after = maps_of(machine)
        if machine.journal.last.number == number_then + 1 and machine.journal.last.outcome == "done":
            yield Seen(machine, before, after)
        before, number_then = after, machine.journal.last.number


# ---- headlines ---------------------------------------------------------------------------------------


def entered(seen: Seen, said: dict[str, str], reason: str) -> None:
    name, start = said["map"], number(said["address"])
    size = seen.grown(name)
    assert binary_size(size) == said["size"]
    assert any(low <= start and start + size <= high for low, high in seen.after[name])
    assert not any(low < start + size and start < high for low, high in seen.before[name]), "it was free"
    more = len(seen.after[name]) - len(seen.before[name])
    if "both neighbours" in reason:
        assert more == -1
    elif reason.startswith("It grew the entry before it"):
        (grown,) = [one for one in seen.before[name] if one[1] == start]
        assert (more, (grown[0], start + size) in seen.after[name]) == (0, True)
    elif reason.startswith("It grew the entry after it"):
        (grown,) = [one for one in seen.before[name] if one[0] == start + size]
        assert (more, (start, grown[1]) in seen.after[name]) == (0, True)
    elif "made a new entry" in reason:
        assert (more, (start, start + size) in seen.after[name]) == (1, True), reason
    if "no neighbour touches it" in reason:
        assert not [one for one in seen.before[name] if one[1] == start or one[0] == start + size]


def removed(seen: Seen, said: dict[str, str], reason: str) -> None:
    name = said["map"]
    assert binary_size(-seen.grown(name)) == said["size"]
    cuts = claims("map operations: remove/cut", reason)
    gone = number(said["count"])
    cut = number(cuts["count"]) if cuts else 0
    assert len(seen.after[name]) == len(seen.before[name]) + cut - gone, reason


def looked_up(seen: Seen, said: dict[str, str], reason: str) -> None:
    wanted = int(dict(seen.machine.journal.last.arguments)["address"]) & -PAGE
    name = seen.machine.journal.last.target
    above = [one for one in sorted(seen.after[name]) if one[1] > wanted]
    if "range" not in said:
        assert above == []
        return
    assert ends(said["range"]) == above[0]
    assert ("address" in said) == (above[0][0] > wanted), "what is the next one is not said to be the entry"


def accessed(seen: Seen, said: dict[str, str], reason: str) -> None:
    operation = seen.machine.journal.last
    address = number(said["address"])
    data = dict(operation.arguments).get("data", operation.result)
    assert number(said["count"]) == len(data)
    assert said["space"] == operation.target == "task:init"
    assert "page tables of task:init" in reason
    task = seen.machine.tasks["init"]
    found = task.walk(address)
    assert found.pa is not None
    assert bytes(seen.machine.system.ram.read(found.pa, len(data))) == data, "its tables lead to the bytes"


def protected(seen: Seen, said: dict[str, str], reason: str) -> None:
    operation = seen.machine.journal.last
    space: Any = part_of(seen.machine, operation.target)
    start, size = number(said["address"]), int(dict(operation.arguments)["size"])
    assert binary_size(size) == said["size"]
    inside = [one for one in space.entries() if one.start < start + size and start < one.end]
    assert inside
    assert {one.protection for one in inside} == {said["rights"]}


def allocated(seen: Seen, said: dict[str, str], reason: str) -> None:
    if any(one.tag == "ThreadRuns" for one in seen.machine.journal.last.events):
        return
    name, start, size = said["map"], number(said["address"]), seen.grown(said["map"])
    assert binary_size(size) == said["size"]
    assert any(low <= start and start + size <= high for low, high in seen.after[name])
    if "object" in said:
        assert number(said["count"]) * PAGE == size
    more = len(seen.after[name]) - len(seen.before[name])
    expected = {"It made a new entry.": 1, "It made no new entry: the one before grew.": 0}
    for side, change in (("entries on both sides", -1), ("entry before it", 0), ("entry after it", 0)):
        expected |= {f"It merged with the {side}: same object, consecutive offsets, same wiring.": change}
    if reason in expected:
        assert more == expected[reason], reason


def freed(seen: Seen, said: dict[str, str], reason: str) -> None:
    if any(one.tag == "ThreadRuns" for one in seen.machine.journal.last.events):
        return  # the cell waited, and others took and gave meanwhile
    assert binary_size(-seen.grown(said["map"])) == said["size"]
    start = number(said["address"])
    assert not any(low <= start < high for low, high in seen.after[said["map"]])
    woke = claims("kmem operations: free/woke", reason)
    if woke:
        assert number(woke["count"]) == sum(one.tag == "ThreadWoken" for one in seen.machine.journal.last.events)


def ran(seen: Seen, said: dict[str, str], reason: str) -> None:
    thread = next(one for one in seen.machine.threads.value().threads if one.name == said["thread"])
    if "what" in said:
        assert (thread.state, thread.waits_for) == ("asleep", said["what"])
    elif "how" not in said:
        assert thread.state == "returned"


def ticked(seen: Seen, said: dict[str, str], reason: str) -> None:
    assert number(said["after"]) == seen.machine.threads.value().ticks
    assert number(said["after"]) - number(said["before"]) == dict(seen.machine.journal.last.arguments).get("count", 1)


def woken(seen: Seen, said: dict[str, str], reason: str) -> None:
    ready = sum(one.tag == "ThreadWoken" for one in seen.machine.journal.last.events)
    assert number(said["count"]) == ready > 0


def reclaimed(seen: Seen, said: dict[str, str], reason: str) -> None:
    assert binary_size(-seen.grown("kmem_map")) == said["size"]


def reaped(seen: Seen, said: dict[str, str], reason: str) -> None:
    operation = seen.machine.journal.last
    assert number(said["count"]) == operation.result > 0


HEADLINES: dict[str, Callable[[Seen, dict[str, str], str], None]] = {
    "map operations: enter": entered,
    "map operations: remove": removed,
    "map operations: lookup": looked_up,
    "map operations: lookup/next": looked_up,
    "map operations: lookup/nothing": looked_up,
    "map operations: read": accessed,
    "map operations: write": accessed,
    "map operations: protect": protected,
    "kmem operations: alloc/pages": allocated,
    "kmem operations: alloc/nofault": allocated,
    "kmem operations: free": freed,
    "kmem operations: free/pages": freed,
    "kmem operations: uma_reclaim": reclaimed,
    "threads: ran/slept": ran,
    "threads: ran/ended": ran,
    "threads: tick": ticked,
    "threads: wakeup": woken,
}
LEAST = dict.fromkeys(HEADLINES, 2) | {"map operations: lookup/nothing": 0, "threads: wakeup": 1}


@pytest.fixture(scope="module")
def held() -> Counter[str]:
    """How often each headline was held against the machine."""
    counts: Counter[str] = Counter()
    for life in LIVES:
        for seed in range(6):
            for seen in watched(life(seed)):
                headline = Moment(seen.machine.journal.last).story.headline
                found = {name: said for name in HEADLINES if (said := claims(name, headline.text)) is not None}
                if found:  # a sentence that says more matches what says less, too
                    name = max(found, key=lambda one: len(TEMPLATES[one].one))
                    HEADLINES[name](seen, found[name], headline.reason)
                    counts[name] += 1
    return counts


@pytest.mark.parametrize("name", HEADLINES)
def test_what_a_headline_claims_is_so(held: Counter[str], name: str) -> None:
    assert held[name] >= LEAST[name], held


@pytest.mark.parametrize("seed", range(4))
def test_how_many_entries_there_were_and_are_is_counted(seed: int) -> None:
    said = 0
    for seen in watched(life_of_maps(seed)):
        operation = seen.machine.journal.last
        if operation.target in seen.after and operation.target in ("kernel_map", "task:init/map"):
            target = seen.machine.kernel_map if operation.target == "kernel_map" else seen.machine.tasks["init"].map
            reason = map_picture(target.value(whole=WHOLE), Moment(operation)).caption.reason
            sentence = reason[reason.index("The map had") :] if "The map had" in reason else ""
            found = claims("map pictures: map/entries", sentence) if sentence else None
            changed = len(seen.before[operation.target]) != len(seen.after[operation.target])
            assert (found is not None) == changed, reason
            if found is not None:
                assert number(found["count"]) == len(seen.before[operation.target])
                assert number(found["now"]) == len(seen.after[operation.target])
                said += 1
    assert said > 5


# ---- steps -------------------------------------------------------------------------------------------


def starts_in(value: MapValue) -> dict[int, int]:
    return {entry.start: entry.id for entry in value.entries}


def joined_list(value: MapValue, said: dict[str, str]) -> None:
    entries = [(entry.start, entry.end) for entry in value.entries]
    place = entries.index(ends(said["range"]))
    before = "the header" if place == 0 else str(vm.Address(entries[place - 1][0]))
    after = "the header" if place == len(entries) - 1 else str(vm.Address(entries[place + 1][0]))
    assert (said["before"], said["after"]) == (before, after)


def left_list(value: MapValue, said: dict[str, str]) -> None:
    assert ends(said["range"]) not in [(entry.start, entry.end) for entry in value.entries]


def coloured(value: MapValue, said: dict[str, str], red: bool) -> None:
    identity = starts_in(value).get(number(said["entry"]))
    assert identity is None or value.nodes[identity].red == red


def hung(value: MapValue, said: dict[str, str], side: str) -> None:
    names = starts_in(value)
    parent, entry = names[number(said["parent"])], names[number(said["entry"])]
    assert getattr(value.nodes[parent], side) == entry
    assert value.nodes[entry].red


def wired(value: MapValue, said: dict[str, str]) -> None:
    identity = starts_in(value)[number(said["entry"])]
    (entry,) = [one for one in value.entries if one.id == identity]
    assert entry.wired == number(said["count"])


STEPS: dict[str, Callable[[MapValue, dict[str, str]], None]] = {
    "map events: EntryLinked": joined_list,
    "map events: EntryUnlinked": left_list,
    "map events: TreeRecoloured/red": lambda value, said: coloured(value, said, True),
    "map events: TreeRecoloured/black": lambda value, said: coloured(value, said, False),
    "map events: TreeLinked/left": lambda value, said: hung(value, said, "left"),
    "map events: TreeLinked/right": lambda value, said: hung(value, said, "right"),
    "map events: EntryWired": wired,
}


@pytest.mark.parametrize("life", LIVES)
def test_what_a_step_claims_is_so_at_that_step(life: Callable[[int], Iterator[vm.Machine]]) -> None:
    held: Counter[str] = Counter()
    for seed in range(3):
        for seen in watched(life(seed)):
            machine = seen.machine
            every: dict[str, Any] = {"kernel_map": machine.kernel_map}
            every |= {part.vm_map.name: part for part in machine.kmem.maps.values()}
            every |= {task.map.path: task.map for task in machine.tasks.values()}
            after = Moment(machine.journal.last, starts=starts_of(machine))
            for step in after.story.steps:
                kind, of = step.about
                if kind not in ("tree", "list", "map") or of not in every or step.sentence[:1] == "t":
                    continue
                for name, check in STEPS.items():
                    said = claims(name, step.sentence)
                    if said is not None:
                        check(every[of].value(whole=WHOLE).at(after.at(step.index + 1).past), said)
                        held[name] += 1
    wanted = {name for name in STEPS if name != "map events: EntryWired"} if life is life_of_maps else set()
    assert {name for name in wanted if held[name] < 5} == set(), held
    assert sum(held.values()) > 50


def test_a_comparison_goes_the_way_that_it_says() -> None:
    compared = 0
    for seen in watched(life_of_maps(3)):
        machine = seen.machine
        after = Moment(machine.journal.last, starts=starts_of(machine))
        for step in after.story.steps:
            for side in ("left", "right", "here"):
                said = claims(f"map events: TreeCompared/{side}", step.sentence)
                if said is None or step.about.name not in ("kernel_map", "task:init/map"):
                    continue
                target = machine.kernel_map if step.about.name == "kernel_map" else machine.tasks["init"].map
                value = target.value(whole=WHOLE).at(after.at(step.index + 1).past)
                key, start = number(said["key"]), number(said["entry"])
                found = [entry for entry in value.entries if entry.start == start]
                assert (key < start) == (side == "left")
                if found and side != "left":
                    assert (key < found[0].end) == (side == "here")
                compared += 1
    assert compared > 200


# ---- domains -----------------------------------------------------------------------------------------


def capabilities(domain: Any) -> dict[str, Any]:
    return {str(one.ref): one for cnode in domain.snapshot().cnodes for one in cnode.capabilities}


def placed(domain: Any, said: dict[str, str]) -> None:
    assert domain.walk(number(said["address"])).pa == capabilities(domain)[said["frame"]].base


def cleared(domain: Any, said: dict[str, str]) -> None:
    assert domain.walk(number(said["address"])).pa is None


def made(domain: Any, said: dict[str, str]) -> None:
    held = capabilities(domain)[said["slot"]]
    assert (held.base, binary_size(held.bytes), held.rights) == (number(said["address"]), said["size"], said["rights"])


def emptied(domain: Any, said: dict[str, str]) -> None:
    held = capabilities(domain)
    assert [one for one in said["slots"].split(", ") if one.partition(" (")[0] in held] == []


DOMAINS: dict[str, Callable[[Any, dict[str, str]], None]] = {
    "domain operations: map": placed,
    "domain operations: map/pieces": placed,
    "domain operations: unmap": cleared,
    "domain operations: made": made,
    "domain operations: made/mint": made,
    "domain operations: delete": emptied,
    "domain operations: revoke": emptied,
}


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_what_is_said_of_a_domain_is_so(architecture: str) -> None:
    held: Counter[str] = Counter()
    domain, draws = vm.boot(architecture).domain("life", slots=200), random.Random(7)
    frames: list[Any] = []
    ranges: list[tuple[Any, int]] = []
    for _ in range(120):
        chance, number_then = draws.random(), domain.machine.journal.last.number
        with suppress(vm.VMError):
            if chance < 0.2 or not frames:
                frames.append(domain.frame(draws.choice([1, 4, 600]) * PAGE))
            elif chance < 0.6:
                frame = draws.choice(frames)
                if chance < 0.3:
                    domain.map(frame)  # all of it, perhaps over several tables
                else:
                    ranges.append((domain.map(frame, size=PAGE), PAGE))
            elif chance < 0.8 and ranges:
                domain.unmap(*ranges.pop(draws.randrange(len(ranges))))
            elif chance < 0.9:
                frames.append(domain.mint(draws.choice(frames), "rg"))
            else:
                draws.choice([domain.delete, domain.revoke])(frames.pop(draws.randrange(len(frames))))
        operation = domain.machine.journal.last
        if operation.number == number_then + 1 and operation.outcome == "done":
            text = Moment(operation).story.headline.text
            found = {name: said for name in DOMAINS if (said := claims(name, text)) is not None}
            if found:
                name = max(found, key=lambda one: len(TEMPLATES[one].one))
                DOMAINS[name](domain, found[name])
                held[name] += 1
    assert {name for name in DOMAINS if not held[name]} == set(), held
