"""A function that was handed in runs without files and network; whatever it tries, the verdict is right."""

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
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.engine.paper.references import reference_string
from vmwidgets.grading.judge import judged
from vmwidgets.grading.sandbox import lock
from vmwidgets.grading.sandbox.asking import Limits, running
from vmwidgets.labs.sheet import sheet_of

from . import hostile
from .hostile import COMES_TO, GIVES, NO_ANSWER, REFUSED

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


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_what_is_not_computing_fails(function: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the grader")
    name, words = said(function, SECRET=str(secret), PARENT=os.getpid())
    assert name in REFUSED[function].split("|")
    assert "of the grader" not in words
    assert secret.read_text() == "of the grader"


def test_calls_to_the_system_are_not_permitted(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the grader")
    found = given(hostile.calls_the_system, SECRET=str(secret), PARENT=os.getpid())
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


@pytest.mark.parametrize(
    "function", [hostile.loops, hostile.loops_and_catches_all, hostile.waits, hostile.reads_the_questions]
)
def test_one_that_does_not_end_is_ended(function: Callable[..., Any]) -> None:
    assert said(function, Limits(answer=0.1)) == ("TimeoutError", "it ran too long")


def test_all_answers_together_have_a_limit_too() -> None:
    limits = Limits(answer=1000, all=0.5)
    with pytest.raises((TimeoutError, vm.Refused)), running(work(hostile.loops), limits) as asked:
        asked(PAGES)


@pytest.mark.parametrize("function", COMES_TO, ids=lambda function: function.__name__)
def test_one_that_gives_no_answer_raises_here(function: Callable[..., Any]) -> None:
    assert said(function, Limits(memory=200 << 20)) == COMES_TO[function]


def test_deep_recursion_ends_nothing_else() -> None:
    assert said(hostile.recurses)[0] == "RecursionError"
    assert said(hostile.recurses_deeper)[0] in ("ChildProcessError", "RecursionError")


def test_a_function_whose_process_ended_is_not_asked_again() -> None:
    with running(work(hostile.forges_a_verdict)) as asked:
        for _ in range(2):
            with pytest.raises(ValueError, match=NO_ANSWER):
                asked(PAGES)


def test_what_is_printed_goes_nowhere() -> None:
    assert given(hostile.prints) == PAGES[0]


def test_it_changes_its_own_process_only() -> None:
    result = judged("11/policy", "default", work(hostile.changes_what_it_finds))
    assert (result["points"], result["ran"]) == (0, True)
    assert "gave ResidentPage(frame=99" in result["criteria"][0]["sentence"]
    assert PAGES[0] != PAGES[1]
    assert len(PAGES) == 2


# ---- what it may give ------------------------------------------------------------------------------


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
    "answers first": ("import os\nos.write(1, b'{}\\n')\ndef thing(pages): pass", "answer is not valid"),
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
    data = work(hostile.loops_and_catches_all)
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
    assert (result["points"], result["criteria"], "pass a string" in result["problem"]) == (0, [], True)


# ---- the lock --------------------------------------------------------------------------------------


def test_where_a_limit_can_not_be_set_nothing_runs() -> None:
    with pytest.raises(vm.Refused, match="functions are run only"), running(RIGHT, Limits(memory=1 << 80)):
        pass


UNLOCKABLE = """
import ctypes, struct, sys
from vmwidgets.grading.sandbox import lock
from vmwidgets.grading.judge import judged
number = {"x86_64": 157, "aarch64": 167}[lock.os.uname().machine]
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
