"""Nonsense at the door: one sentence that names the argument and the value, and nothing has changed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from vmwidgets.engine.base.errors import Refused, shown

KERNEL = 0xFFFF_8080_0000_0000
END = KERNEL + (64 << 20)
FREE = KERNEL + (32 << 20)


@pytest.fixture
def machine():
    machine = vm.boot("x86-64", layout="small", ram="16 MiB")
    machine.object("file", max_pages=4)
    task = machine.task("init")
    task.map.enter("16 KiB", at=0x400000, object="file")
    machine.kernel_map.enter("8 KiB", at=FREE)
    return machine


def refused(machine, call, *parts):
    before = snapshot(machine)
    with pytest.raises(vm.Refused) as caught:
        call()
    assert snapshot(machine) == before
    message = f"{caught.value}"
    for part in parts:
        assert part in message, message
    assert "\n" not in message
    assert 10 < len(message) < 400
    machine.check()
    return message


class LikeNumpy:
    """A whole number of somebody else's."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class LikeArray:
    """It looks as if it could be a number, and says no when it is asked; on several lines."""

    def __index__(self):
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def __repr__(self):
        return "array([[4096,\n       8192]])"


class Raising:
    """Whatever it is asked, it raises."""

    def __index__(self):
        raise RuntimeError("not now")

    def __repr__(self):
        raise RuntimeError("not now either")


NO_NUMBERS = [
    (None, "no value"), (True, "a bool"), (False, "a bool"), (4096.0, "a float"), (float("nan"), "a float"),
    (float("inf"), "a float"), (b"4096", "a bytes"), ([4096], "a list"), ({}, "a dict"), (Decimal(4096), "a Decimal"),
    (Fraction(4096), "a Fraction"), (1j, "a complex"), (object, "a type"),
    (LikeArray(), "a LikeArray"), (Raising(), "a Raising"), ("x" * 10**6, " is no"),
]  # fmt: skip
NO_SIZES = ["", "9" * 5000, "0x" + "f" * 5000, "0x_", "four", "1.5 MiB", "-4096", "4 KB", "0x", "4096 pages each"]
BAD_SIZES = [
    (-4096, "size=-4096 is negative"), (0, "size=0: a mapping needs at least one page"),
    (1, "size=1 is not a multiple of the page size; use 4096"),
    (4097, "size=4097 is not a multiple of the page size"),
    (2**64, "size=0x10000000000000000 does not fit a word of 64 bits"),
    (10**5000, "size=a number of 16610 bits does not fit a word"),
    (-(10**5000), "size=a number of 16610 bits is negative"),
    ("65 MiB", "(65 MiB) is more than all of kernel_map, 64 MiB"), (2**63, "is more than all of kernel_map"),
    ("128 TiB", "is more than all of kernel_map"),
]  # fmt: skip
BAD_ADDRESSES = [
    (-4096, "is negative"), (FREE + 1, "is not a multiple of the page size"), (2**64, "does not fit a word"),
    (KERNEL - 4096, "lies outside kernel_map, 0xffff_8080_0000_0000 to 0xffff_8080_0400_0000"),
    (END, "lies outside kernel_map"), (0x400000, "lies outside kernel_map"), (2**64 - 4096, "lies outside kernel_map"),
]  # fmt: skip


class TestEnter:
    @pytest.mark.parametrize(("value", "kind"), NO_NUMBERS, ids=lambda value: type(value).__name__)
    def test_sizes_and_addresses_are_whole_numbers(self, machine, value, kind):
        for name in ("size", "align", "offset"):
            arguments = {"size": 4096, name: value}
            message = refused(machine, lambda arguments=arguments: machine.kernel_map.enter(**arguments), name, kind)
            assert "pass a whole number" in message or "write bytes or" in message
        if value is not None:
            refused(machine, lambda: machine.kernel_map.enter(4096, at=value), "at", kind)

    @pytest.mark.parametrize("text", NO_SIZES, ids=[text[:12] for text in NO_SIZES])
    def test_texts_have_to_name_a_size(self, machine, text):
        refused(machine, lambda: machine.kernel_map.enter(text), "size: ", shown(text), "is not a size")
        refused(machine, lambda: machine.kernel_map.enter(4096, at=text), "at=", shown(text), "is not an address")

    @pytest.mark.parametrize(("size", "reason"), BAD_SIZES, ids=[reason[:24] for _, reason in BAD_SIZES])
    def test_sizes(self, machine, size, reason):
        refused(machine, lambda: machine.kernel_map.enter(size), "size=", reason)

    @pytest.mark.parametrize(("address", "reason"), BAD_ADDRESSES)
    @pytest.mark.parametrize("fixed", [False, True])
    def test_addresses(self, machine, address, reason, fixed):
        refused(machine, lambda: machine.kernel_map.enter(4096, at=address, fixed=fixed), "at=", reason)

    def test_what_passes_the_end(self, machine):
        call = lambda: machine.kernel_map.enter("8 KiB", at=END - 4096, fixed=True)  # noqa: E731
        refused(machine, call, "at=0xffff_8080_03ff_f000", "size=0x2000", "go past the end of kernel_map")

    @pytest.mark.parametrize(("layout", "size"), [("x15-64", 4 << 30), ("x15-32", 128 << 20), ("x15-pae", 128 << 20)])
    def test_a_hint_that_passes_the_end_of_the_word(self, layout, size):
        """The end of the range would wrap: to a debug build that is the end of the machine."""
        machine = vm.boot("x86-64", layout=layout)
        call = lambda at: machine.kernel_map.enter(size, at=at)  # noqa: E731
        last = vm.Address(machine.kernel_map.end - 4096)
        refused(machine, lambda: call(last), f"at={last} and size={size:#x} don't end below 2**")
        wraps = (1 << machine.layout.bits) - size
        refused(machine, lambda: call(wraps), f"at={vm.Address(wraps)}")

    def test_a_hint_below_the_end_of_the_word_is_a_hint(self):
        machine = vm.boot("x86-64", layout="x15-32")
        kernel_map = machine.kernel_map
        assert kernel_map.enter("64 MiB", at=kernel_map.end - 4096) < kernel_map.end - (64 << 20)
        assert not machine.dead

    def test_fixed_needs_an_address(self, machine):
        refused(machine, lambda: machine.kernel_map.enter(4096, fixed=True), "fixed=True needs an address: write at=…")

    @pytest.mark.parametrize("align", [1, 4095, 2048, 4097, 12288, 2**64 - 1])
    def test_alignments(self, machine, align):
        refused(
            machine,
            lambda: machine.kernel_map.enter(4096, align=align),
            f"align={align:#x} is not an alignment",
            "power of two",
        )

    def test_a_fixed_address_has_to_be_aligned_as_asked(self, machine):
        call = lambda: machine.kernel_map.enter(4096, at=FREE + 0x3000, fixed=True, align="8 KiB")  # noqa: E731
        refused(machine, call, "at=0xffff_8080_0200_3000 is not a multiple of align=0x2000")

    @pytest.mark.parametrize("name", ["fixed", "nomerge"])
    @pytest.mark.parametrize("value", [0, 1, None, "yes", "True", LikeArray(), []])
    def test_flags_are_true_or_false(self, machine, name, value):
        call = lambda: machine.kernel_map.enter(4096, at=FREE + 0x8000, **{name: value})  # noqa: E731
        refused(machine, call, f"{name}={shown(value)}: write True or False")

    @pytest.mark.parametrize("name", ["prot", "max_prot"])
    @pytest.mark.parametrize("value", ["read", "rwz", 8, -1, None, True, 1.0, b"rw"])
    def test_protections(self, machine, name, value):
        refused(
            machine,
            lambda: machine.kernel_map.enter(4096, **{name: value}),
            f"{name}={value!r} is not a protection",
            "'rw'",
        )

    def test_protection_within_its_maximum(self, machine):
        call = lambda: machine.kernel_map.enter(4096, prot="rwx", max_prot="r")  # noqa: E731
        refused(machine, call, "prot='rwx' goes beyond max_prot='r--'")

    @pytest.mark.parametrize(("name", "known"), [("inherit", "none, share, copy"), ("advice", "normal, random")])
    @pytest.mark.parametrize("value", ["copied", "", 9, -1, None, True, 1.0, ["copy"]])
    def test_small_vocabularies_are_listed(self, machine, name, known, value):
        refused(machine, lambda: machine.kernel_map.enter(4096, **{name: value}), f"{name}={value!r} is unknown", known)

    def test_objects(self, machine):
        task = machine.tasks["init"]
        refused(machine, lambda: task.map.enter(4096, object="fiel"), "unknown object 'fiel'", "did you mean 'file'?")
        refused(
            machine, lambda: task.map.enter(4096, object=5), "object=5 is not a memory object", "machine.object(name)"
        )
        other = vm.boot("x86-64").object("file")
        refused(machine, lambda: task.map.enter(4096, object=other), "object 'file' belongs to another machine")
        refused(machine, lambda: task.map.enter(4096, offset=4096), "offset=0x1000 needs an object")
        refused(
            machine,
            lambda: task.map.enter(4096, object="file", offset=5),
            "offset=5 is not a multiple of the page size",
        )
        far = 2**64 - 4096
        refused(machine, lambda: task.map.enter(4096, object="file", offset=far), f"offset={far:#x}", "64 bits")

    def test_unknown_arguments_are_pythons_business(self, machine):
        before = snapshot(machine)
        with pytest.raises(TypeError):
            machine.kernel_map.enter(4096, colour="red")
        with pytest.raises(TypeError):
            machine.kernel_map.enter()
        assert snapshot(machine) == before

    @pytest.mark.parametrize("value", [4096, "4096", "4 KiB", "1 page", LikeNumpy(4096), vm.Size(4096)])
    def test_whole_numbers_of_every_kind_are_taken(self, machine, value):
        assert machine.kernel_map.enter(value, at=FREE + (1 << 20)) == FREE + (1 << 20)
        assert type(machine.kernel_map.enter(value)) is vm.Address

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"size": 5, "at": "x", "fixed": 0}, "size=5"),
            ({"size": 4096, "at": "x", "fixed": 0}, "at='x'"),
            ({"size": 4096, "fixed": 0, "prot": 9}, "fixed=0"),
            ({"size": 4096, "prot": 9, "offset": 5, "nomerge": None}, "prot=9"),
            ({"size": 4096, "offset": 5, "nomerge": None}, "offset=5"),
        ],
    )
    def test_of_several_bad_arguments_the_first_of_the_call_is_named(self, machine, given, named):
        assert refused(machine, lambda: machine.kernel_map.enter(**given)).startswith(named)


class TestRemove:
    @pytest.mark.parametrize(("address", "reason"), BAD_ADDRESSES)
    def test_starts(self, machine, address, reason):
        refused(machine, lambda: machine.kernel_map.remove(address, size=4096), "start=", reason)

    @pytest.mark.parametrize(
        ("value", "kind"), [one for one in NO_NUMBERS if one[0] is not None], ids=lambda v: type(v).__name__
    )
    def test_types(self, machine, value, kind):
        refused(machine, lambda: machine.kernel_map.remove(value, FREE), "start", kind)
        refused(machine, lambda: machine.kernel_map.remove(FREE, value), "end", kind)
        refused(machine, lambda: machine.kernel_map.remove(FREE, size=value), "size", kind)

    @pytest.mark.parametrize(("end", "reason"), [
        (FREE, "makes an empty range"), (5, "makes an empty range"),
        (FREE - 4096, "makes an empty range"), (KERNEL, "makes an empty range"),
        (END + 4096, "goes past the end of kernel_map"), (FREE + 1, "not a multiple"), (2**64, "does not fit"),
    ])  # fmt: skip
    def test_ends(self, machine, end, reason):
        refused(machine, lambda: machine.kernel_map.remove(FREE, end), "end=", reason)

    @pytest.mark.parametrize("size", [0, -1, 1, "65 MiB", 2**64 - 4096])
    def test_sizes(self, machine, size):
        refused(machine, lambda: machine.kernel_map.remove(FREE, size=size), "size=")

    def test_one_of_end_and_size(self, machine):
        refused(machine, lambda: machine.kernel_map.remove(FREE), "needs the end of the range too")
        refused(machine, lambda: machine.kernel_map.remove(FREE, FREE + 4096, size=4096), "needs only one of end=")

    @pytest.mark.parametrize("call", ["remove", "wire", "unwire", "simplify", "promote", "superpages"])
    def test_an_entry_is_not_named_by_its_number(self, machine, call):
        entry = list(machine.kernel_map)[-1]
        message = refused(machine, lambda: getattr(machine.kernel_map, call)(entry.id), "lies outside kernel_map")
        assert message.endswith(f"; entry {entry.id} begins at {entry.start}")
        assert "begins" not in refused(machine, lambda: getattr(machine.kernel_map, call)(10**6), "lies outside")

    @pytest.mark.parametrize("role", ["boot range", "kentry area", "kernel memory"])
    def test_what_the_kernel_lives_on(self, machine, role):
        entry = next(one for one in machine.kernel_map if one.role == role)
        pieces = [
            (entry.start, entry.end), (entry.start, entry.start + 4096), (entry.end - 4096, entry.end),
            (entry.end - 4096, entry.end + 4096), (KERNEL, END), (entry.start + 4096, entry.start + 8192),
        ]  # fmt: skip
        for start, end in pieces:
            message = refused(machine, lambda start=start, end=end: machine.kernel_map.remove(start, end))
            assert "touches the " in message
            assert "which the kernel lives on" in message

    def test_slabs_that_other_entries_live_in(self, machine):
        """The task's entry lies in a slab that is a range of the kernel's map."""
        (address,) = machine.system.kernel.memory.ranges
        refused(machine, lambda: machine.kernel_map.remove(address, size=4096), "a slab of the vm_map_entry cache")


class TestUnchecked:
    """Nonsense reaches the kernel; what is not a word, map or object of this machine can't."""

    @pytest.mark.parametrize("value", [5, None, "kernel_map", Raising()])
    def test_maps(self, machine, value):
        unchecked, message = machine.unchecked, f"map={shown(value)} is not a map: write machine.kernel_map"
        refused(machine, lambda: unchecked.vm_map_enter(value, 0, 4096, 0, 0x273), message)
        refused(machine, lambda: unchecked.vm_map_remove(value, FREE, FREE + 4096), message)

    def test_what_belongs_to_another_machine(self, machine):
        other = vm.boot("x86-64")
        unchecked, kernel_map, target = machine.unchecked, machine.kernel_map, other.object("file")
        message = "map kernel_map belongs to another machine"
        refused(machine, lambda: unchecked.vm_map_remove(other.kernel_map, FREE, FREE + 4096), message)
        call = lambda: unchecked.vm_map_enter(kernel_map, 0, 4096, 0, 0x273, target)  # noqa: E731
        refused(machine, call, "object 'file' belongs to another machine")

    @pytest.mark.parametrize(
        "value", [None, "x", "4096", 1.5, True, -1, 2**64, 10**5000, Raising(), LikeArray()], ids=shown
    )
    @pytest.mark.parametrize("name", ["start", "size", "align", "flags", "offset"])
    def test_words(self, machine, name, value):
        words = {"start": 0, "size": 4096, "align": 0, "flags": 0x273, name: value}
        refused(machine, lambda: machine.unchecked.vm_map_enter(machine.kernel_map, **words), f"{name}=")
        if name == "start":
            refused(machine, lambda: machine.unchecked.vm_map_remove(machine.kernel_map, value, FREE), "start=")
            refused(machine, lambda: machine.unchecked.vm_map_remove(machine.kernel_map, FREE, value), "end=")

    def test_objects(self, machine):
        call = lambda: machine.unchecked.vm_map_enter(machine.kernel_map, 0, 4096, 0, 0x273, "file")  # noqa: E731
        refused(machine, call, "object='file' is not a memory object; create one with machine.object(name)")


class TestLookup:
    @pytest.mark.parametrize("value", [None, 1.5, "x", -1, KERNEL - 1, END, 2**64])
    def test_addresses(self, machine, value):
        refused(machine, lambda: machine.kernel_map.lookup(value), "address")

    def test_any_alignment_is_right(self, machine):
        assert machine.kernel_map.lookup(FREE + 4095).start == FREE


class TestMachine:
    @pytest.mark.parametrize("value", ["", "x" * 201, None, 5, b"init", ["init"], True])
    def test_names(self, machine, value):
        refused(machine, lambda: machine.task(value), "task name")
        refused(machine, lambda: machine.object(value), "object name")

    @pytest.mark.parametrize("value", ["w", None, 5, [1, 2]])
    def test_contents_of_files_by_their_own_name(self, machine, value):
        refused(machine, lambda: machine.make_file("motd", value), f"content={value!r}", "b'hello'")

    @pytest.mark.parametrize("value", [-1, 1.5, "many", True, 2**64])
    def test_page_limits(self, machine, value):
        refused(machine, lambda: machine.object("new", max_pages=value), "max_pages")

    def test_walks(self, machine):
        refused(machine, lambda: machine.walk("here"), "address")
        refused(machine, lambda: machine.walk(-1), "address=-1 is negative")
        refused(machine, lambda: machine.walk(0, "reed"), "unknown access 'reed'; did you mean 'read'?")
        refused(machine, lambda: machine.walk(0, user=1), "user=1: write True or False")
        refused(machine, lambda: machine.walk(0, task="inti"), "unknown task 'inti'; did you mean 'init'?")


class TestTask:
    def test_reading_and_writing(self, machine):
        task = machine.tasks["init"]
        for length in (0, 65537, -1, "x", None, 1.5):
            refused(machine, lambda length=length: task.read(0x400000, length), "length")
        for data in ("text", None, 5, [1, 2]):
            refused(machine, lambda data=data: task.write(0x400000, data), "data=", "b'hello'")
        refused(machine, lambda: task.write(0x400000, b""), "length=0")
        refused(machine, lambda: task.write(-1, b"x"), "address=-1 is negative")
        refused(machine, lambda: task.touch(0x400000, "wirte"), "unknown access 'wirte'; did you mean 'write'?")
        refused(machine, lambda: task.read(2**64), "address=0x10000000000000000")

    def test_a_piece_that_passes_the_end_of_the_word(self, machine):
        task = machine.tasks["init"]
        before = snapshot(machine)
        with pytest.raises((vm.Refused, vm.KernelError)):
            task.read(2**64 - 1, 2)
        assert snapshot(machine)[3:] == before[3:]


class TestBoot:
    @pytest.mark.parametrize(("arguments", "parts"), [
        ({"architecture": "x86_64"}, ("unknown architecture 'x86_64'", "did you mean 'x86-64'?")),
        ({"architecture": 64}, ("unknown architecture 64",)),
        ({"architecture": None}, ("unknown architecture None",)),
        ({"layout": "smal"}, ("unknown layout of x86-64 'smal'; did you mean 'small'?", "tiny")),
        ({"layout": "x15"}, ("did you mean 'x15-",)),
        ({"quirks": {"clip-first"}}, ("unknown quirk 'clip-first'; did you mean 'clip-end-first'?",)),
        ({"quirks": "out-of-map"}, ("quirks='out-of-map' is one text",)),
        ({"quirks": [5]}, ("unknown quirk 5",)),
        ({"ram": 0}, ("ram=0", "4 MiB")),
        ({"ram": -1}, ("ram=-1 is negative",)),
        ({"ram": "2 TiB"}, ("ram=", "16 GiB")),
        ({"ram": "4 MiB and a bit"}, ("ram: ", "is not a size")),
        ({"ram": (8 << 20) + 1}, ("ram=8388609 is not a multiple of the page size",)),
        ({"ram": 64.0}, ("ram=64.0 is a float",)),
        ({"ram": True}, ("ram=True is a bool",)),
        ({"ram": "8 GiB", "layout": "small"}, ("ram=8 GiB: its page structures take 96 MiB", "layout 'small'")),
        ({"ram": "1 GiB", "layout": "tiny"}, ("ram=1 GiB: its page structures take 12 MiB", "layout 'tiny'")),
        ({"ram": "8 GiB", "architecture": "x86"}, ("ram=8 GiB: pages of x86 lie below 4 GiB",)),
        ({"ram": "8 GiB", "architecture": "armv7"}, ("ram=8 GiB: pages of armv7 lie below 4 GiB",)),
        *(({"cpus": count}, (f"cpus={count}: a machine has 1 to 16 processors",)) for count in (0, 17)),
        *(({"cpus": count}, ("cpus",)) for count in ("many", True)),
        *(({"tlb": (sets, 1)}, ("sets is a power of two from 1 to 256",)) for sets in (0, 3, 512)),
        *(({"tlb": (1, ways)}, ("a set has 1 to 16 ways",)) for ways in (0, 17)),
        *(({"tlb": tlb}, (f"tlb={tlb!r}: write the number of sets and the number of ways",))
          for tlb in (16, (1, 2, 3), "16")),
        ({"asids": 1}, ("asids=1: write True or False",)),
        *(({"asids": True, "architecture": name}, (f"asids=True: {name} has no ASIDs",))
          for name in ("x86", "x86-pae")),
        *(({"seed": seed}, ("seed",)) for seed in (-1, "x", 1.5, None)),
    ])  # fmt: skip
    def test_what_can_not_be_booted(self, arguments, parts):
        with pytest.raises(vm.Refused) as caught:
            vm.boot(**arguments)
        for part in parts:
            assert part in str(caught.value)

    @pytest.mark.parametrize("quirks", [None, 5])
    def test_quirks_are_a_collection(self, quirks):
        with pytest.raises(vm.Refused, match=f"quirks={quirks}"):
            vm.boot(quirks=quirks)


@pytest.mark.parametrize("text", ["ffff 8080 0320 2000", "0xffff_8080_0320_2000", "FFFF808003202000"])
def test_an_address_may_be_written_as_pictures_print_it(text):
    machine = vm.boot("x86-64")
    assert machine.kernel_map.enter(4096, at=text) == 0xFFFF_8080_0320_2000
    assert machine.kernel_map.lookup(text).start == machine.walk(text).va


LOOKS = {
    "a domain's window": lambda m, number: m.domain("d").window(whole=number),
    "the few of a window": lambda m, number: m.domain("d").window(few=number),
    "a map": lambda m, number: m.kernel_map.value(whole=number),
    "a map of kernel memory": lambda m, number: m.kmem.exec_map.value(whole=number),
    "kernel memory": lambda m, number: m.kmem.value(whole=number),
}


@pytest.mark.parametrize("number", ["x", -1, 1.5, None, True])
@pytest.mark.parametrize("what", LOOKS)
def test_how_much_is_shown_is_a_count(what, number):
    with pytest.raises(vm.Refused, match=r"^(whole|few)="):
        LOOKS[what](vm.boot("x86-64"), number)


@pytest.mark.parametrize("value", ["x", None, 1.5, [1], -1])
def test_looks_refuse_numbers_that_are_none_as_operations_do(machine, value):
    domain = machine.domain("d")
    for call, says in [
        (lambda: machine.kernel_map.value(whole=value), "whole="),
        (lambda: machine.kmem.value(whole=value), "whole="),
        (lambda: domain.window(whole=value), "whole="),
        (lambda: domain.window(few=value), "few="),
        (lambda: domain.vnode_at(value), "address"),
        (lambda: machine.kmem.map_of(value), "address"),
        (lambda: machine.caches.value(most=value), "most="),
        (lambda: machine.kentry.contents(most=value), "most="),
    ]:
        refused(machine, call, says)


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        ("look", "kind", "says"),
        [
            (lambda m: m.tasks["int"], KeyError, "unknown task 'int'; did you mean 'init'? known: init"),
            (lambda m: m.domains["d"], KeyError, "unknown domain 'd'; known: none yet"),
            (lambda m: m.objects[3], KeyError, "unknown object 3; known: file"),
            (lambda m: m.threads["sh"], KeyError, "unknown thread 'sh'; known: pagedaemon"),
            (lambda m: m.kmem.maps["exec"], KeyError, "unknown map 'exec'; did you mean 'exec_map'?"),
            (lambda m: m.journal[99], IndexError, "journal[99]: it has operations 0 to 4"),
            (lambda m: m.journal[-6], IndexError, "journal[-6]: it has operations 0 to 4"),
            (lambda m: m.journal["boot"], ValueError, "journal['boot'] is a str: write an operation's number"),
        ],
    )
    def test_the_sentence_says_what_there_is(self, machine, look, kind, says):
        refused(machine, lambda: look(machine), says)
        with pytest.raises(kind):
            look(machine)

    def test_what_is_there_is_found_as_in_any_dictionary(self, machine):
        assert list(machine.tasks) == ["init"]
        assert machine.tasks["init"] is machine.task("init")
        assert machine.tasks.get("sh") is None
        assert "sh" not in machine.kmem.maps

    @pytest.mark.parametrize("path", ["exec", "task:sh", "cpu:x", "object:o", ""])
    def test_a_path_that_leads_nowhere_names_itself(self, machine, path):
        refused(machine, lambda: machine.part(path), shown(path))


SETTABLE = "controls, costs, name and replacement"


class TestClasses:
    @pytest.mark.parametrize(
        ("args", "options"), [((), {}), (("x86-64",), {}), ((5,), {}), ((), {"ram": 1}), ((1,) * 12, {})]
    )
    def test_a_machine_is_booted_and_not_called_for(self, args, options):
        with pytest.raises(Refused, match=r'^Machine can\'t be called with these arguments: boot\("x86-64"\) makes'):
            vm.Machine(*args, **options)

    def test_nor_are_its_parts(self, machine):
        for part in (machine.kernel_map, machine.tasks["init"], machine.cpus):
            with pytest.raises(Refused, match=rf"^{type(part).__name__} can't be called .*: a machine makes its parts"):
                type(part)(bad=1)

    def test_an_error_inside_is_not_taken_for_wrong_arguments(self, machine):
        with pytest.raises(TypeError, match="unhashable"):
            vm.Machine("x86-64", 1 << 26, machine.layout, frozenset(), fork=[])  # type: ignore[arg-type]


class TestSetting:
    @pytest.mark.parametrize("name", ["kernel_map", "kmem", "tasks", "ram", "journal", "task", "contols"])
    def test_no_part_of_a_machine_is_replaced_and_no_typo_taken(self, machine, name):
        before = getattr(machine, name, None)
        with pytest.raises(AttributeError, match=rf"^machine\.{name} can't be set: .* only {SETTABLE} can be"):
            setattr(machine, name, 3)
        assert getattr(machine, name, None) == before

    def test_nor_of_its_parts(self, machine):
        init, cpus = machine.tasks["init"], machine.cpus
        for part in (init, init.map, machine.kernel_map, machine.kmem, machine.threads, machine.objects["file"]):
            with pytest.raises(AttributeError, match=r"can't be set: sytem is unknown, and nothing of it can be set"):
                part.sytem = 3
            with pytest.raises(AttributeError, match=r"can't be set: path is a part of it"):
                part.path = "kernel_map"
        with pytest.raises(AttributeError, match=r"cpus\.shotdown can't be set: .* only shootdown can be set"):
            cpus.shotdown = "sent"

    def test_what_is_meant_to_be_set_is(self, machine):
        machine.name, machine.cpus.shootdown = "mine", "sent"
        assert (machine.name, machine.cpus.shootdown) == ("mine", "sent")


class TestSentences:
    def test_physical_memory_is_addressed_by_numbers(self, machine):
        for call in (
            lambda: machine.system.ram.read("x", 4),
            lambda: machine.system.ram.read(1.5, 4),
            lambda: machine.system.ram.write(0.0, b""),
        ):
            refused(machine, call, "write whole numbers")

    def test_kmem_free_with_a_map_and_no_size(self, machine):
        for call in (machine.kmem_free, machine.kmem_free_wakeup):
            with pytest.raises(TypeError, match=rf"it takes {call.__name__}\(map, address, size\)$"):
                call("kernel_map", 4096)

    def test_a_size_where_the_end_goes(self, machine):
        space = machine.tasks["init"].map
        refused(
            machine, lambda: space.remove(0x400000, "16 KiB"), "end=0x4000 makes", "to give a size, write size='16 KiB'"
        )

    def test_the_reason_of_a_status_is_that_of_the_function(self, machine):
        space = machine.kmem.kernel_map
        start = machine.kmem_alloc("16 KiB")
        space.protect(start, size="16 KiB", prot="none")
        for call, status, reason in (
            (lambda: space.wire(start, size="8 KiB"), 2, "does not allow reading"),
            (lambda: space.unwire(machine.kmem.exec_map.start, size="8 KiB"), 4, "or is not wired"),
            (lambda: space.wire(machine.kmem.exec_map.start, size="8 KiB"), 4, "a part of it is a submap's place"),
        ):
            with pytest.raises(vm.KernelError, match=f"returned {status}: .*{reason}"):
                call()

    def test_one_is_one(self, machine):
        machine.task("sh").map.enter(4096)
        assert "task 'sh': 1 entry," in repr(machine.tasks["sh"])
        assert ", 1 entry, " in repr(machine.tasks["sh"].map)
        assert "1 operation," in repr(vm.boot())

    @pytest.mark.parametrize(("value", "kind"), [(None, "no value"), (1.5, "a float"), ([], "a list"), (3, "an int")])
    def test_a_kind_has_its_article(self, machine, value, kind):
        call = machine.tsleep if value == 3 else machine.kmem_malloc
        refused(machine, lambda: call(value), f"={value} is {kind}" if value != 3 else f"3 is {kind}")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("amd64", "x86-64"),
        ("x64", "x86-64"),
        ("x86_64", "x86-64"),
        ("X86-64", "x86-64"),
        ("Intel64", "x86-64"),
        ("x86-32", "x86"),
        ("i386", "x86"),
        ("i686", "x86"),
        ("IA-32", "x86"),
        ("PAE", "x86-pae"),
        ("arm", "armv7"),
        ("arm64", "aarch64"),
        ("armv8", "aarch64"),
        ("riscv", "riscv-sv39"),
        ("rv64", "riscv-sv39"),
        ("RISC-V", "riscv-sv39"),
        ("sv39", "riscv-sv39"),
        ("riscv-sv93", "riscv-sv39"),
    ],
)
def test_another_name_of_an_architecture_leads_to_ours(typed, meant):
    with pytest.raises(vm.Refused, match=rf"^unknown architecture '{typed}'; did you mean '{meant}'\? known: "):
        vm.boot(typed)


@pytest.mark.parametrize("typed", ["rv32", "riscv-sv48", "sv57", "ia64", "mips", "sparc", "ppc64", "linux", "", 86])
def test_for_an_architecture_that_there_is_not_there_is_no_guess(typed):
    with pytest.raises(vm.Refused, match=r"^unknown architecture [^;]*; known: "):
        vm.boot(typed)


@pytest.mark.parametrize(
    "call",
    [
        lambda task: task.write("a", b"x"),
        lambda task: task.read("a"),
        lambda task: task.walk("a"),
        lambda task: task.machine.cpus[0].load("a"),
        lambda task: task.mmap("4 KiB", at="a"),
        lambda task: task.munmap("a", "4 KiB"),
        lambda task: task.map.protect("a", size="4 KiB", prot="r"),
        lambda task: task.map.enter("4 KiB", at="a"),
    ],
)
def test_a_variable_in_quotes_is_refused_by_every_call_that_takes_an_address(call):
    task = vm.boot("x86-64").task("init")
    with pytest.raises(vm.Refused, match=r"'a' is not an address: .*a variable has no quotes$"):
        call(task)


@pytest.mark.parametrize(
    "use",
    [lambda t: t.exit(), lambda t: t.fork(), lambda t: t.read(0), lambda t: t.walk(0), lambda t: t.map.enter(4096)],
)
def test_an_ended_task_has_exited(use):
    task = vm.boot("x86-64").task("init")
    task.exit()
    with pytest.raises(
        vm.Refused, match=r"^init has exited, so (task 'init'|the map of init) does not exist at this moment"
    ):
        use(task)
    assert repr(task).startswith("<init has exited")
