"""A notebook's pictures in LaTeX, PDF, Markdown and other formats without HTML.

A saved picture is an `<img>` that contains its drawing.  nbconvert puts no HTML into LaTeX, and would show a table
instead of the picture.  The preprocessor inserts the drawing: a PNG if the extra ``png`` is installed, or else the SVG.

nbconvert has no entry point for preprocessors.  But when it starts, it loads every exporter that an entry point names.
So our entry point names a disabled exporter, and loading it registers the preprocessor.
"""

from __future__ import annotations

from base64 import b64encode
from importlib.util import find_spec
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_output
from traitlets import Bool

VIEW = "application/vnd.jupyter.widget-view+json"
_WITH_HTML = ("text/html", "application/json")  # application/json is a notebook, which has its cells' outputs


class PicturesPreprocessor(Preprocessor):
    """A preprocessor that replaces the HTML of vmwidgets' pictures with their drawings, for formats without HTML."""

    enabled = Bool(True, help="Whether pictures of vmwidgets are put in place of their HTML.").tag(config=True)

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Replace the pictures in a cell's outputs."""
        if getattr(self.parent, "output_mimetype", "text/html") not in _WITH_HTML and "outputs" in cell:
            cell.outputs = drawn(cell.outputs)
        return cell, resources


def drawn(outputs: list[Any]) -> list[Any]:
    """Return these outputs with drawings instead of saved pictures, and without the live pictures.

    >>> html = '<div data-vmwidgets-twin="t"><img alt="a map" src="data:image/svg+xml;charset=utf-8,<svg/>"></div>'
    >>> [one] = drawn([_output({"text/html": html, "text/plain": "table"})])
    >>> sorted(one["data"])[1:]
    ['text/plain']
    """
    from vmwidgets.views.scene.twin import drawings_in  # nbconvert imports this module whenever it starts

    found: list[Any] = []
    for output in outputs:
        pictures = drawings_in(output.get("data", {}).get("text/html", ""))
        if not pictures:
            found.append(output)
            continue
        if found and VIEW in found[-1].get("data", {}):
            found.pop()  # its saved picture follows
        found += [_output({**_image(svg), "text/plain": alt}) for alt, svg in pictures]
    return found


def _output(data: dict[str, str]) -> Any:
    return new_output("display_data", data)  # type: ignore[no-untyped-call]  # nbformat's


def _image(svg: str) -> dict[str, str]:
    from vmwidgets.views.scene.plain import plain_svg, to_png

    if find_spec("resvg_py") is None:
        return {"image/svg+xml": plain_svg(svg)}
    return {"image/png": b64encode(to_png(svg)).decode()}


class NoExporter(Exporter):
    """The entry point's exporter; it exports nothing, so no list of formats contains it."""

    enabled = Bool(False)


def register() -> None:
    """Register the preprocessor with all exporters; it runs after a notebook was executed."""
    known = Exporter.class_traits()["default_preprocessors"].default_args[0]  # type: ignore[attr-defined]  # of a list
    name = f"{__name__}.{PicturesPreprocessor.__name__}"
    if name not in known:
        known.insert(known.index("nbconvert.preprocessors.ExecutePreprocessor") + 1, name)


register()
