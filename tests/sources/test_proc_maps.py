from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.structures import differences
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.sources import proc_maps
from vmwidgets.sources.proc_maps import load_maps

PROCESS = """\
00400000-00402000 r-xp 00000000 08:01 12                                 /bin/sleep
00402000-00403000 rw-p 00002000 08:01 12                                 /bin/sleep
00403000-00404000 rw-p 00000000 00:00 0
00404000-00407000 rw-p 00000000 00:00 0
00407000-00408000 r--p 00000000 00:00 0
00408000-00409000 r--p 00000000 00:00 0
01000000-01021000 rw-p 00000000 00:00 0                                  [heap]
01021000-01030000 rw-p 00000000 00:00 0                                  [heap]
7f0000000000-7f0000004000 rw-s 00000000 00:01 99                         /dev/shm/queue (deleted)
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
"""


@pytest.fixture
def machine():
    return vm.boot("x86-64")


def rows(task):
    return [(one.start, one.end, one.protection, one.inheritance, one.object, one.offset) for one in task.map]


def snapshot(machine):
    """Everything that a refused call must leave alone."""
    return (
        len(machine.journal),
        list(machine.tasks),
        list(machine.objects),
        machine.system.pages.snapshot(),
        machine.kernel_map.value(),
        [task.map.value() for task in machine.tasks.values()],
    )


def test_each_range_becomes_what_it_is(machine):
    loaded = load_maps(machine, PROCESS)
    assert rows(loaded.task) == [
        (0x400000, 0x402000, "r-x", "copy", "/bin/sleep", 0),
        (0x402000, 0x403000, "rw-", "copy", "/bin/sleep", 0x2000),
        (0x403000, 0x407000, "rw-", "copy", None, 0),
        (0x407000, 0x409000, "r--", "copy", None, 0),
        (0x1000000, 0x1021000, "rw-", "copy", "[heap]", 0),
        (0x1021000, 0x1030000, "rw-", "copy", "[heap]", 0x21000),
        (0x7F0000000000, 0x7F0000004000, "rw-", "share", "/dev/shm/queue (deleted)", 0),
        (0x7FFE00000000, 0x7FFE00021000, "rw-", "copy", "[stack]", 0),
    ]
    assert loaded.entered == 10
    machine.check()


def test_what_merged_and_what_lies_outside_is_listed(machine):
    loaded = load_maps(machine, PROCESS)
    assert [[one.line for one in group] for group in loaded.merged] == [[3, 4], [5, 6]]
    assert [one.path for one in loaded.outside] == ["[vsyscall]"]
    assert repr(loaded) == (
        "10 ranges of the text in task 'maps', as 8 entries\n"
        "Merged by the map, since they have no objects and their flags are equal:\n"
        "  0x40_3000-0x40_4000 rw-p 4 KiB + 0x40_4000-0x40_7000 rw-p 12 KiB\n"
        "  0x40_7000-0x40_8000 r--p 4 KiB + 0x40_8000-0x40_9000 r--p 4 KiB\n"
        "Left out, since task:maps/map has no such addresses:\n"
        "  0xffff_ffff_ff60_0000-0xffff_ffff_ff60_1000 --xp 4 KiB [vsyscall]"
    )


def test_a_range_across_the_maps_end_is_left_out_whole():
    machine = vm.boot("x86-64", layout="x15-32")
    loaded = load_maps(machine, "bffff000-c0000000 r--p 0 0:0 0\nc0000000-c0001000 r--p 0 0:0 0\n")
    assert (loaded.entered, [one.start for one in loaded.outside]) == (1, [0xC0000000])
    loaded = load_maps(machine, "bffff000-c0001000 r--p 0 0:0 0\n")
    assert (loaded.entered, [one.start for one in loaded.outside]) == (0, [0xBFFFF000])
    assert len(loaded.task.map) == 0


def test_files_are_what_tasks_share_and_names_of_the_kernel_are_their_own(machine):
    first = load_maps(machine, PROCESS).task
    second = load_maps(machine, PROCESS).task
    assert (first.name, second.name) == ("maps", "maps 2")
    assert [row[4] for row in rows(second)] == [
        "/bin/sleep", "/bin/sleep", None, None, "[heap] of maps 2", "[heap] of maps 2", "/dev/shm/queue (deleted)",
        "[stack] of maps 2",
    ]  # fmt: skip
    first.write(0x7F0000000000, b"shared")
    first.write(0x1000000, b"own")
    assert second.read(0x7F0000000000, 6) == b"shared"
    assert second.read(0x1000000, 3) == b"\0\0\0"
    machine.check()


def test_two_files_of_one_name_are_two_objects(machine):
    text = "".join(f"{i}000-{i + 1}000 r--p 0 08:01 {inode} /lib/x (deleted)\n" for i, inode in enumerate((5, 6, 5), 1))
    loaded = load_maps(machine, text)
    assert [row[4] for row in rows(loaded.task)] == ["/lib/x (deleted)", "/lib/x (deleted) (2)", "/lib/x (deleted)"]


def test_an_object_that_a_learner_made_is_no_heap(machine):
    machine.object("[heap]", max_pages=0)
    task = load_maps(machine, PROCESS).task
    task.write(0x1000000, b"works")


def test_long_paths_keep_their_end_and_stay_apart(machine):
    paths = ["/" + "a" * 300 + f"/{n}/" + "b" * 250 for n in (1, 2)]
    text = "".join(f"{i}000-{i + 1}000 r--p 0 08:01 {i} {path}\n" for i, path in enumerate(paths, 1))
    names = [row[4] for row in rows(load_maps(machine, text).task)]
    assert names[0] == "…" + paths[0][-199:]
    assert names[1].endswith(" (2)")
    assert all(len(name) <= 200 for name in names)


def test_hostile_paths_stay_as_they_are(machine):
    path = "/tmp/<script>alert(1)</script>\"'`:;\\012{|}\x1b[31m\u202e&amp;é"
    loaded = load_maps(machine, f"1000-2000 r--p 0 08:01 1 {path}\n")
    assert rows(loaded.task)[0][4] == path
    assert path in machine.objects


def test_loading_goes_through_the_door_and_can_be_done_again(machine):
    loaded = load_maps(machine, PROCESS)
    twin = machine.branch(len(machine.journal) - 1)
    assert rows(twin.tasks["maps"]) == rows(loaded.task)
    assert machine.journal.last.target == "task:maps/map"
    assert machine.journal.last.name == "enter"


def test_a_task_can_be_named_and_must_be_empty(machine):
    assert load_maps(machine, PROCESS, task="sleep").task is machine.tasks["sleep"]
    machine.task("empty")
    assert load_maps(machine, PROCESS, task="empty").task is machine.tasks["empty"]
    before = snapshot(machine)
    with pytest.raises(vm.Refused, match="task='sleep' has 8 entries already"):
        load_maps(machine, PROCESS, task="sleep")
    names: tuple[Any, ...] = ("", 5, "x" * 1000)
    for name in names:
        with pytest.raises(vm.Refused, match="task name"):
            load_maps(machine, PROCESS, task=name)
    assert snapshot(machine) == before


# ---- where it comes from -----------------------------------------------------------------------


def test_this_process_is_read(machine):
    loaded = load_maps(machine)
    assert (loaded.source, loaded.recorded) == ("/proc/self/maps", False)
    here = id(machine)
    assert loaded.task.map.lookup(here).start <= here < loaded.task.map.lookup(here).end
    assert {"[heap]", "[stack]"} <= {one.object for one in loaded.task.map}
    machine.check()


def test_a_file_is_named_by_text_or_path(machine, tmp_path):
    file = tmp_path / "maps"
    file.write_text(PROCESS)
    for given in (file, str(file)):
        loaded = load_maps(machine, given)
        assert (loaded.source, loaded.entered) == (str(file), 10)


def test_one_line_without_a_newline_is_a_text(machine):
    assert load_maps(machine, "1000-2000 rw-p 0 00:00 0").entered == 1


def test_bytes_that_are_no_text_are_spelled_out(machine, tmp_path):
    file = tmp_path / "maps"
    file.write_bytes(b"1000-2000 r--p 0 08:01 1 /caf\xe9\n")
    assert rows(load_maps(machine, file).task)[0][4] == "/caf\\xe9"


@pytest.mark.parametrize("given", [proc_maps.SELF, "/proc/1/maps", Path("/proc/self/maps")])
def test_without_proc_a_recorded_map_is_loaded_and_says_so(machine, monkeypatch, tmp_path, given):
    monkeypatch.setattr(proc_maps, "SELF", str(tmp_path / "proc" / "self" / "maps"))
    loaded = load_maps(machine, given)
    assert loaded.recorded
    assert loaded.source == "a recorded map of a Python process"
    assert repr(loaded).startswith("There is no ")
    assert "this is a recorded map of a Python process" in repr(loaded).splitlines()[0]
    assert loaded.entered > 80
    assert len(loaded.merged) == 2
    assert [one.path for one in loaded.outside] == ["[vsyscall]"]
    machine.check()


def test_the_recorded_map_is_neutral():
    text = (Path(proc_maps.__file__).parent / "data" / "recorded_maps.txt").read_text()
    paths = {one.path for one in proc_maps.ranges_of(text, "it").ranges if one.path.startswith("/")}
    assert all(path.startswith(("/usr/", "/dev/zero")) for path in paths)


# ---- what is refused, with nothing changed -----------------------------------------------------


def refused(machine, *arguments, **given):
    before = snapshot(machine)
    with pytest.raises(vm.Refused) as caught:
        load_maps(machine, *arguments, **given)
    assert snapshot(machine) == before
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_damaged_line_anywhere_changes_nothing(machine, cut):
    lines = PROCESS.splitlines()
    lines[cut - 1] = lines[cut - 1][:30]
    assert refused(machine, "\n".join(lines) + "\n").startswith(f"line {cut} of the text: ")


def test_values_that_are_no_texts(machine):
    class Raising:
        def __fspath__(self):
            raise RuntimeError("no")

        def __repr__(self):
            raise RuntimeError("no")

    assert "path_or_text=a number of 16610 bits is an int" in refused(machine, 10**5000)
    assert "path_or_text=a Raising is a Raising" in refused(machine, Raising())
    assert "path_or_text=b'/proc/self/maps' is a bytes" in refused(machine, b"/proc/self/maps")
    with pytest.raises(vm.Refused, match="machine=a number of 16610 bits is an int: boot one"):
        load_maps(10**5000)  # type: ignore[arg-type]


def test_texts_that_are_no_maps(machine):
    assert "the text is empty" in refused(machine, "\n\n")
    assert "line 2" in refused(machine, PROCESS.splitlines()[1] + "\n" + PROCESS.splitlines()[0])
    assert "names no file" in refused(machine, "")
    assert "(No such file or directory)" in refused(machine, "/nowhere/maps")
    assert "No such file" in refused(machine, "/proc/999999999/maps")
    assert "(Is a directory)" in refused(machine, Path("/"))
    assert "null byte" in refused(machine, "a\0b")
    assert "(File name too long)" in refused(machine, "x" * 10**5)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "no value"), (5, "an int"), (1.5, "a float"), (b"1-2 r", "a bytes"), (["x"], "a list"), (Path, "a type")],
)
def test_what_is_neither_path_nor_text(machine, value, kind):
    assert refused(machine, value).startswith(f"path_or_text={value!r} is {kind}: ")


def test_absurd_sizes_are_refused(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(proc_maps, "MOST_MAPS_BYTES", len(PROCESS))
    file = tmp_path / "maps"
    file.write_text(PROCESS)
    assert load_maps(machine, file).entered == 10
    file.write_text(PROCESS + "\n")
    assert "has more than" in refused(machine, file)
    assert "at most" in refused(machine, PROCESS + "\n")
    assert "/dev/zero has more than" in refused(machine, "/dev/zero")


def many(count):
    return "".join(
        f"{3 * i:x}000-{3 * i + 2:x}000 rw-p {i:x}000 08:01 {i % 7}   /lib/{i % 7}\n" for i in range(1, count + 1)
    )


def test_more_entries_than_the_machine_can_hold_are_refused_before_a_panic():
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    message = refused(machine, many(60_000))
    assert message.startswith(
        "60,000 ranges need 4800 KiB of kernel memory for their entries, more than this machine has"
    )
    assert not machine.dead
    assert load_maps(machine, many(5_000)).entered == 5_000
    machine.check()


@pytest.mark.parametrize("fill", [0, 40, 80, 97])
def test_what_is_not_refused_fits(fill):
    """Whatever is left of the kernel's entries and memory, loading ends without a panic."""
    machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    kernel_map = machine.kernel_map
    for _ in range(fill):
        kernel_map.enter(4096, nomerge=True)
    for one in [entry for entry in kernel_map if not entry.role][1:-1:2]:
        kernel_map.remove(one.start, one.end)
    for count in (20_000, 10_000, 4_000, 2_000, 1_000, 500, 100):
        try:
            load_maps(machine, many(count))
        except vm.Refused:
            continue
        break
    assert not machine.dead
    machine.check()


@pytest.mark.parametrize("left", [0, 1, 5, 9, 12, 20])
def test_what_is_not_refused_fits_into_the_memory_that_is_left(left):
    machine = vm.boot("x86-64", layout="x15-64", ram="8 MiB")
    taken = [machine.system.pages.allocate(owner="test") for _ in range(machine.system.pages.obtainable_pages)]
    assert None not in taken
    for frame in taken[:left]:
        machine.system.pages.free(frame)
    for count in (1_000, 500, 100, 50, 1):
        try:
            load_maps(machine, many(count))
        except (vm.Refused, vm.KernelError):
            continue
        break
    assert not machine.dead
    machine.check()


def test_a_dead_machine_takes_nothing(machine):
    with pytest.raises(vm.KernelPanic):
        machine.unchecked.vm_map_enter(machine.kernel_map, 0, 0, 0, 0x277)
    with pytest.raises(vm.Refused, match="this machine is dead"):
        load_maps(machine, PROCESS)
    assert machine.tasks == {}


def test_the_collector_is_left_as_it_was(machine):
    assert gc.isenabled()
    load_maps(machine, PROCESS)
    assert gc.isenabled()
    gc.disable()
    try:
        load_maps(machine, PROCESS)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_long_lists_are_cut_in_the_text(machine):
    outside = "".join(f"ffffffff000{i:x}0000-ffffffff000{i:x}1000 r--p 0 0:0 0\n" for i in range(12))
    text = repr(load_maps(machine, "1000-2000 r--p 0 0:0 0\n" + outside))
    assert text.splitlines()[0] == "1 range of the text in task 'maps', as 1 entry"
    assert text.endswith("  ... and 4 more")
    assert len(text.splitlines()) == 2 + 8 + 1


# ---- one group -----------------------------------------------------------------------------------


def test_all_of_it_is_undone_and_redone_as_one(machine):
    machine.object("before")
    before, length = machine.branch(), len(machine.journal)
    loaded = load_maps(machine, PROCESS)
    after, operations = machine.branch(), len(machine.journal)
    assert operations - length == 1 + 4 + 10  # the task, what is behind its ranges, the ranges
    machine.undo()
    assert (len(machine.journal), list(machine.tasks)) == (length, [])
    assert list(differences(machine, before)) == []
    with pytest.raises(vm.Refused, match="does not exist at this moment"):
        len(loaded.task.map)
    machine.redo()
    assert len(machine.journal) == operations
    assert list(differences(machine, after)) == []
    assert rows(loaded.task) == rows(after.tasks["maps"])


@pytest.mark.parametrize("ranges", [0, 1, 6])
def test_a_failure_in_the_middle_changes_nothing(machine, monkeypatch, ranges):
    machine.object("before")
    before, length = machine.branch(), len(machine.journal)
    enter, done = MachineMap.enter, []

    def fails_later(self, *args, **kwargs):
        if len(done) == ranges:
            raise KeyboardInterrupt
        done.append(enter(self, *args, **kwargs))

    monkeypatch.setattr(MachineMap, "enter", fails_later)
    with pytest.raises(KeyboardInterrupt):
        load_maps(machine, PROCESS)
    monkeypatch.undo()
    assert len(done) == ranges
    assert len(machine.journal) == length
    assert list(differences(machine, before)) == []
    assert load_maps(machine, PROCESS).task.name == "maps"


def test_what_is_in_memory_is_said_where_the_text_knows(machine):
    first, second = "10000-14000 rw-p 0 00:00 0", "20000-40000 rw-p 0 00:00 0"
    known = load_maps(machine, f"{first}\nSize: 16 kB\nRss: 8 kB\n{second}\nSize: 128 kB\nRss: 0 kB\n")
    assert (int(known.mapped), int(known.resident)) == (0x24000, 8192)
    assert "144 KiB mapped, 8 KiB is in memory" in repr(known)
    unknown = load_maps(vm.boot("x86-64"), f"{first}\n{second}\n")
    assert unknown.resident is None
    assert "in memory" not in repr(unknown)


def test_ranges_without_rights_are_reserved_and_not_mapped():
    first, second = (f"{at} 0 00:00 0\nSize: 16 kB\nRss: 4 kB\n" for at in ("10000-14000 rw-p", "20000-24000 ---p"))
    found = load_maps(vm.boot("x86-64"), first + second)
    assert (found.mapped, found.reserved, found.resident) == (0x4000, 0x4000, 0x2000)
    assert "Of 16 KiB mapped, 8 KiB is in memory (Rss).\n16 KiB only reserved: no rights" in repr(found)
    assert found.summary == "2 ranges, 16 KiB mapped, 8 KiB of it in memory"
