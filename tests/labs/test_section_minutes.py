"""Minutes of a lab's sections: one rule, counted here by hand, and a table that names each section once."""

from __future__ import annotations

import nbformat
import pytest

from tools.minutes import EXERCISE, PREDICTION, RUN, WORDS_A_MINUTE, seconds_of, with_minutes

TABLE = "| sections | what they are about |\n|---|---|\n"


def notebook(*sources: str) -> list[nbformat.NotebookNode]:
    """Cells; those that begin with a prompt are code."""
    return [
        nbformat.v4.new_code_cell(one.removeprefix(">>> "))
        if one.startswith(">>> ")
        else nbformat.v4.new_markdown_cell(one)
        for one in sources
    ]


def test_words_runs_predictions_and_exercises_are_counted_for_their_section() -> None:
    words = "word " * WORDS_A_MINUTE
    found = seconds_of(
        notebook(
            words,  # before the first heading
            ">>> 1 + 1",
            "## 1 · A",
            '>>> lab.predict("?", id="t/not-explained", kind="number")',
            f"{words}\n\n## 2 · B\n\n{words}",
            '>>> lab.check("t/x", 1)',
            "## Further: C",
            ">>> 2",
            "## In real kernels",
        )
    )
    word = 60 / WORDS_A_MINUTE
    assert found == pytest.approx(
        {
            "1": 120 + 3 * word + RUN + (RUN + PREDICTION),
            "2": 60 + 3 * word + EXERCISE,
            "*Further*": 2 * word + RUN,
            "end": 3 * word,
        }
    )


def test_what_a_prediction_says_once_it_is_answered_is_read_too() -> None:
    (short,) = seconds_of(notebook('>>> lab.predict("?", id="t/none", kind="number")')).values()
    (explained,) = seconds_of(notebook('>>> lab.predict("?", id="08b/eager", kind="number")')).values()
    assert explained > short


def test_a_table_gets_minutes_a_sum_and_the_rule() -> None:
    source = f"Before.\n\n{TABLE}| 1, 2 | a; b |\n| end | summary |\n\nAfter."
    seconds = {"1": 100.0, "2": 200.0, "end": 10.0, "*Further*": 600.0}
    before, head, _, *rows = with_minutes(source, seconds).replace("\n\n", "\n").splitlines()
    assert (before, head) == ("Before.", "| sections | minutes | what they are about |")
    assert rows[:4] == [
        "| 1, 2 | 5 | a; b |",
        "| end | 1 | summary |",
        "| together | 5 | |",
        "| *Further* | 10 | can be left out |",
    ]
    assert rows[4].startswith("The minutes are an estimate, not a measurement: 200 words a minute")
    assert rows[5] == "After."


@pytest.mark.parametrize("rows", ["| 1 | a |\n", "| 1, 2, 2 | a |\n| end | b |\n", "| 1, 2, 3, end | a |\n"])
def test_a_section_that_is_missing_twice_there_or_unknown_is_refused(rows: str) -> None:
    with pytest.raises(ValueError, match="the table has the sections"):
        with_minutes(f"{TABLE}{rows}\n", {"1": 1.0, "2": 1.0, "end": 1.0})


def test_a_text_without_such_a_table_stays_as_it_is() -> None:
    assert with_minutes("| sections | minutes |\n", {"1": 1.0}) == "| sections | minutes |\n"
