from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.comparisons.maps import AGREES, DIFFERS, MODEL, SYSTEM

PAGE = vm.PAGE
A = 0x10000


@pytest.fixture
def task():
    return vm.boot("x86-64").task("init")


def maps(*ranges):
    """Lines of maps: start and end in pages from A on, flags, offset in pages, path."""
    return "".join(
        f"{A + start * PAGE:x}-{A + end * PAGE:x} {flags} {offset * PAGE:x} 08:01 {5 if path else 0} {path}\n"
        for start, end, flags, offset, path in ranges
    )


def rows(found):
    return [((row.start - A) // PAGE, (row.end - A) // PAGE, row.verdict, row.why) for row in found.rows]


def map_file(task, start, end, name="/lib/x", offset=0, prot="r", inherit="copy"):
    target = task.machine.object(name)
    size, at = (end - start) * PAGE, A + start * PAGE
    task.map.enter(size, at=at, fixed=True, prot=prot, inherit=inherit, object=target, offset=offset * PAGE)


def test_neighbours_of_one_side_are_one_range_of_the_other(task):
    task.mmap(4 * PAGE, at=A, flags="private fixed")
    for page in (4, 5):
        task.mmap(PAGE, at=A + page * PAGE, flags="private fixed")
    text = maps((0, 1, "rw-p", 0, ""), (1, 6, "rw-p", 0, "[heap]"))
    assert [row[:3] for row in rows(vm.diff(task, text))] == [(0, 1, AGREES), (1, 6, AGREES)]


def test_ends_protection_and_sharing_differ_where_they_do(task):
    task.mmap(4 * PAGE, at=A, flags="private fixed")
    shared, plain = (1, 2, "rw-s", 0, "/dev/zero (deleted)"), (2, 3, "rw-p", 0, "")
    text = maps((0, 1, "r--p", 0, ""), shared, plain, (8, 9, "rw-p", 0, ""))
    found = vm.diff(task, text)
    assert rows(found) == [
        (0, 1, DIFFERS, "rw- in the model, r-- in the system"),
        (1, 2, DIFFERS, "private in the model, shared in the system"),
        (2, 3, AGREES, ""),
        (3, 4, MODEL, "the system has nothing there"),
        (8, 9, SYSTEM, "no call accounts for it"),
    ]
    assert not found.agrees
    assert len(found.faults) == 4
    assert [len(found.of(verdict)) for verdict in (AGREES, DIFFERS, SYSTEM, MODEL)] == [1, 2, 1, 1]


def test_files_agree_by_what_lies_where(task):
    map_file(task, 0, 4)
    map_file(task, 4, 6, offset=7, prot="rx", inherit="share")
    assert rows(vm.diff(task, maps((0, 4, "r--p", 0, "/lib/x"), (4, 6, "r-xs", 7, "/lib/x")))) == [
        (0, 4, AGREES, ""), (4, 6, AGREES, "")
    ]  # fmt: skip
    found = vm.diff(task, maps((0, 2, "r--p", 0, "/lib/x"), (2, 4, "r--p", 3, "/lib/x"), (4, 6, "r-xs", 0, "")))
    assert [row[3] for row in rows(found)] == [
        "", "from 0x2000 of the file in the model, from 0x3000 in the system", "a file in the model, none in the system"
    ]  # fmt: skip


def test_a_file_has_one_other_name(task):
    for start, name in ((0, "/lib/x"), (1, "/lib/x"), (2, "/lib/y"), (3, "/lib/y")):
        map_file(task, start, start + 1, name, offset=start)
    paths = ["/usr/x.1", "/usr/x.1", "/usr/y.1", "/usr/x.1"]
    found = vm.diff(task, maps(*((at, at + 1, "r--p", at, path) for at, path in enumerate(paths))))
    assert rows(found) == [
        (0, 2, AGREES, "/lib/x in the model"),
        (2, 3, AGREES, "/lib/y in the model"),
        (3, 4, DIFFERS, "another file: /lib/y in the model"),
    ]


def test_a_page_that_was_copied_is_still_of_its_file(task):
    file = task.machine.file("/lib/x", b"x" * 3 * PAGE)
    task.mmap(3 * PAGE, "rw", "private fixed", file, at=A)
    text = maps((0, 3, "rw-p", 0, "/lib/x"))
    assert vm.diff(task, text).agrees
    task.write(A + PAGE, b"mine")
    child = task.fork()
    child.write(A, b"its own")
    assert [rows(vm.diff(one, text)) for one in (task, child)] == [[(0, 3, AGREES, "")]] * 2


def test_what_execve_and_the_kernel_map_is_expected(task):
    task.mmap(PAGE, at=A + 20 * PAGE, flags="private fixed")
    text = maps(
        (0, 1, "r-xp", 0, "/bin/prog"), (1, 2, "rw-p", 1, "/bin/prog"), (2, 3, "rw-p", 0, ""), (5, 6, "rw-p", 0, ""),
        (20, 21, "rw-p", 0, ""), (22, 23, "r-xp", 0, "/lib/libc.so"), (24, 25, "r--p", 0, "[vvar]"),
        (25, 26, "r-xp", 0, "/lib/ld-2.36.so"), (26, 27, "rw-p", 0, ""), (30, 31, "rw-p", 0, "[stack]"),
    )  # fmt: skip
    found = vm.diff(task, text, program="/bin/prog")
    assert [(row.start - A) // PAGE for row in found.faults] == [5, 22]
    assert [row[3] for row in rows(found)] == [
        "execve: the program", "execve: the program",
        "execve: zeroes (bss)", "no call accounts for it", "",
        "no call accounts for it", "execve: the kernel's", "execve: the interpreter",
        "execve: zeroes (bss)", "execve; it grows by itself",
    ]  # fmt: skip


def test_the_program_may_lie_among_what_was_mapped():
    """As a static PIE does; what `shmat` mapped the model can't have."""
    task = vm.boot("x86-64").task("static")
    map_file(task, 1, 2, "/usr/lib/locale/C/LC_CTYPE")
    text = maps(
        (0, 1, "rw-s", 0, "/SYSV00000000 (deleted)"), (1, 2, "r--p", 0, "/usr/lib/locale/C/LC_CTYPE"),
        (2, 3, "rw-s", 0, "/dev/zero (deleted)"), (4, 5, "r-xp", 0, "/bin/static"), (5, 6, "rw-p", 0, ""),
    )  # fmt: skip
    found = vm.diff(task, text)
    assert [row[3] for row in rows(found)] == [
        "shmat: not in the model", "", "no call accounts for it", "execve: the program", "execve: zeroes (bss)"
    ]  # fmt: skip
    assert len(found.faults) == 1


@pytest.mark.parametrize(
    "path",
    ["/usr/lib/libc.so.6", "/etc/ld.so.cache", "/lib/ld-notes.so.6", "/bin/world.so.2", "/lib/ld.so.conf"],
)
def test_a_mapping_that_was_lost_is_no_program_and_no_interpreter(task, path):
    """Nothing says that execve mapped it: neither its name nor a heap behind it."""
    found = vm.diff(task, maps((0, 1, "r-xp", 0, path), (1, 2, "rw-p", 0, "")))
    assert not found.agrees
    assert [row[3] for row in rows(found)] == ["no call accounts for it"] * len(found.rows)


@pytest.mark.parametrize(
    "name", ["ld-linux-x86-64.so.2", "ld-linux.so.2", "ld-musl-x86_64.so.1", "ld.so.1", "ld64.so.1", "ld-2.36.so"]
)
def test_the_interpreter_has_the_name_of_one(task, name):
    found = vm.diff(task, maps((0, 1, "r-xp", 0, f"/lib/{name}"), (3, 4, "r-xp", 0, "/lib32/ld-linux.so.2")))
    assert [row[3] for row in rows(found)] == ["execve: the interpreter", "no call accounts for it"]


@pytest.mark.parametrize(("task_name", "path"), [("prog", "/bin/prog"), ("python3", "/bin/python3.11")])
def test_the_program_is_named_like_the_task(task_name, path):
    m = vm.boot("x86-64")
    text = maps((0, 1, "r--p", 0, "/lib/lost.so"), (2, 3, "r-xp", 0, path), (4, 5, "r--p", 0, "/lib/progress"))
    for one in (m.task(task_name), m.task(f"{task_name} 2")):  # programs may be replayed twice
        assert [row[3] for row in rows(vm.diff(one, text))] == [
            "no call accounts for it", "execve: the program", "no call accounts for it"
        ]  # fmt: skip


def test_else_the_program_is_what_lies_next_below_the_heap(task):
    """What /bin/sh leads to has another name; a library may lie below it, too, or far below the heap alone."""
    task.mmap(PAGE, at=A + 6 * PAGE, flags="private fixed")
    dash = (2, 3, "r-xp", 0, "/usr/bin/dash"), (3, 4, "rw-p", 0, "")
    text = maps((0, 1, "r--p", 0, "/lib/lost.so"), *dash, (6, 7, "rw-p", 0, "[heap]"), (9, 10, "r-xp", 0, "/lib/x"))
    lost = "no call accounts for it"
    assert [row[3] for row in rows(vm.diff(task, text))] == [
        lost, "execve: the program", "execve: zeroes (bss)", "", lost
    ]  # fmt: skip
    far = maps((0, 1, "r--p", 0, "/lib/lost.so"), (1 << 20, (1 << 20) + 1, "rw-p", 0, "[heap]"))
    assert rows(vm.diff(task, far))[0][3] == lost


def test_the_program_can_be_said_and_is_one_run_of_ranges(task):
    text = maps(
        (0, 1, "r-xp", 0, "/bin/a"), (2, 3, "rw-p", 1, "/bin/a"), (3, 4, "rw-p", 0, ""), (5, 6, "rw-p", 0, "[heap]"),
        (8, 9, "r--p", 0, "/bin/a"), (9, 10, "rw-p", 0, ""), (11, 12, "r-xp", 0, "/bin/b"),
    )  # fmt: skip
    lost = "no call accounts for it"
    found = vm.diff(task, text, program="/bin/a")
    program, zeroes = "execve: the program", "execve: zeroes (bss)"
    assert [row[3] for row in rows(found)] == [program, program, zeroes, lost, lost, lost, lost]
    assert [row[3] for row in rows(vm.diff(task, text, program="/bin/b"))] == [lost] * 6 + [program]


@pytest.mark.parametrize("program", ["/bin/c", "a", "", "[heap]", 5, ["/bin/a"]])
def test_a_program_that_is_not_in_the_text_is_refused(task, program):
    with pytest.raises(vm.Refused, match=r"program=.*: write the path of a file that is mapped"):
        vm.diff(task, maps((0, 1, "r-xp", 0, "/bin/a"), (5, 6, "rw-p", 0, "[heap]")), program=program)


def test_a_map_that_was_loaded_agrees_with_its_text(task):
    text = vm.recording("python").maps
    found = vm.diff(vm.load_maps(task.machine, text).task, text)
    assert found.faults == ()
    assert [row.system.name for row in found.of(SYSTEM)] in ([], ["[vsyscall]"])


def test_smaps_are_read_as_well(task):
    task.mmap(2 * PAGE, at=A, flags="private fixed")
    about = "Size:         8 kB\nRss:          4 kB\nVmFlags: rd wr mr mw me ac sd \nProtectionKey:         0\n"
    assert vm.diff(task, maps((0, 2, "rw-p", 0, "")) + about).agrees


def test_nothing_beside_nothing_and_text(task):
    found = vm.diff(task, maps((0, 1, "rw-p", 0, "")))
    assert str(found).splitlines()[0].split() == ["range", "size", "verdict", "model", "system", "why"]
    assert str(found).splitlines()[1].split()[:2] == ["0x1_0000-0x1_1000", "4"]
    assert "!= only in the system" in str(found)
    long = maps(*((2 * at, 2 * at + 1, "rw-p", 0, "") for at in range(20)))
    assert repr(vm.diff(task, long)).endswith("  ... and 8 more")


@pytest.mark.parametrize(
    ("given", "text", "why"),
    [
        (
            "task",
            "1000-2000 r--p 0 0:0 0\n1000-3000 r--p 0 0:0 0\n",
            "line 2 of the text: it begins below the end of the line before",
        ),
        (
            "task",
            "1000-2000 r--p 0 0:0 0\n3000-2000 r--p 0 0:0 0\n",
            "line 2 of the text: it has an end, 0x2000, that is not above",
        ),
        ("task", "0000558d6f2c5000      8K r---- cat\n total 8K\n", "pmap does not say where in its file"),
        (
            "task",
            "1000-2000 r--p 0 0:0 0\nSize: 8 kB\n",
            "line 2 of the text: the range of line 1 has 4 KiB, not 8 KiB",
        ),
        ("task", "1000-2000 r--p 0 0:0 0\nRss: 4 kB\nRss: 4 kB\n", "line 3 of the text: Rss is said twice"),
        ("task", "\n\n", "the text is empty"),
        ("task", 5, "path_or_text=5 is an int"),
        ("nothing", "1000-2000 r--p 0 0:0 0\n", "task=None is no value: write a task"),
        ("machine", "1000-2000 r--p 0 0:0 0\n", "is a Machine: write a task"),
    ],
)
def test_what_makes_no_sense_is_refused(task, given, text, why):
    what = {"task": task, "nothing": None, "machine": task.machine}[given]
    before = len(task.machine.journal)
    with pytest.raises(vm.Refused) as caught:
        vm.diff(what, text)
    assert why in str(caught.value)
    assert len(task.machine.journal) == before


def test_each_range_begins_and_ends_at_an_address() -> None:
    """As it is printed, it can be typed again."""
    task = vm.boot("x86-64").task("init")
    task.mmap("8 KiB", at=0x1_0000, flags="private fixed")
    rows = vm.diff(task, "10000-11000 rw-p 0 00:00 0\n20000-21000 rw-p 0 00:00 0\n").rows
    assert [(repr(row.start), repr(row.end)) for row in rows] == [
        ("0x1_0000", "0x1_1000"),
        ("0x1_1000", "0x1_2000"),
        ("0x2_0000", "0x2_1000"),
    ]


FILES = "400000-401000 rw-s 00000000 {0} /memfd:a (deleted)\n402000-403000 rw-s {2} {1} /memfd:a (deleted)\n"


@pytest.mark.parametrize(
    ("one", "other", "offset"),
    [
        ("00:01 11", "00:01 12", "00000000"), ("00:01 11", "00:02 11", "00000000"),
        ("00:01 11", "00:01 12", "00005000"),
    ],
)  # fmt: skip
def test_two_files_of_one_name_are_two(one: str, other: str, offset: str) -> None:
    text, same = FILES.format(one, other, offset), FILES.format(one, one, offset)
    assert vm.diff(vm.load(text).task, text).agrees
    assert vm.diff(vm.load(same).task, same).agrees
    for loaded, beside in ((text, same), (same, text)):
        found = vm.diff(vm.load(loaded).task, beside)
        assert [row.verdict for row in found.rows] == [AGREES, DIFFERS]
        assert found.rows[1].why.startswith("another file")


def test_the_program_and_a_file_that_replaced_it_are_two(task: vm.Task) -> None:
    text = (
        "400000-401000 r-xp 00000000 08:01 5 /bin/init\n401000-402000 rw-p 00001000 08:01 5 /bin/init\n"
        "402000-403000 r-xp 00002000 08:01 6 /bin/init\n"
    )
    found = vm.diff(task, text, program="/bin/init")
    assert [(row.start, row.expected) for row in found.rows] == [
        (0x40_0000, True), (0x40_1000, True), (0x40_2000, False)
    ]  # fmt: skip


def test_a_name_with_a_number_is_not_taken_for_the_second_file_of_a_name() -> None:
    text = "".join(
        f"{at:x}000-{at + 1:x}000 r--p 00000000 08:01 {at} {path}\n"
        for at, path in ((0x400, "/a"), (0x402, "/a"), (0x404, "/a (2)"), (0x406, "/a (2)"))
    )
    assert vm.diff(vm.load(text).task, text).agrees


@pytest.mark.parametrize("dots", ["...", "[snip]", "...and more...", "--More--"])
def test_a_map_with_lines_left_out_is_not_compared(dots: str) -> None:
    text = f"400000-401000 r--p 00000000 08:01 5 /a\n{dots}\n402000-403000 r--p 00000000 08:01 6 /b\n"
    found = vm.load(text)
    assert found.unsaid == ("Line 2 leaves lines out: the ranges that they list are not said.",)
    with pytest.raises(vm.Refused, match="line 2 of the text: it leaves lines out"):
        vm.diff(found.task, text)
    with pytest.raises(vm.Refused, match="line 2 of the text: it leaves lines out"):
        vm.load_maps(vm.boot(), text)
