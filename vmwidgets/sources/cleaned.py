"""A text without the additions of terminals, logs, mails and web pages; whatever is removed is counted.

Lines keep their numbers, unless line ends were lost.  Only the beginnings and ends of lines are removed, and only if
enough lines have them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.units import counted

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
"""Colours, cursor movements and window titles (ECMA-48, 5.4 and 5.6)."""

_TAGS = re.compile(r"</?(?:pre|code|span|div|font|blockquote|table|tbody|tr|td|html|body)(?: [^<>\n]{0,200})?/?>")
_BREAKS = re.compile(r"<br ?/?>(?:\r?\n)?", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))

_DASHES = {0x200B: None, 0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2212: "-"}
"""What editors and mails write for a hyphen, and a space of no width."""

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_DAY = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]|[0-9]{2}-[0-9]{2} |[A-Z][a-z]{2} [ 0-9][0-9] )"
_HOST, _TAG = r"[A-Za-z0-9]\S{0,63}", r"[A-Za-z][^\s:(\[]{0,63}"
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|EMERG)\b"


_STAMP = (
    rf"{_DAY}{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"  # ISO 8601, syslog, logcat; then who wrote the line
    rf"(?: {_HOST} (?:kernel|{_TAG}\[[0-9]+\]):| +[0-9]+ +[0-9]+ [VDIWEFA] [^:\n]{{1,64}}:)?"
    rf"|[A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK} {_HOST} {_TAG}(?:\[[0-9]+\])?:"
    rf"|(?:[0-9]{{2}}-[0-9]{{2}} {_CLOCK} )?[VDIWEFA]/[^(\n]{{1,64}}\( *[0-9]+\):"
    rf"|[IWEF][0-9]{{4}} {_CLOCK} [^\]\n]{{1,60}}\]"  # klog
    rf"|(?:<[0-9]{{1,3}}>)?\[(?:[^\[\]\n]{{0,40}}{_CLOCK}| *[0-9]{{1,8}}\.[0-9]{{1,9}})(?: [^\]\n]{{0,60}})?\]:?"
)
_SURE = re.compile(rf"[ \t]*(?:(?:{_STAMP})(?: ?\[ *[TC][0-9]+\]:?)?[ \t]?){{1,4}}")
"""A stamp that no line of a kernel begins with: it goes from any line."""

_OF_LOGS = (
    ("stamps", re.compile(rf"[ \t]*{_CLOCK}(?:[ \t]|$)")),
    (
        "names",
        re.compile(rf"[ \t]*(?:std(?:out|err) [FP]|\[pod/[\w./-]{{1,120}}\]|\[{_LEVEL}\s*\]:?|{_LEVEL}:?)(?:[ \t]|$)"),
    ),
    ("names", re.compile(r"[ \t]*(?![0-9a-fA-F]+[ \t])[A-Za-z][\w.-]{0,60} *\|(?![|-])(?:[ \t]|$)")),
    ("quotes", re.compile(r"(?:[ \t]?(?:> ?)+|[ \t]*[|│](?![|│-])(?! {1,9}[|│]) ?)")),
)
"""What goes where more than half of the lines have it: its name in :data:`_NOUNS`, and its shape."""

_NUMBERED = re.compile(r"[ \t]*([0-9]{1,7})(?:[:|.)][ \t]?|[ \t]+)(?=\S|$)")
_TREE = re.compile(r"^[ \t]*[|│](?:[|│]|[-─])")
"""Bars that are a part of the output, such as the levels of a page table."""

_STRINGS = re.compile(r"""[ \t]*["'“”`](?P<rest>.*?)(?:\\n)?["'“”`],?[ \t]*$""")
_FENCE = re.compile(r"[ \t]*(```|~~~)[A-Za-z0-9_+-]*[ \t]*")

_BEGINS = re.compile(
    r"(?<=[^\s.])[ \t]{1,40}(?=(?:\.\.[ \t]{0,4}){1,5}(?:0x[0-9a-f]{1,16}|[0-9]{1,3})[ \t]?: pte )"
    r"|(?<=\S)(?<!unexpected)[ \t]{1,40}(?="
    r"page table (?:0x)?[0-9a-f]{6}|va (?:0x)?[0-9a-f]{1,16} pte |[0-9a-f]{16} [0-9a-f]{16} [0-9a-f]{16} [r-][w-][x-]"
    r"|[0-9a-f]{6,16}-[0-9a-f]{6,16} [r-][w-][x-][ps-] [0-9a-f]{6}"
    r"|---\[ [A-Za-z]|0x[0-9a-f]{8,16}-0x[0-9a-f]{8,16} +[0-9]{1,9}[KMGTPE] "
    r"|(?:usertrap|kerneltrap)\(\)|scause[ =]|sepc=|panic: |(?:<[0-9]>)?\[ *[0-9]{1,8}\.[0-9]{6}\] )",
    re.IGNORECASE | re.ASCII,
)
"""The text before words that a kernel writes at the left, or after blanks."""

_RANGE = re.compile(r"[0-9a-f]{6,16}-[0-9a-f]{6,16} [r-][w-][x-][ps-] [0-9a-f]{6}", re.ASCII)
"""The beginning of a range, which no file's name has: two in a line are enough."""

_OF_A_TRAP = re.compile(r"(?:usertrap|kerneltrap)\(\)|scause[ =]|sepc=|panic: ", re.IGNORECASE)

LOST = 3
"""The least number of beginnings within a line that has lost its line ends: a second hart causes only one or two."""

ENOUGH = 3
"""The number of lines that must begin with numbers for these to count as line numbers."""


@frozen(slots=False)
class Cleaned:
    """The lines of a text without additions, and how many additions of each kind were removed."""

    lines: list[str]
    taken: Counter[str]
    source: str
    """The name of the text in a sentence."""
    whole: str
    """The original text."""
    is_ended: bool
    """Whether the text ends with the end of a line: otherwise its last word may be cut off."""

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines) + "\n" * self.is_ended

    @property
    def lost(self) -> list[str]:
        """A sentence about line ends that were lost, if any were."""
        ends, lines = self.taken["ends"], counted(len(self.lines), "line")
        of = f"The text has lost {counted(ends, 'line end')}"
        return [f"{of}: it is read as {lines}, and lines are numbered so."] if ends else []

    @property
    def said(self) -> list[str]:
        """Return each kind of removed addition with its number, as parts of a sentence."""
        return [counted(count, *nouns) for name, nouns in _NOUNS.items() if (count := self.taken[name])]


_NOUNS = {
    "stamps": ("time stamp",),
    "names": ("name before a line", "names before lines"),
    "colours": ("colour or cursor movement", "colours and cursor movements"),
    "numbers": ("line number",),
    "quotes": ("quotation mark",),
    "fences": ("fence",),
    "tags": ("HTML tag",),
    "nul": ("NUL",),
    "twice": ("repeated line",),
}


def cleaned(text: str, source: str = "the text") -> Cleaned:
    r"""Return the lines of a text without colours, stamps, quotation marks, line numbers, fences, HTML and NULs.

    A carriage return ends a line only together with a line feed.  A line that has lost its line ends is broken where a
    kernel's line is known to begin; `taken` counts these as "ends".  O(characters).

    >>> found = cleaned("> [    1.25] \x1b[1mpanic\x1b[0m: kfree\r\n> done\r\n")
    >>> found.lines, found.said
    (['panic: kfree', 'done'], ['1 time stamp', '2 colours and cursor movements', '2 quotation marks'])
    """
    taken: Counter[str] = Counter()
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", " ").replace("\xa0", " ")
    if not plain.isascii():
        plain = plain.translate(_DASHES)
    if "\x00" in plain:
        taken["nul"] = plain.count("\x00")
        plain = plain.replace("\x00", "")
    if "\x1b" in plain:
        plain, taken["colours"] = _ESCAPES.subn("", plain)
    if "<" in plain or "&" in plain:
        plain, breaks = _BREAKS.subn("\n", plain)
        plain, tags = _TAGS.subn("", plain)
        taken["tags"] = breaks + tags
        if "&" in plain and (taken["tags"] or "&lt;" in plain or "&gt;" in plain or "&nbsp;" in plain):
            plain = _ENTITY.sub(lambda found: _ENTITIES[found[0]], plain)
    if "```" in plain or "~~~" in plain:
        lines = plain.split("\n")
        kept = ["" if _FENCE.fullmatch(line) else line for line in lines]
        taken["fences"] = sum(one != other for one, other in zip(kept, lines, strict=True))
        plain = "\n".join(kept)
    lines = _broken(plain.removesuffix("\n").split("\n"), taken)
    is_ended = plain.endswith("\n") or (taken["ends"] > 0 and plain.endswith("\\n"))
    lines = _unprefixed(lines, taken)
    strings = [*map(_STRINGS.match, lines)]
    quoted = len(strings) - strings.count(None)
    if 2 * quoted > sum(map(bool, map(str.strip, lines))):
        taken["quotes"] += quoted
        lines = [line if match is None else match["rest"] for line, match in zip(lines, strings, strict=True)]
    return Cleaned(lines, +taken, source, text, is_ended)


def without_escapes(text: str) -> str:
    """Return a text without colours, cursor movements and window titles."""
    return _ESCAPES.sub("", text)


def is_folded(line: str) -> bool:
    """Return whether a line has lost its line ends, judging by known beginnings of lines within it."""
    return _beginnings(line) >= LOST


def _beginnings(line: str) -> int:
    """Return the number of known beginnings within a line; the words of one trap count once."""
    behind = [found.end() for found in _BEGINS.finditer(line)]
    of_a_trap = sum(_OF_A_TRAP.match(line, at) is not None for at in behind)
    return len(behind) - of_a_trap + min(of_a_trap, 1) + LOST * (len(_RANGE.findall(line)) > 1)


def _broken(lines: list[str], taken: Counter[str]) -> list[str]:
    """Return the lines; a line that has lost its line ends is broken before each known beginning.

    A text of one line, with line ends written as in a program's string, is broken at these line ends.
    """
    if len(lines) == 1 and lines[0].count("\\n") >= LOST:
        parts = lines[0].replace("\\r\\n", "\\n").removesuffix("\\n").split("\\n")
        if sum(_BEGINS.match(f"x {part.strip()}", 1) is not None for part in parts) > 1:
            lines = parts
            taken["ends"] += len(lines) - 1
    found: list[str] = []
    for line in lines:
        parts = _BEGINS.split(line) if len(line) > 80 and _beginnings(line) >= LOST else [line]
        parts = [*parts[:-1], parts[-1].rstrip()] if len(parts) > 1 else parts
        taken["ends"] += len(parts) - 1
        found += parts
    return found


SAMPLE = 1_000
"""To find additions before lines, this many first lines are sampled, and as many lines from all over the text."""


def _sample(lines: list[str]) -> list[str]:
    if len(lines) <= 2 * SAMPLE:
        return lines
    return [*lines[:SAMPLE], *lines[SAMPLE :: len(lines) // SAMPLE]]


def as_it_is(text: str, source: str = "the text") -> Cleaned:
    """Return the lines of a text unchanged, except for Windows' carriage returns, if all lines have them."""
    plain = text.removeprefix("\ufeff")
    is_ended = plain.endswith("\n")
    lines = plain.removesuffix("\n").split("\n")
    if "\r" in plain and all(line.endswith("\r") for line in lines[: len(lines) - (not is_ended)] or [""]):
        lines = [line.removesuffix("\r") for line in lines]
    return Cleaned(lines, Counter(), source, text, is_ended)


MOST_PREFIXES = 6
"""How often a line is searched for one more prefix."""


def _unprefixed(lines: list[str], taken: Counter[str]) -> list[str]:
    """Return the lines without the prefixes of a log, one prefix after the other, as long as there are any."""
    count = -1
    for _ in range(MOST_PREFIXES):
        if count == (count := sum(taken.values())):
            break
        if any(map(_SURE.match, _sample(lines))):
            lines = _without(lines, "stamps", _SURE, taken)
        for noun, begins in _OF_LOGS:
            some = [line for line in _sample(lines) if line and not line.isspace()]
            found = [*filter(None, map(begins.match, some))]
            if 2 * len(found) > len(some) and not (noun == "quotes" and any(map(_TREE.match, some))):
                lines = _without(lines, noun, begins, taken)
        if not taken["numbers"]:
            lines = _unnumbered(lines, taken)
    return lines


def _without(lines: list[str], noun: str, begins: re.Pattern[str], taken: Counter[str]) -> list[str]:
    """Return the lines without a prefix, and count it."""
    found = [begins.match(line) if line else None for line in lines]
    taken[noun] += len(found) - found.count(None)
    return [line if match is None else line[match.end() :] for line, match in zip(lines, found, strict=True)]


def _unnumbered(lines: list[str], taken: Counter[str]) -> list[str]:
    """Return the lines without consecutive line numbers."""
    head = [match for line in lines[:20] if line.strip() and (match := _NUMBERED.match(line)) is not None]
    if len(head) < ENOUGH or not _count_up(head):
        return lines
    found = [_NUMBERED.match(line) if line.strip() else None for line in lines]
    counting = [match for match in found if match is not None]
    if not _count_up(counting) or 10 * len(counting) < 9 * sum(map(bool, map(str.strip, lines))):
        return lines
    taken["numbers"] = len(counting)
    return [line[match.end() :] if match is not None else line for line, match in zip(lines, found, strict=True)]


def _count_up(found: list[re.Match[str]]) -> bool:
    """Return whether nine of ten numbers follow the number before, at most after a few blank lines."""
    steps = [int(after[1]) - int(before[1]) for before, after in pairwise(found)]
    return bool(steps) and 10 * sum(1 <= step <= 3 for step in steps) >= 9 * len(steps)


def blank_but(text: str, words: Iterable[str], numbers: re.Pattern[str], around: int) -> tuple[str, int]:
    r"""Return the text with all lines blanked that are far from any word or number, and the number of these lines.

    The words and numbers must be in small letters.  O(characters × words), each word at the speed of a search.

    >>> blank_but("a\nb\nPanic", ["panic"], re.compile("0x"), 1)
    ('\nb\nPanic', 1)
    """
    low = text.lower()
    low = low if len(low) == len(text) else text
    places = [match.start() for match in numbers.finditer(low)]
    for word in words:
        at = low.find(word)
        while at >= 0:
            places.append(at)
            end = low.find("\n", at)
            at = low.find(word, end) if end >= 0 else -1
    lines = text.split("\n")
    keep = bytearray(len(lines))
    number = last = 0
    for at in sorted(places):
        number += text.count("\n", last, at)
        last = at
        first, end = max(0, number - around), min(len(lines), number + around + 1)
        keep[first:end] = b"\x01" * (end - first)
    found = "\n".join([line if kept else "" for line, kept in zip(lines, keep, strict=True)])
    return found, sum(1 for line, kept in zip(lines, keep, strict=True) if line and not kept)


_NOUNS_OF_LINES = "lines?|entries|entry|ranges?|rows?|pages?|mappings?|regions?|output|items?|follow|below|omitted|of"
_EDITORS = r"(?:snip(?:ped)?|omitted|elided|left out|not shown)\b"
_VERBS = rf"(?:{_EDITORS}|(?:truncated|skipped|removed)\b)"
"""What an editor says of lines.  Programs print the last three words too, of pages and files."""

_LEFT_OUT = re.compile(
    r"[^\w\n]*(?:\.{3,}|[…⋮]|(?:\. ){2,9}\.)[^\w\n]*|\s*\.\s*|[-\s]*(?:8<|>8|✂)[-\s]*"
    r"|[^\w\n]{0,6}(?:\.{3,}|…)(?!.*[0-9a-f]{5}).{1,60}"
    r"|[\W_]*(?:(?:and|plus)\s+)?(?:(?:[0-9][0-9,]*|many|some|several|a few)\s+)?more"
    rf"(?:\s+(?:{_NOUNS_OF_LINES})\b.{{0,30}})?[\W_]*(?:\(?[0-9]{{1,3}}%\)?)?[\W_]*"
    rf"|[^\w\n]*[\[(<{{](?!.*0x)[^\])>}}]*\b{_VERBS}[^\])>}}]*[\])>}}][^\w\n]*"  # in brackets
    rf"|[\W_]{{2,}}{_VERBS}[\W_]{{2,}}|[\W_]*snip(?:ped)?[\W_]*|\s*/[/*](?!.*0x).*\b{_EDITORS}.{{0,30}}"
    rf"|(?!.*0x).*\b{_EDITORS}\s*(?:\.{{3,}}|…)\s*|[\W_]*(?:and\s+)?(?:etc|so on)[\W_]*"
    rf"|[\W_]*(?:[a-z0-9,]+\s+){{0,4}}(?:lines?|rows?|output)\)?\s+(?:[a-z]+\s+){{0,2}}{_VERBS}.{{0,30}}"
    rf"|[\W_]*{_VERBS}:?\s+(?:[a-z0-9,]+\s+){{0,3}}(?:lines?|rows?)\b.{{0,30}}"
    r"|[\W_]*(?:(?:and|the|all)\s+){0,2}(?:[0-9][0-9,]*|some|many|several|a few|others?|remaining|rest)\s+"
    rf"(?:[a-z]+\s+){{0,3}}{_EDITORS}.{{0,30}}",
    re.IGNORECASE,
)


def leaves_out(line: str) -> bool:
    """Return whether a line stands for other lines: dots, "[snip]", "--More--", "and 12 more lines".

    >>> leaves_out("  ..."), leaves_out("[12 lines omitted]"), leaves_out("...and more..."), leaves_out("..0: pte 0x0")
    (True, True, True, False)
    """
    return len(line) <= 120 and _LEFT_OUT.fullmatch(line) is not None


LEAVES_OUT = "leaves lines out"
"""What such a line does, in a sentence about it."""


FEW = 8
"""The most things that a sentence names."""


def first_few(some: Sequence[object]) -> str:
    """Return a list of things for a sentence, at most :data:`FEW` of them.

    >>> first_few(range(9)), first_few([3])
    ('0, 1, 2, 3, 4, 5, 6, 7 …', '3')
    """
    return ", ".join(map(str, some[:FEW])) + " …" * (len(some) > FEW)


def numbered(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Return the lines that are not blank, with their numbers from 1."""
    return ((number, line) for number, line in enumerate(lines, 1) if line and not line.isspace())
