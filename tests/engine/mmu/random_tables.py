"""Random tables of any format: words that look like descriptors, tables that point at each other and at nothing."""

from __future__ import annotations

from random import Random
from typing import Any

from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.levels import Descriptor, Level

PLACES = tuple(0x10_0000 + number * 0x4000 for number in range(6))
"""Where tables lie: few, so that tables refer to themselves and to each other."""
INDEXES = (0, 1, 2, 3, 5, 15, 16, 17)


def fill(fmt: TableFormat[Any], random: Random, write: Any, outside: int, cpu: Any = None) -> None:
    """Put descriptors of all kinds at some indexes of all places; `outside` is an address where no memory is.

    With the processor's settings, most descriptors are such that it takes them.
    """
    width = fmt.entry_width
    for number, place in enumerate(PLACES):
        for index in (*INDEXES, fmt.root_level.entries - 1, fmt.level(1).entries - 1, 300):
            if index * width < 0x4000:
                deep = min(number, len(fmt.levels) - 1)
                level = fmt.levels[deep] if random.random() < 0.85 else random.choice(fmt.levels)
                write(place + index * width, width, _made(fmt, level, random, outside, cpu))


def _made(fmt: TableFormat[Any], level: Level, random: Random, outside: int, cpu: Any) -> int:
    made = word(fmt, level, random, outside)
    for _ in range(6 if cpu is not None and random.random() < 0.8 else 0):
        if fmt.rules.check_descriptor(level, fmt.rules.read_as(level, made, cpu), made, cpu) is None:
            break
        made = word(fmt, level, random, outside)
    return made


def word(fmt: TableFormat[Any], level: Level, random: Random, outside: int) -> int:
    """A descriptor as the level can hold: sound mostly, or with bits set that should not be."""
    descriptor = random.choice(level.descriptors)
    if descriptor.kind == "invalid" and random.random() < 0.7:
        descriptor = random.choice(level.descriptors)
    made = descriptor.value | _address(descriptor, random, outside, len(fmt.levels) - level.number)
    top = 8 * fmt.entry_width
    loose = (1 << top) - 1 & ~(descriptor.mask | descriptor.address_mask)
    noise = random.getrandbits(top) & random.getrandbits(top) if random.random() < 0.5 else 0
    noise = noise & ~descriptor.reserved if random.random() < 0.8 else noise
    return made | (noise | _usual(descriptor, random)) & loose


def _address(descriptor: Descriptor, random: Random, outside: int, depth: int) -> int:
    if not descriptor.address:
        return 0
    address = random.getrandbits(40)
    if descriptor.kind == "table":
        address = PLACES[min(depth + 1, len(PLACES) - 1)] if random.random() < 0.7 else random.choice(PLACES)
        address = outside if random.random() < 0.1 else address
    placed = 0
    for bits in descriptor.address:
        placed |= address >> bits.to << bits.low & bits.mask
    return placed


def _usual(descriptor: Descriptor, random: Random) -> int:
    """Rights that let something pass, so that not everything faults."""
    usual = 0
    for field in descriptor.fields:
        if field.name in ("R/W", "U/S", "AF", "AP", "R", "X", "W", "A", "D") and random.random() < 0.8:
            usual |= random.randrange(1, 1 << field.high - field.low + 1) << field.low
    return usual & ~descriptor.reserved


def addresses(fmt: TableFormat[Any], random: Random, count: int) -> list[int]:
    """Addresses that lead through the filled indexes, some to where nothing is, some that are not canonical."""
    found = []
    for _ in range(count):
        va = random.getrandbits(12)
        for level in fmt.levels:
            indexes = [index for index in INDEXES if index < level.entries]
            index = random.choice(indexes) if random.random() < 0.95 else random.randrange(level.entries)
            va |= index << level.shift
        if random.random() < 0.1:
            va |= 1 << fmt.va_bits - 1
        if fmt.base_register.startswith("TTBR0") and random.random() < 0.2:
            va |= 1 << fmt.word_bits - 1  # the half that TTBR1 is for
        va = fmt.canonical(va)
        found.append(va ^ 1 << random.randrange(fmt.va_bits - 1, fmt.word_bits) if random.random() < 0.03 else va)
    return found


_EITHER = (False, True)
CONTROLS: dict[str, dict[str, tuple[Any, ...]]] = {
    "x86": {**dict.fromkeys(("wp", "smep", "smap", "ac", "pse"), _EITHER), "maxphyaddr": (32, 36, 40)},
    "x86-pae": {**dict.fromkeys(("wp", "smep", "smap", "ac", "nxe"), _EITHER), "maxphyaddr": (36, 40, 52)},
    "x86-64": {
        **dict.fromkeys(("wp", "smep", "smap", "ac", "nxe", "gib_pages"), _EITHER),
        "maxphyaddr": (36, 40, 52),
    },
    "armv7": {
        **dict.fromkeys(("afe", "ha", "pxn", "pd0", "pd1"), _EITHER),
        "dacr": (0x5555_5555, 0xFFFF_FFFF, 0x7D1B_4E93),
        "ttbcr_n": (0, 0, 1, 7),
        "ttbr1": (PLACES[1],),
    },
    "aarch64": {
        **dict.fromkeys(("wxn", "ha", "epd0", "epd1"), _EITHER),
        "pa_bits": (36, 40, 48),
        "ttbr1": (PLACES[1],),
    },
    "riscv-sv39": dict.fromkeys(("sum", "mxr", "adue"), _EITHER),
}
CONTROLS["x86-64-la57"] = CONTROLS["x86-64"]


def controls(fmt: TableFormat[Any], random: Random) -> dict[str, Any]:
    """Settings of the processor, nearly all of them random."""
    values = {name: random.choice(choices) for name, choices in CONTROLS[fmt.name].items()}
    for closing in ("pd0", "pd1", "epd0", "epd1"):
        if values.get(closing) and random.random() < 0.7:
            values[closing] = False
    return values
