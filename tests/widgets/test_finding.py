"""What is found by its name: as much as there is, in order, folded or not, and a sentence where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import replies


@pytest.fixture
def machine() -> vm.Machine:
    """A kernel map with many entries, of which some may only be read; a task that maps a file and an object."""
    m = vm.boot("x86-64", ram="64 MiB")
    for number in range(300):
        m.kernel_map.enter("4 KiB", prot=("rw", "rwx", "rw", "rx", "r")[number % 5])
    task = m.task("reader")
    task.mmap("8 KiB", "rw", "shared", m.object("film", 1 << 20))
    task.mmap("8 KiB", "r", "private", m.file("novel", b"x" * 5000))
    return m


def entries(found: Any, view: Any) -> set[int]:
    """The entries that a search finds, one after the other, by what each time is selected."""
    selected = {view.selection}
    for _ in range(len(found.names) - 1):
        view.search(found.text)
        selected.add(view.selection)
    assert all(one.startswith("entry:") for one in selected)
    return {int(one.removeprefix("entry:")) for one in selected}


def test_rights_are_found_in_all_entries_of_a_map_that_is_folded(machine: vm.Machine) -> None:
    wanted = {entry.id for entry in machine.kernel_map if entry.protection == "r--"}
    view = vm.picture(machine.kernel_map)
    assert any("folded" in node.state for node in view.scene().nodes)
    assert entries(view.search("r--"), view) == wanted
    assert {node.thing for node in view.scene().nodes} >= {view.selection}  # what is found is opened


def test_the_same_search_goes_on_to_the_next_one_around_and_back(machine: vm.Machine) -> None:
    view = vm.picture(machine.kernel_map)
    first = view.search("r--")
    count = len(first.names)
    assert [view.search("r--").at for _ in range(count)] == [*range(1, count), 0]
    assert view.search("R--", -1).at == count - 1
    assert view.search("entry 1:").at == 0  # another search begins again
    machine.kernel_map.enter("4 KiB", prot="r")
    assert (view.search("r--").at, len(view.search("r--").names)) == (0, count + 1)  # so it does after an operation


def test_objects_files_tasks_and_threads_are_found_by_their_names(machine: vm.Machine) -> None:
    task = machine.tasks["reader"]
    film, novel = list(task.map)
    view = vm.picture(task.map)
    assert view.search("film").hit.thing == f"entry:{film.id}"
    assert view.search("NOVEL").hit.thing == f"entry:{novel.id}"
    objects = vm.picture(machine.memory_objects)
    assert "object:film" in {objects.search("film").hit.thing for _ in range(2)}
    task.write(film.start, b"x")
    assert vm.picture(machine.frames).search("tables of reader").hit.thing.startswith("frame:")
    machine.spawn(machine.kmem_alloc_wait, "64 KiB", name="sh")
    assert vm.picture(machine.threads).search("sh").hit.thing == "thread:sh"


def test_a_kernel_function_is_found_at_the_step_where_it_begins(machine: vm.Machine) -> None:
    view = vm.picture(machine.kernel_map)
    a = machine.kernel_map.enter("4 KiB", prot="rwx")
    machine.kernel_map.protect(a, size="4 KiB", prot="r")
    found = view.search("vm_map_protect")
    assert found.hit.step == 1
    assert view.step == 1
    assert view.selection == ""
    (headline,) = [row for row in view.scene().steps.said[:1] if "vm_map_protect" in row[1]]
    assert headline
    assert len(found.names) == 1  # it begins once, however many of its steps there are


def test_an_address_is_still_looked_up_whatever_else_has_its_digits(machine: vm.Machine) -> None:
    view = vm.picture(machine.kernel_map)
    entry = list(machine.kernel_map)[40]
    for text in (f"{entry.start:x}", f"0x{entry.start:x}", f"…{entry.start & 0xFFFFFFFF:x}"):
        assert view.search(text).at == -1
        assert view.selection == f"entry:{entry.id}"
    with pytest.raises(vm.Refused, match="lies outside the map"):
        view.search("0xffff_ffff_ffff")


def test_a_word_of_letters_that_are_digits_too_is_a_name_first() -> None:
    m = vm.boot("x86-64")
    task = m.task("init")
    task.mmap("4 KiB", "rw", "shared", m.object("feed", 4096))
    task.mmap("64 KiB")
    view = vm.picture(task.map)
    assert view.search("feed").at == 0
    assert view.search("face").at == -1  # nothing is called so: it is an address


@pytest.mark.parametrize("text", ["nowhere at all", "<script>", "…zz", "rwxrwx"])
def test_nothing_is_one_sentence(machine: vm.Machine, text: str) -> None:
    for thing in (machine, machine.kernel_map, machine.frames, machine.cpus, machine.tasks["reader"].tables):
        with pytest.raises(vm.Refused) as refused:
            vm.picture(thing).search(text)
        assert str(refused.value).count("find: ") == 1
        assert str(refused.value).isprintable()


def test_a_picture_that_does_not_search_its_folds_says_how_many_there_are() -> None:
    m = vm.boot("x86-64")
    task = m.task("init")
    for number in range(60):
        task.write(task.mmap("4 KiB", "rw" if number % 2 else "rwx"), b"x")
    view = vm.picture(task.tables)
    folds = sum("folded" in node.state for node in view.scene().nodes)
    assert folds
    with pytest.raises(vm.Refused, match=rf"; {folds} folded parts? of it (was|were) not searched"):
        view.search("novel")


def test_a_page_hears_how_many_there_are_and_where(machine: vm.Machine) -> None:
    view = vm.Map(machine.kernel_map)
    first, last = replies(view, *({"type": "find", "text": "r--", "way": way} for way in (1, -1)))
    wanted = [entry for entry in machine.kernel_map if entry.protection == "r--"]
    assert (first["at"], last["at"], first["count"]) == (0, len(wanted) - 1, len(wanted))
    assert last["thing"] == view.selection == f"entry:{wanted[-1].id}"
    assert not last["folded"]


def test_a_folded_range_is_found_by_its_short_name() -> None:
    space = vm.boot("x86-64").task("init").map
    space.fill(2000)
    for view in (vm.Tree(space), vm.picture(space)):
        found = view.search("r1234")
        assert found.hit.thing == f"entry:{space.entries()[1233].id}"
        assert any(node.thing == found.hit.thing for node in view.scene().whole().nodes), "it is drawn now"
