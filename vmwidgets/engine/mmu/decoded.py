"""Descriptors as walks have read them, kept by their words: what a word means at a level depends on nothing else.

A walk reads the same few words again and again: those of the upper tables at each access, those of a leaf whenever the
TLB has forgotten its page.  :class:`~.rules.Rules` say what a word means; here that is asked once.
"""

from __future__ import annotations

from typing import Generic

from ..base.values.tables import Rights
from .levels import Descriptor, Level, WalkEntry
from .rules import C, Rules, Stop

MOST_WORDS = 1 << 14
"""So many words of a level are kept; then they are forgotten, all at once."""

MOST_SETTINGS = 32
"""The same for settings of processors."""


class Decoded:
    """A word at a level, under some settings: what a walk makes of it."""

    __slots__ = ("address", "entry", "is_present", "is_table", "narrowed", "sets", "stop")

    def __init__(self, entry: WalkEntry, stop: Stop | None, sets: tuple[int, int]) -> None:
        self.entry = entry
        self.address = entry.descriptor.address_of(entry.word)
        """What it refers to; 0 where it refers to nothing."""
        self.stop = stop
        self.is_present = entry.descriptor.kind != "invalid"
        self.is_table = entry.descriptor.kind == "table"
        self.sets = sets
        """The bits that the hardware would set in it, and that are not set yet: at a read, at a write."""
        self.narrowed: dict[Rights, Rights] = {}
        """What is left of rights below it."""


class Words(Generic[C]):
    """The words of one level under some settings."""

    __slots__ = ("_controls", "_known", "_rules", "level")

    def __init__(self, level: Level, rules: Rules[C], controls: C) -> None:
        self.level = level
        self._rules = rules
        self._controls = controls
        self._known: dict[int, Decoded] = {}

    def decode(self, word: int) -> Decoded:
        """What `word` means here.  O(1) where it was read before."""
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= MOST_WORDS:
                self._known.clear()
            found = self._known[word] = self._decode(word)
        return found

    def _decode(self, word: int) -> Decoded:
        rules, level, controls = self._rules, self.level, self._controls
        descriptor = rules.read_as(level, word, controls)
        sets = self._sets(descriptor, word, False), self._sets(descriptor, word, True)
        return Decoded(
            WalkEntry(level, descriptor, word), rules.check_descriptor(level, descriptor, word, controls), sets
        )

    def _sets(self, descriptor: Descriptor, word: int, write: bool) -> int:
        return self._rules.accessed(descriptor, write, self._controls) & ~word

    def narrow(self, found: Decoded, rights: Rights) -> Rights:
        """The rights that are left of `rights` below a descriptor."""
        left = found.narrowed.get(rights)
        if left is None:
            _, descriptor, word = found.entry
            left = found.narrowed[rights] = self._rules.narrow(rights, descriptor, word, self._controls)
        return left


class Decoder(Generic[C]):
    """All words of a format, by settings and level."""

    def __init__(self, rules: Rules[C]) -> None:
        self._rules = rules
        self._by_settings: dict[C, dict[tuple[int, int], Words[C]]] = {}
        self._latest: tuple[C | None, dict[tuple[int, int], Words[C]]] = None, {}
        """One value, so that a thread with other settings can't come in between."""

    def words(self, level: Level, controls: C) -> Words[C]:
        """Those of a level; a root that is smaller under these settings is a level of its own."""
        latest, words = self._latest
        if controls is not latest:
            if len(self._by_settings) >= MOST_SETTINGS:
                self._by_settings.clear()
            words = self._by_settings.setdefault(controls, {})
            self._latest = controls, words
        key = level.number, level.bits
        found = words.get(key)
        if found is None:
            found = words[key] = Words(level, self._rules, controls)
        return found
