"""A Dask cluster of processes on this computer, and `vmwidgets grade` on it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.grading.following import command, until
from tools import environment, hosts
from vmwidgets import __version__


def metadata(folder: Path, version: str = __version__) -> Path:
    """A folder from which vmwidgets looks installed in this version; its code is the checkout's."""
    info = folder / f"vmwidgets-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vmwidgets\nVersion: {version}\n")
    return folder


class Cluster:
    """A scheduler and its workers, each a process; `path` is where they find vmwidgets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = f"{environment.ROOT}{os.pathsep}{metadata(folder / 'installed')}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.address = "tcp://127.0.0.1:9"

    def start(self, path: str | None = None, **settings: str) -> None:
        """Start the scheduler with these settings of Dask's."""
        file = self.folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._dask("scheduler", *options, path=self.path if path is None else path, **settings)
        until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]

    def add(self, *options: str, path: str | None = None, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker with one thread; it is there when a run needs it."""
        made = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(self.folder), *options]
        where = self.path if path is None else path
        self.workers.append(self._dask("worker", self.address, *made, path=where, **settings))
        return self.workers[-1]

    def wait(self, workers: int) -> None:
        """Wait until the scheduler has so many workers."""
        ask = f"from distributed import Client\nClient({self.address!r}).wait_for_workers({workers}, timeout=120)"
        subprocess.run([hosts.python_of("dask"), "-c", ask], check=True, timeout=150)

    def run(self, folder: Path, course: Path, out: Path, *options: str, **settings: Any) -> subprocess.Popen[str]:
        """Grade a folder on the cluster, with other values for names of vmwidgets.grading.cluster."""
        given = command(folder, course, out)[3:]
        code = (
            "import sys\nfrom vmwidgets.cli import main\nfrom vmwidgets.grading import cluster\n"
            f"vars(cluster).update({settings!r})\nsys.exit(main({[*given, *options]!r} + ['--dask', {self.address!r}]))"
        )
        return subprocess.Popen(
            [hosts.python_of("dask"), "-c", code], env={**os.environ, "PYTHONPATH": self.path},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def close(self) -> None:
        """End all of it."""
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.terminate()
        for process in (*self.workers, self.scheduler):
            if process is not None:
                with suppress(subprocess.TimeoutExpired):  # a worker without its scheduler looks for it
                    process.wait(timeout=5)
                process.kill()
                process.wait()

    def _dask(self, *arguments: str, path: str, **settings: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [hosts.python_of("dask").with_name("dask"), *arguments],
                env={**os.environ, "PYTHONPATH": path, **settings}, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip


@contextmanager
def a_cluster(folder: Path, workers: int, *options: str, **settings: Any) -> Iterator[Cluster]:
    """A cluster with so many workers, ended at the end."""
    made = Cluster(folder)
    try:
        made.start(**settings)
        for _ in range(workers):
            made.add(*options)
        if workers:
            made.wait(workers)
        yield made
    finally:
        made.close()
