"""The reference: an entry for each public name, from its docstring, in pages by what the names are for."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.machine.handles.capabilities import MachineCapability, MachineMemobj
from vmwidgets.engine.machine.handles.cpus import MachineCpu, MachineCpus
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.machine.handles.files import MachineFile
from vmwidgets.engine.machine.handles.frames import MachineFrames, MachineKentry
from vmwidgets.engine.machine.handles.kmem import MachineKmem, MachineKmemMap, MachinePageDaemon
from vmwidgets.engine.machine.handles.kmem_functions import Unchecked
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.objects import MemoryObject
from vmwidgets.engine.machine.handles.tables import MachineTables
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.machine.handles.threads import MachineThreads
from vmwidgets.engine.machine.kept.journal_file import MachineJournal
from vmwidgets.engine.machine.system import Handle
from vmwidgets.widgets import View

from .places import ROOT

CONSTANTS = {
    "GIB": "Bytes in a gibibyte.",
    "KIB": "Bytes in a kibibyte.",
    "MIB": "Bytes in a mebibyte.",
    "PAGE": "Bytes in a page.",
    "TIB": "Bytes in a tebibyte.",
    "M_NOWAIT": "A flag of FreeBSD's `kmem_malloc` and `malloc`: never sleep.",
    "M_USE_RESERVE": "A flag of FreeBSD's `kmem_malloc` and `malloc`: may use reserved pages.",
    "M_WAITOK": "A flag of FreeBSD's `kmem_malloc` and `malloc`: may sleep.",
    "M_ZERO": "A flag of FreeBSD's `kmem_malloc` and `malloc`: the memory is filled with zeros.",
    "LAYOUTS": "Layouts of kernel memory by name, for `vm.boot(layout=…)`.",
    "predictions": "The predictions of this Jupyter kernel by their ids: questions, answers and outcomes.",
    "QUIRKS": "Bugs of the original systems by name, for `vm.boot(quirks=…)`, each with its meaning.",
}
"""Values have no docstring of their own."""

PAGES = {
    "machine": ("Machines", "Boot a machine, keep it, load it; units, constants and errors."),
    "parts": ("Parts of a machine", "What a machine hands out, by the expression that gives it, and its calls."),
    "pictures": ("Pictures", "Each picture is a widget in a notebook. The last lines show what draws and saves them."),
    "programs": ("Programs, traces and comparisons", "What is read from real systems, and what is compared."),
    "labs": ("Labs", "Everything in `vm.lab`: predictions, exercises and checks."),
    "workload": ("Workloads", "Everything in `vm.workload`: allocations to replay on every kernel."),
}
"""The pages of the reference, with their headings and purposes."""

PARTS: dict[str, type] = {
    "m.kernel_map, t.map": MachineMap,
    "t = m.task(name)": Task,
    "m.file(name, content)": MachineFile,
    "m.object(name), m.pager(name, size, function)": MemoryObject,
    "m.tables, t.tables": MachineTables,
    "m.cpus": MachineCpus,
    "m.cpus[0]": MachineCpu,
    "m.kentry": MachineKentry,
    "m.frames": MachineFrames,
    "m.kmem": MachineKmem,
    "m.kmem.exec_map": MachineKmemMap,
    "m.pagedaemon": MachinePageDaemon,
    "m.threads": MachineThreads,
    "d = m.domain(name)": MachineDomain,
    "d.frame(size)": MachineCapability,
    "d.anonymous(size), d.memobj(kind, size)": MachineMemobj,
    "m.unchecked": Unchecked,
    "m.journal": MachineJournal,
}
"""What learners hold and never make, by how they come by it."""


def hidden(kind: type) -> set[str]:
    """Members of a class that have no entry: learners have no use for them, or know the machine already."""
    return {*Handle.inside, *getattr(kind, "inside", ()), "machine"}


MACHINE = {"boot", "load_journal", "events", "lockstep", "orders", *CONSTANTS}
PICTURES = {"picture", "show", "handout", "load_curve"}


def page_of(name: str) -> str:
    """On which page a name of the package is."""
    thing = getattr(vm, name)
    if name in ("lab", "workload"):
        return {"lab": "labs"}.get(name, name)
    if name in PICTURES or (inspect.isclass(thing) and issubclass(thing, View)):
        return "pictures"
    is_of_machine = inspect.isclass(thing) and thing.__module__.startswith("vmwidgets.engine.")
    return "machine" if name in MACHINE or is_of_machine else "programs"


def write(folder: Path, link: Callable[[str], str]) -> None:
    """Write the pages of the reference into a folder; `link` gives the link to try a name's examples, or ""."""
    folder.mkdir(parents=True, exist_ok=True)
    for page, (heading, purpose) in PAGES.items():
        lines = [heading, "=" * len(heading), "", *rst(purpose), ""]
        for how, kind in PARTS.items() if page == "parts" else ():
            lines += [how, "-" * len(how), "", *handed_out(kind)]
        for name in sorted((one for one in vm.__all__ if page_of(one) == page), key=str.casefold):
            lines += [*entry("vmwidgets", name, getattr(vm, name)), *raw(link(name))]
        if page in ("labs", "workload"):
            inside = "lab" if page == "labs" else page
            module = getattr(vm, inside)
            for name in sorted(names_of(module), key=str.casefold):
                lines += [*entry(module.__name__, name, getattr(module, name)), *raw(link(f"{inside}.{name}"))]
        (folder / f"{page}.rst").write_text("\n".join(lines) + "\n")
    toctree = [".. toctree::", "   :maxdepth: 2", "", *(f"   {page}" for page in PAGES)]
    purpose = "Every public name of `vmwidgets`, imported as `vm`, with its docstring and its example."
    words = ["Reference", "=========", "", *rst(purpose), ""]
    (folder / "index.rst").write_text("\n".join([*words, *toctree]) + "\n")


def handed_out(kind: type) -> Iterator[str]:
    """The lines of a class of parts: its calls, with those of the classes that it is made of."""
    yield from (
        f".. autoclass:: {kind.__module__}.{kind.__qualname__}()",
        "   :members:",
        "   :inherited-members: object",
    )
    yield from (f"   :exclude-members: {', '.join(sorted(hidden(kind)))}", "")


def raw(html: str) -> list[str]:
    """HTML below an entry."""
    return [".. raw:: html", "", f"   <p>{html}</p>", ""] if html else []


def names_of(module: Any) -> list[str]:
    """The public names of a module that the package offers as a whole."""
    names: list[str] = getattr(module, "__all__", None) or dir(module)
    return [name for name in names if not name.startswith("_")]


def entry(module: str, name: str, thing: Any) -> Iterator[str]:
    """The lines of one name."""
    full = f"{module}.{name}"
    if inspect.ismodule(thing):
        yield from (f".. py:module:: {full}", "", *(inspect.getdoc(thing) or "").splitlines(), "")
    elif inspect.isclass(thing):
        signature = "(target, **options)" if issubclass(thing, View) else ""
        inherited = ["   :inherited-members: Handle"] if thing is vm.Machine else []
        yield from (f".. autoclass:: {full}{signature}", "   :members:", *inherited, "")
    elif inspect.isroutine(thing):
        yield from (f".. autofunction:: {full}", "")
    else:
        said = CONSTANTS.get(name) or said_of(thing, name)
        yield from (f".. py:currentmodule:: {module}", "", f".. py:data:: {name}", "", f"   {rst(said)[0]}", "")
        if isinstance(thing, int):
            yield from (f"   Its value is ``{int(thing):#x}``.", "")
        elif isinstance(thing, dict):
            yield from (f"   Names: {', '.join(f'``{key}``' for key in sorted(thing))}.", "")


def said_of(thing: Any, name: str) -> str:
    """Return what is said of a value of a module, in the text after it."""
    for path in sorted((ROOT / "vmwidgets").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for one, after in pairwise(body):
            if isinstance(one, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr):
                targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                is_it = any(isinstance(target, ast.Name) and target.id == name for target in targets)
                if is_it and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    if getattr(importlib.import_module(module.removesuffix(".__init__")), name) is thing:
                        return " ".join(after.value.value.split())
    raise SystemExit(f"vmwidgets: {name} has no text: give it one in tools/site/reference.py")


def rst(text: str) -> list[str]:
    """Markdown's code as reStructuredText's."""
    return [text.replace("`", "``")]
