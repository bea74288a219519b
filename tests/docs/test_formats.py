"""The page about table formats names what the formats have."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.mmu.formats import FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_the_row_of_a_format_names_its_tables_from_the_root_down(name: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    cell = row.split("|")[2]
    places = [cell.find(f" {level.table_name}") for level in FORMATS[name].levels]
    assert -1 not in places, f"{cell} lacks one of {[level.table_name for level in FORMATS[name].levels]}"
    assert places == sorted(places)


@pytest.mark.parametrize("name", vm.LAYOUTS)
def test_a_layout_is_told_with_its_size_and_room(name: str) -> None:
    layout, machine = vm.LAYOUTS[name], vm.boot(layout=name)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    _, size, room, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    assert size == binary_size(layout.kernel_end - layout.kernel_start)
    assert room == f"{machine.kentry.room:,}"
