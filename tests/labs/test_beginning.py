"""Whose lab it is: ids as rosters have them, seeds that anyone can compute again, and one beginning for a kernel."""

from __future__ import annotations

import itertools

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.beginning import WITHOUT_EXERCISES, Beginning, begun
from vmwidgets.labs.codes import code_of
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.moved import lab_of
from vmwidgets.labs.records import MIME

# printf 'os|01|anna' | sha256sum | cut -c1-16; the course is in small letters
SEEDS = {
    ("os", "01", "anna"): "98385e9c252e94ef",
    ("os", "01", "anna+ben"): "1172b7bee2b5767b",
    ("OS-2026", "05b", "m.müller@example"): "f908e8590346af1e",
}


SAME_COURSES = ("os-2026", "OS-2026", "oS-2026", "\N{FULLWIDTH LATIN SMALL LETTER O}s-2026")


def refused(*arguments, **options):
    """The sentence; nothing may have begun, or what was begun before must still hold."""
    before = begun()
    with pytest.raises(vm.Refused) as error:
        lab.begin(*arguments, **options)
    assert begun() == before
    said = f"{error.value}"
    assert said.isprintable()
    assert len(said) < 300
    return said


@pytest.mark.parametrize(("course", "name", "student"), SEEDS)
def test_the_seed_is_the_first_8_bytes_of_sha_256(course, name, student):
    started = lab.begin(name, student=student.split("+"), course=course)
    assert f"{started.seed:016x}" == SEEDS[course, name, student]
    assert started.data()["seed"] == SEEDS[course, name, student]


def test_a_pair_has_one_sheet_in_any_order():
    for ids in itertools.permutations(["zoë", "anna", "Ben-2"]):
        assert lab.begin("01", student=ids, course="os").student == "anna+Ben-2+zoë"
    assert lab.begin("01", student={"anna", "zoë", "Ben-2"}, course="os").sentence.startswith(
        "Lab 01 of anna, Ben-2, zoë"
    )


def test_one_id_in_a_list_is_that_id():
    assert lab.begin("01", student=["anna"], course="os") == lab.begin("01", student="anna", course="os")


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}"], ids=ascii)
@pytest.mark.parametrize("around", ["{1}{0}", "{0}{1}", "{1}{0}{1}"])
def test_an_id_with_blanks_around_it_is_the_id_without_them(around, blank):
    """As a spreadsheet's cell has it: the roster is read without such blanks, too."""
    begun_so = lab.begin("01", student=around.format("anna", blank), course=around.format("os", blank))
    assert f"{begun_so.seed:016x}" == SEEDS["os", "01", "anna"]
    assert begun_so.students == ("anna",)
    assert "twice" in refused("01", student=["anna", around.format("anna", blank)], course="os")


def test_letters_that_look_alike_are_one_id():
    composed, decomposed = "m\u00fcller", "mu\u0308ller"
    assert lab.begin("01", student=decomposed, course="o\u0308s") == lab.begin("01", student=composed, course="\u00f6s")
    assert "twice" in refused("01", student=[composed, decomposed], course="os")


# A wide "ADA", and an id whose capital is written by two letters; folding turns both into what stands first.
ALIKE = [
    ("ada", "ADA"),
    ("ada", "Ada"),
    ("ada", "\uff21\uff24\uff21"),
    ("strasse", "Stra\u00dfe"),
    ("fine", "\ufb01ne"),
]


@pytest.mark.parametrize(("first", "other"), ALIKE)
def test_an_id_in_capitals_is_the_same_beginning_and_the_first_writing_is_shown(first, other):
    assert Beginning("01", "os", (first,)).seed == Beginning("01", "os", (other,)).seed
    lab.begin("01", student=other, course="os")
    assert lab.begin("01", student=first, course="os").students == (other,)
    assert Beginning("01", "os", (first,)) == begun()
    assert len({begun(), Beginning("01", "os", (first,))}) == 1


@pytest.mark.parametrize(("first", "other"), ALIKE)
def test_two_ids_of_one_person_are_no_pair(first, other):
    said = refused("01", student=[first, other], course="os")
    assert said.endswith(f"{first} and {other} are the same person, so the same id is listed twice")


def test_a_pair_is_sorted_by_what_its_ids_are_folded_to():
    one, other = lab.begin("01", student=["Zoe", "anna"], course="os"), Beginning("01", "os", ("ANNA", "zoe"))
    assert one.students == ("anna", "Zoe")
    assert (one.seed, one.ids) == (other.seed, ("anna", "zoe"))


@pytest.mark.parametrize("student", ["", None])
@pytest.mark.parametrize("course", ["", None])
def test_without_a_student_it_is_the_default_sheet(student, course):
    lab.begin("01", student=student, course=course)
    assert lab.variant("01/gaps").of == "default"


def test_a_course_alone_makes_no_sheet_of_its_own():
    lab.begin("01", course="os")
    assert lab.variant("01/gaps").of == "default"


def test_from_then_on_sheets_are_the_students():
    before = lab.variant("01/gaps")
    lab.begin("01", student="anna", course="os")
    assert lab.variant("01/gaps").of == SEEDS["os", "01", "anna"]
    assert lab.variant("01/gaps").text != before.text


def test_to_begin_the_same_once_more_changes_nothing():
    first = lab.begin("01", student="anna", course="os")
    assert lab.begin("01", student="anna", course="os") == first == begun()


@pytest.mark.parametrize(
    ("name", "student", "course", "names"),
    [
        ("01", "ben", "os", "for ben, course os"),
        ("02", "anna", "os", "lab 02"),
        ("01", "anna", "db", "for anna, course db"),
        ("01", "", "", "for the default sheet"),
    ],
)
def test_another_beginning_in_one_kernel_is_refused(name, student, course, names):
    lab.begin("01", student="anna", course="os")
    said = refused(name, student=student, course=course)
    assert "lab 01 for anna, course os: restart the kernel" in said
    assert names in said
    assert lab.variant("01/gaps").of == SEEDS["os", "01", "anna"]


def test_the_default_sheet_is_a_beginning_too():
    lab.begin("01")
    assert "has begun lab 01 for the default sheet: restart" in refused("02", student="anna", course="os")


def test_a_lab_without_exercises_asks_for_nothing():
    labs = {lab_of(name) for name in exercises()}
    assert not WITHOUT_EXERCISES & labs
    for name in WITHOUT_EXERCISES:
        assert repr(Beginning(name)) == f"Lab {name}: it has no exercises, so there is nothing to write above."
        assert "variant" in repr(Beginning(name, "os", ("anna",)))
    assert all("just trying" in repr(Beginning(name)) for name in labs)


def test_a_courses_own_exercise_of_such_a_lab_asks_for_an_id():
    lab.author.exercise("12/mine", "Mine", points=1, takes=dict)(lambda _answers: [])
    assert "just trying" in repr(Beginning("12"))


def test_an_id_that_is_typed_later_gives_its_sheets_and_says_what_to_do_again():
    lab.begin("01")
    lab.predict("How many?", id="t/many", kind="number", answer=3)
    tried = lab.check("01/gaps", lab.variant("01/gaps").start())
    assert "counts for no one" in repr(tried)
    assert "01/gaps" not in repr(lab.begin("01"))
    assert "so repeat: 01/gaps." in repr(lab.begin("01", student="anna", course="os"))
    assert lab.variant("01/gaps").of == SEEDS["os", "01", "anna"]
    assert lab.predictions["t/many"].answer == "3"
    with pytest.raises(vm.Refused, match="nothing has been checked in this notebook for this variant"):
        lab.submit()
    done = lab.check("01/gaps", lab.variant("01/gaps").start())
    assert "counts for no one" not in repr(done)
    assert "again" not in repr(lab.begin("01", student="anna", course="os"))
    assert lab.submit().works["01/gaps"]["sheet"] == SEEDS["os", "01", "anna"]


def test_what_was_begun_for_an_id_stays_its_own():
    lab.begin("01", student="anna", course="os")
    assert "restart the kernel" in refused("01")
    assert "restart the kernel" in refused("01", student="ben", course="os")


def test_what_was_made_on_the_default_sheet_is_no_work_on_ones_own():
    made = lab.variant("01/gaps").start()
    lab.begin("01")
    lab.begin("01", student="anna", course="os")
    result = lab.check("01/gaps", made)
    assert result.points == 0
    assert "does not begin as the variant does" in result.problem


@pytest.mark.parametrize("course", ["", None])
def test_a_student_without_a_course_is_refused(course):
    assert "without a course" in refused("01", student="anna", course=course)


NO_IDS = [
    "...", "-", "_.", "O'Brien",
    "anna smith", "anna\nben", "anna\t.", " ", "a|b", "a+b", "a/b", "<b>", "a\u0000b", "a\u200bb", "a\u202eb", "\ud800",
    "🎓", "'; drop", "x" * 65, "x" * 10_000, 7, 0, 1.5, True, False, b"anna", object(), {"anna": 1},
    iter(["anna"]), len,
]  # fmt: skip


@pytest.mark.parametrize("value", NO_IDS, ids=lambda value: type(value).__name__)
def test_what_is_no_id_is_refused(value):
    assert refused("01", student=value, course="os").startswith("student=")
    assert refused("01", student="anna", course=value).startswith("course=")


@pytest.mark.parametrize(
    "value", [[], [""], ["anna", ""], [None], ["anna", ["ben"]], [7], ["a", "a"], [*"abcdefghi"]], ids=repr
)
def test_a_list_that_is_none_of_ids_is_refused(value):
    assert refused("01", student=value, course="os").startswith("student=")


@pytest.mark.parametrize("value", ["x", "x" * 64, "4711", "a.b_c-d@e.org", "Ж", "李", "é"])
def test_letters_digits_and_four_marks_are_an_id(value):
    assert lab.begin("01", student=value, course=value).student == value


@pytest.mark.parametrize(
    "value", ["", None, 1, 1.0, True, [], ["01"], "0 1", "-1", "01/gaps", "x" * 101, "01|", "é", b"01"], ids=repr
)
def test_what_is_no_lab_is_refused(value):
    assert refused(value).startswith("lab=")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1", "01"), ("8a", "08a"), ("5B", "05b"), ("001", "01"), ("lab01", "01"), ("lab-1", "01"), ("01-maps", "01"),
        ("Beyond", "beyond"), ("bejond", "beyond"), ("concept", "concepts"), ("8", "08a' or '08b"), ("13", ""),
        ("08c", "08a' or '08b"),
    ],
)  # fmt: skip  # a table
def test_a_misspelt_lab_is_refused_with_those_that_there_are(typed, meant):
    said = refused(typed)
    assert said.startswith(f"lab={typed!r}: there is no such lab; ")
    assert (f"did you mean '{meant}'?" in said) == bool(meant)
    there = said.rpartition("there are ")[2].split(", ")  # and labs of other tests
    assert {"00", "01", "05b", "08a", "08b", "12", "beyond"} <= set(there)
    assert begun() is None


OURS = "01", "05b", "08", "08a", "12", "beyond", "concepts"
THEIRS = "h1", "week-3", "2026-maps", "week-02", "concepts2", "hw10"


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_a_lab_of_the_package_and_one_of_a_course_can_begin(name, monkeypatch):
    known = {**exercises(), "week-01/a": exercises()["01/gaps"]}  # of a course, so similar to others of its labs
    monkeypatch.setattr("vmwidgets.labs.beginning.exercises", lambda: known)
    assert lab.begin(name, course="os").lab == name


def test_it_shows_itself_as_text_and_as_data():
    bundle = lab.begin("01", student=["ben", "anna"], course="os")._repr_mimebundle_()
    assert bundle[MIME] == {
        "record": "begin",
        "schema": 1,
        "lab": "01",
        "course": "os",
        "student": "anna+ben",
        "coded": False,
        "seed": SEEDS["os", "01", "anna+ben"],
        "version": vm.__version__,
    }
    assert bundle["text/plain"] == "Lab 01 of anna, ben, course os: variant 1172b7bee2b5767b."


def test_another_way_to_write_the_course_gives_no_other_sheet_and_no_other_code():
    assert len({Beginning("01", course, ("ada",)).seed for course in SAME_COURSES}) == 1
    assert len({code_of("a key that is long enough", course, "ada") for course in SAME_COURSES}) == 1
    assert len({Beginning("01", course, ("ada",)) for course in SAME_COURSES}) == 1


@pytest.mark.parametrize("student", ["ber\u3164t", "be\u115frt", "a\u034fda", "ada\ufe0f", "\ufdfa"])
def test_an_id_with_what_cannot_be_seen_is_refused(student):
    assert "write 1 to 64 letters" in refused("01", student=student, course="os")


def test_letters_of_every_script_are_letters_with_their_marks():
    lab.begin("01", student="\u0928\u0940\u0924\u093e", course="os")  # Nita, in Devanagari


def test_a_number_has_to_be_in_quotes():
    assert refused("01", student=777, course="os") == "student=777: write it in quotes, as student='777'"
