"""What a display puts into a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import vmwidgets as vm
from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.notebook import PyodideShell, open_notebook
from tests.widgets.page import HELLO, replies
from vmwidgets.labs.control import show_control
from vmwidgets.labs.prediction import Prediction
from vmwidgets.pictures.registry import picture_of
from vmwidgets.widgets.host.pictures import all_displayed

VIEW = "application/vnd.jupyter.widget-view+json"
MANAGER = "https://ssl.gstatic.com/colaboratory-static/widgets/colab-cdn-widget-manager/manager.min.js"


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    with open_notebook() as opened:
        yield opened


@pytest.fixture
def published(shell: PyodideShell, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], Any]]:
    """Each output: what there is of it, and the metadata."""
    outputs: list[tuple[dict[str, Any], Any]] = []
    monkeypatch.setattr(
        shell.display_pub, "publish", lambda data, metadata=None, **_options: outputs.append((data, metadata))
    )
    return outputs


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Colab has besides Jupyter, as its widgets need it."""
    own = SimpleNamespace(enable_custom_widget_manager=lambda: None, _widgets=SimpleNamespace(_installed_url=MANAGER))
    monkeypatch.setitem(sys.modules, "google.colab.output", own)


def widgets_in(published: list[tuple[dict[str, Any], Any]]) -> list[Any]:
    """The metadata of each output that is a widget."""
    return [(metadata or {}).get(VIEW) for data, metadata in published if VIEW in data]


def test_a_view_is_a_widget_and_a_twin(shell: PyodideShell, published: list[Any]) -> None:
    shell.run("tree = FakeTree(m)\ntree")
    (live, _), (twin, _) = published
    assert live[VIEW]["model_id"] == shell.user_ns["tree"].model_id
    assert live["text/plain"] == "FakeTree: fake_map · 7 nodes"
    assert twin["text/html"].startswith("<div data-vmwidgets-twin=")


@pytest.mark.usefixtures("colab")
def test_colab_learns_which_manager_draws_a_view(shell: PyodideShell, published: list[Any]) -> None:
    shell.run("m")
    assert widgets_in(published) == [{"colab": {"custom_widget_manager": {"url": MANAGER}}}]


@pytest.mark.usefixtures("colab", "shell")
def test_colab_learns_which_manager_draws_a_control(published: list[Any]) -> None:
    show_control(Prediction("01/birth", "How many?", "number"))
    assert widgets_in(published) == [{"colab": {"custom_widget_manager": {"url": MANAGER}}}]


def test_elsewhere_there_is_no_manager(shell: PyodideShell, published: list[Any]) -> None:
    shell.run("m")
    assert widgets_in(published) == [None]


def test_a_first_show_of_what_is_not_there_is_a_live_picture(shell: PyodideShell, published: list[Any]) -> None:
    shell.run(
        "import vmwidgets as vm\n"
        "machine = vm.boot('armv7')\n"
        "task = machine.task('late')\n"
        "seen = vm.Map(machine.kernel_map, moment=(0, None))\n"
        "task.map"
    )
    (live, _), (twin, _) = published
    assert VIEW in live, "and no text in its place"
    assert "The map of late does not exist yet: operation 1 makes it" in twin["text/plain"]


def test_a_picture_that_is_registered_later_is_shown_too(shell: PyodideShell, published: list[Any]) -> None:
    class Later(FakeMachine):
        pass

    shell.user_ns["later"] = Later(3)
    picture_of(first_for=Later)(FakeTree)
    shell.run("later")
    assert [VIEW in data for data, _ in published] == [True, False]


def shows(published: list[Any]) -> list[str]:
    """What was displayed live, in order: pictures, and what was printed."""
    return [data["text/plain"].split(":")[0] for data, _ in published if VIEW in data]


def test_a_show_in_a_loop_displays_each_at_once(shell: PyodideShell, published: list[Any]) -> None:
    shell.run("import vmwidgets as vm\nmachine = vm.boot()\nparts = [machine.frames, machine.kmem]")
    shell.run("for part in parts:\n    vm.show(part)")
    assert shows(published) == ["Frames", "Kmem"]
    published.clear()
    shell.run("if parts:\n    vm.show(vm.Objects(machine))\nvm.show(parts[0])")
    assert shows(published) == ["Objects", "Frames"], "the last is displayed once"
    published.clear()
    shell.run("def pair():\n    vm.show(parts[0])\n    return vm.show(parts[1])\npair()")
    assert shows(published) == ["Frames", "Kmem"]


@pytest.mark.parametrize(
    "used",
    [
        "seen = vm.show(machine)",
        "seen = [vm.show(part) for part in (machine, machine.kmem)]",
        "vm.show(machine).to_text()[:0] or None",
        "vm.show(machine);",
        "show_later = lambda: vm.show(machine)",
    ],
)
def test_a_show_that_is_used_displays_nothing(shell: PyodideShell, published: list[Any], used: str) -> None:
    shell.run("import vmwidgets as vm\nmachine = vm.boot()")
    shell.run(used)
    assert shows(published) == []


@pytest.mark.parametrize(
    "cell",
    [
        "vm.Objects(machine).present()",
        "vm.show(machine.memory_objects).present()",
        "seen = vm.Objects(machine); seen.present(); seen",
        "seen = vm.Objects(machine)\nfrom IPython.display import display\ndisplay(seen)\nseen.present()",
        "from ipywidgets import HBox\nseen = vm.Objects(machine); seen.present(); HBox([seen])",
    ],
)
def test_a_picture_is_presented_in_the_cell_that_makes_it(shell: PyodideShell, published: list[Any], cell: str) -> None:
    shell.run("import vmwidgets as vm\nmachine = vm.boot()")
    before = all_displayed()
    shell.run(cell)
    (live,) = [data for data, _ in published if VIEW in data]
    (view,) = [one for one in all_displayed() if one not in before]
    assert isinstance(view, vm.Objects)
    assert live["text/plain"].startswith(("Objects", "HBox of Objects"))
    told = [one["type"] for one in replies(view, HELLO)]
    assert told == ["present"], "once the page listens"
    published.clear()
    shell.run("machine.kmem")
    assert shows(published) == ["Kmem"], "it is not displayed again"
