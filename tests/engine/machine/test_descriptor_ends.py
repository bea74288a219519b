"""When an edit of a descriptor is over: once the kernel wrote it, or would have, had the edit not hidden it."""

from __future__ import annotations

import pytest

import vmwidgets as vm

BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
EVERY = pytest.mark.parametrize("architecture", ["armv7", "x86-64", "x86-pae", "aarch64", "riscv-sv39"])


def word(m, pa):
    """The descriptor at `pa`."""
    return m.system.ram.read_word(pa, m.system.pmap.fmt.entry_width)


def nothing_to_undo(m):
    """No edit stands, and taking one back is refused and changes nothing."""
    before = {frame: bytes(data) for frame, data in m.system.ram._frames.items()}
    assert m.standing_edits == []
    with pytest.raises(vm.Refused, match="nothing to undo"):
        m.undo_descriptor()
    assert {frame: bytes(data) for frame, data in m.system.ram._frames.items()} == before
    m.check()


def paged(architecture, pages=4):
    """A task with pages of an object, each written with its number; the task and its address."""
    m = vm.boot(architecture)
    task = m.task("init")
    at = task.map.enter(pages * vm.PAGE, prot="rw", object=m.object("heap"))
    for page in range(pages):
        task.write(at + page * vm.PAGE, bytes([page + 1]))
    return m, task, at


# ---- domains -------------------------------------------------------------------------------------


@BOTH
def test_a_leaf_that_was_edited_away_and_then_unmapped_does_not_come_back(architecture):
    m = vm.boot(architecture)
    d = m.domain("hello")
    frame = d.frame()
    address = d.map(frame)
    pa = d.walk(address).steps[-1].pa
    m.set_descriptor(pa, 0)
    assert len(m.standing_edits) == 1
    d.unmap(address, vm.PAGE)
    nothing_to_undo(m)
    d.delete(frame)
    other = m.domain("other")
    other.write(other.map(other.frame()), b"secret")
    with pytest.raises(vm.KernelError, match="FAULT"):
        d.read(address)
    assert word(m, pa) == 0


@BOTH
def test_a_run_that_was_edited_away_in_part(architecture):
    """Unmapping writes all its entries, those that are 0 already too; an edit beside them stands."""
    m = vm.boot(architecture)
    d = m.domain("hello")
    frame = d.frame("16 KiB")
    one, two = d.map(frame), d.map(frame)
    places = [d.walk(at).steps[-1].pa for at in (one, one + 2 * vm.PAGE, two)]
    for pa in places:
        m.set_descriptor(pa, 0)
    d.unmap(one, "16 KiB")
    assert [edit.pa for edit in m.standing_edits] == places[2:]
    m.undo_descriptor()
    assert d.walk(two).pa == frame.base
    nothing_to_undo(m)


@BOTH
def test_edits_of_a_domain_end_with_it(architecture):
    m = vm.boot(architecture)
    d = m.domain("hello")
    d.map(d.frame())
    step = d.walk(d.map(d.frame("8 KiB"))).steps[-1]
    hidden = step.pa + 16 * m.system.pmap.fmt.entry_width
    m.set_descriptor(hidden, step.value)  # an entry that the kernel never wrote
    m.set_descriptor(step.pa, 0)
    m.destroy_domain(d)
    nothing_to_undo(m)
    again = m.domain("hello")  # its tables are where those were
    again.map(again.frame())
    again.map(again.frame("8 KiB"))
    nothing_to_undo(m)


@BOTH
def test_only_edits_since_the_kernel_wrote_are_taken_back(architecture):
    m = vm.boot(architecture)
    d = m.domain("hello")
    frame = d.frame()
    address = d.map(frame)
    pa, leaf = d.walk(address).steps[-1].pa, d.walk(address).steps[-1].value
    m.set_descriptor(pa, 0)
    d.unmap(address, vm.PAGE)
    m.set_descriptor(pa, leaf)
    m.undo_descriptor()
    assert word(m, pa) == 0
    nothing_to_undo(m)


# ---- tasks ---------------------------------------------------------------------------------------


@EVERY
def test_a_page_that_was_edited_away_and_then_removed_does_not_come_back(architecture):
    m, task, at = paged(architecture)
    pa = task.walk(at).steps[-1].pa
    m.set_descriptor(pa, 0)
    task.map.remove(at, at + vm.PAGE)
    assert word(m, pa) == 0
    nothing_to_undo(m)
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.read(at)


@EVERY
def test_a_page_whose_table_goes_with_it(architecture):
    """The table is freed, and may be anything by then."""
    m, task, at = paged(architecture, pages=1)
    pa = task.walk(at).steps[-1].pa
    m.set_descriptor(pa, 0)
    task.map.remove(at, at + vm.PAGE)
    nothing_to_undo(m)
    assert all(pa & -vm.PAGE != table & -vm.PAGE for table in task.space.pmap.tables)


def test_a_word_that_is_no_descriptor_is_cleared_with_its_page():
    m, task, at = paged("armv7")
    pa = task.walk(at).steps[-1].pa
    m.set_descriptor(pa, 0xABC0)
    task.map.remove(at, at + vm.PAGE)
    assert word(m, pa) == 0
    nothing_to_undo(m)


@EVERY
def test_rights_that_were_taken_do_not_come_back(architecture):
    m, task, at = paged(architecture)
    m.set_descriptor(task.walk(at).steps[-1].pa, 0)
    task.map.protect(at, at + vm.PAGE, prot="r")
    nothing_to_undo(m)
    assert task.read(at) == b"\1"
    with pytest.raises(vm.KernelError, match="ACCES"):
        task.write(at, b"x")


@EVERY
def test_pages_under_a_table_that_an_edit_cut_off(architecture):
    """What was removed stays away, and the rest is there again."""
    m, task, at = paged(architecture)
    above = task.walk(at).steps[-2]
    m.set_descriptor(above.pa, 0)
    task.map.remove(at, at + vm.PAGE)
    assert [edit.pa for edit in m.standing_edits] == [above.pa]
    m.check()
    m.undo_descriptor()
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.read(at)
    assert task.read(at + vm.PAGE) == b"\2"
    assert task.walk(at).pa is None
    m.check()


@EVERY
def test_edits_that_the_kernel_did_not_come_near_stand(architecture):
    m, task, at = paged(architecture)
    leaf, above = task.walk(at).steps[-1], task.walk(at).steps[-2]
    other = m.task("other")
    m.set_descriptor(leaf.pa, 0)
    task.map.remove(at + vm.PAGE, at + 2 * vm.PAGE)
    other.map.enter(vm.PAGE, at=at, object=m.object("heap"))
    other.write(at, b"other")
    other.map.remove(at, at + vm.PAGE)
    m.set_descriptor(above.pa, 0)
    assert [edit.pa for edit in m.standing_edits] == [leaf.pa, above.pa]
    m.undo_descriptor()
    m.undo_descriptor()
    assert (word(m, leaf.pa), word(m, above.pa)) == (leaf.value, above.value)
    nothing_to_undo(m)


def test_what_the_hardware_notes_ends_no_edit():
    m, task, at = paged("x86-64")
    step = task.walk(at).steps[-1]
    m.set_descriptor(step.pa, step.value & ~0x60 | 1 << 9)  # not accessed, not dirty, and a bit that nobody minds
    m.cpus[0].run(task)
    m.cpus[0].flush()
    m.cpus[0].store(at, b"x")
    assert word(m, step.pa) & 0x60 == 0x60
    assert m.undo_descriptor() == step.pa
    assert word(m, step.pa) == step.value


def test_a_kernel_page_that_was_edited_away_and_then_freed():
    m = vm.boot("x86-64")
    address = m.kmem_malloc("4 KiB")
    m.set_descriptor(m.walk(address).steps[-1].pa, 0)
    m.kmem_free(address, "4 KiB")
    nothing_to_undo(m)
