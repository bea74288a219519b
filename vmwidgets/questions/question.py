"""A question with its answer, and kinds, which draw questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from operator import attrgetter
from typing import Any, TypeVar

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address
from vmwidgets.labs.answers import base_asked, number_in
from vmwidgets.labs.draws import Draws
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Caption, Scene

T = TypeVar("T")

CHOICE, NUMBER, ADDRESS, TEXT = "choice", "number", "address", "text"
"""The forms of answers."""

GRADES = {1: "easy", 2: "medium", 3: "hard"}
"""The grades of kinds of question; the number is also the points."""

MOST_TRIES = 1000
"""The most times that a kind draws until a question is good."""

MOST_WRONG = 4
"""The most wrong options of a question."""


class Again(Exception):
    """Raised if the drawn numbers make no good question: draw others."""


@frozen(slots=False)
class Question:
    """A question on paper; its texts use a small part of Markdown (see :mod:`.markup`).

    `answer` is in the form that the key prints; with `options`, it is one of them, and no other option is right.
    `why` explains it, with the kernel's function or the manual's section, and `mistakes` explains how a student arrives
    at each wrong option.  `rules` are paragraphs that other questions need too: a paper prints each once.  `figure`
    draws the subject, `solution` the key's figure; they draw when they are called.
    """

    text: str
    answer: str
    why: str
    form: str = CHOICE
    options: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    mistakes: Mapping[str, str] = field(default_factory=dict, compare=False)
    figure: Callable[[], Scene] | None = field(default=None, compare=False)
    solution: Callable[[], Scene] | None = field(default=None, compare=False)
    id: str = ""
    grade: int = 0

    @property
    def accepted(self) -> tuple[str, ...]:
        """All spellings of the answer that a machine should accept, ignoring case.

        An address may have 8 or 16 digits, as descriptors are printed; underscores and 0x may be left out.  A number is
        a value in any base with its prefix, unless the text asks for a base.

        >>> Question("Where?", "0x40_1000", "", ADDRESS).accepted[:6]
        ('0x40_1000', '0x401000', '40_1000', '401000', '0x0040_1000', '0x00401000')
        >>> Question("How many?", "12", "", NUMBER).accepted
        ('12', '0xc', '0x0000_000c', '0x0000000c', '0x0000_0000_0000_000c', '0x000000000000000c', '0b1100')
        >>> Question("How many? Write it in decimal digits.", "12", "", NUMBER).accepted
        ('12',)
        """
        if self.form == ADDRESS:
            return _in_hexadecimal(int(self.answer.replace("_", ""), 16), "0x", "")
        value = number_in(self.answer) if self.form == NUMBER and not base_asked(self.text) else None
        others = () if value is None or value < 0 else (f"{value}", *_in_hexadecimal(value, "0x"), f"{value:#b}")
        bare = _in_hexadecimal(value or 0, "") if others and re.match("0x.*[a-f]", self.answer) else ()
        return tuple(dict.fromkeys([self.answer, self.answer.replace("_", ""), *others, *bare]))

    @property
    def whole(self) -> str:
        r"""The rules and the text: everything for a student who sees only this question.

        >>> Question("How many?", "2", "", rules=("A page has 4 KiB.",)).whole
        'A page has 4 KiB.\n\nHow many?'
        """
        return "\n\n".join((*self.rules, self.text))

    @property
    def wrong(self) -> list[tuple[str, str]]:
        """Letter and mistake of each wrong option.

        >>> Question("2 + 2?", "4", "", options=("4", "22"), mistakes={"22": "the digits were put together"}).wrong
        [('B', 'the digits were put together')]
        """
        lettered = zip(LETTERS, self.options, strict=False)
        return [(letter, self.mistakes[one]) for letter, one in lettered if one != self.answer]

    @property
    def letter(self) -> str:
        """The letter of the right option; "" without options."""
        return LETTERS[self.options.index(self.answer)] if self.options else ""


LETTERS = "ABCDE"

WIDTHS = 8, 16
"""The digits of descriptors and addresses of 32 and 64 bits."""


def _in_hexadecimal(value: int, *prefixes: str) -> tuple[str, ...]:
    """Return the spellings of a number in hexadecimal."""
    digits = dict.fromkeys([f"{value:x}", *(f"{value:0{width}x}" for width in WIDTHS)])
    return tuple(
        f"{prefix}{body}" for one in digits for prefix in prefixes for body in dict.fromkeys([_grouped(one), one])
    )


def _grouped(digits: str) -> str:
    """Return digits with an underscore before each four from the right."""
    first = len(digits) % 4
    return "_".join(part for part in (digits[:first], *re.findall("....", digits[first:])) if part)


@frozen(slots=False)
class Kind:
    """One kind of question: its name, for example "walk/index", its grade, its subject, and its function.

    If there are `values`, the draws choose one of them, each equally likely, and then a question for which `of` returns
    it.  So a rare answer is right as often as the others.
    """

    name: str
    grade: int
    about: str
    make: Callable[[Draws], Question]
    values: Sequence[Any] = ()
    of: Callable[[Question], Any] = attrgetter("answer")

    def drawn(self, draws: Draws) -> Question:
        """Return the first good question from the draws."""
        for _ in range(MOST_TRIES):
            with suppress(Again):
                found = evenly(draws, self.make, self.of, self.values) if self.values else self.make(draws)
                return replace(found, id=self.name, grade=self.grade)
        raise AssertionError(f"{self.name}: no good question in {MOST_TRIES} draws")


# ---- what kinds are made with ----------------------------------------------------------------------


def options_of(draws: Draws, right: str, wrong: Iterable[str]) -> tuple[str, ...]:
    """Return four or five options in any order: the right option, and the first wrong options that are different.

    Raises :class:`Again` if there are fewer than three wrong options.
    """
    others = [one for one in dict.fromkeys(wrong) if one != right][:MOST_WRONG]
    if len(others) < 3:
        raise Again
    return tuple(draws.shuffled([right, *others]))


def options_around(draws: Draws, right: int, wrong: Iterable[int], said: Callable[[int], str]) -> tuple[str, ...]:
    """Return options that are numbers; if possible, a draw decides how many wrong options are below the right option.

    If all wrong options were smaller, the right option would obviously be the largest.

    >>> options = options_around(Draws("doc"), 5, [1, 2, 3, 4, 6, 7, 8, 9], str)
    >>> len(options), "5" in options
    (5, True)
    """
    others = list(dict.fromkeys(one for one in wrong if said(one) != said(right)))
    less = draws.shuffled([one for one in others if one < right])
    greater = draws.shuffled([one for one in others if one > right])
    low = draws.between(min(len(less), max(0, MOST_WRONG - len(greater))), min(len(less), MOST_WRONG))
    return options_of(draws, said(right), map(said, [*less[:low], *greater[: MOST_WRONG - low]]))


def numbers_around(draws: Draws, right: int, wrong: Mapping[int, str], said: Callable[[int], str]) -> dict[str, Any]:
    """Return a question's `options` and `mistakes`: `wrong` explains each wrong number; if two look alike, the first.

    Numbers below 1 are left out.

    >>> numbers_around(Draws("doc"), 5, {3: "two were forgotten", 4: "one was", 6: "one was added", 0: "no"}, str)
    {'options': ('4', '5', '6', '3'), 'mistakes': {'6': 'one was added', '4': 'one was', '3': 'two were forgotten'}}
    """
    others = {one: why for one, why in wrong.items() if one > 0}
    mistakes = {said(one): why for one, why in reversed(others.items())}
    return {"options": options_around(draws, right, others, said), "mistakes": mistakes}


def evenly(
    draws: Draws, make: Callable[[Draws], Question], of: Callable[[Question], T], values: Sequence[T]
) -> Question:
    """Return a question from `make` for which `of` returns one of `values`, each equally likely, even a rare one.

    Raises :class:`Again` if the chosen value does not occur.
    """
    wanted = draws.choice(values)
    for _ in range(MOST_TRIES):
        with suppress(Again):
            found = make(draws)
            if of(found) == wanted:
                return found
    raise Again


def rank(question: Question) -> int:
    """Return the rank of the right option among all, by the first number in each."""
    numbers = {
        one: int(re.findall(r"0x[0-9a-f_]+|[0-9][0-9,]*", one)[0].replace(",", ""), 0) for one in question.options
    }
    return sorted(numbers.values()).index(numbers[question.answer])


def likeness(question: Question) -> int:
    """Return how many wrong options share more words with the other options than the right option does."""
    words = {option: set(enumerate(re.findall(r"\w+", option))) for option in question.options}
    like = {
        option: sum(len(words[option] & others) / len(words[option] | others) for others in words.values())
        for option in question.options
    }
    return sum(one > like[question.answer] for one in like.values())


def address(value: int) -> str:
    """Return an address in our usual form.

    >>> address(0x401000)
    '0x40_1000'
    """
    return str(Address(value))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown.

    >>> print(table(["page", "frame"], [["0", "`0x5`"]]))
    | page | frame |
    |---|---|
    | 0 | `0x5` |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line[0] != "---" else f"|{'|'.join(line)}|" for line in lines)


def listed(values: Iterable[object]) -> str:
    """Return values as code, in one line.

    >>> listed(["a", "b"])
    '`a`, `b`'
    """
    return ", ".join(f"`{value}`" for value in values)


def drawing(picture: Picture, title: str) -> Scene:
    """Return the picture below a neutral title, without captions and notes."""
    return replace(picture.scene(), title=title, subtitle="", caption=Caption(""), notes=())


def distinct(draws: Draws, count: int, first: int, last: int) -> list[int]:
    """Return `count` different whole numbers from `first` to `last`, in any order; O(count) if there are many more.

    >>> len(set(distinct(Draws("doc"), 3, 1, 1 << 20)))
    3
    """
    found: dict[int, None] = {}
    while len(found) < count:
        found[draws.between(first, last)] = None
    return list(found)
