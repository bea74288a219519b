"""The walker against a live emulator on random tables.

python -m tests.engine.mmu.unicorn_sweep             # prints how many walks were compared, format by format
python -m tests.engine.mmu.unicorn_sweep --tables 20 # fewer sets of tables
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.engine.mmu.departures import DEPARTURES
from tests.engine.mmu.random_tables import PLACES, addresses, controls, fill
from tests.engine.mmu.unicorn_cpus import CPUS, Answer
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.engine.mmu.walk import walk

SIZE = PLACES[-1] + 0x4000
UNICORNS = {
    "maxphyaddr": 40,
    "gib_pages": True,
    "ha": False,
    "pxn": True,
    "pa_bits": 48,
    "adue": True,
}
"""What these processors have and do, whatever we would like."""


@dataclass
class Tally:
    """What came of one format: walks compared, left out (by reason), and those that differ."""

    compared: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)


def sweep(name: str, seeds: range, count: int = 60) -> Tally:
    """Compare `count` addresses, each read, written and fetched by user code and the supervisor, for each seed."""
    tally, fmt = Tally(), FORMATS[name]
    cpus = {user: CPUS[name](name, SIZE, user) for user in (False, True)}
    for seed in seeds:
        random, ram = Random(f"{name} {seed}"), Ram(SIZE)
        values = controls(fmt, random)
        values.update({key: value for key, value in UNICORNS.items() if key in values})
        settings = replace(fmt.defaults, **values)
        fill(fmt, random, ram.write_word, PLACES[0], settings)
        root = random.choice((*PLACES[:1] * 4, *PLACES[:2]))
        places = addresses(fmt, random, count)
        for user, cpu in cpus.items():
            cpu.uc.mem_write(PLACES[0], ram.read(PLACES[0], SIZE - PLACES[0]))
            cpu.load(root, values)
            for va in places:
                for access in ("read", "write", "execute"):
                    found = walk(ram, fmt, root, va, access, user, settings)
                    _compare(tally, name, found, settings, cpu, f"seed {seed}")
    return tally


def _compare(tally: Tally, name: str, found: Walk, settings: Any, cpu: Any, where: str) -> None:
    if found.fault is not None and found.fault.kind == "bus-error":
        tally.left_out["a table where no memory is"] += 1
        return
    answer = cpu.answer(found.va, found.access)
    code = None if found.fault is None or answer.code is None else found.fault.code
    if answer != Answer(found.pa, code):
        reason = next(
            (one.reason for one in DEPARTURES if name in one.formats and one.applies(found, settings, answer)), None
        )
        if reason is None:
            tally.differing.append(
                f"{where}: {found}, {found.fault and found.fault.code}; Unicorn: {answer}; {settings}"
            )
        else:
            tally.left_out[reason] += 1
        return
    tally.compared += 1
    tally.kinds["translated" if found.fault is None else found.fault.kind] += 1


def main() -> int:
    """Print the tallies."""
    parser = argparse.ArgumentParser(description="Compare random walks with Unicorn's.")
    parser.add_argument("--tables", type=int, default=300, help="sets of random tables a format (300)")
    total = differing = 0
    tables = parser.parse_args().tables
    for name in FORMATS:
        tally = sweep(name, range(tables))
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in tally.kinds.most_common())
        print(f"{name}: {tally.compared:,} walks agree ({kinds}); {len(tally.differing)} differ")
        for reason, count in tally.left_out.items():
            print(f"    {count:,} left out: {reason}")
        for line in tally.differing[:5]:
            print(f"    {line}")
        total += tally.compared
        differing += len(tally.differing)
    print(f"{total:,} walks of {len(FORMATS)} formats agree with Unicorn's, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
