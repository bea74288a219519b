"""The first cell: a fork and the first write after it, at three stops that need no kernel, script or other host."""

from __future__ import annotations

import re

import vmwidgets as vm
from vmwidgets.views.scene.twin import drawing_in

MEGABYTE = 1_000_000
SECONDS, PER_SECOND = 15, 2 * MEGABYTE / 8
"""How long a reader waits at the most, and what two megabits a second bring."""


def bundle() -> dict[str, str]:
    return vm.hello()._repr_mimebundle_()


def test_each_stop_draws_the_frames_of_the_walks() -> None:
    """The same operations in another machine, and a walk for each page after each."""
    hello = vm.hello()
    parent = vm.boot("x86-64", fork="counted").task("parent")
    a = parent.mmap("12 KiB")
    for page, word in enumerate((b"hello", b"two", b"three")):
        parent.write(a + page * vm.PAGE, word)
    for number, stop in enumerate(hello.stops):
        if number == 1:
            child = parent.fork("child")
        if number == 2:
            child.write(a, b"J")
        tasks = parent.machine.tasks.values()
        frames = {
            pa >> 12 for task in tasks for page in range(3) if (pa := task.walk(a + page * vm.PAGE).pa) is not None
        }
        for scene in (stop.scene, stop.slim):
            drawn = {int(node.thing.removeprefix("frame:")) for node in scene.nodes if node.kind == "board-frame"}
            assert drawn == frames
    assert hello.machine.tasks["child"].read(a, 5) == b"Jello"


def test_it_opens_before_the_write_and_one_stop_at_a_time() -> None:
    html = bundle()["text/html"]
    stops = re.findall(r'<details name="([^"]+)"( open)?>', html)
    assert [bool(opened) for _, opened in stops] == [False, True, False]
    assert len({name for name, _ in stops}) == 1


def test_it_needs_no_script_and_no_other_file_and_is_small() -> None:
    html = bundle()["text/html"]
    assert not re.search(r"<script|\bon\w+=|https?://(?!www\.w3\.org/)", html)
    assert {uri.partition(":")[0] for uri in re.findall(r'(?:src|srcset|href)="([^"]+)"', html)} == {"data"}
    assert len(html.encode()) < SECONDS * PER_SECOND / 20, "a page has the whole of JupyterLab beside it"


def test_its_pictures_have_nothing_beside_the_story() -> None:
    """No tool, no key of colours and no strip of operations; each says in words what it shows."""
    html = bundle()["text/html"]
    drawings = [drawing_in(uri) for uri in re.findall(r'src="(data:[^"]+)"', html)]
    assert len(drawings) == 3
    for drawing, stop in zip(drawings, vm.hello().stops, strict=True):
        words = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
        own = [run.text for node in stop.scene.nodes for run in node.text]
        assert len(" ".join(words).split()) <= 90
        assert set(own) <= {word.replace("&apos;", "'") for word in words}
        assert "memory" not in words, "the key of colours"
    assert bundle()["text/plain"].isascii()


def test_two_of_them_in_a_page_do_not_choose_for_each_other() -> None:
    names = [set(re.findall(r'<details name="([^"]+)"', bundle()["text/html"])) for _ in range(2)]
    assert len(names[0]) == len(names[1]) == 1
    assert names[0] != names[1]
