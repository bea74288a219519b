"""A kernel's file: its symbols, lines and structures, read with pyelftools.

The names are the names in the C source, so a kernel that was built without debugging information (``-g``), or stripped,
is refused with the reason.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.units import Address
from ..released import install
from .code import Code, Part

RISCV = "EM_RISCV"

FEWEST_FRAMES = 1 << 12
"""The fewest elements of an array of reference counts: xv6 has 32,768 frames, fewer with little memory."""


@frozen
class Symbol:
    """A function or variable: its address, and its size in bytes (0 if the file does not give it)."""

    name: str
    address: int
    size: int


@frozen
class Place:
    """A field of a structure: its offset and its size in bytes."""

    offset: int
    size: int


@frozen
class Line:
    """A line of the source."""

    file: str
    number: int

    @in_ascii
    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@frozen
class Frame:
    """A function at a place: its name, and the line in it, which is the call's where it was inlined into another."""

    name: str
    line: Line | None


@frozen
class _Inlined:
    """A function that the compiler inlined: the addresses of its code there, and the line of its call."""

    name: str
    at: range
    called_at: Line


@frozen
class Parameter:
    """A parameter of a function: its name, and the name of its type without pointers ("pagetable_t", "proc")."""

    name: str
    type: str


@frozen
class Variable:
    """A variable: its address, the size of an element in bytes, how many elements, and an element's fields."""

    address: int
    size: int
    count: int
    fields: dict[str, Place]
    step: int = 0
    """Bytes from one element to the next: more than `size` for a field in an array of structures."""
    is_number: bool = False
    through: bool = False
    """Whether the variable is a pointer to the elements: then `address` is the pointer's address, and `count` is 0."""
    inner: int = 0
    """The offset of the number in an element, if the elements are structures reached by a pointer."""

    @property
    def counts(self) -> bool:
        """Return whether the variable may have a number for each frame: it has enough elements, or an unknown count."""
        return self.is_number and (self.through or self.count >= FEWEST_FRAMES)


class Program:
    """The file of a kernel for RISC-V, with its debugging information.

    Raises :class:`Refused` for a file that is not a kernel, is for another processor, or was stripped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        elf = _opened(path)
        self.symbols = _symbols(elf)
        if not self.symbols:
            raise Refused(f"{path}: the file has no symbols: it was stripped. Build the kernel without `strip`.")
        if not elf.has_dwarf_info():
            raise Refused(f"{path}: the file has no debugging information. Build the kernel with -ggdb, as xv6 does.")
        self._dwarf = elf.get_dwarf_info()
        self._variables: dict[str, Any] = {}
        self._definitions: dict[str, int] = {}
        pieces = [(part["p_vaddr"], part.data()) for part in elf.iter_segments() if part["p_type"] == "PT_LOAD"]
        text = elf.get_section_by_name(".text")
        self._text = (0, b"") if text is None else (int(text["sh_addr"]), bytes(text.data()))
        self._lines = _lines(self._dwarf)
        self._starts = [start for start, _ in self._lines]
        text_at = range(self._text[0], self._text[0] + len(self._text[1]))
        self._functions = _up_to_the_next(
            sorted(self.symbols.values(), key=lambda one: (one.address, one.size)), text_at
        )
        self._addresses = [one.address for one in self._functions]
        parts = [Part(one.name, one.address, one.size) for one in self._functions if one.size]
        self.code = Code([one for one in parts if one.start in text_at], pieces)
        self.states: tuple[str, ...] = ()
        """The names in `enum procstate`, by number, in small letters."""
        self.parameters: dict[str, tuple[Parameter, ...]] = {}
        """The parameters of each function."""
        self.gives_descriptors: set[str] = set()
        """The functions that return a pointer to a descriptor, such as `walk`."""
        self._inlined: list[_Inlined] = []
        self._collect()

    def must_run_in(self, where: str, read: Callable[[int, int], bytes]) -> None:
        """Refuse a memory with another kernel's code; `read` returns bytes by physical address and length."""
        start, code = self._text
        if read(start, len(code)) != code:
            raise Refused(
                f"{self.path}: {where} has the code of another kernel at {Address(start)}: give that one's"
                " file, as it was before a new `make`"
            )

    @property
    def room(self) -> range:
        """The unused end of the code, up to `etext`: after the trampoline, which has a page of its own."""
        start, code = self._text
        used = start + len(code.rstrip(b"\0"))
        end = self.symbols["etext"].address if "etext" in self.symbols else 0
        return range(used + 31 & -16, min(start + len(code), end))

    def address(self, name: str) -> int:
        """Return the address of a function or variable; raises :class:`Refused` for an unknown name."""
        found = self.symbols.get(name)
        if found is None:
            raise Refused(f"{self.path}: the kernel has no function or variable called {shown(name)}")
        return found.address

    def variable(self, name: str) -> Variable:
        """Return a variable: its address, the fields of its structure, and the number of its elements.

        `name` may include a field, such as "kmem.freelist", even of each structure in an array.
        """
        first, *rest = name.split(".")
        address, entry, count, step = self.address(first), self._variables.get(first), 1, 0
        for field in [*rest, None]:
            entry, many = _element(entry)
            if many > 1:
                count, step = count * many, _size(entry)
            if field is None:
                break
            fields = dict(_entries(entry))
            if field not in fields:
                raise Refused(f"{self.path}: {first} has no field {shown(field)}")
            address += _offset(fields[field]) or 0
            entry = fields[field]
        fields_of = dict(_members(entry)) if entry is not None else {}
        is_number = entry is not None and entry.tag == "DW_TAG_base_type"
        return Variable(address, _size(entry), count, fields_of, step or _size(entry), is_number)

    def heads_of(self, structure: str) -> list[int]:
        """Return the addresses of all variables, and fields of variables, that point to a structure with this name."""
        found = []
        for name, entry in sorted(self._variables.items()):
            if name not in self.symbols:
                continue
            kind, count = _element(entry)
            if _points_to(kind, structure):
                found += [self.address(name) + number * 8 for number in range(count)]
            for field, member in _entries(kind) if kind is not None and kind.tag == "DW_TAG_structure_type" else ():
                inner, many = _element(member)
                if _points_to(inner, structure):
                    place = self.variable(f"{name}.{field}").address
                    step = _size(kind)
                    found += [place + one * step + each * 8 for one in range(count) for each in range(many)]
        return found

    def counting(self, name: str) -> Variable:
        """Return the array `name` of numbers, one for each frame; the error for any other name lists such arrays.

        A pointer to such numbers, or to structures with one such number, works too: "refs", "refs.count".
        """
        given: object = name
        arrays = self.countings()
        known = f"arrays with a number for each frame: {', '.join(arrays)}" if arrays else "no array has one"
        if not isinstance(given, str) or given.split(".")[0] not in self.symbols:
            raise Refused(f"counts={shown(given)}: {self.path} has no such variable; {known}")
        found = self._behind(given) or self.variable(given)
        if not found.counts:
            raise Refused(f"counts={shown(given)}: this is not an array with a number for each frame; {known}")
        return found

    def countings(self) -> list[str]:
        """Return the arrays, and their fields, that may have a number for each frame.

        They are recognized by shape: enough numbers, in a variable or a structure, or a pointer to numbers, or to
        structures with one number next to a lock.
        """
        names = [name for name in self._variables if name in self.symbols and name != "stack0"]  # it holds stacks
        fields = [f"{name}.{field}" for name in names for field, _ in _entries(_element(self._variables[name])[0])]
        found = {name for name in [*names, *fields] if self.variable(name).counts}
        for name in [*names, *fields]:
            if self.variable(name).count == 1:
                found.update(one for one in (name, *self._pointed_at(name)) if self._may_count(one))
        return sorted(found)

    def _pointed_at(self, name: str) -> Iterator[str]:
        """Yield the only number in the structures that a variable points to."""
        kind = self._type_of(name)
        if kind is None or kind.tag != "DW_TAG_pointer_type":
            return
        members = _entries(_element(kind)[0])
        numbers = [field for field, one in members if _element(one)[0].tag == "DW_TAG_base_type"]
        others = [_element(one)[0] for field, one in members if field not in numbers]
        if len(numbers) == 1 and all(one.tag == "DW_TAG_structure_type" for one in others):
            yield f"{name}.{numbers[0]}"

    def _may_count(self, name: str) -> bool:
        """Return whether a pointer points to numbers that are neither letters nor descriptors."""
        found = self._behind(name)
        return found is not None and found.counts and (found.size in (2, 4) or found.step > found.size)

    def _type_of(self, name: str) -> Any:
        """Return the type of a variable, or of a variable's field."""
        first, *rest = name.split(".")
        kind, _ = _element(self._variables.get(first))
        for field in rest:
            kind, _ = _element(dict(_entries(kind)).get(field))
        return kind

    def _behind(self, name: str) -> Variable | None:
        """Return the numbers that a pointer points to, in a variable or in a field of a structure."""
        first, *rest = name.split(".")
        address, entry = self.address(first), self._variables.get(first)
        kind, _ = _element(entry)
        if kind is not None and kind.tag == "DW_TAG_structure_type" and rest:
            members = dict(_entries(kind))
            if rest[0] not in members:
                return None
            address += _offset(members[rest[0]]) or 0
            kind, _ = _element(members[rest[0]])
            rest = rest[1:]
        if kind is None or kind.tag != "DW_TAG_pointer_type":
            return None
        target, many = _element(kind)
        if target is None or many > 1:
            return None
        step, inner = _size(target), 0
        if target.tag == "DW_TAG_structure_type" and rest:
            members = dict(_entries(target))
            if rest[0] not in members:
                return None
            inner = _offset(members[rest[0]]) or 0
            target, _ = _element(members[rest[0]])
        if target is None or target.tag != "DW_TAG_base_type":
            return None
        return Variable(address, _size(target), 0, {}, step, True, True, inner)

    def line(self, address: int) -> Line | None:
        """Return the line of the source that the instruction at `address` belongs to, or None."""
        at = bisect_right(self._starts, address) - 1
        return self._lines[at][1] if at >= 0 else None

    def frames(self, address: int) -> list[Frame]:
        """Return the functions at an address, the innermost first: inlined functions, then the one that has its code.

        Functions of headers are left out: they stand for an instruction.
        """
        found, line = [], self.line(address)
        for one in sorted((one for one in self._inlined if address in one.at), key=lambda one: len(one.at)):
            if line is None or not line.file.endswith(".h"):
                found.append(Frame(one.name, line))
            line = one.called_at
        return [*found, Frame(self.function(address), line)]

    def definition(self, function: str) -> Line | None:
        """Return the line where a function is defined, or None."""
        found = self.symbols.get(function)
        first = self.line(found.address) if found is not None else None
        return None if first is None else Line(first.file, self._definitions.get(function, first.number))

    def function(self, address: int) -> str:
        """Return the name of the function that contains `address`; "" if there is none."""
        at = bisect_right(self._addresses, address) - 1
        if at < 0:
            return ""
        found = self._functions[at]
        return found.name if address < found.address + max(found.size, 1) else ""

    def _collect(self) -> None:
        """Collect the variables with their types, and the definitions of functions."""
        for unit in self._dwarf.iter_CUs():
            files = _files_of(self._dwarf, unit)
            for entry in unit.iter_DIEs():
                if entry.tag == "DW_TAG_inlined_subroutine":
                    self._inlined += _inlined(self._dwarf, unit, entry, files)
                if entry.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in entry.attributes:
                    self._note_definition(entry)
                if entry.tag == "DW_TAG_enumeration_type" and not self.states:
                    self._note_states(entry)
                if entry.tag != "DW_TAG_variable":
                    continue
                said = entry  # a definition may leave its name to the declaration before it
                if "DW_AT_specification" in entry.attributes:
                    said = entry.get_DIE_from_attribute("DW_AT_specification")
                name = said.attributes.get("DW_AT_name")
                typed = entry if "DW_AT_type" in entry.attributes else said
                if name is None or "DW_AT_type" not in typed.attributes:
                    continue
                text = name.value.decode("utf-8", "replace")
                if text not in self._variables or "DW_AT_declaration" not in entry.attributes:
                    self._variables[text] = typed

    def _note_definition(self, entry: Any) -> None:
        name, line = entry.attributes.get("DW_AT_name"), entry.attributes.get("DW_AT_decl_line")
        if name is None or line is None:
            return
        text = name.value.decode("utf-8", "replace")
        self._definitions[text] = line.value
        self.parameters[text] = tuple(
            Parameter(_text(part.attributes["DW_AT_name"]), _type_name(part))
            for part in entry.iter_children()
            if part.tag == "DW_TAG_formal_parameter" and "DW_AT_name" in part.attributes
        )
        if _type_name(entry) == "pte_t":
            self.gives_descriptors.add(text)

    def _note_states(self, entry: Any) -> None:
        names = {
            one.attributes["DW_AT_const_value"].value: _text(one.attributes["DW_AT_name"]).lower()
            for one in entry.iter_children()
            if one.tag == "DW_TAG_enumerator"
        }
        if {"unused", "sleeping", "runnable", "running", "zombie"} <= {*names.values()}:
            self.states = tuple(names.get(number, str(number)) for number in range(max(names) + 1))


def _files_of(dwarf: Any, unit: Any) -> list[str]:
    """Return the names of a unit's files, by their numbers."""
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return []
    names = [one.name.decode("utf-8", "replace").rpartition("/")[2] for one in program.header["file_entry"]]
    return names if program.header["version"] >= 5 else ["", *names]


def _inlined(dwarf: Any, unit: Any, entry: Any, files: list[str]) -> Iterator[_Inlined]:
    """Yield the parts of a function's inlined code (DWARF 2, 3.3.8.2; its ranges, and the call's line: DWARF 3)."""
    of, line = entry.attributes.get("DW_AT_abstract_origin"), entry.attributes.get("DW_AT_call_line")
    file = entry.attributes.get("DW_AT_call_file")
    if of is None or line is None or file is None or not 0 <= file.value < len(files):
        return
    name = entry.get_DIE_from_attribute("DW_AT_abstract_origin").attributes.get("DW_AT_name")
    low, high, ranges = (entry.attributes.get(f"DW_AT_{one}") for one in ("low_pc", "high_pc", "ranges"))
    parts: list[range] = []
    if low is not None and high is not None:
        parts = [range(low.value, high.value + (0 if high.form == "DW_FORM_addr" else low.value))]
    elif ranges is not None:
        top = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        base = 0 if top is None else top.value
        for one in dwarf.range_lists().get_range_list_at_offset(ranges.value, unit):
            if hasattr(one, "base_address"):
                base = one.base_address
            else:
                start = 0 if getattr(one, "is_absolute", False) else base
                parts.append(range(start + one.begin_offset, start + one.end_offset))
    for part in parts if name is not None else ():
        yield _Inlined(_text(name), part, Line(files[file.value], line.value))


def _text(attribute: Any) -> str:
    return str(attribute.value.decode("utf-8", "replace"))


def _type_name(entry: Any) -> str:
    """Return the name of the type of a variable or of a function's result, through pointers; "" if it has none."""
    for _ in range(_DEEPEST):
        if "DW_AT_type" not in entry.attributes:
            return ""
        entry = entry.get_DIE_from_attribute("DW_AT_type")
        if "DW_AT_name" in entry.attributes:
            return _text(entry.attributes["DW_AT_name"])
    return ""


def _opened(path: Path) -> Any:
    elf = _elf(path)
    if elf["e_machine"] != RISCV or elf.elfclass != 64:
        raise Refused(f"{path}: this program is for {elf.get_machine_arch()}; xv6-riscv's kernel is for 64-bit RISC-V")
    return elf


def _elf(path: Path) -> Any:
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ModuleNotFoundError:
        raise Refused(f"reading an ELF file needs pyelftools: {install('kernels')}") from None
    from io import BytesIO

    try:
        data = path.read_bytes()  # the next `make` replaces the file
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from None
    try:
        return ELFFile(BytesIO(data))
    except ELFError:
        raise Refused(f"{path}: this is not an ELF file, so it can't be a kernel") from None


def segments_of(path: Path) -> list[tuple[int, bytes]]:
    """Return the pieces of physical memory in a core of any processor: the address and the bytes of each.

    Raises :class:`Refused` for a file that is a program, and for a damaged core.
    """
    elf = _elf(path)
    if elf["e_type"] != "ET_CORE":
        raise Refused(f"{path}: this is a program, not a memory image: give the file that dump-guest-memory wrote")
    try:
        return [(one["p_paddr"], one.data()) for one in elf.iter_segments() if one["p_type"] == "PT_LOAD"]
    except Exception:  # noqa: BLE001  pyelftools raises errors of several kinds for numbers that make no sense
        raise Refused(f"{path}: this core is damaged: write it again with dump-guest-memory") from None


def _symbols(elf: Any) -> dict[str, Symbol]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return {}
    found: dict[str, Symbol] = {}
    for one in table.iter_symbols():
        kind = one["st_info"]["type"]
        if one.name and kind in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE") and one["st_shndx"] != "SHN_UNDEF":
            if kind == "STT_NOTYPE" and one.name.startswith(("$", ".")):
                continue  # marks of the assembler
            known = found.get(one.name)
            if known is None or one["st_info"]["bind"] == "STB_GLOBAL":
                found[one.name] = Symbol(one.name, one["st_value"], one["st_size"])
    return found


def _up_to_the_next(symbols: list[Symbol], text_at: range) -> list[Symbol]:
    """Return symbols in address order; functions in assembly, which have no size, end where the next begins."""
    found: list[Symbol] = []
    following = text_at.stop
    for number in reversed(range(len(symbols))):
        one = symbols[number]
        if number + 1 < len(symbols) and one.address < symbols[number + 1].address <= text_at.stop:
            following = symbols[number + 1].address
        has_none = one.address in text_at and not one.size
        found.append(replace(one, size=following - one.address) if has_none else one)
    return found[::-1]


def _lines(dwarf: Any) -> list[tuple[int, Line | None]]:
    """Return the lines by the address where they begin; None marks the end of a unit's code."""
    found: list[tuple[int, Line | None]] = []
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = _files_of(dwarf, unit)
        for entry in program.get_entries():
            state = entry.state
            if state is None or not 0 <= state.file < len(files):
                continue
            line = None if state.end_sequence else Line(files[state.file], state.line)
            found.append((state.address, line))
    found.sort(key=lambda one: (one[0], one[1] is not None))  # where one unit ends, the next may begin
    return found


_TRANSPARENT = ("DW_TAG_typedef", "DW_TAG_volatile_type", "DW_TAG_const_type")


def _element(entry: Any) -> tuple[Any, int]:
    """Return the type of a variable's elements, through typedefs and arrays, and their number."""
    count = 1
    for _ in range(_DEEPEST):
        if entry is None or "DW_AT_type" not in entry.attributes:
            return entry, count
        entry = entry.get_DIE_from_attribute("DW_AT_type")
        if entry.tag == "DW_TAG_array_type":
            for part in entry.iter_children():
                last = part.attributes.get("DW_AT_upper_bound")
                count *= last.value + 1 if last is not None and isinstance(last.value, int) else 1
        elif entry.tag not in _TRANSPARENT:
            return entry, count
    return entry, count


def _points_to(entry: Any, structure: str) -> bool:
    return entry is not None and entry.tag == "DW_TAG_pointer_type" and _type_name_of(entry) == structure


def _type_name_of(entry: Any) -> str:
    if "DW_AT_type" not in entry.attributes:
        return ""
    inner = entry.get_DIE_from_attribute("DW_AT_type")
    name = inner.attributes.get("DW_AT_name")
    return _text(name) if name is not None and inner.tag == "DW_TAG_structure_type" else ""


_PLUS_UCONST = 0x23


def _offset(member: Any) -> int | None:
    """Return a member's offset: a number or, in DWARF 2, which xv6 is built with, an expression that adds a number.

    DWARF 2, 5.5.4 (the member's location) and 2.4.3 (DW_OP_plus_uconst, an unsigned LEB128).
    """
    at = member.attributes.get("DW_AT_data_member_location")
    if at is None:
        return None
    value: int | list[int] = at.value
    if isinstance(value, int):
        return value
    operation, *digits = value
    if operation != _PLUS_UCONST:
        return None
    return sum((digit & 0x7F) << 7 * place for place, digit in enumerate(digits))


def _entries(structure: Any) -> list[tuple[str, Any]]:
    """Return the members of a structure that have a name and an offset."""
    return [
        (member.attributes["DW_AT_name"].value.decode("utf-8", "replace"), member)
        for member in (structure.iter_children() if structure is not None else ())
        if member.tag == "DW_TAG_member" and "DW_AT_name" in member.attributes and _offset(member) is not None
    ]


def _members(structure: Any) -> list[tuple[str, Place]]:
    return [(name, Place(_offset(member) or 0, _bytes(member))) for name, member in _entries(structure)]


_DEEPEST = 16


def _bytes(member: Any) -> int:
    """Return the size of a member's value; 0 if the file does not give it."""
    entry, count = _element(member)
    return count * _size(entry, 0)


def _size(entry: Any, unsaid: int = 8) -> int:
    """Return the size of a type in bytes, or `unsaid` if the file does not give it."""
    size = entry.attributes.get("DW_AT_byte_size") if entry is not None else None
    return int(size.value) if size is not None else unsaid
