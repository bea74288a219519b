"""`make lint` finds a pattern in prose, says where it is, and reads no code."""

from __future__ import annotations

from tools import prose


def test_a_finding_says_where_it_is_and_code_is_not_read() -> None:
    prose.register()
    page = "# Maps\n\n    this is no list\n\n`it is no list`\n\nA map\nis no list.\n\nNobody was there.\n"
    assert [str(one).rpartition(": ")[0] for one in prose.findings("page.md", page)] == [
        "page.md:8: vmwidgets.1 is-no: 'is no': write",
        "page.md:10: vmwidgets.mannered: 'Nobody': a plainer word",
    ]


def test_what_a_fork_copies_and_who_may_write_is_said_as_it_is() -> None:
    """A fork copies page tables, and a process keeps its right to write: only the page-table entry lacks W."""
    prose.register()
    wrong = "A fork copies nothing.\n\nNothing is copied.\n\nBoth share it, and neither may write to it.\n"
    assert {one.line for one in prose.findings("page.md", wrong)} == {1, 3, 5}
    right = "A fork copies no page. A write by either task faults. This last fault copies nothing.\n"
    assert [*prose.findings("page.md", right)] == []


def test_strings_and_comments_of_a_source_are_read_and_names_are_not() -> None:
    source = 'told = 1  # it stands here\nprint(f"{told} of 4", """a\nb was told""")\n'
    assert [(one.line, one.words) for one in prose.in_source("a.py", source)] == [(1, "stands"), (3, "told")]


def test_a_size_has_a_singular_verb_in_pages_and_in_the_sentences_of_stories() -> None:
    prose.register()
    page = "64 KiB are mapped. Pages of 4 KiB are mapped.\n\nIt is new; 1,024 MiB (1 entry) of p\nwere unmapped.\n"
    assert {one.line for one in prose.findings("page.md", page)} == {1, 3}
    said = (
        "# 4 KiB are a comment\nmade: on=map\n    {size} of {map} is free.\n    {size} ({count} entries) were\n"
        "      unmapped.\n  because\n    {count} pages of {size} were; {all=given.size:size}, in all, have gone.\n"
    )
    assert {one.line for one in prose.findings("words.say", said)} == {4, 7}
