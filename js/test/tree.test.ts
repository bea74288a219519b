import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Renderer } from "../src/renderer.ts";
import type { SceneMarks } from "../src/wire.ts";
import { link, node, scene } from "./dom.ts";

const lanes = [{ name: "tree", role: "tree" as const, label: "tree of kernel_map" }];
const tree = (more: Parameters<typeof scene>[2] = {}) =>
  scene(
    [
      node("label"),
      node("root", { lane: "tree", x: 100, thing: "entry:1", action: "select" }),
      node("right", { lane: "tree", x: 200, state: "folded", action: "open" }),
      node("card", { lane: "list", thing: "entry:1", action: "select" }),
      node("left", { lane: "tree", x: 0, thing: "entry:2", action: "select" }),
    ],
    [
      link("r", "root", "right", {
        branch: true,
        points: [
          [100, 0],
          [200, 40],
        ],
      }),
      link("l", "root", "left", {
        branch: true,
        points: [
          [100, 0],
          [0, 40],
        ],
      }),
    ],
    { lanes, ...more },
  );

function drawn(picture = tree()) {
  const renderer = new Renderer();
  document.body.replaceChildren(renderer.root);
  renderer.draw(picture);
  const said = (id: string, ...names: string[]) => names.map((name) => renderer.element(id)?.root.getAttribute(name));
  return { renderer, said };
}

test("a tree is a tree: its nodes are its items, and no other node is", () => {
  const { renderer } = drawn();
  const [group, ...others] = [...renderer.root.querySelectorAll('[role="tree"]')];
  assert.equal(others.length, 0);
  assert.deepEqual(
    ["aria-label", "aria-orientation"].map((name) => group?.getAttribute(name)),
    ["tree of kernel_map", "horizontal"],
  );
  const items = [...renderer.root.querySelectorAll('[role="treeitem"]')];
  assert.deepEqual(
    items.map((item) => item.getAttribute("data-id")),
    ["root", "right", "left"],
  );
  assert.ok(items.every((item) => item.parentElement === group));
  assert.equal(renderer.element("card")?.root.getAttribute("role"), "button");
});

test("an item says how deep it is, which of how many, and whether it is folded", () => {
  const { said } = drawn();
  const words = ["aria-level", "aria-posinset", "aria-setsize", "aria-expanded"];
  assert.deepEqual(said("root", ...words), ["1", "1", "1", "true"]);
  assert.deepEqual(said("left", ...words), ["2", "1", "2", null]);
  assert.deepEqual(said("right", ...words), ["2", "2", "2", "false"]);
});

test("an item that is no longer alone says so, though nothing else of it has changed", () => {
  const { renderer, said } = drawn();
  const more = tree();
  more.nodes.push(node("third", { lane: "tree", x: 300 }));
  more.links.push(
    link("t", "root", "third", {
      branch: true,
      points: [
        [100, 0],
        [300, 40],
      ],
    }),
  );
  renderer.draw(more);
  assert.deepEqual(said("left", "aria-posinset", "aria-setsize"), ["1", "3"]);
});

test("an item is selected, a button pressed", () => {
  const { renderer, said } = drawn();
  const both = () => [said("root", "aria-selected", "aria-pressed"), said("card", "aria-selected", "aria-pressed")];
  assert.deepEqual(both(), [
    ["false", null],
    [null, "false"],
  ]);
  renderer.select("entry:1");
  assert.deepEqual(both(), [
    ["true", null],
    [null, "true"],
  ]);
});

test("a mark that the keyboard is on is an item of its tree", () => {
  const marks: SceneMarks = {
    lane: "tree",
    kind: "tree-node",
    of: "entry",
    number: [5, 1, 1],
    x: [0, 100, 100],
    y: [300, -100, 100],
    w: [80, 0, 0],
    h: 8,
    looks: [["box", "black", ""]],
    look: [0, 0, 0],
    parent: [1, -2, 2],
    page: [1, 1, 1],
    title: "{state} node {address}",
  };
  const nodes = [node("tree/9", { lane: "tree", x: 40 })];
  const links = [link("tree/9/right", "tree/9", "tree/6", { branch: true })];
  const { renderer, said } = drawn(scene(nodes, links, { lanes, marks: [marks] }));
  assert.equal(renderer.root.querySelectorAll('[role="treeitem"]').length, 1);
  renderer.stand("tree/7");
  const item = renderer.root.querySelector('[data-id="tree/7"]');
  assert.equal(item?.parentElement?.getAttribute("role"), "tree");
  assert.deepEqual(said("tree/7", "role", "aria-level", "aria-posinset", "aria-setsize"), ["treeitem", "3", "2", "2"]);
  assert.deepEqual(said("tree/6", "aria-level", "aria-expanded"), ["2", "true"]);
});

test("the shade is of what is selected and the ring where the keyboard is, whatever the outline says", () => {
  const { renderer } = drawn();
  const parts = (id: string) =>
    [...(renderer.element(id)?.over.children ?? [])].map((part) => part.getAttribute("class"));
  renderer.select("entry:2");
  renderer.stand("left");
  assert.deepEqual(parts("left"), ["shade", "ring"]);
  renderer.draw(tree());
  assert.deepEqual(parts("left"), ["shade", "ring"]);
  assert.ok(renderer.element("left")?.over.isConnected);
  renderer.stand("root");
  assert.deepEqual([parts("left"), parts("root")], [["shade"], ["ring"]]);
  renderer.select("");
  assert.equal(renderer.root.querySelectorAll(".vmw-over").length, 1);
  renderer.draw(scene([node("left", { lane: "tree" })]));
  assert.equal(renderer.root.querySelectorAll(".vmw-over").length, 0, "the ring went with its node");
});
