"""A kernel in QEMU: its tables, walks and runs, compared with what QEMU's monitor says of the same processor."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.real.conftest import Emulator, wait_for
from vmwidgets import Refused
from vmwidgets.given.pasted import compared
from vmwidgets.real import Kernel


def paging(emulator: Emulator) -> Kernel:
    """The kernel, once its tables are in use."""
    for _ in range(100):
        k = vm.attach(emulator.gdb)
        with suppress(Refused):
            k.tables_of(0)
            return k
        k.close()
        time.sleep(0.05)
    raise AssertionError("the guest never turned paging on")


@pytest.mark.parametrize(
    ("name", "fmt"), [("x86", "x86"), ("x86_pae", "x86-pae"), ("x86_64", "x86-64"), ("riscv", "riscv-sv39")]
)
def test_runs_are_what_info_mem_lists(emulator, name, fmt):
    qemu = emulator(name)
    with paging(qemu) as k:
        ranges = k.runs().ranges
        said = vm.load(qemu.monitor("info mem"))
        assert k.tables.format == fmt
        pieces = [piece for listing in said.listings for piece in listing.pieces]
        pieces = [piece for piece in pieces if "-w" not in piece.rights]  # reserved: QEMU lists it, and refuses it
        assert len(pieces) > 3
        assert compared(ranges, pieces) == ()


def physical(emulator: Emulator, address: int) -> int | None:
    """Where QEMU has the address."""
    said = emulator.monitor(f"gva2gpa {address:#x}")
    found = re.search(r"gpa: (0x[0-9a-f]+)", said)
    return None if found is None else int(found[1], 16)


@pytest.mark.parametrize(("name", "fmt"), [("arm", "armv7"), ("aarch64", "aarch64"), ("x86_64_la57", "x86-64-la57")])
def test_addresses_are_where_gva2gpa_has_them(emulator, name, fmt):
    qemu = emulator(name)
    with paging(qemu) as k:
        tables = k.tables
        assert tables.format == fmt
        ranges = k.runs().ranges
        assert len(ranges) > 4
        chosen = random.Random(fmt)
        asked = [one.start + chosen.randrange(one.size) for one in ranges for _ in range(8)]
        asked += [one.end for one in ranges if one.end < 1 << tables.fmt.word_bits]
        asked += [one.start - 1 for one in ranges if one.start]
        mapped = 0
        for address in asked:
            walk = tables.walk(address, user=False)
            pa = walk.pa
            if pa is None and walk.fault.kind == "protection":
                continue  # QEMU translates what the kernel may not read as well
            assert pa == physical(qemu, address), hex(address)
            mapped += pa is not None
        assert mapped > 30


def test_a_walk_of_both_roots(emulator):
    with paging(emulator("aarch64")) as k:
        below, above = k.walk(0x4000_0000, user=False), k.walk(0xFFFF_0000_0000_1000, "write", user=False)
        assert below.pa == 0x4000_0000
        assert above.pa == 0x4010_0000
        assert below.steps[0].table != above.steps[0].table
        alias = k.walk(0xFFFF_FF80_0000_1000, "write", user=False)
        assert "APTable[1] is 1" in alias.fault.why


def test_tables_are_drawn(emulator):
    with paging(emulator("riscv")) as k:
        text = vm.picture(k.tables).to_text()
        assert "0x8020_0000" in text.replace(",", "") or "megapage" in text
        svg = vm.picture(k.walk(0x4000, user=True)).to_svg()
        assert "U is 0" in svg


# ---- what is refused ---------------------------------------------------------------------------


def test_a_port_where_nothing_listens(tmp_path):
    with pytest.raises(Refused, match=r"nothing listens there\. Start QEMU with its GDB port"):
        vm.attach(str(tmp_path / "none"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Refused, match="nothing listens there"):
            vm.attach(f"127.0.0.1:{free.getsockname()[1]}")


@pytest.mark.parametrize(
    "where", ["10.0.0.1:1234", "example.org:1234", "1234", "127.0.0.1:", "127.0.0.1:99999", ":x", 7]
)
def test_what_is_no_port_of_this_computer(where):
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        vm.attach(where)


def test_a_port_that_another_client_has(emulator):
    qemu = emulator("riscv")
    with vm.attach(qemu.gdb), pytest.raises(Refused, match="QEMU serves one client: if GDB"):
        vm.attach(qemu.gdb)
    with vm.attach(qemu.gdb) as again:  # it was let go
        assert again.processors == 1


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_port_of_another_program(says):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.sendall(says)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Refused, match=r"another program|not QEMU's GDB port"):
            vm.attach(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_guest_before_paging(emulator):
    with vm.attach(emulator("riscv", "-S").gdb) as k, pytest.raises(Refused, match=r"satp.MODE is 0 \(.*machine mode"):
        k.tables  # noqa: B018  what reading it says is the test
    with vm.attach(emulator("x86", "-S").gdb) as k, pytest.raises(Refused, match=r"CR0.PG is 0"):
        k.tables  # noqa: B018


@pytest.mark.parametrize("name", ["x86_halts", "riscv_halts"])
def test_a_guest_that_has_halted_is_said_to_have(emulator, name):
    with paging(emulator(name)) as k:
        said = r"no processor reached 0x10 in 0\.3 s; stopped at 0x.*; the guest has halted: .* so it never continues"
        with pytest.raises(Refused, match=said):
            k.go(until=0x10, seconds=0.3)
        assert k.tables.walk(0x1000) is not None, "what it has can still be looked at"


def test_a_guest_that_executes_is_not_called_halted(emulator):
    with paging(emulator("x86")) as k, pytest.raises(Refused, match=r"processor reached .* stopped at 0x[0-9a-f_]+$"):
        k.go(until=0x10, seconds=0.3)


@pytest.mark.parametrize(("name", "register"), [("x86", r"CR0\.PG"), ("aarch64", r"SCTLR_EL1\.M")])
def test_a_guest_that_rebooted_is_said_to_have(emulator, name, register):
    qemu = emulator(name)
    with paging(qemu) as k:
        before = k.tables
        mapped = before.walk(0x2000, "read", user=True)
        qemu.monitor("system_reset")
        with pytest.raises(Refused, match=f"the guest has rebooted since its tables were looked at: {register} is 0"):
            k.tables  # noqa: B018  what reading it says is the test
        assert before.walk(0x2000, "read", user=True).steps == mapped.steps, "the last picture stays"


def test_a_processor_that_is_not_there(emulator):
    with paging(emulator("riscv")) as k:
        wrong: tuple[Any, ...] = (1, -1, True, "0")
        for number in wrong:
            with pytest.raises(Refused, match="the guest has 1 processor, numbered from 0"):
                k.tables_of(number)


def test_an_emulator_that_ends(emulator):
    qemu = emulator("riscv")
    k = paging(qemu)
    qemu.end()
    with pytest.raises(Refused, match="QEMU has closed the port"):
        k.tables  # noqa: B018
    k.close()
    with pytest.raises(Refused, match="the port was closed; attach again"):
        k.tables  # noqa: B018


def test_the_memory_mode_of_the_port_is_put_back(emulator):
    """GDB reads by virtual addresses after us: 0x1000 is mapped to 0x8010_0000, where physical 0x1000 is QEMU's ROM."""
    qemu = emulator("riscv")
    with paging(qemu) as k:
        assert k.walk(0x1000, "execute", user=True).pa == 0x8010_0000
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(qemu.gdb)
        one.settimeout(5)
        one.sendall(b"$qqemu.PhyMemMode#%02x" % (sum(b"qqemu.PhyMemMode") & 0xFF))
        wait_for(lambda: b"$0#30" in one.recv(1000), "the mode", 2)


def test_nothing_is_left_of_a_guest_that_goes_on(emulator):
    qemu = emulator("riscv")
    paging(qemu).close()
    assert "running" in qemu.monitor("info status")
    paging(qemu).close(goes_on=False)
    assert "paused" in qemu.monitor("info status")


def test_what_was_not_read_is_said(emulator, tmp_path: Path):
    with paging(emulator("riscv")) as k:
        tables = k.tables
        assert tables.walk(0x1000, "execute", user=True).ok
    assert tables.walk(0x2000, user=True).ok  # the same tables, as they were
    with pytest.raises(Refused, match="was not read before the guest ran on"):
        tables.memory.read(0x8200_0000, 8)
