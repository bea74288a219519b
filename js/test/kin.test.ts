import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { kinOf, opposite, related } from "../src/pointing.ts";
import type { Kinship, Scene, SceneMarks } from "../src/wire.ts";
import { node, scene } from "./dom.ts";

// One task with two mappings: page 16 in frame 481, pages 32 to 47 in frames 512 to 527 by one descriptor.
const map = scene([node("list/1", { thing: "entry:1" }), node("list/2", { thing: "entry:2" })], [], {
  about: {
    "entry:1": [[["init", 16, 4]], ["object:anon0"]],
    "entry:2": [[["init", 40, 2]], ["object:anon1"]],
  },
});
const tables = scene(
  [node("t/1", { thing: "pte:a0" }), node("t/2", { thing: "pte:a8" }), node("t/3", { thing: "pte:b0" })],
  [],
  {
    about: {
      "pte:a0": [[["init", 16, 1]], [["", 481, 1]]],
      "pte:a8": [[["init", 32, 16]], [["", 512, 16]]],
      "pte:b0": [[], ["table:5000"]],
    },
  },
);
const frames = scene(
  [
    node("f/1", { thing: "frame:480" }),
    node("f/2", { thing: "frame:512" }),
    node("f/3", { thing: "frame:520" }),
    node("f/4", { thing: "table:5000" }),
  ],
  [],
  { about: { "frame:480": [[["", 480, 3]], []] } },
);
const objects = scene([node("o/1", { thing: "object:anon0" }), node("o/2", { thing: "object:anon1" })]);

const lit = (thing: string, scenes: Scene[] = [map, tables, frames, objects]): string[] =>
  [...related(thing, scenes.flatMap(kinOf))].sort();

test("an entry lights up its descriptors, the run that holds its frame, and its object", () => {
  assert.deepEqual(lit("entry:1"), ["entry:1", "frame:480", "object:anon0", "pte:a0"]);
});

test("of a large page an entry lights up the frames that are its own", () => {
  assert.deepEqual(lit("entry:2"), ["entry:2", "frame:520", "object:anon1", "pte:a8"]); // pages 40, 41: frames 520, 521
});

test("a frame lights up who leads to it, and whose page that is", () => {
  assert.deepEqual(lit("frame:480"), ["entry:1", "frame:480", "pte:a0"]);
  assert.deepEqual(lit("frame:512"), ["frame:512", "pte:a8"]); // page 32, which is no entry's
});

test("a descriptor lights up the table that it leads to, and the other way round", () => {
  assert.deepEqual(lit("pte:b0"), ["pte:b0", "table:5000"]);
  assert.deepEqual(lit("table:5000"), ["pte:b0", "table:5000"]);
});

test("the same addresses of another task are another thing", () => {
  const other = scene([node("x", { thing: "pte:c0" })], [], { about: { "pte:c0": [[["other", 16, 1]], []] } });
  assert.ok(!lit("entry:1", [map, other]).includes("pte:c0"));
});

test("an entry that is a mark is found by its pages", () => {
  const marks: SceneMarks = {
    lane: "tree",
    kind: "tree-node",
    of: "entry",
    number: [7, 1],
    x: [0, 100],
    y: [0, 0],
    w: [80, 0],
    h: 8,
    looks: [["box", "black", ""]],
    look: [0, 0],
    page: [10, 6],
    pages: [4, 0],
    title: "",
    space: "init",
  };
  assert.ok(lit("pte:a0", [scene([], [], { marks: [marks] }), tables]).includes("entry:8"));
  const { space, ...nowhere } = marks;
  assert.ok(!lit("pte:a0", [scene([], [], { marks: [nowhere] }), tables]).includes("entry:8"));
});

test("one picture may know what another does not", () => {
  const about: Readonly<Record<string, Kinship>> = {};
  const bare = scene([node("walk/1", { thing: "pte:a0" })], [], { about });
  assert.deepEqual(lit("pte:a0", [bare, tables, map]), ["entry:1", "pte:a0"]);
  assert.deepEqual(lit("pte:a0", [bare, map]), ["pte:a0"]);
});

test("the two sides of a thing are one in the picture of both, and nowhere else", () => {
  const both = scene([node("left/1", { thing: "entry:1" }), node("right/9", { thing: "entry:9" })], [], {
    about: { "entry:1": [[["beside", 0, 1]], []], "entry:9": [[["beside", 0, 1]], []], "entry:3": [[], []] },
  });
  assert.deepEqual(opposite(both, "entry:1").sort(), ["entry:1", "entry:9"]);
  assert.deepEqual(opposite(both, "entry:3"), []);
  assert.deepEqual(opposite(map, "entry:1"), []);
  assert.ok(!lit("entry:1", [both, map]).includes("entry:9"));
});
