"""The picture of a self-paging domain: what a map adds, side by side with what the hardware reads, and how it came."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says
from tests.views.domains import machine_life
from tests.views.test_kmem_layout import sound, steps_of
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.selfpaging.domain_schema import VnodeValue, all_vnodes
from vmwidgets.views.domain.picture import vnode_thing
from vmwidgets.views.scene.model import Node, Scene

PAGE = 4096
PARTS = (vm.Domain, vm.Vnodes, vm.Capabilities, vm.SlabLevels, vm.Dashboard)


@pytest.fixture
def domain() -> MachineDomain:
    return vm.boot("armv7", ram="64 MiB").domain("hello")


def placed(scene: Scene) -> dict[str, Node]:
    return {node.id: node for node in scene.nodes}


def words(node: Node) -> str:
    return " ".join(run.text for run in node.text)


def shown(kind: type[vm.View], domain: MachineDomain) -> vm.View:
    return kind(domain.machine if kind is vm.Dashboard else domain)


# ---- what a map adds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_a_map_adds_a_vnode_a_descriptor_and_a_capability_that_are_selected_together(architecture: str) -> None:
    domain = vm.boot(architecture).domain("hello")
    domain.map(domain.frame("8 KiB"))
    view, slots = vm.Domain(domain), vm.Capabilities(domain)
    before = {node.id for one in (view, slots) for node in one.scene().nodes}
    address = domain.map(domain.frame("4 KiB"), flags="r")
    leaf = next(node for node in tree(domain) if node.va == address and node.kind == "leaf")
    drawn = [node for one in (view, slots) for node in one.scene().nodes if node.thing == f"vnode:{leaf.id}"]
    assert sorted(node.kind for node in drawn) == ["cap", "hardware", "vnode"]
    assert all("new" in node.state and node.id not in before for node in drawn)
    said = {node.kind: words(node) for node in drawn}
    (cap,) = (node for node in drawn if node.kind == "cap")
    assert "mapping" in cap.title
    assert said["cap"] == cap.id.rpartition("/")[2], "the slot's number"
    assert "4 KiB, descriptor 2 " in said["vnode"]
    assert said["vnode"].endswith(" r--")
    (row,) = (node for node in drawn if node.kind == "vnode")
    lines = [link.points for link in view.scene().links if link.kind == "around" and link.id.startswith("tree/")]
    assert [min(y for _, y in line) < row.y and row.y + row.h < max(y for _, y in line) for line in lines].count(
        True
    ) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_each_vnode_stands_beside_the_descriptor_that_is_in_ram(seed: int, architecture: str) -> None:
    domain = machine_life(seed, architecture)
    scene = vm.Vnodes(domain).scene()
    nodes = placed(scene)
    width = {"armv7": 4, "x86-64": 8}[architecture]
    values = {node.id: node for node in tree(domain)}
    pairs = [link for link in scene.links if link.kind == "pair"]
    assert len(pairs) == len([node for node in scene.nodes if node.kind == "vnode"]) > 3
    for link in pairs:
        left, right = nodes[link.source], nodes[link.target]
        assert left.y == right.y
        assert left.thing == right.thing
        value = values[int(left.thing.partition(":")[2])]
        if value.descriptor_pa is None:
            assert value.kind.endswith(("l1", "pml4"))
            continue
        word = domain.machine.system.ram.read_word(value.descriptor_pa, width)
        assert f"{word:#x}" in right.title
        way = [(step.pa, step.value) for step in domain.walk(value.va).steps]
        assert (value.descriptor_pa, word) in way, "the hardware goes that way"


def tree(domain: MachineDomain) -> list[VnodeValue]:
    return list(all_vnodes(domain.snapshot().root))


def test_a_section_is_larger_than_pages_and_says_what_the_hardware_lets_pass(domain: MachineDomain) -> None:
    frame = domain.frame("2 MiB")
    domain.map(frame, at=0x6000_0000, size="8 KiB", flags="rw nocache")
    domain.map(frame, at=0x5000_0000, flags="r large")
    nodes = [node for node in vm.Vnodes(domain).scene().nodes if node.kind == "vnode" and "is-leaf" in node.state]
    section, pages = next(node for node in nodes if "5000_0000" in words(node)), nodes[-1]
    assert section.h > pages.h
    assert "2 × 1 MiB" in words(section)
    assert "rw- uncached" in pages.title
    right = placed(vm.Vnodes(domain).scene())[section.id.replace("tree", "descriptor")]
    assert "r-x user" in words(right), "XN is never set: what can be read can be run"


def test_what_is_left_out_is_counted_and_opens(domain: MachineDomain) -> None:
    frame = domain.frame("4 KiB")
    for number in range(60):
        domain.map(frame, at=0x5000_0000 + number * 2 * PAGE)
    view = vm.Vnodes(domain)
    scene = view.scene()
    leaves = [node for node in scene.nodes if node.kind == "vnode" and "is-leaf" in node.state]
    (fold,) = (node for node in scene.nodes if node.id.startswith("tree/fold/") and "leaves" in words(node))
    hidden = int(words(fold).split()[1])
    slab_frames = len([node for node in tree(domain) if not node.is_table]) - 60
    assert len(leaves) + hidden == 60 + slab_frames
    view.opened(fold.id)
    assert len([node for node in view.scene().nodes if node.kind == "vnode" and "is-leaf" in node.state]) > len(leaves)


# ---- the strip of calls ---------------------------------------------------------------------------------


def test_the_strip_has_a_box_for_each_call_in_order(domain: MachineDomain) -> None:
    frame = domain.frame("4 KiB")
    domain.map(frame)
    calls = [words(node) for node in vm.Domain(domain).scene().nodes if node.kind == "call"]
    assert calls == ["slot_alloc", "vnode_create", "slot_alloc", "vnode_map", "slot_alloc", "vnode_map"]


def test_a_refill_inside_a_refill_stands_inside_it_one_row_lower(domain: MachineDomain) -> None:
    domain.map(domain.device_frame(0xA000_0000, "60 MiB"))
    scene = vm.Domain(domain).scene()
    outer, inner = (node for node in scene.nodes if node.kind == "refill")
    assert outer.x < inner.x < inner.x + inner.w < outer.x + outer.w
    assert outer.y < inner.y
    assert inner.y + inner.h <= outer.y + outer.h
    for box in scene.nodes:
        if box.kind == "call" and box.lane == "calls/2":
            assert inner.x <= box.x <= box.x + box.w <= inner.x + inner.w
            assert inner.y <= box.y <= box.y + box.h <= inner.y + inner.h
    levels = [words(node) for node in vm.SlabLevels(domain).scene().nodes if node.kind == "refill-level"]
    assert levels[0].startswith("refill 1: 15,424 blocks wanted, 15,417 short")
    assert "16 KiB" in levels[1], "what the map of a 1 MiB frame wants, of a slab with 7 free blocks"


def test_a_click_on_a_call_goes_there(domain: MachineDomain) -> None:
    domain.map(domain.frame("4 KiB"))
    view = vm.Domain(domain)
    scene = view.scene()
    second = [node for node in scene.nodes if node.kind == "call"][1]
    view.answer({"type": "open", "id": second.id})
    there = view.scene()
    assert there.steps.index == int(second.id.rpartition("/")[2])
    assert fields_of("domain events: VnodeCreated", there.caption.text)["slot"] == "slots[1]"
    assert "path" in placed(there)[second.id].state
    coming = [node for node in there.nodes if "coming" in node.state]
    assert all(node.x > second.x for node in coming)
    assert coming


def test_a_step_shows_what_was_there_then(domain: MachineDomain) -> None:
    domain.map(domain.frame("4 KiB"))
    view = vm.Domain(domain)
    said, descriptors = [], []
    for scene in steps_of(view):
        said.append(scene.caption.text)
        descriptors.append([word_of(node) for node in scene.nodes if node.kind == "hardware"][1:])
    assert said[0] == saying("moments: before")
    assert descriptors[0] == []
    linked = next(
        number for number, text in enumerate(said) if says("domain events: VnodeLinked/table", text) and "1028" in text
    )
    assert descriptors[linked] == [0]
    assert descriptors[-1] == [descriptor(domain, 1), descriptor(domain, 2)]
    assert len(set(said)) == len(said)


def word_of(node: Node) -> int:
    """The descriptor that a row is about, by its title."""
    found = re.search(r": (0x[0-9a-f]+), ", node.title)
    return -1 if found is None else int(found[1], 16)


def descriptor(domain: MachineDomain, identity: int) -> int:
    value = next(node for node in tree(domain) if node.id == identity)
    assert value.descriptor_pa is not None
    return domain.system.ram.read_word(value.descriptor_pa, 4)


def test_what_failed_was_taken_back_and_says_why() -> None:
    domain = vm.boot("armv7").domain("hello", slots=9)
    frame = domain.frame("16 KiB")
    domain.map(frame, at=0x5000_0000)
    before = domain.snapshot()
    with pytest.raises(vm.KernelError):
        domain.map(frame, at=0x500F_F000, size="16 KiB")
    scene = vm.Domain(domain).scene()
    assert scene.caption.tone == "error"
    assert scene.caption.text == saying("headlines: failed", name="map", kind="LIB_ERR_SLOT_ALLOC_NO_SPACE")
    reason = "All 9 slots of cnode 'slots' are in use."
    assert scene.caption.reason == f"{reason} {saying('domain operations: failed/undone')}"
    assert scene.table is not None
    chain = [name.strip("(:;") for name in domain.machine.journal.last.said.split() if "_ERR_" in name]
    assert [cell for row in scene.table.rows for cell in row if "_ERR_" in cell] == chain
    assert len(chain) == 4
    failed = [node for node in scene.nodes if "fault" in node.state]
    undone = [node for node in scene.nodes if "undoing" in node.state]
    assert len(failed) == 1
    assert undone
    assert all(node.x > failed[0].x for node in undone)
    past = vm.Domain(domain)
    past.step = 0
    assert [node.thing for node in past.scene().nodes if node.kind == "vnode"] == [
        f"vnode:{node.id}" for node in sorted(all_vnodes(before.root), key=lambda node: (node.va, -node.level))
    ]


def test_every_operation_has_a_sentence_of_its_own(domain: MachineDomain) -> None:
    view = vm.Domain(domain)

    def said() -> str:
        return view.scene().caption.text

    assert said() == saying("domain operations: domain", 4)
    frame = domain.frame("8 KiB")
    assert said() == saying("domain operations: made", slot="slots[0]", kind="a frame", size="8 KiB")
    made = saying("domain operations: made/of", address=frame.base, rights="rwg")
    assert view.scene().caption.reason.startswith(made)
    copy = domain.mint(frame, "rg")
    minted = saying("domain operations: made/mint", address=frame.base, rights="r-g", source="slots[0]")
    assert view.scene().caption.reason.startswith(minted)
    address = domain.map(copy, flags="r")
    assert said() == saying("domain operations: map", size="8 KiB", address="0x4040_0000", tables="with one new table")
    shown = saying("domain operations: map/frame", frame="slots[1]", flags="r--")
    assert view.scene().caption.reason.startswith(shown)
    domain.map(frame, at=0x5000_0000)
    domain.modify_flags(0x5000_0000, "4 KiB", "r")
    assert said() == saying("domain operations: modify_flags", size="4 KiB", address="0x5000_0000", flags="r--")
    domain.unmap(address, "8 KiB")
    assert said() == saying("domain operations: unmap", size="8 KiB", address="0x4040_0000")
    freed = fields_of("domain operations: took/back", view.scene().caption.reason)
    assert (freed["slots"], freed["blocks"]) == ("1 slot", "1 block")
    domain.revoke(frame)
    emptied = "slots[11] (mapping), slots[1] (frame)"
    assert said() == saying("domain operations: revoke", slot="slots[0]")
    reasons = saying("domain operations: revoke/slots", slots=emptied), saying("domain operations: delete/leaves", 1)
    assert view.scene().caption.reason == " ".join(reasons)
    domain.take_slots(3)
    assert said() == saying(
        "domain operations: take_slots", 3, name="hello", left=f"{domain.domain.slots.free_slots:,}"
    )
    domain.machine.destroy_domain(domain)
    assert says("domain operations: destroy_domain", said())


# ---- capabilities, regions, slab ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_slot_is_drawn_or_counted(seed: int) -> None:
    domain = machine_life(seed, slots=300)
    scene = vm.Capabilities(domain).scene()
    for cnode in domain.snapshot().cnodes:
        cells = [node for node in scene.nodes if node.id.startswith(f"slots/{cnode.name}/")]
        left_out = sum(int(words(node).removeprefix("+").replace(",", "")) for node in cells if node.kind == "fold")
        free = sum(int(words(node).split()[0].replace(",", "")) for node in cells if node.id.endswith("/said"))
        assert left_out + free + sum(node.kind == "cap" for node in cells) == cnode.slots


def test_the_slots_of_a_kind_have_its_name_and_its_number(domain: MachineDomain) -> None:
    domain.map(domain.frame("4 KiB"))
    domain.map(domain.frame("4 KiB"))
    kinds = Counter(one.kind for one in domain.snapshot().cnodes[2].capabilities)
    own = {f"{kinds['Mapping']} mappings", f"{kinds['Frame']} frames", f"{kinds['VNode_ARM_l2']} L2 tables"}
    said = {words(node) for node in vm.Capabilities(domain).scene().nodes}
    assert own | {"3 cnodes", "1 L1 table"} <= said
    title = vm.Capabilities(domain).scene().caption.text
    assert f"{kinds.total()} of 16,384 slots are in use" in title


def test_what_the_operation_put_into_slots_is_marked(domain: MachineDomain) -> None:
    domain.map(domain.frame("4 KiB"))
    frame = domain.frame("4 KiB")
    before = {one.ref.slot for one in domain.snapshot().cnodes[2].capabilities}
    domain.map(frame, flags="r")
    after = {one.ref.slot for one in domain.snapshot().cnodes[2].capabilities}
    new = [node for node in vm.Capabilities(domain).scene().nodes if node.kind == "cap" and "new" in node.state]
    assert {words(node) for node in new} == {f"{slot}" for slot in after - before}


def test_free_slots_are_named_if_all_others_are_known(domain: MachineDomain) -> None:
    frames = [domain.frame("4 KiB") for _ in range(4)]
    domain.delete(frames[1])
    nodes = placed(vm.Capabilities(domain).scene())
    assert words(nodes["slots/slots/free"]) == "1, 4–16,383"


def test_what_a_revoke_removed_keeps_its_place_until_the_next_operation(domain: MachineDomain) -> None:
    frame = domain.retype(domain.ram("64 KiB"), "Frame", 0, "8 KiB")
    domain.map(domain.mint(frame, "rg"), flags="r")
    before = {one.ref for one in domain.snapshot().cnodes[2].capabilities}
    domain.revoke(frame)
    removed = before - {one.ref for one in domain.snapshot().cnodes[2].capabilities}
    view = vm.Capabilities(domain)

    def gone() -> dict[str, str]:
        return {node.id: node.title for node in view.scene().nodes if node.kind == "cap" and "gone" in node.state}

    assert set(gone()) == {f"gone/slots/{ref.slot}" for ref in removed}
    assert all("removed by" in title for title in gone().values())
    (said,) = (node for node in view.scene().nodes if node.id == "gone/slots")
    assert words(said) == "removed: 1 mapping and 1 frame"
    view.step = 0
    assert gone() == {}, "nothing is removed yet"
    domain.machine.tick()
    view.moment = None
    assert gone() == {}


def test_slots_say_what_is_in_them(domain: MachineDomain) -> None:
    ram = domain.ram("64 KiB")
    frame = domain.retype(ram, "Frame", 0, "8 KiB")
    copy = domain.mint(frame, "rg")
    domain.map(copy, flags="r")
    nodes = {node.thing: node for node in vm.Capabilities(domain).scene().nodes if node.kind == "cap"}
    assert "piece of RAM" in nodes[f"cap:{ram.ref}"].title
    assert f"made from {ram.ref}" in nodes[f"cap:{frame.ref}"].title
    assert f"copies: {copy.ref}" in nodes[f"cap:{frame.ref}"].title
    assert "r-g" in nodes[f"cap:{copy.ref}"].title
    assert "mapped in entries 0–1 of" in nodes[f"cap:{copy.ref}"].title


def test_a_slot_that_was_used_again_is_not_named_as_the_source(domain: MachineDomain) -> None:
    ram = domain.ram("64 KiB")
    frame = domain.retype(ram, "Frame", 0, "8 KiB")

    def source() -> tuple[str, str]:
        scene = vm.Capabilities(domain).scene()
        (row,) = (row for row in scene.table.rows if row[0] == str(frame.ref))
        (title,) = (node.title for node in scene.nodes if node.thing == f"cap:{frame.ref}")
        return row[scene.table.header.index("made from")], title

    assert source()[0] == str(ram.ref)
    assert frame.value is not None
    assert not frame.value.source_gone
    domain.delete(ram)
    assert frame.value.source_gone
    deleted = source()
    assert "deleted" in deleted[0]
    assert "deleted" in deleted[1]
    assert domain.frame("4 KiB").ref == ram.ref
    assert source() == deleted


def gauge(scene: Scene) -> Node:
    return placed(scene)["slab/gauge"]


def test_the_gauge_has_used_blocks_and_the_reserve_to_scale(domain: MachineDomain) -> None:
    for _ in range(5):
        domain.map(domain.frame("16 KiB"))
    slab = domain.snapshot().slab
    scene = vm.SlabLevels(domain).scene()
    bars = {bar.style: bar for bar in gauge(scene).bars}
    assert bars["used"].w / bars["rail"].w == pytest.approx((slab.total - slab.free) / slab.total)
    assert bars["reserve"].w / bars["rail"].w == pytest.approx(3 / slab.total)
    assert bars["reserve"].x + bars["reserve"].w == pytest.approx(bars["rail"].w), "it is used last"
    rows = {node.id: node for node in scene.nodes if node.lane == "slab"}
    wide = {name: next(bar for bar in node.bars if bar.style == "rail").w for name, node in rows.items()}
    heads = {f"slab/{head.number}": head.blocks for head in slab.heads}
    assert [wide["slab/1"] / wide["slab/2"]] == pytest.approx([heads["slab/1"] / heads["slab/2"]])


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_the_title_says_whether_the_next_page_needs_memory_first(architecture: str) -> None:
    domain = vm.boot(architecture).domain("hello")
    said = []
    for _ in range(30):
        before = domain.snapshot().slab.total
        has_room = "no need to ask" in vm.SlabLevels(domain).scene().caption.text
        domain.map(domain.frame("4 KiB"))
        assert (domain.snapshot().slab.total == before) == has_room
        said.append(has_room)
    assert {*said} == {True, False}


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_each_piece_of_the_slab_has_a_bar_that_is_filled_so_far(seed: int) -> None:
    """The largest pieces of these lives have 63, 511 and 255 blocks."""
    domain = machine_life(seed, "armv7", 60)
    heads = {head.number: head for head in domain.snapshot().slab.heads}
    nodes = placed(vm.SlabLevels(domain).scene())
    for number, head in heads.items():
        node = nodes[f"slab/{number}"]
        assert f"{head.blocks - head.free:,} of {head.blocks:,} used" in words(node)
        used = sum(bar.w for bar in node.bars if bar.style == "used")
        rail = sum(bar.w for bar in node.bars if bar.style == "rail")
        assert used == pytest.approx(max(rail * (1 - head.free / head.blocks), 1 * (head.free < head.blocks)))


# ---- all of them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_every_step_of_every_picture_is_sound(seed: int, architecture: str) -> None:
    domain = machine_life(seed, architecture, 25 + 10 * seed)
    for kind in PARTS:
        for scene in steps_of(shown(kind, domain)):
            sound(scene)


def test_selected_things_fit_too() -> None:
    domain = machine_life(5, slots=300)
    for kind in PARTS:
        view = shown(kind, domain)
        for thing in sorted({node.thing for node in view.scene().nodes if node.action == "select"}):
            view.selection = thing
            sound(view.scene())


@pytest.mark.parametrize("kind", PARTS)
def test_the_same_life_gives_the_same_bytes(kind: type[vm.View]) -> None:
    domains = [machine_life(3), machine_life(3)]
    left, right = (shown(kind, domain).to_svg() for domain in domains)
    assert left == right


def test_a_small_domain_is_seen_at_a_glance_and_a_large_one_costs_no_more_room() -> None:
    domain = vm.boot("armv7", ram="64 MiB").domain("hello")
    domain.map(domain.frame("8 KiB"))
    assert vm.Domain(domain).scene().height < 700
    frame = domain.frame("4 KiB")
    for number in range(900):
        domain.map(frame, at=0x5000_0000 + number * 2 * PAGE)
    for number in range(60):
        domain.map(frame, at=0x6000_0000 + (number << 20))
    scene = vm.Domain(domain).scene()
    sound(scene)
    assert scene.height < 900
    assert len(scene.nodes) < 250


def test_the_dashboard_follows_the_domain_that_is_worked_on(domain: MachineDomain) -> None:
    machine = domain.machine
    view = vm.Dashboard(machine)
    domain.map(domain.frame("4 KiB"))
    assert fields_of("domain operations: map", view.scene().caption.text)["size"] == "4 KiB"
    other = machine.domain("other")
    assert "other" in view.scene().title
    other.map(other.frame("8 KiB"))
    assert [node.kind for node in view.scene().nodes].count("hardware") == 3
    machine.kernel_map.enter("4 KiB")
    assert not [node for node in view.scene().nodes if node.kind == "hardware"]


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_an_address_that_is_looked_for_selects_its_leaf(architecture: str) -> None:
    domain = vm.boot(architecture).domain("hello")
    address = int(domain.map(domain.frame("16 KiB")))
    leaf = next(node for node in tree(domain) if node.va == address and node.kind == "leaf")
    for view in (vm.Domain(domain), vm.Dashboard(domain.machine)):
        view.search(f"{address + 0x2345 & 0xFFFFFFFF:08x}")
        assert view.selection == f"vnode:{leaf.id}"
        view.search(f"{address + 0x5000:x}")
        table = next(node for node in tree(domain) if node.id == int(view.selection.partition(":")[2]))
        assert table.is_table
        assert leaf in table.children
        with pytest.raises(vm.Refused, match="is called 'nowhere'"):
            view.search("nowhere")


def test_pictures_of_two_domains_have_one_headline_and_the_steps_of_their_own(domain: MachineDomain) -> None:
    domain.map(domain.frame("4 KiB"))
    other = domain.machine.domain("other")
    other.map(other.frame("8 KiB"), flags="r")
    mine, others = vm.Domain(domain).scene(), vm.Domain(other).scene()
    assert "8 KiB" in others.caption.text
    assert (mine.caption.text, mine.caption.reason) == (saying("moments: same"), "")
    assert mine.steps.count == 0 < others.steps.count


@pytest.mark.parametrize("kind", [vm.Domain, vm.Vnodes, vm.Capabilities, vm.SlabLevels])
def test_other_targets_are_refused_in_a_sentence(kind: type[vm.View]) -> None:
    with pytest.raises(vm.Refused, match="shows a self-paging domain"):
        kind(vm.boot("armv7"))


def test_a_domain_in_a_cell_is_its_picture(domain: MachineDomain) -> None:
    assert isinstance(vm.show(domain), vm.Domain)


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_flags_that_were_lost_are_told_and_not_those_that_were_asked_for(architecture: str) -> None:
    border = 0x6010_0000 if architecture == "armv7" else 0x6020_0000
    for quirks, told in (
        ((), {}),
        (("modify-flags-lost",), {"asked": "--- and r--"}),
    ):
        domain = vm.boot(architecture, quirks=quirks).domain("log")
        domain.map(domain.frame("8 KiB"), at=border - vm.PAGE)
        domain.modify_flags(border - vm.PAGE, "8 KiB", "rw")
        text = vm.Domain(domain).scene().caption.text
        facts = fields_of("domain operations: modify_flags/lost" if quirks else "domain operations: modify_flags", text)
        assert facts.pop("address").endswith("f000")
        assert facts == {"count": "1", "size": "8 KiB", "flags": "rw-", **told}


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize(("flags", "rights"), [("guard", "---"), ("r", "r"), ("rw", "rw")])
def test_a_descriptor_says_what_the_program_may_do(architecture: str, flags: str, rights: str) -> None:
    domain = vm.boot(architecture).domain("hello")
    at = domain.map(domain.frame(), flags=flags)
    scene = vm.Vnodes(domain).scene()
    thing = vnode_thing(domain.vnode_at(at))
    texts = [run.text for node in scene.nodes if node.thing == thing for run in node.text]
    (said,) = (text for text in texts if text.endswith(" user"))
    allowed = "".join(way[0] if domain.walk(at, way).ok else "-" for way in ("read", "write"))
    assert said.startswith(rights)
    assert said[:2] == allowed


def test_calls_of_the_kernel_are_counted_alike() -> None:
    machine = vm.boot("armv7")
    domain, task = machine.domain("hello"), machine.task("hello")
    domain.map(domain.frame("8 KiB"))
    calls = vm.compare_paging(task, domain).domain.invocations
    assert calls == 3  # a table is made, put into the root, and pages into it
    used = fields_of("domain operations: took", vm.Domain(domain).scene().caption.reason)
    assert used["calls"] == "3 kernel calls"


@pytest.mark.parametrize("width", [420, 900])
@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_rights_that_were_requested_and_allowed_are_named_and_more_of_them_explained(
    architecture: str, width: int
) -> None:
    for hardening in ((), ("execute-never",)):
        domain = vm.boot(architecture).domain("hello", hardening=hardening)
        at = domain.map(domain.frame(), flags="rw")
        scene = vm.Vnodes(domain, width=width).scene()
        heads = {node.text[-1].text: node for node in scene.nodes if node.id.startswith("tree/heads/")}
        assert set(heads) == {"requested", "allowed"}
        said = [node for node in scene.nodes if any(run.text in ("execution too", "run too") for run in node.text)]
        assert bool(said) == domain.walk(at, "execute").ok == (not hardening)
        assert all("no bit forbids execution" in node.title for node in said)
        assert heads["requested"].text[0].text == "shadow tree"


def test_in_a_narrow_picture_rights_are_whole() -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.map(domain.frame("760 KiB"), flags="rwx nocache")
    scene = vm.Vnodes(domain, width=420).scene()
    heads = [[run.text for run in node.text] for node in scene.nodes if node.id.startswith("tree/heads/")]
    assert heads == [["shadow tree", "3 tables, 3 leaves, 5 new", "requested"], ["hardware", "allowed"]]
    leaves = [node for node in scene.nodes if node.kind == "vnode" and "is-leaf" in node.state]
    assert {node.text[-1].text for node in leaves} == {"rw-", "rwx …"}, "rights are whole, and there is more"
    assert any("uncached" in node.title for node in leaves)


def test_in_a_narrow_picture_a_row_ends_with_its_capability() -> None:
    domain = vm.boot("armv7").domain("hello")
    for _ in range(60):
        domain.map(domain.frame("16 KiB"))
    view = vm.Vnodes(domain, width=420)
    for scene in steps_of(view):
        rows = [node for node in scene.nodes if node.kind == "vnode"]
        ends = [[run.text for run in node.text if run.anchor == "end" and run.x == node.w - 8] for node in rows]
        assert rows and all(any("[" in text for text in row) for row in ends)
        assert not any("…" in run.text for node in scene.nodes if node.kind == "hardware" for run in node.text)


@pytest.mark.parametrize("kind", [vm.Domain, vm.Capabilities, vm.SlabLevels, vm.Vnodes])
def test_a_picture_of_a_domain_that_is_gone_answers_nothing_about_what_it_had(kind: type[vm.View]) -> None:
    machine = vm.boot("armv7")
    domain = machine.domain("hello")
    domain.map(domain.frame("64 KiB"), flags="rw")
    picture = kind(domain)
    machine.destroy_domain(domain)
    assert says("domain operations: destroy_domain", picture.scene().caption.text)


def test_the_tree_of_a_new_domain_has_its_root_as_a_step() -> None:
    assert vm.Vnodes(vm.boot("armv7").domain("hello")).steps > 1


def test_the_whole_domain_counts_slots_as_its_capabilities_do(domain: MachineDomain) -> None:
    domain.map(domain.frame("8 KiB"))
    domain.take_slots(3)
    (own,) = (one for one in domain.snapshot().cnodes if one.name == "slots")
    used = f"{len(own.capabilities) + len(own.reserved):,} of {own.slots:,} slots are in use"
    assert used in words(placed(vm.Domain(domain).scene())["books"])
    assert vm.Capabilities(domain).scene().caption.text.startswith(used)
