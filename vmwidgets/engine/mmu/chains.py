"""Results of walks, cached by the words read: a chain of descriptors has the same meaning anywhere in memory.

Walks read the same few words again and again: words of the upper tables at each access, and a leaf's word whenever the
TLB has dropped its page.  :class:`~.rules.Rules` interpret the words; this module does so once for each chain of words,
so that a walk reads one word for each level and looks up its meaning.  Pages of the smallest size whose descriptors
differ only in the address are judged alike, so even the first read of a page needs little new work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from .levels import Level, WalkEntry
from .rules import Access, C, Rules, Stop
from .tables_schema import Fault, Permission, Permissions, Rights

MOST_CHAINS = 1 << 14
"""The most cached chains of a format; if there are more, all are dropped at once."""

MOST_SETTINGS = 32
"""The most settings of processors with cached chains; if there are more, the chains of all settings are dropped."""

Case = tuple[Access, bool]
"""An access, and whether user code makes it."""


class _Alike:
    """The facts about a page, and about all pages whose descriptors differ only in the address."""

    __slots__ = ("is_global", "passes", "permissions")

    def __init__(self) -> None:
        self.passes: set[Case] = set()
        """The accesses that nothing forbids."""
        self.permissions: Permissions | None = None
        self.is_global: bool | None = None


class Chain(Generic[C]):
    """The descriptors that a walk has read so far, root first, with some settings; only :meth:`below` extends it.

    `level` is the level of the next table; `address` is the table's address, or a leaf's target (0 if there is none).
    """

    __slots__ = (
        "_alike",
        "_all",
        "_controls",
        "_faults",
        "_pages",
        "_stops",
        "above",
        "address",
        "goes_on",
        "known",
        "level",
        "path",
        "rights",
        "sets",
        "size",
        "stop",
    )

    def __init__(self, every: Chains[C], controls: C, level: Level) -> None:
        self._all = every
        self._controls = controls
        self.level = level
        self.above: Chain[C] = self
        self.path: tuple[WalkEntry, ...] = ()
        self.address = self.size = 0
        self.rights = _ALL
        """The accesses that all descriptors together allow."""
        self.sets: tuple[tuple[int, ...], tuple[int, ...]] = (), ()
        """The bits of each descriptor that the hardware still has to set at a read, and at a write."""
        self.stop: Stop | None = None
        """The reason why the last descriptor ends a walk, whatever the access."""
        self.goes_on = True
        """Whether the last descriptor refers to a table."""
        self.known: dict[int, Chain[C]] = {}
        """The chains with one more descriptor that were read before, by the descriptor's word."""
        self._pages: dict[int, tuple[Chain[C], int]] = {}
        """By all bits of a page's word except the address: a chain with such a page, and the address bits to check."""
        self._alike = _Alike()
        self._stops: dict[Case, Stop] = {}
        self._faults: dict[Case, Fault] = {}

    def below(self, word: int) -> Chain[C]:
        """Return this chain with one more descriptor.  O(1) if this was done before."""
        found = self.known.get(word)
        if found is None:
            self._all.count_one()
            found = self.known[word] = self._with(word)
        return found

    def _with(self, word: int) -> Chain[C]:
        """Return this chain with one more descriptor, interpreted by :class:`Rules` or like a similar page."""
        rules, level, controls = self._all.rules, self.level, self._controls
        descriptor = rules.read_as(level, word, controls)
        kind = descriptor.kind
        found = Chain(self._all, controls, self._all.level_below(level) if kind == "table" else level)
        found.above = self
        found.path = (*self.path, WalkEntry(level, descriptor, word))
        found.address = descriptor.address_of(word)
        known, checked = self._pages.get(word & ~descriptor.address_mask, (None, 0))
        if known is not None and not word & checked:
            found._judged_like(known)
            return found
        found.size = level.span_of(descriptor) if kind == "leaf" else 0
        found.rights = self.rights if kind == "invalid" else rules.narrow(self.rights, descriptor, word, controls)
        reads, writes = self.sets
        unset = ~word
        found.sets = (
            (*reads, rules.accessed(descriptor, False, controls) & unset),
            (*writes, rules.accessed(descriptor, True, controls) & unset),
        )
        found.stop = rules.check_descriptor(level, descriptor, word, controls)
        found.goes_on = kind == "table" and found.stop is None
        if kind == "leaf" and level.number == 1 and found.stop is None:  # a large page's address may be misaligned
            checked = rules.checked_bits(level, descriptor, controls) & descriptor.address_mask
            self._pages[word & ~descriptor.address_mask] = found, checked
        return found

    def _judged_like(self, known: Chain[C]) -> None:
        """Copy the facts from a page whose descriptor differs only in the address."""
        self.size, self.rights, self.sets = known.size, known.rights, known.sets
        self.goes_on = False
        self._alike = known._alike

    def with_set(self, bits: Sequence[int]) -> Chain[C]:
        """Return the same chain with these bits set in each descriptor."""
        if not any(bits):
            return self
        return self.above.with_set(bits[:-1]).below(self.path[-1].word | bits[-1])

    def from_root(self) -> list[Chain[C]]:
        """Return the chains that end with each of this chain's descriptors, root first."""
        return [] if self.above is self else [*self.above.from_root(), self]

    # ---- facts about a chain that ends with a leaf -------------------------------------------------

    def forbids(self, access: Access, user: bool) -> Stop | None:
        """Return why an access may not use the page; None if it may."""
        case = (access, user)
        if case in self._alike.passes:
            return None
        found = self._stops.get(case)  # the sentence may contain the word, so it is stored for this chain alone
        if found is None:
            found = self._all.rules.check_access(self.path, self.rights, access, user, self._controls)
            if found is None:
                self._alike.passes.add(case)
            else:
                self._stops[case] = found
        return found

    @property
    def permissions(self) -> Permissions:
        """The permissions of each side for the page."""
        if self._alike.permissions is None:
            self._alike.permissions = permissions_by(self.forbids)
        return self._alike.permissions

    @property
    def is_global(self) -> bool:
        """Return whether the translation is for all address spaces."""
        if self._alike.is_global is None:
            self._alike.is_global = self._all.rules.is_global(self.path)
        return self._alike.is_global

    @property
    def pending(self) -> int:
        """The bits that the hardware still has to set in the last descriptor before a write succeeds."""
        return self.sets[True][-1]

    def fault(self, access: Access, user: bool) -> Fault:
        """Return the fault that the processor reports for an access stopped by this chain."""
        case = (access, user)
        found = self._faults.get(case)
        if found is None:
            stop = self.stop or self.forbids(access, user)
            assert stop is not None, "the access goes through"
            found = self._faults[case] = fault_of(self._all.rules, stop, self.path, access, user, self._controls)
        return found


_ALL = Rights()


class Chains(Generic[C]):
    """All chains of a format, by settings and by the level of their root; `level_below` returns the next level."""

    def __init__(self, rules: Rules[C], level_below: Callable[[Level], Level]) -> None:
        self.rules = rules
        self.level_below = level_below
        self._count = 0
        self._by_settings: dict[C, dict[tuple[int, int], Chain[C]]] = {}
        self._latest: tuple[C | None, dict[tuple[int, int], Chain[C]]] = None, {}
        """The latest settings and their chains, as one value, so that a thread with other settings can't interfere."""

    def root(self, level: Level, controls: C) -> Chain[C]:
        """Return the chain of a walk that has read nothing; a root that the settings make smaller has its own level."""
        latest, roots = self._latest
        if controls is not latest:
            if len(self._by_settings) >= MOST_SETTINGS:
                self._by_settings.clear()
            roots = self._by_settings.setdefault(controls, {})
            self._latest = controls, roots
        key = level.number, level.bits
        found = roots.get(key)
        if found is None:
            found = roots[key] = Chain(self, controls, level)
        return found

    def count_one(self) -> None:
        """Count one more chain; if there are too many, drop all chains that are not in use."""
        self._count += 1
        if self._count > MOST_CHAINS:
            self._count = 0
            self._by_settings.clear()
            self._latest = None, {}


def permissions_by(forbids: Callable[[Access, bool], Stop | None]) -> Permissions:
    """Return the permissions of user code and of the supervisor; `forbids` returns the reason against an access."""

    def side(user: bool) -> Permission:
        return Permission(
            forbids("read", user) is None, forbids("write", user) is None, forbids("execute", user) is None
        )

    return Permissions(side(False), side(True))


def fault_of(rules: Rules[C], stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: C) -> Fault:
    """Return the fault that the processor reports for a check that failed after the descriptors of `path`."""
    report = rules.report(stop, path, access, user, controls)
    blamed = [at.level.name for at in path if at.holds(*stop.culprit)] if stop.culprit is not None else []
    why = f"{stop.why} in the {' and the '.join(blamed)}" if blamed else stop.why
    level = path[-1].level.number if path else None
    called = stop.called or stop.kind
    return Fault(
        stop.kind,
        level,
        report.code,
        report.exception,
        why,
        report.fields,
        report.syndrome,
        report.says,
        called,
        report.address_in,
    )
