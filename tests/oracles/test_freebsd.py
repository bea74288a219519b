from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.reader import Unreadable
from tests.oracles.recordings import FREEBSD_SAMPLES, diverges, is_unreadable, lines_of, write
from tests.oracles.replay import replay

NAMES = ["basic", "execwait", "exhaust", "merge", "mixed", "nowait", "panics", "waitok"]


def freebsd(name):
    return lines_of(name, "freebsd")


def shortened(name, operations):
    """The first operations of a sample, with an end and its state."""
    lines = freebsd(name)[: operations + 1]
    assert "state" in lines[-1]
    end = {"i": operations, "op": "end", "result": {"ok": True}, "events": [], "state": lines[-1]["state"]}
    return [*lines, end]


def test_the_samples_are_all_here():
    assert [path.name.partition(".")[0] for path in FREEBSD_SAMPLES] == NAMES


@pytest.mark.parametrize("path", FREEBSD_SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_every_field_of_a_recorded_trace_comes_out_again(path):
    outcome = replay(path)
    assert outcome.divergence is None
    assert outcome.operations == len(freebsd(path.name.partition(".")[0])) - 1


def first(lines, operation, event=None):
    """Index of the first line of an operation that has an event of this name."""
    return next(
        i
        for i, line in enumerate(lines)
        if line.get("op") == operation and (event is None or any(row[0] == event for row in line["events"]))
    )


EVENTS = [
    ("basic", "kmem_init", "create_map"),
    ("basic", "kmem_suballoc", "submap"),
    ("basic", "kmem_alloc_nofault", "findspace"),
    ("basic", "kmem_alloc_nofault", "insert"),
    ("basic", "kmem_alloc", "wire"),
    ("basic", "kmem_alloc", "zero_page"),
    ("merge", "kmem_malloc", "merge"),
    ("merge", "kmem_malloc", "page_alloc"),
    ("merge", "kmem_malloc", "pmap_enter"),
    ("merge", "kmem_free", "clip"),
    ("merge", "kmem_free", "page_unwire"),
    ("merge", "kmem_free", "page_free"),
    ("merge", "kmem_free", "pmap_remove"),
    ("merge", "kmem_free", "delete"),
    ("nowait", "kmem_malloc", "page_alloc_fail"),
    ("waitok", "kmem_malloc", "pages_given"),
    ("exhaust", "kmem_malloc", "tsleep"),
    ("exhaust", "kmem_malloc", "hook_free"),
    ("execwait", "kmem_alloc_wait", "sleep"),
    ("execwait", "kmem_free_wakeup", "wakeup"),
    ("execwait", "kmem_free_wakeup", "new_object"),
]


@pytest.mark.parametrize(("name", "operation", "event"), EVENTS)
def test_every_field_of_every_kind_of_event_is_compared(tmp_path, name, operation, event):
    original = freebsd(name)
    i = first(original, operation, event)
    at = next(n for n, row in enumerate(original[i]["events"]) if row[0] == event)
    for column, value in enumerate(original[i]["events"][at]):
        lines = copy.deepcopy(original[: i + 1])
        lines[i]["events"][at][column] = value + 1 if isinstance(value, int) else "changed"
        diverges(tmp_path, lines, i, f"events[{at}][{column}]")


@pytest.mark.parametrize(
    ("name", "event"), [("exhaust", "vm_lowmem"), ("exhaust", "uma_reclaim"), ("waitok", "vm_wait")]
)
def test_an_event_more_or_less_or_in_another_place_diverges(tmp_path, name, event):
    original = freebsd(name)
    i = first(original, "kmem_malloc", event)
    at = original[i]["events"].index([event])
    for damage in (
        lambda events: events.pop(at),
        lambda events: events.insert(at, [event]),
        lambda events: events.insert(at + 1, events.pop(at)),
    ):
        lines = copy.deepcopy(original[: i + 1])
        damage(lines[i]["events"])
        diverges(tmp_path, lines, i)


def state_fields():
    state = shortened("waitok", 80)[80]["state"]
    return [field for field in state if field not in ("maps", "objects", "sleepers")]


@pytest.mark.parametrize("field", state_fields())
def test_every_number_of_a_state_is_compared(tmp_path, field):
    lines = shortened("waitok", 80)
    lines[80]["state"][field] += 1
    diverges(tmp_path, lines, 80, f"state.{field}")


def test_every_field_of_a_map_an_entry_an_object_and_a_sleeper_is_compared(tmp_path):
    original = freebsd("mixed")
    i = next(i for i, line in enumerate(original) if line.get("state", {}).get("sleepers") and i > 100)
    state = original[i]["state"]
    places: list[tuple[str | int, ...]] = [
        ("maps", "kmem_map", field) for field in state["maps"]["kmem_map"] if field != "entries"
    ]
    places += [("maps", "kernel_map", "entries", 1, column) for column in range(8)]
    places += [("objects", "kmem_object", "refs"), ("objects", "kernel_object", "resident")]
    places += [("sleepers", 0, 0), ("sleepers", 0, 1)]
    for *way, last in places:
        lines = copy.deepcopy(original[: i + 1])
        here = lines[i]["state"]
        for step in way:
            here = here[step]
        here[last] = not here[last] if isinstance(here[last], bool) else f"{here[last]} changed"
        found = diverges(tmp_path, lines, i)
        assert len(found.differences) == 1


RESULTS = [
    ("basic", "kmem_init", {"ok": 1}),
    ("basic", "kmem_suballoc", {"map": "other"}),
    ("basic", "kmem_suballoc", {"max": 0}),
    ("basic", "kmem_alloc", {"addr": 0}),
    ("execwait", "kmem_alloc_wait", {"thread": 1}),
    ("panics", "kmem_suballoc", {"locked": ["kernel_map"]}),
    ("panics", "kmem_suballoc", {"panic": "kmem_suballoc: bad status return of 1"}),
]


@pytest.mark.parametrize(("name", "operation", "change"), RESULTS)
def test_results_are_compared(tmp_path, name, operation, change):
    lines = freebsd(name)
    (key,) = change
    i = next(i for i, line in enumerate(lines) if line.get("op") == operation and key in line["result"])
    lines[i]["result"].update(change)
    diverges(tmp_path, lines, i)


def test_who_is_woken_goes_on_next_and_in_the_order_of_going_to_sleep(tmp_path):
    original = freebsd("execwait")
    i = first(original, "resume")
    for field, value in (("thread", 99), ("call", "kmem_malloc")):
        lines = copy.deepcopy(original)
        lines[i][field] = value
        diverges(tmp_path, lines, i, field)
    lines = copy.deepcopy(original)
    lines[i] = {**lines[i], "op": "zero_pages", "n": 0}
    assert diverges(tmp_path, lines, i).differences[1] == ("op", "zero_pages", "resume")
    lines = copy.deepcopy(original)
    lines.insert(1, {**lines[i], "i": 0})
    with pytest.raises(Unreadable, match=r":2: a thread is resumed, and none was woken"):
        replay(write(tmp_path / "woken.jsonl", lines))


@pytest.mark.parametrize(
    ("name", "key"),
    [("nowait", "pages"), ("waitok", "free_reserved"), ("nowait", "interrupt_free_min"), ("exhaust", "hz")],
)
def test_the_header_says_what_the_machine_is(tmp_path, name, key):
    lines = freebsd(name)
    lines[0]["setup"][key] += 4
    assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None


UNREADABLE = [
    (1, lambda line: line.update(system="FreeBSD"), "did you mean 'freebsd'?"),
    (1, lambda line: line.update(page_size=8192), "page_size"),
    (1, lambda line: line["setup"].pop("hz"), "hz"),
    (1, lambda line: line["setup"].update(kernel_map=[4096]), "kernel_map"),
    (1, lambda line: line["setup"].update(kernel_map=[8192, 4096]), "does not fit together"),
    (2, lambda line: line.update(op="kmem_alloc"), "map"),
    (2, lambda line: line.update(op="vm_map_enter"), "known are kmem_init"),
    (2, lambda line: line.pop("op"), "'op' is None"),
    (2, lambda line: line.update(start=-1), "start"),
    (2, lambda line: line.update(i=1), "'i' is 1, and this is operation 0"),
    (2, lambda line: line.update(hooks={"sleep": []}), "hooks"),
    (2, lambda line: line.pop("events"), "events"),
    (3, lambda line: line.update(parent="no_map"), "'no_map' is not a map that was made so far"),
    (3, lambda line: line.update(op="kmem_init", start=0, end=0), "a second time"),
    (11, lambda line: line.pop("state"), "lacks the full 'state'"),
    (12, lambda line: line.pop("state"), "lacks the full 'state'"),
]


@pytest.mark.parametrize(("number", "damage", "reason"), UNREADABLE)
def test_a_damaged_trace_is_told_from_one_that_diverges(tmp_path, number, damage, reason):
    lines = shortened("basic", 10)
    damage(lines[number - 1])
    is_unreadable(tmp_path, lines, number, reason)


def test_traces_that_end_too_early_or_too_late(tmp_path):
    lines = shortened("basic", 10)
    with pytest.raises(Unreadable, match=r":12: the trace ends here, without its last line"):
        replay(write(tmp_path / "a.jsonl", lines[:-1]))
    with pytest.raises(Unreadable, match=r":13: lines follow the last one"):
        replay(write(tmp_path / "b.jsonl", [*lines, lines[-1]]))


def test_nothing_but_the_end_follows_a_panic_with_a_map_locked(tmp_path):
    lines = freebsd("panics")
    assert lines[-2]["result"]["locked"] == ["kmem_map"]
    free = {"i": len(lines) - 2, "op": "kmem_free", "map": "kmem_map", "addr": 0, "size": 0, "result": {}, "events": []}
    with pytest.raises(Unreadable, match="would wait for the lock of kmem_map"):
        replay(write(tmp_path / "after.jsonl", [*lines[:-1], free]))


@given(position=st.integers(0, 10**6), byte=st.integers(0, 255), name=st.sampled_from(["panics", "execwait"]))
def test_whatever_byte_is_damaged_nothing_but_these_two_happens(position, byte, name):
    """It is read and compared, or told to be unreadable: never an error of Python's."""
    content = bytearray("".join(json.dumps(line) + "\n" for line in freebsd(name)[:40]).encode())
    content[position % len(content)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.jsonl"
        path.write_bytes(content)
        with contextlib.suppress(Unreadable):
            assert replay(path).operations <= 40
