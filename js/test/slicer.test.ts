import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Renderer } from "../src/renderer.ts";
import { Slicer } from "../src/slicer.ts";
import type { Request } from "../src/wire.ts";
import { node, scene } from "./dom.ts";

function setUp() {
  const sent: Request[] = [];
  let clicks = 0;
  const renderer = new Renderer();
  document.body.replaceChildren(renderer.root);
  new Slicer(renderer, (request) => sent.push(request));
  renderer.root.addEventListener("click", () => {
    clicks++;
  });
  renderer.root.setPointerCapture = () => {};
  renderer.draw(
    scene([
      node("slice/2", { lane: "slices", value: 9, x: 0, y: 100, h: 60 }),
      node("slice/1", { lane: "slices", value: 7, x: 0, y: 0, h: 60 }),
      node("bits/1", { role: "turn", x: 10, y: 40, w: 20 }),
      node("table/1", { lane: "table", y: 90 }),
    ]),
  );
  const point = (type: string, id: string, clientX: number) =>
    renderer.nodes
      .get(id)
      ?.root.dispatchEvent(new window.PointerEvent(type, { clientX, button: 0, bubbles: true }) as unknown as Event);
  const drag = (id: string, ...way: number[]) => {
    for (const [index, x] of way.entries()) point(index ? "pointermove" : "pointerdown", id, x);
    point("pointerup", id, way.at(-1) ?? 0);
    point("click", id, way.at(-1) ?? 0);
  };
  return { sent, drag, clicks: () => clicks };
}

const pause = () => new Promise((done) => setTimeout(done, 90));

for (const id of ["slice/1", "bits/1"])
  test(`${id} that is dragged turns the slice, and is not clicked`, async () => {
    const { sent, drag, clicks } = setUp();
    drag(id, 100, 110, 125);
    await pause();
    assert.deepEqual(sent, [{ type: "turn", id: "slice/1", by: 5 }]);
    assert.equal(clicks(), 0);
  });

test("a click that shakes a little stays a click, and so does one elsewhere", async () => {
  const { sent, drag, clicks } = setUp();
  drag("slice/1", 100, 102);
  drag("table/1", 100, 10);
  await pause();
  assert.deepEqual([sent, clicks()], [[], 2]);
});
