"""TLBs: every kept translation is told once, stale ones stand out, and many processors stay a small picture."""

from __future__ import annotations

from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.captions import saying, says
from tests.views.pictures import misplaced_text, outside, overlaps
from vmwidgets.views.scene.model import Node, Scene


def worked(architecture: str = "x86-64", cpus: int = 3, tlb: tuple[int, int] = (16, 4)) -> vm.Machine:
    """A machine whose processors have run a task, each through ten of its pages."""
    machine = vm.boot(architecture, cpus=cpus, tlb=tlb)
    task = machine.task("init")
    at = task.map.enter("64 KiB", object=machine.object("heap"))
    for page in range(10):
        task.write(at + 4096 * page, b"x")
    for cpu in machine.cpus:
        cpu.run("init")
        for page in range(10):
            cpu.load(at + 4096 * page)
    return machine


def cells(scene: Scene) -> list[Node]:
    """The ways that keep something."""
    return [node for node in scene.nodes if node.kind == "slot" and "free" not in node.state]


def told(scene: Scene) -> dict[str, str]:
    """What is said in words of translations, by the cell that it is of."""
    return {node.thing: " ".join(run.text for run in node.text) for node in scene.nodes if node.kind == "translation"}


def in_bounds(scene: Scene) -> None:
    assert misplaced_text(scene) == []
    assert outside(scene) == []
    assert overlaps([node for node in scene.nodes if node.kind == "slot"]) == []
    assert len({node.id for node in scene.nodes}) == len(scene.nodes)


@pytest.mark.parametrize("architecture", ["x86", "x86-pae", "x86-64", "x86-64-la57", "armv7", "aarch64", "riscv-sv39"])
def test_each_kept_translation_is_one_cell(architecture: str) -> None:
    machine = worked(architecture)
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    kept = {
        f"tlb/{cpu.path}/{slot.entry.set}/{slot.entry.way}" for cpu in machine.cpus for slot in cpu.value().tlb.slots
    }
    assert {node.id for node in cells(scene)} == kept
    assert len(kept) >= 30
    assert len(scene.table.rows) == len(kept)


def test_what_is_stale_is_marked_and_told_in_full_when_it_is_chosen() -> None:
    machine = worked()
    machine.cpus.shootdown = "forgotten"
    task = machine.tasks["init"]
    task.map.remove(next(iter(task.map)).start, size="8 KiB")
    view = vm.Tlb(machine)
    stale = [node for node in cells(view.scene()) if "fault" in node.state]
    truth = {
        f"tlb/{cpu.path}/{slot.entry.set}/{slot.entry.way}" for cpu in machine.cpus for slot in cpu.value().tlb.stale
    }
    assert {node.id for node in stale} == truth
    assert len(truth) == 4, "two pages on each of the two processors that were not asked"
    assert all(any("≠" in run.text for run in node.text) for node in stale)
    assert view.scene().caption.tone == "error"
    assert saying("tlb pictures: forgotten", 2, dropped="2 translations") in view.scene().caption.reason
    view.selection = stale[0].id
    scene = view.scene()
    in_bounds(scene)
    told = [run.text for node in scene.nodes if node.id.startswith("tlb/chosen") for run in node.text]
    assert any("the TLB keeps physical" in line for line in told)


def words_of(scene: Scene) -> list[str]:
    return [run.text for node in scene.nodes for run in node.text]


def test_a_descriptor_edited_by_hand_is_told_as_that_and_not_as_a_forgotten_flush() -> None:
    machine = worked(cpus=2)
    task = machine.tasks["init"]
    step = task.walk(next(iter(task.map)).start).steps[-1]
    machine.set_descriptor(step.pa, step.value ^ 1 << 13)
    view = vm.Tlb(machine)
    scene = view.scene()
    in_bounds(scene)
    assert scene.caption.text == saying("tlb pictures: stale", 2), "what is wrong is said first"
    before, _, rest = scene.caption.reason.partition(saying("tlb pictures: none"))
    assert says("cpus: set_descriptor", before.rstrip())
    assert not rest
    said = [" ".join(run.text for run in node.text) for node in scene.nodes if node.id.endswith("/edits")]
    assert said == ["1 edit of descriptors by hand: cached translations may be stale"] * 2
    assert not any("flush" in words or "forgotten:" in words for words in words_of(scene))
    assert all(cpu.value().tlb.stale and not cpu.value().forgotten for cpu in machine.cpus)
    machine.check()  # what a learner did to the tables is not a bug of ours
    machine.cpus.shootdown = "forgotten"
    task.map.remove(next(iter(task.map)).start + 4096, size="4 KiB")
    scene = view.scene()
    in_bounds(scene)
    told = [node.id for node in scene.nodes if node.id.startswith("tlb/cpu:1/") and node.kind == "label"]
    assert "tlb/cpu:1/forgotten" in told
    assert "tlb/cpu:1/edits" in told
    assert overlaps([node for node in scene.nodes if node.id.startswith("tlb/cpu:1")]) == []
    for cpu in machine.cpus:
        cpu.flush()
    assert not any("by hand" in words for words in words_of(view.scene()))


def test_a_shootdown_that_waits_is_linked_to_who_asked() -> None:
    machine = worked()
    machine.cpus.shootdown = "sent"
    task = machine.tasks["init"]
    task.map.remove(next(iter(task.map)).start, size="4 KiB")
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    waiting = [node for node in scene.nodes if "/pending/" in node.id]
    assert [node.id for node in waiting] == ["tlb/cpu:1/pending/0", "tlb/cpu:2/pending/0"]
    assert {(link.source, link.target) for link in scene.links} == {("tlb/cpu:0", node.id) for node in waiting}
    for _ in range(6):
        task.map.enter("4 KiB", object=machine.object("heap"), at=0, fixed=True)
        task.write(0, b"x")
        task.map.remove(0, size="4 KiB")
    in_bounds(vm.Tlb(machine).scene())


@pytest.mark.parametrize(("sets", "ways"), [(1, 1), (1, 16), (64, 1), (256, 16), (2, 3)])
def test_any_size_of_tlb_is_a_small_picture(sets: int, ways: int) -> None:
    machine = worked(cpus=16, tlb=(sets, ways))
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    assert len(scene.nodes) < 900
    in_bounds(vm.Tlb(machine.cpus[15]).scene())


def test_an_empty_tlb_says_so() -> None:
    scene = vm.Tlb(vm.boot("armv7")).scene()
    in_bounds(scene)
    assert "0 hits and 0 misses since boot" in scene.subtitle


def test_a_folded_processor_says_how_much_it_keeps_and_how_much_of_it_is_stale() -> None:
    machine = worked(cpus=8)
    machine.cpus.shootdown = "forgotten"
    task = machine.tasks["init"]
    task.map.remove(next(iter(task.map)).start, size="12 KiB")
    machine.cpus[7].flush()
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    folds = {node.id: node for node in scene.nodes if node.id.endswith("/fold")}
    assert sorted(folds) == ["tlb/cpu:4/fold", "tlb/cpu:5/fold", "tlb/cpu:6/fold"], "of cpu:7 there is nothing to fold"
    for node in folds.values():
        assert [run.text for run in node.text] == ["… 10 translations, ≠ 3 stale"]
        assert node.action == "open"
        assert "fault" in node.state
    marked = sum("fault" in node.state for node in cells(scene))
    assert marked + 3 * len(folds) == 18, "with the folds, all that the caption counts"
    assert scene.caption.text == saying("tlb pictures: stale", 18)


@pytest.mark.parametrize("name", ["init", "a task whose name is rather long", "a task whose name is long " * 4])
def test_words_of_a_shootdown_are_whole(name: str) -> None:
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task(name)
    at = task.map.enter("256 KiB", at=0x7FFF_FFF0_0000, object=machine.object("heap"), fixed=True)
    task.write(at, bytes(5 * 4096))
    for cpu in machine.cpus:
        cpu.run(name)
    machine.cpus.shootdown = "sent"
    machine.kmem_free(machine.kmem_malloc("16 KiB"), "16 KiB")
    task.map.remove(at, size="20 KiB")
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    waiting = [node for node in scene.nodes if "/pending/" in node.id]
    newest = machine.cpus[1].value().pending[-3:][::-1]
    assert {request.space for request in newest} == {"kernel", name}
    for node, request in zip(waiting, newest, strict=True):
        words = " ".join(run.text for run in node.text)
        pages = "1 page" if request.pages == 1 else f"{request.pages} pages"
        assert words.startswith(f"waits: drop {pages} at {vm.Address(request.start)} of ")
        assert words.endswith(", asked by cpu:0")
    assert all(above.y + above.h <= below.y for above, below in pairwise(waiting))


@pytest.mark.parametrize("asids", [False, True])
def test_numbers_of_address_spaces_are_told_only_where_there_are_any(asids: bool) -> None:
    machine = vm.boot("x86-64", asids=asids)
    task = machine.task("init")
    task.write(task.map.enter("4 KiB", object=machine.object("heap")), b"x")
    machine.cpus[0].load(machine.kmem_malloc("4 KiB"))
    view = vm.Tlb(machine)
    below = {run.text for node in cells(view.scene()) for run in node.text[1:]}
    assert all(node.text for node in cells(view.scene())), "one processor: each cell has room for its page"
    assert below == ({"G", "#1"} if asids else {"G"})
    assert {row[5:7] for row in view.scene().table.rows} == {("4 KiB", "global"), ("4 KiB", "1" if asids else "")}
    assert any("address space" in node.title for node in cells(view.scene())) is asids


def test_what_is_stale_is_told_as_what_is_kept_beside_what_is_true() -> None:
    machine = worked()
    machine.cpus.shootdown = "forgotten"
    task = machine.tasks["init"]
    start = next(iter(task.map)).start
    task.map.protect(start, size="4 KiB", prot="r")
    task.map.remove(start + 4096, size="4 KiB")
    scene = vm.Tlb(machine).scene()
    in_bounds(scene)
    stale = {
        f"tlb/{cpu.path}/{slot.entry.set}/{slot.entry.way}": int(slot.entry.va)
        for cpu in machine.cpus
        for slot in cpu.value().tlb.stale
    }
    said = {start: f"{vm.Address(start)} rw- ≠ r--", start + 4096: f"{vm.Address(start + 4096)} rw- ≠ none"}
    assert told(scene) == {thing: f"set {thing.split('/')[2]}: {said[va]}" for thing, va in stale.items()}
    assert len(stale) == 4


@pytest.mark.parametrize("width", [420, 640, 900, 1600])
def test_processors_are_beside_each_other_and_one_set_is_at_one_place_of_each(width: int) -> None:
    machine = worked(cpus=4)
    view = vm.Tlb(machine)
    view.width = width
    scene = view.scene()
    in_bounds(scene)
    heads = {f"cpu:{number}": node for number in range(4) for node in scene.nodes if node.id == f"tlb/cpu:{number}"}
    assert len({head.x for head in heads.values()}) == (2 if width < 900 else 4)
    offsets: dict[str, set[tuple[float, float]]] = {}
    for node in cells(scene):
        _, cpu, place = node.id.split("/", 2)
        assert 0 <= node.x - heads[cpu].x <= heads[cpu].w - node.w + 0.6
        offsets.setdefault(place, set()).add((round(node.x - heads[cpu].x, 3), round(node.y - heads[cpu].y, 3)))
    assert all(len(found) == 1 for found in offsets.values())
    assert len({x for found in offsets.values() for x, _ in found}) > 4, "sets are beside each other"
    empty = sum(len(node.bars) for node in scene.nodes if node.id.endswith("/sets"))
    assert empty + len(cells(scene)) == 4 * 16 * 4, "all sets are there, empty ones too"


@pytest.mark.parametrize("width", [420, 900])
def test_an_arrow_of_a_shootdown_ends_at_what_waits_and_crosses_nothing(width: int) -> None:
    machine = worked(cpus=4)
    machine.cpus.shootdown = "sent"
    task = machine.tasks["init"]
    start = next(iter(task.map)).start
    for page in range(5):
        task.map.protect(start + page * 4096, size="4 KiB", prot="r")
    view = vm.Tlb(machine)
    view.width = width
    scene = view.scene()
    in_bounds(scene)
    nodes = {node.id: node for node in scene.nodes}
    assert len(scene.links) == 9
    for link in scene.links:
        source, target = nodes[link.source], nodes[link.target]
        assert link.points[-1] == (target.x, target.y + target.h / 2)
        assert source.x <= link.points[0][0] <= source.x + source.w
        for (x, y), (to_x, to_y) in pairwise(link.points):
            left, right, top, bottom = min(x, to_x), max(x, to_x), min(y, to_y), max(y, to_y)
            for node in scene.nodes:
                if node.shape != "none" and node.kind in ("slot", "request", "translation", "fold"):
                    inside = left < node.x + node.w - 0.1 and node.x + 0.1 < right
                    assert not (inside and top < node.y + node.h and node.y < bottom), (link.id, node.id)


def test_which_entry_was_used_last_is_explained_where_a_set_has_two() -> None:
    machine = vm.boot("x86-64", tlb=(4, 2))
    task = machine.task("init")
    start = task.mmap("32 KiB")

    def legend() -> str:
        return " ".join(
            run.text for node in vm.Tlb(machine).scene().nodes if node.id == "tlb/legend" for run in node.text
        )

    task.write(start, b"x")
    assert "used last" not in legend()
    task.write(start + 4 * vm.PAGE, b"y")
    assert "used last" in legend()


def test_the_answer_and_what_follows_are_what_the_processors_do() -> None:
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task("init")
    start = task.mmap("16 KiB", at=0x1_0000)
    said = "\n".join(words_of(vm.Tlb(machine).scene()))
    assert "No translation is cached" in said
    for page in range(4):
        task.write(start + page * vm.PAGE, b"x")
    for cpu in machine.cpus:
        cpu.run(task)
        for page in range(4):
            cpu.load(start + page * vm.PAGE)
    said = "\n".join(words_of(vm.Tlb(machine).scene()))
    kept = sum(len(cpu.value().tlb.slots) for cpu in machine.cpus)
    assert f"Each of {kept} cached translations is what the page tables say." in said
    frame = task.walk(start + vm.PAGE).pa >> 12
    machine.cpus.shootdown = "sent"
    machine.cpus[0].run(task)
    task.munmap(start + vm.PAGE, "8 KiB")
    scene = vm.Tlb(machine, width=1300).scene()
    said = " ".join(words_of(scene))
    stale = [cpu for cpu in machine.cpus if cpu.value().tlb.stale]
    assert [cpu.value().cpu for cpu in stale] == ["cpu:1"]
    assert scene.caption.text == saying("tlb pictures: stale", 2)
    assert "So a load of 0x1_1000 on cpu:1 still succeeds: a TLB hit" in said
    assert f"and frame {frame:#x} is read. Before cpu:1 acknowledges" in said
    assert machine.cpus[1].load(start + vm.PAGE) == b"x"
    assert not machine.journal.last.faults
    machine.cpus[1].acknowledge()
    said = " ".join(words_of(vm.Tlb(machine).scene()))
    assert "So a load" not in said
