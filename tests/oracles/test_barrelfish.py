from __future__ import annotations

import copy
import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.__main__ import main
from tests.oracles.reader import Unreadable
from tests.oracles.recordings import (
    BARRELFISH_SAMPLES,
    diverges,
    is_compared_or_unreadable,
    is_unreadable,
    lines_of,
    write,
)
from tests.oracles.replay import replay

NAMES = [
    "fixed-modify-flags-1",
    "foreign-1",
    "mixed-1",
    "placement-1",
    "quirk-map-exhaustion-1",
    "quirk-unmap-modify-place-1",
    "slab-pressure-1",
    "slots-exhausted-1",
]


def barrelfish(name):
    return lines_of(name, "barrelfish")


def test_the_samples_are_all_here():
    assert [path.name.partition(".")[0] for path in BARRELFISH_SAMPLES] == NAMES


@pytest.mark.parametrize("path", BARRELFISH_SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_every_field_of_a_recorded_trace_comes_out_again(path):
    outcome = replay(path)
    lines = barrelfish(path.name.partition(".")[0])
    assert outcome.divergence is None
    assert outcome.operations == len(lines) - 1
    assert outcome.corrected == sum("correct" in line for line in lines)
    if not path.name.startswith("quirk"):
        assert (outcome.corrected, outcome.passed_over) == (0, 0)


def test_little_of_a_trace_of_bugs_is_not_compared(capsys):
    """After a bug that leaves the original in another state, and where it does not say what is correct."""
    told = [(replay(path).corrected, replay(path).passed_over) for path in BARRELFISH_SAMPLES[4:6]]
    assert told == [(32, 11), (24, 1)]
    assert main(["replay", str(BARRELFISH_SAMPLES[4])]) == 0
    out = capsys.readouterr().out
    assert out.endswith(
        "212 operations agree (32 with what is correct where the original has a bug, 11 not compared, after one)\n"
    )


def first(lines, operation, event=None):
    """Index of the first line of an operation that succeeded and has an event of this name."""
    return next(
        i
        for i, line in enumerate(lines)
        if line.get("op") == operation
        and line["result"]["error"] is None
        and (event is None or any(row[0] == event for row in line.get("events", ())))
    )


@pytest.mark.parametrize(
    ("name", "operation", "field"),
    [
        ("mixed-1", "map", "retoff"),
        ("mixed-1", "map", "retsize"),
        ("mixed-1", "unmap", "retsize"),
        ("fixed-modify-flags-1", "modify_flags", "retsize"),
        ("placement-1", "determine_addr", "vaddr"),
        ("placement-1", "determine_addr_raw", "vaddr"),
    ],
)
def test_every_result_is_compared(tmp_path, name, operation, field):
    lines = barrelfish(name)
    i = next(i for i, line in enumerate(lines) if line.get("op") == operation and field in line["result"])
    lines[i]["result"][field] += 4096
    diverges(tmp_path, lines, i, f"result.{field}")


def test_every_name_of_a_chain_is_compared(tmp_path):
    lines = barrelfish("slots-exhausted-1")
    i = next(i for i, line in enumerate(lines) if len(line.get("result", {}).get("stack", ())) == 4)
    for at in range(4):
        altered = copy.deepcopy(lines)
        altered[i]["result"]["stack"][at] = "LIB_ERR_MALLOC_FAIL"
        diverges(tmp_path, altered, i, f"result.stack[{at}]")


EVENTS = {
    "mixed-1": ("slot_alloc", "vnode_create", "vnode_map", "slab_refill", "frame_alloc", "slab_grow"),
    "foreign-1": ("malloc",),
}


@pytest.mark.parametrize(("name", "event"), [(name, event) for name, events in EVENTS.items() for event in events])
def test_every_number_of_every_event_of_a_map_is_compared(tmp_path, name, event):
    lines = barrelfish(name)
    i = first(lines, "map", event)
    at = next(at for at, row in enumerate(lines[i]["events"]) if row[0] == event)
    fields = lines[i]["events"][at]
    keys = list(fields[1]) if isinstance(fields[1], dict) else range(1, len(fields))
    for key in keys:
        altered = copy.deepcopy(lines[: i + 1])
        holder = altered[i]["events"][at]
        holder = holder[1] if isinstance(fields[1], dict) else holder
        holder[key] = "changed"
        diverges(tmp_path, altered, i)


@pytest.mark.parametrize(
    ("name", "operation", "event"),
    [
        ("mixed-1", "unmap", "vnode_unmap"),
        ("mixed-1", "unmap", "cap_delete"),
        ("mixed-1", "unmap", "slot_free"),
        ("fixed-modify-flags-1", "modify_flags", "modify_flags"),
    ],
)
def test_the_events_of_other_operations_are_compared_too(tmp_path, name, operation, event):
    lines = barrelfish(name)
    i = first(lines, operation, event)
    altered = copy.deepcopy(lines)
    altered[i]["events"] = [row for row in lines[i]["events"] if row[0] != event]
    diverges(tmp_path, altered, i)


def leaves_of(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves_of(inner, (*path, at))
    else:
        yield path, value


def test_every_number_of_a_state_is_compared(tmp_path):
    lines = barrelfish("foreign-1")
    i = 10
    assert [len(table["children"]) for table in lines[i]["state"]["tree"]] == [1, 0, 0, 0, 0]
    for path, value in leaves_of(lines[i]["state"]):
        altered = copy.deepcopy(lines[: i + 1])
        holder = altered[i]["state"]
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = not value if isinstance(value, bool) else "changed"
        assert len(diverges(tmp_path, altered, i).differences) == 1, path


def test_making_the_pmap_is_compared(tmp_path):
    lines = barrelfish("foreign-1")
    lines[0]["setup"]["init"]["events"][1] = ["slot_alloc", 1]
    found = diverges(tmp_path, lines, 0, "setup.init.events[1][1]")
    assert found.record["op"] == "setup"
    lines = barrelfish("quirk-map-exhaustion-1")
    i = first(lines, "reset")
    lines[i]["events"] = []
    diverges(tmp_path, lines, i)


CORRECT = [
    ("error", "LIB_ERR_MALLOC_FAIL"),
    ("retoff", 12288),
    ("retsize", 4096 * 77),
    ("vaddr", 4096),
    ("slots_used", 1),
    ("slab_free", 1),
    ("entry_flags", []),
]


@pytest.mark.parametrize(("field", "value"), CORRECT)
def test_all_that_is_called_correct_is_compared(tmp_path, field, value):
    lines = next(
        lines for lines in map(barrelfish, NAMES[4:6]) if any(field in line.get("correct", ()) for line in lines)
    )
    i = next(i for i, line in enumerate(lines) if field in line.get("correct", ()))
    lines[i]["correct"][field] = value
    assert diverges(tmp_path, lines, i).differences[0][0].startswith(f"correct.{field}")


def test_a_bug_that_leaves_the_state_alone_hides_nothing_after_it(tmp_path):
    lines = barrelfish("quirk-map-exhaustion-1")
    i = next(i for i, line in enumerate(lines) if line.get("quirk") == "retoff-after-split")
    assert "diverges" not in lines[i]
    altered = copy.deepcopy(lines)
    altered[i + 1]["result"]["retsize"] += 4096
    diverges(tmp_path, altered, i + 1, "result.retsize")
    altered = copy.deepcopy(lines)
    altered[i]["events"].pop()
    diverges(tmp_path, altered, i)


UNREADABLE = [
    (1, lambda header: header.update(system="barelfish"), "did you mean 'barrelfish'?"),
    (1, lambda header: header["setup"].pop("slot_count"), "setup"),
    (1, lambda header: header["setup"].pop("init"), "setup"),
    (1, lambda header: header["setup"].update(l2_alloc_bytes=2048), "l2_alloc_bytes"),
    (1, lambda header: header["setup"].update(slab_block_bytes=0), "slab_block_bytes"),
    (1, lambda header: header["setup"]["flag_values"].update(READ=2), "flag_values"),
    (2, lambda line: line.update(op="mop"), "'op' is 'mop'"),
    (2, lambda line: line.update(flags=["RAED"]), "flags"),
    (2, lambda line: line.pop("vaddr"), "vaddr"),
    (2, lambda line: line.update(vaddr=-1), "vaddr"),
    (2, lambda line: line.update(i=3), "'i' is 3"),
    (2, lambda line: line.update(result=None), "result"),
    (11, lambda line: line.pop("state"), "lacks the full 'state'"),
]


@pytest.mark.parametrize(("number", "damage", "reason"), UNREADABLE)
def test_a_damaged_trace_is_told_from_one_that_diverges(tmp_path, number, damage, reason):
    lines = barrelfish("mixed-1")[:11]
    damage(lines[number - 1])
    is_unreadable(tmp_path, lines, number, reason)


def test_a_trace_ends_with_a_full_state(tmp_path):
    lines = barrelfish("mixed-1")
    assert replay(write(tmp_path / "a.jsonl", lines[:11])).divergence is None
    with pytest.raises(Unreadable, match=":11: the trace ends here"):
        replay(write(tmp_path / "b.jsonl", lines[:10]))


def test_what_no_recorder_wrote_is_unreadable(tmp_path):
    lines = barrelfish("placement-1")[:3]
    for wrong in ({"op": "vregion_remove", "id": 77}, {"op": "vregion_add", "id": 1, "base": 1 << 30, "size": 4096}):
        line = {"i": 2, "result": {"error": None}, **wrong}
        with pytest.raises(Unreadable, match="region"):
            replay(write(tmp_path / "a.jsonl", [*lines, line]))


@cache
def beginning(name):
    """The first lines of a sample."""
    return "".join(json.dumps(line) + "\n" for line in barrelfish(name)[:21]).encode()


@given(position=st.integers(0, 10**6), byte=st.integers(0, 255), name=st.sampled_from(["mixed-1", NAMES[5]]))
def test_whatever_byte_is_damaged_nothing_but_these_two_happens(position, byte, name):
    """It is read and compared, or told to be unreadable: never an error of Python's."""
    content = bytearray(beginning(name))
    content[position % len(content)] = byte
    is_compared_or_unreadable(content, 20)
