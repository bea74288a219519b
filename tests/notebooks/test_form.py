"""How a notebook is written: what it opens with, predictions before pictures, and no outputs in the repository."""

from __future__ import annotations

import ast
import re
import symtable
from pathlib import Path

import nbformat
import pytest

from scripts.minutes import RULE, seconds_of
from vmwidgets import lab
from vmwidgets.labs import moved
from vmwidgets.labs.mistakes import known_mistakes

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
INSTRUCTORS = FOLDER.parent / "course" / "instructors"
SOLUTIONS = sorted(INSTRUCTORS.glob("*.ipynb"))
LONGEST_CELL = 22

FURTHER = "## Further"
"""How a section begins that can be left out.  A notebook that has some is measured: what is not left out is short."""

MINUTES, CORE_WORDS, CODE_LINES, LINES_TO_READ, PREDICTIONS, EXERCISES = 45, 1200, 111, 6, 5, 1

ABOUT = 3.5
"""Minutes between what a lab states, which is a multiple of five, and what the rule gives."""

NOT_GRADED = {"12"}
"""Labs without an exercise."""

PREDICTION = re.compile(r'\bid="([^"]+)"')
ASKED = re.compile(r"^(\w+) = lab\.predict\(", re.MULTILINE)
COMPARED = re.compile(r"^(\w+)\.compare\(", re.MULTILINE)
SUGGESTED = re.compile(r"# your code here: (.*)$", re.MULTILINE)
HEADING = re.compile(r"^## .*$", re.MULTILINE)
CHECK = re.compile(r'lab\.check\("([^"]+)"')

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
with_solutions = pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@by_name
def test_it_opens_with_what_a_learner_asks(path: Path) -> None:
    first = nbformat.read(path, as_version=4).cells[0].source
    assert first.startswith("# ")
    for promise in ("**What you will be able to do**", "**Time**", "**Prerequisites**"):
        assert promise in first


@with_solutions
def test_the_first_code_begins_the_lab(path: Path) -> None:
    """A student writes an id there, and a grader finds it."""
    assert f'lab.begin("{lab_of(path)}", student="", course="")' in cells(path, "code")[0].source


@with_solutions
def test_the_first_code_keeps_pictures_at_their_cells(path: Path) -> None:
    """What the text says of a picture is then true after Run All as well."""
    assert "lab.keep_moments()" in cells(path, "code")[0].source


@with_solutions
def test_all_that_it_needs_is_behind_one_name(path: Path) -> None:
    """A learner finds it by `vm.` and a tab; only a solution takes an answer from the exercise's own module."""
    sources = [cell.source for cell in cells(path, "code")]
    if path.parent.name == "instructors":
        sources = [re.sub(r"\Afrom vmwidgets\.labs\.exercises\.\w+ import .*\n", "", source) for source in sources]
    assert [source for source in sources if "vmwidgets." in source] == []


@by_name
def test_predictions_come_before_explanations_and_variations(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert text.count("**Predict.**") >= 5
    assert "**Vary.**" in text


@by_name
def test_a_variation_has_its_line_typed_in_and_a_folded_answer(path: Path) -> None:
    """Between its words and the next heading or variation: a cell, or which cell to change, and then the answer."""
    marked = [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
    text = "\n".join("CELL" if kind == "code" else source for kind, source in marked)
    parts = [re.split(r"\n## |\*\*Vary\.\*\*", part)[0] for part in text.split("**Vary.**")[1:]]
    assert [
        part for part in parts if not re.search(r"(CELL|run its cell again).*<details><summary>Answer", part, re.DOTALL)
    ] == []


@by_name
def test_three_predictions_or_more_ask_for_a_reason(path: Path) -> None:
    source = "\n".join(cell.source for cell in cells(path, "code"))
    assert source.count("because=True") >= 3


@by_name
def test_cells_are_short(path: Path) -> None:
    long = [cell.source.splitlines()[0] for cell in cells(path, "code") if cell.source.count("\n") >= LONGEST_CELL]
    assert long == []


def core(path: Path) -> list[nbformat.NotebookNode]:
    """The cells of the sections that can't be left out."""
    found, kept = [], True
    for cell in nbformat.read(path, as_version=4).cells:
        sections = re.split(r"^(?=## )", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else [""]
        inside = []
        for section in sections:
            kept = not section.startswith(FURTHER) if section.startswith("## ") else kept
            inside += [section] if kept else []
        if inside:
            found.append(cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell("".join(inside)))
    return found


@by_name
def test_45_minutes_are_enough_for_what_can_not_be_left_out(path: Path) -> None:
    kept = core(path)
    code = [cell for cell in kept if cell.cell_type == "code"]
    words = sum(len(cell.source.split()) for cell in kept if cell.cell_type == "markdown")
    assert words <= CORE_WORDS
    assert sum(map(lines, code)) <= CODE_LINES
    to_read = [cell for cell in code if "lab.predict(" not in cell.source]  # the control below shows the question
    assert [cell.source for cell in to_read if lines(cell) > LINES_TO_READ] == []
    assert sum(cell.source.count("lab.predict(") for cell in code) <= PREDICTIONS
    exercises = {name for cell in code for name in CHECK.findall(cell.source)}
    assert (lab_of(path) not in NOT_GRADED) <= len(exercises) <= EXERCISES
    stated = re.search(r"\*\*Time\*\*: about (\d+) minutes", kept[0].source)
    assert stated
    assert abs(sum(seconds_of(kept).values()) / 60 - int(stated[1])) <= ABOUT, "the rule of the instructors' table"
    assert int(stated[1]) <= MINUTES


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_instructors_read_the_minutes_of_each_section_and_their_rule(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert text.count("| sections | minutes | what they are about |") == text.count(RULE) == 1


@by_name
def test_the_instructors_table_says_which_predictions_can_be_left_out(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(INSTRUCTORS / path.name, "markdown"))
    table = dict(re.findall(r"^\| `([^`]+)`( \(further\))? \|", text, re.MULTILINE))
    kept = {name for cell in core(path) for name in PREDICTION.findall(cell.source)}
    assert {name for name, mark in table.items() if mark} == set(asked(path)) - kept


@by_name
def test_what_is_left_out_comes_last_but_for_the_end(path: Path) -> None:
    """A class that stops at its end has seen one lab, and not parts of it."""
    headings = [found for cell in cells(path, "markdown") for found in HEADING.findall(cell.source)]
    further = [heading.startswith(FURTHER) for heading in headings]
    assert headings[-1] == "## In real kernels"
    assert further == [*sorted(further[:-1]), False]


@by_name
def test_every_prediction_is_a_recorded_one(path: Path) -> None:
    text = "".join(cell.source for cell in cells(path, "markdown"))
    assert text.count("**Predict.**") == len(asked(path))


@by_name
def test_helper_functions_are_in_the_package(path: Path) -> None:
    """A learner reads calls of the machine; what a learner writes is theirs."""
    defined = [
        cell.source
        for cell in cells(path, "code")
        if re.search(r"^(def|class|for .*isinstance)", cell.source, re.MULTILINE)
    ]
    assert [source for source in defined if "# your" not in source] == []


@by_name
def test_it_ends_with_real_kernels(path: Path) -> None:
    """Five lines, each with a file, a function and a version, and one thing that differs."""
    *_, last = cells(path, "markdown")
    section = last.source.partition("## In real kernels")[2]
    rows = [line for line in section.splitlines() if line.startswith("- ")]
    assert len(rows) == 5
    assert [row for row in rows if row.count("`") < 4 or not re.search(r"\d", row)] == []
    assert "**What differs**" in section


@with_solutions
def test_it_says_last_how_it_is_handed_in(path: Path) -> None:
    *_, last = cells(path, "markdown")
    assert last.source.splitlines()[-1].startswith("**Submit**: save and send this notebook")


@by_name
def test_a_wrong_answer_has_a_name(path: Path) -> None:
    assert [name for name in asked(path) if not known_mistakes().get(name)] == []
    for name, options in options_of(path).items():
        assert set(known_mistakes()[name]) <= options, f"a mistake of {name} is of no answer that can be given"


def options_of(path: Path) -> dict[str, set[str]]:
    """The answers of each prediction that has options written in its cell."""
    found = {}
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "lab.predict":
                given = {word.arg: word.value for word in node.keywords}
                options = given.get("options")
                texts = options.keys if isinstance(options, ast.Dict) else getattr(options, "elts", [])
                if texts:
                    found[ast.literal_eval(given["id"])] = {str(ast.literal_eval(one)) for one in texts if one}
    return found


def lab_of(path: Path) -> str:
    return path.stem.partition("-")[0]


def lines(cell: nbformat.NotebookNode) -> int:
    """Of code, those that aren't empty."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


@with_solutions
def test_nothing_of_a_run_is_kept(path: Path) -> None:
    """Pictures are made by running: a saved one would be out of date, and a diff would hold a hundred kilobytes."""
    for cell in cells(path, "code"):
        assert (cell.outputs, cell.execution_count) == ([], None)
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"


@with_solutions
def test_links_to_other_notebooks_lead_somewhere(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []
    assert [target for target in targets if target.startswith("..")] == [], "a student's copy is a folder of its own"


def asked(path: Path) -> list[str]:
    """The ids of the predictions that a notebook asks for."""
    return [name for cell in cells(path, "code") for name in PREDICTION.findall(cell.source)]


@by_name
def test_predictions_are_few_and_of_the_notebooks_lab(path: Path) -> None:
    names = asked(path)
    assert 2 <= len(names) <= 6
    assert [name for name in names if moved.lab_of(name) != lab_of(path)] == []


def test_no_prediction_is_asked_twice() -> None:
    names = [name for path in NOTEBOOKS for name in asked(path)]
    assert len(names) == len(set(names))


@by_name
def test_a_prediction_is_compared_with_what_happened_after_it_was_asked(path: Path) -> None:
    sources = [cell.source for cell in cells(path, "code")]
    questions = {match[1]: index for index, source in enumerate(sources) for match in ASKED.finditer(source)}
    answers = {match[1]: index for index, source in enumerate(sources) for match in COMPARED.finditer(source)}
    assert len(questions) == len(asked(path))
    assert [name for name, index in questions.items() if answers.get(name, -1) <= index] == []


@by_name
def test_nothing_is_printed_before_what_happened_is_said(path: Path) -> None:
    """Nothing stands above an outcome, down from its question: not what a closed outcome keeps back."""
    sources = [cell.source for cell in cells(path, "code")]
    questions = {match[1]: index for index, source in enumerate(sources) for match in ASKED.finditer(source)}
    answers = {match[1]: index for index, source in enumerate(sources) for match in COMPARED.finditer(source)}
    between = {name: sources[questions[name] + 1 : index + 1] for name, index in answers.items()}
    assert [name for name, found in between.items() if any("print(" in source for source in found)] == []


def checked(path: Path) -> list[str]:
    """The exercises that a notebook checks."""
    return [name for cell in cells(path, "code") for name in CHECK.findall(cell.source)]


@with_solutions
def test_checks_exist(path: Path) -> None:
    assert bool(checked(path)) == (lab_of(path) not in NOT_GRADED)
    assert [name for name in checked(path) if not lab.check(name).problem] == []


@by_name
def test_an_exercise_ends_its_own_section(path: Path) -> None:
    """Its text and its check are under one heading, and nothing of the section comes after them."""
    heading, exercises = "", False
    every = nbformat.read(path, as_version=4).cells
    for cell, following in zip(every, [*every[1:], None], strict=True):
        if cell.cell_type == "markdown" and (found := HEADING.findall(cell.source)):
            heading, exercises = found[-1], "Exercise" in cell.source.split(found[-1])[-1] or "Exercise" in found[-1]
        elif cell.cell_type == "markdown":
            exercises |= "**Exercise" in cell.source
        for name in CHECK.findall(cell.source):
            assert exercises, f"{name} is checked under {heading!r}, and its text is elsewhere"
            assert following is not None
            assert following.source.startswith(("## ", "**", "lab.predictions")), f"{name} does not end {heading!r}"


@by_name
def test_the_names_that_an_exercise_suggests_are_not_those_of_predictions(path: Path) -> None:
    """Else the learner's task takes the name of a prediction, whose comparing cell then fails when it runs again."""
    source = "\n".join(cell.source for cell in cells(path, "code"))
    suggested = {name for line in SUGGESTED.findall(source) for name in re.findall(r"(?<![\w.])(\w+)\.", line)}
    assert suggested & set(ASKED.findall(source)) == set()


@by_name
def test_its_solutions_explain_each_prediction_and_solve_each_exercise(path: Path) -> None:
    solved = INSTRUCTORS / path.name
    text = "\n".join(cell.source for cell in cells(solved, "markdown"))
    assert [name for name in asked(path) if f"`{name}`" not in text] == []
    assert set(checked(solved)) == set(checked(path))


VARIES = "07", "08", "09", "10", "11"
VARIED = re.compile(r"\*\*Vary\.\*\*.*")


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem[:2] in VARIES], ids=lambda path: path.stem)
def test_what_a_variation_names_is_still_there_after_run_all(path: Path) -> None:
    """A learner who runs all, reads, and then varies: no later section has given the name to another thing."""
    varied: dict[str, str] = {}
    heading, taken = "", list[str]()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                heading = line if line.startswith("## ") else heading
                for words in VARIED.findall(line):
                    names = re.findall(r"(?<![\w.\"'])([a-z_A-Z]\w*)\b(?!=)", " ".join(re.findall(r"`([^`]+)`", words)))
                    varied |= dict.fromkeys(names, heading)
        else:
            symbols = symtable.symtable(cell.source, "cell", "exec").get_symbols()
            bound = [symbol.get_name() for symbol in symbols if symbol.is_assigned()]
            taken += [
                f"{name} of {varied[name]!r} in {heading!r}" for name in bound if varied.get(name, heading) != heading
            ]
    assert taken == []
