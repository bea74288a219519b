import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Figure } from "../src/figure.ts";
import { Marks, whole } from "../src/marks.ts";
import { Renderer } from "../src/renderer.ts";
import type { Request } from "../src/requests.ts";
import { Router } from "../src/router.ts";
import type { Scene, SceneMarks } from "../src/scene.ts";
import { link, node, now, scene } from "./dom.ts";

/** Three marks: 17 at the left, its parent 5, and 20 at the right, whose parent is a node. */
const three: SceneMarks = {
  lane: "tree",
  kind: "tree-node",
  of: "entry",
  number: [17, -12, 15],
  x: [100, 155, 200],
  y: [300, -200, 200],
  size: 8,
  looks: [
    ["box", "black"],
    ["round", "red"],
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
  const router = new Router(() => {
    throw new Error("no graph is drawn here");
  });
  const selected: string[] = [];
  const figure = new Figure({ send: (request) => sent.push(request), select: (thing) => selected.push(thing) }, router);
  document.body.replaceChildren(figure.root);
  figure.draw(1, { scene: picture(), dot: "", when: now });
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
