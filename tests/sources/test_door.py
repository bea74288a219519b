"""One door: each text is known for what it is, wherever it stands, and gives what the function of its kind gives."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources import kinds
from vmwidgets.engine.base.errors import Refused
from vmwidgets.given.loaded import LoadedMaps, LoadedStrace
from vmwidgets.given.pasted import Pasted
from vmwidgets.sources import door
from vmwidgets.sources.door import LONG
from vmwidgets.sources.pasted import load as kernel_text
from vmwidgets.sources.proc_maps import load_ranges, ranges_of
from vmwidgets.sources.strace.load import load_calls_into


def claims(found: Any) -> set[Any]:
    """What a value says, apart from sentences."""
    if isinstance(found, LoadedMaps):
        return {(one.start, one.end, one.protection, one.shared, one.offset, one.path) for one in found.ranges}
    if isinstance(found, LoadedStrace):
        entries = found.task.map.entries() if found.task.name in found.task.machine.tasks else []
        return {(one.start, one.end, one.protection, one.object) for one in entries}
    traps = {("trap", one.address, one.refused, one.code) for one in found.traps}
    listed = {("page", piece) for one in found.listings for piece in one.pieces}
    mapped = {("page", piece) for table in found.tables for piece in table.pieces}
    return traps | listed | mapped


WHOLE = {name: vm.load(text) for name, text in kinds.ALL.items()}


@pytest.mark.parametrize("name", kinds.ALL)
def test_each_text_is_known(name: str) -> None:
    kind = LoadedStrace if name == "strace" else LoadedMaps if name in kinds.RANGES else Pasted
    assert type(WHOLE[name]) is kind
    assert claims(WHOLE[name])
    assert vm.picture(WHOLE[name]).scene().nodes


@pytest.mark.parametrize("name", [*kinds.KERNELS, *kinds.RANGES])
def test_in_a_long_log_nothing_that_a_reader_needs_is_skipped(name: str) -> None:
    """Lines far from a reader's own words, and from numbers, are not read at all."""
    log = "Someone has logged in, and out again\n" * (LONG // 2)
    found = vm.load(f"{log}{kinds.ALL[name]}{log}")
    assert claims(found) == claims(WHOLE[name])


def around(text: str) -> Iterator[str | bytes]:
    yield text.replace("\n", "\r\n")
    yield text.encode("utf-16")
    yield text.encode("utf-16-le")
    yield gzip.compress(text.encode())
    yield f"$ dmesg | tail\n```\n{text}```\nAborted (core dumped)\n$ \n"
    yield "".join(f"> {line}\n" for line in text.splitlines())
    yield text.replace("\n", "<br>\n")
    yield "a line of a log 0x12\n" * 300 + text + "and more of it\n" * 300
    yield "".join(f"\x1b[32m{line}\x1b[0m\n" for line in text.splitlines())


@pytest.mark.parametrize("name", kinds.ALL)
def test_what_surrounds_a_text_changes_nothing(name: str) -> None:
    for given in around(kinds.ALL[name]):
        assert claims(vm.load(given)) == claims(WHOLE[name]), given


@pytest.mark.parametrize("name", [name for name in kinds.ALL if name not in ("oops of x86", "strace")])
def test_time_stamps_and_line_numbers_change_nothing(name: str) -> None:
    lines = kinds.ALL[name].splitlines()
    for stamp in ("[   12.345678] ", "Jun  3 01:02:03 host kernel: ", "2026-01-02T03:04:05.123Z "):
        assert claims(vm.load("".join(f"{stamp}{line}\n" for line in lines))) == claims(WHOLE[name])
    if len(lines) > 2:
        numbered = "".join(f"{number:4}  {line}\n" for number, line in enumerate(lines, 1))
        assert claims(vm.load(numbered)) == claims(WHOLE[name])


def damaged(text: str, seed: int) -> Iterator[str]:
    chance, lines = random.Random(seed), text.splitlines(keepends=True)
    yield from (text[:cut] for cut in range(seed % 3, len(text), 3))
    yield from (text[cut:] for cut in range(seed % 11, len(text), 11))
    for _ in range(6):
        yield "".join(chance.sample(lines, len(lines)))
        at = chance.randrange(len(text))
        yield text[:at] + "9" * 40 + text[at:]
        yield text[:at] + "\0" + text[at:]
    yield text * 2


BLIND = frozenset({"vmmap of macOS", "smaps"})
"""Whose first word may be cut so that another is left, and whose first line is a map's."""


@pytest.mark.parametrize("name", kinds.ALL)
def test_a_damaged_text_is_refused_or_says_what_is_missing(name: str) -> None:
    whole, words = claims(WHOLE[name]), set(WHOLE[name].unsaid)
    for given in damaged(kinds.ALL[name], len(name)):
        try:
            found = vm.load(given)
        except vm.Refused:
            continue
        assert "\n" not in repr(found).splitlines()[0]
        more = claims(found) - whole
        said = set(found.unsaid) - words or name in BLIND
        said = said or getattr(found, "flags", None) or getattr(found, "unfinished", None) or "9" * 40 in repr(found)
        more = {one for one in more if not any("9" * 40 in str(word) for word in one)}  # a name may have any letters
        assert not more or said, (given[-160:], more)


OTHERS = (
    "7 0 1 2 0 3 0 4\n", "0x1000 R\n0x2000 W\n", "1 4660 R\n2 4660 W\n", " L 1000,8\nI 400000,4\n", "c 0\nr 10\nw 11\n",
    "process page\n0 12\n1 12\n", "0x40: R 0x1000\n0x44: W 0x2000\n", "Trace of ls\n16916\n62493\n",
    "Out of memory: Killed process 88 (eat) total-vm:1200000kB, anon-rss:1048576kB, file-rss:0kB, shmem-rss:0kB\n",
    "[  pid  ]   uid  tgid total_vm      rss oom_score_adj name\n[   88]  1000    88   300000   262144        0 eat\n",
    "core   0: exception trap_load_page_fault, epc 0x80000114\ncore   0:           tval 0x8\n",
    "Taking exception 4 [Data Abort] on CPU 0\n...with ESR 0x25/0x9600004f\n...with FAR 0x8\n",
    "page falut at 0x00000100: K/W\n", "panic: kfree\n", "MemTotal: 4096 kB\n", "GET / HTTP/1.1\n",
)  # fmt: skip  # kinds that are not in tests/sources/kinds.py


def accident(chance: random.Random) -> str:
    """A text as a person's mishap leaves it: cut, doubled, shuffled, mixed with another, in a wrong base, quoted."""
    texts = [*kinds.ALL.values(), *OTHERS]
    lines = chance.choice(texts).splitlines(keepends=True)
    for _ in range(chance.randrange(1, 4)):
        at, how = chance.randrange(len(lines) + 1), chance.randrange(6)
        if how == 0:
            text = "".join(lines)
            lines = text[: chance.randrange(len(text) + 1)].splitlines(keepends=True) or ["\n"]
        elif how == 1:
            lines[at:at] = lines[at : at + chance.randrange(1, 4)]
        elif how == 2:
            chance.shuffle(lines)
        elif how == 3:
            lines[at:at] = chance.sample(chance.choice(texts).splitlines(keepends=True), 1)
        elif how == 4:
            old = chance.choice(["0x", "0", "1", "8", "f", ":", " ", "=", "-"])
            new = chance.choice(["", "0b", "0o", "0x0x", "h", "-", "\u0660", "9" * 30, "(nil)", "\t", "0x"])
            lines = ["".join(lines).replace(old, new, chance.randrange(1, 9))]
        else:
            lines = [f"{chance.choice(['> ', '| ', '', '[1.5] ', '    '])}{line}" for line in lines]
    return "".join(lines)


@pytest.mark.parametrize("seed", range(8))
def test_what_an_accident_leaves_is_read_or_refused_in_one_sentence(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        text = accident(chance)
        try:
            assert repr(vm.load(text))
        except vm.Refused as refused:
            assert str(refused) and "\n" not in str(refused)  # noqa: PT017  there may be no refusal


@pytest.mark.parametrize("seed", range(4))
def test_in_which_order_readers_are_asked_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    texts = [*kinds.ALL.values(), *OTHERS, *(accident(chance) for _ in range(60))]

    def answers() -> list[str]:
        return [" ".join(sorted(map(said_of, one if isinstance(one, tuple) else (one,)))) for one in map(answer, texts)]

    before = answers()
    monkeypatch.setattr(door, "READERS", chance.sample(door.READERS, len(door.READERS)))
    assert answers() == before


@pytest.mark.parametrize("seed", range(3))
def test_in_which_order_a_rank_of_kernels_readers_is_asked_changes_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    texts = [*kinds.KERNELS.values(), *OTHERS, *(accident(chance) for _ in range(60))]

    def answers() -> list[Any]:
        found = [answer(text) for text in texts]
        return [(claims(one), {*one.unsaid}) if isinstance(one, Pasted) else type(one) for one in found]

    before = answers()
    ranks = [tuple(chance.sample(rank, len(rank))) for rank in kernel_text.RANKS]
    monkeypatch.setattr(kernel_text, "RANKS", ranks)
    assert answers() == before


def answer(text: str) -> Any:
    try:
        return vm.load(text)
    except vm.Refused as refused:
        return str(refused)


def said_of(found: Any) -> str:
    return re.sub(r"<machine [0-9]+", "<machine", repr(found)) + repr(sorted(getattr(found, "unsaid", ())))


def test_a_text_of_two_kinds_is_read_as_the_one_that_explains_more_of_it() -> None:
    found = vm.load(kinds.MAPS + kinds.OPENBSD)
    assert isinstance(found, LoadedMaps)
    first, last = len(kinds.MAPS.splitlines()) + 1, len((kinds.MAPS + kinds.OPENBSD).splitlines())
    assert f"There is also a kernel's output, in lines {first} to {last}: load it by itself." in found.unsaid
    other = vm.load(kinds.OOPS_X86 + kinds.MAPS.splitlines()[0])
    assert claims(other) == claims(WHOLE["oops of x86"])
    assert any("There is also the map of a process" in one for one in other.unsaid)


def test_a_text_that_two_kinds_explain_equally_is_read_as_both() -> None:
    mapped, panic = kinds.MAPS.splitlines(keepends=True)[0], "panic: kfree\n"
    for text in (mapped + panic, panic + mapped):
        found = vm.load(text)
        assert {type(one) for one in found} == {LoadedMaps, Pasted}


def test_what_two_consoles_print_is_read_once() -> None:
    twice = "".join(f"{line}\n{line}\n" for line in kinds.OPENBSD.splitlines())
    found = vm.load(twice)
    assert claims(found) == claims(WHOLE["OpenBSD"])
    assert "repeated line" in found.passed_over


def test_equal_lines_of_two_tables_that_are_printed_at_once_are_two() -> None:
    both = "".join(
        line * 2 for line in kinds.VMPRINT.splitlines(keepends=True) if "pte" in line or "page table" in line
    )
    assert not claims(vm.load(both + "panic: kfree\n"))


def test_a_map_says_where_the_address_of_a_kernels_fault_is() -> None:
    mapped = kinds.MAPS.splitlines(keepends=True)
    fault = "pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x55d0c0de1008--kill proc\n"
    found = vm.load("".join(mapped) + fault)
    assert f"The address of the crash is in line {len(mapped) + 1}: 0x55d0_c0de_1008 is in a.out" in found.unsaid[0]


def test_of_a_kernels_endless_output_the_first_lines_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_text, "MOST_LINES", 3)
    found = vm.load("panic: kfree\n\n" + "panic: walk\npanic: kfree\n" * 2)
    assert [one.line for one in found.panics] == [1, 3, 4]
    assert "The text is not read from line 5 on" in found.unsaid[0]


def test_the_door_takes_paths_and_says_what_a_file_lacks(tmp_path: Path) -> None:
    for name, content in (("a.txt", kinds.MAPS.encode()), ("b.gz", gzip.compress(kinds.MAPS.encode()))):
        path = tmp_path / name
        path.write_bytes(content)
        assert claims(vm.load(path)) == claims(vm.load(str(path))) == claims(WHOLE["maps"])
    (tmp_path / "empty").write_text("")
    with pytest.raises(vm.Refused, match=r"empty is empty: see docs/read\.md"):
        vm.load(tmp_path / "empty")
    with pytest.raises(vm.Refused, match="can't be read"):
        vm.load(tmp_path / "none.txt")
    for name in ("no/file.txt", "no/file", "file.txt"):
        with pytest.raises(vm.Refused, match=rf"there is no file {re.escape(name)}, and as a text"):
            vm.load(name)


def test_a_trap_that_cant_be_read_is_said() -> None:
    text = "usertrap(): unexpected scause 0xO000000d pid=3\n            sepc=0x42 stval=0x1ff8\n"
    with pytest.raises(vm.Refused, match=r"\. Line 1 looks like a trap and can't be read\. See"):
        vm.load(text)
    assert "Line 1 looks like a trap and can't be read." in vm.load(text + "panic: kfree\n").unsaid
    code = 'printf("usertrap(): unexpected scause 0x%lx pid=%d\\n", r_scause(), p->pid);\npanic: kfree\n'
    assert not any("looks like a trap" in one for one in vm.load(code).unsaid)


def test_a_folder_is_said_to_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xv6").mkdir()
    for name in (".", "..", "xv6", str(tmp_path), f"{tmp_path}/"):
        with pytest.raises(vm.Refused, match="can't be read") as refused:
            vm.load(name)
        assert str(refused.value).startswith(f"{name} can't be read (")
    with pytest.raises(vm.Refused, match="the text is empty"):
        vm.load("")


def test_journals_and_recorded_tables_come_through_the_door(tmp_path: Path) -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    path = tmp_path / "mine.jsonl.gz"
    machine.journal.save(path)
    assert vm.load(path).kernel_map.entries() == machine.kernel_map.entries()
    assert vm.load(path.read_bytes()).kernel_map.entries() == machine.kernel_map.entries()
    case = '{"arch":"x86-64","root":4096,"options":{},"memory":[],"queries":[]}\n'
    (tmp_path / "tables.jsonl").write_text(case)
    assert vm.load(tmp_path / "tables.jsonl").format == vm.load_tables(tmp_path / "tables.jsonl").format


def test_a_load_says_how_far_it_is() -> None:
    seen: list[tuple[int, int]] = []
    lines = [f"{at:x}000-{at + 1:x}000 r--p 00000000 08:01 {at} /f{at}\n" for at in range(1, 1500)]
    vm.load("".join(lines), progress=lambda done, of: seen.append((done, of)))
    assert seen == [(0, 1499), (512, 1499), (1024, 1499), (1499, 1499)]
    with pytest.raises(vm.Refused, match="pass a function of two numbers"):
        vm.load("x", progress=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [kinds.MAPS, kinds.STRACE])
def test_an_interrupted_load_leaves_nothing_behind(given: str) -> None:
    machine = vm.boot("x86-64")
    before = repr(machine.tasks), len(machine.journal)

    def stop(done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    def load() -> object:
        if given == kinds.MAPS:
            return load_ranges(machine, ranges_of(given, "it"), "it", "maps", progress=stop)
        return load_calls_into(machine, given, "it", "", None, stop)

    with pytest.raises(KeyboardInterrupt):
        load()
    machine.check()
    assert (repr(machine.tasks), len(machine.journal)) == before


def test_a_hundred_thousand_lines_of_noise_around_three_of_worth() -> None:
    noise = "the quick brown fox 0x12 jumps over 17 dogs\n" * 50_000
    text = noise + "page table 0x87f6e000\n..0: pte 0x21fda801 pa 0x87f6a000\npanic: freewalk: leaf\n" + noise
    found = vm.load(text)
    assert (len(found.tables), found.tables[0].lines, found.panics[0].line) == (1, (50_002, 50_002), 50_003)
    counts = [int(one.replace(",", "")) for one in re.findall("[0-9,]+[0-9]", found.passed_over)]
    assert sum(counts) == 100_000


def test_a_map_without_its_line_ends_is_the_same_map() -> None:
    lines = (
        "00400000-00401000 r-xp 00000000 08:01 12       /home/u/a b.out",
        "00601000-00622000 rw-p 00000000 00:00 0        [heap]",
        "7ffd1000-7fff2000 rw-p 00000000 00:00 0",
        "7fff3000-7fff4000 r--p 00000000 00:00 0        [vvar]",
    )
    folded = vm.load(" ".join(lines) + " ")
    whole = [(one.start, one.end, one.protection, one.object) for one in vm.load("\n".join(lines) + "\n").task.map]
    assert [(one.start, one.end, one.protection, one.object) for one in folded.task.map] == whole
    assert "lost 3 line ends" in folded.unsaid[0]


def test_a_trap_in_one_line_has_lost_no_line_ends() -> None:
    line = "[ERROR] hart 1: kerneltrap() scause=0xd sepc=0x80200000 stval=0x1000 panic: kerneltrap, all in one line\n"
    assert vm.load(line + "\n").panics[0].line == 1


def test_a_text_as_a_programs_string_ends_with_its_last_line_end() -> None:
    text = r"xv6 kernel is booting\nusertrap(): unexpected scause 0xd pid=3\n            sepc=0x12 stval=0x4000\n"
    found = vm.load(text)
    assert not [one for one in found.unsaid if "ends with a number" in one], found.unsaid


def test_a_programs_string_in_one_call_is_not_broken() -> None:
    calls = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000\n"
    said = 'write(1, "a\\nb\\nc\\nd\\n", 8) = 8\n'
    with pytest.raises(Refused) as refused:
        vm.load(said)
    assert "line end" not in str(refused.value)
    assert len(vm.load(calls + said).task.map) == 1


def test_right_lines_that_happen_to_be_the_longest_are_not_taken_for_wrapped_ones():
    found = vm.load("brk(NULL) = 0x55d0c0e5d000\n42\n")
    assert "passed over: 1 line" in str(found)
    (one,) = vm.load("10000-11000 rw-p 00000000 00:00 0\n/tmp/x $ ls\n").ranges
    assert not one.path
