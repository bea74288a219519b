"""Checks of this computer, with advice for parts that do not work.

Each check uses the real thing: the Jupyter kernel is started and asked which vmwidgets it imports, the front end's
files are read, and programs are started to print their version.
"""

from __future__ import annotations

import ast
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from .. import __version__
from ..build import code, commit
from ..released import install
from ..views.scene.static import STATIC

FRONT_END = ("answer.js", "controls.js", "graphviz.js", "hub.js", "loader.js", "handout.js", "saved.js", "view.js")
"""The files of the front end."""

NEEDED = ("anywidget", "cssselect2", "graphviz", "ipywidgets", "markdown-it-py", "tinycss2")
"""The packages that vmwidgets needs, by their names on the package index."""

INIT = Path(__file__).parents[1] / "__init__.py"
"""The file that a kernel with this vmwidgets imports."""

STARTS_IN = 60
"""Seconds that a Jupyter kernel may take to answer."""

_ASKED = (
    "(lambda vm: __import__('json').dumps([__import__('sys').executable, vm.__version__, vm.__file__]))"
    "(__import__('vmwidgets'))"
)
_SAYS_IN = 20


@frozen
class Finding:
    """One line of the doctor: the part checked, the result, and advice if the part does not work.

    `works` is None if only a browser can tell.  `needed` is true for parts that the labs need; other parts are
    optional.
    """

    what: str
    works: bool | None
    found: str
    todo: str = ""
    needed: bool = False

    def line(self) -> str:
        """Return the line, with its mark first: "ok", "missing", "optional" or "browser".

        >>> Finding("strace", False, "not installed", "install strace").line()
        'optional  strace: not installed; install strace'
        """
        mark = "browser" if self.works is None else "ok" if self.works else "missing" if self.needed else "optional"
        todo = f"; {self.todo}" if self.todo and not self.works else ""
        return f"{mark:9} {self.what}: {self.found}{todo}"


def needed() -> Iterator[Finding]:
    """Yield the checks for the labs, one after the other; the slowest starts a Jupyter kernel."""
    yield Finding("Python", True, f"{platform.python_version()}, {sys.executable}")
    of = f" (commit {commit()})" if commit() else ""
    yield Finding("vmwidgets", True, f"{__version__}{of}, {Path(__file__).parents[1]}")
    yield _packages()
    yield _front_end()
    yield _kernel()
    yield _widget_manager()
    yield _extension()
    yield _module("numpy", "lab", "arrays of addresses")
    yield _module("matplotlib", "lab", "plots in lab 11")


def optional() -> Iterator[Finding]:
    """Yield the checks of parts that only some pages, courses and commands use."""
    for name, extra, what in (
        ("resvg_py", "png", "pictures saved as .png"),
        ("typst", "figures", "pictures saved as .pdf"),
        ("elftools", "kernels", "names of a real kernel"),
        ("distributed", "dask", "grading on a cluster"),
    ):
        yield _module(name, extra, what)
    yield from _programs()
    yield Finding("worker", None, "if a page allows none, the button Graphviz says so, and everything else works")


def _packages() -> Finding:
    """Check the packages that vmwidgets itself needs."""
    found = {name: _version(name) for name in NEEDED}
    lacking = [name for name, its_version in found.items() if not its_version]
    if lacking:
        return Finding("packages", False, f"{', '.join(lacking)} not installed", install(), needed=True)
    return Finding("packages", True, ", ".join(map(" ".join, found.items())), needed=True)


def _front_end(folder: Path = STATIC) -> Finding:
    """Check the drawing code, which is built into the package."""
    lacking = [name for name in FRONT_END if not (folder / name).is_file()]
    if lacking:
        todo = f"in a clone run `python hatch_build.py`, otherwise install again: {install()}"
        return Finding("front end", False, f"{', '.join(lacking)} missing in {folder}", todo, needed=True)
    size = sum((folder / name).stat().st_size for name in FRONT_END)
    return Finding("front end", True, f"of this vmwidgets, {len(FRONT_END)} files, {size / 1e6:.1f} MB", needed=True)


def _kernel() -> Finding:
    """Check that Jupyter starts a kernel with this vmwidgets."""
    what, todo = "Jupyter kernel", install("lab")
    if find_spec("jupyter_client") is None or find_spec("ipykernel") is None:
        return Finding(what, False, "ipykernel is not installed", todo, needed=True)
    try:
        program, its_version, its_code = _asked_of_a_kernel()
    except Exception as error:  # noqa: BLE001  whatever a computer's kernels raise is what is said
        first = (str(error).splitlines() or [""])[0][:200]
        again = "run `python -m ipykernel install --sys-prefix`, and ask again"
        return Finding(what, False, f"does not answer: {type(error).__name__}: {first}", again, needed=True)
    if not its_version:
        again = f"install vmwidgets for {program}"
        return Finding(what, False, f"runs {program}, which has no vmwidgets", again, needed=True)
    if its_version != __version__:
        again = f"update vmwidgets for {program}"
        return Finding(what, False, f"runs {program} with vmwidgets {its_version}", again, needed=True)
    if its_code != code():
        again = f"install this vmwidgets for {program}"
        return Finding(what, False, f"runs {program} with another build of vmwidgets {its_version}", again, needed=True)
    return Finding(what, True, f"runs {program} with vmwidgets {its_version}", needed=True)


def _asked_of_a_kernel() -> tuple[str, str, str]:
    """Return the program of the kernel "python3", the version of vmwidgets that it imports ("" if none), and its code.

    The code is :func:`vmwidgets.build.code` of the files that it imports.
    """
    from jupyter_client.manager import start_new_kernel

    with tempfile.TemporaryDirectory() as folder:  # a kernel imports from where it is started: never from a clone
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        manager, client = start_new_kernel(startup_timeout=STARTS_IN, kernel_name="python3", **quiet)
    try:
        asked = {"program": "__import__('sys').executable", "both": _ASKED}
        reply: Any = client.execute("", user_expressions=asked, reply=True, timeout=STARTS_IN)
        answers = reply["content"]["user_expressions"]
        if answers["both"]["status"] != "ok":
            return _text(answers["program"]), "", ""
        program, its_version, init = json.loads(_text(answers["both"]))
        return program, its_version, code() if Path(init) == INIT else code(package=Path(init).parent)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _text(answer: dict[str, Any]) -> str:
    """Return the string value of an expression."""
    return str(ast.literal_eval(answer["data"]["text/plain"]))


def _widget_manager() -> Finding:
    """Check JupyterLab's part of ipywidgets."""
    todo = install("lab")
    if find_spec("jupyterlab") is None:
        return Finding("JupyterLab", False, "not installed", todo, needed=True)
    lab = version("jupyterlab")
    extension = _lab_extension("@jupyter-widgets/jupyterlab-manager")
    if extension is None:
        again = "install jupyterlab_widgets in JupyterLab's environment, and load the page again"
        return Finding("JupyterLab", False, f"{lab}, without the widget manager", again, needed=True)
    return Finding("JupyterLab", True, f"{lab}, with the widget manager {extension}", needed=True)


def _extension() -> Finding:
    """Check anywidget's front end, which must have the package's version."""
    package, extension = _version("anywidget"), _lab_extension("anywidget")
    if extension is None:
        again = "install anywidget again, and load the page again"
        return Finding("anywidget's front end", False, "not in JupyterLab's folders", again, needed=True)
    if extension != package:
        again = "remove one of the two, and load the page again"
        return Finding("anywidget's front end", False, f"{extension}, and the package is {package}", again, needed=True)
    return Finding("anywidget's front end", True, f"{extension}, as the package", needed=True)


def _lab_extension(name: str) -> str | None:
    """Return the version of an extension in the first of JupyterLab's folders that has it; None if no folder has it."""
    if find_spec("jupyter_core") is None:
        return None
    from jupyter_core.paths import jupyter_path

    places = (Path(folder, name, "package.json") for folder in jupyter_path("labextensions"))
    place = next((place for place in places if place.is_file()), None)
    try:
        return None if place is None else str(json.loads(place.read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _module(name: str, extra: str, what: str) -> Finding:
    """Check a package that some features need."""
    label = {"numpy": "NumPy", "resvg_py": "resvg", "elftools": "pyelftools"}.get(name, name)
    if find_spec(name) is None:
        return Finding(label, False, f"not installed; only for {what}", install(extra))
    return Finding(label, True, f"{_version({'elftools': 'pyelftools'}.get(name, name))}, for {what}")


@frozen
class Program:
    """A program of the system: its possible names, and its purpose."""

    what: str
    names: tuple[str, ...]
    purpose: str
    todo: str
    option: str = "--version"


PROGRAMS = (
    Program("dot", ("dot",), "graphviz.Source", "install Graphviz; the button Graphviz works without", "-V"),
    Program("strace", ("strace",), "your own recordings in lab 10", "on Linux install strace", "-V"),
    Program("make", ("make",), "vm.xv6", "install make"),
    Program("QEMU for RISC-V", ("qemu-system-riscv64",), "vm.xv6", "install qemu-system-misc (Debian) or qemu (macOS)"),
    Program(
        "QEMU for x86",
        ("qemu-system-x86_64", "qemu-system-i386"),
        "vm.attach",
        "install qemu-system-x86 (Debian) or qemu (macOS)",
    ),
    Program(
        "QEMU for ARM",
        ("qemu-system-aarch64", "qemu-system-arm"),
        "vm.attach",
        "install qemu-system-arm (Debian) or qemu (macOS)",
    ),
    Program(
        "RISC-V compiler",
        ("riscv64-unknown-elf-gcc", "riscv64-elf-gcc", "riscv64-linux-gnu-gcc", "riscv64-unknown-linux-gnu-gcc"),
        "vm.xv6",
        "install gcc-riscv64-linux-gnu (Debian) or riscv64-elf-gcc (macOS)",
    ),
    Program(
        "gdb for other processors",
        ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb"),
        "a debugger beside vm.attach",
        "install gdb-multiarch; vm.attach works without",
    ),
)


def _programs(which: Callable[[str], str | None] = shutil.which) -> Iterator[Finding]:
    """Yield checks of the system's programs, each started to print its version."""
    for program in PROGRAMS:
        path = next(filter(None, map(which, program.names)), None)
        if path is None:
            yield Finding(program.what, False, f"not installed; only for {program.purpose}", program.todo)
            continue
        said = _said(path, program.option)
        if said is None:
            yield Finding(program.what, False, f"{path} does not start", program.todo)
        else:
            yield Finding(program.what, True, said)


def _said(path: str, option: str) -> str | None:
    """Return the first line of a program's version; None if the program does not start."""
    try:
        done = subprocess.run(
            [path, option], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SAYS_IN, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").splitlines()
    return lines[0].strip()[:100] if done.returncode == 0 and lines else None
