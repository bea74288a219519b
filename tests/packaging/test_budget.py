"""`make lint` says which room weighs more than its budget, and lowers budgets alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import budget

FILES = {
    "vmwidgets/build.py": "a = 1\n",  # a module, an assignment, a name, its context and a constant
    "vmwidgets/engine/mmu/walk.py": '"""Walks."""\na = 1\n"""One."""\nb = 2\n',
    "vmwidgets/engine/mmu/formats/riscv.py": "a = 1; b = 2\n",
    "vmwidgets/views/words.say": "say: a word\n",
    "vmwidgets/sources/maps.txt": "0123456789" * 3,
    "vmwidgets/sources/text.py": f"a = {'word ' * 41!r}\n",
    "vmwidgets/static/hub.js": "made",
    "js/src/hub.ts": "const a = 1;\n",
    "tests/views/test_walk.py": "",
    "tests/__pycache__/test_walk.pyc": "made" * 9,
    "tools/.hidden": "made" * 9,
}

WEIGHTS = {
    "js/src": 5,
    "tests": 1,
    "vmwidgets": 5,
    "vmwidgets/engine/mmu": 18,
    "vmwidgets/sources": 3 + 5 + 41,
    "vmwidgets/views": 4,
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        put(tmp_path, name, text)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def allow(root: Path, **more: int) -> str:
    """Allow each room what it weighs, and some as much as is said, by the last part of their names."""
    text = "# why\n" + "".join(f'"{room}" = {more.get(Path(room).name, n)} # so\n' for room, n in WEIGHTS.items())
    put(root, "tools/budgets.toml", text)
    return text


def said(root: Path, capsys: Any, *arguments: str) -> tuple[int, list[str]]:
    status = budget.main(list(arguments), root)
    return status, capsys.readouterr().err.splitlines()


def test_each_file_weighs_in_its_room(tree: Path) -> None:
    assert budget.weigh(tree) == WEIGHTS


def test_rooms_within_their_budgets_need_no_word(tree: Path, capsys: Any) -> None:
    allow(tree, views=99)
    put(tree, "tools/budgets.toml", f'{(tree / "tools/budgets.toml").read_text()}"tools" = 99\n')
    assert said(tree, capsys) == (0, [])


def test_each_room_over_its_budget_has_a_sentence_with_both_weights(tree: Path, capsys: Any) -> None:
    text = allow(tree, mmu=17, src=4)
    put(tree, "tools/budgets.toml", f'{text}"tools" = 99\n')
    status, (first, second) = said(tree, capsys)
    assert status == 1
    assert {"js/src", "5", "4:"} <= set(first.split())
    assert {"vmwidgets/engine/mmu", "18", "17:"} <= set(second.split())


def test_a_room_without_a_budget_and_a_budget_without_a_room_are_named(tree: Path, capsys: Any) -> None:
    text = allow(tree).replace('"vmwidgets/views"', '"vmwidgets/vistas"')
    put(tree, "tools/budgets.toml", f'{text}"tools" = 99\n')
    status, lines = said(tree, capsys)
    assert (status, [line.split()[0] for line in lines]) == (1, ["vmwidgets/views", "vmwidgets/vistas"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vmwidgets/build.py", "a = (\n"),
        ("tests/null.py", "a = '\0'\n"),
        ("tools/budgets.toml", "a ="),
        ("tools/budgets.toml", '"tests" = "many"\n'),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_nothing_is_written(
    tree: Path, capsys: Any, name: str, text: str
) -> None:
    allow(tree, mmu=1000)
    put(tree, name, text)
    before = (tree / "tools/budgets.toml").read_text()
    status, lines = said(tree, capsys, "--lower")
    assert (status, len(lines)) == (1, 1)
    assert name in lines[0]
    assert (tree / "tools/budgets.toml").read_text() == before


def test_a_lighter_room_gets_less_and_no_room_gets_more(tree: Path, capsys: Any) -> None:
    put(tree, "vmwidgets/engine/mmu/walk.py", "a = 1\n" * 100)
    text = allow(tree, mmu=1000, sources=9)
    assert said(tree, capsys, "--lower")[0] == 1
    weight = 401 + 9
    assert (tree / "tools/budgets.toml").read_text() == text.replace("1000", str(weight + weight // 200))
