"""``vm.handout``: the steps of a file are the pictures of these moments, and nothing that it is given breaks it."""

from __future__ import annotations

import html
import json
import re
import zlib
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import says
from vmwidgets.pictures.handing_out import handed_out
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.views.scene.key import with_key
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.wire import encode_scene


def forked() -> tuple[vm.Machine, Any, Any, int]:
    """A machine with a parent, and a child that writes; and the address at which both have a page."""
    machine = vm.boot("x86-64")
    parent = machine.task("parent")
    address = int(parent.mmap("16 KiB"))
    parent.write(address, b"x")
    child = parent.fork("child")
    machine.mark("after fork")
    child.write(address, b"y")
    return machine, parent, child, address


def another() -> vm.Machine:
    """A machine that has only its boot in common with these."""
    machine = vm.boot("x86-64")
    machine.task("somebody")
    return machine


def read(file: Path) -> Any:
    """What a handout gives its player."""
    found = re.search(r'<script type="text/plain" id="vmw-story">([^<]*)</script>', file.read_text())
    assert found is not None
    return json.loads(zlib.decompress(b64decode(found[1])))


def words(scene: Any) -> Any:
    """A scene as a file has it, with its key, without the name of the machine that was made to look at."""
    return json.loads(json.dumps({**encode_scene(with_key(scene), with_table=False), "machine": ""}))


@pytest.mark.parametrize("kind", ["Objects", "Fault", "Map", "Tlb", "Dashboard"])
def test_each_step_is_the_picture_of_that_moment(kind: str, tmp_path: Path) -> None:
    machine, *_ = forked()
    steps = read(vm.handout(machine, tmp_path / "x.html", known_pictures()[kind](machine), by="step"))["steps"]
    other = known_pictures()[kind](machine)
    place = -1
    for operation in list(machine.journal)[1:]:
        other.moment = (operation.serial, None)
        places = [one for one in other.scene().steps.apart if one > 0] + [None]
        for done in places:
            other.moment, other.width = (operation.serial, done), 0
            place += 1
            step = steps[place]
            assert step["operation"] == operation.number
            assert {**step["pictures"][0]["wide"], "machine": ""} == words(other.scene())
            unchanged = done is None and not other.scene().steps.count  # the story says what happened all the same
            assert unchanged or step["sentence"] == other.scene().caption.text
            other.width = 420
            assert {**step["pictures"][0]["narrow"], "machine": ""} == words(other.scene())
    assert place == len(steps) - 1


def test_pictures_and_machine_stay_as_they_were(tmp_path: Path) -> None:
    machine, *_ = forked()
    view = vm.Objects(machine)
    moment, scene, count = view.moment, view.scene(), len(machine.journal)
    vm.handout(machine, tmp_path / "x.html", view)
    assert (view.moment, view.scene(), len(machine.journal), view.width) == (moment, scene, count, 0)


def test_two_pictures_step_together_with_the_steps_of_both(tmp_path: Path) -> None:
    machine, *_ = forked()
    one, other, both = (
        read(vm.handout(machine, tmp_path / "x.html", *(known_pictures()[kind](machine) for kind in kinds), by="step"))
        for kinds in (["Objects"], ["Fault"], ["Objects", "Fault"])
    )
    places = [{(step["operation"], step["sentence"]) for step in story["steps"]} for story in (one, other)]
    assert len(both["steps"]) > max(len(one["steps"]), len(other["steps"]))
    sentences = {(step["operation"], step["sentence"]) for step in both["steps"]}
    inner = {step["sentence"] for step, then in pairwise(one["steps"]) if step["operation"] == then["operation"]}
    assert inner <= {text for _, text in sentences}, "but for its own answer at an operation's end"
    assert not any(says("moments: same", sentence) for _, sentence in sentences | places[0] | places[1])
    headlines = [step["sentence"] for step in both["steps"] if step["operation"] == 3]
    assert says("map operations: write", headlines[-1]), "of several pictures none has the word"


def test_of_two_pictures_beside_each_other_no_name_is_cut_though_there_is_room(tmp_path: Path) -> None:
    machine = vm.boot("x86-64", fork="shadow")
    parent = machine.task("parent")
    start = parent.mmap("16 KiB")
    parent.write(start, b"x" * 4 * vm.PAGE)
    child = parent.fork("child")
    child.write(start, b"y")
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), vm.Fault(machine))
    objects = read(file)["steps"][-1]["pictures"][0]["narrow"]
    assert 420 < objects["width"] < 520, "the least that a page gives one of two"
    texts = {run[2]: run for node in objects["nodes"] for run in node.get("text", ())}
    assert {"parent", "child"} <= {*texts}
    pages = [node for node in objects["nodes"] if node["kind"] == "page" and node["id"].startswith("object/")]
    assert len(pages) == 5
    assert len({node["y"] for node in pages}) == 2, "the pages of each object are in one row"


def test_marks_are_chapters_at_the_moment_that_they_name(tmp_path: Path) -> None:
    machine, *_ = forked()
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine)))["steps"]
    (chapter,) = [(step["operation"], step["chapter"]) for step in steps if "chapter" in step]
    fork = next(one.number for one in machine.journal if one.name == "fork")
    assert chapter == (fork, "after fork")


def test_the_story_begins_where_it_is_told_to(tmp_path: Path) -> None:
    machine, *_ = forked()
    fork = next(one.number for one in machine.journal if one.name == "fork")
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), since="after fork"))["steps"]
    assert [step["operation"] for step in steps[:2]] == [fork, fork + 1], "the moment itself comes first"
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), by="operation"))["steps"]
    assert [step["operation"] for step in steps] == list(range(1, len(machine.journal)))


def test_without_a_unit_a_long_story_has_fewer_steps_an_operation(tmp_path: Path) -> None:
    machine, parent, _, address = forked()
    for place in range(50):
        parent.write(address + place, b"z")
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Fault(machine)))["steps"]
    assert [step["operation"] for step in steps] == list(range(1, len(machine.journal)))


def test_a_story_that_begins_before_the_events_that_are_kept(tmp_path: Path) -> None:
    """The journal drops the events of the first of a thousand operations; the file says how many calls it folds."""
    machine = vm.boot("x86-64", layout="tiny")
    task = machine.task("init")
    task.mmap("16 KiB")
    for _ in range(1_010):
        machine.kernel_map.lookup(machine.kernel_map.start)
    assert not machine.journal[2].events
    _, notes = handed_out(machine, tmp_path / "x.html", [vm.Map(task)], {}, fold=True)
    assert any("1,010 operations" in note for note in notes)
    assert read(tmp_path / "x.html")["steps"]


def test_a_group_is_one_step(tmp_path: Path) -> None:
    machine, parent, *_ = forked()
    with machine.group("two at once"):
        parent.mmap("4 KiB")
        parent.mmap("8 KiB")
    last = read(vm.handout(machine, tmp_path / "x.html", vm.Map(parent.map), by="step"))["steps"][-2:]
    assert last[0]["operation"] == len(machine.journal) - 3
    assert (last[1]["code"], last[1]["sentence"]) == ("two at once: 2 operations as one", "two at once.")


def test_the_call_is_below_each_picture(tmp_path: Path) -> None:
    machine, *_ = forked()
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine)))["steps"]
    assert {step["code"] for step in steps} >= {'machine.task(name="parent")', 'parent.mmap(size="16 KiB")'}


# ---- what if -------------------------------------------------------------------------------------


def test_a_branch_parts_where_it_parts(tmp_path: Path) -> None:
    machine, _, child, address = forked()
    other = machine.branch("after fork")
    other.tasks["parent"].write(address, b"z")
    child.exit()
    story = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), what_if={"the parent writes": other}))
    (branch,) = story["branches"]
    fork = next(one.number for one in machine.journal if one.name == "fork")
    assert story["steps"][branch["after"]]["operation"] == fork
    assert "chapter" in story["steps"][branch["after"]], "after all of fork"
    there = words(vm.Objects(other).scene())
    end = branch["steps"][-1]["pictures"][0]["wide"]
    assert {**end, "machine": "", "title": ""} == {**there, "title": ""}


def test_a_branch_has_the_same_panes_of_the_same_address(tmp_path: Path) -> None:
    machine, parent, _, address = forked()
    other = machine.branch("after fork")
    other.tasks["parent"].write(address, b"z")
    parent.read(address, 1)
    picture = vm.Dashboard(parent, panes=["walk", "tlb"], address=address)
    (branch,) = read(vm.handout(machine, tmp_path / "x.html", picture, what_if={"it writes": other}))["branches"]
    wanted = vm.Dashboard(other.tasks["parent"], panes=["walk", "tlb"], address=address)
    end = branch["steps"][-1]["pictures"][0]["wide"]
    assert {**end, "machine": ""} == {**words(wanted.scene())}


def test_all_branches_together_have_forty_steps_at_most(tmp_path: Path) -> None:
    machine, _, child, address = forked()
    others = {}
    for name in ("one", "two", "three"):
        others[name] = machine.branch("after fork")
        for place in range(20):
            others[name].tasks["parent"].write(address + place, b"z")
    child.exit()
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), what_if=others)
    branches = read(file)["branches"]
    assert sum(len(branch["steps"]) for branch in branches) == 40
    assert all(branch["steps"] for branch in branches), "one without room is not a button"
    assert "What if: three: what comes after" in file.read_text()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (lambda machine: machine, "nothing is done differently"),
        (lambda machine: another(), "has no step"),
        (lambda machine: 7, "give a machine"),
    ],
)
def test_what_is_no_branch_is_refused(other: Any, why: str, tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.Refused, match=why):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), what_if={"else": other(machine)})
    assert not list(tmp_path.iterdir())


# ---- questions -----------------------------------------------------------------------------------

FRAMES = ("How many frames?", ["4", "5"], "5", "One is copied.")


def test_a_question_is_asked_at_its_moment_and_its_answer_is_closed(tmp_path: Path) -> None:
    machine, *_ = forked()
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask={"after fork": FRAMES})
    (step,) = [step for step in read(file)["steps"] if "question" in step]
    assert step["chapter"] == "after fork"
    assert step["question"] == {"text": FRAMES[0], "options": ["4", "5"], "answer": "5", "why": "One is copied."}
    assert "<details><summary>answer</summary><p>Right: 5. One is copied.</p>" in file.read_text()
    assert "<li>4</li><li>5</li>" in file.read_text(), "nothing shows which one it is"
    assert read(file)["opened"] is False
    file = vm.handout(machine, file, vm.Objects(machine), ask={"after fork": FRAMES}, questions="open")
    assert "<details open><summary>answer</summary>" in file.read_text()
    assert '<li>4</li><li class="right">5</li>' in file.read_text()
    assert read(file)["opened"] is True


@pytest.mark.parametrize("later", [1, 2])
def test_a_question_may_be_asked_some_steps_after_a_moment(later: int, tmp_path: Path) -> None:
    machine, *_ = forked()
    given = {"after fork": FRAMES, ("after fork", later): FRAMES}
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask=given))["steps"]
    first, second = (place for place, step in enumerate(steps) if "question" in step)
    assert second - first == later


def test_a_prediction_can_be_asked_once_it_has_an_outcome(tmp_path: Path) -> None:
    machine, *_ = forked()
    asked = vm.lab.predict("How many frames?", id="handout/frames", options=["4", "5"])
    with pytest.raises(vm.Refused, match="has no outcome yet"):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask={"after fork": asked})
    asked.compare("5")
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask={"after fork": asked})
    (question,) = [step["question"] for step in read(file)["steps"] if "question" in step]
    assert (question["text"], question["answer"]) == ("How many frames?", "5")


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        ({"nowhere": FRAMES}, "no mark with this name"),
        ({0: FRAMES}, "at which the story has no step"),
        ({"after fork": "How many?"}, "write it such as"),
        ({"after fork": ("How many?", ["4"], "5")}, "not among its options"),
        ({"after fork": ("How many?", [4, 5], 5)}, "must be strings"),
    ],
)
def test_a_question_that_is_none_is_refused(ask: Any, why: str, tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.Refused, match=why):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask=ask)
    assert not list(tmp_path.iterdir())


# ---- the file ------------------------------------------------------------------------------------


def test_the_file_needs_nothing_and_is_the_same_each_time(tmp_path: Path) -> None:
    machine, *_ = forked()
    one, two = (vm.handout(machine, tmp_path / f"{name}.html", vm.Objects(machine), title="Fork") for name in "ab")
    text = one.read_text()
    assert text == two.read_text()
    asked = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(.{5})", text.split("<script")[0])
    assert {start[0] if start[0] == "#" else start for start in asked} == {"#", "data:"}
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}


def test_the_journal_inside_opens_the_machine(tmp_path: Path) -> None:
    machine, *_ = forked()
    text = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine)).read_text()
    found = re.search(r'download="story.jsonl.gz" href="data:application/gzip;base64,([^"]+)"', text)
    assert found is not None
    (tmp_path / "story.jsonl.gz").write_bytes(b64decode(found[1]))
    again = vm.load_journal(tmp_path / "story.jsonl.gz")
    assert len(again.journal) == len(machine.journal)
    assert again.journal.marks == machine.journal.marks


def test_fifty_steps_are_less_than_a_mebibyte(tmp_path: Path) -> None:
    machine, *_ = forked()
    for size in range(1, 9):
        machine.kernel_map.enter(size * vm.PAGE, prot="rw")
    file = vm.handout(machine, tmp_path / "x.html", vm.Dashboard(machine), by="step")
    steps = len(read(file)["steps"])
    assert steps >= 50
    assert file.stat().st_size < (steps / 50) * (1 << 20)


@pytest.mark.parametrize(
    "name", ["<script>alert('x')</script>", "</script><b>", "a & b", "\u202eabc", "日本語", "x" * 100]
)
def test_names_are_text(name: str, tmp_path: Path) -> None:
    machine = vm.boot("x86-64")
    task = machine.task(name)
    task.mmap("4 KiB")
    machine.mark(name)
    other = machine.branch()
    other.tasks[name].mmap("8 KiB")
    task.mmap("12 KiB")
    ask = {name: (name, [name, "no"], name, name)}
    file = vm.handout(machine, tmp_path / "x.html", vm.Map(task.map), title=name, ask=ask, what_if={name: other})
    text = file.read_text()
    assert text.count("<script") - read_static_scripts() == 2
    assert text.count(html.escape(visible(name))) >= 5, "heading, chapter, question, branch"
    assert read(file)["branches"][0]["name"] == visible(name)


def read_static_scripts() -> int:
    from vmwidgets.views.scene.static import read_static

    return read_static("handout.js").count("<script")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"path": "x.pdf"}, "must end in .html"),
        ({"questions": "ajar"}, "'closed' or 'open'"),
        ({"by": "event"}, "'step', 'function', 'operation'"),
        ({"since": "nowhere"}, "no mark with this name"),
        ({"since": 99}, "pass an operation's number"),
        ({"paper": "stone"}, "'sheets' or 'slides'"),
    ],
)
def test_bad_options_are_refused_and_write_nothing(given: Any, why: str, tmp_path: Path) -> None:
    machine, *_ = forked()
    path = tmp_path / given.pop("path", "x.html")
    with pytest.raises(vm.Refused, match=why):
        vm.handout(machine, path, vm.Objects(machine), **given)
    assert not list(tmp_path.iterdir())


def test_where_no_file_can_be_written_the_old_one_stays(tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.Refused):
        vm.handout(machine, tmp_path / "none" / "x.html", vm.Objects(machine))
    file = tmp_path / "x.html"
    file.write_text("mine")
    with pytest.raises(vm.Refused):
        vm.handout(machine, file, vm.Objects(machine), since="nowhere")
    assert file.read_text() == "mine"


def test_pictures_of_another_machine_and_of_none_are_refused(tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.Refused, match="the story of one machine"):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(vm.boot()))
    with pytest.raises(vm.Refused, match="no picture of an int"):
        vm.handout(7, tmp_path / "x.html")
    with pytest.raises(vm.Refused, match="has no story"):
        vm.handout(vm.reference_string("1 2 3"), tmp_path / "x.html")


def is_absent(picture: Any) -> bool:
    """Whether a sentence is all that is drawn: that the thing does not exist."""
    nodes = picture["wide"]["nodes"]
    return len(nodes) == 1 and "does not exist" in json.dumps(nodes[0]["text"])


def test_what_did_not_exist_is_empty_and_says_so(tmp_path: Path) -> None:
    machine, parent, *_ = forked()
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Map(parent.map), since=0, by="operation"))["steps"]
    assert is_absent(steps[0]["pictures"][0])
    assert "does not exist yet: operation 1 makes it" in steps[0]["sentence"]
    assert not is_absent(steps[1]["pictures"][0])


def test_what_does_not_exist_any_more_is_empty_and_the_others_go_on(tmp_path: Path) -> None:
    machine, _, child, _ = forked()
    pictures = vm.Objects(machine), vm.Map(child.map)
    other = machine.branch("after fork")
    other.tasks["child"].exit()
    story = read(vm.handout(machine, tmp_path / "x.html", *pictures, by="operation", what_if={"it exits": other}))
    assert "kernel_map" not in json.dumps(story["branches"][0]["steps"][-1]["pictures"][1])
    assert is_absent(story["branches"][0]["steps"][-1]["pictures"][1])
    child.exit()
    steps = read(vm.handout(machine, tmp_path / "x.html", *pictures, by="operation"))["steps"]
    there = [not is_absent(step["pictures"][1]) for step in steps]
    assert there[0] is False
    assert True in there
    assert there[-1] is False
    assert all(step["pictures"][0]["wide"]["title"] for step in steps)


def test_two_marks_at_one_moment_are_one_chapter(tmp_path: Path) -> None:
    machine, *_ = forked()
    machine.mark("one")
    machine.mark("two")
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine)))["steps"]
    assert steps[-1]["chapter"] == "one · two"
    with pytest.raises(vm.Refused, match="twice"):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask={"one": FRAMES, "two": FRAMES})


def test_a_branch_has_the_options_of_the_picture(tmp_path: Path) -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for place in range(40):
        space.enter("4 KiB", at=0x10_0000 + place * 0x2_0000, prot="rw" if place % 2 else "r")
    other = machine.branch()
    other.task("another")
    machine.task("one more")
    tree = vm.Tree(space, whole=5)
    given: dict[str, Any] = {"since": -2, "by": "operation", "what_if": {"else": other}}
    story = read(vm.handout(machine, tmp_path / "x.html", tree, **given))
    nodes = [
        len(steps[-1]["pictures"][0]["wide"]["nodes"]) for steps in (story["steps"], story["branches"][0]["steps"])
    ]
    assert nodes[0] == nodes[1] != len(vm.Tree(space).scene().nodes)


@pytest.mark.parametrize(
    "given", [{"title": 3}, {"what_if": {3: 4}}, {"ask": ["x"]}, {"notes": ["x"]}, {"notes": {1: 2}}]
)
def test_what_is_no_text_or_table_is_refused(given: Any, tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.Refused):
        vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), **given)


def test_failed_and_interrupted_operations_panics_and_sleepers_have_steps(tmp_path: Path) -> None:
    machine, parent, *_ = forked()
    with pytest.raises(vm.VMError):
        parent.read(0x7000_0000)
    thread = machine.spawn(lambda: machine.malloc(1 << 20, vm.M_WAITOK), name="greedy")
    machine.run()
    assert thread is not None
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Dashboard(machine), by="operation"))["steps"]
    assert [step["operation"] for step in steps] == list(range(1, len(machine.journal)))
    assert any(step["tone"] == "error" for step in steps)


@pytest.mark.sweep
def test_of_ten_thousand_operations_the_last_are_there_and_it_says_so(tmp_path: Path) -> None:
    machine, parent, _, address = forked()
    for place in range(1_000):
        parent.write(address + place % 4096, b"z")
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine))
    steps = read(file)["steps"]
    assert len(steps) == 200
    assert steps[-1]["operation"] == len(machine.journal) - 1
    assert f"operations 1 to {len(machine.journal) - 201} are left out" in file.read_text()


def test_a_machine_that_was_changed_past_its_operations_shows_its_latest(tmp_path: Path) -> None:
    machine, *_ = forked()
    machine.journal.unrecorded.first = "a test"
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), by="operation")
    assert [step["operation"] for step in read(file)["steps"]] == [len(machine.journal) - 1]
    assert "Earlier operations are left out" in file.read_text()
    assert "Open this machine" not in file.read_text()


def test_a_journal_hands_out_its_machine(tmp_path: Path) -> None:
    machine, *_ = forked()
    file = machine.journal.handout(tmp_path / "x.html", vm.Objects(machine), by="operation")
    assert len(read(file)["steps"]) == len(machine.journal) - 1


def test_a_saved_picture_steps_through_its_operation(tmp_path: Path) -> None:
    machine, *_ = forked()
    picture = vm.picture(vm.Objects(machine))
    story = read(picture.save(tmp_path / "x.html"))
    assert len(story["steps"]) == picture.steps
    assert {step["operation"] for step in story["steps"]} == {picture.operation}
    assert story["steps"][-1]["sentence"] == picture.scene().caption.text


@pytest.mark.parametrize("kind", [vm.Tree, lambda shown: vm.picture(vm.Tree(shown))])
def test_a_saved_picture_opens_at_the_moment_that_it_shows(kind: Any, tmp_path: Path) -> None:
    machine = vm.boot("x86-64", layout="tiny")
    for prot in ("rw", "r", "rx", "rw"):
        machine.kernel_map.enter("64 KiB", prot=prot)
    picture, serial = kind(machine.kernel_map), machine.journal.last.serial
    places = picture.scene().steps.places
    between = next(done for done in range(1, max(places)) if done not in places)
    for done, more in ((places[1], 0), (places[3], 0), (None, 0), (0, 1), (between, 1)):
        picture.moment = (serial, done)
        shown = picture.scene()
        story = read(picture.save(tmp_path / "x.html"))
        opened = story["steps"][story.get("opensAt", 0)]
        assert opened["sentence"] == shown.caption.text
        assert words(shown)["nodes"] == opened["pictures"][0]["wide"]["nodes"]
        assert len(story["steps"]) == picture.steps + more, "a moment that is no step is one more"


def test_a_saved_picture_marks_what_is_selected(tmp_path: Path) -> None:
    machine, *_ = forked()
    picture = vm.picture(vm.Objects(machine))
    thing = next(node.thing for node in picture.scene().nodes if node.action == "select")
    plain = picture.save(tmp_path / "plain.html")
    assert "selected" not in read(plain)
    picture.selection = thing
    marked = picture.save(tmp_path / "marked.html")
    assert read(marked)["selected"] == thing
    chosen = re.compile(r'class="node [^"]* selected"')  # where there is no script
    drawings = [file.read_text().partition('<script type="text/plain"')[0] for file in (plain, marked)]
    assert [bool(chosen.search(drawing)) for drawing in drawings] == [False, True]
    assert [drawing.count('class="shade"') > 0 for drawing in drawings] == [False, True]


def test_scale_counts_in_files(tmp_path: Path) -> None:
    machine, *_ = forked()
    sizes = [
        float(re.search(r'width="([\d.]+)"', vm.Objects(machine, scale=scale).to_svg())[1]) for scale in (1.0, 2.0)
    ]
    assert sizes[1] == 2 * sizes[0]
    story = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine, scale=2.0)))
    assert story["steps"][0]["pictures"][0]["scale"] == 2


def grouped() -> vm.Machine:
    """Operations 1 to 5, of which 2 to 4 are a group with a mark in it."""
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    with machine.group("three <maps>"):
        space.enter("4 KiB", prot="r")
        space.enter("4 KiB", prot="rw")
        machine.mark("within")
        space.enter("4 KiB", prot="r")
    space.enter("4 KiB", prot="rw")
    return machine


def test_a_mark_within_a_group_is_the_chapter_of_the_group(tmp_path: Path) -> None:
    machine = grouped()
    tree = vm.Tree(machine.tasks["init"].map)
    steps = read(vm.handout(machine, tmp_path / "x.html", tree, by="operation"))["steps"]
    assert [(step["operation"], step.get("chapter")) for step in steps] == [(1, None), (4, "within"), (5, None)]
    assert (steps[1]["name"], steps[1]["kind"]) == ("2 to 4 · three <maps>: 3 operations as one", "n")


def test_a_story_may_begin_at_a_mark_within_a_group(tmp_path: Path) -> None:
    machine = grouped()
    tree = vm.Tree(machine.tasks["init"].map)
    steps = read(vm.handout(machine, tmp_path / "x.html", tree, since="within", by="operation"))["steps"]
    told = [(step["operation"], step.get("chapter"), step["name"].partition(" · ")[0]) for step in steps]
    assert told == [(3, "within", "3"), (4, None, "4 to 4"), (5, None, "5")]
    nodes = steps[0]["pictures"][0]["wide"]["nodes"]
    assert sum(node["kind"] == "tree-node" for node in nodes) == 2, "the third is not there yet"
    whole = read(vm.handout(machine, tmp_path / "y.html", tree, since=4, by="operation"))["steps"]
    assert whole[0]["name"].startswith("2 to 4 · ")


def test_each_step_has_its_mark_of_the_strip(tmp_path: Path) -> None:
    machine, *_ = forked()
    with pytest.raises(vm.VMError):
        machine.tasks["parent"].write(0x10, b"x")
    steps = read(vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), by="operation"))["steps"]
    assert [(step["kind"], step["end"]) for step in steps][-1] == ("f", "e")
    assert all(step["name"].startswith(f"{step['operation']} · ") for step in steps)
