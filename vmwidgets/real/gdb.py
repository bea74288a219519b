"""A client of QEMU's GDB port: registers, physical memory, processors, breakpoints, one step, running and stopping.

Only one thread uses it (:mod:`.port`).  Nothing is written into the guest except breakpoints (:mod:`.aside`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from struct import Struct
from time import monotonic

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused
from ..engine.base.units import Address
from ..engine.memory.ram import BusError
from .aside import Aside, Copy
from .code import passed
from .description import Description, read_description
from .packets import Packets, PortLost

MOST_READ = 1024
"""Bytes that are read with one packet: twice as many digits must fit into a packet of QEMU."""

_SLICE = 0.02
"""Seconds after which a running guest is checked again, in case it has to stop."""

IF = 9
"""The bit of x86's EFLAGS that enables interrupts (SDM 1, 3.4.3)."""

_STOPS_IN = 5.0

PC = 32
"""The number of pc among a RISC-V hart's registers."""


@frozen
class Stopped:
    """The reason for the guest's stop: the processor (its thread's number in the protocol) and the signal."""

    thread: str
    signal: int


@frozen(slots=False)
class Ram:
    """The guest's memory, shared with its emulator: its first physical address, and its bytes."""

    base: int
    data: memoryview
    aside: Aside = field(default_factory=Aside)
    """The breakpoints set in copies of the code: the guest keeps them while the port is released."""

    def part(self, pa: int, length: int) -> bytes | None:
        """Return `length` bytes from `pa` on, or None if they are not in this memory."""
        at = pa - self.base
        return bytes(self.data[at : at + length]) if at >= 0 and at + length <= len(self.data) else None


_WORD, _GENERAL = Struct("<Q"), Struct("<33Q")


class TookTooLong(Refused):
    """Raised when the guest did not stop by itself in the given time; it was stopped."""


class Gdb:
    """A connection to a guest, which is stopped while it is read.

    Raises :class:`Refused` if the other side is not QEMU, or if its guest can't be read by physical addresses.
    """

    def __init__(self, packets: Packets, came: str = "", ram: Ram | None = None) -> None:
        self._packets = packets
        self.ram = ram
        self._aside = ram.aside if ram is not None else Aside()
        self._breakpoints: set[int] = set()
        self._thread = ""
        self._threads: tuple[str, ...] = ()
        self._registers: list[list[int]] = []
        self._passes: dict[int, int] | None = None
        self.came = came
        """The processor that last reached a breakpoint: it steps over the breakpoint first when the guest continues."""
        supported = packets.ask("qSupported:xmlRegisters=i386,arm,riscv;multiprocess+")
        while supported.startswith("T"):  # QEMU stops the guest for a client, and some versions report that first
            supported = packets.receive()
        if "qXfer:features:read+" not in supported:
            raise Refused(f"{packets.name}: this port does not describe its registers, so it is not QEMU's")
        self.description: Description = read_description(self._described)
        if packets.ask("Qqemu.PhyMemMode:1") != "OK":
            raise Refused(f"{packets.name}: this port can't read physical memory; QEMU 4.1 or newer can")
        self.thread = self.threads()[0]

    @property
    def name(self) -> str:
        """Return the name of the port in errors."""
        return self._packets.name

    def _described(self, name: str) -> str:
        found = ""
        while True:
            part = self._packets.ask(f"qXfer:features:read:{name}:{len(found):x},7f0")
            if part[:1] not in ("m", "l"):
                raise Refused(f"{self.name}: the description {name} of the registers can't be read")
            found += part[1:]
            if part[0] == "l":
                return found

    # ---- processors and their registers --------------------------------------------------------

    def threads(self) -> tuple[str, ...]:
        """Return the processors, by their names in the protocol, such as "p1.1"."""
        if not self._threads:
            question = "qfThreadInfo"
            while (answer := self._packets.ask(question)).startswith("m"):
                self._threads += tuple(answer[1:].split(","))
                question = "qsThreadInfo"
        if not self._threads:
            raise Refused(f"{self.name}: the guest has no processor")
        return self._threads

    def halted(self) -> str:
        """Return why the guest executes nothing (all its processors have halted); "" if one of them executes."""
        for name in self.threads():
            state = bytes.fromhex(self._packets.ask(f"qThreadExtraInfo,{name}")).decode("latin-1")
            if "halted" not in state:
                return ""
        flags, enabled = self.register("eflags"), self.register("mie")
        never = (flags is not None and not flags >> IF & 1) or enabled == 0
        off = "interrupts are off, so it never continues" if never else "it continues at the next interrupt"
        return f"the guest has halted: each processor has executed an instruction that waits (hlt, wfi), and {off}"

    @property
    def thread(self) -> str:
        """The processor whose registers are read."""
        return self._thread

    @thread.setter
    def thread(self, name: str) -> None:
        if name != self._thread:
            if self._packets.ask(f"Hg{name}") != "OK":
                raise Refused(f"{self.name}: the guest has no processor {name}")
            self._thread = name

    def state(self) -> tuple[str, ...]:
        """Return the registers of each processor, as QEMU writes them; the text changes when the guest runs."""
        found = []
        for name in self.threads():
            self.thread = name
            found.append(self._packets.ask("g"))
        return tuple(found)

    def register(self, name: str) -> int | None:
        """Return the value of a register; None if the processor has no register of that name."""
        found = self.description.registers.get(name)
        if found is None:
            return None
        answer = self._packets.ask(f"p{found[0]:x}")
        return None if len(answer) < 4 or answer.startswith("E") else _number(answer)

    def registers(self, names: Iterable[str]) -> dict[str, int]:
        """Return the values of several registers, by name, except registers that the processor does not have."""
        known = [name for name in names if name in self.description.registers]
        answers = self._packets.ask_all([f"p{self.description.registers[name][0]:x}" for name in known])
        pairs = zip(known, answers, strict=True)
        return {name: _number(answer) for name, answer in pairs if len(answer) >= 4 and not answer.startswith("E")}

    # ---- memory --------------------------------------------------------------------------------

    def read(self, pieces: Iterable[tuple[int, int]]) -> list[bytes | None]:
        """Return physical memory, by address and length; None for a piece without memory."""
        wanted = list(pieces)
        if self.ram is not None:
            shared = [self.ram.part(pa, length) for pa, length in wanted]
            elsewhere = [number for number, data in enumerate(shared) if data is None] if None in shared else []
            if not elsewhere:
                return shared
            for number, data in zip(elsewhere, self._asked([wanted[each] for each in elsewhere]), strict=True):
                shared[number] = data
            return shared
        return self._asked(wanted)

    def _asked(self, wanted: list[tuple[int, int]]) -> list[bytes | None]:
        parts = [
            (number, at, min(MOST_READ, pa + length - at))
            for number, (pa, length) in enumerate(wanted)
            for at in range(pa, pa + length, MOST_READ)
        ]
        answers = self._packets.ask_all([f"m{at:x},{length:x}" for _, at, length in parts])
        found: list[bytes | None] = [b""] * len(wanted)
        for (number, _, length), answer in zip(parts, answers, strict=True):
            so_far = found[number]
            whole = so_far is not None and len(answer) == 2 * length
            found[number] = so_far + bytes.fromhex(answer) if so_far is not None and whole else None
        return found

    def read_one(self, pa: int, length: int) -> bytes:
        """Return `length` bytes of physical memory from `pa` on; raises :class:`BusError` if there is no memory."""
        (found,) = self.read([(pa, length)])
        if found is None:
            raise BusError(pa, length, 1 << 64)
        return found

    def monitor(self, command: str) -> str:
        """Return the answer of QEMU's monitor to a command, such as "info mem"."""
        self._packets.send(f"qRcmd,{command.encode().hex()}")
        found = ""
        while (answer := self._packets.receive(60.0)) != "OK":
            if not answer.startswith("O"):
                raise Refused(f"{self.name}: the monitor does not take {command!r}")
            found += bytes.fromhex(answer[1:]).decode("latin-1")
        return found

    # ---- running -------------------------------------------------------------------------------

    @property
    def breakpoints(self) -> frozenset[int]:
        """The places where the guest is to stop, by virtual address."""
        return frozenset(self._breakpoints)

    def set_breakpoint(self, address: int) -> None:
        """Stop whenever a processor comes to `address`."""
        if address not in self._breakpoints:
            if self.was_reset:
                self._aside.clear()
            if self._packets.ask(f"Z0,{self._placed(address):x},2") != "OK":
                raise Refused(f"{self.name}: no breakpoint can be set at {Address(address)}")
            self._breakpoints.add(address)

    def clear_breakpoint(self, address: int) -> None:
        """No longer stop at `address`."""
        if address in self._breakpoints:
            self._packets.ask(f"z0,{self._placed(address):x},2")
            self._breakpoints.discard(address)

    def put_aside(self, made: Iterable[Copy]) -> None:
        """Write copies of instructions, and jumps to them: from then on, breakpoints are set in the copies.

        This works only for a kernel that has no process yet, at its own physical addresses.
        """
        made = list(made)
        between = {at for one in made for at in one.places if at != one.start}
        now = self.thread
        for thread in self.threads():
            self.thread = thread
            if self.pc() in between:
                return
        self.thread = now
        for one in made:
            for at, data in ((one.to, one.code), (one.start, one.jump)):
                if self._packets.ask(f"M{at:x},{len(data):x}:{data.hex()}") != "OK":
                    raise Refused(f"{self.name}: nothing can be written at {Address(at)}")
            self._aside.add(one)

    @property
    def was_reset(self) -> bool:
        """Return whether the guest has its original code again, without anything that was written into it."""
        first = self._aside.first
        return first is not None and self.read([(first.start, 4)]) != [first.jump]

    def is_aside(self, address: int) -> bool:
        """Return whether a breakpoint there is set in a copy, where it slows nothing else."""
        return address in self._aside.to

    def _placed(self, address: int) -> int:
        return self._aside.to.get(address, address)

    def step(self, thread: str) -> Stopped:
        """Execute one instruction of one processor, even at a breakpoint; other processors do not move."""
        self.thread = thread
        before = self.pc()
        found = self._step(thread)
        if before in self._breakpoints and self.pc() == before:  # older versions of QEMU stop at it again
            self._packets.ask(f"z0,{self._placed(before):x},2")
            try:
                found = self._step(thread)
            finally:
                self._packets.ask(f"Z0,{self._placed(before):x},2")
        return found

    def _step(self, thread: str) -> Stopped:
        self.came, self._registers = "", []
        self._packets.send(f"vCont;s:{thread}")
        return self._stopped(self._packets.receive(_STOPS_IN))

    def pass_over(self, word: int, registers: list[int]) -> None:
        """Let :meth:`go` emulate the instruction `word` when a processor has reached the breakpoint.

        This saves a step, which would be one more stop.  It works only for instructions that change nothing but
        registers; any other instruction is stepped.
        """
        self._passes = passed(word, registers)

    def go(self, seconds: float, wanted: Callable[[], bool]) -> Stopped:
        """Let all processors run until one stops at a breakpoint, at most `seconds`, or until `wanted` returns true.

        A processor that has reached a breakpoint steps over it first, alone; other processors would pass the breakpoint
        unnoticed.

        Raises :class:`TookTooLong`.
        """
        changed = self._passes if self.came else None
        if self.came and changed is None:
            self.step(self.came)
        if changed is not None:
            self.thread = self.came
            changed[PC] = self._placed(changed[PC])
        writes = [f"P{number:x}={value.to_bytes(8, 'little').hex()}" for number, value in (changed or {}).items()]
        self.came, self._registers = "", []
        self._packets.send_all([*writes, "vCont;c"])
        if any(self._packets.receive() != "OK" for _ in writes):
            raise Refused(f"{self.name}: registers can't be written")
        end = monotonic() + seconds
        while True:
            answer = self._packets.wait(_SLICE)
            if answer is not None:
                found = self._stopped(answer)
                self.came = found.thread
                return found
            try:
                is_wanted = wanted()
            except BaseException:
                self._interrupted()  # the guest is never left running
                raise
            if is_wanted:
                return self._interrupted()
            if monotonic() > end:
                self._interrupted()
                raise TookTooLong(f"{self.name}: no breakpoint was met in {seconds:g} s; the guest was stopped")

    def _interrupted(self) -> Stopped:
        self._packets.interrupt()
        return self._stopped(self._packets.receive(_STOPS_IN))

    def _stopped(self, answer: str) -> Stopped:
        while answer.startswith("O"):  # text printed by a program of the guest
            answer = self._packets.receive(_STOPS_IN)
        if answer[:1] in ("W", "X"):
            raise PortLost(f"{self.name}: the guest has ended, and QEMU with it")
        if answer[:1] not in ("T", "S"):
            raise PortLost(f"{self.name}: QEMU no longer answers as expected; end it, and begin again")
        said = dict(part.partition(":")[::2] for part in answer[3:].split(";"))
        self._passes = None
        self._thread = said.get("thread", "")  # QEMU has chosen it
        thread = self._thread or self.threads()[0]
        self.thread = thread
        return Stopped(thread, int(answer[1:3], 16))

    def general(self) -> list[int]:
        """Return the first 33 registers of the chosen RISC-V hart: x0 to x31, pc."""
        return self.general_of_all()[self.threads().index(self._thread)]

    def general_of_all(self) -> list[list[int]]:
        """Return the registers x0 to x31 and pc of each hart, read once for each stop, without waiting in between."""
        if not self._registers:
            threads = self.threads()
            questions = [question for one in threads for question in (f"Hg{one}", "g")]
            answers = self._packets.ask_all([*questions, f"Hg{self._thread}"])
            self._registers = [self._general(one) for one in answers[1::2]]
        return self._registers

    def _general(self, answer: str) -> list[int]:
        found = list(_GENERAL.unpack_from(bytes.fromhex(answer[: 2 * _GENERAL.size])))
        found[PC] = self._aside.back.get(found[PC], found[PC])
        return found

    def words(self, places: Iterable[int]) -> list[int]:
        """Return words of 8 bytes of physical memory; 0 where there is no memory."""
        if self.ram is not None:
            base, data, last = self.ram.base, self.ram.data, len(self.ram.data) - 8
            return [_WORD.unpack_from(data, pa - base)[0] if 0 <= pa - base <= last else 0 for pa in places]
        return [int.from_bytes(data or b"", "little") for data in self.read((pa, 8) for pa in places)]

    def pc(self) -> int:
        """Return the address of the chosen processor's next instruction."""
        for name in ("pc", "rip", "eip"):
            found = self.register(name)
            if found is not None:
                return self._aside.back.get(found, found)
        raise Refused(f"{self.name}: the processor has no program counter that is known here")

    def close(self, *, goes_on: bool) -> None:
        """Remove the breakpoints, restore the port's memory mode, and leave; the guest `goes_on` or stays stopped."""
        try:
            for address in sorted(self._breakpoints):
                self.clear_breakpoint(address)
            self._packets.ask("Qqemu.PhyMemMode:0")
            if goes_on:
                self._packets.ask("D;1")
        except Refused:
            pass  # the port is gone already
        finally:
            self._packets.close()


def _number(digits: str) -> int:
    """Return a number as the protocol writes it: the least significant byte first."""
    try:
        return int.from_bytes(bytes.fromhex(digits), "little")
    except ValueError:
        return 0
