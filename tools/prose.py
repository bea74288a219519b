"""Hold what people read to plain English: `python -m tools.prose` names each line that breaks a rule, and which.

Of pages, the prose is read: no code, no quotation, no address.  proselint's own checks run (clichés, redundancy, words
repeated, words that are none), and those of the ten patterns in CONTRIBUTING.md that a machine can see.  Of the
package's sources, strings and comments are read for mannered words, and docstrings of functions begin with a verb or
a noun.  `prose.toml` has exceptions, with their reasons.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from proselint.checks import __register__ as own_checks
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, types
from proselint.registry.checks.engine import Fancy, Padding, RegexOptions
from proselint.tools import LintFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
SAID = "vmwidgets/**/*.say"
"""The sentences of stories and pictures, which are read like pages, with something for each field."""

MISTAKES = "vmwidgets/labs/exercises/*.toml"
"""Names and explanations of mistakes, which are read like pages: the last string of each line."""

SOURCES = "vmwidgets/**/*.py"

PAGES = ("*.md", "docs/**/*.md", "course/*/*.md", "notebooks/*.md", "tools/website/*.md")
"""What is read, by pattern."""

LEFT_OUT = ("typography", "restricted", "annotations", "misc.but")
"""Checks of proselint that say nothing here: quotes are those of code, the field's terms are rare, "But" may begin."""

LONGEST = 34
"""The most words that a sentence may have up to a colon or a semicolon; dots inside a word or a number end it too."""

MANNERED = (
    r"\b(?:told|somebody|nobody|anybody|went(?! through\b)|wanting|all the same|no more(?! than)|besides"
    r"|stands(?! for\b)|stood|anew)\b"
)
"""Words that say what a plainer one says better: "missing" for "wanting", "is" for "stands"."""

RULES = {
    "fork": (
        (
            r"\b[Ff]orks?\s+cop(?:y|ies)\s+nothing\b|\b[Nn]othing\s+is\s+copied\b"
            r"|\bneither\s+(?:task\s+)?may\s+write\b|\b[Nn]o\s+task\s+may\s+write\b"
        ),
        "not so: a fork copies page tables, and tasks keep their right to write; only the entries do not allow it",
    ),
    "mannered": (rf"(?i){MANNERED}", "a plainer word: missing, is, anyone, again, is given"),
    "1 is-no": (
        r"(?<!\b[Tt]here\s)(?<!\b[Tt]here\s\s)\b(?:is|are|was|were)\s+no(?!\s+(?:longer|more|less|larger|smaller|better|worse)\b)\s",
        "write: is not a …",
    ),
    "2 who-first": (r"(?<=[.;]\s)(?:Who|Whoever)\s+[a-z]+[^?.;¶]*[.;]", "name the person: a student, anyone who, you"),
    "4 is-that-of": (r"\b(?:is|are|was|were)\s+(?:that|those)\s+of\b", "repeat the noun, or say whose it is"),
    "6 verbs": (
        r"\bshows?\s+(?:itself|themselves)\b|\bmade\s+again\b",
        "the technical verb: is shown as a picture; rebuilt, repeated",
    ),
    "3 of-first": (r"(?:^|(?<=[.:;]\s))Of\s", "put the subject first: for, if, when"),
    "7 have-do": (
        r"\bha(?:s|ve)\s+(?:a|the|all|its)\s+\w+\s+(?:leave|fail|go|say|give|keep|do)\b",
        "say who does what, without a causative 'have'",
    ),
    "8 behind": (
        r"\bbehind\s+(?:the\s+)?(?:end|list|gap|entry|array|frame|page|hole|last)\b",
        "of addresses and pages: after, past, next",
    ),
    "9 so-many": (
        r"\bso\s+many\b(?!\s+(?:that|as)\b)|;\s+how\s+(?:many|much)\b[^.;¶]{0,12}[.;¶]",
        "write the number, or: Returns the number of …",
    ),
    "10 size": (
        (
            r"(?:^|(?<=[.;:?!¶\"“]\s)|(?<=[\"“]))[\d,.]+\s(?:[KMGTP]i)?B\b"
            r"(?:(?!\b(?:is|was|has|and|that|pages)\b)[^.;:?!¶])*?\s(?:are|were|have)\b"
        ),
        "a size is one quantity: 64 KiB is, was, has",
    ),
    "10 tense": (r"\b(?:was|were)\s+(?:not|never)\s+\w+\s+yet\b", "write: has not … yet"),
    "7 lets-happen": (r"\blets?\s+(?:\w+\s+){0,4}happen\b", "write: allows, permits, causes"),
    "long": (rf"(?:[^\s.;:?!¶]+\s+){{{LONGEST}}}[^\s.;:?!¶]+", f"more than {LONGEST} words: make two sentences"),
    "left-over": (r"==>|(?:^|\s)@@\s", "remove what an editing script left"),
}
"""What each looks like, and what to write: by the number of the pattern in CONTRIBUTING.md, if it has one."""


END = "¶"
"""What ends a paragraph, a heading and a cell of a table: no rule reads on past it."""


class Finding(NamedTuple):
    """A place that breaks a rule: file, line, the rule, the words, and what to do."""

    path: str
    line: int
    rule: str
    words: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.words!r}: {self.message}"


def prose(text: str) -> str:
    r"""The prose of a page in Markdown, line by line where it was; code and what is not read aloud are left out.

    >>> prose("# A `word` here\n\n    code\n\nis [read](http://x)\n")
    'A … here ¶\n\n\n\nis read ¶\n'
    """
    lines = [""] * (text.count("\n") + 1)
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "inline" and token.map:
            first, last = token.map
            for number, line in enumerate("".join(_words(token.children or [])).split("\n"), first):
                lines[number] += f"{line} "
            lines[min(last, len(lines)) - 1] += END
    return "\n".join(lines)


def _words(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "text":
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "code_inline":
            yield "…"


NOT_FIRST = {"What", "Whether", "Who", "Whose", "Whom", "Where", "How", "Which", "Those", "That"}
"""How no function's docstring begins: pattern 2."""


def in_source(path: str, text: str) -> Iterator[Finding]:
    """Yield what breaks a rule in a Python file: mannered words, and docstrings that begin with What or Whether."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (said := ast.get_docstring(node)):
            first = said.split()[0]
            if first in NOT_FIRST:
                yield Finding(path, node.body[0].lineno, "2 verb-first", first, f"Return {first.lower()} …")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE", "COMMENT"):
            said = re.sub(r"\{[^{}\n]*\}", "…", token.string)
            for found in re.finditer(MANNERED, said, re.IGNORECASE):
                line = token.start[0] + said.count("\n", 0, found.start())
                yield Finding(path, line, "mannered", found[0], RULES["mannered"][1])


def register() -> None:
    """Have proselint know the rules."""
    engine = Fancy(opts=RegexOptions(case_insensitive=False, multi_line=True))
    CheckRegistry().register_many(
        tuple(
            Check(
                check_type=types.Existence(items=(pattern,), padding=Padding.RAW),
                path=f"vmwidgets.{name}",
                message=message,
                engine=engine,
            )
            for name, (pattern, message) in RULES.items()
        )
    )


def said_of_mistakes(text: str) -> str:
    r"""Return the last string of each line of a TOML file, where it was.

    >>> said_of_mistakes('["01/merge"]\n"4" = ["one call", "Neighbours become one."]')
    '01/merge ¶\nNeighbours become one. ¶'
    """
    return "\n".join(
        f"{found[-1]} {END}" if (found := re.findall(r'"([^"]*)"', line)) else "" for line in text.split("\n")
    )


SIZES = re.compile(r"\{(?:size|\w+(?:=[\w.\[\]]+)?:(?:size|pages|bytes))\}")
"""A field of a sentence that says a size."""


def said_of_templates(text: str) -> str:
    r"""Return the sentences of a `.say` file, where they were: a size for fields of sizes, else a name or a number.

    >>> said_of_templates("mapped: on=map\n    {size} were\n      at {address:addr}.\n    {count} more.")
    '\n64 KiB were\nat …. ¶\n2 more. ¶'
    """
    lines = text.split("\n")
    return "\n".join(
        re.sub(r"\{[^}]*\}", "…", SIZES.sub("64 KiB", line.strip()).replace("{count}", "2"))
        + ("" if after.startswith(" " * 6) else f" {END}")
        if line.startswith(" " * 4)
        else ""
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )


READ = {".toml": said_of_mistakes, ".say": said_of_templates}
"""The function that finds the prose of a file, by the end of its name; other files are pages."""


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what breaks a rule in a page, in a file of mistakes or in the sentences of stories."""
    page = LintFile(path, READ.get(Path(path).suffix, prose)(text))
    others = {name: on for name, on in DEFAULT["checks"].items() if name not in LEFT_OUT}
    known = {**dict.fromkeys(LEFT_OUT, False), **others, "vmwidgets": True}  # the most special name comes first
    for (rule, message, (begin, end), _), (line, _) in page.lint({**DEFAULT, "checks": known}):
        yield Finding(path, line, rule, " ".join(page.content[begin:end].split()), message)


def exceptions() -> dict[tuple[str, str], str]:
    """The reason for each exception, by file and words."""
    table = tomllib.loads((ROOT / "tools" / "prose.toml").read_text(encoding="utf-8"))
    return {(one["path"], one["words"]): one["reason"] for one in table.get("exception", [])}


def main() -> int:
    """Print each finding that is not an exception, and each exception that nothing needs; 1 if there is any."""
    CheckRegistry().register_many(own_checks)
    register()
    allowed, used, wrong = exceptions(), set(), 0
    for path in sorted(path for pattern in (*PAGES, MISTAKES, SAID, SOURCES) for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        read = in_source if path.suffix == ".py" else findings
        for one in read(name, path.read_text(encoding="utf-8")):
            key = one.path, one.words
            used.add(key)
            if key not in allowed:
                wrong += 1
                print(one)
    for path_, words in sorted(allowed.keys() - used):
        wrong += 1
        print(f"tools/prose.toml: {path_} has no {words!r} any longer: remove the exception")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
