"""Domains of a machine: at the door, on its processors, in its journal, beside its kernel."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.operations import PartReference
from vmwidgets.engine.selfpaging.errors import LibError

BOTH = pytest.mark.parametrize("architecture", ["armv7", "x86-64"])


def refused(call, *arguments, match, error=vm.Refused, **options):
    """It fails with that, and the domain is as it was."""
    domain = call.__self__
    before = domain.snapshot()
    with pytest.raises(error, match=match):
        call(*arguments, **options)
    assert domain.snapshot() == before
    domain.machine.check()


# ---- making --------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["x86", "x86-pae", "x86-64-la57", "aarch64", "riscv-sv39"])
def test_other_architectures_have_none(architecture):
    m = vm.boot(architecture)
    with pytest.raises(vm.Refused, match="armv7 and x86-64"):
        m.domain("hello")
    assert not m.domains


def test_a_name_gives_the_same_domain_and_settings_are_for_a_new_one():
    m = vm.boot("armv7")
    hello = m.domain("hello", slots=100)
    assert m.domain("hello") is hello
    with pytest.raises(vm.Refused, match="already exists"):
        m.domain("hello", ram_pages_only=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"slots": 0}, "slots=0"),
        ({"slots": "many"}, "slots='many'"),
        ({"hardening": "execute-never"}, "write a list or set"),
        ({"hardening": ["execute-sometimes"]}, "did you mean 'execute-never'"),
        ({"ram_pages_only": 1}, "ram_pages_only=1"),
    ],
)
def test_bad_settings(options, match):
    m = vm.boot("armv7")
    with pytest.raises(vm.Refused, match=match):
        m.domain("hello", **options)
    assert not m.domains
    m.check()


def test_without_memory_there_is_no_domain():
    m = vm.boot("armv7", ram="8 MiB")
    m.take_pages(m.kmem.pages.free)
    with pytest.raises(LibError, match="LIB_ERR_VNODE_CREATE"):
        m.domain("hello")
    assert not m.domains
    m.check()


@BOTH
def test_a_destroyed_domain_leaves_nothing(architecture):
    m = vm.boot(architecture)
    free = m.kmem.pages.free
    d = m.domain("hello")
    address = d.map(d.frame("64 KiB"))
    d.write(address, b"x")
    m.destroy_domain(d)
    m.check()
    assert (m.kmem.pages.free, dict(m.domains)) == (free, {})
    with pytest.raises(vm.Refused, match="unknown domain 'hello'"):
        m.destroy_domain("hello")


# ---- using ---------------------------------------------------------------------------------------


@BOTH
def test_two_domains_have_the_same_address_and_not_the_same_memory(architecture):
    m = vm.boot(architecture)
    one, other = m.domain("one"), m.domain("other")
    address = one.map(one.frame())
    assert other.map(other.frame()) == address
    one.write(address, b"one")
    other.write(address, b"other")
    assert (one.read(address, 3), other.read(address, 5)) == (b"one", b"other")
    m.check()


@BOTH
def test_kernel_and_tasks_go_on_beside_it(architecture):
    m = vm.boot(architecture)
    d, task = m.domain("hello"), m.task("init")
    address = d.map(d.frame())
    m.object("memory")
    at = task.map.enter("4 KiB", at=0x40_0000, object="memory")
    for number in range(3):
        d.write(address, bytes([number]))
        task.write(at, bytes([number + 100]))
        block = m.kmem_malloc("4 MiB" if number == 2 else "4 KiB")  # kernel space grows
        m.write(block, b"kernel")
        assert (d.read(address), task.read(at), m.read(block, 6)) == (bytes([number]), bytes([number + 100]), b"kernel")
        m.check()


@BOTH
def test_the_kernel_grows_in_a_domain_too(architecture):
    m = vm.boot(architecture)
    d = m.domain("hello")
    d.read(d.map(d.frame()))
    before = m.system.pmap.klimit
    m.kernel_map.enter("16 MiB")
    assert m.system.pmap.klimit > before
    m.check()


@BOTH
def test_rights_are_what_was_asked_for(architecture):
    m = vm.boot(architecture)
    d = m.domain("hello")
    address = d.map(d.frame(), flags="r")
    assert d.read(address) == b"\0"
    with pytest.raises(vm.KernelError, match="ACCES"):
        d.write(address, b"x")
    d.modify_flags(address, vm.PAGE, "rw")
    d.write(address, b"x")
    with pytest.raises(vm.KernelError, match="FAULT"):
        d.read(address + vm.PAGE)


@BOTH
@pytest.mark.parametrize("cpus", [1, 2])
def test_no_processor_keeps_what_was_taken_away(architecture, cpus):
    m = vm.boot(architecture, cpus=cpus)
    d = m.domain("hello")
    frame = d.frame("8 KiB")
    address = d.map(frame)
    d.write(address, b"in the TLB")
    d.modify_flags(address, "8 KiB", "r")
    with pytest.raises(vm.KernelError, match="ACCES"):
        d.write(address, b"x")
    d.read(address)
    d.unmap(address, "8 KiB")
    with pytest.raises(vm.KernelError, match="FAULT"):
        d.read(address)
    again = d.map(frame)
    d.read(again)
    d.revoke(frame)
    with pytest.raises(vm.KernelError, match="FAULT"):
        d.read(again)
    m.check()


@BOTH
def test_another_space_does_not_see_what_the_tlb_kept(architecture):
    """On ARM a domain's pages are global as processors see them: nG is 0."""
    m = vm.boot(architecture, asids=True)
    d, task = m.domain("hello"), m.task("init")
    address = d.map(d.frame())
    d.write(address, b"secret")
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.read(address, 6)
    m.check()


def test_the_window_of_a_domains_root_is_its_own():
    """On x86-64 the tables appear in the addresses by a root slot that refers to the root; no user gets there."""
    m = vm.boot("x86-64")
    d = m.domain("hello")
    window = m.system.pmap.layout.window
    assert window is not None
    index = window >> 39 & 511
    whole = (
        window | index << 30 | index << 21 | index << 12
    )  # four times through the root's own slot: the root as a page
    assert m.walk(whole, task=d, user=False).pa == d.pmap.root
    assert m.walk(whole, user=False).pa == m.system.pmap.root != d.pmap.root
    assert d.walk(whole).fault.kind == "protection"


def test_large_mappings_and_execute_never():
    m = vm.boot("armv7")
    plain, hard = m.domain("plain"), m.domain("hard", hardening={"execute-never"})
    for d in (plain, hard):
        address = d.map(d.frame("1 MiB"), flags="rw large")
        assert address % vm.MIB == 0
        assert len(d.walk(address).steps) == 1
    plain.touch(address, "execute")
    with pytest.raises(vm.KernelError, match="ACCES"):
        hard.touch(address, "execute")
    hard.modify_flags(address, "1 MiB", "rx")
    hard.touch(address, "execute")


def test_a_device_is_mapped_and_not_read():
    m = vm.boot("armv7")
    d = m.domain("hello")
    device = d.device_frame("0x8000 0000", "4 KiB")
    address = d.map(device, flags="rw nocache")
    assert d.walk(address).pa == 0x8000_0000
    with pytest.raises(vm.Refused, match="a device lies between"):
        d.device_frame("0x1000", "4 KiB")


def test_a_devices_memory_is_in_one_frame_and_its_copies():
    """Else a revoke would leave half of what maps it."""
    m = vm.boot("armv7")
    d = m.domain("hello")
    device = d.device_frame("0x8000 0000", "16 KiB")
    for at, size in (("0x8000 0000", "16 KiB"), ("0x8000 3000", "4 KiB"), ("0x7fff f000", "8 KiB")):
        refused(d.device_frame, at, size, match=r"slots\[0\] holds the DevFrame at 0x8000_0000, 16 KiB; copy or retype")
    d.device_frame("0x8000 4000", "4 KiB")
    m.domain("other").device_frame("0x8000 0000", "16 KiB")
    addresses = [d.map(d.copy(device)), d.map(d.retype(device, "DevFrame", "4 KiB", "4 KiB"))]
    d.revoke(device)
    assert [d.walk(at).pa for at in addresses] == [None, None]
    d.delete(device)
    d.device_frame("0x8000 1000", "4 KiB")
    m.check()


def test_memory_that_was_another_domains_is_zero():
    m = vm.boot("armv7", ram="8 MiB")
    one = m.domain("one")
    frame = one.frame()
    base = frame.base
    one.write(one.map(frame), b"secret")
    one.delete(frame)
    other = m.domain("other")
    taken = [other.frame() for _ in range(40)]
    (same,) = [one for one in taken if one.base == base]
    assert other.read(other.map(same), 6) == bytes(6)


# ---- memory objects --------------------------------------------------------------------------


def test_an_anonymous_object_maps_what_is_touched():
    m = vm.boot("armv7")
    d = m.domain("hello")
    memory = d.anonymous("64 KiB")
    frame = d.frame("8 KiB")
    memory.fill(frame, offset="16 KiB")
    assert d.walk(memory.address + 0x4000).fault is not None
    d.write(memory.address + 0x4000, b"hey")
    assert d.read(memory.address + 0x4000, 3) == b"hey"
    refused(d.read, memory.address, match="LIB_ERR_MEMOBJ_UNDER_FILLED", error=LibError)
    refused(d.unmap, memory.address + 0x4000, "8 KiB", match="anonymous 1")
    memory.remove()
    m.check()
    assert memory.domain is d
    refused(d.read, 0x4040_4000, match="FAULT", error=vm.KernelError)


# ---- the door --------------------------------------------------------------------------------


@pytest.fixture
def hello():
    """A domain with a frame of 8 KiB, mapped by its second half at 0x10000000; its slab was refilled already."""
    d = vm.boot("armv7").domain("hello")
    d.unmap(d.map(d.frame("8 KiB"), at=0x0), "8 KiB")
    d.map("slots[0]", at=0x2000)
    d.unmap(0x2000, "8 KiB")
    d.map("slots[0]", at=0x3000)
    d.delete("slots[0]")
    d.map(d.frame("8 KiB"), at=0x1000_0000, offset=4096)
    return d


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"at": 0x1000_0001}, "not a multiple of the page size"),
        ({"size": 0}, "size=0"),
        ({"size": -1}, "negative"),
        ({"offset": "8 KiB"}, "has 8 KiB"),
        ({"flags": "rwz"}, "unknown flag 'RWZ'"),
        ({"flags": "rw larg"}, "did you mean 'LARGE'"),
        ({"flags": 1 << 20}, "not flags"),
        ({"flags": None}, "flags=None is no value"),
        ({"at": 0x4000_0000}, "its own records"),
        ({"at": 0x3FFF_F000, "size": "8 KiB"}, "its own records"),
        ({"at": 0xFFFF_F000, "size": "8 KiB"}, "past the last address"),
    ],
)
def test_nonsense_is_refused(hello, options, match):
    refused(hello.map, "slots[0]", match=match, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"at": 0x1000_0000}, "LIB_ERR_PMAP_EXISTING_MAPPING"),
        ({"at": 0x2000_0000, "size": "16 KiB"}, "LIB_ERR_PMAP_FRAME_SIZE"),
        ({"at": 0x2000_0000, "offset": 4096, "size": "8 KiB"}, "LIB_ERR_PMAP_FRAME_SIZE"),
        ({"at": 0x8000_0000}, "SYS_ERR_VNODE_SLOT_RESERVED"),
    ],
)
def test_what_the_original_has_an_error_for(hello, options, match):
    refused(hello.map, "slots[0]", match=match, error=LibError, **options)


@pytest.mark.parametrize(
    ("given", "match", "error"),
    [
        ("slots[99999]", "SYS_ERR_CAP_NOT_FOUND", LibError),
        ("nowhere[0]", "SYS_ERR_CAP_NOT_FOUND", LibError),
        ("slots[0]#999", "has been deleted", LibError),
        ("slot 3", "is not a slot", vm.Refused),
        (0x1234, "is not a capability", vm.Refused),
        ("pagecn[0]", "SYS_ERR_ILLEGAL_INVOCATION", LibError),
        ("rootcn[0]", "SYS_ERR_ILLEGAL_INVOCATION", LibError),
    ],
)
def test_a_capability_can_not_be_forged(hello, given, match, error):
    refused(hello.map, given, match=match, error=error)


def test_a_capability_is_no_one_elses(hello):
    other = hello.machine.domain("other")
    refused(hello.map, other.frame(), match="of domain 'other'")


def test_a_capability_that_was_deleted_is_not_the_next_one_in_its_slot(hello):
    gone = hello.frame()
    hello.delete(gone)
    assert hello.frame().ref == gone.ref
    refused(hello.map, gone, match="deleted", error=LibError)
    refused(hello.delete, gone, match="deleted", error=LibError)
    assert "deleted" in repr(gone)


def test_rights_do_not_grow(hello):
    weak = hello.mint("slots[0]", "rg")
    refused(hello.map, weak, match="SYS_ERR_VM_MAP_RIGHTS", error=LibError)
    refused(hello.mint, weak, "rw", match="minting can't add rights")
    refused(hello.mint, weak, "all", match="write letters")
    address = hello.map(weak, flags="r")
    refused(hello.modify_flags, address, "8 KiB", "rw", match="SYS_ERR_VM_MAP_RIGHTS", error=LibError)
    refused(hello.retype, weak, "VNode_ARM_l2", match="SYS_ERR_INVALID_RETYPE", error=LibError)
    refused(hello.retype, weak, "Table", match="unknown kind 'Table'")


@BOTH
def test_tables_of_another_architecture_can_not_be_made(architecture):
    d = vm.boot(architecture).domain("hello")
    ram, own, others = d.ram("64 KiB"), "VNode_ARM_l2", "VNode_x86_64_pml4"
    if architecture == "x86-64":
        own, others = "VNode_x86_64_ptable", "VNode_ARM_l1"
    refused(d.retype, ram, others, match=f"{others}' is a table of .*; those of {architecture} are .*{own}")
    assert d.retype(ram, own).kind == own
    d.machine.check()


def test_unmapping_must_match(hello):
    for address, size in ((0x1000_0000, "8 KiB"), (0x1000_1000, "4 KiB")):
        refused(hello.unmap, address, size, match="LIB_ERR_PMAP_FIND_VNODE", error=LibError)
    refused(hello.unmap, 0x1000_0000, 0, match="size=0")
    refused(hello.unmap, 0x4000_0000, "4 KiB", match="its own records")
    assert hello.unmap(0x1000_0000, "4 KiB") == 4096


def test_slots_that_somebody_else_has(hello):
    left = hello.domain.slots.free_slots
    assert hello.take_slots(left) == 0
    refused(hello.frame, match="LIB_ERR_SLOT_ALLOC_NO_SPACE", error=LibError)
    refused(hello.map, "slots[0]", match="LIB_ERR_SLOT_ALLOC", error=LibError)
    refused(hello.take_slots, 1, match="cnode 'slots' has 0 free slots")
    assert hello.give_slots(3) == 3
    hello.frame()


def test_room_is_used_again(hello):
    first = hello.map("slots[0]")
    second = hello.map("slots[0]")
    hello.unmap(first, "8 KiB")
    assert hello.map("slots[0]") == first
    assert second == first + 8192


# ---- journal, parts, pictures ----------------------------------------------------------------


@BOTH
def test_a_life_can_be_lived_again(architecture):
    m = vm.boot(architecture)
    d = m.domain("a/b")
    frame = d.frame("16 KiB")
    address = d.map(frame)
    weak = d.mint(frame, "rg")
    with pytest.raises(LibError):
        d.map(weak)
    d.map(weak, flags="r")
    d.write(address, b"hello")
    memory = d.anonymous("64 KiB")
    memory.fill(d.frame("64 KiB"))
    d.read(memory.address)
    d.delete(weak)
    with pytest.raises(LibError):
        d.map(weak, flags="r")  # another is in its slot by then
    part = d.retype(d.ram("64 KiB"), "Frame", "4 KiB", "8 KiB")
    d.map(part)
    d.revoke(frame)
    m.check()
    twin = m.branch(len(m.journal) - 1)
    twin.check()
    assert twin.domains["a/b"].snapshot() == d.snapshot()
    assert [record.outcome for record in twin.journal] == [record.outcome for record in m.journal]
    assert [record.events for record in twin.journal] == [record.events for record in m.journal]


def test_arguments_are_data():
    m = vm.boot("armv7")
    d = m.domain("hello")
    frame = d.frame()
    d.map(frame)
    record = m.journal[-1]
    assert (record.target, record.name) == ("domain:hello", "map")
    given = dict(record.arguments)["frame"]
    assert type(given) is PartReference
    assert m.part(given) == frame
    assert m.part("domain:hello") is d
    assert m.part("domain:hello/slots[0]") == frame


def test_its_spaces_are_where_the_machines_are():
    m = vm.boot("armv7")
    d = m.domain("hello")
    frame = d.frame()
    address = d.map(frame)
    assert m.walk(address, task="domain:hello").pa == frame.base
    assert ("domain:hello", address) in m.frames.mapped_at(frame.base // vm.PAGE)
    before = m.set_descriptor(d.walk(address).steps[-1].pa, 0)
    with pytest.raises(vm.KernelError, match="FAULT"):
        d.read(address)
    m.undo_descriptor()
    assert before
    m.check()


# ---- quirks ----------------------------------------------------------------------------------


@BOTH
def test_modify_flags_lost(architecture):
    def rights(*quirks):
        d = vm.boot(architecture, quirks=quirks).domain("hello")
        address = d.map(d.frame())
        d.modify_flags(address, vm.PAGE, "r")
        return d.walk(address).fault is None

    assert rights()
    assert not rights("modify-flags-lost")
    assert "modify-flags-lost" in vm.QUIRKS


def test_first_table_decides():
    def section_over_pages(*quirks):
        m = vm.boot("armv7", quirks=quirks)
        d = m.domain("hello")
        page, large = d.frame(), d.frame("2 MiB")
        d.map(page, at=0x1000_0000)  # the older table keeps its page
        d.map(page, at=0x1010_0000)
        d.unmap(0x1010_0000, vm.PAGE)
        try:
            d.map(large, at=0x1000_0000, flags="rw large")
        except LibError as error:
            m.check()
            return error.stack[-1], d.walk(0x1000_0000).pa == page.base
        m.check()
        d.revoke(page)  # nothing of it is mapped any more, whatever the tree says
        return "mapped", d.walk(0x1000_0000).pa == large.base

    assert section_over_pages() == ("LIB_ERR_PMAP_EXISTING_MAPPING", True)
    assert section_over_pages("first-table-decides") == ("mapped", True)


def test_a_leaf_without_mapping_that_a_quirk_left_is_an_error_and_no_traceback():
    """The slot for its Mapping was the one too many; the original goes on to invoke whatever comes to lie there."""
    d = vm.boot("armv7", quirks={"map-not-undone"}).domain("poor", slots=3)
    frame = d.frame("8 KiB")
    with pytest.raises(vm.KernelError, match="LIB_ERR_SLOT_ALLOC_NO_SPACE"):
        d.map(frame, at=0x5000_0000)
    with pytest.raises(vm.KernelError, match=r"LIB_ERR_VNODE_UNMAP: .*SYS_ERR_CAP_NOT_FOUND: .*0x5000_0000"):
        d.unmap(0x5000_0000, "8 KiB")
    with pytest.raises(vm.KernelError, match=r"LIB_ERR_PMAP_MODIFY_FLAGS: .*SYS_ERR_CAP_NOT_FOUND"):
        d.modify_flags(0x5000_0000, "8 KiB", "r")


def test_room_can_be_sought_without_taking_it():
    d = vm.boot("armv7").domain("hello")
    first = d.determine_addr("8 KiB")
    assert first == 0x4040_0000, "behind the 4 MiB for slab frames"
    assert d.determine_addr("8 KiB", align="1 MiB") == first
    assert d.map(d.frame("8 KiB")) == first
    assert d.determine_addr("8 KiB") == first + 2 * vm.PAGE
    assert d.determine_addr("8 KiB", align="1 MiB") == first + vm.MIB
    assert d.determine_addr_raw("1 MiB") == 1536 * vm.MIB, "the first entry of the window for raw requests"
    with pytest.raises(vm.Refused, match="size=0"):
        d.determine_addr(0)
    with pytest.raises(vm.KernelError, match="LIB_ERR_OUT_OF_VIRTUAL_ADDR"):
        d.determine_addr("1 GiB")


def test_a_machine_walks_a_domain_like_a_task():
    m, other = vm.boot("armv7"), vm.boot("armv7")
    d = m.domain("hello")
    a = d.map(d.frame())
    assert m.walk(a, task=d) == m.walk(a, task="domain:hello") == d.walk(a)
    with pytest.raises(vm.Refused, match="domain 'hello' belongs to another machine"):
        other.walk(a, task=d)
    assert repr(d).startswith("<domain 'hello': 1 mapping,")
