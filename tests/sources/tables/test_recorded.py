"""Recorded tables are loaded whole, walk as the recording says, and bad files and numbers are one sentence."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from tests.oracles.recordings import put_anywhere
from tests.oracles.tables import read_cases

DATA = Path(__file__).parents[2] / "data" / "mmu"


@pytest.mark.parametrize("name", ["linux-x86_64", "linux-armv7"])
def test_a_linux_table_walks_as_it_was_recorded(name: str) -> None:
    path = DATA / f"{name}.jsonl.gz"
    for number, case in enumerate(read_cases(path)):
        tables = vm.load_tables(path, number)
        assert (tables.root, tables.options) == (case.record["root"], case.record["options"])
        assert tables.format == case.record["arch"].replace("_", "-")
        for query, answer in list(zip(tables.queries, case.record["answers"], strict=True))[:300]:
            found = tables.walk(query.va, query.access, user=query.user)
            assert found.pa == answer.get("pa")
            assert (found.fault is None) == ("pa" in answer)
            assert found.tables is tables


def test_without_user_the_tables_say_who_asks() -> None:
    tables = vm.load_tables(DATA / "linux-x86_64.jsonl.gz")
    users = [tables.walk(query.va) for query in tables.queries]
    assert any(found.ok and found.user for found in users)
    assert any(found.ok and not found.user for found in users)


def test_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    path = DATA / "linux-x86_64.jsonl.gz"
    with pytest.raises(vm.Refused, match="there is no case 2; it has 2, from 0 to 1"):
        vm.load_tables(path, 2)
    for case in (-1, True, "0", 1.0, None, 1 << 80):
        with pytest.raises(vm.Refused, match="write a whole number from 0"):
            vm.load_tables(path, case)  # type: ignore[arg-type]  # what learners write
    with pytest.raises(vm.Refused, match="No such file"):
        vm.load_tables(tmp_path / "none.jsonl")
    with pytest.raises(vm.Refused, match=r"[Dd]irectory"):
        vm.load_tables(tmp_path)
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"arch": "x86-64", "root": 1}\n')
    with pytest.raises(vm.Refused, match=r"broken\.jsonl"):
        vm.load_tables(broken)
    with pytest.raises(vm.Refused, match="5 is not a path"):
        vm.load_tables(5)  # type: ignore[arg-type]  # what a learner might
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(vm.Refused, match=r"cut\.jsonl\.gz"):
        vm.load_tables(cut)


def test_a_table_that_points_at_itself_or_nowhere_is_still_shown(tmp_path: Path) -> None:
    path = tmp_path / "self.jsonl.gz"
    memory = [[0x1000, (0x1003).to_bytes(8, "little").hex() + (0xF_FFFF_FFFF_F003).to_bytes(8, "little").hex()]]
    record = {"arch": "x86-64", "root": 0x1000, "options": {}, "memory": memory, "queries": []}
    with gzip.open(path, "wt") as file:
        file.write(json.dumps(record) + "\n")
    view = vm.show(vm.load_tables(path))
    view.sought("0")
    assert "is mapped" in view.scene().caption.text
    view.sought("8000000000")
    assert "0x80_0000_0000" in view.scene().caption.text


@pytest.mark.parametrize("name", ["linux-x86_64", "linux-armv7"])
def test_what_ships_walks_as_it_was_recorded(name: str) -> None:
    tables = vm.recorded_tables(name)
    shipped = Path(vm.__file__).parent / "sources" / "data" / "tables" / f"{name}.jsonl.gz"
    (case,) = read_cases(shipped)
    assert tables.queries
    for query, answer in zip(tables.queries, case.record["answers"], strict=True):
        assert tables.walk(query.va, query.access, user=query.user).pa == answer.get("pa")


CASE: dict[str, Any] = {
    "arch": "x86-32",
    "root": 0x1000,
    "options": {"wp": True},
    "memory": [[0x1000, "8300800007200000"]],
    "queries": [{"va": 0x123, "access": "read", "user": False}],
    "answers": [{"pa": 0x80_0123}],
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"arch": 7}, "arch: 7 is an int; it must be a str"),
        ({"arch": "x86_64"}, "did you mean 'x86-64'"),
        ({"root": "0x1000"}, "root: '0x1000' is a str; it must be an int"),
        ({"root": True}, "root: True is a bool"),
        ({"root": 4096.0}, "root: 4096.0 is a float"),
        ({"root": -4096}, "too wide"),
        ({"options": []}, "options: "),
        ({"options": {"smeep": True}}, "did you mean 'smep'"),
        ({"memory": {}}, "memory: "),
        ({"memory": [[0]]}, r"memory\[0\]: 1 item; there are 2"),
        ({"memory": [[-1, "00"]]}, "a piece of memory begins below 0"),
        ({"memory": [[-1, "0x"]]}, "not a hexadecimal digit"),
        ({"memory": [[-2, "00"], [-2, "00"]]}, "overlap"),
        ({"memory": [[True, "00"]]}, r"memory\[0\]\[0\]: True is a bool"),
        ({"memory": [[1 << 64, "00"]]}, "ends above 64 bits"),
        ({"memory": [[1 << 6400, "0x"]]}, "hexadecimal digit"),
        ({"memory": [[0, 5]]}, r"memory\[0\]\[1\]: 5 is an int"),
        ({"memory": [[0, "0g"]]}, "character 2 is not a hexadecimal digit"),
        (
            {"queries": [{"va": 0, "access": "fetch", "user": False}]},
            r"queries\[0\].access: 'fetch' must be one of read",
        ),
        ({"queries": [{"va": 0, "access": [], "user": False}]}, r"queries\[0\].access"),
        ({"queries": [{"va": 0, "access": "read", "user": 0}]}, r"queries\[0\].user: 0 is an int"),
        ({"queries": [{"va": 0, "access": "read"}]}, r"queries\[0\]: 'user' lacks"),
        ({"queries": [{"va": 1 << 32, "access": "read", "user": True}]}, "a register has 32 bits"),
        ({"answers": []}, "1 queries and 0 answers"),
        ({"answers": [5]}, r"answers\[0\]: 5 is an int"),
        ({"answer": []}, "'answer' is not a member of a case"),
    ],
)
def test_a_case_of_another_shape_is_refused_in_one_sentence(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (CASE, {**CASE, **change})))
    assert vm.load_tables(path).walk(0x123).pa == 0x80_0123
    with pytest.raises(vm.Refused, match=why) as refused:
        vm.load_tables(path, 1)
    assert str(refused.value).startswith(f"{path}:2: ")
    assert "\n" not in str(refused.value)
    with pytest.raises(vm.Refused, match=why):
        vm.load(json.dumps({**CASE, **change}) + "\n")


@pytest.mark.parametrize("name", CASE)
def test_only_answers_may_lack(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({one: value for one, value in CASE.items() if one != name}))
    if name == "answers":
        assert vm.load_tables(path).answers == ()
    else:
        with pytest.raises(vm.Refused, match=f"'{name}' lacks"):
            vm.load_tables(path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Expecting property name"),
        ("[]", "a list; it must be a dict"),
        ("null", "no value"),
        ("[" * 100_000, "nested too deeply"),
        ('{"arch": ' + "9" * 5000 + "}", "thousands of digits"),
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_case_is_refused_in_one_sentence(line: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(line)
    with pytest.raises(vm.Refused, match=why):
        vm.load_tables(path)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(data=st.data())
def test_whatever_is_in_a_case_it_is_loaded_or_refused(data: st.DataObject) -> None:
    case = json.loads(json.dumps(CASE))
    value = data.draw(_SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), _SCALARS))
    put_anywhere(data, case, value)
    with contextlib.suppress(vm.Refused):
        assert vm.load(json.dumps(case) + "\n").format == "x86"
