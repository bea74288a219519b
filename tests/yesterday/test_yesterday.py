"""Files that a course saved with an earlier version open today, and say what they said: see `make.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.yesterday import facts
from tests.yesterday.make import HANDOUTS
from tests.yesterday.notebooks import PAPER, PAPER_PRESSES, PICTURE, PRESSES
from vmwidgets.labs.predictions import asked
from vmwidgets.labs.session import Session

HERE = Path(__file__).parent
VERSIONS = sorted(path.parent for path in HERE.glob("*/facts.json.xz"))
SAID: dict[str, dict[str, Any]] = {one.name: json.loads(facts.opened(one / "facts.json.xz")) for one in VERSIONS}
EVERYTHING = [(version, name) for version, said in SAID.items() for name in said]

MOST = 20
"""The most differences that a failure lists."""


def differences(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """Each part that differs: where it is, what it was, and what it is; a lab is begun by today's version."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [name for name in dict.fromkeys([*before, *now]) if (place[-5:], name) != ("begun", "version")]:
            yield from differences(before.get(name, "nothing"), now.get(name, "nothing"), f"{place} / {name}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True), 1):
            yield from differences(one, other, f"{place} / {number}")
    elif before != now:
        yield f"{place.removeprefix(' / ')}: {before!r}, now {now!r}"


def wanted(version: str, name: str) -> list[str]:
    """The patterns of the differences that somebody asked for in a file."""
    lines = [line.split("\t") for line in (HERE / "differences.txt").read_text("utf-8").splitlines() if line[:1] != "#"]
    return [pattern for of, file, pattern, _reason in lines if (of, file) == (version, name)]


def compare(version: str, name: str, now: Any, how: str = "") -> None:
    """Fail at a difference that nobody asked for, and at a line of the list that finds none."""
    found = [*differences(SAID[version][name], json.loads(json.dumps(now)))]
    patterns = wanted(version, f"{name}{how}")
    assert [line for line in found if not any(re.search(one, line) for one in patterns)][:MOST] == []
    assert [one for one in patterns if not any(re.search(one, line) for line in found)] == []


@pytest.mark.parametrize(("version", "name"), EVERYTHING)
def test_it_says_today_what_it_said(version: str, name: str) -> None:
    compare(version, name, facts.today(HERE / version, name))


@pytest.mark.parametrize("version", SAID)
def test_no_file_is_left_out(version: str) -> None:
    assert sorted(facts.names_in(HERE / version)) == sorted(SAID[version])


@pytest.mark.parametrize("version", SAID)
@pytest.mark.parametrize("name", HANDOUTS)
def test_a_handout_that_is_written_again_has_the_same_steps(version: str, name: str, tmp_path: Path) -> None:
    journal, write = HANDOUTS[name]
    write(vm.load_journal(HERE / version / "journals" / f"{journal}.jsonl.gz"), tmp_path / "again.html")
    compare(version, f"handouts/{name}", facts.story_of(tmp_path / "again.html"), " again")


@pytest.mark.parametrize(("version", "name"), [one for one in EVERYTHING if one[1].startswith("notebooks/")])
def test_answers_stay_when_all_questions_are_reworded_and_options_reordered(version: str, name: str) -> None:
    said = SAID[version][name]
    notebook = json.loads(facts.opened(HERE / version / f"{name}.ipynb.xz"))
    assert json.loads(json.dumps(facts.recalled(notebook, said["begun"]["lab"], "In other words?"))) == said["recalled"]


WORDS, ACCESS = "words", "access"

ASKING = {
    "tables-pressed": ("asked.question_words", ("t9.read(a9)", "t9.read(a9 + 1)"), "You had given no answer."),
    "own-lab": ("paper._question", ("0x3d7", "0x3d8"), "That is right."),
}
"""By the notebook whose last cell has a picture that asks: the function with its question's words, another access, and
the end of the reply to the last question, which was passed in one of them."""


@pytest.mark.parametrize("version", SAID)
@pytest.mark.parametrize("edited", ["", WORDS, ACCESS])
@pytest.mark.parametrize("notebook", ASKING)
def test_a_picture_that_asks_finds_what_was_pressed_in_it(
    version: str, edited: str, notebook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cell runs again in a new kernel, as it was; with the question in other words; with another access."""
    words, access, last = ASKING[notebook]
    own = tmp_path / "own.ipynb"
    own.write_bytes(facts.opened(HERE / version / "notebooks" / f"{notebook}.ipynb.xz"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(own))
    cell = "".join(json.loads(own.read_bytes())["cells"][-1]["source"])
    if edited == WORDS:
        monkeypatch.setattr(f"vmwidgets.pictures.{words}", lambda *_given: "In other words?")
    names: dict[str, Any] = {"vm": vm}
    with Session():
        exec(cell.replace(*access) if edited == ACCESS else cell, names)
        scene = names[cell.splitlines()[-1]].scene()
    if edited == ACCESS:
        assert scene.subtitle.endswith("question 1")
    else:
        assert scene.caption.reason.endswith(last)


@pytest.mark.parametrize(("picture", "presses"), [(PICTURE, PRESSES), (PAPER, PAPER_PRESSES)])
def test_presses_of_a_notebook_that_is_made_today_answer_its_picture(picture: str, presses: str) -> None:
    with Session():
        names: dict[str, Any] = {"vm": vm}
        exec(picture, names)
        exec(presses, names)
        assert "looks in the TLB" in [one.answer for one in asked.now().values()]
