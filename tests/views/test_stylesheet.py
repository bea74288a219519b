from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.views.gallery import every
from vmwidgets.views.scene.svg import standalone_style

CSS = Path(__file__).parents[2] / "vmwidgets" / "views" / "scene" / "style.css"


def palettes() -> list[dict[str, str]]:
    """The colours of each theme as they stand in the sheet: light, dark in a notebook, dark standalone."""
    blocks = re.findall(r"\{([^{}]*--vmw-bg:[^{}]*)\}", CSS.read_text())
    found = [dict(re.findall(r"--vmw-([\w-]+):\s*(#[0-9a-f]{6})", block)) for block in blocks]
    return [palette for palette in found if palette]  # the reader's own colours have no numbers


LIGHT, DARK, STANDALONE_DARK = palettes()


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


WORDS = ("new", "changed", "path", "error", "held")
FILLS = ("plain", "table", "submap", "heap", "stack")
GROUNDS = ("bg", "card", "rail", "path-ground", "error-ground")
TEXT = [
    *((text, ground) for text in ("fg", "dim") for ground in GROUNDS),
    *((text, ground) for text in WORDS for ground in ("bg", "card")),
    *(("on-fill", fill) for fill in (*FILLS, "new")),
    *(("on-bright", fill) for fill in ("anonymous", "file", "kernel")),
    *(("on-fill", fill) for fill in ("code", "data")),
    ("on-red", "red"),
    ("on-black", "black"),
]
GRAPHICS = [
    *((line, "bg") for line in ("line", "edge", "black-edge", *WORDS, *FILLS)),
    *((line, "card") for line in WORDS),
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out(theme: dict[str, str]) -> None:
    weak = [(pair, round(contrast(*(theme[word] for word in pair)), 2), least)
            for pairs, least in ((TEXT, 4.5), (GRAPHICS, 3.0)) for pair in pairs
            if contrast(*(theme[word] for word in pair)) < least]  # fmt: skip
    assert weak == []


def test_a_rule_for_one_of_several_classes_is_in_a_file_that_has_one_of_them() -> None:
    drawn = '<svg class="vmw-scene"><g class="link nest"><path class="line"/></g></svg>'
    assert ".link.nest" in standalone_style(drawn)
    assert ".link.nest" not in standalone_style(drawn.replace("line", "label"))


TINT = re.compile(r"(\.node[^{},]*?)> \.shape \{ fill: var\(--vmw-([\w-]+)\); fill-opacity: ([\d.]+);")
ON_CARDS = ("page", "descriptor")
"""Things that lie on a card."""


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_dim_words_are_read_on_each_tint(theme: dict[str, str]) -> None:
    found = [(which, name, float(part)) for which, name, part in TINT.findall(CSS.read_text()) if float(part) <= 0.25]
    assert len(found) > 8
    weak = [
        (which, ground)
        for which, name, part in found
        for ground in ("bg", "card")
        if ground == "bg" or any(f".node.{one}" in which for one in ON_CARDS)
        if contrast(theme["dim"], mixed(theme[name], theme[ground], part)) < 4.5
    ]
    assert weak == []


def mixed(colour: str, ground: str, part: float) -> str:
    """A colour over another one, so opaque."""
    both = zip(*(bytes.fromhex(one[1:]) for one in (colour, ground)), strict=True)
    return "#" + bytes(round(part * over + (1 - part) * under) for over, under in both).hex()


def test_dark_is_the_same_in_notebooks_and_alone() -> None:
    assert DARK == STANDALONE_DARK
    assert DARK.keys() == LIGHT.keys()


def test_every_colour_that_is_used_is_defined() -> None:
    sheets = CSS.read_text() + CSS.with_name("live.css").read_text()
    used = set(re.findall(r"var\(--vmw-([\w-]+)", sheets))
    assert used - LIGHT.keys() == {"at", "mono", "sans", "scale"}, "these are not colours"


def test_a_picture_carries_its_own_rules_and_no_others() -> None:
    style = standalone_style(
        '<svg class="vmw-scene vmw-standalone"><g class="node tree-node red"><rect class="shape"/></g></svg>'
    )
    assert ".node.red > .shape{fill:var(--vmw-red)}" in style
    assert "--vmw-red:#f8ddd6" in style
    assert "prefers-color-scheme: dark" in style
    for absent in ("vmw-button", ".node.gap", ":hover", "jp-theme", "--vmw-submap", "/*"):
        assert absent not in style


def test_a_longer_picture_has_all_rules_of_a_shorter() -> None:
    short = standalone_style('<g class="vmw-scene node"/>')
    long = standalone_style('<g class="vmw-scene node"/><g class="link walk"><path class="line"/></g>')
    rules = set(re.findall(r"[^{}]+\{[^{}]*fill[^{}]*\}", short))
    assert rules <= set(re.findall(r"[^{}]+\{[^{}]*fill[^{}]*\}", long))


def test_the_field_that_finds_has_room_for_the_longest_address_and_the_cross_beside_it():
    rule = re.search(r"\.vmw-find \{[^}]*\bwidth: (\d+)ch", CSS.read_text())
    assert rule is not None, "its width is given in digits"
    padding_and_cross = 5
    assert int(rule[1]) >= len("0xffff_8080_0014_1000") + padding_and_cross


def test_every_style_of_a_bar_is_in_the_sheet() -> None:
    known = set(re.findall(r"\.bar\.([\w-]+)", CSS.read_text()))
    used = {
        word
        for _, picture in every()
        for node in picture.scene().nodes
        for bar in node.bars
        for word in bar.style.split()
    }
    assert used - known == set(), "what has no rule is drawn as any other bar"


def test_the_reserve_of_a_slab_is_bolder_than_free_blocks_in_a_readers_own_colours() -> None:
    forced = CSS.read_text().split("@media (forced-colors: active) {")[1].split("\n}")[0]
    rule = re.search(r"\.bar\.next \{ stroke-width: ([\d.]+); \}", forced)
    assert rule is not None and float(rule[1]) >= 2, "free blocks have an outline of 1 in the same colour"


def forced_rules() -> list[tuple[list[str], dict[str, str]]]:
    """The rules of a reader's own colours: selectors, and what they declare."""
    forced = CSS.read_text().split("@media (forced-colors: active) {")[1].split("\n}")[0]
    bare = re.sub(r"/\*.*?\*/", "", forced)
    return [
        (
            [one.strip() for one in re.split(r",(?![^(]*\))", chosen)],
            dict(re.findall(r"([\w-]+):\s*([^;]+);", declared)),
        )
        for chosen, declared in re.findall(r"([^{}]+)\{([^{}]*)\}", bare)
    ]


@pytest.mark.parametrize("kind", ["anonymous", "heap", "stack"])
def test_a_range_that_is_new_or_on_the_path_stays_filled_in_a_readers_own_colours(kind: str) -> None:
    """What is hollow is free there."""
    filled = [one for ones, said in forced_rules() for one in ones if said.get("fill") in ("CanvasText", "GrayText")]
    assert f".vmw-scene .node.range.{kind} > .shape" in filled, "whatever its state"
    hollow = [
        one
        for ones, said in forced_rules()
        for one in ones
        if said.get("fill") == "Canvas" and re.search(r"range\.(new|changed|path|selected) > \.shape", one)
    ]
    assert hollow == []


@pytest.mark.parametrize("which", [".bar.rail", ".bar.own-reserved", ".node.cells .bar.free", ".bar.inside"])
def test_what_others_see_as_a_pale_tint_is_outlined_in_a_readers_own_colours(which: str) -> None:
    lines = [said for ones, said in forced_rules() for one in ones if one.endswith(which) and "stroke" in said]
    assert [said["stroke"] for said in lines] == ["CanvasText"]


def test_the_kernel_has_one_colour_in_a_readers_own_colours() -> None:
    """Ranges, frames, and bars of a process or of a comparison."""
    own = [said["--vmw-kernel"] for _, said in forced_rules() if "--vmw-kernel" in said]
    bars = [said["fill"] for ones, said in forced_rules() if any("kernel" in one for one in ones) and "fill" in said]
    assert own and {*own, *bars} == {*own}


def test_what_is_refused_does_not_look_as_the_path_in_a_readers_own_colours() -> None:
    (refused,) = [
        said for ones, said in forced_rules() if any(one.startswith(".vmw-scene .node.fault:") for one in ones)
    ]
    assert "stroke-dasharray" in refused, "a line of the path is whole"
