"""The views of kernel memory as widgets: what they take, that they follow, and what the page may ask of them."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import HELLO, ROOM, replies, seek
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.refresh import refresher


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot(layout="tiny")


def on_page(view: vm.View) -> dict[str, Any]:
    """The scene that the page has."""
    refresher.flush()
    scene: dict[str, Any] = unpack(view.frame["data"])["scene"]
    return scene


def test_parts_of_a_machine_show_themselves(machine: vm.Machine) -> None:
    thread = machine.spawn(lambda: None, name="t")
    for part, view in (
        (machine.kmem, vm.Kmem), (machine.kmem.exec_map, vm.Kmem), (machine.threads, vm.Threads), (thread, vm.Threads),
        (machine.frames, vm.Frames), (machine.caches, vm.Slabs),
    ):  # fmt: skip
        assert type(vm.show(part)).__name__ == view.__name__
    assert vm.show(thread).selection == "thread:t"
    for kind in (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs):
        assert kind(machine).scene().title == vm.show(kind(machine)).scene().title


def test_a_map_that_is_shown_is_the_largest(machine: vm.Machine) -> None:
    machine.kmem_malloc("4 KiB")
    bars = [node for node in vm.show(machine.kmem.pipe_map).scene().nodes if node.id.endswith("/ground")]
    assert max(bars, key=lambda node: node.h).id == "kmem/pipe_map/ground"


@pytest.mark.parametrize("kind", [vm.Kmem, vm.Threads, vm.Frames, vm.Slabs, vm.Dashboard])
def test_what_is_on_a_page_follows(machine: vm.Machine, kind: Any) -> None:
    view = kind(machine)
    assert replies(view, HELLO) == []
    before = on_page(view)
    machine.malloc(100)
    machine.spawn(lambda: None, name="t")
    machine.malloc(5000)
    after = on_page(view)
    assert view.status == ""
    assert after["steps"]["operation"] > before["steps"]["operation"]
    assert replies(view, seek(3, 0)) == []
    assert (view.moment, view.step) == ((3, 0), 0)
    machine.malloc(8000)
    assert view.moment is None, "a call is seen"


def found(view: vm.View, text: str) -> bool:
    """Whether the page hears that what it looks for was found."""
    (told,) = replies(view, {"type": "find", "text": text, "way": 1})
    return bool(told["type"] == "found")


def test_the_page_finds_addresses_in_the_innermost_map(machine: vm.Machine) -> None:
    address = machine.kmem_malloc("8 KiB")
    view = vm.Kmem(machine)
    assert replies(view, HELLO) == []
    assert found(view, f"{int(address) & 0xFFFFFFFF:08x}")
    (entry,) = machine.kmem.kmem_map
    assert view.selection == f"entry:{entry.id}"
    assert found(view, f"{int(machine.kmem.pipe_map.start):x}")
    assert view.selection == "map:pipe_map"
    (told,) = replies(view, {"type": "find", "text": "zzz", "way": 1})
    assert told["type"] == "refused"


def test_a_dashboard_finds_addresses_in_what_it_shows(machine: vm.Machine) -> None:
    view = vm.Dashboard(machine)
    address = machine.kmem_malloc("8 KiB")
    (entry,) = machine.kmem.kmem_map
    assert replies(view, HELLO) == []
    assert found(view, f"{int(address):x}")
    assert view.selection == f"entry:{entry.id}"
    machine.kernel_map.enter("4 KiB")
    boot = next(iter(machine.kernel_map))
    assert found(view, f"{int(boot.start):x}")
    assert view.selection == f"entry:{boot.id}"


def test_a_fold_opens(machine: vm.Machine) -> None:
    big = vm.boot()
    live = [big.kmem_malloc("4 KiB") for _ in range(400)]
    for address in live[::2]:
        big.kmem_free(address, "4 KiB")
    view = vm.Kmem(big)
    replies(view, HELLO)
    fold = next(node for node in view.scene().nodes if node.kind == "fold" and node.action == "open")
    before = {node.id for node in view.scene().nodes}
    assert replies(view, {"type": "open", "id": fold.id}) == []
    assert len({node.id for node in view.scene().nodes if node.id.startswith("kmem/kmem_map/")} - before) > 1


def test_a_selection_is_shared_by_all_pictures_of_the_machine(machine: vm.Machine) -> None:
    kmem, threads, frames = vm.Kmem(machine), vm.Threads(machine), vm.Frames(machine)
    kmem.selection = "map:exec_map"
    assert threads.selection == frames.selection == "map:exec_map"


def test_the_dashboard_follows_what_was_worked_on(machine: vm.Machine) -> None:
    view = vm.Dashboard(machine)
    assert view.scene().title.endswith("kernel_map")
    machine.kmem_malloc("4 KiB")
    scene = view.scene()
    assert scene.title.endswith("kernel memory")
    kinds = {node.kind for node in scene.nodes}
    assert "kmem-map" in kinds
    assert any(node.id.startswith("frames/part/") for node in scene.nodes)
    assert "thread" not in kinds, "the page daemon alone is not worth a lane"
    machine.spawn(lambda: None, name="t")
    assert "thread" in {node.kind for node in view.scene().nodes}
    machine.kernel_map.enter("4 KiB")
    assert view.scene().title.endswith("kernel_map")
    machine.unchecked.kmem_alloc(machine.kmem.kernel_map, 4096)
    assert view.scene().title.endswith("kernel memory")
    machine.task("init").map.enter("4 KiB")
    assert "init" in view.scene().title
    assert vm.Dashboard(machine.kernel_map).scene().title.endswith("kernel_map"), "a map that was named stays"


def test_views_keep_no_machine_alive() -> None:
    machine = vm.boot(layout="tiny")
    views = [kind(machine) for kind in (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs)]
    for view in views:
        replies(view, HELLO, ROOM)
    refresher.flush()
    del machine
    gc.collect()
    for view in views:
        assert view.machine is None
        assert view.scene().title


def test_every_form_of_a_picture(machine: vm.Machine) -> None:
    machine.kmem_malloc("4 KiB")
    for kind in (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs, vm.Dashboard):
        view = kind(machine)
        assert view.to_svg().startswith("<svg")
        assert view.to_json()["nodes"]
        assert "<table" in view.to_html()
        assert len(view.to_text().splitlines()) > 3
        assert len(view.snapshot()._repr_mimebundle_()["text/html"]) < 120_000


def test_a_panic_is_told_by_all_of_them(machine: vm.Machine) -> None:
    machine.kmem_malloc("256 KiB")
    with pytest.raises(vm.KernelPanic):
        machine.kmem_malloc("4 KiB")
    for kind in (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs, vm.Dashboard):
        assert kind(machine).scene().caption.tone == "panic", kind
