"""The lectures: each question is asked in the story, and each answer is the machine's."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, says
from tests.conftest import ROOT
from tests.widgets.test_handout import read
from vmwidgets.cli import main
from vmwidgets.engine.kernel.tasks.forks import SAME_AS
from vmwidgets.lectures import race
from vmwidgets.lectures.lecture import Lecture
from vmwidgets.lectures.listed import ABOUT, FORKING, LECTURES, READY, SHORT
from vmwidgets.views.scene.model import Node


@pytest.mark.parametrize("name", LECTURES)
def test_a_lecture_is_long_enough_for_a_class(name: str) -> None:
    lecture = LECTURES[name]()
    assert len(lecture.ask) >= 3
    assert len(lecture.minutes) >= 5


@pytest.mark.parametrize("name", LECTURES)
def test_a_lecture_has_questions_notes_and_its_machine(name: str, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / f"{name}.html"
    assert main(["lecture", name, "-o", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: ")
    steps = read(file)["steps"]
    asked = [step["question"] for step in steps if "question" in step]
    assert len(asked) >= 3
    assert all(question["answer"] in question["options"] and question["why"] for question in asked)
    chapters = [step for step in steps if "chapter" in step]
    assert len(chapters) >= 5
    assert all(step["notes"] for step in chapters)
    assert steps[0] is chapters[0]
    assert steps[-1] is not chapters[-1] or name in ("maps", "replacement", "locality"), (
        "a chapter is followed by what it announces"
    )
    assert file.stat().st_size < 1 << 20
    again = vm.load_journal(file.with_suffix(".jsonl.gz"))
    assert [step["chapter"] for step in chapters] == list(again.journal.marks)


@pytest.mark.parametrize("name", LECTURES)
def test_the_class_has_the_answers_and_no_notes(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.html"
    assert main(["lecture", name, "-o", str(file), "--for-class"]) == 0
    story = read(file)
    assert story["opened"] is True
    assert [step for step in story["steps"] if "notes" in step] == []
    assert 'class="notes"' not in file.read_text()


def test_files_that_are_there_are_replaced_only_by_force(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "maps.jsonl.gz").write_text("mine")
    assert main(["lecture", "maps", "-o", str(tmp_path / "maps.html")]) == 2
    assert "already exists" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["maps.jsonl.gz"]
    assert main(["lecture", "maps", "-o", str(tmp_path / "maps.html"), "--force"]) == 0


@pytest.mark.parametrize(
    ("more", "file"),
    [([], "process"), (["--for-class"], "process-class"), (["--fork", "eager"], "process-eager"),
     (["--fork", "eager", "--for-class"], "process-eager-class")],
)  # fmt: skip  # pairs
def test_the_files_for_the_class_and_of_another_fork_lie_beside_the_lecture(
    more: list[str], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A file that is there says which one would be written."""
    monkeypatch.chdir(tmp_path)
    Path(f"{file}.html").touch()
    assert main(["lecture", "process", *more]) == 2
    assert f"'{file}.html' already exists" in capsys.readouterr().err


def answers(name: str) -> list[str]:
    return [answer for _, _, answer, _ in lecture_of(name).ask.values()]


def test_the_answers_are_those_of_a_book() -> None:
    """Worked out on paper: what merges and is cut, levels of x86-64, hits, frames after a fork, and a clock."""
    assert answers("maps")[:2] == ["2", "2"]
    assert answers("translation/20") == ["4", "0", "the byte is written"]
    assert answers("translation") == [
        "512 GiB", "15", "5", "a page fault", "0", "about 23 times", "the byte is written", "4 ns",
    ]  # fmt: skip  # in the order of the minutes
    assert answers("cow")[1:] == ["the kernel, with zeroes", "3", "4", "a fault, no copy", "a fault, no copy", "Jello"]
    assert answers("race") == ["924", "my draft", "PIN 4711", "none"]
    assert answers("process") == ["next to nothing", "4", "5"]
    assert answers("faults") == ["0", "4", "5", "5"]
    assert answers("locality")[1:] == ["6", "18", "6", "10"]
    assert answers("replacement") == ["0 · 0x1_0000", "2 · 0x1_2000", "1 · 0x1_1000", "7"]


FRAMES = {"counted": ["4", "5", "5"], "cow": ["4", "5", "5"], "shadow": ["4", "5", "6"], "eager": ["8", "8", "8"]}
"""On paper: frames of four pages after the fork, after the child's write, and after the parent's to the same page."""

CODES = {"counted": [7, 7], "cow": [7, 7], "shadow": [6, 7], "eager": []}
"""On paper: the codes of faults by writes after the fork, on x86."""


@pytest.mark.parametrize("way", FRAMES)
def test_the_lecture_on_faults_forks_in_the_way_that_is_asked_for(way: str) -> None:
    made = FORKING["faults"](SAME_AS.get(way, way))
    assert [answer for _, _, answer, _ in made.ask.values()] == ["0", *FRAMES[way]]
    machine = made.machine
    writes = list(machine.journal)[machine.journal.marks["after fork"] + 1 :]
    faults = [event.code for done in writes for event in done.events if isinstance(event, vm.events.FaultRaised)]
    assert faults == CODES[way]


def test_the_lecture_on_faults_is_the_counted_way_unless_another_is_asked_for() -> None:
    (boot, *_) = lecture_of("faults").machine.journal
    assert dict(boot.arguments)["fork"] == "counted"
    assert {type(picture).__name__ for picture in lecture_of("faults").pictures} == {"Sharing", "Fault"}


def test_a_way_to_fork_is_refused_where_no_task_forks(tmp_path: Path, capsys: Any) -> None:
    for name in LECTURES:
        forks = any(one.name == "fork" for one in lecture_of(name).machine.journal)
        assert (name in {*FORKING, "cow"}) == forks
        if name not in FORKING:
            assert main(["lecture", name, "--fork", "eager", "-o", str(tmp_path / "x.html")]) == 2
            assert "faults" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", LECTURES)
def test_what_the_kernel_does_beside_the_lesson_is_a_part_of_the_next_step(name: str) -> None:
    tables = "kmem events: PageAllocated"
    steps = told(name)
    rings = [step for step in steps if says("object events: RingMoved/in", step["sentence"])]
    for step in [one for one in steps if says(tables, one["sentence"])]:
        assert not fields_of(tables, step["sentence"])["owner"].startswith("page tables")
    assert not rings or lecture_of(name).of_rings
    for step in steps:  # and no step says a count twice, or that nothing is kept
        assert " 0 new " not in step["reason"]
        assert not ("dropped 1" in step["sentence"] and "dropped 1" in step["reason"]), step["sentence"]


def test_a_notebook_has_the_steps_that_the_lecture_folds() -> None:
    machine = lecture_of("faults").machine
    write = machine.journal.marks["one page"]
    folded = [step for step in told("faults") if step["operation"] == write]
    assert len(vm.Fault(machine, moment=(write, None)).scene().steps.places) > len(folded) > 5


def test_the_maps_lecture_rotates_once_and_cuts_one_entry_into_two() -> None:
    made = lecture_of("maps")
    rotations = [operation.rotations for operation in made.machine.journal]
    assert sum(rotations) >= 1
    text, options, answer, _ = made.ask["balanced"]
    assert answer == options[-1]
    assert options[1] in text


@cache
def lecture_of(name: str) -> Lecture:
    """A lecture, made once for the tests that only look at it."""
    name, _, minutes = name.partition("/")
    return (SHORT if minutes else LECTURES)[name]()


@cache
def told(name: str) -> list[dict[str, Any]]:
    """The steps of a lecture's file."""
    with TemporaryDirectory() as folder:
        return read(lecture_of(name).write(Path(folder) / "told.html"))["steps"]  # type: ignore[no-any-return]  # from JSON


def of_chapter(steps: list[dict[str, Any]], chapter: str) -> list[str]:
    """The sentences of the steps that follow the beginning of a chapter, up to the next one's."""
    first = next(place for place, step in enumerate(steps) if step.get("chapter") == chapter) + 1
    last = next(place for place, step in enumerate(steps) if place >= first and "chapter" in step)
    return [step["sentence"] for step in steps[first : last + 1]]


def test_the_rotation_is_told_step_by_step_and_its_chapter_stands_before_it() -> None:
    steps = told("maps")
    sentences = of_chapter(steps, "before the rotation")
    order = [
        "TreeCompared/right", "EntryLinked", "TreeCompared/right, inserting", "TreeLinked/right",
        "TreeRecoloured/black", "TreeRecoloured/red", "TreeRotated/left",
    ]  # fmt: skip  # a list
    keys = [*(f"map events: {name}" for name in order), "map operations: enter"]
    places = [next(place for place, one in enumerate(sentences) if says(key, one)) for key in keys]
    assert places == sorted(places), sentences
    here = next(place for place, step in enumerate(steps) if step.get("chapter") == "before the rotation")
    assert not any(says("map events: TreeRotated/left", step["sentence"]) for step in steps[: here + 1])


def words_of(node: Node) -> set[str]:
    """The lines of a card."""
    return {text.text for text in node.text}


def evictions(made: Lecture) -> list[tuple[list[str], list[Any]]]:
    """Of each operation in which a page had to leave: the sentences of the clock's steps, and its pictures."""
    (clock,) = made.pictures
    found = []
    for operation in made.machine.journal:
        clock.moment = (operation.serial, None)
        steps = clock.scene().steps.apart
        scenes = []
        for place in steps[1:-1]:
            clock.moment = (operation.serial, place)
            scenes.append(clock.scene())
        sentences = [scene.caption.text for scene in scenes]
        if any("is evicted" in one for one in sentences):
            found.append((sentences, scenes))
    return found


def test_each_look_of_the_hand_is_a_step_with_the_hand_at_that_page() -> None:
    """On paper: 0 1 2 3 | 4: all four have their bit, then 0 goes; 1 | 5: 1 has it; 3 4 | 6: 3 and 4 have it."""
    looks = []
    for sentences, scenes in evictions(lecture_of("replacement")):
        pages = []
        for sentence, scene in zip(sentences, scenes, strict=True):
            if says("object events: HandLooked", sentence):
                used = says("object events: HandLooked/used", sentence)
                page = fields_of("object events: HandLooked", sentence)["page"]
                (arrow,) = [link for link in scene.links if link.id == "clock/hand"]
                (card,) = [node for node in scene.nodes if node.id == arrow.target]
                assert f"{page} of" in card.title, "the arrow leads to the page that the sentence names"
                pages.append(f"{int(page, 16) // vm.PAGE - 16}{'*' * used}")
        looks.append(" ".join(pages))
    assert looks[:3] == ["0* 1* 2* 3* 0", "1* 2", "3* 4* 1"]
    told_looks = [step for step in told("replacement") if says("object events: HandLooked", step["sentence"])]
    assert len(told_looks) == sum(len(one.split()) for one in looks), "the file has them too"


def test_who_is_evicted_is_named_as_the_picture_names_it_and_the_frame_is_used_again() -> None:
    gone = []
    for sentences, scenes in evictions(lecture_of("replacement")):
        place = next(place for place, one in enumerate(sentences) if says("object events: RingMoved/evicted", one))
        facts = fields_of("object events: RingMoved/evicted", sentences[place])
        page, frame = facts["page"], facts["frame"]
        assert any(f"{page} of" in one.title and f"frame {frame}" in words_of(one) for one in scenes[place - 1].nodes)
        assert not any(f"frame {frame}" in words_of(node) for node in scenes[place].nodes)
        left = next(node for node in scenes[place - 1].nodes if f"frame {frame}" in words_of(node))
        (empty,) = [node for node in scenes[place].nodes if "empty" in words_of(node)]
        assert (empty.x, empty.y) == (left.x, left.y), "its place is kept"
        assert fields_of("object events: RingMoved/again", sentences[place + 1])["frame"] == frame
        gone.append(int(page, 16) // vm.PAGE - 16)
    assert gone[:3] == [0, 2, 1]


def test_no_two_steps_of_an_operation_say_the_same() -> None:
    for name in ("maps",):
        steps = told(name)
        said = [(step["operation"], step["sentence"]) for step in steps]
        assert len(set(said)) == len(said), name


@pytest.mark.parametrize("name", LECTURES)
def test_the_notes_plan_each_minute_and_have_each_answer(name: str) -> None:
    made = lecture_of(name)
    texts = [made.notes_of(chapter) for chapter in made.notes]
    ends = [0, *(int(text.split()[3]) for text in texts)]
    assert [int(text.split()[1]) for text in texts] == ends[:-1]
    assert ends[-1] == next(one.minutes for one in READY if one.name == name)
    for moment, (_, options, answer, _) in made.ask.items():
        notes = made.notes_of(moment if isinstance(moment, str) else moment[0])
        assert f"Right: {answer}" in notes.split("\n")
        assert [one for one in options if f"If they say {one}: " in notes] == [one for one in options if one != answer]


def test_the_first_question_about_walks_is_asked_when_the_fault_was_raised() -> None:
    steps = told("translation/20")
    asked = [step for step in steps if "question" in step]
    raised = fields_of("map events: FaultRaised", f"{asked[0]['sentence']} {asked[0]['reason']}")
    assert (raised["kind"], raised["code"].partition(":")[0]) == ("not-present", "6")
    assert [step.get("chapter") for step in asked[1:]] == ["mapped", "protected"]


def test_no_walk_that_nobody_made_answers_a_question() -> None:
    """Before cpu 1 stores: the tables let a read pass, and the picture says that it would be a read."""
    made = lecture_of("translation/20")
    (picture,) = made.pictures
    picture.moment = (made.machine.journal.marks["protected"], None)
    (verdict,) = [node for node in picture.scene().nodes if node.id.endswith("walk/verdict")]
    assert {"A read would succeed"} <= words_of(verdict)


def test_the_last_chapter_counts_faults_as_on_paper() -> None:
    """0 1 2 3 4 1 5 3 4 6 2 with four frames: OPT evicts 0 for 4, then 1 for 5, 3 for 6, and keeps 2."""
    notes = lecture_of("replacement").notes_of("who faults less")
    assert "The clock had 8 faults; with as many frames FIFO has 8, LRU 8, and OPT, which knows the future, 7." in notes


def test_the_race_is_told_as_the_shortest_order_has_it_and_ends_well_where_the_kernel_waits() -> None:
    """By hand: cpu 1 loads, the page goes, cpu 0 runs its frame's next owner, which writes, and cpu 1 loads again."""
    made = lecture_of("race")
    (waits,) = made.what_if.values()
    calls = ["load", "munmap", "run", "mmap", "write", "load"]
    first = made.machine.journal.marks["two scripts"] + 1
    done = [one for one in list(made.machine.journal)[first:] if one.name != "mark"]
    assert [one.name for one in done[:6]] == calls
    assert (done[0].result, done[5].result) == (b"my draft", b"PIN 4711")
    assert waits.journal.last.name == "load"
    assert waits.journal.last.outcome == "error"


@pytest.mark.parametrize(("shootdown", "wrong"), [("acknowledged", 0), ("sent", 31), ("forgotten", 181)])
def test_the_race_counts_the_orders_that_a_model_on_paper_counts(shootdown: str, wrong: int) -> None:
    assert race.every_order(shootdown).wrong == wrong == orders_on_paper(shootdown)


def orders_on_paper(shootdown: str) -> int:
    """Both scripts as what matters of them: who has the frame, what it holds, and whether cpu 1 has a translation."""
    found = 0
    for kernels in combinations(range(12), 6):
        owner, secret, stale, request, runs, leaked = "editor", False, False, False, "editor", False
        scripts = iter(["unmap", "", "", "write", "free", ""]), iter(["load", "load", "drop", "load", "bank", "editor"])
        for place in range(12):
            step = next(scripts[0] if place in kernels else scripts[1])
            if step == "unmap":
                owner, request = "", shootdown == "sent"
                stale = stale and shootdown != "acknowledged"
            elif step == "write":
                owner, secret = "bank", True
            elif step == "free":
                owner = ""
            elif step == "drop" and request:
                stale, request = False, False
            elif step in ("bank", "editor"):
                stale, runs = False, step
            elif step == "load" and runs == "editor":
                stale = stale or owner == "editor"
                leaked = leaked or (stale and secret)
        found += leaked
    return found


DECIDED = {"mmap": "mmap", "maps": "mmap", "grows": "enter", "forks": "fork", "writes": "write"}
"""The call that decides a vote, by a word of its question."""


def seen_in(step: dict[str, Any]) -> set[str]:
    """What a step tells readers and screen readers: its sentence, and titles and words of its pictures."""
    scenes = [picture["wide"] for picture in step["pictures"]]
    nodes = [node for scene in scenes for node in scene["nodes"]]
    told = {step["sentence"], step["reason"], *(scene[part] for scene in scenes for part in ("title", "subtitle"))}
    return told | {node.get("title", "") for node in nodes} | {
        " ".join(run[2] for run in node.get("text", ())) for node in nodes
    }  # fmt: skip  # one set


@pytest.mark.parametrize("name", [*LECTURES, "translation/20"])
def test_no_picture_answers_a_vote(name: str) -> None:
    """A number that is the answer too is there only as what it is now: the very next call is to decide the vote."""
    steps = told(name)
    for place, step in enumerate(steps):
        if "question" not in step:
            continue
        text, answer = step["question"]["text"], step["question"]["answer"]
        counted = re.search(r"[Hh]ow many (\w+)", text)
        words = f"{answer} {counted[1]}" if counted and answer.isdecimal() else answer
        if any(re.search(rf"(?<![\w.,]){re.escape(words)}(?![\w,])", one) for one in seen_in(step)):
            later = next(one["code"] for one in steps[place:] if one["operation"] > step["operation"])
            calls = [DECIDED[word] for word in re.findall(r"\w+", text) if word in DECIDED]
            assert any(f".{call}(" in later for call in calls), f"{words!r} is there before {text!r} is answered"


def test_what_is_no_option_is_no_answer() -> None:
    told = Lecture("x", vm.boot())
    with pytest.raises(vm.Refused, match="not an option"):
        told.question("start", "How many?", ["1", "2"], 3, "", {"1": "too few", "2": "too few"})
    with pytest.raises(vm.Refused, match="each wrong option"):
        told.question("start", "How many?", ["1", "2", "3"], 3, "", {"1": "too few"})


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: Any) -> None:
    assert main(["lecture", "maps", "-o", str(tmp_path / "none" / "maps.html")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2)  # what it does, and why it ended
    assert list(tmp_path.iterdir()) == []


def test_the_commands_help_names_the_chapters_of_the_documents_table() -> None:
    table = (ROOT / "docs" / "lecture.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]+?) \|", table, re.MULTILINE))
    assert {name: re.search(r"\(OSTEP (.+)\)$", words)[1] for name, words in ABOUT.items()} == rows


@pytest.mark.parametrize(
    ("name", "lecture", "chapter"),
    [("fork", "cow", "a flush is forgotten"), ("tlb", "translation", "rows and columns")],
)
def test_other_names_lead_to_a_lecture(
    name: str, lecture: str, chapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The file has the lecture's name; a file that is there shows it without the half minute of writing one."""
    monkeypatch.chdir(tmp_path)
    Path(f"{lecture}.html").touch()
    assert main(["lecture", name]) == 2
    err = capsys.readouterr().err
    assert f"{name} is in the lecture {lecture}\n" in err
    assert f"'{lecture}.html' already exists" in err
    assert chapter in lecture_of(lecture).notes


@pytest.mark.parametrize("name", ["cow", "translation"])
def test_each_call_for_a_cell_can_be_made(name: str) -> None:
    """In one notebook, from the first chapter to the last."""
    names: dict[str, Any] = {"vm": vm}
    made = lecture_of(name)
    calls = re.findall(r"^In a cell: (.*)$", "\n".join(map(made.notes_of, made.notes)), re.MULTILINE)
    assert len(calls) >= 6
    for call in calls:
        exec(call, names)  # what a lecturer types


def test_a_lecture_of_fifty_minutes_has_one_of_twenty(tmp_path: Path, capsys: Any) -> None:
    """cow's pages take four times as long to draw as translation's, whose file is looked at."""
    assert main(["lecture", "translation", "--minutes", "20", "-o", str(tmp_path / "a.html")]) == 0
    chapters = [step["chapter"] for step in read(tmp_path / "a.html")["steps"] if "chapter" in step]
    assert chapters == ["nothing is there yet", "mapped", "both know it", "protected", "a stale entry"]
    short, faults = lecture_of("cow/20"), lecture_of("faults")
    assert (short.notes, short.ask, short.minutes) == (faults.notes, faults.ask, faults.minutes)
    for name, made in (("short", short), ("faults", faults)):
        made.machine.journal.save(tmp_path / f"{name}.jsonl.gz")
    assert (tmp_path / "short.jsonl.gz").read_bytes() == (tmp_path / "faults.jsonl.gz").read_bytes()
    assert main(["lecture", "maps", "--minutes", "20", "-o", str(tmp_path / "c.html")]) == 2
    assert "one length" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("demand", ", but faults has it"),
        ("Clock", ", but replacement has it"),
        ("falts", ", but faults is"),
        ("zzz", ""),
    ],
)
def test_what_a_lecture_is_about_leads_to_it(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lecture", typed]) == 2
    assert f"{typed!r} is not a lecture{said}: write process, maps" in capsys.readouterr().err


def test_the_name_of_a_lecture_may_have_capitals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.html").touch()
    assert main(["lecture", "Race", "-o", str(tmp_path / "x.html")]) == 2
    assert "already exists" in capsys.readouterr().err
