"""Cells that are run again, in any order: no verdict changes, and no cell finds another thing under a name."""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.notebooks.test_form import NOTEBOOKS, asked, by_name, cells, lab_of
from vmwidgets.labs.explained import explanations
from vmwidgets.labs.records import MIME, TAG

ASKED, OUTCOME = "prediction", "outcome"


def bound_and_taken(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell gives to things, and those that it takes from other cells."""
    bound, taken = set[str](), set[str]()
    for statement in ast.parse(source).body:
        inside = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        local = {
            name.id
            for node in ast.walk(statement)
            if isinstance(node, ast.comprehension)
            for name in ast.walk(node.target)
            if isinstance(name, ast.Name)
        }
        local |= {one.arg for one in ast.walk(statement) if isinstance(one, ast.arg)}
        stored = {node.id for node in inside if isinstance(node.ctx, ast.Store)} - local
        stored |= {node.name for node in ast.walk(statement) if isinstance(node, ast.FunctionDef)}
        own = stored if isinstance(statement, (ast.For, ast.With)) else set[str]()
        taken |= {node.id for node in inside if isinstance(node.ctx, ast.Load)} - bound - own - local
        bound |= stored
    return bound, taken


@by_name
def test_no_name_that_other_cells_use_is_given_twice(path: Path) -> None:
    both = [bound_and_taken(cell.source) for cell in cells(path, "code")]
    given = [name for bound, _ in both for name in bound]
    taken = {name for _, others in both for name in others}
    assert sorted(name for name in taken if given.count(name) > 1) == []


@by_name
def test_each_prediction_is_explained_once_it_is_answered(path: Path) -> None:
    assert [name for name in asked(path) if not explanations().get(name)] == []
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for name in asked(path):
        for sentence in re.split(r"(?<=[.:]) ", explanations()[name]):
            assert len(sentence) < 40 or sentence not in text, f"the notebook says it before {name} is answered"


def test_nothing_is_explained_that_is_not_asked() -> None:
    assert set(explanations()) - {name for path in NOTEBOOKS for name in asked(path)} == set()


@by_name
def test_a_comparison_is_the_last_of_its_cell_so_that_its_outcome_is_shown(path: Path) -> None:
    for cell in cells(path, "code"):
        statements = ast.parse(cell.source).body
        compared = [
            ast.unparse(node.func.value)
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "compare"
            and ast.unparse(node.func.value) in predicted(path)
        ]
        if compared:
            last = statements[-1]
            assert len(compared) == 1
            assert isinstance(last, ast.Expr)
            assert ast.unparse(last).startswith(f"{compared[0]}.compare("), cell.source


def predicted(path: Path) -> set[str]:
    """The names that cells give to predictions."""
    return {
        target.id
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("lab.predict(")
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@by_name
def test_the_cell_that_compares_names_no_option(path: Path) -> None:
    options: dict[str, list[str]] = {}
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "lab.predict":
                given = {word.arg: word.value for word in node.keywords}
                if "options" in given and not isinstance(given["options"], ast.Name):
                    known = given["options"]
                    texts = known.keys if isinstance(known, ast.Dict) else getattr(known, "elts", [])
                    name = str(ast.literal_eval(given["id"]))
                    options[name] = [str(ast.literal_eval(one)) for one in texts if one is not None]
    calls = [
        node for cell in cells(path, "code") for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)
    ]
    compared = [node for call in calls if ast.unparse(call.func).endswith(".compare") for node in ast.walk(call)]
    strings = {node.value for node in compared if isinstance(node, ast.Constant)}
    for name, texts in options.items():
        assert not strings & {text for text in texts if len(text) > 3}, name


@by_name
def test_no_cell_that_runs_again_fails_or_changes_a_verdict(path: Path) -> None:
    """A learner answers, runs each cell twice on the way down, and all once more in an order of their own."""
    notebook = smaller(path)
    answered(notebook, 0)
    client, code = client_of(notebook, path)
    with client.setup_kernel():
        for number in code:
            client.execute_cell(notebook.cells[number], number)
            again(client, number)
            assert failures(notebook.cells[number]) == [], f"twice: {notebook.cells[number].source}"
        first = verdicts(notebook)
        in_any_order(client, code, f"{lab_of(path)} 0")
        assert verdicts(notebook) == first
    assert first.keys() == set(asked(path))


@by_name
@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(1, 10))
def test_in_any_order_no_verdict_changes(path: Path, seed: int) -> None:
    """A learner answers otherwise, runs all, and then runs cells again, in an order of their own."""
    with done(path, seed) as (client, code):
        in_any_order(client, code, f"{lab_of(path)} {seed}")


@by_name
@pytest.mark.sweep
def test_from_the_last_cell_to_the_first_none_fails_or_changes_a_verdict(path: Path) -> None:
    with done(path, 0) as (client, code):
        for number in reversed(code):
            again(client, number)
            cell = client.nb.cells[number]
            assert failures(cell) == [], f"after the whole lab: {cell.source}"


@contextmanager
def done(path: Path, seed: int) -> Iterator[tuple[nbclient.NotebookClient, list[int]]]:
    """A lab that a learner has answered and run once: what is run again in the block changes no verdict."""
    notebook = smaller(path)
    answered(notebook, seed)
    client, code = client_of(notebook, path)
    with client.setup_kernel():
        for number in code:
            client.execute_cell(notebook.cells[number], number)
        first = verdicts(notebook)
        yield client, code
        assert verdicts(notebook) == first
    assert first.keys() == set(asked(path))


def in_any_order(client: nbclient.NotebookClient, code: list[int], seed: str) -> None:
    """Run all cells once more; some may fail, but none since a name means another thing."""
    for number in random.Random(seed).sample(code, len(code)):
        again(client, number)
        assert names_missed(client.nb.cells[number]) == []


def smaller(path: Path) -> Any:
    """A notebook with a tenth of each number below a million that ends in 0_000: no verdict depends on its size."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(r"\b(\d+)0_000\b", r"\1_000", cell.source)
    return notebook


def middle_of(path: Path, code: list[int], seed: int) -> int:
    """Which of the cells with code a learner is at, in the last two thirds."""
    return random.Random(f"{lab_of(path)} above {seed}").randrange(len(code) // 3, len(code))


@by_name
@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(3))
def test_run_all_above_changes_no_verdict(path: Path, seed: int) -> None:
    """From a cell in the middle, after that cell and all later ones have run: the cells above it, and then it again."""
    with done(path, seed) as (client, code):
        for number in code[: middle_of(path, code, seed) + 1]:
            again(client, number)
            cell = client.nb.cells[number]
            assert failures(cell) == [], cell.source


def client_of(notebook: Any, path: Path) -> tuple[nbclient.NotebookClient, list[int]]:
    """What runs a notebook, and the numbers of its cells with code."""
    client = nbclient.NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}
    )
    return client, [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def again(client: nbclient.NotebookClient, number: int) -> None:
    """Run a cell that has run before."""
    client.clear_display_id_mapping(number)
    client.execute_cell(client.nb.cells[number], number)


def answered(notebook: Any, number: int) -> None:
    """Put an answer in each prediction of a notebook: of options the one with this number, around and around."""
    for cell in notebook.cells:
        for name in re.findall(r"^(\w+) = lab\.predict\(", cell.source, re.MULTILINE):
            cell.source += (
                f'\n{name}.say(({name}.options or ("7",))[{number} % (len({name}.options) or 1)], because="so")'
            )


def verdicts(notebook: Any) -> dict[str, tuple[Any, ...]]:
    """By prediction: what was said first, whether that was late, and what happened; outcomes that are shown agree."""
    bundles = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    kept = [one[MIME] for one in bundles if MIME in one]
    asked = [one for one in kept if one[TAG] == ASKED]
    found = {one["id"]: (one["answer"], one["answers"][0]["late"], one["happened"]) for one in asked}
    for shown in kept:
        if shown[TAG] == OUTCOME:  # a cell that fails now shows none
            assert found[shown["id"]] == (shown["said"], shown["late"], shown["actual"])
    return found


def failures(cell: Any) -> list[str]:
    """What a cell failed with."""
    return [json.dumps(output) for output in cell.outputs if output.output_type == "error"]


def names_missed(cell: Any) -> list[str]:
    """Failures of a cell that come of a name which means another thing, in Python or for a machine."""
    kinds = ("NameError", "AttributeError", "TypeError", "ValueError", "KeyError", "IndexError", "AssertionError")
    failed = [output for output in cell.outputs if output.output_type == "error"]
    return [json.dumps(one) for one in failed if one.ename in kinds or "another machine" in one.evalue]
