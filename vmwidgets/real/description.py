"""The registers that a port describes: QEMU's ``target.xml`` and the files that it includes.

GDB's manual, appendix G ("Target Descriptions").  Register numbers differ between versions of QEMU, so they are read
from the description.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused

MOST_FILES = 32

_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>")

_PREFIX = re.compile(r"<xi:")
"""The prefix that QEMU uses without declaring it."""


@frozen
class Description:
    """The name of the processor, and its registers by name: number and bits."""

    architecture: str
    registers: dict[str, tuple[int, int]]


def read_description(read: Callable[[str], str]) -> Description:
    """Return the description that begins in ``target.xml``; `read` returns a file by its name."""
    registers: dict[str, tuple[int, int]] = {}
    architecture = ""
    following = 0
    files = ["target.xml"]
    for count, name in enumerate(files):
        if count >= MOST_FILES:
            raise Refused("the port's description of its registers has no end")
        for element in _elements(read(name)):
            tag = element.tag.rpartition("}")[2]
            if tag == "architecture" and element.text:
                architecture = element.text.strip()
            elif tag == "include":
                files.append(element.get("href", ""))
            elif tag == "reg":
                number = int(element.get("regnum", following))
                following = number + 1
                registers.setdefault(element.get("name", ""), (number, int(element.get("bitsize", "0"))))
    return Description(architecture or _guessed(registers), registers)


def _guessed(registers: dict[str, tuple[int, int]]) -> str:
    """Return the architecture of a description that does not name it, by a register that no other architecture has."""
    marks = {"eip": "i386", "rip": "i386:x86-64", "TTBR0_EL1": "aarch64", "TTBCR": "arm", "satp": "riscv:rv64"}
    return next((name for mark, name in marks.items() if mark in registers), "")


def _elements(text: str) -> list[ET.Element]:
    if "<!ENTITY" in text:
        raise Refused("the port's description of its registers is not one of QEMU's")
    try:
        return list(ET.fromstring(_PREFIX.sub("<", _DOCTYPE.sub("", text))).iter())
    except (ET.ParseError, ValueError):
        raise Refused("the port's description of its registers can't be read: is this QEMU's?") from None
