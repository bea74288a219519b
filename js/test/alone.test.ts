import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { zlibSync } from "fflate";
import { play } from "../src/alone.ts";
import { node, now, scene } from "./dom.ts";

const PLACES = [0, 4, -1];

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** What a saved output holds: an image, and a picture of operation 3 with its film. */
function setUp(id: string, number = 3) {
  const steps = { index: 2, count: 2, operation: number, places: PLACES, functions: [0, 2] };
  const drawn = scene([node("a", { thing: "entry:1", action: "select", lane: "x" }), node("b")], [], { steps });
  const text = JSON.stringify({ scene: drawn, when: { ...now, number } });
  const frames = [{ nodes: [node("c"), node("d"), node("e")] }, { nodes: [[0, 1]], title: "a step" }, {}];
  const film = JSON.stringify({ version: 3, number, places: PLACES, base: 2, frames });
  const encode = (one: string) => new TextEncoder().encode(one);
  const twin = document.createElement("div");
  twin.dataset.vmwidgetsTwin = id;
  const image = document.createElement("img");
  const data = document.createElement("div");
  data.dataset.frame = base64(zlibSync(encode(text)));
  data.dataset.steps = base64(zlibSync(encode(film), { dictionary: encode(text) }));
  data.dataset.machine = "machine 1";
  twin.append(image, data);
  document.body.append(twin);
  const stop = new AbortController();
  play(twin, data, stop.signal);
  const press = (label: string) => (twin.querySelector(`[aria-label="${label}"]`) as HTMLElement).click();
  const where = () => twin.querySelector(".vmw-where")?.textContent;
  const title = () => twin.querySelector(".vmw-title")?.textContent;
  return { twin, press, where, title, stop, data };
}

test("a saved picture begins where it was and is stepped to both ends, without a kernel", () => {
  const { press, where, title, twin } = setUp("t1");
  assert.deepEqual([where(), title()], ["operation 3 of 3 · step 2 of 2", "kernel_map"]);
  press("back");
  assert.deepEqual([where(), title()], ["operation 3 of 3 · step 1 of 2", "a step"]);
  for (let times = 0; times < 3; times++) press("back");
  assert.equal(where(), "operation 3 of 3 · step 0 of 2");
  assert.equal(twin.querySelectorAll(".node").length, 3);
  for (let times = 0; times < 5; times++) press("forward");
  assert.equal(where(), "operation 3 of 3 · step 2 of 2");
});

test("keys step it, a click selects, and it plays to the end", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { twin, where, press } = setUp("t2");
  const root = twin.querySelector(".vmwidgets") as HTMLElement;
  const key = (name: string) =>
    root.dispatchEvent(new window.KeyboardEvent("keydown", { key: name, bubbles: true }) as unknown as Event);
  key("[");
  assert.equal(where(), "operation 3 of 3 · step 1 of 2");
  const first = twin.querySelector('[data-id="a"]') as Element;
  first.dispatchEvent(new window.MouseEvent("click", { bubbles: true }) as unknown as Event);
  assert.ok(first.classList.contains("selected") || twin.querySelector(".selected, [aria-selected=true], .chosen"));
  key("]");
  press("play the steps");
  assert.equal(where(), "operation 3 of 3 · step 0 of 2");
  for (let second = 0; second < 3; second++) context.mock.timers.tick(1000);
  assert.equal(where(), "operation 3 of 3 · step 2 of 2");
});

test("saved pictures of one operation of a machine go together, and those of another operation do not", () => {
  const first = setUp("t3");
  const second = setUp("t4");
  const other = setUp("t5", 9);
  first.press("back");
  assert.equal(second.where(), "operation 3 of 3 · step 1 of 2");
  assert.equal(other.where(), "operation 9 of 9 · step 2 of 2");
});

test("when it ends, the image is what there is again", () => {
  const { twin, stop } = setUp("t6");
  assert.ok(twin.classList.contains("vmw-plays"));
  stop.abort();
  assert.deepEqual([twin.querySelector(".vmw-saved"), twin.classList.contains("vmw-plays")], [null, false]);
  assert.ok(twin.querySelector("img"));
});

test("a film that is cut is refused", () => {
  const { data, twin } = setUp("t7");
  data.dataset.steps = (data.dataset.steps as string).slice(0, 40);
  assert.throws(() => play(twin, data, new AbortController().signal));
});
