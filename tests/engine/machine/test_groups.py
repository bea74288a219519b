"""Groups: what one call did in many operations is undone as one, and is done wholly or not at all."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.engine.machine.structures import differences

PAGE = vm.PAGE


@pytest.fixture
def m():
    machine = vm.boot(layout="tiny")
    machine.kernel_map.enter(PAGE)
    return machine


def fails(m, pages):
    """A group that enters so many pages, and fails then."""
    with m.group("fails"):
        for _ in range(pages):
            m.kernel_map.enter(PAGE)
        m.kernel_map.enter("1 TiB")


def test_what_could_be_redone_before_a_group_that_failed_can_be_redone_after_it(m):
    given = m.kernel_map.enter("8 KiB")
    m.undo()
    before = m.branch()
    with pytest.raises(vm.VMError):
        fails(m, 3)
    assert list(differences(m, before)) == []
    assert len(m.journal) == 2
    assert [len(line.operations) for line in m.journal.branches] == [3]  # its failed attempt is kept
    m.redo()
    assert m.journal.last.result == given
    with pytest.raises(vm.Refused, match="redo"):
        m.redo()


def test_what_a_failed_group_did_is_not_redone(m):
    with pytest.raises(vm.VMError):
        fails(m, 3)
    with pytest.raises(vm.Refused, match="nothing was undone"):
        m.redo()


@pytest.mark.parametrize("before", [0, 1])
def test_the_outermost_group_counts(m, before):
    with m.group("outer"):
        for _ in range(before):
            m.kernel_map.enter(PAGE)
        with m.group("inner"):
            m.kernel_map.enter(PAGE)
            m.kernel_map.enter(PAGE)
        for _ in range(before, 1):
            m.kernel_map.enter(PAGE)
    assert len(m.journal) == 5
    m.undo()
    assert len(m.journal) == 2
    m.redo()
    assert len(m.journal) == 5


def test_an_inner_group_that_fails_leaves_what_the_outer_one_did(m):
    with m.group("outer"):
        m.kernel_map.enter(PAGE)
        with pytest.raises(vm.VMError):
            fails(m, 2)
        assert len(m.journal) == 3
        m.kernel_map.enter(PAGE)
    assert len(m.journal) == 4
    m.undo()
    assert len(m.journal) == 2


def test_a_panic_in_a_group_leaves_a_dead_machine_that_one_undo_takes_back(m):
    before = m.branch()
    with pytest.raises(vm.KernelPanic), m.group("deadly"):  # noqa: PT012  what comes before the panic is what counts
        m.kernel_map.enter(PAGE)
        m.unchecked.kmem_malloc(m.kmem.kmem_map, 0, 0)
    assert m.dead
    assert len(m.journal) == 4
    m.undo()
    assert not m.dead
    assert len(m.journal) == 2
    assert list(differences(m, before)) == []


def test_undo_and_redo_are_refused_in_a_group(m):
    for name in ("undo", "redo"):
        with (
            pytest.raises(vm.Refused, match="can't run inside a group"),
            m.group("one"),
        ):
            getattr(m, name)()
    assert len(m.journal) == 2
    m.undo()  # and works after it
    assert len(m.journal) == 1


def test_an_empty_group_is_none(m):
    with m.group("nothing"):
        pass
    m.undo()
    assert len(m.journal) == 1
