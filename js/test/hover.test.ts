import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Hover, Lights } from "../src/pointing.ts";
import { Renderer } from "../src/renderer.ts";
import type { Scene } from "../src/wire.ts";
import { node, scene } from "./dom.ts";

interface Shown {
  renderer: Renderer;
  hover: Hover;
  root: HTMLElement;
}

function shown(drawn: Scene, lights?: Lights): Shown {
  const [renderer, root] = [new Renderer(), document.createElement("div")];
  root.append(renderer.root);
  document.body.append(root);
  const hover = new Hover(renderer, root, lights);
  renderer.draw(drawn);
  return { renderer, hover, root };
}

function move({ renderer }: Shown, id: string | null, more: object = {}): void {
  const target = id === null ? renderer.root : renderer.nodes.get(id)?.root;
  target?.dispatchEvent(Object.assign(new Event("pointermove", { bubbles: true }), { pointerType: "mouse", ...more }));
}

/** The places, from left to right, that are lit. */
const lit = ({ renderer }: Shown): number[] =>
  [...renderer.root.querySelectorAll(".vmw-lit rect")].map((rect) => Number(rect.getAttribute("x")) + 2);

const tip = ({ root }: Shown): string => root.querySelector(".vmw-name.vmw-shown > span")?.textContent ?? "";

const map = scene([
  node("tree/1", { thing: "entry:1", title: "black node 0x1000", action: "select", lane: "tree" }),
  node("list/1", { thing: "entry:1", title: "0x1000–0x2000, rw-", x: 100 }),
  node("list/2", { thing: "entry:2", x: 200 }),
  node("ground", { x: 300 }),
]);

test("what is pointed at lights up in all pictures, and its name is there at once", () => {
  const lights = new Lights();
  const [one, other] = [shown(map, lights), shown(scene([node("a", { thing: "entry:1", x: 40 })]), lights)];
  move(one, "tree/1");
  assert.deepEqual([lit(one), lit(other)], [[0, 100], [40]]);
  assert.equal(tip(one), "black node 0x1000");
  assert.equal(one.root.querySelector(".vmw-also")?.textContent, "also in: kernel_map");
  assert.equal(tip(other), ""); // the name is where the pointer is
  move(one, "ground");
  assert.deepEqual([lit(one), lit(other), tip(one)], [[], [], ""]);
});

test("pictures of another machine stay dark", () => {
  const [one, other] = [shown(map), shown(map)];
  one.hover.join("machine 1");
  other.hover.join("machine 2");
  move(one, "list/2");
  assert.deepEqual([lit(one), lit(other)], [[200], []]);
  other.hover.join("machine 1");
  move(one, "list/1");
  assert.deepEqual(
    [lit(one), lit(other)],
    [
      [0, 100],
      [0, 100],
    ],
  );
  other.hover.close();
  one.hover.close();
});

test("what is drawn anew is lit where it is then, and dark where it is gone", () => {
  const one = shown(map);
  move(one, "list/2");
  one.renderer.draw(scene([node("list/2", { thing: "entry:2", x: 10 }), node("tree/2", { thing: "entry:2", x: 20 })]));
  one.hover.settle();
  assert.deepEqual(lit(one), [10, 20]);
  one.renderer.draw(scene([node("tree/2", { thing: "entry:2", x: 20 })]));
  one.hover.settle();
  assert.deepEqual(lit(one), []);
});

test("a finger and a drag light up nothing", () => {
  const one = shown(map);
  move(one, "list/2", { pointerType: "touch" });
  move(one, "list/2", { buttons: 1 });
  assert.deepEqual(lit(one), []);
});

test("the keyboard lights up what it stands on; Escape and steps take the name away", () => {
  for (const key of ["Escape", "[", "]", "{", "}"]) {
    const one = shown(map);
    const element = one.renderer.nodes.get("tree/1")?.root as SVGGElement;
    Object.assign(element, { matches: (selector: string) => selector === ":focus-visible" });
    element.dispatchEvent(new Event("focusin", { bubbles: true }));
    assert.deepEqual([lit(one), tip(one)], [[0, 100], "black node 0x1000"]);
    element.dispatchEvent(Object.assign(new Event("keydown", { bubbles: true }), { key }));
    assert.deepEqual([lit(one), tip(one)], [[], ""]);
  }
});

test("what is nothing and can do nothing has no light, but its name", () => {
  const one = shown(scene([node("bits", { title: "bits 47–39" }), node("press", { action: "open", x: 50 })]));
  move(one, "bits");
  assert.deepEqual([lit(one), tip(one)], [[], "bits 47–39"]);
  move(one, "press");
  assert.deepEqual([lit(one), tip(one)], [[50], ""]);
});

test("a name is no browser's, and is read out", () => {
  const one = shown(map);
  assert.equal(one.root.querySelector("title"), null);
  const [ground, list] = ["ground", "list/1"].map((id) => one.renderer.nodes.get(id)?.root);
  assert.equal(ground?.getAttribute("role"), null);
  assert.equal(list?.getAttribute("aria-label"), "0x1000–0x2000, rw-");
  assert.equal(list?.getAttribute("role"), "img");
});

test("a name that changes while it is shown is shown anew", () => {
  const one = shown(map);
  move(one, "tree/1");
  one.renderer.draw(
    scene([node("tree/1", { thing: "entry:1", title: "red node 0x1000", action: "select", lane: "tree" })]),
  );
  one.hover.settle();
  assert.equal(tip(one), "red node 0x1000");
  one.hover.close();
});
