import assert from "node:assert/strict";
import { test } from "node:test";
import { Steady } from "../src/room.ts";
import { html, svg } from "../src/svg.ts";
import "./dom.ts";

test("within an operation what is below a drawing stays where it is, and the next one begins anew", () => {
  const words = html("div");
  const drawing = svg("svg");
  let high = 20;
  Object.defineProperty(words, "offsetHeight", { get: () => high });
  const steady = new Steady(words, drawing);
  const heights = (operation: number, place: number, height: number) => {
    steady.keep(operation, place, height);
    return [words.style.minHeight, drawing.style.marginBottom];
  };
  assert.deepEqual(heights(3, -1, 400), ["", ""]);
  high = 38;
  assert.deepEqual(heights(3, 1, 300), ["38px", "100px"]);
  assert.deepEqual(heights(3, 2, 500), ["38px", ""]);
  assert.deepEqual(heights(3, 3, 400), ["38px", "100px"]);
  assert.deepEqual(heights(3, 3, 200), ["", ""], "laid out again for another room");
  assert.deepEqual(heights(4, -1, 400), ["", ""]);
});
