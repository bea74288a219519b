"""A kernel of xv6's names: processes, going to a function, one instruction, stopping, and the stops."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.real.conftest import HERE, built, needed, wait_for
from vmwidgets import Refused
from vmwidgets.real.program import Program
from vmwidgets.real.started import Started
from vmwidgets.real.xv6 import _listens


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The kernel's sources, in a folder of the test's own."""
    needed("qemu-system-riscv64", "riscv64-linux-gnu-gcc", "make")
    pytest.importorskip("elftools", reason="pyelftools is not installed: vmwidgets[kernels]")
    place = tmp_path / "xv6"
    shutil.copytree(HERE / "kernel", place)
    (place / "kernel" / "kernel").unlink(missing_ok=True)
    return place


def test_a_process_that_executes_a_program_is_one_in_the_picture_of_stops(folder):
    source = folder / "kernel" / "proc.c"
    text = source.read_text()
    renamed = '  p->pagetable = pagetable;\n  memmove(p->name, "other\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0", 16);\n'
    assert text.count("  p->pagetable = pagetable;\n") == 1
    source.write_text(text.replace("  p->pagetable = pagetable;\n", renamed))
    with vm.xv6(folder) as k:
        k.go(until="getc", seconds=60)
        k._started.type("life\n")
        k.go(until="exec", seconds=60)
        k.go(until="growproc", seconds=60)
        before, after = ({one.pid: one for one in stop.spaces}[2] for stop in k.stops.all[-2:])
        assert (before.name, after.name) == ("life (2)", "other (2)")
        assert before.key == after.key
        scene = vm.picture(k.stops).to_text()
        assert "life (2)" not in scene
        assert "other (2)" in scene


def test_processes_by_name_and_stops(folder):
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        with pytest.raises(Refused, match="kernel_pagetable is 0"):
            k.kernel  # noqa: B018  what reading it says is the test
        assert not [one.name for one in k.processes]
        assert k.go(until="kvminithart", seconds=60).startswith("kvminithart (vm.c:")
        direct = k.kernel.walk(0x8000_0000, "execute", user=False)
        assert direct.pa == 0x8000_0000
        k.go(until="getc", seconds=60)
        (shell,) = k.processes
        assert (shell.name, shell.pid, shell.state, shell.size) == ("sh", 1, "sleeping", 6 * 4096)
        ranges = {one.start: one.rights for one in k.runs(k.process("sh")).ranges}
        assert ranges[0] == "r-xu"
        assert ranges[0x1000] == "rw-u"
        assert ranges[0x4000] == "rw--", "the stack's guard page is present, without U"
        assert k.process(1).walk(0x4000, "write", user=True).fault.why.startswith("user code may not touch")
        with pytest.raises(Refused, match=r"no process is called 'cat'; there are: sh \(1\)"):
            k.process("cat")
        before = k.process("sh")
        assert before.walk(0x1000).ok
        assert k.step() != k.step()
        assert before.walk(0x1000).ok, "what was read stays"
        assert k._started.wait_for("$ ", 10)  # what QEMU has printed comes through a pipe
        assert k.console.endswith("kernel up\n$ ")
        assert [stop.where.split()[0] for stop in k.stops.all] == ["kvminithart", "getc", "getc", "getc"]
        (sh,) = k.stops[1].spaces
        assert (sh.name, len(sh.frames)) == ("sh (1)", 6)
        assert set(k.stops[1].changes(k.stops[0])) == {"sh (1)"}
        assert k.stops[2].changes(k.stops[1]) == {}


def test_a_fork_shares_pages_and_a_store_copies_one(folder):
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        k.go(until="getc", seconds=60)
        k._started.type("life\n")
        k.go(until="uvmcopy")
        k.go(until="uvmcopy")
        one = k.stops[-1]
        users = Counter(pa for space in one.spaces for pa in space.frames)
        assert sum(count > 1 for count in users.values()) == 11, "parent and child have 11 pages in common"
        k.go(until="vmfault")
        k.go(until="vmfault")
        two = k.stops[-1]
        users = Counter(pa for space in two.spaces for pa in space.frames)
        (shell,) = (space.frames for space in two.spaces if space.name == "sh (1)")
        assert sum(count == 1 and pa not in shell for pa, count in users.items()) == 1, "one page is copied"
        picture: Any = vm.picture(k.stops)
        assert "vmfault" in picture.scene().subtitle
        picture.opened("stops/switch/earlier")
        picture.opened("stops/switch/earlier")
        assert "uvmcopy" in picture.scene().subtitle
        assert picture.stop == k.stops[-3].number


def test_going_beside_the_notebook(folder):
    with vm.xv6(folder) as k:
        k.go()
        wait_for(lambda: k.console.endswith("$ "), "the shell")
        for asked in (lambda: k.tables, k.step, lambda: k.go(until="life"), k.follow):
            with pytest.raises(Refused, match=r"the kernel runs: stop it first, with k.stop\(\)"):
                asked()
        assert k.stop().startswith("getc (main.c:")
        assert k.tables.root == k.kernel.root


def test_a_function_that_is_never_reached(folder):
    with vm.xv6(folder) as k:
        k.go(until="getc", seconds=60)
        with pytest.raises(Refused, match=r"no processor reached panic in 1 s; stopped at getc \(main.c"):
            k.go(until="panic", seconds=1)
        with pytest.raises(Refused, match="no function or variable called 'uvmcopies'"):
            k.go(until="uvmcopies")
        k._started.type("panic\n")
        assert k.go(until="panic").startswith("panic (main.c")


def test_a_kernel_that_rebooted_is_said_to_have(folder):
    with vm.xv6(folder) as k:
        k.go(until="getc", seconds=60)
        tables = k.process("sh")
        root, walked = k.tables.root, tables.walk(0x1000).steps
        k._port.do(lambda gdb: gdb.monitor("system_reset"))
        k.go(until="kvminit", seconds=60)
        with pytest.raises(Refused, match=r"the guest has rebooted since its tables were looked at: satp\.MODE is 0"):
            k.tables  # noqa: B018  what reading it says is the test
        assert tables.walk(0x1000).steps == walked, "the last picture stays"
        k.go(until="getc", seconds=60)
        assert k.tables.root == root


def test_an_interrupt_ends_the_call_and_not_the_kernel(folder):
    """The call is ended between two packets, as Ctrl-C does it; the port can be used afterwards."""
    with vm.xv6(folder) as k:
        k.go(until="getc", seconds=60)
        threading.Timer(1.0, k._port.stop).start()
        start = time.monotonic()
        with pytest.raises(Refused, match="no processor reached panic"):
            k.go(until="panic", seconds=60)
        assert time.monotonic() - start < 10
        assert k.kernel.walk(0x8000_0000).ok


# ---- files that are not kernels -----------------------------------------------------------------


def test_files_that_do_not_do(folder, tmp_path):
    text = tmp_path / "text"
    text.write_text("no program")
    for path, why in (
        (text, "this is not an ELF file"),
        (tmp_path / "none", "No such file"),
        (Path("/bin/sh"), "is for"),
    ):
        with pytest.raises(Refused, match=why):
            Program(path)
    subprocess.run(["make", "-s", "-C", folder, "kernel/kernel"], check=True)
    kernel = folder / "kernel" / "kernel"
    for option, why in (("-g", "no debugging information. Build"), ("-s", "no symbols: it was stripped")):
        stripped = tmp_path / "stripped"
        subprocess.run(["riscv64-linux-gnu-strip", option, "-o", stripped, kernel], check=True)
        with pytest.raises(Refused, match=why):
            Program(stripped)


def test_a_program_that_is_not_xv6(folder, tmp_path, emulator):
    qemu = emulator("riscv")
    again = tmp_path / "again"  # QEMU may be loading the first one
    again.mkdir()
    with pytest.raises(Refused, match=r"has no debugging information|has no symbols"):
        vm.attach(qemu.gdb, program=built("riscv", again))
    with vm.attach(qemu.gdb) as k, pytest.raises(Refused, match="names need the kernel's file"):
        k.process("sh")


@pytest.mark.parametrize("debugging", ["-gdwarf-2", "-gdwarf-4", "-gdwarf-5"])
def test_lines_and_structures(folder, debugging):
    make = (folder / "Makefile").read_text()
    (folder / "Makefile").write_text(make.replace("-gdwarf-2", debugging))
    subprocess.run(["make", "-s", "-C", folder, "kernel/kernel"], check=True)
    program = Program(folder / "kernel" / "kernel")
    source = (folder / "kernel" / "vm.c").read_text().splitlines()
    defined = next(number for number, line in enumerate(source, 1) if line.startswith("int uvmcopy"))
    assert str(program.definition("uvmcopy")) == f"vm.c:{defined}"
    assert program.function(program.address("uvmcopy") + 8) == "uvmcopy"
    (site,) = program.code.call_sites("uvmcopy", "mappages")
    assert "mappages(new" in source[program.line(site).number - 1]
    processes = program.variable("proc")
    assert processes.count == 16
    assert processes.fields["pid"].size == 4
    assert program.variable("refcount").count == 32768
    assert program.variable("kmem.freelist").address == program.address("kmem") + 8


def test_folders_that_are_not_xv6(tmp_path):
    with pytest.raises(Refused, match=r"because it has no Makefile and no folder 'kernel'$"):
        vm.xv6(tmp_path)
    with pytest.raises(Refused, match=r"absent: there is no such folder; write the path of your clone"):
        vm.xv6(tmp_path / "absent")
    (tmp_path / "Makefile").write_text("qemu-gdb:\n\t@echo there is no compiler; exit 1\n")
    with pytest.raises(Refused, match=r"because it has no folder 'kernel'$"):
        vm.xv6(tmp_path)
    (tmp_path / "kernel").mkdir()
    for near in (tmp_path / "kernel", tmp_path.parent):
        with pytest.raises(Refused, match=rf"; xv6 is in {tmp_path}$"):
            vm.xv6(near)
    needed("make")
    with pytest.raises(Refused, match="make qemu-gdb failed: there is no compiler"):
        vm.xv6(tmp_path)
    for cpus in (0, 9, True):
        with pytest.raises(Refused, match="xv6 runs on 1 to 8 processors"):
            vm.xv6(tmp_path, cpus=cpus)


def test_a_program_that_ends_while_the_kernel_runs(folder):
    """Nothing keeps Python from ending, and QEMU ends with it."""
    text = "import sys, vmwidgets as vm; k = vm.xv6(sys.argv[1]); k.go(); print(k._port.name, flush=True)"
    done = subprocess.run([sys.executable, "-c", text, folder], timeout=60, capture_output=True, text=True, check=True)
    port = int(done.stdout.strip().rpartition(":")[2])
    with socket.socket() as one:
        wait_for(lambda: one.connect_ex(("127.0.0.1", port)) != 0, "the end of QEMU", 5)


def test_a_kernel_that_the_student_started(folder, monkeypatch):
    """`make qemu-gdb` listens on a port by the user's number, and `vm.attach()` finds it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        uid = one.getsockname()[1] % 5000
    monkeypatch.setattr("os.getuid", lambda: uid)
    with pytest.raises(Refused, match=rf"127\.0\.0\.1:{25000 + uid}: nothing listens there"):
        vm.attach()
    started = Started(["make", "CPUS=1", f"GDBPORT={25000 + uid}", "qemu-gdb"], folder)
    try:
        wait_for(lambda: _listens(25000 + uid), "QEMU")
        with vm.attach(program=folder / "kernel" / "kernel") as k:
            k.go(until="getc", seconds=60)
            assert [one.name for one in k.processes] == ["sh"]
            assert k.console == ""
            with pytest.raises(Refused, match=r"only a kernel of vm.xv6\(folder\) has a console"):
                k.follow(run="life")
        with vm.attach() as k, pytest.raises(Refused, match="names need the kernel's file"):
            k.go(until="getc")
    finally:
        started.end()


def let_go(k):
    """Once the port is free for another."""
    wait_for(lambda: k._port._line.gdb is None, "the port, let go", 10)
    return k._port.name


def test_an_idle_port_is_let_go_so_that_gdb_can_have_it(folder, monkeypatch):
    monkeypatch.setattr("vmwidgets.real.port.IDLE", 0.2)
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        first = k.go(until="mappages")
        assert first.startswith("mappages")
        gdb = vm.attach(let_go(k))
        assert gdb.where() == first[-len(gdb.where()) :]
        gdb.close(goes_on=False)
        second = k.go(until="mappages")  # the breakpoint where it stands is stepped over
        assert second.startswith("mappages")
        assert [one.where for one in k.stops.all] == [first, second]


def test_what_was_read_before_gdb_had_the_port_belongs_to_that_stop(folder, monkeypatch):
    monkeypatch.setattr("vmwidgets.real.port.IDLE", 0.2)
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        k.go(until="getc")
        tables = k.process("sh")
        walk = tables.walk(0, "execute")
        port = let_go(k)
        assert tables.memory.read(0x8700_0000, 8) is not None  # nobody had it
        gdb = vm.attach(let_go(k), program=folder / "kernel" / "kernel")
        gdb.step()
        gdb.close(goes_on=False)
        assert tables.walk(0, "execute") == walk
        with pytest.raises(Refused, match="not read before the guest ran on: GDB had the port"):
            tables.memory.read(0x8600_0000, 8)
        assert k.process("sh").memory.read(0x8600_0000, 8) is not None
        assert port == k._port.name
