"""``python -m vmwidgets.tools walk``: the page tables in a case file or a memory image, walked as hardware does."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.units import Address, parse_address
from ..engine.mmu.walk import walk
from ..sources.tables.architectures import Architecture, architecture, architectures
from ..sources.tables.memory import ImageMemory, open_image
from .command import path_typed
from .text import say_refused
from .walk_text import walk_lines

AGREES, DIFFERS, UNREADABLE = 0, 1, 2

_EXITS = """\
exit status: 0 every answer agrees, or there was nothing to compare; 1 an answer differs; 2 bad input.
The worst of all files counts; a fault is an answer like any other."""


def add_walk(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "walk",
        help="walk page tables in an image of memory",
        description="Walk page tables in a raw image of memory (QEMU's pmemsave writes one), and print each step.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python -m vmwidgets.tools walk --arch ARCH --memory DUMP --root ADDR VA…",
    )
    parser.add_argument("--arch", metavar="ARCH", help=", ".join(architectures()))
    parser.add_argument("--memory", type=path_typed, metavar="DUMP", help="a raw image of physical memory")
    parser.add_argument("--base", default="0", metavar="ADDR", help="physical address of the image's first byte (0)")
    parser.add_argument("--root", metavar="ADDR", help="physical address of the root table, without flags")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="smep=on, dacr=0x55, …")
    parser.add_argument("--access", choices=("read", "write", "execute"), default="read")
    parser.add_argument("--user", action="store_true", help="the access is made by user code")
    parser.add_argument("addresses", nargs="*", metavar="VA", help="an address: 0xffff800000000000, or decimal digits")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(options: argparse.Namespace) -> int:
    """Walk the tables; returns the worst status of all."""
    if options.memory is None or options.arch is None or options.root is None or not options.addresses:
        options.usage_error("give --arch, --memory, --root and an address")
    try:
        _image(options)
    except Refused as error:
        return _failed(str(error))
    except BrokenPipeError:  # not the image's error: the output's reader has ended
        raise
    except OSError as error:
        return _failed(f"{options.memory}: {error.strerror or error}")
    return AGREES


def _failed(sentence: str) -> int:
    say_refused(sentence)
    return UNREADABLE


# ---- an image ----------------------------------------------------------------------------------


def _image(options: argparse.Namespace) -> None:
    arch = _architecture(options.arch)
    controls = arch.controls(dict(_options(options.option)))
    root = arch.check_root(_number(options.root, "--root"), controls)
    addresses = [arch.check_va(_number(text, "address")) for text in options.addresses]
    memory = _opened(options.memory, _number(options.base, "--base"))
    if not memory.base <= root < memory.base + memory.size:
        end = Address(memory.base + memory.size)
        raise Refused(f"root {Address(root)} lies outside the image, which is [{Address(memory.base)}, {end})")
    for va in addresses:
        found = walk(memory, arch.fmt, root, va, options.access, options.user, controls)
        print("\n".join(walk_lines(found, arch.fmt, controls)))


def _opened(path: Path, base: int) -> ImageMemory:
    try:
        return open_image(path, base)
    except Refused as error:
        raise Refused(f"{path}: {error}") from None


def _architecture(name: str) -> Architecture:
    try:
        return architecture(name)
    except Refused as error:
        raise Refused(str(error).replace("'arch'", "--arch", 1)) from None


def _options(given: list[str]) -> Iterator[tuple[str, Any]]:
    words = {"on": True, "true": True, "off": False, "false": False}
    seen = set()
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"--option {shown(text)}: write NAME=VALUE, for example smep=on")
        if name in seen:
            raise Refused(f"--option {name} is given twice")
        seen.add(name)
        word = words.get(value.casefold())
        yield name, _number(value, f"--option {name}") if word is None else word


def _number(text: str, what: str) -> int:
    try:
        return parse_address(text)
    except ValueError:
        raise Refused(f"{what} {shown(text)} is not a number: write 0x1000, or 4096") from None
