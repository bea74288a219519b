"""``python -m tests.oracles walk``: statuses and sentences, and no traceback whatever the input is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles.__main__ import main
from tests.oracles.recordings import put_anywhere

DATA = Path(__file__).parents[1] / "data" / "mmu"


def run(capsys, *arguments):
    status = main(["walk", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def lines_of(name, count=None):
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for _, line in zip(range(count or 10**6), lines, strict=False)]


def write(path, cases):
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    return path


@pytest.fixture
def case():
    """A case of 32-bit x86: a 4 MiB page at 0, a table at 4 MiB with a read-only page."""
    return {
        "arch": "x86-32",
        "root": 0x1000,
        "options": {"wp": True},
        "memory": [[0x1000, "8300800007200000"], [0x2000, "05900000"]],
        "queries": [
            {"va": 0x123, "access": "read", "user": False},
            {"va": 0x40_0456, "access": "write", "user": True},
        ],
        "answers": [{"pa": 0x80_0123}, {"fault": {"kind": "protection", "level": 1, "code": 7}}],
    }  # fmt: skip


def test_every_file_that_agrees_gets_a_line(capsys):
    files = [DATA / f"{name}.jsonl.gz" for name in ("sv39-reserved", "linux-armv7")]
    assert run(capsys, *files) == (
        0, f"{files[0]}: 60 cases, 1,320 queries agree\n{files[1]}: 3 cases, 4,500 queries agree\n", "",
    )  # fmt: skip


def test_the_first_answer_that_differs_is_shown_side_by_side(capsys, tmp_path, case):
    case["answers"] = [{"pa": 0x80_0124}, {"fault": {"kind": "protection", "level": 2, "code": 5}}]
    good = {**case, "answers": [{"pa": 0x80_0123}, {"fault": {"kind": "protection", "level": 1, "code": 7}}]}
    path = write(tmp_path / "cases.jsonl", [good, case])
    status, out, err = run(capsys, path)
    assert (status, err) == (1, "")
    head, asked, *rows, found = out.splitlines()
    assert head == f"{path}: differs at case 2 (line 2), query 1; 2 of 4 queries differ"
    assert asked == "  x86-32 root=0x1000 va=0x123 supervisor read"
    assert [row.split() for row in rows] == [
        ["field", "expected", "actual"],
        ["address", "8388900", "=", "0x800124", "8388899", "=", "0x800123"],
    ]
    assert found == "  found: physical 0x80_0123, in a page of 4 MiB"


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        ({"pa": 5}, ["address", "kind", "level", "code"]),
        ({"fault": {"kind": "protection", "level": 2, "code": 7}}, ["level"]),
        ({"fault": {"kind": "not-present", "level": None, "code": 6}}, ["kind", "level", "code"]),
    ],
)
def test_address_kind_level_and_code_are_compared(capsys, tmp_path, case, answer, rows):
    case["answers"][1] = answer
    _, out, _ = run(capsys, write(tmp_path / "cases.jsonl", [case]))
    assert [row.split()[0] for row in out.splitlines()[3:-1]] == rows


def test_without_answers_they_are_printed(capsys, tmp_path, case):
    del case["answers"]
    path = write(tmp_path / "cases.jsonl", [case])
    status, out, err = run(capsys, path)
    assert (status, err) == (0, "")
    why = "the page may not be written: R/W is 0 in the PTE"
    assert out.splitlines() == [
        f"{path}: case 1 (line 1), x86-32, root 0x1000",
        "  0x123 supervisor read: physical 0x80_0123, in a page of 4 MiB",
        f"  0x40_0456 user write: #PF, protection at level 1, code 0x7: {why}",
    ]


def test_answers_can_be_had_as_cases(capsys, tmp_path, case):
    right = case.pop("answers")
    path = write(tmp_path / "cases.jsonl", [case])
    status, out, _ = run(capsys, "--answers", path)
    assert (status, json.loads(out)) == (0, {**case, "answers": right})
    (tmp_path / "answered.jsonl").write_text(out)
    assert run(capsys, tmp_path / "answered.jsonl")[0] == 0


def test_the_worst_file_counts_and_the_others_are_run(capsys, tmp_path, case):
    good = write(tmp_path / "good.jsonl", [case])
    differing = write(tmp_path / "differing.jsonl", [{**case, "answers": [{"pa": 0}, {"pa": 0}]}])
    status, out, err = run(capsys, good, differing, tmp_path / "none.jsonl", tmp_path, good)
    assert status == 2
    assert out.count("1 case, 2 queries agree") == 2
    assert err == (
        f"vmwidgets: {tmp_path / 'none.jsonl'}: No such file or directory\nvmwidgets: {tmp_path}: Is a directory\n"
    )
    assert run(capsys, differing, good)[0] == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"arch": "x86_64"}, "'arch' is 'x86_64': known are x86-32"),
        ({"arch": 7}, "arch: must be string"),
        ({"root": 0x1004}, "root 0x1004 is not aligned"),
        ({"root": 1 << 70}, "is too wide"),
        ({"root": -1}, "root: must be bigger"),
        ({"root": "0x1000"}, "root: must be integer"),
        ({"root": True}, "root: must be integer"),
        ({"options": {"smeep": True}}, "x86-32 has no option 'smeep'; did you mean 'smep'?"),
        ({"options": []}, "options: must be object"),
        ({"memory": [[0, "0"]]}, "half a byte"),
        ({"memory": [[0, "0g"]]}, "character 2 is not a hexadecimal digit"),
        ({"memory": [[0, "0000"], [1, "00"]]}, "overlap"),
        ({"memory": [[0]]}, r"memory\[0\]: must contain at least 2 items"),
        ({"memory": [[-1, "00"]]}, r"memory\[0\]\[0\]: must be bigger"),
        ({"memory": [[1 << 64, "00"]]}, r"memory\[0\]\[0\]: must be smaller"),
        ({"queries": [{"va": 1 << 32, "access": "read", "user": False}] * 2}, "in x86-32 a register has 32 bits"),
        ({"queries": [{"va": 0, "access": "fetch", "user": False}] * 2}, r"queries\[0\].access: must be one of"),
        ({"queries": [{"va": 0, "access": "read", "user": 0}] * 2}, r"queries\[0\].user: must be boolean"),
        ({"queries": [{"va": 0, "access": "read"}] * 2}, r"queries\[0\]: must contain .*user"),
        ({"answers": [{"pa": 0}]}, "2 queries and 1 answers"),
        ({"answers": [{"pa": 0}, {}]}, r"answers\[1\]: must contain at least 1 properties"),
        ({"answers": [{"pa": 0}, {"pa": 0, "fault": {"kind": "x", "level": 1, "code": 1}}]}, r"answers\[1\]"),
        ({"answers": [{"pa": 0}, {"fault": {"kind": "x"}}]}, r"answers\[1\].fault: must contain"),
        ({"answer": []}, "must not contain"),
        ({"x" * 10_000: []}, "must not contain"),
    ],
)
def test_damage_is_told_in_one_sentence(capsys, tmp_path, case, change, why):
    path = write(tmp_path / "cases.jsonl", [case, {**case, **change}])
    status, out, err = run(capsys, path)
    assert (status, out) == (2, "")
    assert err.startswith(f"vmwidgets: {path}:2: ")
    assert err.count("\n") == 1
    assert len(err) < 500
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(err)


@pytest.mark.parametrize("name", ["arch", "root", "options", "memory", "queries"])
def test_nothing_may_lack_but_answers(capsys, tmp_path, case, name):
    del case[name]
    status, _, err = run(capsys, write(tmp_path / "cases.jsonl", [case]))
    assert (status, name in err) == (2, True)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]\n", b"\x1f\x8b\x08\x00", b"\x00" * 100, b"null"])
def test_files_that_are_no_cases(capsys, tmp_path, content):
    (tmp_path / "cases.jsonl").write_bytes(content)
    status, out, err = run(capsys, tmp_path / "cases.jsonl")
    assert (status, out, err.count("\n")) == (2, "", 1)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_never_end_in_a_traceback(capsys, tmp_path, data):
    packed = (DATA / "armv7.jsonl.gz").read_bytes()
    text = gzip.decompress(packed)[:30_000]
    content = bytearray(data.draw(st.sampled_from([packed, text, text, text])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.sampled_from(["cut", "flip", "digit", "drop", "repeat"]))
        if change == "cut":
            del content[max(1, place) :]
        elif change == "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        elif change == "digit":
            content[place : place + 1] = data.draw(st.sampled_from([b"9" * 30, b"-1", b"null", b'"', b"{", b"1e9"]))
        elif change == "drop":
            del content[place : place + data.draw(st.integers(1, 40))]
        else:
            content[place:place] = content[place : place + 40]
        content = content or bytearray(b"x")
    (tmp_path / "cases").write_bytes(content)
    status, _, err = run(capsys, tmp_path / "cases")
    assert status in (0, 1, 2)
    assert (err.count("\n"), len(err) < 500) == (1 if status == 2 else 0, True)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_other_values_anywhere_never_end_in_a_traceback(capsys, tmp_path, data):
    case = json.loads(json.dumps(data.draw(st.sampled_from(SAMPLES))))
    scalars = st.none() | st.booleans() | st.integers() | st.integers(0, 2**70) | st.text(max_size=5)
    value = data.draw(
        scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars, max_size=2)
    )
    put_anywhere(data, case, value)
    status, _, err = run(capsys, write(tmp_path / "cases", [case]))
    assert status in (0, 1, 2)
    assert (err.count("\n"), len(err) < 500) == (1 if status == 2 else 0, True)


SAMPLES = [lines_of(name, 1)[0] for name in ("armv7", "x86-pae", "aarch64", "sv39", "x86-64")]
