"""Handles find what they name by path, and structures know nothing of handles: so a machine can go back in time."""

from __future__ import annotations

import gc
import inspect
from types import FunctionType, ModuleType

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine import Machine, Part, System


@pytest.fixture
def m():
    m = vm.boot("x86-64", cpus=2)
    task = m.task("init")
    address = task.map.enter("64 KiB", object=m.object("file"))
    task.write(address, b"x")
    start = m.kernel_map.enter("1 MiB")
    m.kernel_map.wire(start, size="4 KiB")
    d = m.domain("hello")
    d.write(d.map(d.frame()), b"x")
    m.kmem_suballoc("64 KiB", "mine")
    m.malloc(100)
    return m


PATHS = (
    "machine", "kernel_map", "task:init", "task:init/map", "object:file", "domain:hello", "cpu:1",
    "cpus", "kmem", "kmem/mine", "kmem/kernel_map", "threads", "pagedaemon", "frames", "caches", "kentry", "unchecked",
)  # fmt: skip  # read as a list of paths


@pytest.mark.parametrize("path", PATHS)
def test_a_path_always_gives_the_same_handle(m, path):
    part = m.part(path)
    assert part.path == path
    assert m.part(path) is part


def test_handles_are_the_same_however_they_are_asked_for(m):
    assert m.task("init") is m.tasks["init"] is m.part("task:init")
    assert m.task("init").map is m.part("task:init/map")
    assert m.object("file") is m.objects["file"] is m.part("object:file")
    assert m.domain("hello") is m.domains["hello"] is m.part("domain:hello")
    assert m.kmem.mine is m.kmem.maps["mine"] is m.part("kmem/mine")
    assert m.threads["pagedaemon"] is m.part("thread:pagedaemon")


def test_a_handle_shows_what_its_path_names_now(m):
    task, held = m.tasks["init"], m.system.tasks["init"]
    m.task("other")
    m.system.tasks["init"] = m.system.tasks["other"]
    assert task.space.pmap is m.tasks["other"].space.pmap
    m.system.tasks["init"] = held
    assert task.space.pmap is held.pmap


GONE = {
    "a task": (lambda m: m.tasks["init"], "tasks", "init", "task 'init'", lambda task: task.read(0x1000)),
    "its map": (
        lambda m: m.tasks["init"].map,
        "maps",
        "task:init/map",
        "the map of init",
        lambda part: part.enter("4 KiB"),
    ),
    "an object": (lambda m: m.objects["file"], "objects", "file", "object 'file'", lambda part: part.pages),
    "a map of kernel memory": (lambda m: m.kmem.mine, "kmem_maps", "mine", "mine", lambda part: part.lock()),
}


@pytest.mark.parametrize("case", GONE)
def test_a_handle_whose_path_names_nothing_is_refused_in_one_sentence(m, case):
    find, registry, key, name, use = GONE[case]
    part = find(m)
    held = getattr(m.system, registry).pop(key)
    done = len(m.journal)
    with pytest.raises(vm.Refused, match=f"^{name} does not exist at this moment of the machine$"):
        use(part)
    assert len(m.journal) == done
    getattr(m.system, registry)[key] = held
    use(part)


def test_the_handle_of_an_ended_thread_keeps_its_result_when_its_name_is_used_again(m):
    def answer(value):
        yield from m.tsleep("nothing", ticks=1)
        return value

    first = m.spawn(answer, 1, name="sh")
    m.run()
    second = m.spawn(answer, 2, name="sh")
    assert (first.result, second.result) == (1, None)
    assert m.threads["sh"] is second is not first
    m.run()
    assert (first.result, second.result) == (1, 2)


def reachable(*roots):
    """All objects that `roots` lead to, but for classes, modules and what functions see of their modules."""
    seen, waiting = {}, list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType)):
            continue
        seen[id(one)] = one
        if isinstance(one, FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
            waiting += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
        else:
            waiting += gc.get_referents(one)
    return list(seen.values())


def test_no_structure_leads_to_a_handle_or_to_the_machine(m):
    system = m.system
    structures = reachable(
        system.kernel, system.processors, system.maps, system.tasks, system.domains, system.objects, system.allocations
    )
    assert len(structures) > 1000
    assert [one for one in structures if isinstance(one, (Machine, Part, System))] == []
    functions = [one for one in structures if isinstance(one, FunctionType) and one.__closure__]
    assert [one for one in functions if one.__module__.startswith("vmwidgets.engine.machine")] == []


def test_the_machine_lends_functions_with_their_signatures_and_documentation(m):
    assert list(inspect.signature(m.kmem_malloc).parameters) == ["size", "flags", "map"]
    assert m.kmem_malloc.__doc__.startswith("Return wired pages of kmem_object")
    assert m.kmem_malloc.is_operation
    assert m.take_pages.__self__ is m
    m.take_pages(1)
    assert (m.journal.last.target, m.journal.last.name, m.journal.last.arguments) == (
        "machine",
        "take_pages",
        (("count", 1),),
    )
