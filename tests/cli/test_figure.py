"""``vmwidgets figure``: each figure becomes a file in each format; what can't is one sentence and exit code 2."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from vmwidgets.cli import main
from vmwidgets.lectures.figures import FIGURES, figure
from vmwidgets.lectures.listed import LECTURES


def run(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    status = main(["figure", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("options", [(), ("--list",)])
def test_without_a_name_it_lists_the_figures_and_the_lectures(capsys: Any, options: tuple[str, ...]) -> None:
    status, out, err = run(capsys, *options)
    assert (status, err) == (0, "")
    assert all(re.search(rf"^  {name} ", out, re.MULTILINE) for name in FIGURES)
    assert all(name in out for name in LECTURES)


def test_with_a_lectures_name_it_lists_the_figures_of_this_lecture(capsys: Any) -> None:
    status, out, _ = run(capsys, "faults")
    names = out.split()
    assert status == 0
    assert {"faults/after-fork", "faults/after-fork/fault"} < {*names}
    assert all(figure(name).scene().nodes for name in names)


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_a_page_with_words(name: str, capsys: Any, tmp_path: Path) -> None:
    status, out, _ = run(capsys, name, "-o", tmp_path / "slide.pdf")
    assert (status, "slide.pdf" in out) == (0, True)
    (page,) = pypdfium2.PdfDocument(tmp_path / "slide.pdf")
    assert len(page.get_textpage().get_text_range().split()) > 10


def test_the_ending_is_the_format_and_a_file_is_not_replaced_unasked(capsys: Any, tmp_path: Path) -> None:
    for ending, begins in (("pdf", b"%PDF"), ("svg", b"<svg"), ("png", b"\x89PNG")):
        file = tmp_path / f"walk.{ending}"
        assert run(capsys, "walk", "-o", file, "--theme", "dark", "--width", "640")[0] == 0
        assert file.read_bytes().startswith(begins)
        status, _, err = run(capsys, "walk", "-o", file)
        assert (status, "already exists" in err, err.count("\n")) == (2, True, 1)
        assert run(capsys, "walk", "-o", file, "--force")[0] == 0


@pytest.mark.parametrize("name", ["fork-*.svg", "*.svg", "a*b*.svg"])
def test_no_file_of_a_series_is_replaced_unasked(
    name: str, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "fork", "-o", name)[0] == 0
    steps = sorted(tmp_path.iterdir())
    assert len(steps) > 1
    kept, *others = steps
    for other in others:
        other.unlink()
    kept.write_text("mine")
    status, _, err = run(capsys, "fork", "-o", name)
    assert (status, f"{kept.name}' already exists" in err, err.count("\n")) == (2, True, 1)
    assert {file: file.read_text() for file in tmp_path.iterdir()} == {kept: "mine"}
    status, out, _ = run(capsys, "fork", "-o", name, "--force")
    assert (status, sorted(tmp_path.iterdir())) == (0, steps)
    assert all(step.name in out for step in steps), "it says what it wrote"
    assert kept.read_text() != "mine"


def test_after_a_fork_the_child_shares_the_parents_four_frames_and_a_write_copies_one() -> None:
    fork, copied, eager = figure("fork"), figure("copy-on-write"), figure("fork", "eager")
    assert [len({row[0] for row in one.scene().whole().table.rows}) for one in (fork, copied, eager)] == [4, 5, 8]
    assert figure("faults/after-fork").to_svg() == fork.to_svg()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forks"], "did you mean fork?"),
        (["faults/afterfork"], "did you mean faults/after-fork?"),
        (["nothing/like-it"], "is not a lecture; the lectures are process"),
        (["faults", "-o", "faults.pdf"], "its figures are faults/a-promise"),
        (["/"], "'/' is not a figure; vmwidgets figure lists them"),
        (["/fork"], "'/fork' is not a figure"),
        ([""], "'' is not a figure"),
        (["a\0b"], "is not a figure"),
        (["."], "'.' is not a figure"),
        (["qqq"], "vmwidgets figure lists them"),
        (["OSTEP 23"], "name one of fork, copy-on-write"),
        (["OSTEP 99"], "is not a figure"),
        (["walk", "-o", "walk.eps"], "it must end in .svg, .pdf"),
        (["walk", "-o", "nowhere/walk.pdf"], "can't be written"),
        (["walk", "--width", "9"], "a picture needs 420 pixels"),
        (["walk", "--width", "wide"], "write a number of pixels"),
        (["walk", "--fork", "eager"], "no task forks in the lecture 'translation'"),
    ],
)
def test_what_can_not_be_written_is_one_sentence(
    arguments: list[str], words: str, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not list(tmp_path.iterdir())


def test_a_chapter_of_a_textbook_is_written_under_a_name_that_each_system_takes(
    capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for chapter, file in (("CS:APP 9.9", "cs-app-9.9.pdf"), ("ostep-20", "ostep-20.pdf")):
        assert run(capsys, chapter)[0] == 0
        assert (tmp_path / file).is_file()


def chapters() -> dict[str, str]:
    """The rows of the documents' tables of chapters, by book and first chapter."""
    rows: dict[str, str] = {}
    for page in sorted((Path(__file__).parents[2] / "docs").glob("*.md")):
        book = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[1:2] == ["about"]:
                book = cells[0]
            elif book and line.startswith("|"):
                for number in re.findall(r"[\d.]+", cells[0]):
                    rows[f"{book} {number}"] = line
            elif not line.startswith("|"):
                book = ""
    return rows


def test_a_chapter_has_the_figure_whose_lecture_or_picture_its_row_names() -> None:
    rows = chapters()
    for name, one in FIGURES.items():
        for chapter in filter(None, one.chapters.split(", ")):
            named = f"`{one.lecture}`" in rows[chapter] or (bool(one.picture) and f"vm.{one.picture}(" in rows[chapter])
            assert named, (name, chapter)


def test_the_figure_of_a_rotation_has_the_tree_before_and_after() -> None:
    drawn = [node for node in figure("red-black-tree").scene().nodes if node.kind == "tree-node"]
    places: dict[str, set[str]] = {}
    for node in drawn:
        places.setdefault(node.thing, set()).add(f"{node.y:.0f}")
    assert any(len(heights) > 1 for heights in places.values()), "a rotation moves a node up or down"
