"""Every picture in a real browser at every width: words can be read, are whole where they fit, and lie over nothing.

The pictures are those of tests/views/gallery.py, drawn by the bundle in a page of its own: no notebook is needed to lay
them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.views import gallery
from tests.views.gallery import Named
from vmwidgets.views.scene.static import read_static
from vmwidgets.views.scene.wire import encode_scene

WIDTHS = (420, 490, 560, 680, 760, 900, 1200, 1600)
SOME = (420, 760, 1600)
"""Of these all are tried by `make sweep`."""

PREPARE = """async (code) => {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const hub = (await import(address)).default;
    const model = (traits) => (
        { get: (name) => traits[name], set() {}, save_changes() {}, on() {}, off() {}, send() {} });
    const { mount } = hub.initialize({ model: model({ _esm: code }) });
    const deflate = async (text) => {
        const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
        return new DataView(await new Response(stream).arrayBuffer());
    };
    let shown = new AbortController();
    window.show = async (scene) => {
        shown.abort();
        shown = new AbortController();
        const when = { number: 1, place: -1, now: true, kept: false, finds: true, scale: 1, cell: -1 };
        const frame = { seq: 1, data: await deflate(JSON.stringify({ scene, dot: "", when })) };
        const traits = { frame, twin_id: "one", origin: "", status: "", selection_model: "s" };
        const el = document.createElement("div");
        document.body.replaceChildren(el);
        const host = { getModel: async () => model({ selection: "", reached: [1, 1] }) };
        await mount({ model: model(traits), el, signal: shown.signal, host });
        while (!el.querySelector(".vmw-scene")?.getBoundingClientRect().width) await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame); // what is drawn before it has a size is fitted then
    };
}"""

WRONG = """(scene) => {
    const wrong = [];
    const svg = document.querySelector(".vmw-scene");
    const frame = svg.getBoundingClientRect();
    const scale = frame.width / svg.viewBox.baseVal.width;
    const words = [];
    const beyond = (inner, outer) => inner.left < outer.left - 1 || inner.right > outer.right + 1;
    for (const node of scene.nodes) {
        const group = svg.querySelector(`[data-id="${CSS.escape(node.id)}"]`);
        const shape = group.querySelector(":scope > .shape")?.getBoundingClientRect();
        const runs = [...group.querySelectorAll(":scope > text")];
        for (const [number, [, , whole, , , room]] of (node.text ?? []).entries()) {
            const text = runs[number];
            const box = text.getBoundingClientRect();
            const said = `${node.id}: ${JSON.stringify(text.textContent)}`;
            if (!box.width) continue;
            const size = parseFloat(getComputedStyle(text).fontSize) * scale;
            if (size < 11.9) wrong.push(`${said} has ${size} px`);
            if (beyond(box, frame) || box.bottom > frame.bottom + 3) wrong.push(`${said} is outside`);
            if (shape && beyond(box, shape)) wrong.push(`${said} is out of its box`);
            const base = box.bottom - 0.28 * size; // letters, without the room above and below them
            words.push([box.left, base - 0.7 * size, box.right, base, said]);
            if (!room) continue;
            const shown = text.textContent;
            text.textContent = whole;
            const fits = text.getComputedTextLength() <= Math.abs(room);
            text.textContent = shown;
            if (fits && shown !== whole) wrong.push(`${said} is cut, and fits`);
            const title = group.getAttribute("aria-label") ?? "";
            if (shown !== whole && !title.includes(whole)) wrong.push(`${said} is nowhere whole`);
        }
    }
    for (const [number, one] of words.entries()) {
        for (const other of words.slice(number + 1)) {
            const across = one[0] < other[2] - 0.5 && other[0] < one[2] - 0.5;
            if (across && one[1] < other[3] - 1 && other[1] < one[3] - 1) wrong.push(`${one[4]} over ${other[4]}`);
        }
    }
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page has to be scrolled sideways");
    return wrong.slice(0, 4);
}"""


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    """A page with the drawing code and nothing else."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_content("<!doctype html><body style='margin: 0'></body>")
    page.evaluate(PREPARE, read_static("hub.js"))
    yield page
    context.close()


GALLERY = (
    gallery.of_maps, gallery.of_tables, gallery.of_memory, gallery.of_objects, gallery.of_domains,
    gallery.of_comparisons, gallery.of_references, *gallery.long_names(),
)  # fmt: skip  # one list


@pytest.mark.parametrize("widths", [SOME, pytest.param(WIDTHS, marks=pytest.mark.sweep)], ids=["some", "all"])
@pytest.mark.parametrize("pictures", GALLERY)
def test_words_can_be_read_are_whole_where_they_fit_and_lie_over_nothing(
    pictures: Callable[[], Named], page: Any, widths: tuple[int, ...]
) -> None:
    wrong = []
    for name, picture in pictures():
        for width in widths:
            picture.width = width
            scene = encode_scene(picture.scene(), with_table=False)
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("(scene) => show(scene)", scene)
            found = page.evaluate(WRONG, scene)
            if found:
                wrong.append((name, width, found))
    assert wrong == []


def test_a_name_is_cut_only_where_the_font_of_the_page_has_no_room(page: Any) -> None:
    scene = encode_scene(next(picture for name, picture in gallery.of_maps() if name == "Map of few").scene())
    names = ["anonymous", "iiiiiiiiiiiiiiiiiiii", "a name that is far too long for its room"]
    runs = [[0, 14 + 20 * number, name, "label", "start", 80] for number, name in enumerate(names)]
    scene["nodes"] = [{"id": "one", "kind": "label", "x": 0, "y": 0, "w": 80, "h": 80, "shape": "none", "text": runs}]
    scene |= {"links": [], "marks": []}
    page.set_viewport_size({"width": 900, "height": 900})
    page.evaluate("(scene) => show(scene)", scene)
    shown = page.locator(".vmw-scene .node text").all_text_contents()
    assert shown[:2] == names[:2]
    assert shown[2].startswith("a name")
    assert shown[2].endswith("…")
    assert names[2] in page.locator(".vmw-scene .node").get_attribute("aria-label")
