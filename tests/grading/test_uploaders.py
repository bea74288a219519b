"""Who uploaded a file, by the names that learning systems give; and that nobody loses points by another's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmwidgets.grading import grade, read_course
from vmwidgets.grading.roster import Roster, read_roster
from vmwidgets.grading.uploaders import uploaders

from .synthetic import COURSE, solved, worth, written

ROSTER = (
    'Student,ID,SIS User ID,SIS Login ID\n"Lovelace, Ada",4711,S1,ada\n"Müller, Bert",4712,S2,bert\n'
    '"Jones, Eve",4713,S3,eve\n"Jones, Eve",4714,S4,eve2\n'
)


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    (tmp_path / "roster.csv").write_text(ROSTER)
    return read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("Ada Lovelace_99123_assignsubmission_file/01-maps.ipynb", "ada"),
        ("Ada Lovelace_99123_assignsubmission_file_01-maps.ipynb", "ada"),
        ("lab 01/Bert Müller_5_assignsubmission_file_/x/y.ipynb", "bert"),
        ("Lovelace Ada_99123_assignsubmission_file_x.ipynb", "ada"),
        ("lovelaceada_4711_99123_01-maps.ipynb", "ada"),
        ("lovelaceada_LATE_4711_99123_01-maps.ipynb", "ada"),
        ("mullerbert_4712_99124_01-maps-1.ipynb", "bert"),
        ("joneseve_4714_99125_01-maps.ipynb", "eve2"),
        ("Lab 01_BERT_attempt_2026-10-01-23-58-00_01-maps.ipynb", "bert"),
        ("Lab 01_S3_attempt_2026-10-01-23-58-00_01-maps.ipynb", "eve"),
        # What follows a system's own words is what a student wrote:
        ("Ada Lovelace_1_assignsubmission_file/Bert Müller_2_assignsubmission_file_x.ipynb", "ada"),
        ("Ada Lovelace_1_assignsubmission_file_Bert Müller_2_assignsubmission_file_x.ipynb", "ada"),
        ("Ada Lovelace_1_assignsubmission_file/Lab 01_bert_attempt_2026-10-01-23-58-00_x.ipynb", "ada"),
        ("lovelaceada_4711_99123_Bert Müller_1_assignsubmission_file_z.ipynb", "ada"),
        ("Lab 01_ada_attempt_2026-10-01-23-58-00_mullerbert_4712_99124_x.ipynb", "ada"),
        ("Zoe Stranger_7_assignsubmission_file/Ada Lovelace_1_assignsubmission_file_x.ipynb", ""),
        # Not said, or not certain:
        ("01-maps.ipynb", ""),
        ("ada.ipynb", ""),
        ("week 1/01-maps.ipynb", ""),
        ("Eve Jones_7_assignsubmission_file_x.ipynb", ""),
        ("Zoe Stranger_7_assignsubmission_file_x.ipynb", ""),
        ("lab_01_02_maps.ipynb", ""),
    ],
)
def test_names_of_files_say_who_uploaded_them(roster: Roster, path: str, who: str) -> None:
    assert uploaders(roster, [])(path) == who


FOLDERS = ("ada/1.ipynb", "S2/01/1.ipynb", "week 1/1.ipynb")


def test_folders_that_are_called_as_most_students_are_those_of_students(roster: Roster) -> None:
    uploader = uploaders(roster, [(path, []) for path in FOLDERS])
    inner = "ada/01/Lab 01_bert_attempt_2026-10-01-23-58-00_x.ipynb"
    assert [uploader(path) for path in (*FOLDERS, inner)] == ["ada", "bert", "", "ada"]


@pytest.mark.parametrize(
    "files",
    [
        [("eve/1.ipynb", ["ada"]), ("eve/2.ipynb", ["bert"])],  # a tutor called as a student is
        [("eve/1.ipynb", ["ada"]), ("week 1/2.ipynb", ["bert"]), ("week 2/2.ipynb", ["bert"]), ("ada/1.ipynb", [])],
    ],
)
def test_a_folder_that_happens_to_be_called_as_a_student_says_nothing(
    roster: Roster, files: list[tuple[str, list[str]]]
) -> None:
    assert {uploaders(roster, files)(path) for path, _ in files} == {""}


def test_an_id_that_somebody_writes_takes_no_folder_from_the_others() -> None:
    """Without a roster, where the folders are those of two groups."""
    files = [("lab01/a.ipynb", ["ada"]), ("lab01/m.ipynb", ["lab01"]), ("lab02/b.ipynb", ["bert"])]
    assert {uploaders(None, files)(path) for path, _ in files} == {""}


def test_a_few_files_in_the_name_of_a_folder_take_nothing_from_the_others() -> None:
    """Without a roster: one file in each of two folders, begun under the folder's name."""
    files = [(f"lab0{lab}/{name}.ipynb", [name]) for lab in (1, 2) for name in ("ada", "bert")]
    files += [("lab01/m.ipynb", ["lab01"]), ("lab02/m.ipynb", ["lab02"])]
    assert {uploaders(None, files)(path) for path, _ in files} == {""}


def test_an_id_that_somebody_made_up_takes_no_blackboard_file() -> None:
    name = "Lab_01_ada_attempt_2026-10-01-23-58-00_x.ipynb"
    assert uploaders(None, [("a.ipynb", ["01_ada"]), (name, ["ada"])])(name) == ""
    assert uploaders(None, [(name, ["ada"])])(name) == "ada"


def test_folders_above_those_of_students_or_a_system_say_nothing(roster: Roster) -> None:
    files = [(f"submitted/{path}", []) for path in FOLDERS]
    uploader = uploaders(roster, files)
    assert [uploader(path) for path, _ in files] == ["ada", "bert", ""]
    inner = "OS_2026_01_lab/Bert Müller_2_assignsubmission_file/x.ipynb"
    assert uploaders(roster, [(inner, [])])(inner) == "bert"


def test_the_longest_id_is_that_of_a_blackboard_file(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("id\njo_ann\nann\n")
    uploader = uploaders(read_roster(tmp_path / "roster.csv"), [])
    assert uploader("Lab 01_jo_ann_attempt_2026-10-01-23-58-00_x.ipynb") == "jo_ann"
    assert uploader("Lab 01_ann_attempt_2026-10-01-23-58-00_x.ipynb") == "ann"


def test_a_web_page_is_that_of_who_uploaded_it(tmp_path: Path, roster: Roster) -> None:
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    place = tmp_path / "in" / "Ada Lovelace_99123_assignsubmission_file" / "01-maps.html"
    place.parent.mkdir(parents=True)
    place.write_text("<!doctype html><p>01-maps</p>")
    grades = grade(tmp_path / "in", read_course(tmp_path / "course.toml"), jobs=1, roster=roster)
    assert [row.student for row in grades.look] == ["ada"]
    assert grades.without_points() == ["ada"]


@pytest.mark.parametrize("with_roster", [True, False])
def test_a_file_in_a_classmates_name_takes_nothing_and_gives_nothing(
    tmp_path: Path, roster: Roster, with_roster: bool
) -> None:
    """Neither an empty one, nor a better one than hers, which would be said to be hers."""
    exercises = '["01/guard", "01/gaps"]'
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\ngroups = 2\nexercises = {exercises}\n')
    folder = tmp_path / "in"
    written(folder / "ada" / "01.ipynb", "ada", "01", solved("01/guard", "ada"))
    written(folder / "bert" / "01.ipynb", "bert", "01", solved("01/gaps", "bert"))
    written(folder / "bert" / "zzz.ipynb", "ada", "01")
    written(folder / "bert" / "more.ipynb", "ada", "01", solved("01/gaps", "ada"))
    written(folder / "eve" / "pair.ipynb", "eve+bert", "01", solved("01/guard", "eve+bert"))
    course = read_course(tmp_path / "course.toml")
    grades = grade(folder, course, jobs=1, roster=roster if with_roster else None)
    both = worth("01/guard") + worth("01/gaps")
    assert grades.students() == {"ada": worth("01/guard"), "bert": both, "eve": worth("01/guard")}
    says = {row.path: row.says for row in grades.look if not row.exercise}
    assert says == {
        "bert/more.ipynb": "bert uploaded it, in the name of ada: it counts for no one",
        "bert/zzz.ipynb": "bert uploaded it, in the name of ada: it counts for no one",
    }
