"""An exam on one picture: a question for each word that a worksheet leaves out."""

from __future__ import annotations

from pathlib import Path

from vmwidgets.labs.answers import number_in
from vmwidgets.pictures.blank import Answer, Worksheet

from .exam import UNDRAWN, Exam, Section
from .files import save
from .question import NUMBER, TEXT, Question


def exam_of(sheet: Worksheet) -> Exam:
    """Return the questions, in the order of the blanks, all with the worksheet as their figure.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> task = m.task("init")
    >>> task.write(task.mmap("4 KiB"), b"x")
    >>> [question.text for question in exam_of(vm.picture(vm.Fault(task)).blank("error code")).questions]
    ['What belongs in blank 1 of the picture? It is: error code.']
    """
    figure, solution = sheet.scene, sheet.key.scene
    questions = [
        Question(
            f"What belongs in blank {one.number} of the picture? It is: {one.word}.",
            one.value,
            f"The picture says: {one.word} {one.value}.",
            _form(one),
            figure=figure,
            solution=solution,
            id=f"picture/{one.word.replace(' ', '-')}",
            grade=1,
        )
        for one in sheet.answers
    ]
    return Exam(UNDRAWN, (Section(sheet.scene().title, 1, tuple(questions)),))


def _form(answer: Answer) -> str:
    return TEXT if number_in(answer.value) is None else NUMBER


def write_exam(sheet: Worksheet, path: str | Path, key: bool, force: bool) -> Path:
    """Write the exam of a worksheet: see :meth:`Worksheet.exam`."""
    return save(exam_of(sheet), path, key=key, force=force)
