import assert from "node:assert/strict";
import { test } from "node:test";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { arrowPath, polylinePath } from "../src/link.ts";
import { readPlaced, readRoute } from "../src/route.ts";

const HEIGHT = 200;

test("y is turned down again", () => {
  assert.deepEqual(readRoute("10,150 20,140 30,130 40,120", HEIGHT), {
    start: [10, 50],
    curves: [
      [
        [20, 60],
        [30, 70],
        [40, 80],
      ],
    ],
  });
});

test("what is no spline is none", () => {
  for (const pos of ["", "10,150", "10,150 20,140", "a,b c,d e,f g,h", "e,1,1 10,150 20,140 30,130 40,120"])
    assert.equal(readRoute(pos, HEIGHT), null);
});

test("Graphviz leaves nodes where they were put, and its routes run between them", async () => {
  const graphviz = await Graphviz.load();
  const dot = `digraph { graph [layout=nop notranslate=true splines=true]; node [shape=box fixedsize=true label=""]
    n0 [id="tree/1" pos="335.0,181.3" width=0.9722 height=0.3889]; n1 [id="tree/2" pos="97.2,137.9" width=0.9722 height=0.3889]
    n0:s -> n1:n [id=e0 arrowhead=none] }`;
  const placed = readPlaced(graphviz.layout(dot, "json0" as "json", "nop"), HEIGHT);
  assert.deepEqual(placed.centres, { "tree/1": [335, HEIGHT - 181.3], "tree/2": [97.2, HEIGHT - 137.9] });
  const route = placed.routes.e0;
  assert.ok(route);
  const end = route.curves.at(-1)?.[2] ?? [0, 0];
  const near = (a: readonly number[], b: readonly number[]) =>
    Math.hypot((a[0] ?? 0) - (b[0] ?? 0), (a[1] ?? 0) - (b[1] ?? 0));
  assert.ok(near(route.start, [335, HEIGHT - 181.3 + 14]) < 0.5, `starts at ${route.start}`);
  assert.ok(near(end, [97.2, HEIGHT - 137.9 - 14]) < 0.5, `ends at ${end}`);
});

test("a polyline has one cubic a piece, with its corners kept", () => {
  assert.equal(
    polylinePath([
      [0, 0],
      [3, 6],
      [3, 9],
    ]),
    "M0,0 C1,2 2,4 3,6 C3,7 3,8 3,9",
  );
  assert.equal(polylinePath([]), "");
});

test("an arrow points where the line goes, and a line without length has none", () => {
  assert.equal(arrowPath([0, 0], [20, 0]), "M20,0 L11,4 L11,-4 Z");
  assert.equal(arrowPath([5, 5], [5, 5]), "");
});
