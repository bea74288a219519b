"""The calls that ship with the package, derived from recordings of the originals; run as a program, writes them.

Nothing here asks the engine: arguments, results and states are those of the recording, in other words.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.oracles.recordings import lines_of
from vmwidgets.cli.originals import CALLS

Line = dict[str, Any]
SHIPPED = Path(__file__).parents[2] / "vmwidgets" / "sources" / "data" / "calls"


def calls(name: str) -> Iterator[Any]:
    """The lines of a file of calls, from the recording of the same name."""
    system, _, run = name.partition("/")
    header, *lines = lines_of(run, system)
    setup, line = {
        "x15": (_x15_setup, _x15),
        "freebsd": (_freebsd_setup, _freebsd),
        "barrelfish": (_barrelfish_setup, _barrelfish),
    }[system]
    yield setup(header, lines)
    yield from (line(record) for record in lines if "op" in record)


def packed(name: str) -> bytes:
    """The file, the same bytes each time."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in calls(name))
    return gzip.compress(text.encode(), mtime=0)


# ---- X15 ---------------------------------------------------------------------------------------


def _x15_setup(header: Line, lines: list[Line]) -> Line:
    limits = header["map"]
    assert not limits["kernel"] and header["build"] == "debug" and not header["quirks"]
    return {
        "map": [limits["start"], limits["end"]],
        "bits": header["bits"],
        "objects": [one["id"] for one in header["objects"]],
    }


def _x15(record: Line) -> Any:
    op, result, after = record["op"], record["result"], record["after"]
    state = {
        "size": after["size"],
        "number of entries": after["nr_entries"],
        "find cache": [after["find_cache"], after["find_cache_threshold"]],
        "lookup cache": after["lookup_cache"],
    }
    if "state" in record:
        state["entries"] = record["state"]["entries"]
    if op == "enter":
        names = (
            "hint",
            "size",
            "align",
            "object",
            "offset",
            "prot",
            "maxprot",
            "inherit",
            "advice",
            "nomerge",
            "fixed",
        )
        given = [int(record[name]) if name in ("nomerge", "fixed") else record[name] for name in names]
        return [op, given, result["error"] or result["start"], state]
    if op == "remove":
        return [op, [record["start"], record["end"]], result["error"], state]
    assert op == "lookup"
    return [op, [record["addr"]], result, state]


# ---- FreeBSD -----------------------------------------------------------------------------------


def _freebsd_setup(header: Line, lines: list[Line]) -> Line:
    return {
        name: header["setup"][name] for name in ("kernel_map", "pages", "free_reserved", "interrupt_free_min", "hz")
    }


def _freebsd(record: Line) -> Any:
    op, result = record["op"], record["result"]
    assert not {"hooks", "sleeps", "panic"} & {*record, *result}
    if op in ("zero_pages", "end"):  # the idle loop clears pages ahead: that only saves time
        return ["zero_pages", [], None, _freebsd_state(record["state"]) if "state" in record else {}]
    names = [name for name in ("map", "parent", "start", "end", "addr", "size", "flags", "name") if name in record]
    given = [record[name] for name in names]
    returned = [result["min"], result["max"]] if "map" in result else result.get("addr")
    return [op, given, returned, _freebsd_state(record["state"]) if "state" in record else {}]


def _freebsd_state(state: Line) -> Line:
    maps, objects = state["maps"], state["objects"]
    assert not state["sleepers"] and not state["taken"] and not state["cache_pages"]
    return {
        **{f"size of {name}": one["size"] for name, one in maps.items()},
        **{f"entries of {name}": [_without_words(row) for row in one["entries"]] for name, one in maps.items()},
        **{f"pages of {name}": [one["refs"], one["resident"]] for name, one in objects.items()},
        "free pages": state["free_pages"],
        "wired pages": state["wired"],
    }


def _without_words(row: list[Any]) -> list[Any]:
    *fields, word = row
    return [*fields, word] if word else fields


# ---- Barrelfish --------------------------------------------------------------------------------


def _barrelfish_setup(header: Line, lines: list[Line]) -> Line:
    setup = header["setup"]
    assert setup["current"] and not setup["slot_first"]
    return {"slots": setup["slot_count"], "frames": 1 + max(one.get("frame", 0) for one in lines)}


def _barrelfish(record: Line) -> Any:
    op, result = record["op"], record["result"]
    names = {
        "map": ("vaddr", "frame", "frame_base", "frame_size", "offset", "size", "flags"),
        "unmap": ("vaddr", "size"),
        "modify_flags": ("vaddr", "size", "flags"),
    }[op]
    state = _barrelfish_state(record["state"]) if "state" in record else {}
    return [op, [record[name] for name in names], result["stack"] if result["error"] else result["retsize"], state]


OWN = range(1024, 1028)
"""The entries of the root for the pmap's own memory, whose physical place is the computer's affair."""


def _barrelfish_state(state: Line) -> Line:
    tables = state["tables"]
    shown = [(index, tables["l2"][str(word & ~0x3FF)]) for index, word in tables["l1"] if index not in OWN]
    return {
        "tree": [row for child in state["tree"] for row in _nodes(child)],
        "slab": [state["slab_free"], state["slab_total"]],
        "slots used": state["slots_used"],
        "bytes of its own": state["meta_used"],
        "descriptors": [[index, *run] for index, runs in shown for run in runs],
    }


CNODES = {"slot": "slots", "frame": "frames"}


def _nodes(node: Line) -> Iterator[list[Any]]:
    if node["vnode"]:
        yield [node["entry"], node["cap"], node["mapping"]]
        for child in node["children"]:
            yield from _nodes(child)
    else:
        cnode, slot = node["cap"]
        yield [node["entry"], CNODES[cnode], slot, node["count"], node["flags"], node["mapping"]]


if __name__ == "__main__":
    for shipped in CALLS:
        path = SHIPPED / f"{shipped}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(shipped))
