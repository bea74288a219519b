"""Tables that lead somewhere on the site: a chapter, a lecture, a section of a lab, a kind of question.

The documents name these in words, as `translation` or *5 · The processor caches translations*, since no file of the
checkout has them: a lecture is written by a command, and a notebook has no places of its own.  On the site they are
links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from vmwidgets.lectures.listed import LECTURES
from vmwidgets.questions.exam import TOPICS, kinds_of

SECTION = re.compile(r"\[(\w+)\]\((?:\.\./)*notebooks/([\w-]+)\.ipynb\): \*(.+?)\*")
NAMED = re.compile(r"`([a-z/-]+)`")
ROW = re.compile(r"^\|.*\|$")

KINDS = {kind.name for topic in TOPICS for kind in kinds_of(topic)}
BOOKS = "OSTEP", "CS:APP", "Silberschatz", "xv6"
"""Where one is the first column of a table, its chapters have pages."""

FOR_CLASS = "-handout"
"""What the file of a lecture without notes, for students, ends in."""


def with_links(text: str, up: str) -> str:
    r"""A document's text, in which the cells of tables are links; `up` leads from its page to the start page's folder.

    >>> row = "| [06](../notebooks/06-x86-tables.ipynb): *2 · Large pages* | `race` | `tlb/set` |"
    >>> table = "| sections | lecture | questions |\n|---|---|---|\n" + row
    >>> print(*with_links(table, "../").splitlines()[2].strip("| ").split(" | "), sep="\n")
    <a href="../notebooks/06-x86-tables.html#large-pages">06: 2 · Large pages</a>
    <a href="../lectures/race.html">race</a> (<a href="../lectures/race-handout.html">handout</a>)
    <a href="../docs/questions.html#tlb-set"><code>tlb/set</code></a>
    """
    lines: list[str] = []
    links: list[Callable[[str, str], str] | None] = []
    for line in text.splitlines(keepends=True):
        cells = line.strip().strip("|").split(" | ")
        if not ROW.match(line.rstrip("\n")):
            links = []
        elif not links:
            links = [LINKED.get(name.strip()) for name in cells]
            if cells[0] in BOOKS:
                links[0] = to_chapter(cells[0])
        elif any(links) and not line.startswith("|-"):
            made = [link(cell.strip(), up) if link else cell.strip() for cell, link in zip(cells, links, strict=True)]
            lines.append(f"| {' | '.join(made)} |\n")
            continue
        lines.append(line)
    return "".join(lines)


def to_sections(cell: str, up: str) -> str:
    """Sections of labs, as links to where they begin."""
    return SECTION.sub(
        lambda match: f'<a href="{up}notebooks/{match[2]}.html#{place_of(match[3])}">{match[1]}: {match[3]}</a>', cell
    )


def to_lectures(cell: str, up: str) -> str:
    """Names of lectures, as links to the lecture, and to its handout for students."""

    def linked(match: re.Match[str]) -> str:
        if match[1] not in LECTURES:
            return match[0]
        page = f"{up}lectures/{match[1]}"
        return f'<a href="{page}.html">{match[1]}</a> (<a href="{page}{FOR_CLASS}.html">handout</a>)'

    return NAMED.sub(linked, cell)


def to_questions(cell: str, up: str) -> str:
    """Kinds of questions and topics, as links to what they ask."""

    def linked(match: re.Match[str]) -> str:
        place = place_of(match[1]) if match[1] in KINDS else "what-each-topic-asks"
        known = match[1] in KINDS or match[1] in TOPICS
        return f'<a href="{up}docs/questions.html#{place}"><code>{match[1]}</code></a>' if known else match[0]

    return NAMED.sub(linked, cell)


def as_place(cell: str, _up: str) -> str:
    """A kind of question with a place that links lead to."""
    return NAMED.sub(lambda match: f'<span id="{place_of(match[1])}">{match[0]}</span>', cell)


def to_chapter(book: str) -> Callable[[str, str], str]:
    """Return what makes the number of a chapter a link to its page."""
    return lambda number, up: f'<a href="{up}chapters/{page_of(book, number)}.html">{number}</a>'


def page_of(book: str, number: str) -> str:
    """Return what the page of a chapter is called.

    >>> page_of("CS:APP", "9.1, 9.2"), page_of("xv6", "3.6 to 3.8")
    ('cs-app-9-1-9-2', 'xv6-3-6-to-3-8')
    """
    return re.sub(r"[^a-z0-9]+", "-", f"{book} {number}".lower())


LINKED: Mapping[str, Callable[[str, str], str]] = {
    "sections": to_sections,
    "lecture": to_lectures,
    "questions": to_questions,
    "questions on paper": to_questions,
    "kind": as_place,
}
"""What is done with the cells of a column, by its heading."""


def place_of(heading: str) -> str:
    """The id that Sphinx gives to a heading.

    >>> place_of("5 · The processor caches translations"), place_of("Further: four segments, two free pieces")
    ('the-processor-caches-translations', 'further-four-segments-two-free-pieces')
    """
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", heading.lower()))
