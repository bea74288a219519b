"""What people bring, really recorded: read as far as it can be, or refused with what it is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

import vmwidgets as vm

ODD = Path(__file__).resolve().parents[2] / "data" / "strace" / "odd"


def text(name):
    return gzip.decompress((ODD / f"{name}.strace.gz").read_bytes()).decode()


def loaded(given, ram="64 MiB"):
    machine = vm.boot("x86-64", ram=ram)
    found = vm.load_strace(machine, given)
    machine.check()
    return found


def succeeded(given, name):
    """Lines on which a call of that name ends well, by a look at the text alone."""
    return len(re.findall(rf"(?m)^.*\b{name}(?:\(| resumed>).*= (?:0x[0-9a-f]+|0)$", given))


def test_a_browsers_start():
    given = text("browser")
    found = loaded(given, ram="1 GiB")
    assert given.count("\n") == 14_000
    assert set(found.unread) <= {"ioctl", "recvfrom", "recvmsg", "restart_syscall"}
    assert found.passed_over == ()
    for name in ("mmap", "munmap", "mprotect"):
        made = found.replayed[name] + found.beyond[name]
        assert succeeded(given, name) * 0.97 <= made <= succeeded(given, name), name
    assert len(found.task.map) > 500


def test_a_program_that_strace_came_to_and_left():
    given = text("attached")
    assert given.rstrip().endswith("<detached ...>")
    found = loaded(given)
    assert found.unfinished == {"clock_nanosleep": 1}
    assert found.replayed["mmap"] == given.count("mmap(") == succeeded(given, "mmap")
    assert found.beyond["munmap"] == 1, "the first: what it maps was there before strace"
    assert sum(entry.size for entry in found.task.map) == 3 << 20


def test_each_file_of_ff_is_a_process():
    files = [loaded(text(f"ff-{number}")) for number in (1, 2, 3, 4)]
    assert [next(reversed(one.ends.values())) for one in files] == [
        "exited with 0", "exited with 0", "exited with 0", "exited with 3",
    ]  # fmt: skip
    assert [one.task.name for one in files[:3]] == ["sh", "ls", "wc"]
    assert all(one.replayed["mmap"] == succeeded(text(f"ff-{n}"), "mmap") for n, one in enumerate(files[:3], 1))


def test_two_runs_in_one_file():
    given = text("appended")
    found = loaded(given)
    assert found.replayed["execve"] == given.count("execve(") == 2
    assert (found.unfinished, found.taken) == ({}, 0)
    assert found.ends == {"ls": "exited with 0", "ls 2": "exited with 0"}


def test_a_program_of_32_bits():
    """Its calls are known from its source, in tools/record_strace.py."""
    found = loaded(text("in-32-bits"))
    memory, rest, last, file = (entry for entry in found.task.map if 0x1000_0000 <= entry.start < 0x3000_0000)
    assert (memory.start, memory.size) == (0x1000_0000, 4096)
    assert (str(memory.protection), str(rest.protection)) == ("r--", "rw-")
    assert [(one.start, one.size) for one in (rest, last)] == [(0x1000_1000, 4096), (0x1000_3000, 4096)]
    assert (file.start, file.size, file.offset) == (0x2000_0000, 8192, 4096)
    assert found.ends == {"in-32-bits": "exited with 7"}
    assert found.replayed["mmap2"] == 2


def test_what_the_program_wrote_lies_between():
    found = loaded(text("terminal"))
    lines = text("terminal").splitlines()
    assert [lines[one - 1] for one in found.passed_over] == ['write(1, "end\\n", 4end', ")                    = 4"]
    assert found.unread == {"write": 1}
    assert found.replayed["mmap"] == succeeded(text("terminal"), "mmap")


def test_a_summary_after_the_calls_and_one_without():
    found = loaded(text("counted"))
    assert found.replayed["mmap"] == succeeded(text("counted"), "mmap")
    assert not any("usecs" in text("counted").splitlines()[one - 1] for one in found.passed_over)
    with pytest.raises(vm.Refused, match=r"this is a summary of strace \(-c\), .*; record without -c"):
        loaded(text("summary"))


def test_what_is_cut_is_read_up_to_there():
    given = text("ff-2")
    mapped = given.index("mmap(", len(given) // 2)
    for at in [mapped + 3, mapped + 5, mapped + 20, mapped + 40, *range(len(given) - 400, len(given), 20)]:
        assert loaded(given[:at]).replayed["mmap"] == succeeded(given[:at], "mmap")


def test_powershell_writes_two_bytes_for_each_character(tmp_path):
    path = tmp_path / "mine.strace"
    path.write_bytes(text("ff-2").encode("utf-16"))
    assert loaded(path).replayed == loaded(text("ff-2")).replayed


def test_nothing_of_who_recorded_is_in_them():
    for path in ODD.glob("*.gz"):
        given = text(path.name.partition(".")[0])
        macs = set(re.findall(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", given))
        addresses = set(re.findall(r'inet_addr\("([0-9.]+)"\)', given))
        assert macs <= {"02:00:00:00:00:00", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}, path.name
        assert all(one.startswith("127.") or one in ("192.0.2.1", "0.0.0.0") for one in addresses), addresses
        assert set(re.findall(r'nodename="([^"]*)', given)) <= {"machine"}
