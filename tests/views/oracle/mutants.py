"""Whether claims would find sentences that are false: each one that is heard is made false, and held again.

``python -m tests.views.oracle.mutants [LIVES]`` prints the mutants that no claim found in any sentence, and the rates.
A sentence is negated by saying what its opposite says, in words that are right and with the same values.  Words of a
template that are false are found by no claim: tests/views/test_words.py holds sides and negations that keys name.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import vmwidgets as vm
from vmwidgets.engine.base.journal import Operation
from vmwidgets.views.story.moment import Moment

from .claiming import CLAIMS, Claim, Court, Heard, Seen
from .court import held
from .pictured import Pictured
from .reading import PAGE, binary_size, bytes_of
from .steps import Gone, StepSeen

KINDS = ("swapped", "neighbour", "off by one", "negation", "plural", "name")
"""Placeholders that have each other's values; values of the event before or after of the same template; one more, or a
page; what the opposite says; one for many, and many for one; another name."""

TRIES = 40
"""So many sentences a mutant is tried in."""


class Mutant(NamedTuple):
    """A way to make the sentences of a template false."""

    key: str
    kind: str
    what: str


class Made(NamedTuple):
    """A sentence that is false, and the key of the template that says it."""

    kind: str
    what: str
    key: str
    sentence: str


def fields_of(claim: Claim, sentence: str) -> tuple[int, dict[str, str]] | None:
    """Which of the claim's forms a sentence is in, and what it has in its places."""
    for number, pattern in enumerate(claim.patterns):
        match = pattern.match(sentence)
        if match is not None:
            return number, match.groupdict()
    return None


def mutants_of(claim: Claim, sentence: str, beside: list[str]) -> Iterator[Made]:
    """What is made of a sentence, with those that the same template says `beside` it."""
    found = fields_of(claim, sentence)
    if found is None:
        return
    number, fields = found
    words = claim.words[number]
    for name, text in fields.items():
        for kind, what, other in changed(text):
            yield Made(kind, f"{name}: {what}", claim.key, words.format(**{**fields, name: other}))
        for other_name, theirs in fields.items():
            if name < other_name and text != theirs:
                swapped = {**fields, name: theirs, other_name: text}
                yield Made("swapped", f"{name} and {other_name}", claim.key, words.format(**swapped))
    for other in beside:
        yield from of_neighbour(claim, sentence, fields, words, other)
    known = {"count": "1", **fields}
    if len(claim.words) > 1 and places_of(claim.words[1 - number]) <= known.keys():
        yield Made("plural", "one for many", claim.key, claim.words[1 - number].format(**known))
    for key in opposites(claim.key):
        for form in CLAIMS[key].words:
            if places_of(form) <= known.keys() and ("count" in known or len(CLAIMS[key].words) == 1):
                yield Made("negation", key, key, form.format(**known))
                break


def of_neighbour(claim: Claim, sentence: str, fields: dict[str, str], words: str, other: str) -> Iterator[Made]:
    """The sentence of another event in the place of this one; and with one value of it."""
    theirs = fields_of(claim, other)
    if other == sentence or theirs is None:
        return
    yield Made("neighbour", "all", claim.key, other)
    differing = [name for name in fields if theirs[1].get(name, fields[name]) != fields[name]]
    for name in differing:
        mixed = words.format(**{**fields, name: theirs[1][name]})
        if mixed != other:
            yield Made("neighbour", name, claim.key, mixed)


def changed(text: str) -> Iterator[tuple[str, str, str]]:
    """A placeholder's text, made false in one way and another: which kind this is, and what it is now."""
    if re.fullmatch(r"0x[0-9a-f_]+", text):
        yield "off by one", "a page further", f"{int(text.replace('_', ''), 16) + PAGE:#x}"
    elif re.fullmatch(r"[0-9,]+", text):
        yield "off by one", "one more", f"{int(text.replace(',', '')) + 1:,}"
        if int(text.replace(",", "")) > 0:
            yield "off by one", "one less", f"{int(text.replace(',', '')) - 1:,}"
    elif re.fullmatch(r"[0-9,]+ [a-zA-Z ]+", text):
        number, _, unit = text.partition(" ")
        more = int(number.replace(",", "")) + 1
        if unit in ("B", "KiB", "MiB", "GiB"):
            yield "off by one", "a page more", binary_size(bytes_of(text) + PAGE)
        else:
            yield "off by one", "one more", f"{more:,} {unit}"
    elif re.fullmatch(r"0x[0-9a-f_]+–0x[0-9a-f_]+", text):
        first, last = (int(end.replace("_", ""), 16) for end in text.split("–"))
        yield "off by one", "a page further", f"{first + PAGE:#x}–{last + PAGE:#x}"
    elif " " not in text:
        yield "name", "another name", f"{text}2"


# ---- opposites -----------------------------------------------------------------------------------

NEGATIONS = re.compile(
    r"\b(no|not|none|nothing|never|nowhere|without|already|can't|cannot|refused|lost)\b", re.IGNORECASE
)
PAIRS = (
    ("left", "right"), ("red", "black"), ("low", "high"), ("up", "down"), ("previous", "next"), ("prev", "next"),
    ("hit", "walked"), ("hit", "miss"), ("in", "out"), ("dirty", "referenced"), ("swap", "file"), ("before", "after"),
    ("bypassed", "collapsed"), ("took before", "took after"), ("reached", "fault"), ("taken", "given"),
    ("share", "copy"), ("table", "leaf"), ("memory", "swap"), ("returned", "failed"), ("lock", "wakeup"),
    ("grew", "shrank"), ("used", "forbidden"), ("timeout", "wakeup"), ("got object", "gave object"),
)  # fmt: skip  # a table
"""Ends of keys whose sentences say the opposite of each other."""


@cache
def opposites(key: str) -> tuple[str, ...]:
    """The keys of templates of the same event or operation that say the opposite, or one with "not" in it."""
    stem, _, end = key.partition("/")
    denied = is_negated(key)
    return tuple(
        other
        for other in sorted(CLAIMS)
        if other != key
        and other.partition("/")[0] == stem
        and (is_negated(other) != denied or are_opposite(end, other.partition("/")[2]))
    )


def is_negated(key: str) -> bool:
    """Whether the words of a template have a "not" in them."""
    return NEGATIONS.search(re.sub(r"\{\w+\}", "", CLAIMS[key].words[-1])) is not None


def are_opposite(one: str, other: str) -> bool:
    """Whether the ends of two keys are alike, but for a pair."""
    return one != other and any(
        other in (re.sub(rf"\b{left}\b", right, one), re.sub(rf"\b{right}\b", left, one)) for left, right in PAIRS
    )


def places_of(words: str) -> set[str]:
    """The names of placeholders."""
    return set(re.findall(r"\{(\w+)\}", words))


# ---- doubting ------------------------------------------------------------------------------------


class Doubter(Court):
    """Holds each sentence as it is, and then made false."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: Counter[Mutant] = Counter()
        self.found: Counter[Mutant] = Counter()
        self._said: list[tuple[str, str]] = []
        """All sentences of what is held just now, by the keys of their templates."""
        self._last: dict[str, str] = {}
        """The sentence of each template that was held last."""

    def _hear_headline(self, machine: vm.Machine, moment: Moment, heard: list[Heard]) -> None:
        self._said = [*heard]
        super()._hear_headline(machine, moment, heard)

    def see(self, pictured: Pictured, said: list[tuple[str, str]]) -> None:
        self._said = said
        super().see(pictured, said)

    def _hold(self, one: Heard, seen: Seen | StepSeen | Pictured, text: str, operation: Operation | None) -> None:
        met, wrong = self.met[one.key], len(self.wrong)
        super()._hold(one, seen, text, operation)
        if one.key in CLAIMS and self.met[one.key] > met and len(self.wrong) == wrong:
            self._doubt(one, seen)
            self._last[one.key] = one.sentence

    def _doubt(self, one: Heard, seen: Seen | StepSeen | Pictured) -> None:
        """Make it false in each way that was not found yet."""
        said = {key for key, _ in self._said}
        for made in mutants_of(CLAIMS[one.key], one.sentence, self._beside(one)):
            mutant = Mutant(one.key, made.kind, made.what)
            is_true = made.key != one.key and made.key in said
            if is_true or self.found[mutant] or self.tried[mutant] >= TRIES:
                continue
            self.tried[mutant] += 1
            self.found[mutant] += is_found(made, seen)

    def _beside(self, one: Heard) -> list[str]:
        """What the same template says of the events before and after, or else said last."""
        alike = [sentence for key, sentence in self._said if key == one.key]
        at = alike.index(one.sentence) if one.sentence in alike else 0
        return [*alike[max(0, at - 1) : at], *alike[at + 1 : at + 2]] or [*filter(None, [self._last.get(one.key)])]

    def rates(self) -> dict[str, tuple[int, int]]:
        """Of each kind, how many mutants were found, and how many were tried."""
        tried = Counter(mutant.kind for mutant in self.tried)
        found = Counter(mutant.kind for mutant in self.tried if self.found[mutant])
        return {kind: (found[kind], tried[kind]) for kind in KINDS}

    def left(self) -> list[Mutant]:
        """The mutants that no claim found."""
        return sorted(mutant for mutant in self.tried if not self.found[mutant])


def is_found(made: Made, seen: Seen | StepSeen | Pictured) -> bool:
    """Whether its claim does not hold; what can't be looked at any more is not found."""
    claim = CLAIMS[made.key]
    offered, read = set(claim.offered), set(claim.read)
    try:
        claim.hold(seen, made.sentence)
    except Gone:
        return False
    except Exception:  # noqa: BLE001  # whatever it is, the sentence is not held
        return True
    finally:
        claim.offered, claim.read = offered, read
    return False


def doubted(lives: int) -> Doubter:
    """The sentences of so many lives of each kind, made false."""
    doubter = Doubter()
    for seed in range(lives):
        held(doubter, ("x86-64", "armv7", "aarch64", "riscv-sv39")[seed % 4], seed)
    return doubter


def doubted_in(lives: Iterable[Iterable[vm.Machine]]) -> Doubter:
    """The sentences of these lives, made false."""
    doubter = Doubter()
    for life in lives:
        for machine in life:
            doubter.hear(machine)
    return doubter


def main(lives: int) -> None:
    """Doubt, and print what was not found."""
    doubter = doubted(lives)
    for mutant in doubter.left():
        print(f"not found: {mutant.key}: {mutant.kind}: {mutant.what} ({doubter.tried[mutant]} times)")
    for kind, (found, tried) in doubter.rates().items():
        print(f"{kind}: {found:,} of {tried:,} found ({found / max(1, tried):.0%})")
    print(*doubter.wrong, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
