"""Each text of the corpus is read as its head says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources.texts import TEXTS, text_of


def of_traps(name: str, form: str) -> Callable[[Any], list[str]]:
    """Look at a value of each trap."""
    return lambda pasted: [format(getattr(trap, name), form) for trap in pasted.traps]


def page_of(one: Any) -> str:
    """Its first address, size, rights and, where the text has it, physical address."""
    return f"{one.start:#x} {one.size:#x} {one.rights}" + ("" if one.pa is None else f" {one.pa:#x}")


EQUAL: dict[str, Callable[[Any], list[str]]] = {
    "of": lambda pasted: [" and ".join(pasted.what)],
    **{name: of_traps(name, "") for name in ("where", "means", "refused", "pid")},
    **{name: of_traps(name, "#x") for name in ("address", "code", "pc")},
    "descriptors": lambda pasted: [" ".join(f"{step.value:#x}" for step in trap.walk.steps) for trap in pasted.traps],
    "root": lambda pasted: [f"{table.root:#x}" for table in pasted.tables if table.root_is_said],
    "list": lambda pasted: [one.name for one in pasted.listings],
    "page": lambda pasted: [page_of(piece) for one in (*pasted.tables, *pasted.listings) for piece in one.pieces],
    "absent": lambda pasted: [f"{one.start:#x}" for each in pasted.listings for one in each.absent],
}
"""What is read of a text, by the key that a head has for it."""

BEGINS: dict[str, Callable[[Any], list[str]]] = {
    "says": of_traps("says", ""),
    "decoded": lambda pasted: [next(one for one in trap.decoded if "is 1" in one) for trap in pasted.traps],
}
"""Sentences, of which a head has the beginning."""


@pytest.mark.parametrize("name", sorted(path.stem for path in (TEXTS / "pasted").iterdir()))
def test_a_pasted_text_is_read_as_its_head_says(name: str) -> None:
    head, body = text_of(f"pasted/{name}")
    pasted = vm.load(body)
    for key, values in head.items():
        if key in BEGINS:
            for value, sentence in zip(values, BEGINS[key](pasted), strict=True):
                assert sentence.startswith(value)
        else:
            assert (key, EQUAL[key](pasted)) == (key, values)
    assert pasted.panics == ()


def range_of(one: Any) -> str:
    """Its start, size, rights with what is shared, offset, what is in memory (KiB), and its name."""
    resident = "-" if one.resident is None else f"{one.resident >> 10}K"
    said = f"{one.start:#x} {one.size:#x} {one.protection}{'ps'[one.shared]} {one.offset:#x} {resident} {one.path}"
    return said.strip()


@pytest.mark.parametrize("name", sorted(path.stem for path in (TEXTS / "ranges").iterdir()))
def test_a_list_of_ranges_is_read_and_entered_as_its_head_says(name: str) -> None:
    head, body = text_of(f"ranges/{name}")
    found = vm.load(body)
    assert [range_of(one) for one in found.ranges] == head["range"]
    assert [f"{entry.start:#x} {entry.size:#x}" for entry in found.task.map.entries()] == [
        " ".join(one.split()[:2]) for one in head["range"]
    ]
    assert all(any(words in one for one in found.unsaid) for words in head.get("unsaid", []))
    assert vm.picture(found).scene().nodes
