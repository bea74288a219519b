import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { badgesOf } from "../src/node.ts";
import { node } from "./dom.ts";

const box = (id: string, state: string) => node(id, { w: 60, h: 40, state });

test("what is within a ring has no badge, and does not count as one too many", () => {
  const inside = Array.from({ length: 20 }, (_, number) => box(`page/${number}`, "new within"));
  const found = badgesOf([...inside, box("ring", "new"), box("gone", "leaving"), box("old", "")]);
  assert.deepEqual(
    [...found],
    [
      ["ring", "+"],
      ["gone", "−"],
    ],
  );
});

test("where nearly all is new there are no badges", () => {
  assert.equal(badgesOf(Array.from({ length: 20 }, (_, number) => box(`${number}`, "new"))).size, 0);
});

test("what differs from the other side has a badge, and what has changed has none", () => {
  const found = badgesOf([box("differs", "changed beside"), box("only here", "new beside"), box("changed", "changed")]);
  assert.deepEqual(
    [...found],
    [
      ["differs", "≠"],
      ["only here", "+"],
    ],
  );
});
