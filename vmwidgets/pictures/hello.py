"""The first cell of a notebook: a fork and the first write after it, at three stops, without a kernel behind them.

The three pictures are drawn by :mod:`.sharing` after three operations of one machine, and joined in a few lines of
HTML.  They need neither a script nor a running kernel, so a saved notebook and a page of a site have the same *write*
button.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import NamedTuple
from uuid import uuid4

from vmwidgets.engine.base.errors import in_ascii
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.views.scene.model import Caption, Node, Scene, Text
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.twin import alternative_text, caption_words, data_uri, image_html, picture_html

from .at import At
from .sharing import scene_of

FIRST = Caption("A process has three pages, in three frames.", (), "It wrote to each of them: every lock is open.")
"""What is said before the fork: the last of three writes is not the story."""

WIDE, SLIM = 900.0, 420.0
"""The widths of the pictures: of a page, and of a telephone."""

HEIGHT = 396.0
"""The height of each picture in a page: the greatest that one needs."""


OPENED = 1
"""The stop at which it opens: before the write, which the reader then makes."""


class Stop(NamedTuple):
    """A stop: its name, the line of code that led to it, its picture, and the same for a telephone.

    `made` are the IDs of the frame and of the line that are new.
    """

    name: str
    code: str
    scene: Scene
    slim: Scene
    made: tuple[str, str] | None = None


class Hello:
    """A fork and the first write after it; a notebook shows it at three stops, and ``print`` says it.

    `machine` is the machine after the write, to go on with; `stops` are the pictures.
    """

    def __init__(self, machine: Machine, stops: tuple[Stop, ...]) -> None:
        self.machine, self.stops = machine, stops

    @in_ascii
    def __str__(self) -> str:
        """Return the stops in words, in ASCII."""
        return "\n".join(f"{one.code}\n    {caption_words(one.scene)}" for one in self.stops)

    def __repr__(self) -> str:
        """Return what the last stop shows."""
        return f"<{self.stops[-1].scene.caption.text.rstrip('.')}: print it for its words, or show it in a notebook>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        """Return the stops as HTML, opened before the write: summaries choose the picture, and CSS shows it.

        A summary is a button for keys and screen readers, and needs no script.  A notebook that is not trusted loses
        the style, and shows the three pictures below each other.
        """
        name = f"vmw-{uuid4().hex[:8]}"
        names = [f"<span>{escape(stop.name)}</span>" for stop in self.stops]
        names[-1] = f'<b class="vmw-write">write</b> {names[-1]}'
        buttons = "".join(
            f'<details name="{name}"{" open" * (number == OPENED)}><summary role="button">{one}</summary></details>'
            for number, one in enumerate(names)
        )
        pictures = "".join(
            f'<div class="vmw-stop" data-vmwidgets-twin="{name}-{number}p">{_image(stop)}</div>'  # for exports
            for number, stop in enumerate(self.stops, 1)
        )
        codes = "".join(f"<code>{escape(stop.code)}</code>" for stop in self.stops)
        return f'<div class="{name}"><style>{_style(name)}</style>{buttons}{codes}{pictures}</div>'


def _image(stop: Stop) -> str:
    image = image_html(to_svg(stop.scene), alternative_text(stop.scene), f"; color-scheme: light; width: {WIDE:g}px")
    return picture_html(image, data_uri(to_svg(stop.slim)))


_DARK = ":is([data-jp-theme-light=false], .vscode-dark, html[theme=dark])"


def _style(name: str) -> str:
    """Return the style sheet of one output; on paper, the pictures are beside each other."""
    first, last = (f"details:{which}-of-type[open]" for which in ("first", "last"))
    at = (f".{name}:has(> {first})", f".{name}:not(:has(> :is({first}, {last})))", f".{name}:has(> {last})")
    shown = "".join(
        f"{one} > :is(code, .vmw-stop):nth-of-type({number}) {{ display: block }} "
        f"{one} > details:nth-of-type({number}) > summary {{ border-color: currentColor; font-weight: 600 }} "
        for number, one in enumerate(at, 1)
    )
    return (
        f".{name} {{ font: 14px system-ui, sans-serif }} "
        f".{name} > :is(code, .vmw-stop), .{name} .vmw-write {{ display: none }} "
        f".{name} > code {{ margin: 6px 0 }} "
        f".{name} > details {{ display: inline-block; margin: 0 8px 4px 0 }} "
        f".{name} summary {{ list-style: none; font-weight: 400; padding: 3px 12px; border: 1px solid transparent; "
        f"border-radius: 14px; cursor: pointer; white-space: nowrap }} "
        f".{name} summary::-webkit-details-marker {{ display: none }} "
        f"{shown}"
        f"{at[OPENED]} .vmw-write {{ display: inline }} {at[OPENED]} .vmw-write + span {{ display: none }} "
        f"{at[OPENED]} summary:has(.vmw-write) {{ background: #0a7d50; color: #fff; font-weight: 600 }} "
        f"{_DARK} .{name} img {{ color-scheme: dark !important }} "
        f"@media print {{ .{name} > .vmw-stop {{ display: inline-block !important; width: 32% }} "
        f".{name} > :is(details, code) {{ display: none !important }} .{name} img {{ width: 100% !important }} }}"
    )


def hello() -> Hello:
    """Return a fork and the first write after it, as the first thing that a notebook shows.

    A parent writes to three pages, forks, and its child writes one byte.  The three stops are before the fork, before
    the write (it opens there), and after it; the button *write* leads from the second to the third.  It is recorded: a
    saved notebook has it too.

    >>> import vmwidgets as vm
    >>> vm.hello()
    <The first write copies one page, and only that page: print it for its words, or show it in a notebook>
    >>> vm.hello().machine.tasks["child"].read(0x1_0000, 5)
    b'Jello'
    """
    machine = boot("x86-64", fork="counted")
    return Hello(machine, tuple(_stops(machine)))


def _stops(machine: Machine) -> Iterator[Stop]:
    """Yield the stops; each picture is drawn when its operation is over."""
    parent = machine.task("parent")
    a = parent.mmap("12 KiB")
    parent.write(a, b"hello")
    parent.write(a + 4096, b"two")
    parent.write(a + 8192, b"three")
    wide, slim = (_calm(_bare(machine, a, width), width) for width in (WIDE, SLIM))
    yield Stop("before the fork", 'parent.write(a + 8192, b"three")', wide, slim)
    child = parent.fork("child")
    wide, slim = (_bare(machine, a, width) for width in (WIDE, SLIM))
    yield Stop("before the write", 'child = parent.fork("child")', wide, slim)
    child.write(a, b"J")
    wide, slim = (_bare(machine, a, width) for width in (WIDE, SLIM))
    new = next(node.id for node in wide.nodes if "new" in node.state)
    yield Stop("after the write", 'child.write(a, b"J")', wide, slim, (new, f"sharing/child/{a:x}/to"))


def _bare(machine: Machine, a: int, width: float) -> Scene:
    """Return the picture of a machine without legends, with room for a copy of the page at `a`."""
    at = At(machine, machine, len(machine.journal) - 1, width=width)
    scene = scene_of(at, room={a: 2})
    nodes = tuple(
        replace(node, text=node.text[:1]) if node.id.startswith("sharing/has/") else node
        for node in scene.nodes
        if not node.id.startswith(("sharing/legend/", "sharing/key/"))
    )
    return replace(scene, title="", subtitle="", nodes=nodes, height=HEIGHT)


def _calm(scene: Scene, width: float) -> Scene:
    """Return the picture before the fork without marks of what is new, and with the place of the child."""
    none = Text(120, 15, "no child yet", "label dim", "end")
    nodes = [
        replace(
            node,
            bars=tuple(replace(bar, style=bar.style.replace("step-new", "step")) for bar in node.bars),
            text=tuple(replace(run, style=run.style.replace(" new", " dim")) for run in node.text),
            state=tuple(one for one in node.state if one not in ("new", "changed")),
        )
        for node in scene.nodes
    ]
    nodes.append(Node("hello/none", "label", width - 134, 4, 120, 20, shape="none", text=(none,)))
    links = tuple(replace(link, state=()) for link in scene.links)
    return replace(scene, caption=FIRST, nodes=tuple(nodes), links=links)
