from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.compare import MISSING
from tests.oracles.reader import Unreadable
from tests.oracles.recordings import SAMPLES, is_compared_or_unreadable, is_unreadable, lines_of, shortened, write
from tests.oracles.replay import replay

OPERATIONS = {"asserts-1": 400, "big-1": 5000, "clip-first-13": 168, "kernel32-1": 500, "faults-1": 600}


def test_the_samples_are_all_here():
    assert len(SAMPLES) == 13


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_every_field_of_a_recorded_trace_comes_out_again(path):
    outcome = replay(path)
    assert outcome.divergence is None
    name = path.name.partition(".")[0]
    assert outcome.operations == OPERATIONS.get(name, len(lines_of(name)) - 2)


def diverges(tmp_path, lines, number, *paths):
    found = replay(write(tmp_path / "altered.jsonl", lines)).divergence
    assert found is not None
    assert found.line == number
    assert [one[0] for one in found.differences] == list(paths)
    return found


def first(lines, name, field=None):
    """Index of the first operation of this name whose result has a field."""
    return next(
        i
        for i, line in enumerate(lines)
        if line.get("op") == name and (field is None or (line["result"] or {}).get(field) is not None)
    )


ALTERATIONS = [
    ("place-1", "enter", ("result", "start"), lambda value: value + 4096),
    ("place-1", "enter", ("result", "start"), str),
    ("place-1", "enter", ("result", "start"), lambda value: None),
    ("place-1", "enter", ("result", "error"), lambda value: "NOMEM"),
    ("place-1", "enter", ("result", "error"), lambda value: False),
    ("place-1", "enter", ("result", "extra"), lambda value: None),
    ("place-1", "enter", ("after", "size"), lambda value: value + 1),
    ("place-1", "enter", ("after", "size"), lambda value: value - 2**32),
    ("place-1", "enter", ("after", "nr_entries"), lambda value: True),
    ("place-1", "enter", ("after", "find_cache"), lambda value: value ^ 4096),
    ("place-1", "enter", ("after", "find_cache_threshold"), lambda value: 2**64 - 1),
    ("place-1", "enter", ("after", "klimit"), lambda value: 0),
    ("place-1", "remove", ("after", "lookup_cache"), lambda value: 4096 if value is None else None),
    ("place-1", "remove", ("result", "error"), lambda value: 0),
    ("faults-1", "fault", ("result", "cache"), lambda value: "hit" if value == "miss" else "miss"),
    ("faults-1", "fault", ("result", "page"), lambda value: value + 1),
    ("faults-1", "fault", ("result", "page"), bool),
    ("faults-1", "fault", ("result", "object"), lambda value: value + " "),
    ("faults-1", "fault", ("result", "prot"), lambda value: value ^ 1),
    ("kernel32-1", "kentry_alloc", ("result", "va"), lambda value: value + 4096),
    ("kernel32-1", "kentry_alloc", ("after", "kgrows"), lambda value: value + 1),
    ("kernel32-1", "enter", ("after", "klimit"), lambda value: value + (1 << 22)),
    ("asserts-1", "enter", ("result", "panic"), lambda value: "wrap"),
]


@pytest.mark.parametrize(("name", "operation", "field", "change"), ALTERATIONS)
def test_an_altered_field_is_found_where_it_stands(tmp_path, name, operation, field, change):
    lines = lines_of(name)
    needed = field[1] if field[0] == "result" and field[1] not in ("error", "extra") else None
    i = first(lines, operation, needed)
    part, key = field
    before = lines[i][part].get(key)
    lines[i][part][key] = change(before)
    assert lines[i][part][key] is not before or key == "extra"
    found = diverges(tmp_path, lines, i + 1, f"{part}.{key}")
    assert found.record["op"] == operation


@pytest.mark.parametrize("part", ["result", "after", "state"])
def test_no_field_may_be_missing(tmp_path, part):
    original = shortened("kernel32-1", 10)
    for key in list(original[10][part]):
        lines = copy.deepcopy(original)
        del lines[10][part][key]
        found = diverges(tmp_path, lines, 11, f"{part}.{key}")
        assert found.differences[0][1] is MISSING


def test_every_number_of_an_entry_and_of_a_node_is_compared(tmp_path):
    original = shortened("objects-clip-1", 10)
    for rows in ("entries", "tree"):
        assert len(original[10]["state"][rows]) == 2
        for column in range(len(original[10]["state"][rows][1])):
            lines = copy.deepcopy(original)
            value = lines[10]["state"][rows][1][column]
            lines[10]["state"][rows][1][column] = "changed" if not isinstance(value, int) else not value
            diverges(tmp_path, lines, 11, f"state.{rows}[1][{column}]")


@pytest.mark.parametrize("part", ["result", "after", "state"])
@pytest.mark.parametrize("value", [None, 0, True, "", [], [[]]])
def test_a_part_of_another_type_diverges(tmp_path, part, value):
    lines = shortened("kernel32-1", 10)
    lines[10][part] = value
    diverges(tmp_path, lines, 11, part)


@pytest.mark.parametrize("rows", ["entries", "tree"])
def test_lists_have_to_be_as_long(tmp_path, rows):
    original = shortened("objects-clip-1", 10)
    count = len(original[10]["state"][rows])
    longer = copy.deepcopy(original)
    longer[10]["state"][rows].append(original[10]["state"][rows][0])
    diverges(tmp_path, longer, 11, f"state.{rows}[{count}]")
    shorter = copy.deepcopy(original)
    shorter[10]["state"][rows].pop()
    diverges(tmp_path, shorter, 11, f"state.{rows}[{count - 1}]")
    row_shorter = copy.deepcopy(original)
    row_shorter[10]["state"][rows][0].pop()
    diverges(tmp_path, row_shorter, 11, f"state.{rows}[0][{len(original[10]['state'][rows][0]) - 1}]")


def test_a_looked_up_entry_and_the_printed_text_are_compared(tmp_path):
    lines = lines_of("objects-clip-1")
    i = next(i for i, line in enumerate(lines) if line.get("op") == "lookup" and line["result"])
    lines[i]["result"][3] += 4096
    diverges(tmp_path, lines, i + 1, "result[3]")
    lines = lines_of("kernel32-1")
    i = next(i for i, line in enumerate(lines) if line.get("op") == "info")
    lines[i]["result"] = lines[i]["result"].replace("null", "Null", 1)
    diverges(tmp_path, lines, i + 1, "result")


def test_the_state_before_the_first_operation_is_compared(tmp_path):
    lines = shortened("kernel32-1", 10)
    lines[0]["setup"]["state"]["lookup_cache"] = None
    found = diverges(tmp_path, lines, 1, "setup.state.lookup_cache")
    assert found.record["op"] == "setup"


def test_the_header_says_how_it_is_run(tmp_path):
    """Each of these changes what the map has to do, and the recording is no longer right."""
    for name, key, value in (
        ("asserts-1", "build", "ndebug"),
        ("asserts-1", "variant", "corrected"),
        ("clip-first-13", "variant", "corrected"),
    ):
        lines = lines_of(name)
        lines[0][key] = value
        assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None, (name, key)
    lines = lines_of("corrected-clip-first-1")
    del lines[0]["variant"]
    assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None
    lines = lines_of("faults-1")
    lines[0]["objects"][0]["max_pages"] += 1
    assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None
    lines = lines_of("tiny-exhaust-1")
    lines[0]["map"]["end"] += 4096
    assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None
    lines = lines_of("kernel32-1")
    lines[0]["setup"]["l2_shift"] = 21
    assert replay(write(tmp_path / "altered.jsonl", lines)).divergence is not None


UNREADABLE = [
    (1, lambda header: header.pop("system"), "names no 'system'"),
    (1, lambda header: header.update(system="x16"), "did you mean 'x15'?"),
    (1, lambda header: header.update(system="X15"), "did you mean 'x15'?"),
    (1, lambda header: header.update(system=15), "'system' is 15: known are x15"),
    (1, lambda header: header.update(system="q" * 10**6), "known are x15"),
    (1, lambda header: header.update(trace=2), "trace"),
    (1, lambda header: header.update(page_size=8192), "page_size"),
    (1, lambda header: header.update(bits=16), "bits"),
    (1, lambda header: header.update(bits="64"), "bits"),
    (1, lambda header: header.update(build="release"), "build"),
    (1, lambda header: header.update(variant="correct"), "variant"),
    (1, lambda header: header.update(no_find_cache=2**32 - 1), "no_find_cache"),
    (1, lambda header: header["map"].update(start=-4096), "map.start"),
    (1, lambda header: header["map"].update(start=header["map"]["end"]), "no range of 64-bit addresses"),
    (1, lambda header: header["map"].update(kernel=1), "map.kernel"),
    (1, lambda header: header["map"].update(kernel=True), "lacks 'kentry'"),
    (1, lambda header: header["objects"].append(header["objects"][0]), "is listed twice"),
    (1, lambda header: header["setup"].pop("state"), "setup"),
    (1, lambda header: header.update(state_every=0), "state_every"),
    (2, lambda line: line.pop("hint"), "hint"),
    (2, lambda line: line.pop("result"), "result"),
    (2, lambda line: line.pop("after"), "after"),
    (2, lambda line: line.update(op="entre"), "'op' is 'entre': known are enter"),
    (2, lambda line: line.update(op=["enter"]), "'op' is ['enter']"),
    (2, lambda line: line.update(size=-4096), "size"),
    (2, lambda line: line.update(size=2**64), "size"),
    (2, lambda line: line.update(size="4096"), "size"),
    (2, lambda line: line.update(size=True), "size"),
    (2, lambda line: line.update(fixed=0), "fixed"),
    (2, lambda line: line.update(prot=8), "prot"),
    (2, lambda line: line.update(object="nobody"), "'object' is 'nobody', which the header does not list"),
    (2, lambda line: line.update(i=1), "'i' is 1, and this is operation 0"),
    (11, lambda line: line.pop("state"), "lacks the full 'state'"),
    (12, lambda line: line.update(ops=11), "counts 11 operations, the file has 10"),
    (12, lambda line: line.pop("ops"), "ops"),
]


@pytest.mark.parametrize(("number", "damage", "reason"), UNREADABLE)
def test_a_damaged_trace_is_told_from_one_that_diverges(tmp_path, number, damage, reason):
    lines = shortened("faults-1", 10)
    damage(lines[number - 1])
    assert len(is_unreadable(tmp_path, lines, number, reason)) < 600


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda header: header["setup"]["kentry"].update(nr_slabs=2**40), "nr_slabs"),
        (lambda header: header["setup"]["kentry"].update(nr_slabs=7), "do not make the 'area_size'"),
        (
            lambda header: header["setup"]["kentry"].update(area_size=2**31, nr_slabs=2**19),
            "does not fit together: NOMEM",
        ),
        (
            lambda header: header["setup"]["boot"].update(end=header["map"]["start"]),
            "does not fit together: panic (size_zero)",
        ),
        (lambda header: header["setup"].pop("boot"), "lacks 'boot'"),
        (lambda header: header["setup"]["state"].pop("klimit"), "lacks 'klimit'"),
        (lambda header: header["map"].update(end=2**32), "no range of 32-bit addresses"),
    ],
)
def test_a_kernel_header_has_to_fit_together(tmp_path, damage, reason):
    lines = shortened("kernel32-1", 10)
    damage(lines[0])
    with pytest.raises(Unreadable, match=r"damaged\.jsonl:1: ") as caught:
        replay(write(tmp_path / "damaged.jsonl", lines))
    assert reason in str(caught.value)


def test_traces_that_end_too_early_or_too_late(tmp_path):
    lines = shortened("objects-clip-1", 10)
    with pytest.raises(Unreadable, match=r":12: the trace ends here, without its last line"):
        replay(write(tmp_path / "a.jsonl", lines[:-1]))
    with pytest.raises(Unreadable, match=r":13: lines follow the last one"):
        replay(write(tmp_path / "b.jsonl", [*lines, lines[-1]]))
    with pytest.raises(Unreadable, match=r":1: the file is empty"):
        replay(write(tmp_path / "c.jsonl", []))
    with pytest.raises(Unreadable, match=r":2: the trace ends here"):
        replay(write(tmp_path / "d.jsonl", lines[:1]))


def test_inputs_are_as_wide_as_the_word(tmp_path):
    lines = shortened("place-1", 10)
    i = first(lines, "enter")
    lines[i]["hint"] = 2**32
    with pytest.raises(Unreadable, match=r"'hint' is 4294967296, which does not fit a word of 32 bits"):
        replay(write(tmp_path / "wide.jsonl", lines))


def test_nothing_follows_the_panic_that_broke_the_map(tmp_path):
    lines = lines_of("clip-first-13")
    assert lines[-2]["result"]["panic"] == "tree_duplicate"
    more = {**lines[1], "i": len(lines) - 2}
    with pytest.raises(Unreadable, match="tree_duplicate"):
        replay(write(tmp_path / "after.jsonl", [*lines[:-1], more, lines[-1]]))


@given(position=st.integers(0, 10**6), byte=st.integers(0, 255), name=st.sampled_from(["kernel32-1", "asserts-1"]))
def test_whatever_byte_is_damaged_nothing_but_these_two_happens(position, byte, name):
    """It is read and compared, or told to be unreadable: never an error of Python's."""
    content = bytearray("".join(json.dumps(line) + "\n" for line in shortened(name, 20)).encode())
    content[position % len(content)] = byte
    is_compared_or_unreadable(content, 20)
