"""The kinds of capability agree with the formats of tables, and with one another."""

from __future__ import annotations

import pytest

from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.capabilities import OBJ_TYPES, TABLES, common_rights


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_a_table_is_as_big_as_its_format_says(kind):
    fmt = FORMATS[kind.format]
    level = fmt.level(kind.level)
    assert (kind.bytes, kind.entries) == (fmt.table_bytes(level), level.entries)


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_an_entry_holds_tables_of_the_next_level_and_pages_where_the_format_has_them(kind):
    fmt = FORMATS[kind.format]
    level = fmt.level(kind.level)
    below = [OBJ_TYPES[name].level for name in kind.holds if OBJ_TYPES[name].is_table]
    assert below == ([level.number - 1] if level.of_kind("table") else [])
    assert ("Frame" in kind.holds) == (level.of_kind("leaf") is not None)


def test_nothing_that_is_no_ram_can_become_a_table():
    to_tables = [one.name for one in OBJ_TYPES.values() if any(OBJ_TYPES[to].is_table for to in one.retypes_to)]
    assert to_tables == ["RAM"]


def test_rights_never_grow():
    assert common_rights("rwg", "r--") == "r--"
    assert common_rights("", "rwg") == "---"
