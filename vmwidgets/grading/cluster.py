"""A Dask cluster, which judges the files of a course that outgrows one computer.

A worker of the cluster receives data (a file's name and content, the course) and the name of a function of its own
vmwidgets.  It judges as this computer does: in processes with limits, which read no other file.
"""

from __future__ import annotations

import asyncio
import logging
import pkgutil
import re
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vmwidgets import __version__
from vmwidgets.build import GRADING, code
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.released import install

from .course import Course
from .files import content_of
from .findings import Status, found
from .grades import Graded
from .places import LOOK, File, Judges, Lost

ANSWER = 10
"""Seconds within which a scheduler has to answer."""

WORKERS = 60
"""Seconds that a run waits for new workers after it has lost all."""

LARGE = "1 GiB"
"""The size from which Dask warns about a message; a notebook with many pictures exceeds Dask's default."""

ADDRESS = re.compile(r"(?:(?:tcp|tls|wss?)://)?(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})")

JUDGES = Judges()
"""The judging processes of a worker, one for each of its threads; they end when the worker ends."""


def judge(version: str, name: str, content: bytes, course: Course, build: str = "") -> Graded:
    """Judge a file on a worker, for a client with this version of vmwidgets and, if it is known, this build."""
    if version != __version__:
        raise Refused(f"a worker of the cluster has vmwidgets {__version__}, and this is {version}")
    if build and build != build_here():
        raise Refused(f"a worker of the cluster has another build of vmwidgets {version}: {_SAME}")
    try:
        with TemporaryDirectory(prefix="vmwidgets-grade-") as folder:
            path = Path(folder, "submission")
            path.write_bytes(content)
            return JUDGES.judge(File(name, path), course)
    except Exception as error:  # noqa: BLE001  some can't be sent back, and the client would wait for them
        raise Refused(f"{name} can't be judged: {type(error).__name__}: {error}") from None


def build_here() -> str:
    """Return the digest of the code that grades in this process."""
    return code(GRADING)


def rest() -> None:
    """End a worker's idle processes; another run starts its own."""
    JUDGES.rest()


class Cluster:
    """The cluster whose scheduler is at `address`, such as ``tcp://10.0.0.1:8786``.

    Raises :class:`Refused` with one sentence if no cluster there can judge.  A file lost with its workers several times
    raises :class:`Lost`; the number of times is a setting of the scheduler (`allowed-failures`, 3 by default).
    """

    def __init__(self, address: str) -> None:
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[1]) < 65536:
            raise Refused(f"{shown(address)} is not an address of a Dask scheduler: write one as tcp://10.0.0.1:8786")
        self._address = address
        self._client = _connected(address)
        self._without = 0.0
        self._known, self._asked = 0, 0.0
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def submit(self, file: File, course: Course) -> Future[Graded]:
        """Begin to judge a file."""
        import dask

        made: Future[Graded] = Future()
        try:
            content = content_of(file.path, course.size)
        except Refused as refusal:
            made.set_result(Graded.none(file.name, found(Status.UNREADABLE, problem=f"{refusal}")))
            return made
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGE}):
            asked = self._client.submit(judge, __version__, file.name, content, course, build_here(), pure=False)

        def finish(asked: Any) -> None:
            """Pass the result on; give up if the client has been closed, since it would never deliver a result."""
            while self._client.status == "running":
                try:
                    made.set_result(asked.result(timeout=ANSWER))
                except TimeoutError:
                    continue
                except (Exception, CancelledError) as error:  # noqa: BLE001  it is raised where it is asked for
                    made.set_exception(error)
                return
            made.set_exception(CancelledError())

        asked.add_done_callback(finish)
        made.add_done_callback(lambda _made: asked.release())  # until then, Dask must know that the result is wanted
        return made

    def width(self) -> int:
        """Return how many threads the workers have; asks the scheduler at most once a second, since that takes time."""
        if self._known and time.monotonic() - self._asked < LOOK:
            return self._known
        threads, self._asked = self._threads(), time.monotonic()
        self._known = threads
        if threads:
            self._without = 0.0
        elif not self._without:
            self._without = time.monotonic()
        elif time.monotonic() - self._without > WORKERS:
            raise Refused(f"the cluster at {self._address} has lost all of its workers; {_KEPT}")
        return max(1, threads)

    def graded(self, future: Future[Graded]) -> Graded:
        """Return a file's grades."""
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as killed:
            raise Lost(f"not judged: {counted(killed.allowed_failures + 1, 'worker')} of the cluster ended") from None
        except CancelledError:
            raise self._gone() from None
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001  whatever is wrong with a worker
            raise Refused(f"a worker of the cluster can't judge: {type(error).__name__}: {error}; {_KEPT}") from None

    def close(self) -> None:
        """Stop the judging in progress."""
        with suppress(OSError, TimeoutError):
            if self._client.status == "running":
                self._client.run(rest, on_error="ignore")
            self._client.close(timeout=ANSWER)

    def _threads(self) -> int:
        if self._client.status == "running":
            with suppress(OSError, TimeoutError):
                threads = self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER)
                return sum(threads.values())
        raise self._gone()

    def _gone(self) -> Refused:
        return Refused(f"the cluster at {self._address} is gone; {_KEPT}")

    def _check(self) -> None:
        """Check that there are workers, and that they and the scheduler have the same versions as this computer."""
        if not self._threads():
            raise Refused(f"the cluster at {self._address} has no workers: start some: dask worker {self._address}")
        # a function that every Python has, so that a worker without vmwidgets can run it
        ask = (pkgutil.resolve_name, "vmwidgets:__version__")
        try:
            versions = {"the scheduler": self._client.run_on_scheduler(*ask)}
        except (ImportError, AttributeError) as error:
            versions = {"the scheduler": error}
        for worker, version in sorted(self._client.run(*ask, on_error="return").items()):
            versions[f"worker {worker}"] = version
        for who, version in versions.items():
            if isinstance(version, (ImportError, AttributeError)):
                raise Refused(f"{who} has no vmwidgets: install version {__version__} where it runs")
            if isinstance(version, str) and version != __version__:
                raise Refused(f"{who} has vmwidgets {shown(version)}, and this is {__version__}")
        for worker, build in sorted(self._client.run(build_here, on_error="return").items()):
            if build != build_here():
                raise Refused(f"worker {worker} has another build of vmwidgets {__version__}: {_SAME}")


_SAME = "install the one of this computer where it runs"
_KEPT = "finished grades are kept: the same command continues from there"


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise Refused(f"a Dask cluster needs the package distributed: {install('dask')}") from None
    for name in ("distributed", "distributed.client"):  # their warnings are replaced by a sentence here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook may run an event loop in this thread
            thread.submit(asyncio.run, _greeted(address)).result()
        return Client(address, timeout=ANSWER, set_as_default=False)
    except Exception:  # noqa: BLE001  whatever else listens there
        raise Refused(f"no Dask scheduler answers at {address} within {ANSWER} seconds") from None


async def _greeted(address: str) -> None:
    """Send a greeting, since a client waits forever for a server that accepts connections but does not answer."""
    from distributed.comm import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    (await asyncio.wait_for(connect(address, timeout=ANSWER, **arguments), ANSWER)).abort()
