import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { MiniMap } from "../src/minimap.ts";
import { svg } from "../src/svg.ts";
import { node, scene } from "./dom.ts";

/** A picture of 400 by 2,000 pixels in a box that shows 500 of them, scrolled so far down; no layout is done here. */
function shown(high = 2000, seen = 500, window = 1280) {
  const box = document.createElement("div");
  const drawing = svg("svg");
  const map = new MiniMap(drawing);
  box.append(map.root, drawing);
  document.body.append(box);
  Object.assign(globalThis, { getComputedStyle: () => ({ overflowY: "auto" }) });
  const size = { scrollHeight: high + 100, clientHeight: seen };
  for (const [name, value] of Object.entries(size)) Object.defineProperty(box, name, { value });
  const sides = { clientHeight: 900, clientWidth: window };
  for (const [name, value] of Object.entries(sides))
    Object.defineProperty(document.documentElement, name, { value, configurable: true });
  const rect = (top: number, height: number) => ({
    left: 0,
    top,
    right: 400,
    bottom: top + height,
    width: 400,
    height,
  });
  Object.assign(box, { getBoundingClientRect: () => rect(100, seen) });
  Object.assign(drawing, { getBoundingClientRect: () => rect(100 - box.scrollTop, high) });
  const slider = map.root.querySelector(".vmw-map") as HTMLElement;
  const press = (key: string): void => {
    slider.dispatchEvent(Object.assign(new Event("keydown", { bubbles: true, cancelable: true }), { key }));
    map.settle();
  };
  const point = (type: string, x: number, y: number): void => {
    const where = { button: 0, buttons: 1, pointerId: 1, clientX: x, clientY: y };
    slider.dispatchEvent(Object.assign(new Event(type, { bubbles: true, cancelable: true }), where));
    map.settle();
  };
  const picture = map.root.querySelector("svg") as SVGSVGElement;
  Object.assign(picture, { getBoundingClientRect: () => ({ left: 340, top: 100, width: 26, height: 132 }) });
  map.draw(scene([node("a"), node("b", { y: 1900 })], [], { width: 400, height: high }));
  map.settle();
  return { box, map, slider, press, point };
}

test("it is there where a picture is higher than what is seen of it, and says which part that is", () => {
  const { box, map, slider } = shown();
  assert.ok(!map.root.hidden);
  assert.equal(slider.getAttribute("aria-valuetext"), "from 0 to 25 percent of its height");
  box.scrollTop = 1000;
  map.settle();
  assert.equal(slider.getAttribute("aria-valuetext"), "from 50 to 75 percent of its height");
  const sight = map.root.querySelector(".vmw-map-sight");
  assert.deepEqual([sight?.getAttribute("y"), sight?.getAttribute("height")], ["1000.0", "500.0"]);
});

test("where nothing has to be panned there is none", () => {
  assert.ok(shown(499).map.root.hidden);
  assert.ok(!shown(520).map.root.hidden);
});

test("on a telephone there is none, since it would cover the picture", () => {
  assert.ok(shown(2000, 500, 360).map.root.hidden);
  assert.ok(!shown(2000, 500, 640).map.root.hidden);
});

test("keys pan, to the ends and no further", () => {
  const { box, press } = shown();
  press("ArrowDown");
  assert.equal(box.scrollTop, 125); // a quarter of what is seen
  press("PageDown");
  assert.equal(box.scrollTop, 575);
  press("End");
  assert.equal(box.scrollTop, 1500);
  press("ArrowDown");
  assert.equal(box.scrollTop, 1500);
  press("Home");
  assert.equal(box.scrollTop, 0);
});

test("what is seen is dragged by as much as the pointer goes; a press beside it goes there", () => {
  const { box, point } = shown();
  point("pointerdown", 350, 110); // on what is seen: the uppermost quarter of 132 pixels
  assert.equal(box.scrollTop, 0);
  point("pointermove", 350, 143); // a quarter of the map further down
  assert.equal(box.scrollTop, 500);
  point("pointerdown", 350, 232);
  assert.equal(box.scrollTop, 1500);
});

test("arrows are the map's while it has the focus, and no step", () => {
  const { box, press } = shown();
  const heard: string[] = [];
  box.addEventListener("keydown", (event) => heard.push((event as KeyboardEvent).key));
  press("ArrowDown");
  press("]");
  assert.deepEqual(heard, ["]"]);
});
