"""Processors to compare with: Unicorn (QEMU 5.0.1's memory management), set up to walk tables in its memory.

Addresses come from `uc_vmem_translate`, which the Python package does not offer but its library has.  On x86 the
error code is read out of the saved context, where it is found by faults whose codes are known; on ARM the address
translation operations report status codes for reads and writes.  RISC-V reports no more than the access tells.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any, NamedTuple

import unicorn
from unicorn import arm64_const, arm_const, riscv_const, x86_const
from unicorn.unicorn_py3 import unicorn as binding

PROTECTION = {"read": 1, "write": 2, "execute": 4}


class Answer(NamedTuple):
    """A physical address; or, of a fault, what the processor reports (None where it can't be had)."""

    pa: int | None
    code: int | None = None


def translate(uc: Any, va: int, access: str) -> int | None:
    """`uc_vmem_translate`, with nothing kept from before."""
    uc.ctl(unicorn.UC_CTL_TLB_FLUSH, unicorn.UC_CTL_IO_WRITE)
    found = ctypes.c_uint64(0)
    status = binding.uclib.uc_vmem_translate(
        uc._uch, ctypes.c_uint64(va), ctypes.c_uint32(PROTECTION[access]), ctypes.byref(found)
    )
    return found.value if status == unicorn.UC_ERR_OK else None


class X86Cpu:
    """One privilege of an x86 processor; `bits` of its format."""

    GDT = (0, 0x00CF_9A00_0000_FFFF, 0x00CF_9200_0000_FFFF, 0x00CF_FA00_0000_FFFF, 0x00CF_F200_0000_FFFF)

    def __init__(self, name: str, size: int, user: bool) -> None:
        self.name = name
        self.user = user
        self.uc = binding.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
        self.uc.ctl_set_cpu_model(x86_const.UC_CPU_X86_ICELAKE_SERVER)
        self.uc.mem_map(0, size)
        self._code_at = 0
        if user:
            self._enter_user_mode()
        self._find_error_code()

    def _enter_user_mode(self) -> None:
        """By an `iret` without paging; the privilege stays when the tables are switched on."""
        uc, base = self.uc, 0x8000
        gdt = b"".join(struct.pack("<Q", one) for one in self.GDT)
        uc.mem_write(base, gdt)
        uc.reg_write(x86_const.UC_X86_REG_GDTR, (0, base, len(gdt) - 1, 0))
        uc.mem_write(base + 0x100, b"\xcf\x90\x90")
        uc.mem_write(base + 0x200, struct.pack("<5I", base + 0x101, 3 << 3 | 3, 2, base + 0x300, 4 << 3 | 3))
        uc.reg_write(x86_const.UC_X86_REG_CS, 1 << 3)
        uc.reg_write(x86_const.UC_X86_REG_SS, 2 << 3)
        uc.reg_write(x86_const.UC_X86_REG_ESP, base + 0x200)
        uc.emu_start(base + 0x100, base + 0x101, count=1)
        assert uc.reg_read(x86_const.UC_X86_REG_CS) & 3 == 3

    def _find_error_code(self) -> None:
        """Where the context has what four faults, whose codes the manual tells, leave there."""
        self.uc.mem_write(0x9000, struct.pack("<2I", 0xA007, 0))
        self.uc.mem_write(0xA000, struct.pack("<2I", 0, 0xB001))
        self.load(0x9000, {"wp": True, "smep": False, "smap": False, "ac": False, "pse": True}, "x86")
        user = 4 if self.user else 0
        known = ((0x0, "read", user), (0x0, "write", user | 2), (0x1000, "write", user | 3), (0x40_0000, "read", user))
        places: set[int] | None = None
        for va, access, code in known:
            assert translate(self.uc, va, access) is None
            words = struct.unpack_from(f"<{len(self._context()) // 4}I", self._context())
            here = {4 * number for number, word in enumerate(words) if word == code}
            places = here if places is None else places & here
        assert places and len(places) == 1, places
        self._code_at = places.pop()

    def _context(self) -> bytes:
        context = self.uc.context_save()
        return ctypes.string_at(context.context, context.size)

    def load(self, root: int, controls: dict[str, Any], name: str | None = None) -> None:
        """Set the control registers."""
        uc, name = self.uc, name or self.name
        uc.reg_write(x86_const.UC_X86_REG_CR0, 0x11)
        cr4 = (0x10 if controls.get("pse", True) else 0) | controls["smep"] << 20 | controls["smap"] << 21
        cr4 |= 0 if name == "x86" else 0x20
        cr4 |= 0x1000 if name == "x86-64-la57" else 0
        uc.reg_write(x86_const.UC_X86_REG_CR4, cr4)
        efer = (0x100 if "64" in name else 0) | (0x800 if controls.get("nxe") else 0)
        uc.reg_write(x86_const.UC_X86_REG_MSR, (0xC000_0080, efer))
        uc.reg_write(x86_const.UC_X86_REG_EFLAGS, 2 | controls["ac"] << 18)
        uc.reg_write(x86_const.UC_X86_REG_CR3, root)
        uc.reg_write(x86_const.UC_X86_REG_CR0, 0x8000_0011 | controls["wp"] << 16)

    def answer(self, va: int, access: str) -> Answer:
        """What the processor makes of an access."""
        pa = translate(self.uc, va, access)
        if pa is not None:
            return Answer(pa)
        return Answer(None, struct.unpack_from("<I", self._context(), self._code_at)[0])


class Armv7Cpu:
    """One privilege of a Cortex-A15."""

    def __init__(self, name: str, size: int, user: bool) -> None:
        self.user = user
        self.uc = binding.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self.uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_A15)
        self.uc.mem_map(0, size)
        self._control = self._get(1, 0, 0, 0) & ~(1 << 29 | 1 << 28) | 1

    def _set(self, crn: int, crm: int, op1: int, op2: int, value: int) -> None:
        self.uc.reg_write(arm_const.UC_ARM_REG_CP_REG, (15, 0, 0, crn, crm, op1, op2, value))

    def _get(self, crn: int, crm: int, op1: int, op2: int) -> int:
        return int(self.uc.reg_read(arm_const.UC_ARM_REG_CP_REG, (15, 0, 0, crn, crm, op1, op2)))

    def load(self, root: int, controls: dict[str, Any]) -> None:
        """Set SCTLR, DACR and the translation table registers."""
        self.uc.reg_write(arm_const.UC_ARM_REG_CPSR, 0x13)
        self._set(2, 0, 0, 0, root)
        self._set(2, 0, 0, 1, controls["ttbr1"])
        self._set(2, 0, 0, 2, controls["ttbcr_n"] | controls["pd0"] << 4 | controls["pd1"] << 5)
        self._set(3, 0, 0, 0, controls["dacr"])
        self._set(1, 0, 0, 0, self._control | controls["afe"] << 29)
        self.uc.reg_write(arm_const.UC_ARM_REG_CPSR, 0x10 if self.user else 0x13)

    def answer(self, va: int, access: str) -> Answer:
        """What the processor makes of an access; ATS1CPR and its like tell the status of reads and writes."""
        pa = translate(self.uc, va, access)
        if access == "execute" or pa is not None:
            return Answer(pa)
        self.uc.reg_write(arm_const.UC_ARM_REG_CPSR, 0x13)
        self._set(7, 8, 0, 2 * self.user + (access == "write"), va)
        par = self._get(7, 4, 0, 0)
        self.uc.reg_write(arm_const.UC_ARM_REG_CPSR, 0x10 if self.user else 0x13)
        return Answer(None, par >> 1 & 0x1F) if par & 1 else Answer(par & ~0xFFF | va & 0xFFF)


class Aarch64Cpu:
    """One exception level, 0 or 1, of a Cortex-A72."""

    def __init__(self, name: str, size: int, user: bool) -> None:
        self.user = user
        self.uc = binding.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self.uc.ctl_set_cpu_model(arm64_const.UC_CPU_ARM64_A72)
        self.uc.mem_map(0, size)
        self._set(3, 6, 1, 1, 0, 0x401)  # SCR_EL3.RW and NS
        self._set(3, 4, 1, 1, 0, 1 << 31)  # HCR_EL2.RW
        self._control = self._get(3, 0, 1, 0, 0) | 1
        self._root = 0

    def _set(self, op0: int, op1: int, crn: int, crm: int, op2: int, value: int) -> None:
        self.uc.reg_write(arm64_const.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2, value))

    def _get(self, op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
        return int(self.uc.reg_read(arm64_const.UC_ARM64_REG_CP_REG, (crn, crm, op0, op1, op2)))

    def load(self, root: int, controls: dict[str, Any]) -> None:
        """Set SCTLR_EL1, TCR_EL1 and TTBR0_EL1."""
        self._root = root
        self._set(3, 0, 2, 0, 1, controls["ttbr1"])
        # 48 bits of address in both halves, 4 KiB granules (TG1 = 2), 44 physical ones
        self._set(3, 0, 2, 0, 2, 16 | controls["epd0"] << 7 | 16 << 16 | controls["epd1"] << 23 | 2 << 30 | 4 << 32)
        self._set(3, 0, 1, 0, 0, self._control | controls["wxn"] << 19)
        self._enter(0 if self.user else 5)

    def _enter(self, pstate: int) -> None:
        """Go to an exception level; it counts from the next system register written on."""
        self.uc.reg_write(arm64_const.UC_ARM64_REG_PSTATE, pstate)
        self._set(3, 0, 2, 0, 0, self._root)

    def answer(self, va: int, access: str) -> Answer:
        """What the processor makes of an access; AT S1E1R and its like tell the status of reads and writes."""
        pa = translate(self.uc, va, access)
        if access == "execute" or pa is not None:
            return Answer(pa)
        self._enter(5)
        self._set(1, 0, 7, 8, 2 * self.user + (access == "write"), va)
        par = self._get(3, 0, 7, 4, 0)
        self._enter(0 if self.user else 5)
        return Answer(None, par >> 1 & 0x3F) if par & 1 else Answer(par & (1 << 48) - 4096 | va & 0xFFF)


class RiscvCpu:
    """S or U mode."""

    def __init__(self, name: str, size: int, user: bool) -> None:
        self.user = user
        self.uc = binding.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        self.uc.mem_map(0, size)

    def load(self, root: int, controls: dict[str, Any]) -> None:
        """Set satp and sstatus."""
        uc = self.uc
        uc.reg_write(riscv_const.UC_RISCV_REG_PRIV, 1)
        uc.reg_write(riscv_const.UC_RISCV_REG_SATP, 8 << 60 | root >> 12)
        uc.reg_write(riscv_const.UC_RISCV_REG_SSTATUS, controls["sum"] << 18 | controls["mxr"] << 19)
        uc.reg_write(riscv_const.UC_RISCV_REG_PRIV, 0 if self.user else 1)

    def answer(self, va: int, access: str) -> Answer:
        """What the processor makes of an access."""
        return Answer(translate(self.uc, va, access))


CPUS: dict[str, Any] = {
    **dict.fromkeys(("x86", "x86-pae", "x86-64", "x86-64-la57"), X86Cpu),
    "armv7": Armv7Cpu,
    "aarch64": Aarch64Cpu,
    "riscv-sv39": RiscvCpu,
}
