from __future__ import annotations

import gzip
import random
from contextlib import suppress

import pytest

import vmwidgets as vm
from tests.engine.machine.structures import differences
from tests.work import calls_of
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.sources.strace import load
from vmwidgets.sources.strace.load import load_strace

BEGIN = 'execve("/bin/prog", ["prog"], 0x7ffd /* 2 vars */) = 0\nbrk(NULL) = 0x55550000\n'
HEAP = 0x55550000
A, B = 0x7F0000000000, 0x7F0000100000


@pytest.fixture
def machine():
    return vm.boot("x86-64")


def anonymous(at, size, prot="PROT_READ|PROT_WRITE", flags=""):
    return f"mmap(NULL, {size}, {prot}, MAP_PRIVATE|MAP_ANONYMOUS{flags}, -1, 0) = {at:#x}\n"


def mapped(task):
    """Its ranges: where, protection, the file behind it and the offset in it."""
    return [
        (one.start, one.end, one.protection, None if one.object.startswith("memory ") else one.object, one.offset)
        for one in task.map
    ]


def replayed(machine, text, **given):
    loaded = load_strace(machine, BEGIN + text, **given)
    machine.check()
    return loaded


# ---- parts of a trace ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        "[pid 12] <... mmap resumed>) = 0x7f0000200000",
        "<... mmap resumed>) = 0x7f0000200000",
        "12 <... munmap resumed>) = 0",
        "[pid 12] <... execve resumed>) = 0",
        "strace: Process 12 attached\n[pid 12] <... brk resumed>) = 0x55550000",
    ],
)
def test_a_call_that_began_before_the_text_is_passed_over_and_said(first):
    text = f"{first}\n{anonymous(A, 4096)}{anonymous(B, 4096)}"
    loaded = vm.load(text)
    assert [one.start for one in loaded.task.map] == [A, B]
    line = first.count("\n") + 1
    assert any(f"line {line} began before the trace" in one for one in loaded.unsaid)


def test_a_thread_whose_first_line_is_the_end_of_a_call_is_passed_over(machine):
    text = f"[pid 11] {anonymous(A, 4096)}[pid 12] <... mmap resumed>) = 0x7f0000200000\n[pid 11] {anonymous(B, 4096)}"
    loaded = load_strace(machine, text)
    assert [one.start for one in loaded.task.map] == [A, B]
    assert any("line 2 began before the trace" in one for one in loaded.unsaid)


# ---- each call -------------------------------------------------------------------------------


def test_mmap_of_memory_lies_where_the_system_put_it(machine):
    task = replayed(machine, anonymous(A, 5000) + anonymous(B, 4096, "PROT_NONE")).task
    assert mapped(task) == [(A, A + 8192, "rw-", None, 0), (B, B + 4096, "---", None, 0)]
    task.write(A, b"works")


def test_mmap_of_files_is_named_by_y_by_open_or_by_its_number(machine):
    text = f"""\
openat(AT_FDCWD, "/lib/\\303\\251.so", O_RDONLY) = 3
dup(3) = 4
fcntl(4, F_DUPFD_CLOEXEC, 10) = 10
memfd_create("pool", MFD_CLOEXEC) = 6
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = {A:#x}
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 10, 0x2000) = {A + 0x10000:#x}
close(3) = 0
openat(AT_FDCWD, "/lib/b.so", O_RDONLY) = 3</usr/lib/b.so.1>
mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_SHARED, 3, 0x3000) = {A + 0x20000:#x}
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 5</lib/c.so>, 0) = {A + 0x30000:#x}
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 6, 0) = {A + 0x40000:#x}
close(4) = 0
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 4, 0) = {A + 0x50000:#x}
"""
    task = replayed(machine, text).task
    assert [row[2:] for row in mapped(task)] == [
        ("r--", "/lib/é.so", 0), ("r--", "/lib/é.so", 0x2000), ("r-x", "/usr/lib/b.so.1", 0x3000),
        ("r--", "/lib/c.so", 0), ("r--", "/memfd:pool (deleted)", 0), ("r--", "file file descriptor 4", 0),
    ]  # fmt: skip
    assert [entry.inheritance for entry in task.map] == ["copy", "copy", "share", "copy", "share", "copy"]


def test_fixed_takes_the_place_of_what_is_there(machine):
    text = anonymous(A, 4 * 4096)
    text += f"mmap({A + 4096:#x}, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3</x>, 0) = {A + 4096:#x}\n"
    text += anonymous(A + 8192, 4096, "PROT_EXEC", "|MAP_FIXED")
    loaded = replayed(machine, text)
    assert [(start - A, prot, name) for start, _, prot, name, _ in mapped(loaded.task)] == [
        (0, "rw-", None), (4096, "r--", "/x"), (8192, "--x", None), (12288, "rw-", None)
    ]  # fmt: skip
    assert loaded.taken == 0


def test_what_was_there_without_fixed_is_counted(machine):
    loaded = replayed(machine, anonymous(A, 8192) + anonymous(A, 4096))
    assert loaded.taken == 1
    assert "Mapped over an existing mapping: 1" in repr(loaded)


def test_munmap_and_mprotect(machine):
    text = anonymous(A, 8 * 4096) + f"munmap({A + 4096:#x}, 4096) = 0\nmprotect({A + 8192:#x}, 8000, PROT_READ) = 0\n"
    rows = [(start - A, end - A, prot) for start, end, prot, _, _ in mapped(replayed(machine, text).task)]
    assert rows == [(0, 4096, "rw-"), (8192, 16384, "r--"), (16384, 32768, "rw-")]


def test_brk_begins_where_the_trace_says(machine):
    text = f"brk({HEAP + 0x21000:#x}) = {HEAP + 0x21000:#x}\nbrk({HEAP + 0x11000:#x}) = {HEAP + 0x11000:#x}\n"
    task = replayed(machine, text).task
    assert mapped(task) == [(HEAP, HEAP + 0x11000, "rw-", None, 0)]
    assert task.brk() == HEAP + 0x11000


def test_a_trace_of_memory_alone_has_a_heap_too(machine):
    """As of strace -e trace=memory."""
    loaded = load_strace(machine, f"brk(NULL) = {HEAP:#x}\nbrk({HEAP + 4096:#x}) = {HEAP + 4096:#x}\n")
    assert mapped(loaded.task) == [(HEAP, HEAP + 4096, "rw-", None, 0)]
    assert loaded.replayed == {"brk": 2}
    other = HEAP - 0x10000
    text = f"{BEGIN}brk({HEAP + 4096:#x}) = {HEAP + 4096:#x}\n"
    text += f"brk(NULL) = {other:#x}\nbrk({other + 4096:#x}) = {other + 4096:#x}\n"
    assert mapped(load_strace(machine, text).task) == [(other, other + 4096, "rw-", None, 0)]


def test_a_heap_that_began_before_the_trace_is_counted(machine):
    loaded = load_strace(machine, "brk(0x5000) = 0x5000\n" + anonymous(A, 4096))
    assert loaded.skipped == {"brk, of a heap that began before": 1}


@pytest.mark.parametrize(("old", "new", "to"), [(2, 4, A), (4, 2, A), (4, 8, B), (4, 2, B), (4, 4, B)])
def test_mremap_is_remove_and_map(machine, old, new, to):
    text = f"mmap(NULL, {old * 4096}, PROT_READ, MAP_SHARED, 3</x>, 0x5000) = {A:#x}\n"
    text += f"mremap({A:#x}, {old * 4096}, {new * 4096}, MREMAP_MAYMOVE) = {to:#x}\n"
    assert mapped(replayed(machine, text).task) == [(to, to + new * 4096, "r--", "/x", 0x5000)]
    text = anonymous(A, old * 4096) + f"mremap({A:#x}, {old * 4096}, {new * 4096}, MREMAP_MAYMOVE) = {to:#x}\n"
    assert mapped(replayed(machine, text).task) == [(to, to + new * 4096, "rw-", None, 0)]


def test_mremap_that_keeps_the_old_range(machine):
    text = anonymous(A, 4096) + f"mremap({A:#x}, 4096, 4096, MREMAP_MAYMOVE|MREMAP_DONTUNMAP) = {B:#x}\n"
    assert [row[0] for row in mapped(replayed(machine, text).task)] == [A, B]


def test_numbers_in_place_of_names(machine):
    text = f"mmap(NULL, 4096, 0x5, 0x22, -1, 0) = {A:#x}\nmadvise({A:#x}, 4096, 0x4) = 0\n"
    text += f"mprotect({A:#x}, 4096, 0) = 0\n"
    loaded = replayed(machine, text)
    assert mapped(loaded.task) == [(A, A + 4096, "---", None, 0)]
    assert loaded.replayed["madvise"] == 1


def test_calls_and_flags_that_the_model_has_not_are_named_and_counted(machine):
    text = anonymous(A, 4096, flags="|MAP_STACK|MAP_NORESERVE|0x80000000") + anonymous(B, 4096, flags="|MAP_STACK")
    text += f"""\
madvise({A:#x}, 4096, MADV_HUGEPAGE) = 0
madvise({A:#x}, 4096, MADV_DONTNEED) = 0
msync({A:#x}, 4096, MS_SYNC) = 0
mlock({A:#x}, 4096) = 0
mlock({A:#x}, 4096) = -1 ENOMEM (Cannot allocate memory)
shmat(5, NULL, 0) = 0x7f1000000000
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)
getpid() = 12
newcall(1, 2) = 0
"""
    loaded = replayed(machine, text)
    assert loaded.calls == 13
    assert loaded.replayed == {"execve": 1, "brk": 1, "mmap": 2, "madvise": 1, "msync": 1}
    assert loaded.skipped == {"madvise MADV_HUGEPAGE": 1, "mlock": 1, "shmat": 1}
    assert loaded.flags == {"mmap MAP_STACK": 2, "mmap MAP_NORESERVE": 1, "mmap 0x80000000": 1}
    assert loaded.failed == {"mlock": 1, "mmap": 1}
    assert loaded.others == {"getpid": 1, "newcall": 1}
    counters = (loaded.replayed, loaded.skipped, loaded.failed, loaded.others)
    assert sum(one.total() for one in counters) == loaded.calls, "each call is counted once"


def test_a_key_of_protection_and_what_msync_asks_for_are_counted(machine):
    loaded = replayed(
        machine,
        anonymous(A, 4096)
        + f"""\
pkey_mprotect({A:#x}, 4096, PROT_READ, 3) = 0
pkey_mprotect({A:#x}, 4096, PROT_READ, -1) = 0
msync({A:#x}, 4096, MS_ASYNC) = 0
msync({A:#x}, 4096, MS_SYNC|MS_INVALIDATE) = 0
msync({A:#x}, 4096, 0x4) = 0
""",
    )
    assert (loaded.replayed["pkey_mprotect"], loaded.replayed["msync"]) == (2, 3)
    assert loaded.flags == {"pkey_mprotect pkey": 1, "msync MS_ASYNC": 1, "msync MS_INVALIDATE": 1}


def test_a_brk_that_leaves_the_end_where_it_was_has_failed(machine):
    more = f"brk({HEAP + 4096:#x}) = {HEAP + 4096:#x}\nbrk(NULL) = {HEAP + 4096:#x}\n"
    loaded = replayed(machine, f"brk(0x99990000) = {HEAP:#x}\n{more}")
    assert (loaded.replayed["brk"], loaded.failed) == (3, {"brk": 1})
    assert loaded.task.brk() == HEAP + 4096
    first = 'execve("/bin/prog", ["prog"], 0x7ffd /* 2 vars */) = 0\n' + f"brk(0x99990000) = {HEAP:#x}\n"
    assert load_strace(vm.boot("x86-64"), first).failed == {"brk": 1}


def test_three_kinds_of_other_calls_are_all_of_them(machine):
    few = "getpid() = 12\ngetuid() = 0\ngetgid() = 0\n"
    assert "  No memory in them: 3 (getpid, getuid, getgid)\n" in f"{replayed(machine, few)!r}\n"
    assert "4 (getpid, getuid, getgid ...)" in repr(replayed(vm.boot("x86-64"), few + "gettid() = 12\n"))


def test_what_execve_mapped_is_counted_and_the_rest_done(machine):
    text = anonymous(A, 8192) + f"mprotect({A - 4096:#x}, 8192, PROT_READ) = 0\n"
    text += "mprotect(0x400000, 4096, PROT_READ) = 0\n"
    text += "munmap(0x400000, 4096) = 0\n"
    loaded = replayed(machine, text)
    assert loaded.beyond == {"mprotect": 2, "munmap": 1}
    assert [(start - A, prot) for start, _, prot, _, _ in mapped(loaded.task)] == [(0, "r--"), (4096, "rw-")]


def test_addresses_that_the_map_does_not_have_are_counted():
    machine = vm.boot("x86-64", layout="x15-32")
    loaded = load_strace(machine, "getpid() = 1\n" + anonymous(A, 4096) + anonymous(0x10000000, 4096))
    assert loaded.outside == {"mmap": 1}
    assert [row[0] for row in mapped(loaded.task)] == [0x10000000]


# ---- processes -------------------------------------------------------------------------------


def test_a_fork_copies_and_an_exit_ends_and_the_first_stays(machine):
    text = f"""\
1 execve("/bin/sh", ["sh"], 0x1) = 0
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, 0) = {A:#x}
1 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x1) = 2
2 munmap({A:#x}, 4096) = 0
1 fork() = 3
1 exit_group(1) = ?
1 +++ exited with 1 +++
3 exit_group(0) = ?
3 +++ exited with 0 +++
"""
    loaded = load_strace(machine, text)
    assert [task.name for task in loaded.tasks] == ["sh", "sh 2"]
    assert [len(task.map) for task in loaded.tasks] == [1, 0]
    assert machine.tasks["sh 2"].parent.name == "sh"
    assert loaded.ends == {"sh": "exited with 1", "sh 3": "exited with 0"}


def test_threads_share_a_task(machine):
    text = f"""\
1 execve("/bin/prog", ["prog"], 0x1) = 0
1 clone3({{flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, stack=0x1}} => {{parent_tid=[2]}}, 88) = 2
2 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
1 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {B:#x}
2 <... mmap resumed>) = {A:#x}
2 openat(AT_FDCWD, "/x", O_RDONLY) = 3
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = {B + 0x10000:#x}
2 exit(0) = ?
2 +++ exited with 0 +++
"""
    loaded = load_strace(machine, text)
    assert [row[0] for row in mapped(loaded.task)] == [A, B, B + 0x10000]
    assert mapped(loaded.task)[2][3] == "/x"
    assert (loaded.tasks, loaded.ends) == ((loaded.task,), {})


@pytest.mark.parametrize("call", ["vfork()", "clone(child_stack=0x1, flags=CLONE_VM|CLONE_VFORK|SIGCHLD)"])
def test_a_vfork_shares_until_it_executes(machine, call):
    text = f"""\
1 execve("/bin/sh", ["sh"], 0x1) = 0
1 {call[:-1]} <unfinished ...>
2 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, 0) = {A:#x}
2 execve("/bin/ls", ["ls"], 0x1) = 0
1 <... {call.partition("(")[0]} resumed>) = 2
2 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</y>, 0) = {A:#x}
1 wait4(2, NULL, 0, NULL) = 2
"""
    loaded = load_strace(machine, text)
    assert mapped(loaded.task)[0][3] == "/x"
    assert loaded.ends == {"ls": "waited for"}
    assert loaded.replayed[call.partition("(")[0]] == 1
    assert loaded.replayed["execve"] == 2


def test_the_child_may_come_before_the_call_that_made_it_ends(machine):
    text = f"""\
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, 0) = {A:#x}
1 fork( <unfinished ...>
2 mprotect({A:#x}, 4096, PROT_NONE) = 0
1 <... fork resumed>) = 2
"""
    loaded = load_strace(machine, text)
    assert [[entry.protection for entry in task.map] for task in loaded.tasks] == [["r--"], ["---"]]


def test_exec_ends_the_other_threads(machine):
    text = f"""\
1 execve("/bin/a", ["a"], 0x1) = 0
1 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 2
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, 0) = {A:#x}
2 execve("/bin/b", ["b"], 0x1 <unfinished ...>
1 +++ superseded by execve in pid 2 +++
1 <... execve resumed>) = 0
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</y>, 0) = {B:#x}
"""
    loaded = load_strace(machine, text)
    assert mapped(loaded.task) == [(B, B + 4096, "r--", "/y", 0)]
    assert loaded.tasks == (loaded.task,)


def test_a_thread_that_another_ends_says_nothing_more(machine):
    text = """\
1 execve("/bin/a", ["a"], 0x1) = 0
1 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 2
2 futex(0x1, FUTEX_WAIT, 2, NULL <unfinished ...>
1 exit_group(0 <unfinished ...>
2 <... futex resumed>) = ?
2 +++ exited with 0 +++
1 <... exit_group resumed>) = ?
1 +++ exited with 0 +++
"""
    loaded = load_strace(machine, text)
    assert (list(machine.tasks), loaded.ends) == (["a"], {"a": "exited with 0"})


def test_calls_that_return_after_the_end_are_no_new_process(machine):
    text = """\
1 execve("/bin/a", ["a"], 0x1) = 0
1 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 2
2 futex(0x1, FUTEX_WAIT, 2, NULL <unfinished ...>
1 exit_group(0) = ?
2 <... futex resumed>) = ?
2 +++ exited with 0 +++
1 +++ exited with 0 +++
"""
    loaded = load_strace(machine, text)
    assert list(machine.tasks) == ["a"]
    assert loaded.unfinished == {"futex": 1}


def test_a_number_may_come_again(machine):
    text = "1 fork() = 2\n2 exit_group(0) = ?\n2 +++ exited with 0 +++\n1 fork() = 2\n2 getpid() = 2\n"
    assert [task.name for task in load_strace(machine, text).tasks] == ["program", "program 3"]


# ---- texts, names, until ---------------------------------------------------------------------


def test_a_file_may_be_packed_and_a_line_is_a_text(machine, tmp_path):
    file = tmp_path / "prog.strace"
    file.write_text(BEGIN)
    assert load_strace(machine, file).source == str(file)
    file.write_bytes(gzip.compress(BEGIN.encode()))
    assert load_strace(machine, str(file)).calls == 2
    assert load_strace(machine, "[pid 7] getpid() = 7").calls == 1


def test_the_first_task_has_the_programs_name_or_that_which_is_given(machine):
    assert load_strace(machine, BEGIN).task.name == "prog"
    assert load_strace(machine, BEGIN).task.name == "prog 2"
    assert load_strace(machine, BEGIN, task="mine").task.name == "mine"
    machine.task("used").mmap("4 KiB")
    assert "has 1 entry already" in refused(machine, BEGIN, task="used")


def test_until_is_a_line_or_where_the_map_was_read(machine):
    opened = 'openat(AT_FDCWD, "/proc/self/maps", O_RDONLY) = 3\n'
    first, last = 'read(3, "55550000-"..., 1024) = 300\n', 'read(3, "7f0"..., 1024) = 20\nread(3, "", 1024) = 0\n'
    text = BEGIN + anonymous(A, 4096) + opened + first + anonymous(B, 4096) + last + f"munmap({A:#x}, 4096) = 0\n"
    assert [row[0] for row in mapped(load_strace(machine, text).task)] == [B]
    assert [row[0] for row in mapped(load_strace(machine, text, until=5).task)] == [A]
    loaded = load_strace(machine, text, until="maps")
    assert [row[0] for row in mapped(loaded.task)] == [A, B]
    assert loaded.maps_read == (5, 7)
    assert "never read its own /proc/self/maps" in refused(machine, BEGIN, until="maps")
    for until in ("end", 0, -1, True, 1.5, "3"):
        assert refused(machine, text, until=until).startswith("until=")


# ---- one group, refusals ---------------------------------------------------------------------


def refused(machine, *arguments, **given):
    before, length = machine.branch(), len(machine.journal)
    with pytest.raises(vm.Refused) as caught:
        load_strace(machine, *arguments, **given)
    assert len(machine.journal) == length
    assert list(differences(machine, before)) == []
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


@pytest.mark.parametrize("kind", ["mremap", "files with the same end"])
def test_the_work_grows_with_the_calls(kind):
    """Four times the calls: little more than four times the work, however many entries and files there are."""
    far = 0x7E0000000000

    def lines(number):
        at = A + number * 0x10000
        if kind == "mremap":
            return f"{anonymous(at, 4096)}mremap({at:#x}, 4096, 8192, MREMAP_MAYMOVE) = {far + number * 0x10000:#x}\n"
        path = f"/{number:04}{'x' * 300}"
        return f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3<{path}>, 0) = {at:#x}\n"

    def work(count):
        machine = vm.boot("x86-64", ram="64 MiB", layout="x15-64")
        text = BEGIN + "".join(map(lines, range(count)))
        return calls_of(lambda: load_strace(machine, text))

    work(1)  # the grammar is made
    assert work(600) < 4.4 * work(150)


def test_all_of_it_is_undone_as_one(machine):
    machine.task("before")
    before, length = machine.branch(), len(machine.journal)
    replayed(machine, anonymous(A, 4096) + f"mprotect({A:#x}, 4096, PROT_READ) = 0\n")
    machine.undo()
    assert len(machine.journal) == length
    assert list(differences(machine, before)) == []


def test_a_failure_in_the_middle_changes_nothing(machine, monkeypatch):
    before, length = machine.branch(), len(machine.journal)

    def fails(self, *args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Task, "mprotect", fails)
    with pytest.raises(KeyboardInterrupt):
        load_strace(machine, BEGIN + anonymous(A, 4096) + f"mprotect({A:#x}, 4096, PROT_READ) = 0\n")
    monkeypatch.undo()
    assert len(machine.journal) == length
    assert list(differences(machine, before)) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("munmap(nonsense", "'munmap(nonsense' is not a line of strace"),
        ("mmap(NULL, 4096) = 0x1000", "mmap: it takes 6 arguments, and has 2"),
        ("mmap(NULL, x, PROT_READ, MAP_PRIVATE, 3, 0) = 0x1000", "mmap: argument 2 is not a number of bytes"),
        ("mmap(NULL, 4096, PROT_READ, MAP_FIXED, 3, 0) = 0x1000", "neither MAP_SHARED nor MAP_PRIVATE"),
        (anonymous(0x1001, 4096), "mmap: 0x1001 is not page aligned"),
        (anonymous(A, 0), "mmap: its range is empty"),
        (anonymous(A, -4096), "mmap: argument 2 is not a number of bytes"),
        ("munmap(0x1001, 4096) = 0", "munmap: 0x1001 is not page aligned"),
        ("munmap() = 0", "munmap: it takes 2 arguments, and has 0"),
        ("brk(0x1000) = 0x1000", "brk: end=0x1000: the heap ends between 0x5555_0000"),
        (f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x801) = {A:#x}", "offset"),
        (f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0xfffffffffffff000) = {A:#x}", "go past the object"),
        (f"mremap({A:#x}, 4096, 0, MREMAP_MAYMOVE) = {A:#x}", "mremap: its range is empty"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(machine, line, why):
    message = refused(machine, BEGIN + anonymous(B, 4096) + line.strip() + "\n")
    assert message.startswith("line 4 of the text: ")
    assert why in message


def test_values_that_are_no_texts(machine):
    assert "path_or_text=5 is an int: write the path of what strace wrote" in refused(machine, 5)
    assert "(No such file or directory)" in refused(machine, "/nowhere/strace")
    assert "names no file" in refused(machine, "")
    assert "the text is empty" in refused(machine, "\n\n")
    assert "contains no system call" in refused(machine, "--- SIGINT {si_signo=SIGINT} ---\n+++ exited with 0 +++\n")
    with pytest.raises(vm.Refused, match=r"machine='x' is a str: boot one with vm\.boot\(\)"):
        load_strace("x", BEGIN)  # type: ignore[arg-type]


def test_absurd_sizes_are_refused(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "MOST_STRACE_BYTES", len(BEGIN))
    assert load_strace(machine, BEGIN).calls == 2
    assert "at most" in refused(machine, BEGIN + "\n")
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(b"\n" * 10**6))
    assert "has more than" in refused(machine, file)
    file.write_bytes(gzip.compress(b"\n" * len(BEGIN))[:-9])
    assert "can't be read" in refused(machine, file)


def test_more_entries_than_the_machine_can_hold_are_refused_before_a_panic():
    machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    machine.take_pages(machine.pages.obtainable_pages - 60)
    lines = "".join(
        f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</x>, {number << 13:#x}) = {(1 << 16) + (number << 13):#x}\n"
        for number in range(4000)
    )
    message = refused(machine, "getpid() = 1\n" + lines)
    assert "this machine has no room for more entries" in message
    assert not machine.dead
    assert load_strace(machine, "getpid() = 1\n" + "".join(lines.splitlines(True)[:300])).replayed["mmap"] == 300


@pytest.mark.parametrize("name", ["forks", "threads"])
def test_random_damage_is_replayed_or_refused(name):
    """Numbers, flags and names that are wrong, in lines that can be read; lines that are missing, or come twice."""
    draws = random.Random(name)
    lines = vm.recording(name).strace.splitlines()
    memory = [at for at, line in enumerate(lines) if any(word in line for word in ("mmap", "brk", "mprot", "clone"))]
    machine = vm.boot("x86-64")
    for _ in range(20):
        damaged = list(lines)
        for _ in range(3):
            at = draws.choice(memory)
            damaged[at] = _damage(damaged[at], draws)
        with suppress(vm.Refused):
            load_strace(machine, "\n".join(one for one in damaged if one))
            machine.undo()
    assert not machine.dead
    assert list(machine.tasks) == []
    machine.check()


def _damage(line, draws):
    kind = draws.randrange(4)
    if kind == 0:
        return ""
    if kind == 1:
        return f"{line}\n{line}"
    digits = [at for at, letter in enumerate(line) if letter.isdigit()]
    at = draws.choice(digits)
    return line[:at] + draws.choice("0189") + line[at + 1 :] if kind == 2 else line[:at] + line[at + 1 :]


def test_calls_that_a_text_leaves_out_are_said() -> None:
    call = "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f000000{0}000\n"
    found = vm.load(call.format(0) + "[... 20 lines ...]\n" + call.format(4))
    assert "Line 2 leaves lines out, unless the program printed it: calls may be missing." in found.unsaid
    whole = vm.load(call.format(0) + "hello\n" + call.format(4))
    assert not any("lines out" in one for one in whole.unsaid)
