"""The rights of a mapping in each table format: rights that the format can't refuse are granted.

Linux's own mapping has the requested rights; the accesses that a processor then allows depend on the bits of its
tables.
"""

from __future__ import annotations

GIVES_READING = {
    "x86-64": "rwx",
    "x86-64-la57": "rwx",
    "x86-pae": "rwx",
    "x86": "rwx",
    "armv7": "rwx",
    "aarch64": "rw",
    "riscv-sv39": "rw",
}
"""The rights that include reading: each of them alone allows it.

x86: present pages of the user can be read (SDM 3A, 4.6.1).  ARMv7: a page that may be written may be read, and a fetch
needs the right to read (ARM DDI 0406C, B3.7).  AArch64: a page that may be written may be read, and a page may be for
fetches alone (ARM DDI 0487, D8.4).  RISC-V: W without R is reserved, X alone is allowed (Privileged Architecture,
4.3.1).
"""

GIVES_EXECUTING = {"x86": "rwx"}
"""The rights that include execution; if a format has a bit that forbids it, only X allows it."""


def granted(architecture: str, rights: str) -> str:
    """Return the rights that a mapping with `rights` grants, such as "rw-p" from /proc/self/maps.

    >>> granted("x86-64", "-w-p"), granted("riscv-sv39", "--xp"), granted("x86", "r--p"), granted("x86", "---p")
    ('rw', 'x', 'rx', '')
    """
    letters = set(rights) & set("rwx")
    found = "r" if letters & set(GIVES_READING[architecture]) else ""
    found += "w" if "w" in letters else ""
    return found + ("x" if letters & set(GIVES_EXECUTING.get(architecture, "x")) else "")
