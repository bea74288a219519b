"""What `make slow` and `make mutants` compute."""

from __future__ import annotations

import ast
from itertools import islice

from tools import mutants, slow


def test_a_function_is_as_slow_as_its_slowest_case_and_each_file_keeps_its_quickest() -> None:
    times = {"tests/a.py::x[1]": 0.1, "tests/a.py::x[2]": 9.0, "tests/a.py::y": 5.0, "tests/b.py::z": 0.2}
    assert slow.slow_functions(times, 0.3) == ["tests/a.py::x"]


def test_the_quickest_run_counts() -> None:
    assert slow.lowest([{"a": 2.0, "b": 1.0}, {"a": 1.0, "b": 3.0}]) == {"a": 1.0, "b": 1.0}


def test_a_mutant_differs_in_one_place_and_is_found_again_by_its_key() -> None:
    for mutant, again in islice(zip(mutants.drawn(3), mutants.drawn(3), strict=True), 40):
        source = (mutants.ROOT / mutant.path).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
        assert mutant.source.splitlines()[: mutant.line - 1] == source.splitlines()[: mutant.line - 1]
        assert mutant.key == again.key


def test_code_is_changed_and_no_docstring() -> None:
    tree = ast.parse("def f(a):\n    'Return it.'\n    return a + 1\n")
    (plus, kind), (one, other) = mutants.places(tree)
    assert (kind, other) == ("operator", "number")
    assert (plus.lineno, one.lineno) == (3, 3)
