"""A thousand random machines on paper against a second solver, which is written from the definition."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import vmwidgets as vm


class Solver:
    """Memory as a list of bytes, addresses as strings of binary digits, a TLB and a cache as lists of pairs."""

    def __init__(self, q, memory):
        self.q, self.memory = q, list(memory)
        self.tlb, self.cache = [[] for _ in range(q["tlb"][0])], [[] for _ in range(q["cache"][0])]

    def solve(self, kind, va):
        q = self.q
        digits = f"{va:0{q['va']}b}"
        if len(digits) > q["va"]:
            return {"fault": "out of the address space"}
        vpn, vpo = int(digits[: -q["offset"]], 2), int(digits[-q["offset"] :], 2)
        row = self.tlb[vpn % len(self.tlb)]
        held = next((one for one in row if one[0] == vpn), None)
        found: dict[str, Any] = {
            "vpn": vpn,
            "vpo": vpo,
            "tlbi": vpn % len(self.tlb),
            "tlbt": vpn // len(self.tlb),
            "hit": held is not None,
        }
        if held is None:
            frame, rights, start, path = q["root"], set("RWX"), 0, []
            for level, bits in enumerate(q["levels"], 1):
                index = int(digits[start : start + bits], 2)
                at = (frame << q["offset"]) + index * q["width"]
                fields = self.fields(int.from_bytes(self.memory[at : at + q["width"]], "little"))
                path.append((index, at))
                if not fields["V"]:
                    return found | {"path": path, "fault": f"invalid at level {level}"}
                rights -= {name for name in "RWX" if fields.get(name) == 0}
                frame, start = fields["PFN"], start + bits
            found["path"] = path
            held = (vpn, frame, rights)
            if kind.upper() not in rights:
                return found | {"fault": "protection"}
            row.insert(0, held)
            del row[q["tlb"][1] :]
        elif q["policy"] == "lru":
            row.insert(0, row.pop(row.index(held)))
        if kind.upper() not in held[2]:
            return found | {"fault": "protection"}
        pa = held[1] << q["offset"] | vpo
        block = pa // q["cache"][2]
        lines = self.cache[block % q["cache"][0]]
        found |= {"pfn": held[1], "pa": pa, "byte": self.memory[pa], "cache_hit": block in lines, "fault": ""}
        found |= {"co": pa % q["cache"][2], "ci": block % q["cache"][0], "ct": block // q["cache"][0]}
        if block not in lines or q["policy"] == "lru":
            lines[:] = [block, *(one for one in lines if one != block)][: q["cache"][1]]
        return found

    def fields(self, word):
        digits, found = f"{word:0{8 * self.q['width']}b}", {}
        for name, bits in self.q["layout"]:
            found[name], digits = int(digits[:bits], 2), digits[bits:]
        return found


def drawn(random):
    """Draw a machine of which everything fits: tables in a page, and frames in the layout."""
    width = random.choice((1, 1, 2, 4))
    offset = random.randint(width.bit_length(), 8)
    most = offset - width.bit_length() + 1
    levels = [random.randint(1, most) for _ in range(random.randint(1, 3))]
    levels[0] = random.randint(1, most)
    flags = random.sample("RWX", random.randint(0, 3))
    pfn = random.randint(1, min(7, 8 * width - len(flags) - 1))
    layout = [("V", 1), *((name, 1) for name in flags)]
    random.shuffle(layout)
    layout.insert(random.randint(0, len(layout)), ("PFN", pfn))
    spare = 8 * width - sum(bits for _, bits in layout)
    if spare:
        layout.insert(random.randint(0, len(layout)), ("-", spare))
    power = lambda most: 1 << random.randint(0, most)  # noqa: E731  # a short name for a draw
    return {
        "width": width, "offset": offset, "levels": levels, "va": sum(levels) + offset, "layout": layout, "pfn": pfn,
        "root": random.randrange(1 << pfn), "tlb": (power(2), random.randint(1, 3)),
        "cache": (power(3), power(1), power(3)),
        "policy": random.choice(("lru", "fifo")),
    }  # fmt: skip  # the numbers of a machine


@pytest.mark.parametrize("hundred", range(10))
def test_a_hundred_random_machines_agree_with_the_second_solver(hundred):
    outcomes = set()
    for seed in range(100 * hundred, 100 * hundred + 100):
        random = Random(seed)
        q = drawn(random)
        size = 1 << q["offset"] + q["pfn"]
        memory = bytearray(random.randbytes(size))
        bits = "".join(name[0] * number for name, number in q["layout"])
        for at in range(0, size, q["width"]):  # most entries are in use, so that walks go on
            if random.random() < 0.7:
                word = int.from_bytes(memory[at : at + q["width"]], "little") | 1 << len(bits) - 1 - bits.index("V")
                memory[at : at + q["width"]] = word.to_bytes(q["width"], "little")
        p = vm.paper(
            va=q["va"], pa=q["offset"] + q["pfn"], page=1 << q["offset"], levels=tuple(q["levels"]), tlb=q["tlb"],
            cache=q["cache"], policy=q["policy"], layout=" ".join(f"{name}:{number}" for name, number in q["layout"]),
        )  # fmt: skip  # the same numbers
        page = 1 << q["offset"]
        p.memory({at // page: bytes(memory[at : at + page]) for at in range(0, size, page)}, root=q["root"])
        solver, pages = Solver(q, memory), [random.randrange(1 << q["va"]) for _ in range(4)]
        for _ in range(12):
            va = (
                random.choice(pages) ^ random.randrange(page)
                if random.random() < 0.95
                else random.randrange(1 << q["va"] + 2)
            )
            kind = random.choice("rrwx")
            found, right = p.access(f"{kind} {va:#x}"), solver.solve(kind, va)
            path = [(step.index, step.address) for step in found.path]
            assert {name: path if name == "path" else getattr(found, name) for name in right} == right, (seed, q, va)
            assert path == right.get("path", [])
            outcomes.add((right["fault"], right.get("hit"), right.get("cache_hit")))
    assert {fault for fault, _, _ in outcomes} >= {"", "protection", "invalid at level 1", "out of the address space"}
    assert {(hit, cached) for _, hit, cached in outcomes} >= {
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    }
