"""Random lives of a domain: tree, tables as the walker reads them and a plain dict agree after each step."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.engine.selfpaging.test_domain import domain
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError

PAGES = 24
BORDER = {"armv7": 1 << 20, "x86-64": 2 << 20}
"""Where one table of small pages ends and the next begins: the pages are around it."""
RIGHTS = ["", "r", "rg", "rwg"]


def attempt(call, *arguments):
    """What came back, and the stack of the error if it failed."""
    try:
        return call(*arguments), ()
    except LibError as error:
        return None, error.stack


class Life(RuleBasedStateMachine):
    """`mapped` is what each page must show: capability and physical page, and whether it can be written."""

    architecture = "armv7"

    def __init__(self):
        super().__init__()
        self.domain, self.pages = domain(self.architecture, slots=64)
        self.first = BORDER[self.architecture] * 100 - PAGES // 2 * 4096
        self.caps: dict[CapRef, tuple[int, int, str]] = {}
        self.mapped: dict[int, tuple[CapRef, int, bool]] = {}

    # ---- capabilities ----------------------------------------------------------------------

    @rule(pages=st.integers(1, 4))
    def frame(self, pages):
        ref, error = attempt(self.domain.frame, pages * 4096)
        if error:
            assert {"LIB_ERR_SLOT_ALLOC", "MM_ERR_NOT_FOUND"} & set(error)
            return
        base, size = self.domain.kernel.frame_identify(ref)
        assert size >= pages * 4096
        assert not any(base < b + s and b < base + size for b, s, _ in self.caps.values()), "memory given twice"
        self.caps[ref] = base, size, "rwg"

    @precondition(lambda self: self.caps)
    @rule(data=st.data(), rights=st.sampled_from(RIGHTS))
    def mint(self, data, rights):
        source = data.draw(st.sampled_from(sorted(self.caps)))
        base, size, held = self.caps[source]
        ref, error = attempt(self.domain.mint, source, rights)
        if error:
            assert "g" not in held or "LIB_ERR_SLOT_ALLOC" in error
            return
        assert "g" in held
        self.caps[ref] = base, size, "".join(one for one in rights if one in held)

    @precondition(lambda self: self.caps)
    @rule(data=st.data())
    def delete(self, data):
        ref = data.draw(st.sampled_from(sorted(self.caps)))
        base, size, _ = self.caps.pop(ref)
        self.domain.delete(ref)
        last = not any(other == base for other, _, _ in self.caps.values())
        self._forget(lambda cap, pa: cap == ref or (last and base <= pa < base + size))

    @precondition(lambda self: self.caps)
    @rule(data=st.data())
    def revoke(self, data):
        ref = data.draw(st.sampled_from(sorted(self.caps)))
        base, size, _ = self.caps[ref]
        self.domain.revoke(ref)
        for other in [one for one, (b, _, _) in self.caps.items() if b == base and one != ref]:
            del self.caps[other]
        self._forget(lambda _, pa: base <= pa < base + size)

    # ---- mapping ---------------------------------------------------------------------------

    @precondition(lambda self: self.caps)
    @rule(data=st.data(), page=st.integers(0, PAGES - 1), write=st.booleans())
    def map(self, data, page, write):
        ref = data.draw(st.sampled_from(sorted(self.caps)))
        base, size, rights = self.caps[ref]
        offset = data.draw(st.integers(0, size // 4096 - 1))
        count = data.draw(st.integers(1, 4))
        allowed = {"r", "w"} <= set(rights) if write else "r" in rights
        fits = offset + count <= size // 4096
        free = not any(at in self.mapped for at in range(page, page + count))
        _, error = attempt(self.domain.pmap.map, self._va(page), ref, offset * 4096, count * 4096, 3 if write else 1)
        if error:
            scarce = {"LIB_ERR_SLOT_ALLOC", "MM_ERR_NOT_FOUND"} & set(error)
            assert scarce or not (allowed and fits and free), error
            return
        assert allowed and fits and free
        for at in range(count):
            self.mapped[page + at] = ref, base + (offset + at) * 4096, write

    @precondition(lambda self: self.mapped)
    @rule(data=st.data(), count=st.integers(1, 5))
    def unmap(self, data, count):
        page = data.draw(st.sampled_from(sorted(self.mapped)))
        _, error = attempt(self.domain.pmap.unmap, self._va(page), count * 4096)
        if error:
            assert error[:2] == ("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE")
            return
        for at in range(page, page + count):
            del self.mapped[at]

    @precondition(lambda self: self.mapped)
    @rule(data=st.data(), count=st.integers(1, 4), write=st.booleans())
    def modify_flags(self, data, count, write):
        page = data.draw(st.sampled_from(sorted(self.mapped)))
        _, error = attempt(self.domain.pmap.modify_flags, self._va(page), count * 4096, 3 if write else 1)
        if error:
            assert error[0] == "LIB_ERR_PMAP_MODIFY_FLAGS"
            return
        for at in range(page, page + count):
            ref, pa, _ = self.mapped[at]
            assert not write or "w" in self.caps[ref][2], "a right came from nowhere"
            self.mapped[at] = ref, pa, write

    # ---- scarcity --------------------------------------------------------------------------

    @rule(count=st.integers(0, 40))
    def take_slots(self, count):
        self.domain.slots.allocate_for_others(min(count, self.domain.slots.free_slots))

    @rule()
    def give_slots(self):
        self.domain.slots.free_for_others(len(self.domain.slots.others))

    @rule(none=st.booleans())
    def memory_runs_out(self, none):
        self.pages.veto = (lambda _owner: True) if none else None

    # ---- what must hold --------------------------------------------------------------------

    @invariant()
    def all_of_it_is_sound(self):
        self.domain.check()

    @invariant()
    def the_walker_sees_what_the_dict_says(self):
        made = self.domain
        for page in range(-1, PAGES + 6):
            found = {
                access: walk(made.ram, made.fmt, made.root, self._va(page), access, True)
                for access in ("read", "write")
            }
            _, pa, write = self.mapped.get(page, (None, None, False))
            assert found["read"].pa == pa, hex(self._va(page))
            assert found["write"].pa == (pa if write else None), hex(self._va(page))

    @invariant()
    def the_tree_says_the_same(self):
        shown = {
            (leaf.va - self.first) // 4096 + at: (leaf.cap, leaf.base + at * 4096)
            for leaf in self.domain.pmap.tree.root.leaves()
            if leaf.va >= self.first and leaf.va < self.first + (PAGES + 8) * 4096
            for at in range(leaf.count)
        }
        assert shown == {page: (ref, pa) for page, (ref, pa, _) in self.mapped.items()}

    def teardown(self):
        self.domain.destroy()
        assert self.pages.free_pages == self.pages.total_pages, "capabilities conserve memory"

    # ---- beneath ---------------------------------------------------------------------------

    def _va(self, page):
        return self.first + page * 4096

    def _forget(self, gone):
        self.mapped = {page: one for page, one in self.mapped.items() if not gone(one[0], one[1])}


class LifeOnX86(Life):
    """The same over four levels."""

    architecture = "x86-64"


TestArm = Life.TestCase
TestX86 = LifeOnX86.TestCase
TestArm.settings = TestX86.settings = settings(stateful_step_count=40)


class LongLife(Life):
    """The same for long."""


class LongLifeOnX86(LifeOnX86):
    """The same for long."""


TestArmForLong = pytest.mark.sweep(LongLife.TestCase)
TestX86ForLong = pytest.mark.sweep(LongLifeOnX86.TestCase)
TestArmForLong.settings = TestX86ForLong.settings = settings(stateful_step_count=60)
