"""A function is kept as text that makes it again, with all that it uses, or not at all and it says why."""

from __future__ import annotations

import collections
import functools
import math
import random
from collections import Counter
from collections.abc import Callable
from math import inf
from types import FunctionType
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.functions import MOST_SOURCE
from vmwidgets.labs.work import packed

from .solutions import run


def made(source: str, name: str = "mine", **names: Any) -> Any:
    """A function of a notebook's cell."""
    found = {**names}
    run(source, found)
    return found[name]


def again(function: Callable[..., Any]) -> Any:
    """The function, made from what is kept of it and nothing else."""
    work = packed(function)
    assert "why" not in work, work
    names: dict[str, Any] = {}
    exec(work["source"], names)
    return names[work["function"]]


def why(function: Callable[..., Any]) -> str:
    work = packed(function)
    assert set(work) == {"kind", "why"}
    assert work["kind"] == "nothing"
    assert "\n" not in work["why"]
    return str(work["why"])


few, many, words = 3, [1, 2], {"a": (1, 2.5, None), "b": {True, False}}
other = many
never: object = object()


def shared(value: int) -> int:
    return value + few


def twice(value: int) -> int:
    return 2 * shared(value)


def even(value: int) -> bool:
    return value == 0 or odd(value - 1)


def odd(value: int) -> bool:
    return value != 0 and even(value - 1)


def test_what_it_calls_is_kept_too() -> None:
    def mine(value: int) -> int:
        return twice(value) + many[0]

    assert again(mine)(4) == mine(4) == 15
    assert again(even)(10)


def itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def test_a_lambda_is_kept_wherever_it_is() -> None:
    work = packed(itself(lambda pages: min(pages, key=lambda page: page + few)))
    assert (work["name"], work["function"]) == ("<lambda>", "chosen")
    assert work["source"] == "few = 3\nchosen = (lambda pages: min(pages, key=lambda page: page + few))\n"
    several = itself(
        lambda pages: max(
            pages,
            key=lambda page: page + few,
        )
    )
    assert again(several)([4, 9, 2]) == 9
    first, second = made("two = (lambda p: p[0]), (lambda p, key=lambda q: q: p[1])", "two")
    assert (again(first)("ab"), again(second)("ab")) == ("a", "b")


def test_two_lambdas_in_a_line_that_look_alike_are_refused() -> None:
    first, _second = made("two = (lambda p: p + 1), (lambda p: p - 1)", "two")
    assert "alone in its line" in why(first)


def test_variables_of_functions_around_it_are_kept() -> None:
    def around(number: int, memory: list[int]) -> Callable[[int], int]:
        def mine(value: int) -> int:
            memory.append(value)
            return number + len(memory)

        return mine

    mine = around(5, [7])
    copy = again(mine)
    assert [copy(0), copy(0)] == [7, 8] == [mine(0), mine(0)]


def test_data_is_as_it_is_now() -> None:
    seen: list[int] = []

    def mine(value: int, memory: list[int] = [], *, key: int = few) -> Any:  # noqa: B006  a learner's
        memory.append(value)
        seen.append(value)
        mine.calls += 1  # type: ignore[attr-defined]
        return list(memory), list(seen), mine.calls, key  # type: ignore[attr-defined]

    mine.calls = 0  # type: ignore[attr-defined]
    mine(1)
    assert again(mine)(2) == ([1, 2], [1, 2], 2, 3)
    assert again(mine)(2) == ([1, 2], [1, 2], 2, 3), "and what is made of it changes nothing here"


def test_one_list_by_two_names_is_one_list() -> None:
    def mine(value: int) -> Any:
        many.append(value)
        return len(other)

    copy = again(mine)
    assert (copy(1), copy(1)) == (3, 4)
    assert len(many) == 2


def test_all_plain_data_is_kept() -> None:
    odd_ones = (inf, -inf, 1 << 5000, b"x", range(3), "two\n'\"words\ud800", frozenset({1}), set(), (1,), ())

    def mine() -> Any:
        return words, odd_ones

    assert again(mine)() == mine()
    nothing = math.nan
    assert math.isnan(again(lambda: nothing)())


def test_collections_are_kept_with_what_they_remember() -> None:
    """A count, a queue of three, sets by page and an order: what policies are written with."""
    source = """
from collections import Counter, OrderedDict, defaultdict, deque
counts, order = Counter("aab"), OrderedDict(b=1, a=2)
recent, by_page, open_ = deque([1, 2, 3, 4], 3), defaultdict(set, {1: {2}}), defaultdict(None, x=deque())
def mine(page):
    counts[page] += 1
    recent.append(page)
    by_page[page].add(0)
    order.move_to_end("b")
    return counts, recent, recent.maxlen, by_page, by_page.default_factory, list(order), open_
"""
    mine = made(source)
    copy = again(mine)
    assert copy("a") == mine("a")
    assert copy("a")[0]["a"] == 4
    assert copy("a")[1:3] == (collections.deque("aaa"), 3)


def test_numbers_of_the_package_are_kept_under_their_names() -> None:
    names: dict[str, Any] = {"vm": vm, "sheet": lab.practice("11/policy", 1), "at": vm.Address(0x1000)}
    source = """
def inner(pages):
    return vm.KIB + sheet.given.frames.bit_length()
def mine(pages):
    return vm.PAGE, vm.PAGE.bit_length(), sheet.given.frames, sheet.of, inner(pages), at
"""
    mine = made(source, **names)
    frames = lab.practice("11/policy", 1).given.frames  # type: ignore[attr-defined]  # the exercise's own
    bits = frames.bit_length()
    assert again(mine)(()) == mine(()) == (4096, 13, frames, "practice 1", 1024 + bits, 0x1000)
    text = packed(mine)["source"]
    assert text.count("class vm: pass") == 1
    assert text.count("sheet.given.frames = ") == 1


def test_what_an_annotation_names_is_not_used() -> None:
    source = """
def mine(pages: list[vm.Nothing], size: vm.Size = 3) -> vm.Other:
    large: vm.Address = vm.PAGE
    return large + size
"""
    assert again(made(source, vm=vm))(()) == 4099


def test_modules_and_what_is_in_them() -> None:
    smallest = min

    def mine(value: float) -> Any:
        from itertools import count

        return math.floor(value), Counter("aa"), smallest(1, 2), next(count(4)), random.choice([3]), functools.reduce

    assert again(mine)(2.5)[:5] == (2, {"a": 2}, 1, 4, 3)


def test_annotations_need_nothing() -> None:
    mine = made("def mine(pages: list[vm.Nothing]) -> Any:\n    return pages[0]", vm=vm, Any=Any)
    work = packed(mine)
    assert "import" not in work["source"]
    assert "why" not in work


def test_the_text_of_a_nested_function_stays_as_it_is() -> None:
    """With a text of several lines in it, which would change if the function was moved to the left."""

    def mine() -> str:
        return """
    x
"""

    assert again(mine)() == mine()


REFUSED = {
    "an object": ("def mine(pages):\n    return never", "`never` is or holds an object: use numbers"),
    "in a list": ("def mine(pages):\n    return held", "`held` is or holds an object"),
    "another module": ("import os\ndef mine(pages):\n    return os.sep", "`os` is the module os: functions"),
    "the whole package": ("def mine(pages):\n    return vm", "`vm` is a module, and is used as a whole"),
    "a call of it": ("def mine(pages):\n    return vm.boot()", "`vm.boot` is or holds a function: use numbers"),
    "a part that is not there": ("def mine(pages):\n    return vm.PAGES", "`vm.PAGES` is used, but does not exist"),
    "a factory": (
        "import collections\nheld = collections.defaultdict(lambda: 3)\ndef mine(pages):\n    return held[0]",
        "`held` makes missing values by a function: use int",
    ),
    "an import": ("def mine(pages):\n    import os.path", "`mine` imports os.path: functions are"),
    "in a lambda in it": ("def mine(pages):\n    return max(pages, key=lambda page: never)", "`never`"),
    "a decorator": ("@same\ndef mine(pages):\n    pass", "`mine` has a decorator: remove it"),
    "a wrapper": (
        "def deco(f):\n    def mine(p): return f(p)\n    return mine\n@deco\ndef mine(p): pass",
        "`mine` has a decorator",
    ),
    "another wrapper": ("def deco(f):\n    return lambda p: f(p)\n@deco\ndef mine(p): pass", "`mine` has a decorator"),
    "a class": ("class Kept: pass\ndef mine(pages):\n    return Kept", "`Kept` is or holds a type"),
    "nonlocal": (
        "def around():\n    n = 0\n    def mine(p):\n        nonlocal n; n = 1\n    return mine\nmine = around()",
        "`mine` can't be kept alone: no binding for nonlocal 'n' found",
    ),
    "itself in itself": ("held = []\nheld.append(held)\ndef mine(pages):\n    return held", "also used elsewhere"),
    "a row twice": ("held = [[0]] * 2\ndef mine(pages):\n    return held", "`held` holds a list that is also used"),
    "deep": (
        "held = ()\nfor _ in range(100_000):\n    held = (held,)\ndef mine(pages):\n    return held",
        "`held` is nested too deeply",
    ),
    "much": ("held = [0] * 20_000\ndef mine(pages):\n    return held", "`held` has more than 10,000 items"),
    "long": (f"held = 'x' * {MOST_SOURCE}\ndef mine(pages):\n    return held", "characters, more than 100,000"),
    "a long number": ("held = 1 << 20_000\ndef mine(pages):\n    return held", "`held` is or holds a number of 20001"),
    "an attribute": ("def mine(pages): pass\nmine.x = never", "`mine.x` is or holds an object"),
    "a default": ("def mine(pages, x=never): pass", "`never` is or holds an object"),
    "by hand": ("def mine(pages): return mine(pages)\nfirst, mine = mine, 5", "`mine` means two things"),
}  # fmt: skip  # pairs


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_kept_is_named(name: str) -> None:
    source, sentence = REFUSED[name]
    names = {"never": never, "held": [never], "vm": vm, "same": lambda function: function}
    function = made(source, "first" if "first" in source else "mine", **names)
    assert isinstance(function, FunctionType)
    assert sentence in why(function)


def test_a_function_without_a_source_is_refused() -> None:
    names: dict[str, Any] = {}
    exec("def mine(pages): pass", names)
    assert why(names["mine"]).startswith("the source of `mine` can't be found: write it")


def test_the_work_is_what_it_was_before_the_check() -> None:
    calls: list[int] = []

    def mine(pages: Any) -> Any:
        calls.append(1)
        return pages[0]

    result = lab.check(lab.practice("11/policy", 1), mine)
    assert calls
    assert "calls = []\n" in result.work["source"]
