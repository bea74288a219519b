"""Make the pictures of README and docs from the real thing: `make pictures`; `--check` compares those that are text.

docs/pictures/*.png are screenshots of JupyterLab in Chromium, light and dark; *.svg are what the widgets export.
js/test/scenes/*.json are the same pictures as the page gets them: js/demo.html shows them all without a notebook.
"""

from __future__ import annotations

import doctest
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import vmwidgets as vm
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.plain import to_png
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.widgets.host.packing import pack, unpack

from . import generated, hero
from .laid_out import laid_out
from .site.places import ROOT

OUT = ROOT / "docs" / "pictures"
RECORDED = ROOT / "js" / "test" / "scenes"

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

CELLS = (
    'import vmwidgets as vm\n\nm = vm.boot("x86-64")  # a whole machine, with X15\'s virtual memory system\nm',
    'for prot in "rw", "r", "rx", "rw", "r":\n    a = m.kernel_map.enter("64 KiB", prot=prot)',
    'm.kernel_map.enter("16 KiB", prot="rwx")  # the picture above follows',
)
"""The notebook on the screenshots."""

MORE = ("Tree", "EntryList", "Ribbon", "Kentry", "Dashboard", "Comparison")
"""Pictures that the demo shows and the documents don't."""


def main() -> int:
    """Write all pictures and say how large they are, or with `--check` say which drawings the code no longer gives."""
    made = drawings()
    left = {*RECORDED.glob("*.json"), *OUT.glob("*.svg")} - made.keys()
    status = generated.keep("Make the pictures of README and docs.", made, "run `make pictures`", sorted(left))
    if "--check" in sys.argv:
        return status
    (OUT / "hero-frames.png").write_bytes(to_png(made[OUT / "hero-frames.svg"], scale=0.75))
    screenshots()
    for path in sorted(OUT.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return 0


def drawings() -> dict[Path, str]:
    """Return the text of each drawing."""
    shown, read = scenes(), texts()
    demo = {**shown, **{kind: lane(kind) for kind in MORE}}
    del demo["five-lines"]  # the demo has another fault
    return {
        **{OUT / f"{name}.svg": to_svg(scene) for name, scene in {**shown, **read}.items()},
        **hero.drawings(OUT, ROOT / "notebooks"),
        **by_graphviz(),
        **{RECORDED / f"{name}.json": packed(scene) for name, scene in demo.items()},
        RECORDED / "index.json": json.dumps(sorted(demo), indent=1) + "\n",
    }


def texts() -> dict[str, Scene]:
    """The pictures that follow the texts of docs/read.md, each of the text above it."""
    document = (ROOT / "docs" / "read.md").read_text()
    found, text = {}, ""
    for match in re.finditer(
        r'vm\.load\("""(?P<text>.*?)"""\)|\]\(pictures/(?P<name>text-\w+)\.svg\)', document, re.DOTALL
    ):
        if match["name"]:
            found[match["name"]] = vm.picture(vm.load(text)).scene()
        else:
            text = re.sub(r"(?m)^    \.\.\. ", "", match["text"])
    return found


def by_graphviz() -> dict[Path, str]:
    """Return what README's line ``….graphviz()`` draws, which Graphviz lays out, by the file for each theme."""
    readme = (ROOT / "README.md").read_text("utf-8")
    sources = [one.source for one in doctest.DocTestParser().get_examples(readme)]
    place = next(place for place, source in enumerate(sources) if source.endswith(".graphviz()\n"))
    names: dict[str, Any] = {}
    for source in sources[:place]:
        exec(source, names)
    method = eval(sources[place].removesuffix("()\n"), names)
    drawn = laid_out([method(theme=theme).source for theme in ("light", "dark")], "svg", "dot")
    alt = re.findall(r'alt="([^"]*)" src="docs/pictures/graphviz.svg"', readme)[0]
    return {
        OUT / f"{name}.svg": shown_alone(svg, alt)
        for name, svg in zip(("graphviz", "graphviz-dark"), drawn, strict=True)
    }


def shown_alone(svg: str, title: str) -> str:
    """Return Graphviz's drawing in pixels, as large as our pictures' words, with this title alone."""
    plain = re.sub(r"<!--.*?-->\n|<title>.*?</title>\n", "", svg[svg.index("<svg ") :], flags=re.DOTALL)
    sized = re.sub(r'(width|height)="(\d+)pt"', r'\1="\2"', plain, count=2)
    return re.sub(r"(<svg [^>]*)>", lambda head: f'{head[1]} role="img"><title>{escape(title)}</title>', sized, count=1)


def packed(scene: Scene) -> str:
    """Return a scene as the page gets it."""
    now = {"number": 1, "place": -1, "now": True, "kept": False, "finds": False, "cell": -1, "operations": []}
    frame = unpack(pack(scene, {**now, "number": max(scene.steps.operation, -1)}))
    return json.dumps(frame, separators=(",", ":")) + "\n"


def lane(kind: str) -> Scene:
    """One of the pictures that the documents don't have."""
    if kind == "Comparison":
        work = [vm.workload.allocate("a", "64 KiB"), vm.workload.allocate("b", "16 KiB"), vm.workload.free("a")]
        return vm.picture(vm.compare([*work, vm.workload.allocate("c", "32 KiB")])).scene()
    m = vm.boot("x86-64", layout="tiny")
    for prot in "rw", "r", "rx", "rw":
        m.kernel_map.enter("64 KiB", prot=prot)
    found: Scene = getattr(vm, kind)(m).scene()
    return found


def scenes() -> dict[str, Scene]:
    """Return what the widgets show, by the name of the file."""
    return {name: view.scene() for name, view in views().items()}


def views() -> dict[str, Picture]:
    """The widgets, by the name of the file; each keeps its machine until it is drawn."""
    return {
        "insertion": insertion(),
        "walk": walk(),
        "process": process(),
        "kmem": kmem(),
        "threads": threads(),
        "frames": frames(),
        "slabs": slabs(),
        "tables": tables(),
        "formats": formats(),
        "tlb": tlb(),
        "fault": vm.Fault(forked()),
        "five-lines": five_lines(),
        "objects": vm.Objects(forked()),
        "clock": clock(),
        "domain": domain(),
        "slab-levels": slab_levels(),
        "paging": paging(),
        "references": references(),
    }


def insertion() -> Any:
    """An insertion at its rotation."""
    m = machine()
    for prot in "rw", "r", "rx", "rw", "r":
        m.kernel_map.enter("64 KiB", prot=prot)
    view: Any = vm.Tree(m.kernel_map)
    view.jump("rotation", -1)  # to the moment before it
    operation, done = view.moment
    view.moment = (operation, done + 1)
    return view


def walk() -> Picture:
    """A walk of a page that a task has written to."""
    m = machine()
    task, heap = m.task("init"), m.object("heap")
    a = task.map.enter("64 KiB", at=0x7F0A_A6EB_0000, object=heap) + 0x33A8
    task.write(a, b"hello")
    return vm.Walk(task.walk(a, "write"))


def process() -> Picture:
    """The map of a Python process, the one that is recorded in the package, around an address in it."""
    from importlib.resources import files

    m = machine()
    text = files("vmwidgets.sources").joinpath("data/recorded_maps.txt").read_text()
    loaded = vm.load_maps(m, text, task="python")
    entries = loaded.task.map.entries()
    chosen = next(entry for entry in entries if entry.object is not None and "x" in entry.protection)
    loaded.task.map.lookup(chosen.start)
    return vm.Map(loaded.task.map, whole=40)


def kmem() -> Picture:
    """Kernel memory with a hole that is filled again, and two threads asleep on exec_map."""
    m = machine()
    _, middle, _ = (m.kmem_malloc(size) for size in ("24 KiB", "12 KiB", "16 KiB"))
    m.kmem_alloc("20 KiB")
    m.kmem_alloc_nofault("64 KiB")
    m.kmem_alloc_wait("900 KiB")
    for name in ("sh", "make"):
        m.spawn(lambda: m.kmem_alloc_wait("256 KiB"), name=name)
    m.run()
    m.kmem_free(middle, "12 KiB")
    m.kmem_malloc("8 KiB")
    return vm.Kmem(m)


def threads() -> Picture:
    """A deadlock, a thread that waits for one of its locks, and one that naps."""
    m: Any = machine()

    def locker(mine: str, wanted: str) -> Iterator[Any]:
        yield from m.kmem.maps[mine].lock()
        yield from m.tsleep("work", "work", 2)
        yield from m.kmem.maps[wanted].lock()

    m.spawn(locker, "exec_map", "pipe_map", name="sh")
    m.spawn(locker, "pipe_map", "exec_map", name="make")
    m.spawn(lambda: m.kmem_alloc_wait("4 KiB"), name="cc")
    m.run(until=2)
    m.spawn(lambda: m.tsleep("tty", "ttyin", 500), name="getty")
    for _ in range(3):
        m.step()
    return vm.Threads(m)


def frames() -> Picture:
    """Memory that is nearly used up: NORMAL requests are refused."""
    m = machine()
    m.read_file("libc", "4 MiB")
    m.pagedaemon.stop()
    m.take_pages(m.kmem.pages.available - 60)
    address = m.kmem_malloc("48 KiB", vm.M_NOWAIT)
    view, physical = vm.Frames(m), m.walk(address).pa
    assert physical is not None, "what kmem_malloc gave is mapped"
    view.selection = f"frame:{physical >> 12}"
    return view


def slabs() -> Picture:
    """Zones after some use."""
    m = machine()
    live = [m.malloc(size) for size in (40, 100, 300, 700) * 9]
    for address in live[1::3]:
        m.free(address)
    m.malloc(300)
    return vm.Slabs(m)


def tables() -> Picture:
    """ARM's tables of a mapping with a section, a large page and small ones."""
    ranges = [(0x10_0000, "1 MiB"), (0x20_0000, "64 KiB"), (0x21_4000, "12 KiB"), (0x100_0000, "16 MiB")]
    view = vm.Tables(vm.compare_formats(ranges, ["armv7"]).tables["armv7"])
    view.show_address(0x20_1000)
    return view


def formats() -> Picture:
    """A process of 32-bit size in all formats."""
    from vmwidgets.engine.mmu.formats import FORMATS

    ranges = [(0x40_0000, "4 MiB"), (0x1000_0000, "1 MiB"), (0x2000_0000, "64 MiB"), (0x7FF0_0000, "64 KiB")]
    return vm.Formats(vm.compare_formats(ranges, tuple(FORMATS)))


def tlb() -> Picture:
    """A shootdown that two processors have not acknowledged yet."""
    m = vm.boot("x86-64", cpus=3, asids=True)
    m.name = "machine 1"
    task = m.task("init")
    a = task.map.enter("64 KiB", object=m.object("heap"))
    task.write(a, bytes(16 * 4096))
    for cpu in m.cpus:
        cpu.run(task)
        for page in range(16):
            cpu.load(a + page * 4096)
    m.cpus.shootdown = "sent"
    task.map.remove(a + 0x2000, size="12 KiB")
    return vm.Tlb(m)


def forked() -> vm.Machine:
    """A child that wrote to a page that its parent has too; both have a file mapped, and the parent wrote to that."""
    m = machine()
    parent = m.task("init")
    text = parent.mmap("8 KiB", "rw", "shared", m.file("motd", b"hello, world" * 500))
    data = parent.mmap("16 KiB")
    parent.read(text, 6000)
    parent.write(text, b"H")
    parent.write(data, bytes(3 * vm.PAGE))
    child = parent.fork()
    child.write(data + vm.PAGE, b"mine")
    return m


def five_lines() -> Picture:
    """The five lines of README: a page is copied when the child writes to it."""
    parent = vm.boot("x86-64").task("init")
    a = parent.mmap("16 KiB")
    parent.write(a, b"hello")
    child = parent.fork()
    child.write(a, b"J")
    return vm.Fault(child)


def clock() -> Picture:
    """A hand that passed a page which was used, and took the next one."""
    m = vm.boot("x86-64")
    m.name = "machine 1"
    m.swap_on("1 MiB")
    m.replacement = "clock"
    task = m.task("init")
    task.limit("rss", "24 KiB")
    a = task.mmap("64 KiB")
    for page in (0, 1, 2, 3, 4, 5, 6, 1, 3, 7):
        task.write(a + page * 4096, b"used")
    return vm.Clock(task)


def domain() -> Picture:
    """The second map of a fresh domain: so much that the slab is refilled twice, a refill inside the other."""
    m = vm.boot("armv7")
    m.name = "machine 1"
    d = m.domain("hello")
    d.map(d.frame("4 KiB"))
    d.map(d.frame("2 MiB"))
    return vm.Domain(d)


def slab_levels() -> Picture:
    """A map for which blocks are refilled on three levels."""
    d = vm.boot("armv7").domain("hello")
    d.map(d.frame())
    d.map(d.device_frame("1 GiB", "64 MiB"), size="60 MiB")
    return vm.SlabLevels(d)


def paging() -> Picture:
    """The same memory for a task and for a domain."""
    m = vm.boot("armv7")
    task, d = m.task("init"), m.domain("hello")
    memory = m.object("memory")
    for size in (8192, 65536, 65536):
        task.write(task.map.enter(size, object=memory, prot="rw"), bytes(size))
        d.map(d.frame(size))
    return vm.Paging(vm.compare_paging(task, d))


def references() -> Picture:
    """A textbook's string under three policies."""
    string = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
    return vm.picture(vm.reference_string(string, 3, ("fifo", "clock", "opt")))


def machine() -> vm.Machine:
    """A machine whose name does not depend on how many there were."""
    made = vm.boot("x86-64")
    made.name = "machine 1"
    return made


def screenshots() -> None:
    """The notebook in JupyterLab, once for each theme."""
    from playwright.sync_api import sync_playwright

    from tests.browser.lab import FLAGS, Notebook, Server, find_chromium

    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        for name in THEMES:  # each with a kernel of its own
            (root / f"{name}.ipynb").write_text(json.dumps(notebook()))
        with Server(root, home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            for name, theme in THEMES.items():
                opened = Notebook(browser.new_page(viewport={"width": 1120, "height": 1500}), server, f"{name}.ipynb")
                photograph(opened, theme, OUT / f"notebook-{name}.png")
                opened.page.close()
            browser.close()


def photograph(opened: Any, theme: str, file: Path) -> None:
    """Run the notebook in `theme` and save what is seen of it."""
    opened.page.evaluate(f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    opened.run_all()
    last = "window.panel.content.activeCellIndex = window.panel.content.widgets.length - 1"
    opened.page.evaluate(f"() => {{ document.activeElement.blur(); {last}; }}")  # the empty cell, which is not seen
    opened.page.evaluate(
        "() => { for (const part of document.querySelectorAll('.jp-WindowedPanel-outer')) part.scrollTop = 0; }"
    )
    opened.page.wait_for_timeout(1500)
    cells = [opened.cell(index).bounding_box() for index in range(len(CELLS))]
    top, bottom = cells[0]["y"], cells[-1]["y"] + cells[-1]["height"]
    clip = {"x": cells[0]["x"], "y": top - 6, "width": cells[0]["width"], "height": bottom - top + 12}
    opened.page.screenshot(path=str(file), clip=clip)


def notebook() -> dict[str, Any]:
    """The cells as a notebook."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for n, source in enumerate((*CELLS, ""))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


if __name__ == "__main__":
    sys.exit(main())
