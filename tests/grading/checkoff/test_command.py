"""The command: three questions of a notebook, the same again, others on demand; one sentence for what is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.grading.classroom.hostile import journal
from tests.grading.earlier import result, submitting
from tests.grading.synthetic import seed_of, solved, written
from vmwidgets.cli import main
from vmwidgets.grading.checkoff import Asked, Checkoff, check_off
from vmwidgets.grading.checkoff.kinds import questions, subject_of
from vmwidgets.grading.checkoff.sheets import html, markdown, text
from vmwidgets.grading.own_exercises import read_modules
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.sheet import sheet_of

from .works import OF, RIGHT, asked_of, work_of

ANYONE = "Anyone who has this notebook can make the same questions: --secret FILE asks others."


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handed-in")
    return written(folder / "ada.ipynb", "ada", "01", solved("01/guard", "ada"), solved("01/gaps", "ada"))


@pytest.fixture(scope="module")
def checkoff(notebook: Path) -> Checkoff:
    return check_off(notebook)


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["grade", "--ask", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_three_questions_with_answers_the_same_again(
    notebook: Path, checkoff: Checkoff, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = asked(capsys, notebook)
    assert (status, err) == (0, "")
    assert out == f"{text(checkoff)}\n\n{ANYONE}\n"
    assert out.startswith("Lab 01, ada, course os-2026: 3 questions for the desk\n")
    assert out.count("Answer: ") == out.count("Why: ") == 3
    assert {one.exercise for one in checkoff.asked} == {"01/guard", "01/gaps"}
    assert "`" not in out
    for one in checkoff.asked:
        first, *_ = one.question.text.replace("`", "").splitlines()
        assert first in out
    assert "|--" not in out, "the calls are listed as a text"


def test_with_a_secret_a_student_can_not_find_out_what_is_asked(
    notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.key").write_text("0123456789abcdef" * 2)
    course = 'course = "os-2026"\nexercises = ["01/gaps"]\nkey = "another secret of a course"\n'
    (tmp_path / "course.toml").write_text(course)
    sets = [asked(capsys, notebook)[1]]
    for name in ("secret.key", "course.toml", "secret.key"):
        status, out, err = asked(capsys, notebook, "--secret", tmp_path / name)
        assert (status, err) == (0, "")
        assert out.endswith(f"\n\nOnly the owner of the secret in {tmp_path / name} can make these questions.\n")
        assert "0123456789abcdef" not in out and "another secret" not in out
        sets.append(out)
    without, one, other, again = (page.partition("\n\nOnly the owner")[0] for page in sets)
    assert one == again
    assert len({without.partition(f"\n\n{ANYONE}")[0], one, other}) == 3


def test_of_a_notebook_with_a_code_the_course_can_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its sheet comes from the code, which only the course's key gives again."""
    key = "the key of a course"
    path = written(tmp_path / "ada.ipynb", "ada", "01", solved("01/gaps", "ada", key=key), key=key)
    (tmp_path / "course.toml").write_text(f'course = "os-2026"\nexercises = ["01/gaps"]\nkey = "{key}"\n')
    (tmp_path / "secret.key").write_text("0123456789abcdef")
    for more in ([], ["--secret", tmp_path / "secret.key"]):
        status, out, err = asked(capsys, path, *more)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "add --secret course.toml" in err
    status, out, err = asked(capsys, path, "--secret", tmp_path / "course.toml")
    assert (status, err, out.count("Answer: ")) == (0, "", 3)


@pytest.mark.parametrize("exercise", ["01/gaps", pytest.param("06/by-hand", marks=pytest.mark.sweep)])
def test_a_secret_chooses_what_a_kind_asks_about(exercise: str) -> None:
    """The numbers and addresses, and not only which kinds are asked."""
    subject = subject_of(exercise, OF, work_of(exercise, RIGHT))
    of = {name: {one.text for one in questions(subject, name)} for name in ("", *map(str, range(8)))}
    secret = set().union(*(of[str(number)] for number in range(8)))
    assert {one.text for one in questions(subject, "3")} == of["3"]
    assert len(secret - of[""]) > len(of[""]), "most of what can be asked is not in the public pool"


def test_what_was_done_is_listed_once_for_each_exercise(checkoff: Checkoff) -> None:
    """So that "call 3 of 5" can be looked up at the desk."""
    tables = Counter(one.exercise for one in checkoff.asked if "| call | as the journal has it |" in one.question.text)
    assert tables == Counter({one.exercise for one in checkoff.asked})


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_a_file_to_be_printed(checkoff: Checkoff, suffix: str) -> None:
    page = {".md": markdown, ".html": html}[suffix](checkoff)
    assert page.count("Answer:") == 3
    assert ("<code>" in page) == (suffix == ".html")
    assert ("`" in page) == (suffix == ".md")


def changed(output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {result.MIME: {**output[result.MIME], **members}}


NAME = "<script>\u202e`|\x1b[31m"


def test_names_in_a_journal_are_text_and_nothing_else(tmp_path: Path) -> None:
    """A student chose them, and an assistant prints them."""
    recipe = f"thing.machine.object({NAME!r})\nfor size in 1, 2, 3:\n    thing.enter(size * vm.PAGE, object={NAME!r})\n"
    named = solved("01/gaps", "ada", lambda _: recipe)
    found = check_off(written(tmp_path / "ada.ipynb", "ada", "01", named, solved("01/guard", "ada")), "01/gaps")
    assert [one.exercise for one in found.asked] == ["01/gaps"] * 3
    for page in (text(found), markdown(found), html(found)):
        assert "\x1b" not in page
        assert "\u202e" not in page
    assert "&lt;script&gt;" in html(found)
    assert "<script" not in html(found)


def test_a_stroke_in_a_call_is_no_border_of_a_table() -> None:
    begun = Beginning("10", "os", ("ada",))
    question = next(one for one in asked_of("10/stack", RIGHT) if one.id == "maker")
    found = Checkoff(begun, (Asked("10/stack", question),), {})
    call = "mprotect(0x7f000000d000, 5242880, PROT_READ|PROT_WRITE) = 0"
    assert f"     6  {call}" in text(found)
    assert f"<td>6</td><td><code>{call}</code></td>" in html(found)
    assert f"| 6 | `{call.replace('|', chr(92) + '|')}` |" in markdown(found)


def test_what_can_not_be_asked_of_is_one_sentence_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = solved("01/guard", "ada")
    work = guard[result.MIME]["work"]
    seed = guard[result.MIME]["sheet"]
    broken = [
        changed(guard, sheet="0" * 16),
        changed(guard, id="mine/own"),
        changed(guard, id="01/gaps", work={**work, "journal": journal(b"\n" * (1 << 20), 200)}),
        changed(guard, id="02/no-rotation", work={**work, "journal": work["journal"][:400]}),
        changed(guard, id="03/whole", work={**work, "part": "task:nothing"}),
        changed(guard, id="03/window", work={"kind": ["?"]}),
        changed(guard, id="04/thrifty"),
        changed(guard, id="06/by-hand", work={"kind": "segments", "segments": {"code": [0, 4096, "r"]}}),
        solved("05/handler", "ada", lambda _: ""),
        changed(solved("08/survivor", "ada"), id="07/eleven"),
    ]
    for one in broken[1:]:
        one[result.MIME]["sheet"] = seed
    paths = [written(tmp_path / "broken.ipynb", "ada", "01", *broken), written(tmp_path / "no.ipynb", "ada", "01")]
    contents = {"text": "hello", "list": "[1]", "half": paths[0].read_text()[:500], "empty": ""}
    for name, content in contents.items():
        paths.append(tmp_path / f"{name}.ipynb")
        paths[-1].write_text(content)
    for path in (*paths, tmp_path / "missing.ipynb", tmp_path):
        status, out, err = asked(capsys, path)
        assert (path, status, out, err.count("\n")) == (path, 2, "", 1), err
        assert err.startswith(f"vmwidgets: {path}")
        assert path != paths[0] or all(f"{one[result.MIME]['id']}: " in err for one in broken)


def test_wrong_arguments_are_one_sentence(notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["--exercise", "01/gard"], "01/guard"),
        (["--exercise", "02/no-rotation"], "was not checked in it"),
        (["--again", "-1"], "0 to 1,000"),
        (["--secret", tmp_path / "missing.key"], "can't be read"),
        (["-o", tmp_path / "desk.pdf"], "it must end in .md or .html"),
    ):
        status, out, err = asked(capsys, notebook, *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err


def test_of_one_exercise_until_nothing_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one call little can be asked: no other is there that it can be exchanged with."""
    little = solved("01/gaps", "ada", lambda _: "thing.lookup(0)")
    path = written(tmp_path / "ada.ipynb", "ada", "01", little, solved("01/guard", "ada"))
    page = tmp_path / "desk.md"
    status, out, err = asked(capsys, path, "--exercise", "01/gaps", "--again", 2, "-o", page)
    assert (status, out) == (1, f"questions are in {page}\n{ANYONE}\n")
    assert page.read_text(encoding="utf-8") == "# Lab 01, ada, course os-2026: 0 questions for the desk\n"
    assert err == "vmwidgets: only 0 questions left\n"


def test_the_output_of_a_submission_will_do(checkoff: Checkoff, tmp_path: Path) -> None:
    checked = {name: solved(name, "ada")[result.MIME] for name in ("01/guard", "01/gaps")}
    works = {name: {key: one[key] for key in ("sheet", "points", "of", "work")} for name, one in checked.items()}
    path = written(tmp_path / "ada.ipynb", "ada", "01", {submitting.MIME: {"works": works}})
    assert check_off(path) == checkoff


OWN = """
from vmwidgets import lab, PAGE
import vmwidgets as vm

class Asked:
    text = "Take pages away."
    def start(self):
        space = vm.boot().task("desk").map
        space.enter(9 * PAGE)
        return space

@lab.author.exercise("desk/rooms", "Rooms", points=1, takes=type(vm.boot().kernel_map), variant=lambda draws: Asked())
def rooms(space, asked):
    yield lab.author.criterion(1, len(space.entries()) > 1, "it is cut", "it is whole")
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A notebook with work for an exercise of a course's own module, in a folder beside that."""
    (tmp_path / "mine.py").write_text(OWN)
    read_modules([tmp_path / "mine.py"])
    seed = seed_of("ada", "desk")
    space = sheet_of("desk/rooms", seed).start()
    for page in (2, 5, 7):
        space.remove(page * vm.PAGE, size=vm.PAGE)
    check = {result.MIME: judged_for("desk/rooms", seed, space).data()}
    return written(tmp_path / "in" / "ada.ipynb", "ada", "desk", check)


def test_own_exercises_are_asked_about(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the process with limits, too, which knows only the module that it is given."""
    status, out, err = asked(capsys, own, "--exercises", own.parents[1] / "mine.py")
    assert (status, err) == (0, "")
    assert out.startswith("Lab desk, ada, course os-2026: 3 questions for the desk\n")


def test_a_module_beside_a_submitted_notebook_is_not_run(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own.parent / "planted.py").write_text("raise SystemExit(0)")
    status, _, err = asked(capsys, own, "--exercises", own.parent / "planted.py")
    assert (status, "lies in the folder of submissions" in err) == (2, True)


def test_without_the_module_it_is_asked_for(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vmwidgets.grading.checkoff.checkoff.exercises", dict)
    assert "name your own with --exercises FILE" in asked(capsys, own)[2]
