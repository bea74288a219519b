"""A process on macOS and Windows: what vmmap prints, and what VirtualQueryEx says of a region, are ranges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sources.kinds import MACOS
from vmwidgets.engine.base.errors import Refused
from vmwidgets.real.own.elsewhere import Region, moment_elsewhere, range_of_region, regions_of

RESERVED, COMMITTED, FREE = 0x2000, 0x1000, 0x1_0000
PRIVATE, MAPPED, IMAGE = 0x2_0000, 0x4_0000, 0x100_0000


@pytest.fixture
def vmmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program of this name, with a script of the shell, before all others."""

    def put(script: str) -> None:
        program = tmp_path / "vmmap"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_what_vmmap_prints_is_a_moment(vmmap: Callable[[str], None]) -> None:
    vmmap(f"[ $1 = 1234 ] && cat <<'END'\nProcess:         cat [1234]\n{MACOS}END")
    moment = moment_elsewhere(1234, "darwin")
    assert (moment.pid, moment.name) == (1234, "cat")
    assert [(one.owner, one.protection, one.size, one.resident) for one in moment.ranges] == [
        ("cat", "r-x", 20 << 10, 20 << 10),
        ("[MALLOC_TINY]", "rw-", 1 << 20, 20 << 10),
    ]
    assert moment.resident == 40 << 10


def test_why_vmmap_refuses_is_said(vmmap: Callable[[str], None]) -> None:
    vmmap("echo 'vmmap cannot examine process 1: not permitted' >&2; exit 1")
    with pytest.raises(Refused, match=r"process 1 can't be read by vmmap: vmmap cannot examine process 1: not perm"):
        moment_elsewhere(1, "darwin")


@pytest.mark.parametrize(
    ("region", "rights", "shared"),
    [
        (Region(0x1000, 4096, COMMITTED, 0x04, PRIVATE), "rw-", False),
        (Region(0x1000, 4096, COMMITTED, 0x20, IMAGE, "C:/a.dll"), "r-x", False),
        (Region(0x1000, 4096, COMMITTED, 0x08, MAPPED), "rw-", False),  # a write copies
        (Region(0x1000, 4096, COMMITTED, 0x04, MAPPED), "rw-", True),
        (Region(0x1000, 4096, COMMITTED, 0x104, PRIVATE), "---", False),  # the guard of a stack
        (Region(0x1000, 4096, RESERVED, 0, PRIVATE), "---", False),
    ],
)
def test_a_region_of_windows_is_a_range(region: Region, rights: str, shared: bool) -> None:
    one = range_of_region(region, 0)
    assert one is not None
    assert (one.start, one.end, one.protection, one.shared) == (0x1000, 0x2000, rights, shared)
    assert one.is_reserved == (rights == "---")


def test_regions_are_asked_for_one_after_the_other_until_there_is_none() -> None:
    last = Region(0x3000, 0x1000, COMMITTED, 0x02, MAPPED)
    every = [Region(0, 0x1000, FREE, 1, 0), Region(0x1000, 0x2000, COMMITTED, 4, PRIVATE), last]
    asked = []

    def query(at: int) -> Region | None:
        asked.append(at)
        return next((one for one in every if one.start <= at < one.start + one.size), None)

    assert [*regions_of(query)] == every
    assert asked == [0, 0x1000, 0x3000, 0x4000]
    assert range_of_region(every[0], 0) is None
