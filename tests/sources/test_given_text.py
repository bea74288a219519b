"""Files that memory can't hold, by what Linux and cgroups say of it in a folder made for the test."""

from __future__ import annotations

import gzip
import lzma
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources import given_text

MIB = 1 << 20
MEMINFO = "MemTotal:  8000000 kB\nMemFree:  100000 kB\nMemAvailable:  {} kB\n"
STAT = "anon {}\nfile 400000\nshmem 0\n"


def system(folder: Path, files: Mapping[str, object]) -> Path:
    """A folder with files of proc and sys."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return folder


GROUP = "sys/fs/cgroup/user.slice/a.scope"
FIRST = "sys/fs/cgroup/memory/docker/9f"


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, None), ({"proc/meminfo": MEMINFO.format(60 << 10)}, 60), ({"proc/meminfo": "MemTotal: 9 kB"}, None),
        ({"proc/self/cgroup": "0::/user.slice/a.scope", f"{GROUP}/memory.max": "max", f"{GROUP}/memory.stat": "anon 5"},
         None),
        ({"proc/meminfo": MEMINFO.format(90 << 10), "proc/self/cgroup": "0::/user.slice/a.scope",
          f"{GROUP}/memory.max": 80 * MIB, f"{GROUP}/memory.stat": STAT.format(20 * MIB)}, 60),
        ({"proc/self/cgroup": "0::/user.slice/a.scope", f"{GROUP}/memory.max": "max", f"{GROUP}/memory.stat": "anon 5",
          "sys/fs/cgroup/user.slice/memory.max": 99 * MIB, "sys/fs/cgroup/user.slice/memory.stat": STAT.format(0)}, 99),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": 90 * MIB, "sys/fs/cgroup/memory.stat": "anon 0"}, 90),
        ({"proc/self/cgroup": "11:cpu,cpuacct:/docker/7\n4:memory:/docker/9f\n0::/", f"{FIRST}/memory.stat":
          "cache 7\nrss 1\ntotal_rss 1048576", f"{FIRST}/memory.limit_in_bytes": 61 * MIB}, 60),
        ({"proc/self/cgroup": "4:cpu:/docker/9f", f"{FIRST}/memory.stat": "total_rss 10",
          f"{FIRST}/memory.limit_in_bytes": 50 * MIB}, None),
    ],
)  # fmt: skip
def test_the_least_that_linux_or_a_cgroup_says_is_left(tmp_path: Path, files: dict[str, object], left: int) -> None:
    """A text needs three times its size; `left` is in MiB."""
    fits = given_text.most_that_fits(256 * MIB, system(tmp_path, files))
    assert fits == (256 * MIB if left is None else left * MIB // 3)


def little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 60 MiB be left, enough for a file of 20 MiB."""
    monkeypatch.setattr(given_text, "ROOT", system(folder, {"proc/meminfo": MEMINFO.format(60 << 10)}))


def test_a_file_that_memory_can_not_hold_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little_memory(tmp_path, monkeypatch)
    large = tmp_path / "a.trace"
    with large.open("wb") as file:
        file.truncate(1 << 40)  # the file has holes: who reads it, reads for hours
    with pytest.raises(Refused, match="that is no such text"):
        vm.load(large)
    with large.open("wb") as file:
        file.truncate(21 * MIB)
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=r"a\.trace needs 3 times .* enough for 20 MiB of it: give a part"):
            vm.load(large)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_packed_file_is_refused_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    little_memory(tmp_path, monkeypatch)
    packed = pack(b"0x1000\n" * (3 * MIB + 1))
    path = tmp_path / "a.trace.gz"
    path.write_bytes(packed)
    for given in (path, packed):
        with pytest.raises(Refused, match=r"unpacked of .* enough for 20 MiB of it"):
            vm.load(given)


def test_a_small_file_is_read_however_little_memory_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_text, "ROOT", system(tmp_path, {"proc/meminfo": MEMINFO.format(1)}))
    path = tmp_path / "a.trace"
    path.write_text("0x1000 R\n0x2000 W\n")
    assert len(vm.load(path)) == 2
