"""Lines of Python for a life: drawn from a seed, and from nothing that a machine answers.

So what one engine does wrong never changes what the other one is asked.  A line names what earlier ones made: `seen(7)`
is the seventh address that came back, in a circle, and `cap(7)` a capability; each side has its own.  Which calls there
are, and their arguments, is read from the engine before, which stays as it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from inspect import Parameter, signature
from typing import NamedTuple

from tests.beside.before import before
from tests.engine.machine.random_door import LEFT_OUT, SIZES, WORDS

PAGE = 4096
BASE = 0x10_0000
PLACES = 24
LARGE = 0x40_0000
"""Where tasks have most of their mappings, in pages, and where those for large pages begin."""

ARCHITECTURES = ("x86-64", "armv7", "aarch64", "riscv-sv39", "x86-64", "x86", "armv7", "x86-pae", "x86-64-la57")
FORKS = ("shadow", "counted", "eager")
QUIRKS = ("", "", "", "one", "all")

SILLY = (
    "None", "-1", "0", "1", "7", "2**64", "10**30", "1.5", "float('nan')", "float('inf')", "True", "''", "'x'",
    "'8 KiB'", "'-4096'", "'0x'", "'\\ud800'", "'a' * 300", "b''", "b'bytes'", "[]", "[1, [2, [3]]]", "{}", "{'a'}",
    "object()", "type", "len", "lambda: None", "'kernel_map'", "'w'", "'rwx'", "m", "m.kernel_map",
)  # fmt: skip  # a list
"""Arguments that fit hardly anywhere."""


class Taken(NamedTuple):
    """A parameter of a call."""

    name: str
    needed: bool
    by_name: bool


@lru_cache(maxsize=1)
def calls() -> dict[str, dict[str, tuple[Taken, ...]]]:
    """Return what each kind of part can be asked, by the kind and the call's name."""
    m = before().boot("armv7", layout="tiny", ram="8 MiB")
    task, domain = m.task("t"), m.domain("d")
    task.map.enter("64 KiB", at="1 MiB", fixed=True)
    parts = {
        "machine": m, "kernel map": m.kernel_map, "kentry": m.kentry, "daemon": m.pagedaemon,
        "kmem map": m.kmem.maps["exec_map"], "processor": m.cpus[0], "task": task, "map": task.map,
        "file": m.file("f", b"x"), "unchecked": m.unchecked,
        "domain": domain, "memory object": domain.anonymous("8 KiB"), "failures": m.inject("swap_full"),
    }  # fmt: skip  # pairs
    found: dict[str, dict[str, tuple[Taken, ...]]] = {}
    for kind, part in parts.items():
        names = [name for name in dir(type(part)) if getattr(getattr(type(part), name, None), "is_operation", False)]
        found[kind] = {
            name: tuple(
                Taken(one.name, one.default is Parameter.empty, one.kind is Parameter.KEYWORD_ONLY)
                for one in signature(getattr(part, name)).parameters.values()
            )
            for name in names
            if name not in (*LEFT_OUT, "submap")  # the engine before had submaps of X15's maps
        }
    return found


SUBJECTS: dict[str, dict[str, float]] = {
    "tasks": {"task": 10, "map": 6, "machine": 1, "processor": 3, "file": 1.5, "own": 6, "past": 1},
    "paging": {"task": 12, "map": 2, "machine": 0.5, "processor": 3, "file": 3, "own": 10, "past": 1},
    "maps": {"entries": 30, "map": 5, "kernel map": 1, "past": 2},
    "kernel memory": {
        "machine": 8, "kernel map": 3, "kmem map": 2, "kentry": 0.3, "daemon": 0.5, "unchecked": 1, "threads": 10,
        "past": 1,
    },
    "domains": {"domain": 10, "regions": 6, "memory object": 4, "machine": 0.3, "processor": 1, "past": 1},
    "doors": {
        "machine": 6, "kernel map": 3, "kentry": 1, "daemon": 1, "kmem map": 2, "processor": 2, "task": 4, "map": 3,
        "file": 1, "unchecked": 2, "domain": 4, "memory object": 1, "failures": 1, "own": 2, "threads": 2,
        "edits": 2, "past": 1,
    },
}  # fmt: skip  # pairs
"""What the lines of a life are about, and how often."""

OFTEN: dict[str, float] = {
    "mmap": 5, "write": 6, "read": 4, "touch": 2, "fork": 1.5, "page_out": 2, "enter": 3, "map": 5, "frame": 4,
    "unmap": 3, "store": 2, "kmem_malloc": 4, "kmem_alloc": 3, "malloc": 2, "anonymous": 2, "mint": 2, "fault": 3,
    "exit": 0.2, "exec": 0.3, "vanish": 0.1, "destroy_domain": 0.05, "take_pages": 0.2, "set_descriptor": 0.1,
    "set_costs": 0.1, "kill_when_out_of_memory": 0.1, "kill": 0.5, "inject": 0.4, "device": 0.2, "reap": 0.3,
    "take_slots": 0.3, "unchecked": 0.2, "deserialise": 0.2, "revoke": 0.5, "limit": 0.5, "kmem_suballoc": 0.3,
    "vm_map_enter": 0.5, "vm_map_remove": 0.5,
}  # fmt: skip  # pairs


class Drawing:
    """The lines of one life: the same for the same seed."""

    def __init__(self, seed: int) -> None:
        chance = self.chance = random.Random(f"beside {seed}")
        self.subject = [*SUBJECTS][seed % len(SUBJECTS)]
        self.silly = chance.choice((0, 0, 0, 0.03)) if self.subject != "doors" else 0.12
        self.tasks = ["t1", "t2"]
        self.domains = ["d1"]
        self.threads = 0
        self.made = 0
        self.space = "tasks"

    # ---- the beginning -----------------------------------------------------------------------

    def boot(self) -> Iterator[str]:
        """Draw the machine, and what is in it at first."""
        chance = self.chance
        architecture = chance.choice(ARCHITECTURES if self.subject != "domains" else ("armv7", "x86-64"))
        asids = chance.random() < 0.5 and architecture not in ("x86", "x86-pae")
        quirks = chance.choice(QUIRKS)
        named = {
            "": "()",
            "one": f"[sorted(vm.QUIRKS)[{chance.randrange(40)} % len(vm.QUIRKS)]]",
            "all": "[*vm.QUIRKS]",
        }
        yield (
            f"m = vm.boot({architecture!r}, layout={chance.choice(('tiny', 'tiny', 'small'))!r}, "
            f"ram={chance.choice(('4 MiB', '4 MiB', '8 MiB'))!r}, cpus={chance.choice((1, 2, 2, 3))}, "
            f"asids={asids}, seed={chance.choice((0, 0, 5))}, fork={chance.choice(FORKS)!r}, "
            f"tlb={chance.choice(('(16, 4)', '(2, 2)', '(1, 1)'))}, quirks={named[quirks]})"
        )
        for name in self.tasks:
            yield f"m.task({name!r})"
        if self.subject in ("tasks", "paging", "doors"):
            yield f"m.swap_on({chance.choice((8, 40)) * PAGE})"
            yield f"m.file('a', bytes(range(256)) * {chance.randrange(1, 50)})"
            yield f"m.file('slow', b'slow' * 3000, latency={chance.choice((2, 9))})"
            yield "m.object('o')"
            yield f"m.pager('p', {3 * PAGE}, bytes_of)"
            for name in self.tasks:
                yield f"m.tasks[{name!r}].mmap({PLACES // 2 * PAGE}, 'rw', 'private fixed', at={BASE:#x})"
        if self.subject in ("paging", "tasks") and chance.random() < 0.6:
            yield from self.family()
        if self.subject == "maps":
            yield from self.comb()
        if self.subject in ("paging", "tasks") and chance.random() < 0.4:
            yield f"m.take_pages(m.pages.obtainable_pages - {chance.choice((12, 25, 50))})"
        if self.subject == "paging":
            yield f"m.tasks['t1'].limit('rss', {chance.randrange(3, 7) * PAGE})"
            yield self.policy()
        if self.subject in ("domains", "doors"):
            yield f"m.domain('d1', slots={chance.choice((None, 64, 64, 300))})"
        if self.subject == "domains":
            yield from ("m.domains['d1'].frame('64 KiB')",) * 3
        if self.subject == "kernel memory" and chance.random() < 0.6:
            yield f"m.take_pages(m.pages.obtainable_pages - {chance.choice((30, 60, 120))})"

    def family(self) -> Iterator[str]:
        """Draw a child, which shares some pages with its parent."""
        yield f"m.tasks['t1'].write({BASE:#x}, b'before' * {self.chance.choice((1, 1500))})"
        yield f"m.tasks['t1'].map.inherit({BASE + PAGE:#x}, size={4 * PAGE}, inherit='share')"
        yield "m.tasks['t1'].fork()"
        self.tasks.append("t1.1")

    def comb(self) -> Iterator[str]:
        """Draw entries with a page between each two: what is entered there merges with both."""
        yield "m.object('o')"
        for name in self.tasks:
            for number in range(0, 12, 2):
                offset = (PLACES + number) * PAGE
                held = f", object='o', offset={offset}" if number < 6 else ""
                yield f"m.tasks[{name!r}].map.enter({PAGE}, at={BASE + offset:#x}, fixed=True{held})"

    # ---- lines -------------------------------------------------------------------------------

    def line(self) -> str:
        """Draw the next line."""
        kinds = SUBJECTS[self.subject]
        kind = self.chance.choices([*kinds], [*kinds.values()])[0]
        own: dict[str, Callable[[], str]] = {
            "own": self.own, "entries": self.entries, "regions": self.regions,
            "past": self.past, "threads": self.thread, "edits": self.edit,
        }  # fmt: skip  # pairs
        return own[kind]() if kind in own else self.call(kind)

    def call(self, kind: str) -> str:
        """Draw a call of a part of a kind, with arguments that make sense or not."""
        chance = self.chance
        names = [*calls()[kind]]
        name = chance.choices(names, [OFTEN.get(one, 1) for one in names])[0]
        taken = calls()[kind][name]
        self.space = "tasks" if kind in ("task", "map", "processor", "file") else kind
        both = {"end", "size"} <= {one.name for one in taken}
        given, named = [], []
        by_place = True
        for one in taken:
            likely = 1 if one.needed else 0.9 if one.name in ("at", "size", "flags", "pages") else 0.35
            if both and one.name in ("end", "size"):
                likely = 0.04 if one.name == "end" else 0.97
            wanted = chance.random() < likely
            by_place = by_place and wanted and not one.by_name
            if by_place:
                given.append(self.argument(one.name))
            elif wanted:
                named.append(f"{one.name}={self.argument(one.name)}")
        if self.silly and chance.random() < 0.01:
            named.append("nonsense=1")
        if name in ("task", "fork", "domain"):
            self.remember(name)
        return f"{self.part(kind)}.{name}({', '.join([*given, *named])})"

    def part(self, kind: str) -> str:
        """Draw a part of a kind, as Python."""
        chance = self.chance
        task, domain = chance.choice(self.tasks), chance.choice(self.domains)
        return {
            "machine": "m", "kernel map": "m.kernel_map", "kentry": "m.kentry", "daemon": "m.pagedaemon",
            "kmem map": f"m.kmem.maps[{chance.choice(('exec_map', 'pipe_map', 'kmem_map', 'kernel_map'))!r}]",
            "processor": f"m.cpus[{chance.choice((0, 0, 1, 1, 2))}]",
            "task": f"m.tasks[{task!r}]", "map": f"m.tasks[{task!r}].map",
            "file": f"m.files[{chance.choice(('a', 'slow'))!r}]", "unchecked": "m.unchecked",
            "domain": f"m.domains[{domain!r}]", "memory object": f"memobj({chance.randrange(50)})",
            "failures": f"failures({chance.randrange(9)})",
        }[kind]  # fmt: skip  # pairs

    def remember(self, call: str) -> None:
        """Note a name that may now exist."""
        if call in ("task", "fork") and len(self.tasks) < 6:
            self.tasks.append(self.chance.choice(("one", "two", "three", "t1.1", "t2.1", "t1.2")))
        if call == "domain" and len(self.domains) < 3:
            self.domains.append(self.chance.choice(("one", "two")))

    # ---- arguments ---------------------------------------------------------------------------

    def argument(self, name: str) -> str:
        """Draw a value for a parameter of this name, as Python."""
        chance = self.chance
        if chance.random() < self.silly:
            return chance.choice(SILLY)
        if name in ("address", "start", "at", "end", "addr", "pa"):
            return self.place()
        own: dict[str, tuple[str, ...]] = {
            "access": ("'read'", "'write'", "'execute'"),
            "advice": ("'dontneed'", "'dontneed'", "'normal'", "'willneed'"),
            "capability": (f"cap({chance.randrange(60)})",),
            "content": ("b'content'", "bytes(5000)"),
            "controls": ("m.controls",),
            "data": ("b'x'", "b'hello'", f"bytes([{chance.randrange(256)}]) * {chance.choice((1, 3, 5000))}"),
            "domain": ("'d1'", "'one'"),
            "file": ("'a'", "'slow'", "None", "None", "None", "'o'", "'p'"),
            "future": ("()",),
            "latency": ("0", "3"),
            "map": ("'kernel_map'", "'exec_map'", "'kmem_map'", "'pipe_map'"),
            "max_pages": ("2", "None"),
            "most": (f"{chance.randrange(2, 9) * PAGE}", "None"),
            "object": ("None", "None", "'o'"),
            "offset": ("0", "0", "0", "4096", "8192", "100"),
            "piece": ("None", "4096"),
            "point": ("'page_alloc'", "'table_page'", "'pager_read'", "'swap_full'"),
            "policy": ("'fifo'", "'lru'", "'clock'", "'aging'", "'nru'", "'working set'"),
            "size": ("4096", "4096", "8192", "'12 KiB'", "20480", repr(chance.choice(SIZES))),
            "task": ("'t1'", "'t2'", "None"),
            "value": (str(chance.getrandbits(32)),),
        }
        if name == "flags":
            own["flags"] = {
                "tasks": (
                    "'private'", "'private fixed'", "'private fixed'", "'shared fixed'", "'private fixed populate'",
                    "'private growsdown fixed'",
                ),
                "machine": ("'M_NOWAIT'", "'M_NOWAIT|M_ZERO'", "'M_NOWAIT'", "2"),
            }.get(self.space, ("'rw'", "'r'", "'rwx'", "'rw large'"))  # fmt: skip  # pairs
        if name == "map" and self.space == "unchecked":
            return chance.choice(("m.kmem.maps['kmem_map']", "m.kmem.maps['exec_map']", "m.kernel_map"))
        if name == "name":
            own["name"] = ("'as'", "'rss'", "'stack'", "'data'") if self.space == "tasks" else ("'one'", "'two'", "'s'")
        if name in ("frame", "source") or (name == "object" and self.space == "unchecked"):
            own[name] = (f"cap({chance.randrange(60)})",) if name != "object" else ("None",)
        if name in own:
            return chance.choice(own[name])
        return repr(chance.choice(WORDS[name])) if name in WORDS else chance.choice(SILLY)

    def place(self) -> str:
        """Draw an address, as Python."""
        chance = self.chance
        if self.space == "tasks" and chance.random() < 0.85:
            return f"{BASE + chance.randrange(PLACES) * PAGE + chance.choice((0, 0, 0, 0, 1, 4093)):#x}"
        if self.space == "domain" and chance.random() < 0.3:
            return f"{0x5000_0000 + chance.randrange(30) * PAGE:#x}"
        return f"seen({chance.randrange(60)}){chance.choice(('', '', '', '', ' + 4096', ' + 1', ' - 4096'))}"

    # ---- what has lines of its own -----------------------------------------------------------

    def own(self) -> str:
        """Draw an access, a mapping or a choice that the calls alone would hardly meet."""
        chance, some = self.chance, self.chance.randrange
        name = chance.choice(self.tasks[:3])
        task, cpu = f"m.tasks[{name!r}]", f"m.cpus[{some(2)}]"
        at, size = f"{BASE + some(PLACES // 2) * PAGE:#x}", some(1, 5) * PAGE
        large = repr(chance.choice(("64 KiB", "1 MiB", "2 MiB", "4 MiB")))
        self.threads += 1
        program = [
            chance.choice((
                ("sleep", some(1, 5)), ("write", BASE + some(PLACES) * PAGE, bytes([some(256)])),
                ("write", BASE + some(PLACES) * PAGE, bytes([some(256)])), ("read", BASE + some(PLACES) * PAGE, 2),
            ))
            for _ in range(some(1, 5))
        ]  # fmt: skip  # a list
        return chance.choice((
            f"{task}.write({at}, bytes([{some(256)}]))", f"{task}.write({at}, bytes([{some(256)}]))",
            f"{task}.read({at}, 4)", f"{task}.peek({at}, 4)", f"{task}.write({at} + 4090, b'across a border')",
            f"{task}.mmap({size}, 'rw', 'private fixed', at={at})",
            f"{task}.mmap({size}, 'rw', 'shared fixed', 'a', at={at})",
            f"{task}.mmap({size}, 'r', 'private fixed', {chance.choice(('slow', 'p'))!r}, at={at})",
            f"{task}.map.wire({at}, size={PAGE})", f"{task}.map.unwire({at}, size={PAGE})",
            f"{task}.mmap('4 MiB', 'rw', 'private fixed', at={LARGE:#x})",
            f"{task}.map.superpages({LARGE:#x}, size={large}, page={large})",
            f"{task}.write({LARGE + some(64) * PAGE:#x}, b'large')",
            f"{cpu}.run({task})", f"{cpu}.load({at}, 2, user=True)", f"{cpu}.store({at}, b'st', user=True)",
            f"m.cpus.shootdown = {chance.choice(('wait', 'lazy', 'none', 'sent'))!r}", self.policy(),
            f"m.spawn(uses(m, {name!r}, {program!r}), name='T{self.threads}')",
            f"m.kill('T{some(1, self.threads + 1)}')",
            "m.step()", "m.run()", f"m.tick({some(9)})", f"m.walk({at}, task={task})", f"{task}.walk({at}, 'write')",
            f"{task}.fork()", f"{task}.fork()", "m.controls = m.controls",
            f"{task}.map.inherit({at}, size={size}, inherit={chance.choice(('share', 'share', 'copy', 'none'))!r})",
            f"m.inject('page_alloc', {some(2, 6)}, times={some(1, 4)})", f"m.take_pages({some(1, 12)})",
            "m.give_pages(4)",
        ))  # fmt: skip  # a list

    def entries(self) -> str:
        """Draw a change of entries that lie close together and differ in little: they merge, or just do not."""
        chance, some = self.chance, self.chance.randrange
        target = f"m.tasks[{chance.choice(self.tasks[:2])!r}].map"
        at, size = f"{BASE + (PLACES + some(12)) * PAGE:#x}", some(1, 4) * PAGE
        prot, inherit = "r" if some(6) == 0 else "rw", chance.choice(("none", "share")) if some(9) == 0 else "copy"
        offset = int(at, 16) - BASE if some(4) else some(4) * PAGE
        alike = f"prot={prot!r}, inherit={inherit!r}, max_prot={'rw' if some(9) == 0 else 'rwx'!r}"
        enter = f"{target}.enter({PAGE}, at={at}, fixed=True, {alike}"
        advice = chance.choice(("normal", "random", "sequential"))
        return chance.choice((
            f"{enter})", f"{enter})", f"{enter})", f"{enter}, object='o', offset={offset})",
            f"{enter}, nomerge={some(4) == 0})", f"{enter}, advice={advice!r})",
            f"{target}.enter({size}, at={at}, align={chance.choice((0, 8192))})", f"{target}.enter({size})",
            f"{target}.remove({at}, size={size})", f"{target}.remove({at}, size={size})",
            f"{target}.protect({at}, size={size}, prot={prot!r})",
            f"{target}.inherit({at}, size={size}, inherit={inherit!r})",
            f"{target}.advise({at}, size={size}, advice={advice!r})", f"{target}.simplify({at}, size={size})",
            f"{target}.lookup({at})",
            f"m.tasks[{self.tasks[0]!r}].fork()",
            f"{target}.wire({at}, size={size})", f"{target}.unwire({at}, size={size})",
        ))  # fmt: skip  # a list

    def regions(self) -> str:
        """Draw mappings of several pages around a table's border, with few slots: what fails half way is undone."""
        chance, some = self.chance, self.chance.randrange
        at = f"{chance.choice((0x5010_0000, 0x5020_0000)) + some(-4, 3) * PAGE:#x}"
        size, frame, d = some(1, 9) * PAGE, f"cap({some(3)})", "m.domains['d1']"
        flags = chance.choice(("rw", "rw", "r", "rw large"))
        return chance.choice((
            f"{d}.map({frame}, {at}, {some(3) * PAGE}, {size}, {flags!r})", f"{d}.map({frame}, {at}, 0, {size})",
            f"{d}.map({frame}, {at}, 0, {size})", f"{d}.map({frame}, {at}, 0, {size})",
            f"{d}.unmap({at}, {size})", f"{d}.unmap({at}, {size})", f"{d}.unmap(seen({some(60)}), {size})",
            f"{d}.modify_flags({at}, {size}, {flags!r})", f"{d}.write({at}, b'there')",
            f"{d}.take_slots({d}.take_slots(0) - {some(5)})", f"{d}.take_slots({d}.take_slots(0) - {some(5)})",
            f"{d}.give_slots({some(1, 30)})", f"{d}.give_slots({some(1, 6)})",
        ))  # fmt: skip  # a list

    def policy(self) -> str:
        """Draw another policy of replacement."""
        return "m.replacement = " + self.chance.choice((
            "'fifo'", "'lru'", "'clock'", "'second chance'", "'aging'", "'nru'", "newest", "clean_first",
            "vm.Replacement('lru', local=True)", "vm.Replacement('working set', window=6)",
            f"vm.Replacement('opt', future=({BASE // PAGE}, {BASE // PAGE + 2}, {BASE // PAGE + 1}) * 9)",
        ))  # fmt: skip  # a list

    def thread(self) -> str:
        """Draw what concerns threads and kernel memory together."""
        chance, some = self.chance, self.chance.randrange
        size = chance.choice((1, 2, 5)) * PAGE
        self.threads += 1
        named = f"name='T{self.threads}')"
        other_one = f"T{some(1, self.threads + 1)}"
        one, other = chance.sample(("exec_map", "pipe_map"), 2)
        return chance.choice((
            f"m.spawn(allocates(m, {size}, {some(4)}), {named}",
            f"m.spawn(waits_for_room(m, {size * 4}), {named}", f"m.spawn(locks(m, {one!r}, {other!r}), {named}",
            f"m.spawn(sleeps(m, {chance.choice('ab')!r}, {chance.choice((0, 3))}), {named}",
            f"m.spawn(m.kmem_alloc_wait, {size}, {named}",
            "m.step()", "m.step()", "m.run()", f"m.run(steps={some(1, 6)})", f"m.run({other_one!r})",
            f"m.tick({some(6)})", f"m.wakeup({chance.choice('ab')!r})", f"m.kill({other_one!r})",
            f"spare.append(m.kmem_malloc({PAGE}, 'M_NOWAIT'))", f"spare.append(m.kmem_malloc({PAGE}, 'M_NOWAIT'))",
            f"m.kmem_free(spare.pop(), {PAGE})", "m.on_lowmem(frees(m, spare))",
            f"given.append((m.kmem_malloc({size}, 'M_NOWAIT'), {size}))",
            f"given.append((m.kmem_alloc({size}), {size}))",
            f"m.kmem_free(*given.pop({some(3)}))", f"m.kmem_free(*given.pop({some(3)}))",
            f"small.append(m.malloc({some(1, 3000)}, 'M_NOWAIT'))", "m.free(small.pop(0))",
            f"m.write(seen({some(60)}), b'kernel')", "m.uma_reclaim()", f"m.give_pages({some(40)})",
            f"m.read_file('data', {some(1, 9) * PAGE})", f"m.take_pages({some(20)})",
            f"m.kmem.maps[{one!r}].lock()", f"m.kmem.maps[{one!r}].unlock()",
            f"stopped_at(m, {some(1, 9)}, lambda: m.kernel_map.remove(seen({some(60)}), size={size}))",
        ))  # fmt: skip  # a list

    def edit(self) -> str:
        """Draw a descriptor that is written by hand, or put back."""
        chance = self.chance
        at, task = f"{BASE + chance.randrange(PLACES) * PAGE:#x}", f"m.tasks[{chance.choice(self.tasks)!r}]"
        step = f"{task}.walk({at}).steps[{chance.choice((-1, -1, 0))}]"
        return chance.choice((
            f"m.set_descriptor({step}.pa, {step}.value ^ {1 << chance.randrange(32)})",
            f"m.set_descriptor({step}.pa, {step}.value ^ {1 << chance.randrange(32)})",
            "m.undo_descriptor()", "m.undo_descriptor()", f"{task}.read({at})", f"m.cpus[0].load({at}, user=True)",
        ))  # fmt: skip  # a list

    def past(self) -> str:
        """Draw a way into the past, or a question about it."""
        chance = self.chance
        task = f"m.tasks[{chance.choice(self.tasks[:3])!r}]"
        at = f"{BASE + chance.randrange(PLACES // 2) * PAGE:#x}"
        back = chance.choice((1, 1, 2, 5, 30))
        change = chance.choice(("fork='eager'", "fork='shadow'", "tlb=(1, 2)", "replacement='fifo'", "quirks=()"))
        thing = chance.choice((
            f"{task}, {at}", f"{task}.map, {at}", f"{task}.tables, {at}", f"m.frames, {chance.randrange(256, 900)}",
            "m.kernel_map, m.kernel_map.start", "m.files['a'], 0", "m.objects['o'], 0",
        ))  # fmt: skip  # a list
        return chance.choice((
            f"m.undo({back})", f"m.undo({back})", f"m.undo({back})", f"m.redo({chance.choice((1, 1, 2, 9))})",
            f"m.redo({chance.choice((1, 2))})", f"m = m.branch({-back})", "m = m.branch()",
            f"[*m.at({-back}).kernel_map]", f"m.at({-back}).kmem.value()", f"m.at({chance.randrange(30)}).frame_count",
            f"m.last_write({thing})", f"m.last_write({thing})", f"m.last_write({thing})", f"m.why({thing})",
            f"m.first(lambda then: len(then.kernel_map) > {chance.randrange(2, 6)})",
            f"m.first(lambda then: then.tasks['t1'].peek({at}) > b'a')",
            "m.turned(lambda then: len(then.tasks['t1'].map))",
            f"m.again({change})", "str(m.journal.last.explain())", f"str(m.journal[{-back}].explain())",
            "str(m.journal.last.outline())", "m.check()", "saved(m)", "m = loaded(vm, m)", "m.mark('here')",
            "m.at('here').fault_count", "m.group('both').__enter__()", "[*m.journal][-3:]",
        ))  # fmt: skip  # a list
