"""Functions that try what they may not, as students may hand them in, and what each comes to in its sandbox.

Each is handed in by its source; names in capitals are defined before it.
"""

# ruff: noqa: BLE001, F821, PERF203, PLW1510, PLW1641, PTH123, PTH208, SIM115  students' code

from __future__ import annotations

from typing import Any


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
    return open(SECRET).read()  # type: ignore[name-defined]


def writes_a_file(pages: Any) -> Any:
    open(SECRET, "w").write("mine")  # type: ignore[name-defined]


def lists_a_folder(pages: Any) -> Any:
    import os

    return os.listdir("/")


def opens_its_pipe_again(pages: Any) -> Any:
    return open("/proc/self/fd/1", "w")


def writes_into_its_parent(pages: Any) -> Any:
    return open(f"/proc/{PARENT}/mem", "r+b")  # type: ignore[name-defined]


def imports_another_module(pages: Any) -> Any:
    import numpy as np

    return np


def opens_a_socket(pages: Any) -> Any:
    import socket

    return socket.socket()


def kills_its_parent(pages: Any) -> Any:
    import os

    os.kill(PARENT, 9)  # type: ignore[name-defined]


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
    starts_a_process: "ModuleNotFoundError|PermissionError",  # as it is loaded already, or not
    starts_one_of_pythons: "ModuleNotFoundError|PermissionError",
    starts_a_thread: "RuntimeError", reads_a_file: "PermissionError", reads_the_graders: "PermissionError",
    writes_a_file: "PermissionError", lists_a_folder: "PermissionError", opens_its_pipe_again: "PermissionError",
    writes_into_its_parent: "PermissionError", imports_another_module: "ModuleNotFoundError",
    opens_a_socket: "ModuleNotFoundError", kills_its_parent: "PermissionError", kills_its_group: "PermissionError",
    kills_all: "PermissionError", raises_its_limit: "ValueError", sleeps: "PermissionError",
}  # fmt: skip  # pairs


def calls_the_system(pages: Any) -> Any:
    """By the C library, without Python's own functions; the numbers of a failed call are -1, and 1: not permitted."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    calls = {
        "open": (b"/etc/passwd", 0), "socket inet": (2, 1, 0), "socket unix": (1, 1, 0), "socket raw": (2, 3, 1),
        "connect": (0, b"\2\0\0\0\0\0\0\0", 8), "socketpair": (1, 1, 0, b"\0" * 8), "fork": (), "vfork": (),
        "execve": (b"/bin/true", None, None), "kill": (PARENT, 0), "dup": (1,), "pipe": (b"\0" * 8,),  # type: ignore[name-defined]
        "unlink": (SECRET.encode(),), "ptrace": (16, PARENT, 0, 0), "prctl": (1, 0), "setsid": (),  # type: ignore[name-defined]
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


ENDED, NO_ANSWER = "its process ended: too much memory or time, or a crash", "its answer is not valid"


COMES_TO = {
    takes_memory: ("MemoryError", ""), takes_it_at_once: ("MemoryError", ""), exits: ("SystemExit", ""),
    is_interrupted: ("KeyboardInterrupt", "by itself"), raises_its_own: ("Odd", ""),
    raises_a_long_one: ("ValueError", "x" * 1000), ends_itself: ("ChildProcessError", ENDED),
    crashes: ("ChildProcessError", ENDED), floods: ("ValueError", NO_ANSWER), floods_lines: ("ValueError", NO_ANSWER),
    forges_a_verdict: ("ValueError", NO_ANSWER), answers_deeply: ("ValueError", NO_ANSWER),
    answers_a_long_number: ("ValueError", NO_ANSWER), answers_another_class: ("ValueError", NO_ANSWER),
    answers_half_a_page: ("ValueError", NO_ANSWER), has_other_json: ("ValueError", NO_ANSWER),
}  # fmt: skip  # pairs


def prints(pages: Any) -> Any:
    import sys

    print("x" * 10**6)
    sys.stderr.write("x")
    sys.__stdout__.write('{"value": 1}\n')
    return pages[0]


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
