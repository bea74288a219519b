"""What walks keep of words is what the rules say of them, whatever was read before, and under which settings."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from vmwidgets.engine.mmu import chains
from vmwidgets.engine.mmu.chains import Chain, fault_of
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.x86 import X86_64
from vmwidgets.engine.mmu.levels import WalkEntry
from vmwidgets.engine.mmu.tables_schema import Rights

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "x86": [{}, {"pse": False}],
    "x86-pae": [{}, {"nxe": False}],
    "x86-64": [{}, {"nxe": False}, {"maxphyaddr": 36}],
    "x86-64-la57": [{}, {"gib_pages": False}],
    "armv7": [{}, {"afe": True, "ha": True}],
    "aarch64": [{}, {"ha": True}, {"pa_bits": 36}],
    "riscv-sv39": [{}, {"adue": False}],
}

CASES: list[tuple[Any, bool]] = [(access, user) for access in ("read", "write", "execute") for user in (False, True)]


def said(fmt: Any, words: list[int], controls: Any) -> tuple[Any, ...]:
    """What the rules say of these words, from the root on, until one of them ends the walk."""
    rules, path, rights, sets = fmt.rules, [], Rights(), []
    for level, word in zip(fmt.levels, words, strict=False):
        descriptor = rules.read_as(level, word, controls)
        path.append(WalkEntry(level, descriptor, word))
        if descriptor.kind != "invalid":
            rights = rules.narrow(rights, descriptor, word, controls)
        sets.append([rules.accessed(descriptor, write, controls) & ~word for write in (False, True)])
        stop = rules.check_descriptor(level, descriptor, word, controls)
        if stop is not None or descriptor.kind != "table":
            break
    address, size = descriptor.address_of(word), level.span_of(descriptor) if descriptor.kind == "leaf" else 0
    return tuple(path), rights, tuple(zip(*sets, strict=True)), stop, address, size


def chain_of(fmt: Any, words: list[int], controls: Any) -> Chain[Any]:
    chain: Chain[Any] = fmt.chains.root(fmt.root_level, controls)
    for word in words:
        if not chain.goes_on:
            break
        chain = chain.below(word)
    return chain


@pytest.mark.parametrize("name", FORMATS)
def test_a_chain_means_what_the_rules_say_of_its_words(name: str) -> None:
    fmt: Any = FORMATS[name]
    random, depth = Random(name), len(fmt.levels)
    settings = [replace(fmt.defaults, **one) for one in SETTINGS[name]]
    chosen = [random.getrandbits(8 * fmt.entry_width) & random.choice((-1, 0xFFF, ~0xFFF)) for _ in range(30)]
    chosen += [0x1000 * number | bits for number in range(8) for bits in (0x1, 0x2, 0x3, 0x7, 0x403, 0xC5F)]
    seen = set()
    for _ in range(3000):
        words, controls = random.choices(chosen, k=depth), random.choice(settings)
        chain, wanted = chain_of(fmt, words, controls), said(fmt, words, controls)
        assert (chain.path, chain.rights, chain.sets, chain.stop, chain.address, chain.size) == wanted
        assert [one.path for one in chain.from_root()] == [wanted[0][: at + 1] for at in range(len(wanted[0]))]
        path, rights, _, stop, _, size = wanted
        seen.add((len(path), controls, stop is None))
        if stop is None and size:
            judged = {case: fmt.rules.check_access(path, rights, *case, controls) for case in CASES}
            assert {case: chain.forbids(*case) for case in CASES} == judged
            assert chain.permissions.user.write == (judged["write", True] is None)
            assert chain.permissions.supervisor.execute == (judged["execute", False] is None)
            assert chain.is_global == fmt.rules.is_global(path)
            marked = chain.with_set(chain.sets[True])
            assert [at.word for at in marked.path] == [
                at.word | bits for at, bits in zip(path, chain.sets[True], strict=True)
            ]
            assert marked.pending == 0 or not chain.pending
        for case in CASES:
            why = stop or (chain.forbids(*case) if size else None)
            if why is not None:
                assert chain.fault(*case) == fault_of(fmt.rules, why, path, *case, controls)
    assert {(depth, one, sound) for one in settings for sound in (True, False)} <= seen


@pytest.mark.parametrize("name", FORMATS)
def test_pages_that_differ_in_the_address_alone_are_each_judged_as_the_rules_do(name: str) -> None:
    fmt: Any = FORMATS[name]
    random, sound = Random(name), set()
    flags = [random.getrandbits(12) | bits for bits in (0x1, 0x3, 0x7, 0x403) for _ in range(12)]
    for settings in SETTINGS[name]:
        controls = replace(fmt.defaults, **settings)
        tables = [level.of_kind("table").place(0x10_0000) for level in fmt.levels[:-1]]
        for leaf in flags:
            mask = fmt.levels[-1].read_as(leaf).address_mask
            for address in (0, 0x1000, mask, *(1 << bit for bit in range(12, 8 * fmt.entry_width))):
                words = [*tables, leaf & ~mask | address & mask]
                chain, wanted = chain_of(fmt, words, controls), said(fmt, words, controls)
                assert (chain.path, chain.rights, chain.sets, chain.stop, chain.address, chain.size) == wanted
                sound.add(wanted[3] is None)
                if wanted[3] is None and wanted[5]:
                    for case in CASES:
                        assert chain.forbids(*case) == fmt.rules.check_access(*wanted[:2], *case, controls)
    assert sound == ({True} if name in ("x86", "armv7") else {True, False})  # there every address is one


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MOST_CHAINS", 4)
    every = chains.Chains(X86_64.rules, lambda level: X86_64.level(level.number - 1))
    root = every.root(X86_64.root_level, X86_64.defaults)
    first = root.below(0x1007)
    assert every.root(X86_64.root_level, X86_64.defaults).below(0x1007) is first
    for word in range(0x2007, 0x9007, 0x1000):
        assert root.below(word).address == word & ~0xFFF
    assert every.root(X86_64.root_level, X86_64.defaults).below(0x1007) is not first
