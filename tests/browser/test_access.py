"""Every picture for everybody: axe in light, dark and the reader's own colours; states without colours; zoom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import expect

from tests.browser.lab import AXE, Notebook
from vmwidgets.pictures.registry import known_pictures

ROOT = Path(__file__).resolve().parents[2]

SUBJECTS = f"""%%capture
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.views import gallery
""" + """
import vmwidgets as vm
from vmwidgets.given.followed import Break, Followed
from vmwidgets.given.stops import SpaceAtStop, Stop, Stops
from vmwidgets.given.process import ForkedPage, ForkedValue
from vmwidgets.real.own.recorded import recorded_cell
from vmwidgets.widgets.host.show import view_of

m = vm.boot("x86-64", layout="tiny", cpus=2)
task = m.task("init")
a = task.map.enter("64 KiB", object=m.object("heap"))
task.write(a, b"hello")
for prot in "rw", "r", "rx":
    m.kernel_map.enter("64 KiB", prot=prot)
d = vm.boot("armv7").domain("hello")
d.map(d.frame("4 KiB"))
d.map(d.frame("64 KiB"))
other = vm.boot("armv7")
small = other.task("sh")
small.write(small.map.enter("8 KiB", object=other.object("o"), prot="rw"), b"x")
formats = vm.compare_formats([(0x40_0000, "1 MiB")], ["armv7", "x86-64"])
paged = other.domain("paged")
paged.map(paged.frame("8 KiB"))
kernel = vm.boot("x86-64")
for name in ("sh", "make"):
    kernel.spawn(lambda: kernel.kmem_alloc_wait("900 KiB"), name=name)
kernel.run()
kernel.malloc(300)
trace = vm.trace([page << 12 for page in (1, 2, 3, 1, 9)], [False, True, False, False, True])
subjects = {
    "Comparison": vm.compare([vm.workload.allocate("a", "64 KiB"), vm.workload.free("a")]),
    "Formats": formats, "Tables": formats.tables["armv7"], "Paging": vm.compare_paging(small, paged),
    "Diff": vm.diff(small, "1000-2000 rw-p 0 00:00 0   [stack]"),
    **dict.fromkeys(["Domain", "Capabilities", "Vnodes", "SlabLevels"], d),
    **dict.fromkeys(["Map", "Tree", "EntryList", "Ribbon"], m.kernel_map), "Kentry": m, "Dashboard": m, "Tlb": m,
    "Beside": (vm.picture(m.kernel_map, moment=(m.journal.serial(1), None)), vm.picture(m.kernel_map)),
    "Pasted": vm.load("usertrap(): unexpected scause 0xf pid=3\\npanic: freewalk: leaf"),
    "Process": vm.load("1000-3000 r-xp 00000000 08:01 7 /bin/true\\n"),
    "Followed": Followed("broken", "cow", 46, 120, Break("count", "Frame 0x87f9_3000 is counted once.", line="vm.c:9")),
    "BesideLinux": vm.compare_with_linux(vm.boot(layout="tiny")),
    "Stops": Stops((Stop(0, "uvmcopy", ()), Stop(1, "shell", (SpaceAtStop("sh (1)", (), (0x87f9_3000,), ()),)))),
    "Program": vm.play("fork", vm.boot("x86-64", tlb=(1, 4))), "Sharing": m,
    "Fault": task, "Objects": m, "Clock": m,
    "CellMemory": recorded_cell("This cell"),
    "CopyOnWrite": ForkedValue(7, 8, (ForkedPage(0x1000, "A", "B", True, True),), "fork"),
    "Locality": trace, "FaultCurves": trace.faults(frames=(1, 2, 3)),
    "Intervals": trace.intervals(),
    "References": vm.reference_string("1 2 3w 1 4", (2, 3), ("fifo", "clock")),
    "Walk": task.walk(a, "write"), **dict.fromkeys(["Kmem", "Frames", "Slabs", "Threads"], kernel),
}
views = {name: view_of(name)(subject) for name, subject in subjects.items()}
others = [name for name in NAMES if name not in views]
targets = {name: gallery.first_of(name).target for name in others}  # a picture does not keep its machine
views |= {name: view_of(name)(target) for name, target in targets.items()}
""".replace("NAMES", repr([*known_pictures()]))
"""A picture of each kind that is small; of those that are not named here, the gallery's first.

Nothing is shown in the first cell, where the gallery asks predictions.
"""

CELLS = (SUBJECTS, *(f"views[{name!r}]" for name in known_pictures()))
"""A picture a cell: anywidget gives each two seconds."""

THEMES = ("JupyterLab Light", "JupyterLab Dark", "")
"""The last one is the reader's own colours."""

GROUNDS = """() => [...document.querySelectorAll('.vmwidgets')]
    .map((one) => getComputedStyle(one).getPropertyValue('--vmw-bg').trim())"""

ARE_DARK = """(dark) => [...document.querySelectorAll('.vmwidgets')].every(
    (figure) => figure.parentElement.classList.contains('vmw-dark') === dark)"""

AUDIT = """async () => {
    const found = await axe.run({ include: [['.vmwidgets']] });
    const first = (rule) => rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    return found.violations.map((rule) => `${rule.id}: ${first(rule)}`);
}"""

ALIKE = """() => {
    const [none, changed] = [[], ['changed']];
    const some = { axis: none, 'address-bit': none, switch: none, stage: none, 'page-part': changed, bit: changed };
    some.record = ['path'];
    some.board = none;
    some['board-frame'] = ['new', 'changed'];
    some.vnode = some.hardware = some.cap = ['changed', 'path'];  // what is new of a domain has a line around all of it
    const alike = new Set();
    for (const node of document.querySelectorAll('.vmwidgets > .vmw-scene .node')) {
        const shape = node.querySelector(':scope > .shape');
        const kind = node.classList[1];
        if (!shape || (node.getAttribute('role') ?? 'img') === 'img') continue;  // those have a name, and one state
        if (node.classList.contains('coming')) continue;  // what is still to come has no other state
        if (kind === 'run' && node.classList.contains('tile')) continue;  // a line around several says it
        if (node.classList.contains('within')) continue;
        const before = node.getAttribute('class');
        const marks = ['new', 'changed', 'path', 'here', 'leaving'];
        const others = before.split(' ').filter((word) => !marks.includes(word));
        const states = ['', ...(some[kind] ?? ['new', 'changed', 'path'])];
        const looks = states.map((state) => {
            node.setAttribute('class', [...others, state].join(' '));
            const { strokeWidth, strokeDasharray, stroke } = getComputedStyle(shape);
            return stroke === 'none' ? 'none' : `${strokeWidth} ${strokeDasharray}`;
        });
        node.setAttribute('class', before);
        if (new Set(looks).size < states.length) alike.add(`${others.slice(1).join('.')}: ${looks.join(', ')}`);
    }
    return [...alike];
}"""
"""Kinds of nodes of which two of the states that they can be in differ in colours only."""

SAME_IN_LEGEND = """() => [...document.querySelectorAll('.vmwidgets > .vmw-scene')].flatMap((scene) => {
    const looks = new Map();
    for (const bar of scene.querySelectorAll('.node[data-id*="/legend/"] .bar')) {
        const { fill, fillOpacity, stroke, strokeWidth, strokeDasharray } = getComputedStyle(bar);
        const isLine = bar.getBoundingClientRect().width < 5;  // a break of an axis is two lines, and no box
        const look = [fill, fillOpacity, stroke, strokeWidth, strokeDasharray, isLine].join(' ');
        const same = looks.get(look) ?? new Set();
        looks.set(look, same.add(bar.getAttribute('class')));
    }
    return [...looks.values()].filter((same) => same.size > 1).map((same) => [...same].join(' and '));
})"""
"""Pieces of a legend that have one look, though they stand for different things."""

VANISHED = """() => [...document.querySelectorAll('.vmwidgets')].flatMap((figure) => {
    const probe = figure.appendChild(document.createElement('i'));
    probe.style.color = 'var(--vmw-bg)';
    const ground = getComputedStyle(probe).color;
    probe.remove();
    return [...figure.querySelectorAll('.node.page-part > .shape')].filter((shape) => {
        const { fill, fillOpacity, stroke } = getComputedStyle(shape);
        return (fill === ground || Number(fillOpacity) === 0) && (stroke === ground || stroke === 'none');
    }).map((shape) => shape.parentNode.getAttribute('class'));
})"""
"""Runs of pages that have the ground's colour and no outline of another one."""

TOO_SMALL = """() => [...document.querySelectorAll('.vmwidgets > .vmw-scene')].flatMap((scene) => {
    const scale = 2 * scene.getBoundingClientRect().width / scene.viewBox.baseVal.width;
    const size = (text) => parseFloat(getComputedStyle(text).fontSize) * scale;
    const sizes = [...scene.querySelectorAll('text')].map(size);
    return Math.min(...sizes) < 23.8 ? [`${scene.getAttribute('aria-label')}: ${Math.min(...sizes)}`] : [];
})"""
"""Pictures with words below 12 pixels of the page, two of the screen each, but for rounding."""

HIDDEN = """() => [...document.querySelectorAll('.vmwidgets')].flatMap((figure) => {
    const box = figure.getBoundingClientRect();
    const parts = figure.querySelectorAll('button, input, select, summary, .vmw-caption, .vmw-title, .vmw-where');
    return [...parts].filter((part) => part.checkVisibility()).filter((part) => {
        const { left, right } = part.getBoundingClientRect();
        return left < box.left - 1 || right > box.right + 1;
    }).map((part) => `${figure.querySelector('.vmw-title').textContent}: ${part.outerHTML.slice(0, 80)}`);
})"""
"""Controls and words that reach out of their picture."""


ABOVE = """() => [...document.querySelectorAll('.vmwidgets')].flatMap((figure) => {
    const high = (part) => figure.querySelector(part)?.getBoundingClientRect().height ?? 0;
    const parts = ['.vmw-header', '.vmw-time', '.vmw-caption > b'].map(high);
    const sum = parts.reduce((one, other) => one + other, 0);
    return sum > 96 ? [`${figure.querySelector('.vmw-title').textContent}: ${parts.map(Math.round)}`] : [];
})"""
"""Pictures whose facts, slider and title take more than 96 pixels of a page's height."""

SHARE = """(index) => {
    document.querySelectorAll('.jp-Notebook-cell')[index].scrollIntoView({ block: 'start' });
    const scene = document.querySelectorAll('.vmwidgets > .vmw-scene')[index - 1];
    const { top, bottom, height } = scene.getBoundingClientRect();
    return [height, (Math.min(bottom, innerHeight) - top) / innerHeight];
}"""
"""A picture's height, and the part of the window that it has when its cell is at the top."""


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_a_picture_has_most_of_the_screen_below_its_cell(
    size: tuple[int, int], open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    width, height = size
    notebook = open_notebook(new_notebook(*CELLS), viewport={"width": width, "height": height})
    notebook.run_all()
    expect(notebook.page.locator(".vmwidgets > .vmw-scene")).to_have_count(len(CELLS) - 1, timeout=30_000)
    assert notebook.page.evaluate(ABOVE) == []
    shares = {CELLS[index]: notebook.page.evaluate(SHARE, index) for index in range(1, len(CELLS))}
    small = {cell: share for cell, (high, share) in shares.items() if share < min(0.55, 0.99 * high / height)}
    assert small == {}


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(*CELLS), viewport={"height": 3000})
    opened.run_all()
    expect(opened.page.locator(".vmwidgets > .vmw-scene")).to_have_count(len(CELLS) - 1)
    opened.page.evaluate(AXE.read_text())
    return opened


def test_every_picture_is_accessible_in_three_themes_and_its_states_are_told_apart_without_colours(
    notebook: Notebook,
) -> None:
    found = {}
    for theme in THEMES:
        if theme:
            change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
            notebook.page.evaluate(change, theme)
            notebook.page.wait_for_function(ARE_DARK, arg=theme.endswith("Dark"))
        else:
            notebook.page.emulate_media(forced_colors="active")
        found[theme] = [
            one for check in (AUDIT, ALIKE, SAME_IN_LEGEND, VANISHED) for one in notebook.page.evaluate(check)
        ]
    assert not any(found.values()), "\n".join(f"{theme}: {one}" for theme, all_ in found.items() for one in all_)
    assert set(notebook.page.evaluate(GROUNDS)) == {"Canvas"}, "the reader's own colours hold on a dark page, too"


@pytest.mark.parametrize("third", [0, 1, 2])
def test_every_picture_can_be_read_at_twice_the_size(
    third: int, open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    narrow = {"width": 650, "height": 12_000}  # what a page 1,300 pixels wide has at 200 %
    shown = CELLS[1 + third :: 3]  # all at once would be more than a busy machine's page draws in two seconds
    notebook = open_notebook(new_notebook(SUBJECTS, *shown), viewport=narrow)
    notebook.run_all()
    pictures = notebook.page.locator(".vmwidgets > .vmw-scene")
    expect(pictures).to_have_count(len(shown), timeout=30_000)
    with suppress(Late):  # each is laid out for the width of the page
        notebook.page.wait_for_function(f"() => ({TOO_SMALL})().length === 0")
    assert notebook.page.evaluate(TOO_SMALL) == []
    assert notebook.page.evaluate(HIDDEN) == []


def test_keys_and_looks_are_explained_side_by_side_when_asked_for(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    notebook = open_notebook(new_notebook("import vmwidgets as vm\nm = vm.boot()\nm"))
    notebook.run_all()
    expect(notebook.page.locator(".vmw-scene .node").first).to_be_visible()
    notebook.page.locator(".vmw-help").first.click()
    tops = notebook.page.locator(".vmw-legend dl").evaluate_all("(lists) => lists.map((one) => one.offsetTop)")
    assert tops == [tops[0]] * 2
