"""Files of sentences: what they say, and which mistakes are found in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmwidgets import events as ev
from vmwidgets.views.story.words import registry
from vmwidgets.views.story.words.mistakes import wrong_in
from vmwidgets.views.story.words.names import Names, Range
from vmwidgets.views.story.words.registry import read

KINDS = {"TreeLinked": ev.TreeLinked, "FileResized": ev.FileResized, "GapTried": ev.GapTried}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of sentences, whose reading changes nothing for other tests."""
    for name in ("TEMPLATES", "SAYINGS", "HEADLINES"):
        monkeypatch.setattr(registry, name, {})
    return tmp_path / "one.say"


def said(file: Path, text: str, event: ev.Event) -> str:
    file.write_text(f"[test]\n\n{text}")
    read(file, KINDS)
    writer = registry.SAYINGS[type(event)].writer
    assert writer is not None
    return writer(event, Names([], {7: Range("r3", "kernel_map", 0x1000, 0x2000)}))


TEXT = """
TreeLinked: about=tree
  root if !parent
    {node:entry} is the root.
  left if side=left
    {child=node:entry} is below {parent:entry},
      on the left.
  else
    {node:entry} is above {parent:entry}.
"""


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (ev.TreeLinked("kernel_map", 7, 0, "left"), "r3 (4 KiB at 0x1000) is the root."),
        (ev.TreeLinked("kernel_map", 7, 9, "left"), "r3 (4 KiB at 0x1000) is below entry 9, on the left."),
        (ev.TreeLinked("kernel_map", 7, 9, "right"), "r3 (4 KiB at 0x1000) is above entry 9."),
    ],
)
def test_the_first_case_that_holds_is_said(file: Path, event: ev.Event, sentence: str) -> None:
    assert said(file, TEXT, event) == sentence


def test_a_case_without_words_is_no_step(file: Path) -> None:
    text = "FileResized: about=object\n  nothing if before={after}\n  else\n    {file} is {after:bytes} now.\n"
    assert said(file, text, ev.FileResized("a", 4096, 4096)) == ""
    assert said(file, text, ev.FileResized("a", 4096, 8192)) == "a is 8 KiB now."


def test_a_package_has_events_and_sentences_of_its_own(file: Path) -> None:
    text = "GapTried: about=list\n  small if space<4096 per space\n    1 byte.\n    {count} bytes.\n  else\n    Enough."
    gap = ev.GapTried("kernel_map", 0x1000, 1200, False, "")
    assert said(file, text, gap) == "1,200 bytes."


MISTAKES = {
    "a field that the event has not": ("TreeLinked: about=tree\n    {nod:entry}.\n", "no field or fact nod"),
    "a way to write that there is not": ("TreeLinked: about=tree\n    {node:entri}.\n", "'entri' is no way"),
    "a condition of such a field": ("TreeLinked: about=tree\n  a if nod\n    A.\n  else\n    B.\n", "or fact nod"),
    "a condition that can't hold": ("GapTried: about=list\n  a if taken=yes\n    A.\n  else\n    B.\n", "never holds"),
    "a number that is none": ("GapTried: about=list\n  a if space>much\n    A.\n  else\n    B.\n", "is a number"),
    "never None": ("GapTried: about=list\n  a if !space?\n    A.\n  else\n    B.\n", "never None"),
    "the same twice": (
        "TreeLinked: about=tree\n  a if side=left|right\n    A.\n  b if side=left, parent\n    B.\n  else\n    C.\n",
        "line 6: TreeLinked: it is never said, since line 4",
    ),
    "after else": ("TreeLinked: about=tree\n  else\n    A.\n  b if parent\n    B.\n  else\n    C.\n", "never said"),
    "without else": ("TreeLinked: about=tree\n  b if parent\n    B.\n", "end with `else`"),
    "no such event": ("TreeLinkd: about=tree\n    A.\n", "no such event"),
    "a thing of no field": ("TreeLinked: about=tree thing=entry:{nod}\n    A.\n", "it has no field nod"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_with_its_line(file: Path, name: str) -> None:
    text, sentence = MISTAKES[name]
    file.write_text(f"[test]\n\n{text}")
    assert any(sentence in one for one in wrong_in(file, KINDS)), wrong_in(file, KINDS)


BROKEN = [
    " TreeLinked\n",
    "TreeLinked: about=tree\n  a if side==\n   A.\n",
    "  a case of nothing\n",
    "a\n    {b[1]}.\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_file_of_sentences_is_refused_with_its_line(file: Path, text: str) -> None:
    file.write_text(f"[test]\n{text}")
    with pytest.raises(ValueError, match=r"one\.say, line \d: "):
        read(file, KINDS)


@pytest.mark.parametrize("path", sorted(registry.HERE.glob("*.say")), ids=lambda path: path.stem)
def test_nothing_is_wrong_in_ours(path: Path) -> None:
    assert wrong_in(path) == []
