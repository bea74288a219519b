"""Recorded tables are loaded whole, walk as the recording says, and bad files and numbers are one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.sources.tables.cases import read_cases

DATA = Path(__file__).parents[2] / "data" / "mmu"


@pytest.mark.parametrize("name", ["linux-x86_64", "linux-armv7"])
def test_a_linux_table_walks_as_it_was_recorded(name: str) -> None:
    path = DATA / f"{name}.jsonl.gz"
    for number, case in enumerate(read_cases(path)):
        tables = vm.load_tables(path, number)
        assert (tables.root, tables.format) == (case.root, case.architecture.fmt.name)
        assert tables.options == case.record["options"]
        for query, answer in list(zip(case.queries, case.answers, strict=True))[:300]:
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
    assert case.queries
    for query, answer in zip(case.queries, case.answers, strict=True):
        assert tables.walk(query.va, query.access, user=query.user).pa == answer.get("pa")


def test_a_name_that_does_not_ship_is_one_sentence() -> None:
    with pytest.raises(vm.Refused, match="linux-armv7"):
        vm.recorded_tables("linux-arm7")
