"""Each public call with forty bad values: an answer, or one sentence; nothing has changed; and the work ends.

The calls are those that the public face lists (tools/face.py), so that a new call is tried without a row here.  Each
parameter in turn gets each value of `BAD`; what else a call needs comes from `OWN`, or from `GOOD` by the parameter's
name.  Work is counted in calls of functions.  A sample runs each time, and all of them in `make sweep`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cache
from inspect import Parameter, getattr_static, isroutine, signature
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from tests.work import calls_of
from tools.face import options_of
from tools.site.reference import PARTS, hidden, names_of
from vmwidgets.engine.base.calls import WrongCall
from vmwidgets.pictures.registry import known_pictures

MOST_CALLS = 1_000_000
"""A call that calls more functions than this doesn't end for a learner: a machine boots with some 30,000."""

SAMPLE = 600
"""The number of values that are tried each time; all are some 40,000."""

LEFT_OUT = {"vm.attach"}
"""It waits for a kernel that somebody else starts."""


class NotNow(Exception):
    """The error of a learner's own object."""


class Raising:
    """Whatever it is asked, it raises."""

    __hash__ = None

    def _raise(self, *_: object) -> Any:
        raise NotNow("not now")

    __index__ = __eq__ = __bool__ = __repr__ = _raise


class Anything:
    """It is made of anything."""

    def __init__(self, *_: object) -> None:
        """Keep nothing."""


class World:
    """A machine with a part of each kind, and with handles that are good nowhere."""

    def __init__(self) -> None:
        self.machine = m = vm.boot("x86-64", layout="tiny", cpus=2)
        self.task = t = m.task("t")
        ended = m.task("ended")
        ended.exit()
        self.address = t.mmap("16 KiB", at="1 MiB")
        t.write(self.address, b"hello")
        self.file = m.file("motd", b"hello" * 2000)
        self.object = m.object("heap", max_pages=8)
        self.block = m.kmem_malloc("4 KiB")
        self.domain = d = m.domain("d")
        self.capability = d.frame("8 KiB")
        self.mapped = d.map(self.capability)
        self.memobj = d.anonymous("16 KiB")
        self.ram = d.ram("4 KiB")
        freed = d.frame("4 KiB")
        d.delete(freed)
        other = vm.boot("x86-64", layout="tiny")
        theirs = other.task("t")
        self.values = {
            **BAD, "a freed capability": freed, "an ended task": ended, "another machine": other,
            "another machine's task": theirs, "another machine's map": theirs.map,
            "another machine's object": other.object("heap"),
        }  # fmt: skip  # a list
        self.parts = {type(part): part for part in (
            m, t, t.map, self.file, self.object, m.tables, m.cpus, m.cpus[0], m.kentry, m.frames, m.kmem,
            m.kmem.exec_map, m.pagedaemon, m.threads, d, self.capability, self.memobj, m.unchecked, m.journal,
        )}  # fmt: skip  # a list
        self.parts |= {kind: make() for kind, make in VALUES.values()}
        self.before = snapshot(m)


BAD: dict[str, Any] = {
    "None": None, "empty": "", "blank": " ", "0x__1": "0x__1", "1__0": "1__0", "many digits": "9" * 5000,
    "long": "x" * 10_000, "nul": "a\0b", "half a character": "\ud800", "an Arabic three": "٣", "64 TiB": "64 TiB",
    "a negative text": "-4096", "lines": "a\nb", "-1": -1, "-2**64": -(2**64), "10**6": 10**6, "2**31": 2**31,
    "2**44": 2**44,
    "2**64": 2**64, "10**30": 10**30, "a huge number": 10**5000, "True": True, "1.5": 1.5, "nan": float("nan"),
    "inf": float("inf"), "1j": 1j, "a Decimal": Decimal(3), "bytes": b"x", "a bytearray": bytearray(b"4096"),
    "an empty list": [], "a nested list": [1, [2, [3]]], "a dict": {"a": 1}, "a set": {1, "a"},
    "a long range": range(10**9), "an object": object(), "a class": Anything, "a function": lambda *_: None,
    "an array of numbers": np.array([1, 2]), "an array of texts": np.array(["a", "b"]),
    "a small number": np.uint8(255),
    "numpy's nan": np.float64("nan"), "numpy's text": np.str_("zz"), "raising": Raising(),
    "not implemented": NotImplemented,
}  # fmt: skip  # a list


TASK_MAP, SUBMAP, DOMAIN = "m.kernel_map, t.map", "m.kmem.exec_map", "d = m.domain(name)"

GOOD: dict[str, Callable[[World], Any]] = {
    "access": lambda _: "read",
    "addr": lambda w: w.block,
    "address": lambda w: w.address,
    "advice": lambda _: "normal",
    "align": lambda _: 0,
    "at": lambda _: "2 MiB",
    "capability": lambda w: w.capability,
    "channel": lambda _: "c",
    "content": lambda _: b"new",
    "count": lambda _: 1,
    "data": lambda _: b"x",
    "domain": lambda w: w.domain,
    "entries": lambda _: 3,
    "flags": lambda _: "rw",
    "frame": lambda w: w.capability,
    "function": lambda _: lambda: None,
    "inherit": lambda _: "copy",
    "kind": lambda _: "anonymous",
    "machine": lambda w: w.machine,
    "map": lambda w: w.machine.kmem.exec_map,
    "maps": lambda _: "1000-2000 rw-p 00000000 00:00 0",
    "name": lambda _: "new",
    "offset": lambda _: 0,
    "pages": lambda _: 2,
    "path": lambda _: "file",
    "prot": lambda _: "r",
    "rights": lambda _: "r",
    "size": lambda _: "4 KiB",
    "start": lambda w: w.address,
    "task": lambda w: w.task,
    "thing": lambda w: w.machine,
}


RANGE: dict[str, Callable[[World], Any]] = {"size": lambda _: "4 KiB"}

IN_DOMAIN: dict[str, Callable[[World], Any]] = {"address": lambda w: w.mapped}

IN_KERNEL: dict[str, Callable[[World], Any]] = {"address": lambda w: w.block}

OF_SUBMAP: dict[str, Callable[[World], Any]] = {
    "start": lambda w: w.machine.kmem.exec_map.start, "address": lambda w: w.machine.kmem.exec_map.start,
    "size": lambda _: "4 KiB",
}  # fmt: skip  # a table

OF_UNCHECKED: dict[str, Callable[[World], Any]] = {"size": lambda _: 4096, "addr": lambda w: int(w.block)}

OWN: dict[str, dict[str, Callable[[World], Any]]] = {
    "vm.load_curve": {"tasks": lambda _: 1},
    "vm.handout": {"path": lambda _: "story.html", "pictures": lambda w: vm.Slabs(w.machine)},
    "vm.pseudocode": {"name": lambda _: "vm_map_clip_start"},
    "vm.compare_formats": {"ranges": lambda _: [(0x40_0000, "64 KiB")]},
    "vm.lab.predict": {"question": lambda _: "How many?"},
    "vm.load_strace": {"path_or_text": lambda _: "brk(NULL) = 0x55550000"},
    "vm.paper.access": {"what": lambda _: "r 0x3d7"},
    "vm.paper.map": {"pages": lambda _: {5: 17}},
    "vm.paper.probes": {"entries": lambda _: [(1, 2, 3)], "hashed": lambda _: (lambda pid, vpn: 0)},
    **{f"({TASK_MAP}).{name}": RANGE for name in ("promote", "remove", "superpages", "unwire", "wire")},
    f"({TASK_MAP}).advise": RANGE, f"({TASK_MAP}).inherit": RANGE,
    f"({TASK_MAP}).protect": {**RANGE, "prot": lambda _: "r"},
    "(t = m.task(name)).use_pages": {"numbers": lambda _: "0 1"},
    "(t = m.task(name)).limit": {"name": lambda _: "rss", "most": lambda _: "64 KiB"},
    **{f"(m).{name}": IN_KERNEL for name in ("read", "write", "free", "kmem_free", "walk")},
    **{f"(m.frames).{name}": {"frame": lambda _: 0x1E1} for name in ("owner", "frame", "mapped_at")},
    "(m).at": {"n": lambda _: 3}, "(m).kill": {"name": lambda _: "pagedaemon"},
    "(m).spawn": {"function": lambda _: len}, "(m).on_lowmem": {"handler": lambda _: print},
    "(m).on_operation": {"callback": lambda _: print}, "(m).again": {"fork": lambda _: "eager"},
    "(m).last_write": {"thing": lambda w: w.task, "where": lambda w: w.address},
    "(m).why": {"thing": lambda w: w.task, "where": lambda w: w.address},
    "(m).first": {"f": lambda _: (lambda m: len(m.tasks) > 0)},
    "(m).turned": {"f": lambda _: (lambda m: len(m.tasks) > 0)},
    "(m).device": {"at": lambda _: 1 << 30}, f"({DOMAIN}).device_frame": {"at": lambda _: 1 << 30},
    "(m).inject": {"point": lambda _: "page_alloc"}, "(m.cpus).set_shootdown": {"shootdown": lambda _: "sent"},
    "(m).set_costs": dict.fromkeys(("tlb", "memory", "minor", "major"), lambda _: 5),
    "(m).set_descriptor": {"pa": lambda w: w.machine.pmap.root, "value": lambda _: 0},
    "(m.tables, t.tables).descriptor_at": {"pa": lambda w: w.machine.pmap.root},
    **{f"({SUBMAP}).{name}": OF_SUBMAP for name in ("inherit", "unwire", "wire", "lookup", "advise")},
    f"({SUBMAP}).protect": {**OF_SUBMAP, "prot": lambda _: "r"},
    **{
        f"({DOMAIN}).{name}": IN_DOMAIN
        for name in ("modify_flags", "unmap", "lookup", "read", "write", "touch", "walk")
    },
    f"({DOMAIN}).retype": {"capability": lambda w: w.ram, "kind": lambda _: "Frame"},
    f"({DOMAIN}).slot": {"place": lambda _: "slots[0]"}, f"({DOMAIN}).slot_of": {"given": lambda _: "slots[0]"},
    **{f"(m.unchecked).{name}": OF_UNCHECKED for name in ("kmem_malloc", "kmem_free", "kmem_alloc")},
}  # fmt: skip  # a table
"""What a call needs more than names tell, by the call: without it, the call refuses that before it sees a bad value."""


VALUES: dict[str, tuple[type, Callable[[], Any]]] = {
    "BaseAndBounds": (vm.BaseAndBounds, lambda: vm.BaseAndBounds("16 KiB", "4 KiB")),
    "Costs": (vm.Costs, vm.Costs),
    "Replacement": (vm.Replacement, lambda: vm.Replacement("lru")),
    "ResidentPage": (vm.ResidentPage, lambda: vm.ResidentPage(1, 2, 3, 4, True, False)),
    "Segments": (vm.Segments, lambda: vm.Segments(code=("16 KiB", "4 KiB", "rx"))),
    "paper": (vm.paper, lambda: vm.paper(16, 16, page="1 KiB")),
}
"""The classes whose objects a caller makes, with an object of each."""


class Call(NamedTuple):
    """A public call, and its parameters as callers see them."""

    name: str
    of: Callable[[World], Callable[..., Any]]
    parameters: tuple[Parameter, ...]


@cache
def calls() -> dict[str, Call]:
    """The public calls, by name."""
    return {one.name: one for one in _found() if one.name not in LEFT_OUT}


def _found() -> Iterator[Call]:
    for name in sorted(vm.__all__):
        thing = getattr(vm, name)
        if isroutine(thing):
            yield _call(f"vm.{name}", _itself(thing), thing)
    for module in ("lab", "workload"):
        for name in sorted(names_of(getattr(vm, module))):
            thing = getattr(getattr(vm, module), name)
            if isroutine(thing):
                yield _call(f"vm.{module}.{name}", _itself(thing), thing)
    for name, (kind, _) in VALUES.items():
        yield _call(f"vm.{name}", _itself(kind), kind)
        yield from _of_class(f"vm.{name}", kind)
    for name, kind in sorted(known_pictures().items()):
        names = [one.partition("=")[0] for one in options_of(kind)]
        options = [Parameter(one, Parameter.KEYWORD_ONLY, default=None) for one in names]
        target = Parameter("thing", Parameter.POSITIONAL_ONLY)
        yield Call(f"vm.{name}", _itself(getattr(vm, name)), (target, *options))
    for how, kind in {"m": vm.Machine, **PARTS}.items():
        yield from _of_class(f"({how})", kind)


def _itself(thing: Any) -> Callable[[World], Any]:
    return lambda _: thing


def _member(kind: type, name: str) -> Callable[[World], Any]:
    return lambda world: getattr(world.parts[kind], name)


def _of_class(how: str, kind: type) -> Iterator[Call]:
    for name in sorted(one for one in dir(kind) if not one.startswith("_") and one not in hidden(kind)):
        thing = getattr_static(kind, name)
        if isroutine(thing):
            yield _call(f"{how}.{name}", _member(kind, name), thing)


def _call(name: str, of: Callable[[World], Any], thing: Any) -> Call:
    thing = thing.__func__ if isinstance(thing, (classmethod, staticmethod)) else thing
    found = [one for one in signature(thing).parameters.values() if one.name not in ("self", "cls")]
    return Call(name, of, tuple(found))


class TooMuch(BaseException):
    """The call calls too many functions."""


@contextmanager
def any_number_of_digits() -> Iterator[None]:
    """Let Python write a number of any length."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def answered(function: Callable[[], Any]) -> None:
    """Make a call, and look at what it returns; raises :class:`TooMuch` if that takes too many calls."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")
        if count > MOST_CALLS:
            sys.setprofile(None)
            raise TooMuch(f"more than {MOST_CALLS:,} calls")

    sys.setprofile(note)
    try:
        result = function()
        with suppress(NotNow), any_number_of_digits():  # it has what it was given
            list(islice(result, 1000)) if isinstance(result, Iterator) else repr(result)
    finally:
        sys.setprofile(None)


def made(world: World, call: Call, odd: Parameter | None = None, value: Any = None) -> Callable[[], Any]:
    """Return a call with one odd value, and else with values that it takes."""
    places: list[Any] = []
    words: dict[str, Any] = {}
    own = OWN.get(call.name, {})
    for one in call.parameters:
        is_many = one.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        if one is odd:
            given = value
        elif one.name in own:
            given = own[one.name](world)
        elif one.default is Parameter.empty and not is_many:
            given = GOOD.get(one.name, lambda _: None)(world)
        else:
            continue
        if one.kind is Parameter.VAR_KEYWORD:
            words["anything"] = given
        elif one.kind in (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL) or one.default is Parameter.empty:
            places.append(given) if one.kind is not Parameter.KEYWORD_ONLY else words.update({one.name: given})
        else:
            words[one.name] = given
    function = call.of(world)
    return lambda: function(*places, **words)


def wrong(world: World, call: Call, parameter: Parameter, value: Any) -> str:
    """Return what is wrong with what a call does with a value; "" for nothing."""
    making = made(world, call, parameter, value)
    said = ""
    try:
        answered(making)
    except vm.Refused as error:
        said = "" if snapshot(world.machine) == world.before else f"refused, and the machine has changed: {error}"
        if "\n" in f"{error}" or not 10 < len(f"{error}") < 400:
            said = f"a sentence of {len(str(error))} characters"
    except (vm.VMError, WrongCall):
        pass
    except TooMuch as error:
        said = f"{error}"
    except Exception as error:  # noqa: BLE001  that is what is looked for
        said = f"{type(error).__name__} from inside: {error}"
    return said


class Trials:
    """A world for many trials: a new one whenever a call has changed it."""

    def __init__(self) -> None:
        self.world = World()

    def failures(self, call: Call, parameter: Parameter, labels: list[str]) -> Iterator[str]:
        """Yield what is wrong with each of these values."""
        for label in labels:
            said = wrong(self.world, call, parameter, self.world.values[label])
            if said:
                yield f"{call.name}: {parameter.name}={label}: {said}"
            if said or snapshot(self.world.machine) != self.world.before:
                self.world = World()


pytestmark = pytest.mark.filterwarnings("ignore:a listener of")
"""A function without parameters is one that fails."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that calls write are in a folder of the test."""
    monkeypatch.chdir(tmp_path)


def test_a_sample_of_bad_values() -> None:
    trials, labels = Trials(), [*World().values]
    every = [(call, one) for call in calls().values() for one in call.parameters]
    chosen = random.Random(92).choices([(*pair, label) for pair in every for label in labels], k=SAMPLE)
    assert [said for call, one, label in chosen for said in trials.failures(call, one, [label])] == []


@pytest.mark.sweep
@pytest.mark.parametrize("name", calls())
def test_forty_bad_values_for_each_parameter(name: str) -> None:
    trials, call = Trials(), calls()[name]
    assert [said for one in call.parameters for said in trials.failures(call, one, [*trials.world.values])] == []


# ---- work ----------------------------------------------------------------------------------------

HUGE = "1 TiB"

SPARSE: dict[str, Callable[[Any, int, int], object]] = {
    "resident_pages": lambda t, a, _: t.resident_pages(a, (1 << 40) // vm.PAGE),
    "page_out": lambda t, a, _: t.page_out(a, HUGE),
    "msync": lambda t, _, of_file: t.msync(of_file, HUGE),
    "fork": lambda t, *_: t.fork(),
    "madvise": lambda t, a, _: t.madvise(a, HUGE, "willneed"),
    "mprotect": lambda t, a, _: t.mprotect(a, HUGE, "r"),
    "munmap": lambda t, a, _: t.munmap(a, HUGE),
    "promote": lambda t, a, _: t.map.promote(a, size=HUGE, page="2 MiB"),
}


@pytest.mark.parametrize("name", SPARSE)
def test_work_grows_with_the_pages_and_not_with_the_addresses(name: str) -> None:
    """Of a range of 2**28 pages, one is in memory: a call that looks at each place would need days."""
    m = vm.boot("x86-64", layout="tiny")
    task = m.task("t")
    a, of_file = task.mmap(HUGE), task.mmap(HUGE, "rw", "shared", m.file("f", b"x" * 9000))
    task.write(a, b"x")
    task.write(of_file, b"y")
    assert calls_of(lambda: SPARSE[name](task, a, of_file)) < 20_000
    m.check()


def test_pages_in_memory_are_found_in_an_unaligned_and_in_a_sparse_range() -> None:
    task = vm.boot("x86", layout="tiny").task("t")
    task.mmap("4 MiB", at="4 MiB")
    task.use_pages("4 MiB", "0 3 1023", "write")
    assert task.resident_pages("4 MiB", 1024) == {0, 3, 1023}
    assert task.resident_pages((4 << 20) + 100, 1024) == {0, 3, 1023}
    assert task.resident_pages(0, (1 << 32) // vm.PAGE) == {1024, 1027, 2047}
    assert task.resident_pages("4 MiB", 3) == {0}


def test_pages_beyond_the_last_address_are_refused_before_any_is_used() -> None:
    m = vm.boot("x86", layout="tiny")
    task = m.task("t")
    a = task.mmap("16 KiB")
    before = snapshot(m)
    for numbers in (f"0 {1 << 20}", "0 ٣", "0 -1", "0 " + "9" * 5000):
        with pytest.raises(vm.Refused):
            task.use_pages(a, numbers)
    with pytest.raises(vm.Refused):
        task.resident_pages(a, 1 << 20)
    assert snapshot(m) == before


def test_a_range_of_flags_beyond_its_mapping_is_refused_at_its_first_piece() -> None:
    domain = vm.boot("x86-64", layout="tiny").domain("d")
    at = domain.map(domain.frame("8 KiB"))

    def change() -> None:
        with pytest.raises(vm.KernelError):
            domain.modify_flags(at, "64 TiB", "r")

    assert calls_of(change) < 5_000
