import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Renderer } from "../src/renderer.ts";
import type { Request } from "../src/requests.ts";
import { Ribbon } from "../src/ribbon.ts";
import { node, scene } from "./dom.ts";

function setUp() {
  const sent: Request[] = [];
  let clicks = 0;
  const renderer = new Renderer();
  document.body.replaceChildren(renderer.root);
  new Ribbon(renderer, (request) => sent.push(request));
  renderer.root.addEventListener("click", () => {
    clicks++;
  });
  renderer.root.setPointerCapture = () => {};
  renderer.draw(
    scene([
      node("list/1", { lane: "list" }),
      node("ribbon/ground", { kind: "ribbon", role: "pan" }),
      node("ribbon/range/1", { kind: "range", lane: "ribbon", thing: "entry:1", action: "select" }),
    ]),
  );
  const ground = renderer.nodes.get("ribbon/ground")?.root.querySelector(".shape") as Element;
  ground.getBoundingClientRect = () => ({ left: 0, width: 200, top: 0, bottom: 40 }) as DOMRect;
  const point = (type: string, id: string, clientX: number) => {
    const clientY = id.startsWith("ribbon") ? 20 : 50;
    const event = new window.PointerEvent(type, { clientX, clientY, button: 0, bubbles: true });
    renderer.nodes.get(id)?.root.dispatchEvent(event);
  };
  const drag = (id: string, ...way: number[]) => {
    way.forEach((x, index) => {
      point(index ? "pointermove" : "pointerdown", id, x);
    });
    point("pointerup", id, way.at(-1) ?? 0);
    point("click", id, way.at(-1) ?? 0);
  };
  return { sent, drag, clicks: () => clicks };
}

const pause = () => new Promise((done) => setTimeout(done, 90));

test("a range that is dragged moves the ribbon, and is not selected", async () => {
  const { sent, drag, clicks } = setUp();
  drag("ribbon/range/1", 100, 90, 50);
  await pause();
  assert.deepEqual(sent, [{ type: "pan", by: 0.25 }]);
  assert.equal(clicks(), 0);
});

test("the ground between ranges is dragged as well", async () => {
  const { sent, drag } = setUp();
  drag("ribbon/ground", 10, 60);
  await pause();
  assert.deepEqual(sent, [{ type: "pan", by: -0.25 }]);
});

test("a click that shakes a little stays a click", async () => {
  const { sent, drag, clicks } = setUp();
  drag("ribbon/range/1", 100, 102);
  await pause();
  assert.deepEqual(sent, []);
  assert.equal(clicks(), 1);
});

test("what lies in another lane drags nothing", async () => {
  const { sent, drag } = setUp();
  drag("list/1", 100, 10);
  await pause();
  assert.deepEqual(sent, []);
});
