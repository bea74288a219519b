"""An exported picture is the page's picture: drawn by Chromium with its style sheet, and by others from attributes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pypdfium2
import pytest
import resvg_py
from PIL import Image, ImageChops

from tests.tiers import program
from tests.views.gallery import every
from vmwidgets.views.scene.plain import plain_svg, to_pdf

SCALE = 2
"""Pixels for each of the drawing's."""

SEEN = 40
"""The least difference of a channel that is another colour: edges are smoothed in other ways."""

REGION = 4
"""Pixels of the side of a square that is a region of another colour: edges are thinner."""

WORDS = r"(?s)<text.*?</text>"
"""No two programs have the same letters."""

SAID = """() => [...document.querySelectorAll('rect, path, circle, text')].map((one) => {
    const style = getComputedStyle(one), said = {};
    let opacity = 1;
    for (let at = one; at instanceof Element; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
    for (const name of ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray', 'rx',
        'font-size', 'font-weight', 'text-anchor', 'letter-spacing', 'white-space-collapse']) said[name] = style[name];
    for (const name of ['fill', 'stroke']) if (/, 0\\)$/.test(said[name])) said[name] = 'none';
    if (said.stroke === 'none') for (const name in said) if (name.startsWith('stroke')) delete said[name];
    if (one.localName !== 'text') for (const name in said) if (/font|text|letter|white/.test(name)) delete said[name];
    if (one.localName !== 'rect') delete said.rx;
    return JSON.stringify({...said, opacity, mono: one.localName === 'text' && /mono/i.test(style.fontFamily)});
})"""
"""What the elements look like, each as a text."""


def of_each_kind() -> Iterator[tuple[str, str]]:
    """The first picture of each kind, by its kind, as an SVG for pages."""
    kinds = set()
    for name, picture in every():
        if (kind := type(picture).__name__) not in kinds:
            kinds.add(kind)
            yield name, picture.to_svg()


def of_all() -> Iterator[tuple[str, str]]:
    """All pictures of the gallery."""
    yield from ((name, picture.to_svg()) for name, picture in every())


def image(png: bytes) -> Image.Image:
    """An image, without an alpha channel."""
    return Image.open(BytesIO(png)).convert("RGB")


def page_of(pdf: bytes) -> Image.Image:
    """The page of a PDF, as PDFium draws it: a pixel is 0.75 pt."""
    (page,) = pypdfium2.PdfDocument(pdf)
    drawn: Image.Image = page.render(scale=SCALE / 0.75).to_pil()
    return drawn.convert("RGB")


def regions(one: Image.Image, other: Image.Image) -> int:
    """How many squares of :data:`REGION` pixels have another colour throughout."""
    size = min(one.width, other.width), min(one.height, other.height)  # of half a pixel, a renderer keeps a whole one
    difference = ImageChops.difference(one.crop((0, 0, *size)), other.crop((0, 0, *size)))
    differs = np.asarray(difference).max(axis=2) > SEEN
    for _ in range(REGION - 1):
        differs = differs[1:] & differs[:-1]
    for _ in range(REGION - 1):
        differs = differs[:, 1:] & differs[:, :-1]
    return int(np.count_nonzero(differs))


@pytest.mark.parametrize("drawings", [of_each_kind, pytest.param(of_all, marks=pytest.mark.sweep)])
def test_an_exported_picture_looks_the_same_in_a_browser_resvg_librsvg_and_a_pdf(
    drawings: Callable[[], Iterator[tuple[str, str]]], chromium: Any
) -> None:
    rsvg = program("rsvg-convert")
    pages = {
        theme: chromium.new_context(
            viewport={"width": 1400, "height": 3000}, device_scale_factor=SCALE, color_scheme=theme
        ).new_page()
        for theme in ("light", "dark")
    }
    wrong, count = [], 0

    def shown(page: Any, svg: str) -> None:
        hidden = "text { visibility: hidden }"  # no two of them have the same letters
        width = float(re.search(r' width="([\d.]+)"', svg)[1])
        page.set_content(
            f"<!doctype html><style>{hidden}</style><body style='margin: 0; width: {width}px'>{svg}</body>"
        )

    for name, svg in drawings():
        for theme, page in pages.items():
            count += 1
            shown(page, svg)
            said, box = page.evaluate(SAID), page.locator("svg").bounding_box()
            seen = image(page.screenshot(clip=box))
            plain = plain_svg(svg, theme=theme)
            shown(page, plain)
            if said != (other := page.evaluate(SAID)):
                pairs = [pair for pair in zip(said, other, strict=True) if pair[0] != pair[1]]
                wrong.append(f"{name}, {theme}: {len(pairs)} elements look otherwise: {pairs[0]}")
            plain = re.sub(WORDS, "", plain)
            made = {
                "resvg": resvg_py.svg_to_bytes(svg_string=plain, zoom=SCALE),
                "librsvg": subprocess.run(
                    [rsvg, "--zoom", str(SCALE), "--unlimited"], input=plain.encode(), capture_output=True, check=True
                ).stdout,
            }
            images = {how: image(bytes(png)) for how, png in made.items()}
            if count % 3 == 0:  # of each third picture, in both themes by turns
                images["pdfium"] = page_of(to_pdf(re.sub(WORDS, "", svg), theme=theme))
            for how, drawn in images.items():
                if found := regions(drawn, seen):
                    wrong.append(f"{name}, {theme}, by {how}: {found} squares have another colour")
    for page in pages.values():
        page.context.close()
    assert wrong == [], "\n".join(wrong)
    assert count > 80
