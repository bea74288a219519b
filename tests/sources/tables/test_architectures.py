"""Names and options of case files, and what is refused."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.aarch64 import Aarch64Controls
from vmwidgets.engine.mmu.formats.armv7 import Armv7Controls
from vmwidgets.engine.mmu.formats.riscv import RiscvControls
from vmwidgets.engine.mmu.formats.x86 import X86Controls
from vmwidgets.sources.tables.architectures import architecture, architectures


def test_every_format_has_a_name_in_case_files_and_keeps_its_own():
    assert {one.fmt.name for one in architectures().values()} == set(FORMATS)
    assert architecture("x86").name == "x86-32"
    assert architecture("riscv-sv39").name == "sv39"


@pytest.mark.parametrize(
    ("name", "options", "controls"),
    [
        ("x86-32", {"wp": False, "pse": False}, X86Controls(nxe=False, wp=False, pse=False)),
        ("x86-pae", {"nx": False, "maxphyaddr": 36}, X86Controls(nxe=False, maxphyaddr=36)),
        ("x86-64", {"smep": True, "smap": True, "ac": True, "gib_pages": False},
         X86Controls(smep=True, smap=True, ac=True, gib_pages=False)),
        ("armv7", {"dacr": 7, "afe": True, "tre": True}, Armv7Controls(dacr=7, afe=True, tre=True)),
        ("armv7", {"ttbcr_n": 1, "ttbr1": 0x4000}, Armv7Controls(ttbcr_n=1, ttbr1=0x4000)),
        ("aarch64", {"wxn": True, "granule": 4096, "va_bits": 48}, Aarch64Controls(wxn=True, epd1=True)),
        ("aarch64", {"epd1": False, "ttbr1": 0x1000}, Aarch64Controls(ttbr1=0x1000)),
        ("sv39", {"sum": True, "mxr": True, "adue": False}, RiscvControls(sum=True, mxr=True, adue=False)),
    ],
)  # fmt: skip
def test_options_set_controls(name, options, controls):
    assert architecture(name).controls(options) == controls


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("x86-32", {"nx": True}, "x86-32 has no option 'nx'"),
        ("x86-64", {"pse": True}, "x86-64 has no option 'pse'"),
        ("armv7", {"darc": 1}, "did you mean 'dacr'"),
        ("x86-64", {"wp": 1}, "option 'wp' is 1: it is true or false"),
        ("x86-64", {"maxphyaddr": 53}, "a whole number from 0x20 to 0x34"),
        ("x86-64", {"maxphyaddr": True}, "option 'maxphyaddr' is True"),
        ("armv7", {"dacr": 1 << 32}, "option 'dacr'"),
        ("aarch64", {"granule": 16384}, "it is 4096"),
        ("aarch64", {"va_bits": "48"}, "it is 48"),
    ],
)
def test_other_options_are_refused(name, options, why):
    with pytest.raises(Refused, match=why):
        architecture(name).controls(options)


@pytest.mark.parametrize(
    ("name", "options", "root", "why"),
    [
        ("x86-32", {}, 0x1800, "a multiple of 4 KiB"),
        ("x86-32", {}, 1 << 32, "has 32 bits"),
        ("x86-pae", {}, 0x1010, "a multiple of 32 B"),
        ("x86-pae", {}, 0x1020, None),
        ("x86-64", {}, 1 << 40, "has 40 bits"),
        ("x86-64", {"maxphyaddr": 52}, 1 << 51, None),
        ("armv7", {}, 0x6000, "a multiple of 16 KiB"),
        ("armv7", {"ttbcr_n": 2}, 0x5000, None),
        ("armv7", {"ttbcr_n": 2}, 0x5800, "a multiple of 4 KiB"),
        ("armv7", {"ttbcr_n": 2, "ttbr1": 0x5000}, 0x5000, "the second root 0x5000 is not aligned"),
        ("aarch64", {}, 0xFFFF_FFFF_F000, None),
        ("aarch64", {}, 1 << 48, "has 48 bits"),
        ("aarch64", {"ttbr1": 0x10}, 0x1000, "ttbr1=16: .* a multiple of 4096"),
        ("sv39", {}, 1 << 55, None),
        ("sv39", {}, 1 << 56, "has 56 bits"),
        ("sv39", {}, -4096, "too wide"),
        ("sv39", {}, 1 << 300, "a number of"),
    ],
)
def test_roots(name, options, root, why):
    arch = architecture(name)
    if why is None:
        assert arch.check_root(root, arch.controls(options)) == root
    else:
        with pytest.raises(Refused, match=why):
            arch.check_root(root, arch.controls(options))


@pytest.mark.parametrize("name", [[], None, 5, "", "x" * 10_000, "x86_64", "ARM"])
def test_unknown_architectures(name):
    with pytest.raises(Refused, match="known are x86-32") as caught:
        architecture(name)
    assert len(str(caught.value)) < 300
