"""Packets of the GDB remote protocol: ``$data#checksum``, each acknowledged by ``+``.

GDB's manual, appendix E ("GDB Remote Serial Protocol").  QEMU acknowledges each packet, and serves one client at a
time.
"""

from __future__ import annotations

import socket
from time import monotonic

from ..engine.base.errors import Refused, shown
from ..engine.base.units import counted

ANSWERS_IN = 3.0
"""Seconds in which a port answers a packet: QEMU needs milliseconds, even on a busy computer."""

MOST_PACKET_BYTES = 1 << 20
"""The most bytes of one packet: QEMU's own have at most 4 KiB."""

_INTERRUPT = b"\x03"


class PortLost(Refused):
    """Raised if the port was closed during use: QEMU ended, or another client took its place."""


class Packets:
    """The packets of one connection; `name` is its name in errors."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self.name = name
        self._socket = connection
        self._data = bytearray()
        self._unacknowledged = 0
        self.answered = False
        """Whether a packet has ever arrived."""

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, question: str) -> str:
        """Send one packet and wait for its answer."""
        self.send(question)
        return self.receive()

    def ask_all(self, questions: list[str]) -> list[str]:
        """Return the answers to several packets, sent without waiting in between."""
        found: list[str] = []
        for start in range(0, len(questions), _AT_ONCE):
            some = questions[start : start + _AT_ONCE]
            self.send_all(some)
            found += [self.receive() for _ in some]
        return found

    def send(self, question: str) -> None:
        """Send one packet."""
        self.send_all([question])

    def send_all(self, questions: list[str]) -> None:
        """Send several packets at once."""
        self._write(b"".join(map(_packet, questions)))

    def interrupt(self) -> None:
        """Ask a running guest to stop."""
        self._write(_INTERRUPT)

    def receive(self, seconds: float = ANSWERS_IN) -> str:
        """Return the next packet, which must come within `seconds`."""
        found = self.wait(seconds)
        if found is None:
            raise self._silent()
        return found

    def wait(self, seconds: float) -> str | None:
        """Return the next packet, or None if none comes within `seconds`."""
        end = monotonic() + seconds
        while True:
            found = self._next()
            if found is not None:
                self.answered = True
                return found
            left = end - monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._lost(error.strerror) from None
            if not data:
                raise self._lost("")
            self._data += data
            if len(self._data) > MOST_PACKET_BYTES:
                raise self._other_program()

    def _next(self) -> str | None:
        """Return a packet from the bytes received, and acknowledge it; None if it is incomplete."""
        data = self._data
        while data[:1] == b"+":
            del data[0]
        if not data:
            return None
        if data[0] not in b"$-":
            raise self._other_program()
        end = data.find(b"#")
        if end < 0 or len(data) < end + 3:
            return None
        body, said = bytes(data[1:end]), bytes(data[end + 1 : end + 3])
        if said != b"%02x" % (sum(body) & 0xFF):
            raise PortLost(f"{self.name}: a packet came damaged; attach again")
        del data[: end + 3]
        self._unacknowledged += 1  # it is sent with the next packet, which QEMU accepts
        return _unescaped(body)

    def _write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(ANSWERS_IN)
            self._socket.sendall(b"+" * self._unacknowledged + data)
            self._unacknowledged = 0
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._lost(error.strerror) from None

    def _lost(self, why: str | None) -> PortLost:
        if not self.answered:
            return PortLost(f"{self.name}: the port was closed without an answer, so this is not QEMU's GDB port")
        ended = f" ({why})" if why else ""
        return PortLost(f"{self.name}: QEMU has closed the port{ended}: it ended, or the guest switched it off")

    def _silent(self) -> Refused:
        if self.answered:
            return PortLost(f"{self.name}: QEMU no longer answers; end it, and begin again")
        return Refused(
            f"{self.name}: nothing answers. QEMU serves one client: if GDB or another notebook is connected, end that."
        )

    def _other_program(self) -> Refused:
        start = shown(bytes(self._data[:24]).decode("latin-1"))
        return Refused(f"{self.name}: another program than QEMU's GDB port listens there: it says {start}")


_AT_ONCE = 32
"""The number of packets that are sent before the first answer is read: fewer bytes than a socket holds."""


def _packet(question: str) -> bytes:
    data = question.encode("ascii")
    return b"$%s#%02x" % (data, sum(data) & 0xFF)


def _unescaped(body: bytes) -> str:
    """Return the data of a packet: ``}`` escapes the next byte, ``*`` repeats the previous byte."""
    if b"}" not in body and b"*" not in body:
        return body.decode("latin-1")
    found = bytearray()
    rest = iter(body)
    for byte in rest:
        if byte == 0x7D:
            found.append(next(rest, 0) ^ 0x20)
        elif byte == 0x2A and found:
            found += found[-1:] * max(0, next(rest, 29) - 29)
        else:
            found.append(byte)
    return found.decode("latin-1")


def connect(where: str) -> Packets:
    """Connect to ``127.0.0.1:1234``, ``localhost:1234``, ``[::1]:1234``, or the path of a Unix socket.

    Raises :class:`Refused` for another computer, and for a port where nothing listens.
    """
    if "/" in where:
        return _connected(socket.AF_UNIX, where, where)
    host, colon, text = where.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not colon or not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise Refused(f"{shown(where)}: write a port of this computer, '127.0.0.1:1234', or the path of a Unix socket")
    address = {"localhost": "127.0.0.1"}.get(host, host)
    if address not in ("127.0.0.1", "::1"):
        raise Refused(
            f"{shown(where)}: only ports of this computer (127.0.0.1) are opened. For a kernel on another computer, run"
            f" ssh -L {text}:127.0.0.1:{text} HOST in a terminal, and attach to '127.0.0.1:{text}'."
        )
    family = socket.AF_INET6 if address == "::1" else socket.AF_INET
    return _connected(family, (address, int(text)), where)


def _connected(family: socket.AddressFamily, address: str | tuple[str, int], name: str) -> Packets:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(ANSWERS_IN)
    try:
        connection.connect(address)
        if family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        raise Refused(
            f"{name}: nothing listens there. Start QEMU with its GDB port, as xv6's `make qemu-gdb` does, or with"
            " -gdb tcp:127.0.0.1:1234."
        ) from None
    except OSError as error:
        connection.close()
        raise Refused(f"{name}: {error.strerror or 'no connection in ' + counted(int(ANSWERS_IN), 'second')}") from None
    return Packets(connection, name)
