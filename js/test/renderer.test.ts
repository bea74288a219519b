import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { MOVING_LIMIT, Renderer } from "../src/renderer.ts";
import { node, scene } from "./dom.ts";

const ids = (renderer: Renderer): (string | null)[] =>
  [...renderer.root.querySelectorAll(".node")].map((element) => element.getAttribute("data-id"));

test("the element of an id stays the same element, wherever it goes", () => {
  const renderer = new Renderer();
  renderer.draw(scene([node("a"), node("b"), node("c")]));
  const b = renderer.root.querySelector('[data-id="b"]');
  renderer.draw(scene([node("c"), node("b", { x: 50, y: 7, state: "new" }), node("d")]));
  assert.equal(renderer.root.querySelector('[data-id="b"]'), b);
  assert.equal((b as SVGElement).style.transform, "translate(50px, 7px)");
  assert.equal(b?.getAttribute("class"), "node tree-node new");
  assert.deepEqual(ids(renderer), ["c", "b", "d"]);
  assert.deepEqual([...renderer.nodes.keys()].sort(), ["b", "c", "d"]);
});

test("a drawing is called by what it shows, in words", () => {
  const renderer = new Renderer();
  const named = (view: string): string | null => {
    renderer.draw(scene([], [], { view }));
    return renderer.root.getAttribute("aria-label");
  };
  assert.equal(named("tree+list+ribbon"), "kernel_map: tree, list and ribbon");
  assert.equal(named("slab-levels"), "kernel_map: slab levels");
});

test("text, bars and shapes are brought up to date in place, and taken away", () => {
  const renderer = new Renderer();
  renderer.draw(
    scene([
      node("a", {
        text: [
          [1, 2, "c0a0", "mono", "start"],
          [3, 4, "R", "letter", "middle"],
        ],
        bars: [[0, 0, 9, 5, "object"]],
      }),
    ]),
  );
  const first = renderer.root.querySelector("text");
  renderer.draw(scene([node("a", { text: [[1, 2, "c0b0", "mono dim", "end"]], shape: "round" })]));
  const texts = [...renderer.root.querySelectorAll("text")];
  assert.deepEqual(
    texts.map((text) => text.textContent),
    ["c0b0"],
  );
  assert.equal(texts[0], first);
  assert.equal(first?.getAttribute("text-anchor"), "end");
  assert.equal(renderer.root.querySelectorAll(".bar").length, 0);
  assert.equal(renderer.root.querySelector(".shape")?.getAttribute("rx"), "14");
  renderer.draw(scene([node("a", { shape: "none" })]));
  assert.equal(renderer.root.querySelector(".shape"), null);
});

test("many bars of one style that follow each other are one path, and others stay alone", () => {
  const renderer = new Renderer();
  const cells = (styles: string): [number, number, number, number, string][] =>
    [...styles].map((style, i) => [10 * i, 2, 8, 5, style]);
  const drawn = () => [...renderer.root.querySelectorAll(".bar")].map((bar) => `${bar.localName} ${bar.classList[1]}`);
  renderer.draw(scene([node("a", { bars: cells("ffffuuuf") })]));
  assert.deepEqual(drawn(), ["path f", "rect u", "rect u", "rect u", "rect f"]);
  const path = renderer.root.querySelector("path.bar");
  assert.equal(path?.getAttribute("d"), "M0,2h8v5h-8zM10,2h8v5h-8zM20,2h8v5h-8zM30,2h8v5h-8z");
  renderer.draw(scene([node("a", { bars: cells("fffffu") })]));
  assert.deepEqual(drawn(), ["path f", "rect u"]);
  assert.equal(renderer.root.querySelector("path.bar"), path);
  renderer.draw(scene([node("a", { bars: cells("fffu") })]));
  assert.deepEqual(drawn(), ["rect f", "rect f", "rect f", "rect u"]);
});

test("text of learners stays text", () => {
  const renderer = new Renderer();
  const nasty = '<script>alert(1)</script>"&';
  renderer.draw(scene([node("a", { text: [[0, 0, nasty, "mono", "start"]], title: nasty, thing: nasty })]));
  assert.equal(renderer.root.querySelector("script"), null);
  assert.equal(renderer.root.querySelector("text")?.textContent, nasty);
});

test("the selection marks what is drawn of a thing, and outlives frames", () => {
  const renderer = new Renderer();
  const nodes = [
    node("tree/1", { thing: "entry:1" }),
    node("list/1", { thing: "entry:1" }),
    node("list/2", { thing: "entry:2" }),
  ];
  const selected = () =>
    [...renderer.root.querySelectorAll(".selected")].map((element) => element.getAttribute("data-id"));
  renderer.draw(scene(nodes));
  renderer.select("entry:1");
  assert.deepEqual(selected(), ["tree/1", "list/1"]);
  renderer.draw(scene(nodes.map((one) => ({ ...one, state: "changed" }))));
  assert.deepEqual(selected(), ["tree/1", "list/1"]);
  renderer.select("");
  assert.deepEqual(selected(), []);
});

test("a node without a thing is not selected when nothing is", () => {
  const renderer = new Renderer();
  renderer.draw(scene([node("ground")]));
  renderer.select("");
  assert.equal(renderer.root.querySelector(".selected"), null);
});

test("a crowd jumps, a few move", () => {
  const renderer = new Renderer();
  const many = Array.from({ length: MOVING_LIMIT + 1 }, (_, i) => node(`n${i}`));
  renderer.draw(scene(many.slice(1)));
  renderer.draw(scene(many.slice(1)));
  assert.equal(renderer.root.classList.contains("still"), false);
  renderer.draw(scene(many));
  assert.equal(renderer.root.classList.contains("still"), true);
});

test("what can be turned says its number, however that is written", () => {
  const renderer = new Renderer();
  const said = (): (string | null)[] => {
    const root = renderer.nodes.get("offset")?.root;
    return [root?.getAttribute("aria-valuenow") ?? null, root?.getAttribute("aria-valuetext") ?? null];
  };
  const slice = (value: number, text: string) =>
    scene([node("offset", { kind: "slice", lane: "slices", value, text: [[0, 0, text, "label", "start"]] })]);
  renderer.draw(slice(0x1a8, "offset 1a8"));
  assert.deepEqual(said(), ["424", "offset 1a8"]);
  renderer.draw(slice(0xffff, "copies of bit 47"));
  assert.deepEqual(said(), ["65535", "copies of bit 47"]);
});
