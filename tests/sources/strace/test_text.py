from __future__ import annotations

import random
from contextlib import suppress

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources.strace import arguments, text
from vmwidgets.sources.strace.line import Bracket
from vmwidgets.sources.strace.text import Call, Ended, PassedOver, Signalled, Unfinished, parse_strace


def parse(given):
    return list(parse_strace(given, "a text"))


def call(given):
    (found,) = parse(given)
    assert isinstance(found, Call)
    return found


@pytest.mark.parametrize(
    ("line", "name", "arguments_", "result", "error"),
    [
        ("getpid() = 12", "getpid", (), 12, ""),
        ("brk(NULL)                               = 0x55d0c8a4f000", "brk", ("NULL",), 0x55D0C8A4F000, ""),
        ("munmap(0x7f00, 8192) = 0", "munmap", ("0x7f00", "8192"), 0, ""),
        ("chmod(\"a\", 0644) = 0", "chmod", ('"a"', "0644"), 0, ""),
        ("mlock(0x7f00, 1) = -1 ENOMEM (Cannot allocate memory)", "mlock", ("0x7f00", "1"), -1, "ENOMEM"),
        ("read(3, 0x1, 5) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", "read", ("3", "0x1", "5"), None,
         "ERESTARTSYS"),
        ("umask(000) = 022", "umask", ("000",), 18, ""),
        ("exit_group(0)                           = ?", "exit_group", ("0",), None, ""),
        ("exit_group(1)                           = ? <unavailable>", "exit_group", ("1",), None, ""),
        ("fcntl(0, F_GETFL) = 0x8402 (flags O_RDWR|O_APPEND|O_LARGEFILE)", "fcntl", ("0", "F_GETFL"), 0x8402, ""),
        ("mmap(NULL, 1, PROT_READ, MAP_PRIVATE, 3, 0) = -1 EAGAIN (Resource temporarily unavailable) (INJECTED)",
         "mmap", ("NULL", "1", "PROT_READ", "MAP_PRIVATE", "3", "0"), -1, "EAGAIN"),
    ],
)  # fmt: skip
def test_a_call_has_a_name_arguments_and_a_result(line, name, arguments_, result, error):
    found = call(line)
    assert (found.name, found.result, found.error) == (name, result, error)
    assert [str(one[0]) for one in found.arguments] == list(arguments_)
    assert found.failed == (result in (None, -1))


@pytest.mark.parametrize(
    ("prefix", "pid"),
    [
        ("", None),
        ("123   ", 123),
        ("[pid 123] ", 123),
        ("[pid   123] ", 123),
        ("12:34:56 ", None),
        ("123 12:34:56.123456 ", 123),
        ("[pid 5] 1795266661.129692 ", 5),
        ("     0.000123 ", None),
        ("123      0.000123 ", 123),
        ("12:34:56.123456 (+     0.000123) ", None),
        ("123<python3> ", 123),
        ("[pid 123<python3>] ", 123),
        ("123 [00007fa5d5406ad7] ", 123),
        ("123 12:34:56 [  59] [????????????????] ", 123),
    ],
)
def test_a_process_and_a_time_may_come_first(prefix, pid):
    found = call(f"{prefix}munmap(0x1000, 4096) = 0 <0.000012>")
    assert (found.pid, found.name, found.result) == (pid, "munmap", 0)
    (signal,) = parse(f"{prefix}--- SIGINT {{si_signo=SIGINT, si_code=SI_KERNEL}} ---")
    assert (signal.pid, signal.name) == (pid, "SIGINT")


@pytest.mark.parametrize(
    "line",
    [
        r'write(1, "a\"b\\", 4) = 4',
        r'read(3, "\177ELF\2\1\1\3\0>\0"..., 832) = 832',
        r'bind(3, {sa_family=AF_UNIX, sun_path=@"/tmp/.X11"}, 20) = 0',
        "rt_sigprocmask(SIG_SETMASK, ~[KILL STOP RTMIN RT_1], NULL, 8) = 0",
        "rt_sigaction(SIGINT, {sa_handler=0x678ec0, sa_mask=[], sa_flags=SA_RESTORER|SA_ONSTACK}, NULL, 8) = 0",
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 12",
        "prlimit64(0, RLIMIT_AS, {rlim_cur=262144*1024, rlim_max=RLIM64_INFINITY}, NULL) = 0",
        'newfstatat(1</dev/pts/0<char 136:0>>, "", {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0), ...}, 0x1) = 0',
        "recvfrom(3<TCP:[127.0.0.1:80->127.0.0.1:9]>, 0x1, 5, 0, NULL, NULL) = 0",
        r'ioctl(0, SNDCTL_TMR_TIMEBASE or TCGETS, {c_iflag=ICRNL, c_cc[VMIN]=1, c_cc="\x03", ...}) = 0',
        "ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0x54, 0x1, 0x2c), 0x7ffe) = -1 ENOTTY (Inappropriate ioctl for device)",
        "futex(0x7f, FUTEX_WAKE_OP_PRIVATE, 1, 1, 0x7f, FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_GT<<24|0x1) = 1",
        "poll([{fd=3, events=POLLIN}], 1, 100) = 1 ([{fd=3, revents=POLLIN}])",
        "select(4, [3], NULL, NULL, {tv_sec=1, tv_usec=0}) = 1 (in [3], left {tv_sec=0, tv_usec=9})",
        'execve("/bin/ls", ["ls", "-l"], 0x7ffc9 /* 35 vars */) = 0',
        "mmap(NULL, 4096, 0x3 /* PROT_READ|PROT_WRITE */, 0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */, -1, 0) = 0x7f00",
        "clone3({flags=CLONE_VM, stack_size=0x7fff80} => {parent_tid=[24676]}, 88) = 24676",
        "getdents64(3, 0x2040 /* 12 entries */, 32768) = 344",
        "set_mempolicy(MPOL_DEFAULT, NULL, 0) = 0",
        'inet_pton(AF_INET6, "::1", &sin6_addr) = 0',
        r"mmap(0x1000, 4096, PROT_NONE, MAP_PRIVATE, 3</tmp/a\76b (deleted)>, 0) = 0x1000",
        "socket(AF_UNIX, SOCK_STREAM, 0) = 3<UNIX-STREAM:[123->456]>",
        "getpid() = 12</bin/x>",
    ],
)
def test_all_that_strace_writes_of_arguments_is_read(line):
    assert call(line).name == line.partition("(")[0]


def test_arguments_keep_their_structure():
    found = call('clone3({a=[1, "x"...], b={c=D|0x2}}, NULL, , G(1)) = 0')
    struct = found.arguments[0][0]
    inside = [["a", "=", Bracket("[", (["1"], ['"x"...']))], ["b", "=", Bracket("{", (["c", "=", "D", "|", "0x2"],))]]
    assert struct == Bracket("{", tuple(inside))
    assert found.arguments[2] is None
    assert found.arguments[3] == ["G", Bracket("(", (["1"],))]


def test_what_ends_and_what_signals():
    assert parse("1 getpid() = 1\n1 +++ exited with 7 +++")[1] == Ended(2, 1, "exited with 7")
    assert parse("+++ killed by SIGSEGV (core dumped) +++") == [Ended(1, None, "killed by SIGSEGV")]
    assert parse("--- stopped by SIGSTOP ---\n--- SIGSEGV {si_signo=SIGSEGV, si_addr=0x8} ---") == [
        Signalled(2, None, "SIGSEGV")
    ]


def test_what_strace_says_of_itself_is_passed_over():
    words = ["strace: Process 7 attached", "strace: [ Process PID=7 runs in x32 mode. ]", "Process 7 detached", ""]
    stack = " > /usr/lib/x86_64-linux-gnu/libc.so.6(getpid+0x7) [0xda5a7]"
    assert [one.line for one in parse("\n".join([*words, "getpid() = 7", stack]))] == [5]


# ---- calls in two lines ----------------------------------------------------------------------


def test_calls_of_two_processes_that_interrupt_each_other():
    given = """\
1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
2 munmap(0x1000,  <unfinished ...>
3 read(5</x>,  <unfinished ...>
1 <... mmap resumed>)         = 0x7000
3 <... read resumed>"abc"..., 3) = 3
2 <... munmap resumed>4096) = 0
1 clone3({flags=CLONE_VM} <unfinished ...>
1 <... clone3 resumed> => {parent_tid=[9]}, 88) = 9
1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
1 <... clone resumed>, child_tidptr=0x1) = 10
"""
    found = parse(given)
    assert [(one.begun, one.line, one.pid, one.name, one.result) for one in found] == [
        (1, 4, 1, "mmap", 0x7000), (3, 5, 3, "read", 3), (2, 6, 2, "munmap", 0), (7, 8, 1, "clone3", 9),
        (9, 10, 1, "clone", 10),
    ]  # fmt: skip
    assert [len(one.arguments) for one in found] == [6, 3, 2, 2, 3]
    assert [arguments.number(one) for one in found[2].arguments] == [0x1000, 4096]


def test_older_strace_has_a_blank_before_the_end():
    assert [one.result for one in parse("1 brk(NULL <unfinished ...>\n1 <... brk resumed> )  = 0x10")] == [16]


def test_a_call_that_never_ends_is_there():
    found = parse("1 read(0, <unfinished ...>\n1 +++ killed by SIGKILL +++\n2 getpid() = 2")
    assert found == [Ended(2, 1, "killed by SIGKILL"), found[1], Unfinished(1, 1, "read")]
    assert call("1 read(0,  <unfinished ...>) = ?").failed


def test_on_a_terminal_numbers_are_written_while_there_are_several():
    given = """\
vfork(strace: Process 8 attached
 <unfinished ...>
[pid     8] execve("/bin/ls", ["ls"], 0x1 <unfinished ...>
[pid     7] <... vfork resumed>)        = 8
[pid     7] wait4(-1,  <unfinished ...>
[pid     8] <... execve resumed>)       = 0
[pid     8] +++ exited with 0 +++
<... wait4 resumed>NULL, 0, NULL) = 8
clone(child_stack=NULL, flags=SIGCHLDstrace: Process 9 attached
, child_tidptr=0x7fdc) = 9
"""
    calls = [(one.begun, one.pid, one.name, one.result) for one in parse(given) if isinstance(one, Call)]
    assert calls == [(2, 7, "vfork", 8), (3, 8, "execve", 0), (5, 7, "wait4", 8), (10, None, "clone", 9)]


def test_exec_of_a_thread_goes_on_under_the_number_of_the_first():
    given = """\
1 getpid() = 1
2 execve("/bin/ls", ["ls"], 0x1 <unfinished ...>
1 +++ superseded by execve in pid 2 +++
1 <... execve resumed>) = 0
"""
    assert [(one.pid, getattr(one, "name", "")) for one in parse(given)] == [(1, "getpid"), (1, ""), (1, "execve")]


# ---- nonsense --------------------------------------------------------------------------------

BAD = [
    "mmap(NULL, 4096",
    "mmap(NULL, 4096)",
    "mmap(NULL, 4096) =",
    "mmap(NULL, [4096) = 0",
    "7 munmap(NULL, {4096]) = 0",
    "[pid 7] mmap(NULL) = 0x1 0x2",
    "12:34:56 brk(0x123456789abcdef01) = 0",
    'execve("a, [], NULL) = 0',
    "clone({flags=) = 12",
    "mmap" + "(" * 5000,
]
"""Of calls that change memory."""

PASSED_OVER = [
    "hello",
    "total 12",
    "mmap NULL, 4096) = 0",
    "(1, 2) = 3",
    "1 2 getpid() = 1",
    "+++ exited +++",
    "--- SIGINT",
    "<unfinished ...>",
    "f(1) = 99999999999999999999999999",
    "printf(3) is a function",
    "\x00\x01\x1b[31m",
    "\u0663(\u0664) = 1",
    "00400000-00401000 r-xp 00000000 08:01 12 /bin/true",
    "f" + "(" * 5000,
    "x" * 10**5,
]
"""What a program may write on the same terminal."""


@pytest.mark.parametrize("line", BAD, ids=[line[:24] for line in BAD])
def test_a_damaged_call_that_changes_memory_is_refused_with_its_line(line):
    with pytest.raises(Refused) as caught:
        parse(f"getpid() = 1\n\n{line}\n")
    message = str(caught.value)
    assert message.startswith("line 3 of a text: ")
    assert message.isprintable()
    assert len(message) < 200


@pytest.mark.parametrize("line", PASSED_OVER, ids=[line[:24] for line in PASSED_OVER])
def test_a_line_that_is_not_straces_is_passed_over_and_counted(line):
    first, passed, last = parse(f"getpid() = 1\n{line}\nbrk(NULL) = 0x1000\n")
    assert (first.name, passed, last.name) == ("getpid", PassedOver(2), "brk")
    with pytest.raises(Refused) as caught:
        parse(f"{line}\n")
    assert str(caught.value).startswith("line 1 of a text: ")
    assert str(caught.value).isprintable()


LOOSE = {
    "15171 recvmsg(3, {msg_iov=[{iov_base=[[{nlmsg_len=1}, [{a=1}]}, 12) = 1468": (15171, 1468, ""),
    'open("a) = 3': (None, 3, ""),
    "[pid 7] newcall(1 ? {, x]) = -1 ENOSYS (Function not implemented)": (7, -1, "ENOSYS"),
    "12:34:56.123456 ioctl(3, {ifr=[, new) = 0 <0.000012>": (None, 0, ""),
    "f(0x123456789abcdef01) = 0": (None, 0, ""),
    "7 poll({) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)": (7, None, "ERESTART_RESTARTBLOCK"),
}


@pytest.mark.parametrize("line", LOOSE)
def test_of_other_calls_the_name_and_the_result_are_enough(line):
    found = call(line)
    assert (found.pid, found.result, found.error) == LOOSE[line]
    assert found.loose
    assert found.arguments == ()
    assert not call("getpid() = 12").loose


def test_a_call_cut_inside_a_struct_goes_on_in_a_later_line():
    given = "1 ioctl(3, SIOCGIFNAME, {ifr_ifindex=4 <unfinished ...>\n2 getpid() = 2\n"
    given += '1 <... ioctl resumed>, ifr_name="lo"}) = 0\n1 ???( <unfinished ...>\n1 <... ??? resumed>) = ?\n'
    found = parse(given)
    assert [(one.begun, one.line, one.pid, one.name, one.result) for one in found] == [
        (2, 2, 2, "getpid", 2), (1, 3, 1, "ioctl", 0), (4, 5, 1, "???", None),
    ]  # fmt: skip


def test_a_process_that_strace_comes_to_and_leaves():
    given = """\
strace: Process 7 attached
7 restart_syscall(<... resuming interrupted read ...> <unfinished ...>
8 <... futex resumed>) = 0
7 <... restart_syscall resumed>) = 1
8 mmap(NULL, 4096, PROT_READ,  <detached ...>
7 select(0, NULL, NULL, NULL, {tv_sec=1, tv_usec=0}strace: Process 7 detached
 <detached ...>
"""
    assert [type(one).__name__ for one in parse(given)] == ["Call", "Call", "Unfinished", "Unfinished"]
    assert [one.name for one in parse(given)] == ["futex", "restart_syscall", "mmap", "select"]


@pytest.mark.parametrize("last", ["mmap(NULL, 4096, PROT_", "7 munmap(0x1000, 4096)", '[pid 7] read(3, "abc'])
def test_the_last_line_may_be_cut(last):
    found = parse(f"getpid() = 1\n{last}")
    assert isinstance(found[1], Unfinished)
    assert found[1].name in last


def test_the_last_half_of_a_call_may_be_cut():
    found = parse("1 mmap(NULL, 4096, <unfinished ...>\n1 <... mmap resumed>PROT_RE")
    assert found == [Unfinished(1, 1, "mmap")]


def test_a_call_after_words_of_the_program_is_read():
    words, found = "$ what? mmap is a call; ", "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000"
    _, second = parse(f"getpid() = 1\n{words}[pid 9] {found}\n")
    assert (second.pid, second.name, second.result) == (9, "mmap", 0x7000)
    assert parse(f"getpid() = 1\n{words}[pid 9] {found[:30]}\n")[1] == PassedOver(2)


def test_the_summary_after_the_calls_ends_them():
    summary = "% time     seconds  usecs/call     calls    errors syscall\n 25.64    0.000241    8   30      mmap\n"
    assert [one.name for one in parse(f"getpid() = 1\n{summary}")] == ["getpid"]
    with pytest.raises(Refused, match=r"line 2 of a text: this is a summary of strace \(-c\), .* record without -c"):
        parse(f"hello\n{summary}")


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert call("\ufeffgetpid() = 12").result == 12


def test_a_map_is_said_to_be_one():
    with pytest.raises(Refused, match=r"this is a map of /proc/PID/maps; give it to vm\.load_maps"):
        parse("00400000-00401000 r-xp 00000000 08:01 12 /bin/true\n")


def test_brackets_within_brackets_need_no_stack_of_ours():
    assert call("f(" + "{" * 5000 + "}" * 5000 + ") = 0").name == "f"


@pytest.mark.parametrize(
    "prefix",
    ["Nov 27 16:00:01 ", "Nov  7 16:00:01.25 ", "16:00:01 ", "2026-11-27 16:00:01 ", "2026-11-27T16:00:01.5Z ",
     "app  | ", "[2026-11-27 16:00:01] "],
)  # fmt: skip
def test_what_another_program_writes_before_each_line_changes_nothing(prefix):
    lines = (
        "[pid    12] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>",
        '[pid    13] read(3, "[pid 14] brk(NULL) = 0", 22) = 22',
        "[pid    12] <... mmap resumed>) = 0x7f0000000000",
        "[pid    13] +++ exited with 0 +++",
        "[pid    12] --- SIGCHLD {si_signo=SIGCHLD} ---",
    )
    assert parse("".join(f"{prefix}{line}\n" for line in lines)) == parse("".join(f"{line}\n" for line in lines))


def test_a_date_before_a_call_without_a_process_changes_nothing():
    assert call("Nov 27 16:00:01 getpid() = 7").name == "getpid"
    assert call("16:00:01 getpid() = 7").name == "getpid"


def test_a_call_that_another_one_resumes_is_refused():
    with pytest.raises(Refused, match="line 2 of a text: brk is resumed, but line 1 began mmap"):
        parse("1 mmap(NULL, <unfinished ...>\n1 <... brk resumed>) = 0")
    with pytest.raises(Refused, match="line 2 of a text: brk is resumed, but no earlier line began it"):
        parse("1 brk(NULL) = 0\n1 <... brk resumed>) = 0")
    with pytest.raises(Refused, match=r"line 2 of a text: '<... brk resumed>\) =' is not a line"):
        parse("1 brk(NULL <unfinished ...>\n1 <... brk resumed>) = \n")
    with pytest.raises(Refused, match="line 2 of a text: 'vfork\\(' is not a line"):
        parse("vfork(strace: Process 8 attached\n")


@pytest.mark.parametrize("given", ["", "\n \n", "\r\n"])
def test_a_text_without_lines_is_refused(given):
    with pytest.raises(Refused, match="a text is empty: a program makes at least one call"):
        parse(given)


def test_there_is_an_end_to_what_is_read(monkeypatch):
    monkeypatch.setattr(text, "MOST_LINES", 3)
    assert len(parse("getpid() = 1\n" * 2)) == 2
    with pytest.raises(Refused, match="line 4 of a text: more than 3 lines"):
        parse("getpid() = 1\n" * 4)
    monkeypatch.setattr(text, "MOST_IN_LINE", 20)
    with pytest.raises(Refused, match="line 2 of a text: more than 20 characters"):
        parse('getpid() = 1\nf("aaaaaaaaaaaaaa") = 0')


@pytest.mark.parametrize("name", ["forks", "threads", "fails"])
def test_random_damage_is_read_or_refused(name):
    draws = random.Random(name)
    lines = vm.recording(name).strace.splitlines()[:200]
    for _ in range(60):
        damaged = list(lines)
        for _ in range(draws.choice((1, 1, 3))):
            at = draws.randrange(len(damaged))
            damaged[at] = _damage(damaged[at], draws)
        with suppress(Refused):
            parse("\n".join(damaged))


def _damage(line, draws):
    at, kind = draws.randrange(len(line) + 1), draws.randrange(5)
    if kind == 0:
        return line[:at]
    if kind == 1:
        return line[at:]
    if kind == 2:
        return line[:at] + draws.choice('(){}[]<>"\\,=|0x9\0é\u2028') + line[at:]
    if kind == 3:
        return line[:at] + line[at + draws.randrange(1, 5) :]
    return line + line


@pytest.mark.parametrize(
    "line",
    [
        "mmap(" + "/**/" * 20_000 + "%", "foo(" + ") = 1 (" * 20_000, "openat(" + ") = 1 (" * 20_000,
        "x " + "mmap(" * 20_000, 'foo("' + "\\" * 100_000, "foo(3<" + "->" * 50_000 + ") = 0", "mmap(" + "(" * 100_000,
    ],
    ids=["comments", "results", "results of a file", "calls", "backslashes", "arrows", "brackets"],
)  # fmt: skip  # a table
def test_a_line_made_to_be_slow_is_read_as_fast_as_another(line: str) -> None:
    """Each of its pieces is looked at a few times, however long it is: else this would take hours."""
    with suppress(Refused):
        parse(f"brk(NULL) = 0x1000\n{line}\nbrk(NULL) = 0x2000\n")


@pytest.mark.parametrize("path", ["</tmp/a->b>", "<TCP:[1.2.3.4:80->5.6.7.8:9]>", "</tmp/a->", "<socket:[7]>"])
def test_an_arrow_in_a_file_s_name_does_not_end_it(path: str) -> None:
    (found,) = parse(f"mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3{path}, 0) = -1 ENODEV (No such device)\n")
    assert found.arguments[4] == ["3", path]
