from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.pictures import outside
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.maps import diff

A = 0x10000
TEXT = "".join(
    f"{A + start * 4096:x}-{A + end * 4096:x} {flags} {offset:x} 08:01 1 {path}\n"
    for start, end, flags, offset, path in (
        (0, 1, "r-xp", 0, "/bin/prog"), (1, 2, "rw-p", 0x1000, "/bin/prog"), (4, 5, "r--p", 0, ""),
        (5, 6, "rw-p", 0, "[heap]"), (8, 9, "r--p", 0, "/lib/x"), (9, 10, "r-xp", 0x1000, "/lib/x"),
    )
)  # fmt: skip


@pytest.fixture
def found():
    task = vm.boot("x86-64").task("init")
    task.mmap(3 * 4096, at=A + 4 * 4096, flags="private fixed")
    lib = task.machine.object("/lib/x")
    for page, prot in ((8, "r"), (9, "rx")):
        at = A + page * 4096
        task.map.enter(4096, at=at, fixed=True, prot=prot, object=lib, offset=(page - 8) * 4096)
    return vm.diff(task, TEXT)


def boxes(scene, side):
    """What is written on a side, line by line; in brackets where it has nothing."""
    drawn = [node for node in scene.nodes if node.id.endswith(f"/{side}") and node.id.split("/")[1].isdigit()]
    return [node.text[0].text if node.kind == "card" else f"({node.text[0].text})" for node in drawn]


@pytest.mark.parametrize("width", [420, 900])
def test_each_side_says_what_it_has_or_why_not(found, width):
    picture = vm.picture(found)
    picture.width = width
    scene = picture.scene()
    assert boxes(scene, "model") == [
        "(execve: the program)", "rw- · memory", "rw- · memory", "rw- · memory", "r-- r-x · x",
    ]  # fmt: skip
    assert boxes(scene, "system") == [
        "r-x rw- · prog", "r-- · memory", "rw- · [heap]", "(the system has nothing there)", "r-- r-x · x",
    ]  # fmt: skip
    why = [node.text[0].text for node in scene.nodes if node.id.endswith("/why")]
    assert why == ["rw- in the model, r-- in the system"]
    assert not outside(scene)


def test_what_should_agree_is_marked_and_counted(found):
    scene = vm.picture(found).scene()
    marked = [node for node in scene.nodes if node.id.endswith("/at") and node.text[0].text.startswith("≠ ")]
    assert len(marked) == 2
    assert scene.caption.text == "2 ranges should agree, and do not."
    assert [node.id for node in scene.nodes if "fault" in node.state] == [
        "diff/2/model",
        "diff/2/system",
        "diff/4/model",
    ]


def test_the_strips_have_a_cell_for_each_range(found):
    strips = {node.id: node for node in vm.picture(found).scene().nodes if "/strip/" in node.id}
    styles = {side: [bar.style for bar in strips[f"diff/strip/{side}"].bars] for side in ("model", "system")}
    assert styles == {
        "model": ["error", "plain", "error", "plain", "plain"],
        "system": ["static", "static", "error", "plain", "plain", "plain"],
    }


def test_the_table_is_the_values(found):
    scene = vm.picture(found).scene()
    assert scene.table.rows == found.table()
    assert "≠ differs" in vm.picture(found).to_text()


def test_of_many_ranges_those_that_agree_are_left_out_first(monkeypatch, found):
    monkeypatch.setattr(diff, "MOST_LINES", 3)
    monkeypatch.setattr(diff, "MOST_ROWS", 2)
    scene = vm.picture(found).scene()
    assert len(boxes(scene, "model")) == 3
    assert "rw- · [heap]" not in boxes(scene, "system")
    assert [node.text[0].text for node in scene.nodes if node.id == "diff/more"] == ["… 3 ranges more, in the table"]
    assert scene.table.rows[2][0] == "… 5 ranges more"


def test_a_diff_shows_itself_and_nothing_else_is_one(found):
    assert vm.picture(found).scene().view == "diff"
    with pytest.raises(Refused, match=r"Diff shows the result of vm.diff\(task, maps\), not 'x'"):
        vm.Diff("x")
