"""Protecting, wiring and giving away ranges of a machine's maps, through its real page tables."""

from __future__ import annotations

import pytest

import vmwidgets as vm

PAGE = vm.PAGE


@pytest.fixture
def machine():
    return vm.boot("x86-64")


@pytest.fixture
def task(machine):
    machine.object("heap")
    task = machine.task("init")
    task.map.enter("64 KiB", at="1 MiB", object="heap")
    return task


def error(call, *args, **kwargs):
    """The name of a kernel error; "" if there is none."""
    try:
        call(*args, **kwargs)
    except vm.KernelError as caught:
        return caught.name
    return ""


BASE = 1 << 20


class TestProtect:
    def test_a_write_faults_from_then_on_and_until_it_is_allowed_again(self, machine, task):
        """The page is mapped writable when the protection changes: the tables have to follow."""
        task.write(BASE, b"before")
        task.map.protect(BASE, size=PAGE, prot="r")
        assert error(task.write, BASE, b"x") == "ACCES"
        assert task.walk(BASE, "write").pa is None
        assert task.read(BASE, 6) == b"before"
        assert error(task.write, BASE + PAGE, b"x") == "", "the next page is not concerned"
        machine.check()
        task.map.protect(BASE, size=PAGE, prot="rw")
        task.write(BASE, b"after!")
        assert task.read(BASE, 6) == b"after!"
        assert len(task.map) == 1
        machine.check()

    def test_without_any_right_not_even_reading_goes_on(self, task):
        task.write(BASE, b"secret")
        task.map.protect(BASE, size=PAGE, prot="none")
        assert error(task.read, BASE, 6) == "ACCES"
        task.map.protect(BASE, size=PAGE, prot="r")
        assert task.read(BASE, 6) == b"secret"

    def test_a_lower_maximum_takes_rights_and_is_for_good(self, task):
        task.write(BASE, b"x")
        task.map.protect(BASE, size="64 KiB", max_prot="r")
        assert error(task.write, BASE, b"y") == "ACCES"
        assert error(task.map.protect, BASE, size=PAGE, prot="rw") == "ACCES"
        assert [(entry.protection, entry.max_protection) for entry in task.map] == [("r--", "r--")]

    def test_a_kernel_range_may_be_protected_but_not_what_the_kernel_lives_on(self, machine):
        kernel_map = machine.kernel_map
        address = kernel_map.enter("16 KiB")
        kernel_map.protect(address, size="4 KiB", prot="r")
        assert kernel_map.lookup(address).protection == "r--"
        for call in (kernel_map.protect, kernel_map.wire, kernel_map.unwire, kernel_map.inherit, kernel_map.advise):
            given = {"protect": {"prot": "r"}, "inherit": {"inherit": "copy"}, "advise": {"advice": "random"}}
            with pytest.raises(vm.Refused, match=f"which the kernel lives on: {call.__name__} what lies beside it"):
                call(kernel_map.start, size=PAGE, **given.get(call.__name__, {}))
        machine.check()

    @pytest.mark.parametrize(("given", "why"), [
        ({"size": PAGE}, "write prot='r' or max_prot='r'"),
        ({"size": PAGE, "prot": "r", "max_prot": "r"}, "write prot="),
        ({"size": PAGE, "prot": "q"}, "is not a protection"),
        ({"size": PAGE, "max_prot": 9}, "max_prot=9 is not a protection"),
        ({"prot": "r"}, "protect needs the end of the range too"),
        ({"size": 5, "prot": "r"}, "size=5 is not a multiple of the page size"),
        ({"end": BASE, "prot": "r"}, "makes an empty range"),
        ({"size": 1 << 60, "prot": "r"}, "goes past the end of the map of init"),
    ])  # fmt: skip
    def test_nonsense_is_refused_in_a_sentence(self, task, given, why):
        with pytest.raises(vm.Refused) as caught:
            task.map.protect(BASE, **given)
        assert why in str(caught.value)


class TestInheritAndAdvise:
    def test_a_range_is_cut_out_and_joined_again(self, machine, task):
        task.map.inherit(BASE + PAGE, size=PAGE, inherit="none")
        task.map.advise(BASE + PAGE, size=PAGE, advice="random")
        assert [(entry.inheritance, entry.advice) for entry in task.map] == [
            ("copy", "normal"), ("none", "random"), ("copy", "normal"),
        ]  # fmt: skip
        machine.check()
        task.map.inherit(BASE, size="64 KiB", inherit="copy")
        task.map.advise(0, size="2 MiB", advice="normal")
        assert len(task.map) == 1
        machine.check()

    def test_willneed_saves_the_fault(self, machine, task):
        other = machine.task("other")
        other.map.enter("64 KiB", at="1 MiB", object="heap")
        task.write(BASE, b"shared")
        assert other.walk(BASE).pa is None
        other.map.advise(BASE, size="8 KiB", advice="willneed")
        assert other.walk(BASE).pa == task.walk(BASE).pa
        assert other.walk(BASE + PAGE).pa is None, "no page is made"


class TestWire:
    def test_all_pages_come_and_are_mapped_without_a_fault(self, machine, task):
        free = machine.system.pages.free_pages
        task.map.wire(BASE, size="16 KiB")
        assert all(task.walk(BASE + offset, "write").pa is not None for offset in range(0, 4 * PAGE, PAGE))
        assert free - machine.system.pages.free_pages >= 4
        assert [(entry.wired, entry.size) for entry in task.map] == [(1, 4 * PAGE), (0, 12 * PAGE)]
        machine.check()

    def test_anonymous_memory_gets_an_object_and_kernel_memory_too(self, machine):
        for space in (machine.kernel_map, machine.task("t").map):
            address = space.enter("16 KiB")
            space.wire(address, size="8 KiB")
            assert (space.lookup(address).wired, space.lookup(address + 2 * PAGE).wired) == (1, 0)
            assert space.lookup(address).object.startswith("wired memory")
        task = machine.tasks["t"]
        first = task.map.entries()[0].start
        task.write(first, b"wired")
        assert task.read(first, 5) == b"wired"
        machine.check()

    def test_wirings_are_counted_and_what_goes_leaves_nothing_behind(self, machine):
        kernel_map = machine.kernel_map
        kernel_map.remove(kernel_map.enter("16 KiB"), size="16 KiB")  # what tables need is there now
        free, entries = machine.system.pages.free_pages, len(kernel_map)
        address = kernel_map.enter("16 KiB")
        kernel_map.wire(address, size="16 KiB")
        kernel_map.wire(address, size="8 KiB")
        kernel_map.unwire(address, size="16 KiB")
        assert [kernel_map.lookup(address + offset).wired for offset in (0, 2 * PAGE)] == [1, 0]
        assert error(kernel_map.unwire, address, size="16 KiB") == "INVAL"
        machine.check()
        kernel_map.remove(address, size="16 KiB")
        assert (machine.system.pages.free_pages, len(kernel_map)) == (free, entries)
        machine.check()

    def test_without_enough_pages_nothing_has_come(self):
        machine = vm.boot("x86-64", ram="8 MiB", layout="tiny")
        space = machine.task("t").map
        address = space.enter("64 MiB", at="1 GiB")
        space.enter("4 KiB", at="2 GiB", object=machine.object("o"))
        machine.tasks["t"].write("2 GiB", b"x")
        free, before = machine.system.pages.free_pages, space.entries()
        assert error(space.wire, address, size="64 MiB") == "NOMEM"
        assert space.entries() == before
        assert machine.system.pages.free_pages >= free - 40, "tables stay, pages don't"
        machine.check()

    def test_holes_and_pages_that_can_not_be_read_are_errors(self, machine, task):
        assert error(task.map.wire, BASE, size="128 KiB") == "FAULT"
        task.map.protect(BASE + PAGE, size=PAGE, prot="none")
        assert error(task.map.wire, BASE, size="64 KiB") == "ACCES"
        assert [entry.wired for entry in task.map] == [0, 0, 0]
        machine.check()

    def test_objects_of_wired_ranges_have_names_of_their_own_in_all_maps(self, machine, task):
        spaces = (machine.kernel_map, task.map, machine.task("other").map)
        for space in (*spaces, *spaces):
            space.wire(space.enter("4 KiB", nomerge=True), size="4 KiB")
        names = [entry.object for space in spaces for entry in space if entry.wired]
        assert len(names) == len(set(names)) == 6
        assert all(dict(machine.system.pages.owners)[f"object {name}"] == 1 for name in names)
        machine.check()

    def test_an_object_called_like_wired_memory_is_another(self, machine):
        machine.object("wired memory 1")
        space = machine.task("t").map
        space.wire(space.enter("8 KiB"), size="8 KiB")
        machine.check()


class TestSimplify:
    def test_the_whole_map_or_a_range(self, machine, task):
        task.map.inherit(BASE, size="4 KiB", inherit="none")
        assert task.map.simplify() == 0
        assert task.map.simplify(BASE, size="4 KiB") == 0
        heap = machine.object("heap")
        for number in range(3):
            task.map.enter("4 KiB", at=(3 << 20) + number * PAGE, fixed=True, object=heap, offset=number * PAGE)
        assert len(task.map) == 5
        assert task.map.simplify("3 MiB", size=PAGE) == 1, "the neighbour of what is in the range"
        assert task.map.simplify() == 1
        assert len(task.map) == 3
        machine.check()


class TestPlacement:
    def test_a_task_searches_by_the_rule_it_was_given(self, machine):
        found = {}
        for rule in ("x15", "first", "best", "worst", "next"):
            space = machine.task(rule, placement=rule).map
            assert space.placement == rule
            for at, size in ((0x10000, 0x10000), (0x24000, 0x10000), (0x36000, 1 << 46)):
                space.enter(size, at=at, fixed=True)
            found[rule] = int(space.enter("8 KiB"))
        assert (found["first"], found["best"], found["worst"]) == (0, 0x34000, (1 << 46) + 0x36000)
        assert found["next"] == found["first"]
        machine.check()

    def test_unknown_rules_and_second_thoughts_are_refused(self, machine):
        with pytest.raises(vm.Refused, match="unknown placement 'bets'; did you mean 'best'"):
            machine.task("t", placement="bets")
        machine.task("t", placement="best")
        assert machine.task("t").map.placement == "best"
        with pytest.raises(vm.Refused, match="placement='worst'"):
            machine.task("t", placement="worst")
        assert "best fit" in repr(machine.task("t").map)


def test_a_machine_made_again_has_done_the_same(machine, task):
    """Each is recorded as an operation, with what it takes to do it again."""
    space = machine.task("next", placement="next").map
    space.wire(space.enter("16 KiB"), size="8 KiB")
    task.map.protect(BASE, size="8 KiB", prot="r")
    task.map.advise(BASE, size="8 KiB", advice="willneed")
    task.map.inherit(BASE, size="8 KiB", inherit="none")
    space.unwire(0, size="4 KiB")
    space.simplify()
    twin = machine.branch(len(machine.journal) - 1)
    for one, other in ((space, twin.part(space.path)), (task.map, twin.part(task.map.path))):
        assert one.entries() == other.entries()
    assert machine.journal[len(machine.journal) - 1].events == twin.journal[len(machine.journal) - 1].events
    twin.check()
