"""What pictures of walks and of page tables claim: where an access comes out, who may do what, what tables hold."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import vmwidgets as vm
from vmwidgets.engine.base.units import binary_size

from .claiming import Said, claim
from .pictured import Pictured
from .reading import PAGE, bytes_of, number, translations
from .steps import Gone


class Asked(NamedTuple):
    """The access of a picture."""

    task: str
    address: int
    access: str
    user: bool


def asked(seen: Pictured) -> Asked:
    """What a walk has as options; what a translation says above it."""
    picture: Any = seen.picture
    if seen.kind != "translation":
        return Asked(picture._task, picture.address, picture.access, picture.user)
    address, whose = seen.scene.title.removeprefix("translation of ").split(" in ", 1)
    who, access = seen.scene.subtitle.split(" · ")[1].split()
    of_domain = {domain.name: path for path, domain in seen.machine.domains.items()}
    space = "" if whose == "the kernel" else of_domain.get(whose, whose)
    return Asked(space, number(address), access, who == "user")


def walked(seen: Pictured, machine: vm.Machine | None = None) -> Any:
    """The access of the picture, walked in the tables of a machine."""
    _, address, access, user = asked(seen)
    return tables_in(seen, machine).walk(address, access, user=user)


def tables_in(seen: Pictured, machine: vm.Machine | None = None) -> Any:
    """The tables of the picture in a machine, or on paper."""
    on_paper = getattr(seen.picture, "_without_machine", None)
    return on_paper or (machine or seen.machine).tables_of(asked(seen).task)


def backed(seen: Pictured) -> int | None:
    """The frame that the memory objects have for the page, where an entry of a task leads to one of them."""
    of = asked(seen)
    if seen.picture.machine is None or of.task not in seen.machine.tasks:
        return None
    found = [one for one in seen.machine.tasks[of.task].map.entries() if one.start <= of.address < one.end]
    value = seen.machine.memory_objects.value()
    if not found or found[0].object not in value.objects:
        return None
    page = (of.address - found[0].start + found[0].offset) >> 12
    chain = [value.objects[name] for name in value.chain(found[0].object)]
    return next((one.pages[page] for one in chain if page in one.pages), None)


def is_address(said: str, address: int) -> bool:
    """Whether a title says an address: whole, or of a long one the lower half."""
    short = said.removeprefix("…")
    return int(short.replace("_", ""), 16) == (address if short == said else address % (1 << 32))


@claim("walks: reached")
def reached(seen: Pictured, said: Said) -> None:
    of, found = asked(seen), walked(seen)
    assert is_address(said["address"], of.address)
    assert number(said["physical"]) == int(found.pa)
    assert bytes_of(said["size"]) == found.page_size
    assert int(found.pa) % found.page_size == of.address % found.page_size
    frame = backed(seen)
    if frame is not None and not seen.machine.standing_edits and found.page_size == PAGE:
        assert frame == int(found.pa) // PAGE


@claim("walks: fault")
def fault(seen: Pictured, said: Said) -> None:
    found = walked(seen)
    assert found.pa is None
    assert is_address(said["address"], asked(seen).address)
    assert said["access"] == {"execute": "fetch"}.get(asked(seen).access, asked(seen).access)
    told = f"{said['exception']}: {said['why']}"  # both may have a colon in them
    assert told.lower() == f"{found.fault.exception}: {found.fault.why.removesuffix('.')}".lower()
    if found.fault.kind == "not-present":
        assert found.steps[-1].kind == "invalid" if found.steps else True


@claim("walks: fault/covered")
def covered(seen: Pictured, said: Said) -> None:
    of, machine, found = asked(seen), seen.machine, walked(seen)
    assert is_address(said["address"], of.address)
    assert (found.pa, found.fault.exception) == (None, said["exception"])
    of_map = machine.tasks[of.task].map if of.task in machine.tasks else machine.kernel_map
    entry = next(one for one in of_map.entries() if one.id == number(said["entry"]))
    assert entry.start <= of.address < entry.end
    assert found.fault.kind == "not-present"


WORDS = {"read": 0, "write": 1, "execute": 2}


def rights(text: str) -> tuple[bool, ...]:
    """What words such as "read and write" allow."""
    named = {word.strip() for part in text.split(",") for word in part.split(" and ")}
    assert named <= {*WORDS, "do nothing"}
    return tuple(word in named for word in WORDS)


def may(seen: Pictured, user: tuple[bool, ...] | None, supervisor: tuple[bool, ...]) -> None:
    """Each access that is said to be allowed comes out, and no other does."""
    of, tables = asked(seen), tables_in(seen)
    for by_user, wanted in ((True, user), (False, supervisor)):
        came = tuple(tables.walk(of.address, access, user=by_user).pa is not None for access in WORDS)
        assert came == (wanted or (False, False, False))


@claim("walks: may/both")
def both_may(seen: Pictured, said: Said) -> None:
    may(seen, rights(said["supervisor"]), rights(said["supervisor"]))


@claim("walks: may/all")
def all_may(seen: Pictured, said: Said) -> None:
    """Each access for which the entries of a machine on paper have a bit is allowed, or is not named."""
    of, letters = asked(seen), seen.subject.layout.split()
    assert "U" not in letters
    came = (tables_in(seen).walk(of.address, access).pa is not None for access in WORDS)
    assert rights(said["user"]) == tuple(one and letter in letters for one, letter in zip(came, "RWX", strict=True))


@claim("walks: may/supervisor")
def supervisor_may(seen: Pictured, said: Said) -> None:
    may(seen, None, rights(said["supervisor"]))


@claim("walks: may/each")
def each_may(seen: Pictured, said: Said) -> None:
    may(seen, rights(said["user"]), rights(said["supervisor"]))


@claim("walks: earlier/reached")
def earlier_reached(seen: Pictured, said: Said) -> None:
    """The machine at that time comes to it; today it does not."""
    if seen.subject is seen.machine:
        raise Gone("the operation of the cell")
    assert int(walked(seen, seen.machine.at(seen.subject)).pa) == number(said["physical"])
    assert walked(seen).pa != number(said["physical"])


@claim("walks: earlier/fault")
def earlier_fault(seen: Pictured, said: Said) -> None:
    before, now = walked(seen, seen.machine.at(seen.subject)), walked(seen)
    assert before.fault.kind == said["kind"]
    assert now.fault != before.fault


def edits(seen: Pictured, said: Said) -> Any:
    """So many descriptors hold another word than the kernel wrote; the walk without the edits."""
    standing = seen.machine.standing_edits
    first, last = ({one.pa: one for one in edits} for edits in (standing[::-1], standing))
    changed = [pa for pa, one in first.items() if one.before != last[pa].after]
    assert len(changed) == number(said["count"])
    if seen.subject is seen.machine:
        raise Gone("the operation before the edits")
    return walked(seen, seen.machine.at(seen.subject))


@claim("walks: edited")
def edited(seen: Pictured, said: Said) -> None:
    before, now = edits(seen, said), walked(seen)
    assert (before.pa, before.fault) == (now.pa, now.fault)


@claim("walks: edited/reached")
def edited_from_reached(seen: Pictured, said: Said) -> None:
    before = edits(seen, said)
    assert int(before.pa) == number(said["physical"])
    assert walked(seen).pa != before.pa


@claim("walks: edited/fault")
def edited_from_fault(seen: Pictured, said: Said) -> None:
    before = edits(seen, said)
    assert (before.fault.exception, before.fault.kind) == (said["exception"], said["kind"])
    assert walked(seen).fault != before.fault


# ---- page tables ---------------------------------------------------------------------------------


@claim("walks: tables")
def root_in_use(seen: Pictured, said: Said) -> None:
    if seen.machine.architecture in ("x86-64", "riscv-sv39"):
        assert (len(words_of_512(seen)), 512) == (number(said["count"]), number(said["entries"]))
    name = seen.rows()[0]["table"]
    gaps = [row["slots"].split("–") for row in seen.rows() if (row["table"], row["kind"]) == (name, "gap")]
    if "root's" in said["whose"]:
        unused = sum(int(ends[-1]) - int(ends[0]) + 1 for ends in gaps)
        assert unused == number(said["entries"]) - number(said["count"])
        shift = {"x86-64": 39, "riscv-sv39": 30}.get(seen.machine.architecture)
        assert said["empty"] == binary_size(unused << shift) if shift else bytes_of(said["empty"]) > 0


@claim("walks: tables/leads")
def root_leads(seen: Pictured, said: Said) -> None:
    assert said["root"] == ("roots lead" if seen.scene.subtitle.count(" 0x") > 1 else "root leads")
    what = re.sub(r"\d+ large pages? in (?=[\d,]+ descriptors)", "", said["what"])
    numbers = [int(word) for word in what.replace(",", "").split() if word.isdecimal()]
    if seen.machine.architecture in ("x86-64", "riscv-sv39"):
        assert sum(numbers) + ("itself" in said["what"]) == len(words_of_512(seen))


def words_of_512(seen: Pictured) -> list[int]:
    """The descriptors of a root table of 512 that are present."""
    root = int(seen.picture.space.tables.root)  # type: ignore[attr-defined]
    words = [seen.machine.system.ram.read_word(root + 8 * place, 8) for place in range(512)]
    return [one for one in words if one & 1]


# ---- inverted tables -----------------------------------------------------------------------------


def mapped_pages(machine: vm.Machine) -> list[tuple[str, int]]:
    """The pages of tasks whose tables lead to memory, of those that are in entries."""
    in_ram = {frame: places for frame, places in translations(machine).items() if frame < machine.ram_bytes // PAGE}
    return [(name, page // PAGE) for places in in_ram.values() for name, page in places]


@claim("inverted tables: inverted/none")
def none_in_memory(seen: Pictured, said: Said) -> None:
    assert mapped_pages(seen.subject) == []


@claim("inverted tables: inverted/pages")
def in_memory(seen: Pictured, said: Said) -> None:
    found, rows = mapped_pages(seen.subject), [(row["task"], int(row["page"], 16)) for row in seen.rows()]
    assert len(rows) == number(said["count"])
    assert len({*rows}) == len(rows)
    assert {*found} <= {*rows}
    assert len(found) == len(rows) or seen.subject.standing_edits, "a descriptor was written where no entry is"


@claim("inverted tables: inverted/longest")
def longest(seen: Pictured, said: Said) -> None:
    chains: dict[str, int] = {}
    for row in seen.rows():
        chains[row["bucket"]] = chains.get(row["bucket"], 0) + 1
    assert max(chains.values(), default=0) == number(said["count"])
