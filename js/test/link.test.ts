// Lines of a picture: straight, or one curve between two points.

import "./dom.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkElement } from "../src/node.ts";
import type { Point } from "../src/wire.ts";

function drawn(bend: "level" | "upright", ...points: Point[]): (string | null | undefined)[] {
  const { root } = new LinkElement({ id: "a-b", kind: "walk", source: "a", target: "b", points, bend, arrow: true });
  return [".line", ".arrow"].map((part) => root.querySelector(part)?.getAttribute("d"));
}

test("a piece that is neither level nor upright is one curve, and the arrow goes on as the line ends", () => {
  assert.deepEqual(drawn("level", [0, 0], [40, 20]), ["M0,0 C20,0 20,20 40,20", "M40,20 L31,24 L31,16 Z"]);
  const [line, arrow] = drawn("upright", [0, 0], [0, 5], [40, 25]);
  assert.match(line ?? "", / C0,15 40,15 40,25$/);
  assert.equal(arrow, "M40,25 L36,16 L44,16 Z");
});

test("a line that gets a bend is drawn again, with as many pieces, so that it can move there", () => {
  const link = {
    id: "a",
    kind: "band",
    source: "a",
    target: "b",
    points: [
      [0, 0],
      [9, 9],
    ] as Point[],
  };
  const element = new LinkElement(link);
  const straight = element.root.querySelector(".line")?.getAttribute("d") ?? "";
  element.draw({ ...link, bend: "level" });
  const bent = element.root.querySelector(".line")?.getAttribute("d") ?? "";
  assert.notEqual(straight, bent);
  assert.equal(straight.split("C").length, bent.split("C").length);
});
