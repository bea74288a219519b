"""What a student would stumble over in a notebook, or lose points by, without an error when it runs."""

from __future__ import annotations

import ast
import re
import symtable
from pathlib import Path

import nbformat
import pytest

from vmwidgets import lab
from vmwidgets.labs import moved
from vmwidgets.labs.mistakes import known_mistakes

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
INSTRUCTORS = FOLDER.parent / "course" / "instructors"
SOLUTIONS = sorted(INSTRUCTORS.glob("*.ipynb"))
NOT_GRADED = {"12"}
"""Labs without an exercise."""

PREDICTION = re.compile(r'\bid="([^"]+)"')
ASKED = re.compile(r"^(\w+) = lab\.predict\(", re.MULTILINE)
COMPARED = re.compile(r"^(\w+)\.compare\(", re.MULTILINE)
SUGGESTED = re.compile(r"# your code here: (.*)$", re.MULTILINE)
CHECK = re.compile(r'lab\.check\("([^"]+)"')

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
with_solutions = pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@with_solutions
def test_the_first_code_begins_the_lab_and_keeps_pictures_at_their_cells(path: Path) -> None:
    """A student writes an ID there, and what the text says of a picture is true after Run All as well."""
    first = cells(path, "code")[0].source
    assert f'lab.begin("{lab_of(path)}", student="", course="")' in first
    assert "lab.keep_moments()" in first


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
def test_predictions_are_of_the_notebooks_lab(path: Path) -> None:
    assert asked(path)
    assert [name for name in asked(path) if moved.lab_of(name) != lab_of(path)] == []


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
