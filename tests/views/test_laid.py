"""Graphviz's drawing as it goes into a file: shapes and words, and nothing else that a page may have sent."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.laid import read_laid
from vmwidgets.views.scene.svg import around

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0.00 0.00 90.5 40">'
DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
NODE = (
    '<g id="graph0" class="graph" transform="scale(1 1) rotate(0) translate(4 36)"><title>scene</title>'
    '<polygon fill="#ffffff" stroke="none" points="-4,4 -4,-36 86,4"/>'
    '<g id="n" class="node"><polygon fill="#f6f8fa" stroke="#7f8a97" stroke-dasharray="5,2" points="5,-1.5 0,-9"/>'
    '<path fill="none" stroke="black" d="M20,-8C20,-8 60.2,-8 61e0,-8"/>'
    '<text xml:space="preserve" text-anchor="start" font-family="Arial" x="4.6" y="-6">a &amp;  &lt;b&gt;</text>'
    "</g></g>"
)


def test_a_drawing_of_graphviz_keeps_its_shapes_words_and_size() -> None:
    laid = read_laid(f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{DOCTYPE}\n<!-- x -->{HEAD}{NODE}</svg>')
    assert (laid.width, laid.height) == (90.5, 40)
    root = ET.fromstring(f"<g>{laid.markup}</g>")
    assert [one.text for one in root.iter("text")] == ["a &  <b>"]
    assert [one.get("points") for one in root.iter("polygon")] == ["5,-1.5 0,-9"], "a page has a ground of its own"
    kept = {key for one in root.iter() for key in one.attrib}
    assert {"transform", "d", "stroke-dasharray", "text-anchor"} <= kept
    assert root[0].get("transform") == "scale(1 1) rotate(0) translate(4 36)"


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
        '<g xmlns="http://www.w3.org/1999/xhtml"><text>alert(1)</text></g>',
        "<foreignObject><text>alert(1)</text></foreignObject>",
        '<image xlink:href="http://alert.example/"/>',
        '<use href="#alert"/>',
        "<style>@import url(alert)</style>",
        '<g onclick="alert(1)"/>',
        '<a xlink:href="javascript:alert(1)"/>',
        '<g style="fill: url(alert)"/>',
        '<path fill="url(#alert)"/>',
        '<path fill="red&quot; onload=&quot;alert(1)"/>',
        '<path fill="javascript:alert"/>',
        '<g transform="translate(4 4) alert(1)"/>',
        '<animate attributeName="href" to="alert"/>',
        "<!-- alert --><?alert?>",
        "<g>" * 40 + "<text>alert</text>" + "</g>" * 40,
    ],
)
def test_what_is_no_shape_and_no_word_is_left_out(bad: str) -> None:
    markup = read_laid(f"{HEAD}{bad}<text>stays</text></svg>").markup
    assert "alert" not in markup
    assert markup.endswith("<text>stays</text>")


def test_words_stay_words() -> None:
    markup = read_laid(f"{HEAD}<text>&lt;script&gt;\u202e&lt;/text&gt;</text></svg>").markup
    assert re.findall("<[^>]*>", markup) == ["<text>", "</text>"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no drawing",
        "<svg",
        f"{HEAD}<g>",
        HEAD.replace("svg", "html") + "</html>",
        "<svg/>",
        HEAD.replace("90.5", "nan") + "</svg>",
        HEAD.replace("90.5", "9" * 400) + "</svg>",
        HEAD.replace("90.5", "0") + "</svg>",
        HEAD.replace("90.5", '1"><script/><g id="') + "</g></svg>",
        f'<!DOCTYPE svg [<!ENTITY lol "lol">]>{HEAD}<text>&lol;</text></svg>',
        f'<!DOCTYPE svg [<!ENTITY file SYSTEM "file:///etc/hostname">]>{HEAD}<text>&file;</text></svg>',
        f'{HEAD}<!DOCTYPE svg [<!ENTITY lol "lol">]><text>&lol;</text></svg>',
        f'<!DOCTYPE svg [<!ENTITY lol "<svg">]>{HEAD}<text>&lol;</text></svg>',
    ],
)
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="Graphviz's drawing"):
        read_laid(text)


def test_the_picture_has_the_scenes_words_and_the_drawing_in_its_own_size() -> None:
    scene = vm.Map(vm.boot("x86-64").kernel_map).scene()
    svg, wide = around(scene, read_laid(f"{HEAD}{NODE}</svg>"))
    root = ET.fromstring(svg)
    words = " ".join(text for text in root.itertext())
    assert all(word in words for word in scene.title.split())
    assert "a &  <b>" in words
    assert wide == float(root.get("width", "")) == scene.width
    (inner,) = root.findall("{http://www.w3.org/2000/svg}svg")
    assert (inner.get("width"), inner.get("height")) == ("90.5", "40")
