"""A function finds nothing of the computer that it runs on: no folder, no name, no variable, wherever it looks."""

# ruff: noqa: F821  students' code; names in capitals are defined before it

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets
from vmwidgets.grading.judge import judged
from vmwidgets.grading.sandbox.asking import running

from .test_sandbox import PAGES, given, said, work

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="functions run on Linux only")

SECRETS = (
    str(Path(vmwidgets.__file__).parent.parent), str(Path(os.__file__).parent), sys.prefix, sys.executable,
    str(Path.home()),
)  # fmt: skip  # one list
"""Folders of this computer."""


def looks_everywhere(pages: Any) -> Any:
    import gc
    import sys

    found = []
    secrets = [word[::-1] for word in BACKWARDS]  # type: ignore[name-defined]
    mine = {id(secrets), *map(id, secrets)}
    frame = sys._getframe()
    codes = []
    while frame:
        codes.append(frame.f_code)
        frame = frame.f_back
    left = [*gc.get_objects(), *codes]
    while left:
        one = left.pop()
        if id(one) in mine:
            continue
        mine.add(id(one))
        if isinstance(one, type(looks_everywhere.__code__)):
            left += [one.co_filename, *one.co_consts]
        elif isinstance(one, (str, bytes)):
            text = one if isinstance(one, str) else one.decode("latin-1")
            found += [text for secret in secrets if secret in text]
        else:
            left += gc.get_referents(one)
    return found


def looks_in_sys(pages: Any) -> Any:
    import sys

    return [sys.path, sys.prefix, sys.base_prefix, sys.executable, sys.argv, sys.orig_argv, [*sys.path_importer_cache]]


def looks_at_modules(pages: Any) -> Any:
    import sys

    return [getattr(one, name, None) for one in sys.modules.values() for name in ("__file__", "__cached__", "__path__")]


def looks_at_code(pages: Any) -> Any:
    import statistics

    try:
        statistics.mean([])
    except statistics.StatisticsError as error:
        return error.__traceback__.tb_next.tb_frame.f_code.co_filename


def looks_at_variables(pages: Any) -> Any:
    import os

    return [*os.environ.items(), *os.environb.items()]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with a secret in it."""
    monkeypatch.setenv("HOME", str(Path.home()))


@pytest.mark.usefixtures("home")
def test_no_object_holds_a_folder_or_a_name_of_the_computer() -> None:
    assert given(looks_everywhere, BACKWARDS=[secret[::-1] for secret in SECRETS]) == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("look", [looks_in_sys, looks_at_modules, looks_at_code, looks_at_variables])
def test_what_python_usually_tells_is_empty(look: Callable[..., Any]) -> None:
    found = repr(given(look))
    assert [secret for secret in SECRETS if secret in found] == []


def asks_for_the_folder(pages: Any) -> Any:
    import os

    os.getcwd()  # noqa: PTH109


def asks_for_the_computer(pages: Any) -> Any:
    import os

    os.uname()


def asks_for_the_user(pages: Any) -> Any:
    import pwd

    pwd.getpwuid(0)


@pytest.mark.parametrize(
    ("ask", "raised"),
    [
        (asks_for_the_folder, ["PermissionError"]),
        (asks_for_the_computer, ["PermissionError"]),
        (asks_for_the_user, ["KeyError", "PermissionError", "ModuleNotFoundError"]),
    ],
)
def test_the_system_tells_nothing(ask: Callable[..., Any], raised: list[str]) -> None:
    assert said(ask)[0] in raised


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        ("no frame is free", "no frame is free"),
        ("first\nsecond", "first"),
        ("\n  first\nsecond", "first"),
        ("no file /home/prof/lab/key.py, so stop", "no file (a path), so stop"),
        ("in '/usr/lib/x' and \"C:\\Users\\prof\\x.py\"", "in '(a path)' and \"(a path)\""),
        ("~/a/b or /etc/passwd", "(a path) or (a path)"),
        ("read/write, 3/4, a // b, and/or", "read/write, 3/4, a // b, and/or"),
    ],
)
def test_an_exception_says_its_first_line_without_paths(raised: str, shown: str) -> None:
    source = f"def fails(pages):\n    raise ValueError({raised!r})"
    with running({"name": "fails", "source": source}) as asked, pytest.raises(Exception) as error:  # noqa: PT011  its class has that name only
        asked(PAGES)
    assert str(error.value) == shown
    result = judged("11/policy", "default", {"kind": "function", "name": "fails", "source": source})
    assert "prof" not in repr(result)


def test_a_source_that_raises_says_its_first_line_without_paths() -> None:
    result = judged("11/policy", "default", work(looks_in_sys) | {"source": "raise ValueError('/home/prof/a\\nb')"})
    assert result["problem"] == "its source does not define a function: ValueError: (a path)"
