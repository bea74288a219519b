"""The walker against cases whose answers two emulators and the manual agree on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from vmwidgets.engine.mmu.controls import X86Controls
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.mmu.x86_64 import X86_64

DATA = Path(__file__).parents[2] / "data" / "mmu"


class ListedMemory:
    """Every byte that is not listed reads 0, and physical memory has no end."""

    def __init__(self, chunks):
        self.words = {}
        for start, text in chunks:
            data = bytes.fromhex(text)
            assert start % 8 == 0, "chunks begin at a descriptor"
            for at in range(0, len(data), 8):
                self.words[start + at] = int.from_bytes(data[at : at + 8], "little")

    def read_word(self, pa, width):
        assert (width, pa % 8) == (8, 0)
        return self.words.get(pa, 0)


def controls_of(options):
    names = {"wp", "smep", "smap", "ac", "maxphyaddr"}
    assert set(options) == names | {"nx"}, "no option goes unnoticed"
    return X86Controls(nxe=options["nx"], **{name: options[name] for name in names})


def answer_of(result):
    if result.fault is None:
        return {"pa": result.pa}
    return {"fault": {"kind": result.fault.kind, "level": result.fault.level, "code": result.fault.code}}


@pytest.mark.parametrize(("name", "cases", "queries"), [("x86-64", 200, 4000), ("linux-x86_64", 2, 3000)])
def test_walks_agree_with_recorded_answers(name, cases, queries):
    told = asked = 0
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as lines:
        for number, line in enumerate(lines):
            case = json.loads(line)
            memory, controls = ListedMemory(case["memory"]), controls_of(case["options"])
            for query, answer in zip(case["queries"], case["answers"], strict=True):
                result = walk(memory, X86_64, case["root"], query["va"], query["access"], query["user"], controls)
                assert answer_of(result) == answer, f"case {number}: {query}"
                asked += 1
            told += 1
    assert (told, asked >= queries) == (cases, True)
