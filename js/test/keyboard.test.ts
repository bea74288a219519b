import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrow, entrance, opens, step } from "../src/pointing.ts";
import { link, node, scene } from "./dom.ts";

// A tree of three over a list of three, in lanes, with a label that the keyboard passes by.
const small = scene(
  [
    node("label", { y: -20 }),
    node("t1", { lane: "tree", x: 0, y: 50 }),
    node("t2", { lane: "tree", x: 100, y: 0 }),
    node("t3", { lane: "tree", x: 200, y: 50 }),
    node("l1", { lane: "list", x: 0, y: 150 }),
    node("l2", { lane: "list", x: 90, y: 150 }),
    node("l3", { lane: "list", x: 210, y: 150, state: "changed new" }),
  ],
  [
    link("a", "t2", "t1", { branch: true }),
    link("b", "t2", "t3", { branch: true }),
    link("n", "l1", "l2", { kind: "next" }),
  ],
  { lanes: [{ name: "tree", role: "tree" }] },
);

const walk = (from: string, ...keys: Arrow[]): string => keys.reduce((at, key) => step(small, at, key)?.id ?? at, from);

test("left and right go along the lane and stop at its ends", () => {
  assert.equal(walk("l1", "ArrowRight", "ArrowRight", "ArrowRight"), "l3");
  assert.equal(walk("l1", "ArrowLeft"), "l1");
  assert.equal(walk("l2", "End", "Home"), "l1");
});

test("up and down go to parent and first child, and from leaves to the nearest of the next lane", () => {
  assert.equal(walk("t3", "ArrowUp"), "t2");
  assert.equal(walk("t2", "ArrowDown"), "t1");
  assert.equal(walk("t3", "ArrowDown"), "l3");
  assert.equal(walk("l2", "ArrowUp"), "t2");
  assert.equal(walk("t2", "ArrowUp"), "t2");
});

test("a view is entered where something is told, else at its first node", () => {
  assert.equal(entrance(small)?.id, "l3");
  assert.equal(entrance(scene([node("label"), node("a", { lane: "x" })]))?.id, "a");
  assert.equal(entrance(scene([node("label")])), null);
});

test("from a node that is gone the walk begins anew", () => {
  assert.equal(step(small, "gone", "ArrowRight")?.id, "t1");
});

// Two columns of a table each, below a row of slices.
const columns = scene(
  [
    node("s1", { lane: "slices", value: 0, x: 0, y: 0 }),
    node("s2", { lane: "slices", value: 0, x: 100, y: 0 }),
    node("a1", { lane: "column 0", x: 0, y: 50 }),
    node("a2", { lane: "column 0", x: 0, y: 100 }),
    node("a3", { lane: "column 0", x: 0, y: 150 }),
    node("b1", { lane: "column 1", x: 200, y: 60 }),
    node("b2", { lane: "column 1", x: 200, y: 140 }),
    node("bit", { lane: "bits", x: 0, y: 300 }),
  ],
  [],
  {
    lanes: [
      { name: "column 0", down: true },
      { name: "column 1", down: true },
    ],
  },
);

const stroll = (from: string, ...keys: Arrow[]): string =>
  keys.reduce((at, key) => step(columns, at, key)?.id ?? at, from);

test("in a column up and down go along it, left and right to the nearest of the next", () => {
  assert.equal(stroll("a1", "ArrowDown", "ArrowDown"), "a3");
  assert.equal(stroll("a3", "ArrowRight"), "b2");
  assert.equal(stroll("a1", "ArrowRight"), "b1");
  assert.equal(stroll("b2", "ArrowLeft"), "a3");
  assert.equal(stroll("b1", "ArrowRight"), "b1");
  assert.equal(stroll("a2", "End", "Home"), "a1");
});

test("above and below a column are the lanes that are no columns", () => {
  assert.equal(stroll("a3", "ArrowDown"), "bit");
  assert.equal(stroll("a1", "ArrowUp"), "s1");
});

test("past the last slice is the way out, since up and down turn it", () => {
  assert.equal(stroll("s1", "ArrowRight"), "s2");
  assert.notEqual(stroll("s2", "ArrowRight"), "s2");
});

// A tree whose rows go downwards, beside a column; the last row of a table is folded.
const rows = scene(
  [
    node("root", { lane: "tree", x: 0, y: 0 }),
    node("side 0", { lane: "beside", x: 300, y: 0 }),
    node("table", { lane: "tree", x: 20, y: 30 }),
    node("leaf", { lane: "tree", x: 40, y: 60 }),
    node("side 2", { lane: "beside", x: 300, y: 60 }),
    node("fold", { lane: "tree", x: 40, y: 90, action: "open", state: "folded" }),
  ],
  [
    link("a", "root", "table", { branch: true }),
    link("b", "table", "leaf", { branch: true }),
    link("c", "table", "fold", { branch: true }),
  ],
  {
    lanes: [
      { name: "tree", role: "tree", down: true },
      { name: "beside", down: true },
    ],
  },
);

test("in a tree that goes downwards right leads to the first child, left to the parent, and from a leaf right leads out", () => {
  const go = (from: string, ...keys: Arrow[]): string => keys.reduce((at, key) => step(rows, at, key)?.id ?? at, from);
  assert.equal(go("root", "ArrowRight", "ArrowRight"), "leaf");
  assert.equal(go("fold", "ArrowLeft", "ArrowLeft"), "root");
  assert.equal(go("root", "ArrowDown", "ArrowDown", "ArrowDown"), "fold");
  assert.equal(go("leaf", "ArrowRight"), "side 2");
  assert.equal(go("side 2", "ArrowLeft"), "leaf");
});

test("what is folded is opened by the key that goes to children, and by no other", () => {
  assert.equal(opens(rows, "fold", "ArrowRight"), true);
  assert.equal(opens(rows, "fold", "ArrowDown"), false);
  assert.equal(opens(rows, "leaf", "ArrowRight"), false);
  const across = scene(
    [node("stub", { lane: "tree", action: "open" }), node("other", { lane: "x", action: "open" })],
    [],
    {
      lanes: [{ name: "tree", role: "tree" }],
    },
  );
  assert.deepEqual([opens(across, "stub", "ArrowDown"), opens(across, "stub", "ArrowRight")], [true, false]);
  assert.equal(opens(across, "other", "ArrowDown"), false, "it is in no tree");
});
