import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Marks, size, whole } from "../src/marks.ts";
import { Renderer } from "../src/renderer.ts";
import type { Request, Scene, SceneMarks, SceneNode } from "../src/wire.ts";
import { link, node, now, scene } from "./dom.ts";
import { equipped } from "./equipped.ts";

/** Three marks: 17 at the left, its parent 5, and 20 at the right, whose parent is a node. */
const three: SceneMarks = {
  lane: "tree",
  kind: "tree-node",
  of: "entry",
  number: [17, -12, 15],
  x: [100, 155, 200],
  y: [300, -200, 200],
  w: [80, 0, 0],
  h: 8,
  looks: [
    ["box", "black", ""],
    ["round", "red", ""],
  ],
  look: [1, 0, 1],
  parent: [1, -2, 0],
  page: [0xffff808000141, -0xffff808000041, 0],
  title: "{state} node {address}, entry {number}",
};

const special = node("tree/9", { x: 60, y: 2, w: 8, h: 8, thing: "entry:9", lane: "tree", action: "select" });
const picture = (more: Partial<Scene> = {}): Scene =>
  scene([special], [link("tree/9/right", "tree/9", "tree/20", { branch: true })], {
    lanes: [{ name: "tree", role: "tree" }],
    width: 100,
    height: 60,
    marks: [three],
    ...more,
  });

test("columns are differences: each mark is the node that Python would have sent", () => {
  const marks = new Marks(three);
  const first = marks.node(0);
  assert.deepEqual([first.id, first.thing, first.x, first.y, first.state], ["tree/17", "entry:17", 10, 30, "red"]);
  assert.equal(first.title, "red node 0xffff_8080_0014_1000, entry 17");
  assert.equal(marks.node(1).title, "black node 0x10_0000, entry 5");
  const named = new Marks({ ...three, names: ["heap", "r5", "r9"], title: "{name} · {address}" });
  assert.equal(named.node(1).title, "r5 · 0x10_0000");
  assert.deepEqual(marks.link(0)?.points, [
    [29.5, 18],
    [14, 30],
  ]);
  assert.deepEqual([marks.link(0)?.source, marks.link(1), marks.link(2)], ["tree/5", null, null]);
});

test("a point finds the mark that is there, and only there", () => {
  const marks = new Marks(three);
  assert.deepEqual(
    [marks.at([10, 30]), marks.at([17.9, 37.9]), marks.at([18.1, 30]), marks.at([26, 12]), marks.at([26, 30])],
    [0, 0, -1, 1, -1],
  );
});

test("of marks that lie over each other the nearest is meant", () => {
  const close = new Marks({ ...three, x: [100, 20, 20], y: [300, 0, 0] });
  assert.deepEqual([close.at([14, 34]), close.at([16, 34]), close.at([19, 34])], [0, 1, 2]);
});

test("marks cost a path for each look and one for their lines, and stay out of the page otherwise", () => {
  const renderer = new Renderer();
  renderer.draw(picture());
  assert.equal(renderer.root.querySelectorAll(".marks path, .marks-lines path").length, 3);
  assert.equal(renderer.root.querySelectorAll("[data-id^='tree/']").length, 2, "the node and its link");
  renderer.draw(picture({ marks: [] }));
  assert.equal(renderer.root.querySelectorAll(".marks path, .marks-lines path").length, 0);
});

test("where there are marks nothing glides: they jump, and the rest stays with them", () => {
  const renderer = new Renderer();
  for (const [marks, still] of [
    [[], true],
    [[], false],
    [[three], true],
    [[], false],
  ] as const) {
    renderer.draw(picture({ marks: [...marks] }));
    assert.equal(renderer.root.classList.contains("still"), still);
  }
});

test("what is selected is a node of its own as long as it is, also in the next picture", () => {
  const renderer = new Renderer();
  renderer.draw(picture());
  renderer.select("entry:17");
  const chosen = renderer.root.querySelector("[data-id='tree/17']");
  assert.match(chosen?.getAttribute("class") ?? "", /tree-node red selected/);
  renderer.draw(picture({ title: "later" }));
  assert.ok(renderer.root.querySelector("[data-id='tree/17']") === chosen);
  renderer.select("");
  assert.ok(!renderer.root.querySelector("[data-id='tree/17']"));
});

test("a mark that becomes a node, and back, keeps focus and selection", () => {
  const renderer = new Renderer();
  renderer.draw(picture());
  renderer.select("entry:17");
  const chosen = renderer.root.querySelector("[data-id='tree/17']");
  const grown = node("tree/17", { x: 5, y: 28, w: 70, thing: "entry:17", lane: "tree", state: "new" });
  renderer.draw(picture({ nodes: [special, grown], marks: [] }));
  assert.ok(renderer.root.querySelector("[data-id='tree/17']") === chosen);
  renderer.draw(picture());
  assert.ok(renderer.root.querySelector("[data-id='tree/17']") === chosen);
});

test("arrow keys go through nodes and marks alike, along the lane and along the lines", () => {
  const sent: Request[] = [];
  const selected: string[] = [];
  const { figure } = equipped({ send: (request) => sent.push(request), select: (thing) => selected.push(thing) });
  document.body.replaceChildren(figure.root);
  figure.draw(1, { scene: picture(), when: now });
  const stood = (): string | undefined => (document.activeElement as SVGElement | null)?.dataset?.id;
  const press = (key: string): void => {
    const from = document.activeElement as Element;
    from.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event);
  };
  (figure.root.querySelector("[data-id='tree/9']") as SVGElement).focus();
  press("Home");
  assert.equal(stood(), "tree/17");
  press("ArrowUp");
  assert.equal(stood(), "tree/5");
  assert.ok(!figure.root.querySelector("[data-id='tree/17']"), "it is a mark again");
  press("ArrowRight");
  assert.equal(stood(), "tree/20");
  press("ArrowUp");
  assert.equal(stood(), "tree/9");
  press("ArrowDown");
  press("Enter");
  assert.deepEqual([stood(), selected], ["tree/20", ["entry:20"]]);
});

test("all marks are in the whole, in the order of x, once", () => {
  const drawn = picture();
  assert.deepEqual(
    whole(drawn).nodes.map((one) => one.id),
    ["tree/17", "tree/5", "tree/20", "tree/9"],
  );
  assert.equal(whole(drawn), whole(drawn));
});

/** Three ranges on a bar, the last of them wide, as a lane without lines. */
const ranges: SceneMarks = {
  lane: "ribbon",
  kind: "range",
  of: "entry",
  number: [17, -12, 15],
  x: [100, 40, 40],
  y: [700, 0, 0],
  w: [30, 0, 370],
  h: 28,
  looks: [
    ["box", "plain", "rw-"],
    ["box", "object", "r-x"],
  ],
  look: [0, 1, 0],
  page: [0x10, 0x02, 0x02],
  pages: [2, -1, 2623],
  title: "{address}–{end}, {size}, {words}",
  on: "ribbon/ground",
};
const bar = node("ribbon/ground", { x: 0, y: 70, w: 100, h: 28, kind: "ribbon" });

test("a range has its width, its limits, its size and what it allows", () => {
  const marks = new Marks(ranges);
  const { id, x, w, title, state } = marks.node(2);
  assert.deepEqual([id, x, w, state], ["ribbon/20", 18, 40, "plain"]);
  assert.equal(title, "0x1_4000–0xa5_4000, 10.2 MiB, rw-");
  assert.equal(marks.node(1).title, "0x1_2000–0x1_3000, 4 KiB, r-x");
  assert.deepEqual([marks.at([57.9, 71]), marks.at([17.1, 71]), marks.at([16, 98])], [2, -1, 1]);
  assert.equal(marks.link(1), null);
});

test("sizes read as Python writes them", () => {
  const written = [1, 2050, 2624, 2637, 5 << 18, 1 << 20, 2 ** 35, 0].map(size);
  assert.deepEqual(written, ["4 KiB", "8200 KiB", "10.2 MiB", "10.3 MiB", "5 GiB", "4 GiB", "128 TiB", "0 B"]);
});

test("marks lie on their bar and below what is said of", () => {
  const renderer = new Renderer();
  renderer.draw(scene([bar, special], [], { marks: [ranges] }));
  const order = [...renderer.root.querySelectorAll("[data-id='ribbon/ground'], .marks path, [data-id='tree/9']")];
  assert.deepEqual(
    order.map((element) => element.getAttribute("data-id") ?? element.tagName),
    ["ribbon/ground", "path", "path", "tree/9"],
  );
  renderer.draw(scene([bar, special]));
  assert.ok(renderer.root.querySelector("[data-id='ribbon/ground']")?.parentElement?.contains(order.at(-1) as Element));
});

test("a selected thing has an element in each lane that has a mark of it", () => {
  const renderer = new Renderer();
  renderer.draw(picture({ nodes: [bar, special], marks: [three, ranges] }));
  renderer.select("entry:5");
  const chosen = (): string[] =>
    [...renderer.root.querySelectorAll<SVGGElement>(".selected")].map((element) => element.dataset.id ?? "");
  assert.deepEqual(chosen().sort(), ["ribbon/5", "tree/5"]);
  renderer.draw(picture({ nodes: [bar, special], marks: [three, ranges], title: "later" }));
  assert.deepEqual(chosen().sort(), ["ribbon/5", "tree/5"]);
});

test("what was many and becomes few, and many again, stays where it is, with focus and selection", () => {
  const { figure } = equipped({ send: () => {}, select: () => {} });
  document.body.replaceChildren(figure.root);
  const as = (marks: SceneMarks[], nodes: SceneNode[]): Scene => picture({ nodes: [bar, ...nodes, special], marks });
  const few = new Marks(ranges);
  const cards = [0, 1, 2].map((place) => few.node(place));
  figure.draw(1, { scene: as([ranges], []), when: now });
  figure.select("entry:20");
  figure.renderer.element("ribbon/5")?.root.focus();
  const seen = (): unknown[] =>
    ["ribbon/5", "ribbon/20"].map((id) => {
      const element = figure.root.querySelector<SVGGElement>(`[data-id='${id}']`);
      const shape = element?.querySelector(".shape");
      return [element?.style.transform, shape?.getAttribute("width"), element?.getAttribute("aria-label")];
    });
  const before = seen();
  const stood = (): string | undefined => (document.activeElement as SVGElement | null)?.dataset?.id;
  for (const [seq, scene] of [as([], cards), as([ranges], []), as([], [...cards].reverse())].entries()) {
    figure.draw(seq + 2, { scene, when: now });
    assert.deepEqual(seen(), before);
    assert.equal(stood(), "ribbon/5");
    assert.ok(figure.root.querySelector("[data-id='ribbon/20']")?.classList.contains("selected"));
  }
});

test("other lanes keep their order when marks are gone through", () => {
  const kept = [3, 1, 2].map((number) =>
    node(`kentry/${number}`, { x: 10 * number, lane: "kentry", action: "select" }),
  );
  const found = whole(scene([bar, ...kept], [], { marks: [ranges] })).nodes.filter((one) => one.lane === "kentry");
  assert.deepEqual(
    found.map((one) => one.id),
    ["kentry/3", "kentry/1", "kentry/2"],
  );
});
