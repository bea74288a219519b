"""What every picture can be turned into, live or not."""

from __future__ import annotations

from typing import Any

from vmwidgets.views.scene import Scene
from vmwidgets.views.wire import encode_scene

from .page import html_page
from .text import text_twin


class Exports:
    """Files and text from a scene."""

    def scene(self) -> Scene:
        """The scene that is shown."""
        raise NotImplementedError

    def to_svg(self) -> str:
        """The picture as a standalone SVG document."""
        from vmwidgets.views.svg import to_svg

        return to_svg(self.scene())

    def to_dot(self) -> str:
        """The graph in the picture in Graphviz's language, with all positions given."""
        from vmwidgets.views.dot import whole_dot

        return whole_dot(self.scene())

    def to_json(self) -> dict[str, Any]:
        """The scene as plain data, documented in :mod:`vmwidgets.views.wire`."""
        return encode_scene(self.scene())

    def to_html(self) -> str:
        """One HTML file that needs nothing else: the picture, its words and its table."""
        return html_page(self.scene(), self.to_svg())

    def text(self) -> str:
        """The picture in words: heading, caption and table."""
        return text_twin(self.scene())
