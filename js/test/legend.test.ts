import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import type { Controls } from "../src/controls.ts";
import type { Figure } from "../src/figure.ts";
import { legend } from "../src/offers.ts";
import { node, now, scene } from "./dom.ts";
import { equipped } from "./equipped.ts";

function drawn(): { figure: Figure; controls: Controls } {
  const { figure, controls } = equipped({ send: () => {}, select: () => {} });
  document.body.append(figure.root);
  figure.draw(1, { scene: scene([node("a", { lane: "x" })]), when: now });
  return { figure, controls };
}

test("what is folded has a number in the legend as in a picture: its dots alone look like those of what is about to be removed", () => {
  const samples = legend().flatMap((list) => [...list.querySelectorAll(".vmw-sample")]);
  const words = new Map(samples.map((one) => [one.getAttribute("aria-label"), one.querySelector("text")?.textContent]));
  assert.equal(words.get("folded"), "12");
  assert.equal(words.get("leaving"), undefined);
});

test("the legend explains what the picture shows, and nothing else", () => {
  const { figure } = drawn();
  const looks = (): (string | null)[] =>
    [...figure.root.querySelectorAll(".vmw-legend .vmw-sample")].map((one) => one.getAttribute("aria-label"));
  const asked = figure.root.querySelector(".vmw-help") as HTMLElement;
  asked.click();
  assert.deepEqual(looks(), []);
  asked.click();
  const shown = [node("a", { lane: "x", state: "new" }), node("b", { lane: "x", state: "folded" })];
  figure.draw(2, { scene: scene(shown), when: now });
  asked.click();
  assert.deepEqual(looks(), ["new", "folded"]);
  asked.click();
  const ranges = [
    node("c", { lane: "x", kind: "range", state: "file writes" }),
    node("d", { lane: "x", state: "heap" }), // not a range: the word means something else there
  ];
  figure.draw(3, { scene: scene(ranges), when: now });
  asked.click();
  assert.deepEqual(looks(), ["file", "writes"]);
  asked.click();
  figure.draw(4, { scene: scene([node("e", { lane: "x", kind: "entry", state: "submap" })]), when: now });
  asked.click();
  assert.deepEqual(looks(), ["submap"], "a list without a ribbon");
});
