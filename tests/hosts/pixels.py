"""What is to be seen in a screenshot: a picture can be right in the page's structure and black on the screen."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import hosts

SCREENS = hosts.FOLDER / "screens"
"""Where the screenshots are kept, to be looked at."""

READABLE = 3.0
"""A text's darkest or lightest pixel against its ground; 4.5 : 1 in the style sheet, less in thin letters."""

HOUSE = {"red": (0xF8, 0xDD, 0xD6), "black": (0x2B, 0x31, 0x38), "new": (0x0A, 0x7D, 0x50)}
"""Colours of the style sheet, as the light theme has them."""

COUNT = """async ([png, boxes]) => {
    const bytes = await (await fetch('data:image/png;base64,' + png)).blob();
    const image = await createImageBitmap(bytes);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return (boxes ?? [[0, 0, image.width, image.height]]).map(([x, y, w, h]) => {
        const { data } = context.getImageData(x, y, Math.max(1, w), Math.max(1, h));
        const counts = new Map();
        for (let i = 0; i < data.length; i += 4) {
            const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
            counts.set(colour, (counts.get(colour) ?? 0) + 1);
        }
        return [...counts].sort((a, b) => b[1] - a[1]);
    });
}"""

TEXTS = """(root) => {
    const frame = root.getBoundingClientRect();
    return [...root.querySelectorAll('.vmw-scene .node text')].map((text) => {
        const { left, top, width, height } = text.getBoundingClientRect();
        return [text.textContent, [left - frame.left, top - frame.top, width, height].map(Math.round)];
    }).filter(([words, [, , width]]) => words.trim() && width > 4);
}"""

Colour = tuple[int, int, int]
Counts = list[tuple[Colour, int]]


@dataclass(frozen=True)
class Look:
    """What one screenshot shows."""

    path: Path
    whole: Counts
    texts: list[tuple[str, float]]
    """Each text of the picture, and how much it stands out from its ground: 1 is not at all, 21 is black on white."""

    @property
    def unreadable(self) -> list[str]:
        """Texts that can't be told from their ground."""
        return [f"{words} {ratio:.1f} : 1" for words, ratio in self.texts if ratio < READABLE]

    def share(self, colour: Colour) -> float:
        """The part of the screenshot that has a colour, from 0 to 1."""
        return sum(count for other, count in self.whole if other == colour) / sum(count for _, count in self.whole)

    @property
    def house(self) -> set[str]:
        """The colours of the style sheet that are there, in more than a few pixels."""
        counts = dict(self.whole)
        return {name for name, colour in HOUSE.items() if counts.get(colour, 0) > 20}


def look(element: Any, name: str) -> Look:
    """Take a screenshot of an element, keep it under a name, and count its colours."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = SCREENS / f"{name}.png"
    png = base64.b64encode(element.screenshot(path=path)).decode("ascii")
    texts = element.evaluate(TEXTS)
    page = element.page.context.browser.new_page()
    try:
        (whole,) = page.evaluate(COUNT, [png, None])
        boxes = page.evaluate(COUNT, [png, [box for _, box in texts]])
    finally:
        page.close()
    ratios = [(words, standing_out(colours(counts))) for (words, _), counts in zip(texts, boxes, strict=True)]
    return Look(path, colours(whole), ratios)


def colours(counts: list[tuple[int, int]]) -> Counts:
    """The page's counts, the most frequent first."""
    return [((colour >> 16, colour >> 8 & 255, colour & 255), count) for colour, count in counts]


def standing_out(counts: Counts) -> float:
    """The contrast of the most frequent colour, the ground, with the one that differs most from it."""
    ground = luminance(counts[0][0])
    return max(contrast(ground, luminance(colour)) for colour, _ in counts)


def contrast(one: float, other: float) -> float:
    """The ratio of two luminances, as the guidelines for accessible pages have it."""
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    """How light a colour of sRGB is, from 0 to 1."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
