"""A function that was handed in runs without files and network; whatever it tries, the verdict is right."""

# ruff: noqa: BLE001, PERF203, PLW1510, PLW1641, PTH123, PTH208, SIM115  students' code

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.labs.test_sheets import SOLVED
from vmwidgets.engine.memory.references import reference_string
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.grading.judge import judged
from vmwidgets.grading.sandbox import lock
from vmwidgets.grading.sandbox.asking import Limits, running
from vmwidgets.labs.sheet import sheet_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="functions run on Linux only")

PAGES = [ResidentPage(3, 7, 0, 4, True, False), ResidentPage(1, 8, 2, 3, False, True)]
GIVEN: Any = sheet_of("11/policy", "default").given
RIGHT = {"kind": "function", "name": "thing", "source": SOLVED["11/policy"].right[0](GIVEN)}


def work(function: Callable[..., Any], **names: Any) -> dict[str, Any]:
    """A function of this file as it may be handed in by hand, whatever it uses; `names` are defined before it."""
    source = textwrap.dedent(inspect.getsource(function))
    lines = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    return {"kind": "function", "name": function.__name__, "source": lines + source}


def said(function: Callable[..., Any], limits: Limits | None = None, **names: Any) -> tuple[str, str]:
    """What a function comes to when it is asked: what is raised here, and in what words."""
    with running(work(function, **names), limits or Limits()) as asked, pytest.raises(Exception) as raised:  # noqa: PT011  any
        asked(PAGES)
    return type(raised.value).__name__, str(raised.value)


def given(function: Callable[..., Any], **names: Any) -> Any:
    with running(work(function, **names)) as asked:
        return asked(PAGES)


def children() -> set[str]:
    """Processes that this one started, dead ones too."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == os.getpid():
            found.add(path.parent.name)
    return found


@pytest.fixture(autouse=True)
def the_next_work_is_judged_and_no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert judged("11/policy", "default", RIGHT)["passed"]
    assert children() <= before


# ---- what a function may not do ------------------------------------------------------------------


def forks(pages: Any) -> Any:
    import os

    if os.fork() == 0:
        os._exit(0)


def starts_a_program(pages: Any) -> Any:
    import os

    os.posix_spawn("/bin/true", ["true"], {})


def becomes_a_program(pages: Any) -> Any:
    import os

    os.execv("/bin/true", ["true"])


def starts_a_process(pages: Any) -> Any:
    import subprocess

    subprocess.run(["/bin/true"])


def starts_one_of_pythons(pages: Any) -> Any:
    import multiprocessing

    multiprocessing.get_context("fork").Process(target=print).start()


def starts_a_thread(pages: Any) -> Any:
    import _thread

    _thread.start_new_thread(print, ())


def reads_a_file(pages: Any) -> Any:
    return open("/etc/passwd").read()


def reads_the_graders(pages: Any) -> Any:
    return open(SECRET).read()  # type: ignore[name-defined]  # noqa: F821  given before it


def writes_a_file(pages: Any) -> Any:
    open(SECRET, "w").write("mine")  # type: ignore[name-defined]  # noqa: F821  given before it


def lists_a_folder(pages: Any) -> Any:
    import os

    return os.listdir("/")


def opens_its_pipe_again(pages: Any) -> Any:
    return open("/proc/self/fd/1", "w")


def writes_into_its_parent(pages: Any) -> Any:
    return open(f"/proc/{PARENT}/mem", "r+b")  # type: ignore[name-defined]  # noqa: F821  given before it


def imports_another_module(pages: Any) -> Any:
    import numpy as np

    return np


def opens_a_socket(pages: Any) -> Any:
    import socket

    return socket.socket()


def kills_its_parent(pages: Any) -> Any:
    import os

    os.kill(PARENT, 9)  # type: ignore[name-defined]  # noqa: F821  given before it


def kills_its_group(pages: Any) -> Any:
    import os

    os.killpg(0, 9)


def kills_all(pages: Any) -> Any:
    import os

    os.kill(os.getppid(), 9)


def raises_its_limit(pages: Any) -> Any:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))


def sleeps(pages: Any) -> Any:
    import time

    time.sleep(1000)


REFUSED = {
    forks: "PermissionError", starts_a_program: "PermissionError", becomes_a_program: "PermissionError",
    starts_a_process: "ModuleNotFoundError", starts_one_of_pythons: "ModuleNotFoundError",
    starts_a_thread: "RuntimeError", reads_a_file: "PermissionError", reads_the_graders: "PermissionError",
    writes_a_file: "PermissionError", lists_a_folder: "PermissionError", opens_its_pipe_again: "PermissionError",
    writes_into_its_parent: "PermissionError", imports_another_module: "ModuleNotFoundError",
    opens_a_socket: "ModuleNotFoundError", kills_its_parent: "PermissionError", kills_its_group: "PermissionError",
    kills_all: "PermissionError", raises_its_limit: "ValueError", sleeps: "PermissionError",
}  # fmt: skip  # pairs


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_what_is_not_computing_fails(function: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the grader")
    name, words = said(function, SECRET=str(secret), PARENT=os.getpid())
    assert (name, "of the grader" in words) == (REFUSED[function], False)
    assert secret.read_text() == "of the grader"


def calls_the_system(pages: Any) -> Any:
    """By the C library, without Python's own functions; the numbers of a failed call are -1, and 1: not permitted."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    calls = {
        "open": (b"/etc/passwd", 0), "socket inet": (2, 1, 0), "socket unix": (1, 1, 0), "socket raw": (2, 3, 1),
        "connect": (0, b"\2\0\0\0\0\0\0\0", 8), "socketpair": (1, 1, 0, b"\0" * 8), "fork": (), "vfork": (),
        "execve": (b"/bin/true", None, None), "kill": (PARENT, 0), "dup": (1,), "pipe": (b"\0" * 8,),  # type: ignore[name-defined]  # noqa: F821
        "unlink": (SECRET.encode(),), "ptrace": (16, PARENT, 0, 0), "prctl": (1, 0), "setsid": (),  # type: ignore[name-defined]  # noqa: F821
        "mount": (None, b"/", None, 0, None), "memfd_create": (b"m", 0), "shmget": (0, 4096, 0o1600), "chdir": (b"/",),
        "epoll_create": (1,), "pwrite": (1, b"{}", 2, 0), "read from 1": (1, b"\0", 1), "write to 0": (0, b"x", 1),
    }  # fmt: skip  # pairs
    found = {}
    for name, arguments in calls.items():
        ctypes.set_errno(0)
        call = name if name in ("read from 1", "write to 0") else name.partition(" ")[0]
        result = getattr(libc, call.partition(" ")[0])(*arguments)
        found[name] = [result, ctypes.get_errno()]
    return found


def test_calls_to_the_system_are_not_permitted(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the grader")
    found = given(calls_the_system, SECRET=str(secret), PARENT=os.getpid())
    assert len(found) == 24
    assert {name: one for name, one in found.items() if one != [-1, 1]} == {}


def test_its_two_pipes_are_all_that_is_open(tmp_path: Path) -> None:
    before = children()
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        with running(RIGHT):
            (child,) = children() - before
            assert sorted(path.name for path in Path(f"/proc/{child}/fd").iterdir()) == ["0", "1"]


# ---- what a function may try with time, memory and its answers -------------------------------------


def loops(pages: Any) -> Any:
    while True:
        pass


def loops_and_catches_all(pages: Any) -> Any:
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def waits(pages: Any) -> Any:
    import _thread

    taken = _thread.allocate_lock()
    taken.acquire()
    taken.acquire()


def reads_the_questions(pages: Any) -> Any:
    import os

    while True:
        os.read(0, 1000)


@pytest.mark.parametrize("function", [loops, loops_and_catches_all, waits, reads_the_questions])
def test_one_that_does_not_end_is_ended(function: Callable[..., Any]) -> None:
    assert said(function, Limits(answer=0.1)) == ("TimeoutError", "it took too long")


def test_all_answers_together_have_a_limit_too() -> None:
    limits = Limits(answer=1000, all=0.5)
    with pytest.raises((TimeoutError, vm.Refused)), running(work(loops), limits) as asked:
        asked(PAGES)


def takes_memory(pages: Any) -> Any:
    found = []
    while True:
        found.append(bytes(1 << 20))


def takes_it_at_once(pages: Any) -> Any:
    return len(b"x" * 10**9)


def recurses(pages: Any) -> Any:
    return recurses(pages)


def recurses_deeper(pages: Any) -> Any:
    """In C, which does not count how deep it is."""
    value: tuple[Any, ...] = ()
    for _ in range(500_000):
        value = (value,)
    return hash(value)


def exits(pages: Any) -> Any:
    raise SystemExit


def is_interrupted(pages: Any) -> Any:
    raise KeyboardInterrupt("by itself")


def raises_its_own(pages: Any) -> Any:
    class Odd(BaseException):
        def __str__(self) -> str:
            raise Odd

    raise Odd


def raises_a_long_one(pages: Any) -> Any:
    raise ValueError("x" * 10**6 + "\n")


def ends_itself(pages: Any) -> Any:
    import os

    os._exit(0)


def crashes(pages: Any) -> Any:
    import ctypes

    ctypes.string_at(0)


def floods(pages: Any) -> Any:
    import os

    while True:
        os.write(1, b"x" * 65536)


def floods_lines(pages: Any) -> Any:
    import os

    while True:
        os.write(1, b"{}\n" * 10000)


def forges_a_verdict(pages: Any) -> Any:
    import os

    os.write(1, b'{"id": "11/policy", "points": 6, "passed": true, "problem": "", "criteria": []}\n')


def answers_deeply(pages: Any) -> Any:
    import os

    os.write(1, b"[" * 60000 + b"\n")


def answers_a_long_number(pages: Any) -> Any:
    import os

    os.write(1, b'{"value": ' + b"9" * 60000 + b"}\n")


def answers_another_class(pages: Any) -> Any:
    import os

    os.write(1, b'{"value": {"Machine": [1]}}\n')


def answers_half_a_page(pages: Any) -> Any:
    import os

    os.write(1, b'{"value": {"ResidentPage": [1]}}\n')


def has_other_json(pages: Any) -> Any:
    import json

    json.dumps = lambda *_: '{"points": 6}'


ENDED, NO_ANSWER = "its process ended: too much memory or time, or a crash", "its answer is no answer"
COMES_TO = {
    takes_memory: ("MemoryError", ""), takes_it_at_once: ("MemoryError", ""), exits: ("SystemExit", ""),
    is_interrupted: ("KeyboardInterrupt", "by itself"), raises_its_own: ("Odd", ""),
    raises_a_long_one: ("ValueError", "x" * 1000), ends_itself: ("ChildProcessError", ENDED),
    crashes: ("ChildProcessError", ENDED), floods: ("ValueError", NO_ANSWER), floods_lines: ("ValueError", NO_ANSWER),
    forges_a_verdict: ("ValueError", NO_ANSWER), answers_deeply: ("ValueError", NO_ANSWER),
    answers_a_long_number: ("ValueError", NO_ANSWER), answers_another_class: ("ValueError", NO_ANSWER),
    answers_half_a_page: ("ValueError", NO_ANSWER), has_other_json: ("ValueError", NO_ANSWER),
}  # fmt: skip  # pairs


@pytest.mark.parametrize("function", COMES_TO, ids=lambda function: function.__name__)
def test_one_that_gives_no_answer_raises_here(function: Callable[..., Any]) -> None:
    assert said(function, Limits(memory=200 << 20)) == COMES_TO[function]


def test_deep_recursion_ends_nothing_else() -> None:
    assert said(recurses)[0] == "RecursionError"
    assert said(recurses_deeper)[0] in ("ChildProcessError", "RecursionError")


def test_a_function_whose_process_ended_is_not_asked_again() -> None:
    with running(work(forges_a_verdict)) as asked:
        for _ in range(2):
            with pytest.raises(ValueError, match=NO_ANSWER):
                asked(PAGES)


def prints(pages: Any) -> Any:
    import sys

    print("x" * 10**6)
    sys.stderr.write("x")
    sys.__stdout__.write('{"value": 1}\n')
    return pages[0]


def test_what_is_printed_goes_nowhere() -> None:
    assert given(prints) == PAGES[0]


def changes_what_it_finds(pages: Any) -> Any:
    """Classes, modules and frames of its own process: what it gives is its choice, and no more."""
    import builtins
    import gc
    import sys

    type(pages[0]).__eq__ = lambda *_: True
    builtins.len = lambda *_: 6
    for one in gc.get_objects():
        if type(one) is dict and "points" in one:
            one["points"] = 6
    frame = sys._getframe()
    while frame is not None:
        frame.f_globals["judged"] = frame.f_globals["passed"] = True
        frame = frame.f_back
    return type(pages[0])(99, 0, 0, 0, False, False)


def test_it_changes_its_own_process_only() -> None:
    result = judged("11/policy", "default", work(changes_what_it_finds))
    assert (result["points"], result["ran"]) == (0, True)
    assert "gave ResidentPage(frame=99" in result["criteria"][0]["sentence"]
    assert PAGES[0] != PAGES[1]
    assert len(PAGES) == 2


# ---- what it may give ------------------------------------------------------------------------------


def gives_nothing(pages: Any) -> Any:
    return None


def gives_a_number(pages: Any) -> Any:
    return pages[0].page


def gives_a_huge_number(pages: Any) -> Any:
    return 10**5000


def gives_text(pages: Any) -> Any:
    return "two\n\ud800words" * 100


def gives_a_list(pages: Any) -> Any:
    return [pages[0]]


def gives_a_list_of_itself(pages: Any) -> Any:
    found: list[Any] = []
    found.append(found)
    return found


def gives_a_fraction(pages: Any) -> Any:
    return 0.5


def gives_truth(pages: Any) -> Any:
    return True


def gives_a_page_of_its_own(pages: Any) -> Any:
    return type(pages[0])(77, 1, 1, 1, True, True)


def gives_an_equal_page(pages: Any) -> Any:
    return type(pages[0])(pages[1].frame, 1, 1, 1, True, True)


def gives_an_object(pages: Any) -> Any:
    class Hostile:
        __class__ = property(lambda self: type(pages[0]))

        def __eq__(self, other: Any) -> bool:
            raise SystemExit

        def __repr__(self) -> str:
            raise SystemExit

        def __getattr__(self, name: str) -> Any:
            raise SystemExit

    return {"a": Hostile()}


def gives_a_generator(pages: Any) -> Any:
    return (page for page in pages)


GIVES = [
    gives_nothing, gives_a_number, gives_a_huge_number, gives_text, gives_a_list, gives_a_list_of_itself,
    gives_a_fraction, gives_truth, gives_a_page_of_its_own, gives_an_equal_page, gives_an_object, gives_a_generator,
]  # fmt: skip  # one list


@pytest.mark.parametrize("function", GIVES, ids=lambda function: function.__name__)
def test_what_is_no_page_is_said_as_in_a_notebook(function: Callable[..., Any]) -> None:
    def outcome(choose: Callable[..., Any]) -> Any:
        try:
            return reference_string("1 2 3 4 1 2", 3, choose)
        except vm.CallbackFailed as error:
            return str(error)

    with running(work(function)) as asked:
        assert outcome(asked) == outcome(function)


def test_state_between_calls_is_kept() -> None:
    source = "calls = []\ndef counts(pages):\n    calls.append(1)\n    return len(calls)\n"
    with running({"kind": "function", "name": "counts", "source": source}) as asked:
        assert [asked(PAGES) for _ in range(3)] == [1, 2, 3]


def test_the_same_function_gives_the_same_each_time() -> None:
    """Texts in sets, and numbers at random: a grade is the same when it is found again."""
    source = "import random\ndef odd(pages):\n    return [*{'a', 'b', 'c', 'd', 'e'}, random.random()]\n"
    answers = []
    for _ in range(2):
        with running({"kind": "function", "name": "odd", "source": source}) as asked:
            answers.append(asked(PAGES))
    assert answers[0] == answers[1]


# ---- sources that make no function -----------------------------------------------------------------

SOURCES = {
    "no Python": ("this is", "SyntaxError"),
    "another name": ("def other(pages): pass", "KeyError"),
    "brackets": ("thing = " + "[" * 10_000, "SyntaxError|MemoryError"),
    "deep": ("thing = " + "-" * 50_000 + "1", "RecursionError|MemoryError|process ended"),
    "zero": ("thing = 1\0", "ValueError|SyntaxError"),
    "too long": ("#" * 100_001, "not too long"),
    "runs code": ("def thing(pages, x=open('/etc/passwd').read()): pass", "PermissionError"),
    "a decorator": ("def opens(f): return open('/etc/passwd')\n@opens\ndef thing(pages): pass", "PermissionError"),
    "ends": ("import os\nos._exit(0)", "process ended"),
    "exits": ("raise SystemExit", "SystemExit"),
    "answers first": ("import os\nos.write(1, b'{}\\n')\ndef thing(pages): pass", "no answer"),
    "a lambda's line": ('lab.check("11/policy", lambda pages: pages[0])', "NameError"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_makes_no_function_is_not_judged(name: str) -> None:
    source, why = SOURCES[name]
    result = judged("11/policy", "default", {"kind": "function", "name": "thing", "source": source})
    assert (result["points"], result["criteria"]) == (0, [])
    assert any(one in result["problem"] for one in why.split("|")), result["problem"]
    assert "\n" not in result["problem"]


def test_a_source_that_runs_for_ever_is_not_judged() -> None:
    """By a limit on the processor's time, which it can't catch."""
    source = "def thing(pages, x=loops_and_catches_all(0)): pass"
    data = work(loops_and_catches_all)
    data = {"name": "thing", "source": f"{data['source']}\n{source}"}
    with pytest.raises(vm.Refused, match="process ended"), running(data, Limits(processor=1)):
        pass


@pytest.mark.parametrize(
    "data",
    [
        {"name": 5, "source": "x"}, {"name": "x"}, {"name": "x", "source": ["x"]},
        {"name": "x", "source": "x", "function": {}},
    ],
)  # fmt: skip  # one list
def test_data_that_is_no_function_is_refused(data: dict[str, Any]) -> None:
    result = judged("11/policy", "default", {"kind": "function", **data})
    assert (result["points"], result["criteria"], "write a text" in result["problem"]) == (0, [], True)


# ---- the lock --------------------------------------------------------------------------------------


def test_where_a_limit_can_not_be_set_nothing_runs() -> None:
    with pytest.raises(vm.Refused, match="functions are run only"), running(RIGHT, Limits(memory=1 << 80)):
        pass


UNLOCKABLE = """
import ctypes, struct, sys
from vmwidgets.grading.sandbox import lock
from vmwidgets.grading.judge import judged
number = {"x86_64": 157, "aarch64": 167}[lock.platform.machine()]
code = [(lock.LOAD, 0, 0, 0), (lock.EQUAL, 0, 2, number), (lock.LOAD, 0, 0, 16), (lock.EQUAL, 1, 0, lock.SET_SECCOMP),
        (lock.GIVE, 0, 0, lock.ALLOW), (lock.GIVE, 0, 0, lock.REFUSE)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, ctypes.c_ulong(1), 0, 0, 0) == 0
assert libc.prctl(22, ctypes.c_ulong(2), struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)), 0, 0) == 0
print(judged("11/policy", "default", {"kind": "function", "name": "thing", "source": "import nothing"})["problem"])
"""


def test_where_the_system_refuses_the_lock_nothing_runs() -> None:
    """As in a container that allows no filters; here by a filter that refuses them."""
    found = subprocess.run([sys.executable, "-c", UNLOCKABLE], capture_output=True, text=True, check=True).stdout
    assert found == (
        "functions are run only in a process without files and network, which can't be had here; read its source: "
        "[Errno 1] prctl 22: Operation not permitted\n"
    )


def test_calls_of_other_processors_end_the_process() -> None:
    """On x86-64 a program can call by the numbers of 32 bits, or by those plus 2^30 (x32)."""
    (first, *_), (x32, *_) = lock.NUMBERS["x86_64"], lock.NUMBERS["aarch64"]
    assert first != x32
    for processor, numbers in lock.NUMBERS.values():
        code = lock.program(processor, numbers)
        assert after(code, processor ^ 1, numbers["mmap"], 0) == lock.KILL
        assert after(code, processor, numbers["mmap"] | 1 << 30, 0) == lock.REFUSE
        assert after(code, processor, numbers["mmap"], 5) == lock.ALLOW
        assert [after(code, processor, numbers["read"], one) == lock.ALLOW for one in (0, 1, 2)] == [True, False, False]
        assert [after(code, processor, numbers["write"], one) == lock.ALLOW for one in (0, 1, 2)] == [
            False,
            True,
            False,
        ]
        allowed = {number for number in range(600) if after(code, processor, number, 0) == lock.ALLOW}
        assert allowed == set(numbers.values()) - {numbers["write"]}


def after(code: bytes, processor: int, number: int, argument: int) -> int:
    """What a filter gives for a call: the instructions that it has, followed by hand."""
    import struct

    known = {0: number, 4: processor, 16: argument}
    steps = [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]
    at = word = 0
    while True:
        what, equal, other, value = steps[at]
        at += 1
        if what == 0x06:
            return int(value)
        if what == 0x20:
            word = known[value]
        else:
            assert what == 0x15
            at += equal if word == value else other


ORPHAN = """
import sys
from vmwidgets.grading.sandbox.asking import running
source = "import _thread\\nl = _thread.allocate_lock()\\ndef waits(pages):\\n    l.acquire(); l.acquire()"
with running({"name": "waits", "source": source}) as asked:
    import pathlib, os
    print(*pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split(), flush=True)
    asked([])
"""


def test_it_ends_with_the_process_that_judges() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    for _ in range(1000):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError("it is still there")
