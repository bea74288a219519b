"""What walks keep of words is what the rules say of them, whatever was read before, and under which settings."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from vmwidgets.engine.base.values.tables import Rights
from vmwidgets.engine.mmu import decoded
from vmwidgets.engine.mmu.decoded import Decoder
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.x86 import X86_64

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "x86": [{}, {"pse": False}],
    "x86-pae": [{}, {"nxe": False}],
    "x86-64": [{}, {"nxe": False}, {"maxphyaddr": 36}],
    "x86-64-la57": [{}, {"gib_pages": False}],
    "armv7": [{}, {"afe": True, "ha": True}],
    "aarch64": [{}, {"ha": True}, {"pa_bits": 36}],
    "riscv-sv39": [{}, {"adue": False}],
}


def said(fmt: Any, level: Any, word: int, controls: Any, rights: Rights) -> tuple[Any, ...]:
    """The same, asked of the rules."""
    rules = fmt.rules
    descriptor = rules.read_as(level, word, controls)
    sets = [rules.accessed(descriptor, write, controls) & ~word for write in (False, True)]
    stop = rules.check_descriptor(level, descriptor, word, controls)
    return descriptor, descriptor.address_of(word), stop, sets, rules.narrow(rights, descriptor, word, controls)


@pytest.mark.parametrize("name", FORMATS)
def test_a_word_means_what_the_rules_say(name: str) -> None:
    fmt: Any = FORMATS[name]
    random, decoder = Random(name), Decoder(fmt.rules)
    settings = [replace(fmt.defaults, **one) for one in SETTINGS[name]]
    words = [random.getrandbits(8 * fmt.entry_width) & random.choice((-1, 0xFFF, ~0xFFF)) for _ in range(60)]
    rights = [Rights(), Rights(True, False, True, False), Rights(True, True, False, True)]
    seen = set()
    for _ in range(3000):
        level, word = random.choice(fmt.levels), random.choice(words)
        controls, given = random.choice(settings), random.choice(rights)
        kept = decoder.words(level, controls)
        found = kept.decode(word)
        assert (found.entry.level, found.entry.word) == (level, word)
        mine = (found.entry.descriptor, found.address, found.stop, [*found.sets], kept.narrow(found, given))
        assert mine == said(fmt, level, word, controls, given)
        assert (found.is_present, found.is_table) == (mine[0].kind != "invalid", mine[0].kind == "table")
        seen.add((level.number, controls, found.stop is None))
    assert len(seen) > len(fmt.levels) * len(settings), "sound words and others, under all settings"


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "MOST_WORDS", 4)
    words = Decoder(X86_64.rules).words(X86_64.root_level, X86_64.defaults)
    first = words.decode(0x1007)
    assert words.decode(0x1007) is first
    for word in range(0x2007, 0x9007, 0x1000):
        assert words.decode(word).address == word & ~0xFFF
    assert words.decode(0x1007) is not first
