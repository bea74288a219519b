"""Two runs of one script give the same journal, wherever Python puts its objects and however it hashes texts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
import random, sys
import vmwidgets as vm

kept, moved = [], random.Random(int(sys.argv[1]))

def move():
    # Objects of the engine's sizes, some of them freed again, so that later ones lie elsewhere.
    kept.extend(object() if moved.random() < 0.5 else [0] * moved.randrange(20) for _ in range(moved.randrange(300)))
    for _ in range(len(kept) // 3):
        kept.pop(moved.randrange(len(kept)))

m = vm.boot("x86-64", quirks={"out-of-map", "mark-all-pages"} & set(vm.QUIRKS), cpus=2)
d = m.domain("hello", hardening={"execute-never"})
ram = d.ram("256 KiB")
for at in range(40):
    move()
    part = d.retype(ram, "Frame", f"{at} pages", "4 KiB")
    if at % 4 == 0:
        move()
        copy = d.copy(part)
        d.map(copy)
d.revoke(ram)
wrong = {"here", "there", "elsewhere", "nowhere"}
for call in (lambda: vm.boot(quirks=wrong), lambda: m.domain("d", hardening=wrong), lambda: d.map(ram, flags=wrong)):
    try:
        call()
    except vm.Refused as error:
        print(error)
task = m.task("one")
for at in range(12):
    move()
    m.object(f"file{at}")
    address = task.map.enter("16 KiB", object=f"file{at}", prot="rw")
    task.write(address, b"x")
    address = m.kmem_alloc("8 KiB")
    if at % 3 == 0:
        m.kmem_free(address, "8 KiB")
m.check()
for operation in m.journal:
    print(operation.name, operation.arguments, operation.result, *operation.events, sep="\\n")
print(d.snapshot(), d.window(few=3, whole=5), m.kmem.value(), m.frames)
"""


def journal(seed):
    """What the script prints in a process of its own, whose hashes and addresses follow from `seed`."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(seed)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture(scope="module")
def first():
    """The journal of one run."""
    return journal(1)


@pytest.mark.parametrize("seed", [2, 3])
def test_the_journal_does_not_depend_on_where_objects_lie(first, seed):
    assert sum("CapabilityDeleted" in line for line in first) > 40
    assert journal(seed) == first
