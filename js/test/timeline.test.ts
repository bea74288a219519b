import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { type Past, Timeline } from "../src/timeline.ts";

const PAST: Past = {
  kinds: "nnfng",
  ends: "..e.p",
  weights: [1, 1, 1, 1, 1],
  groups: [[1, 2, "<b>two</b>"]],
  marks: [[3, "after <i>fork</i>"]],
};

function setUp(past = PAST) {
  const gone: number[] = [];
  const names: Record<number, string> = { 1: "1 · task <script>alert(1)</script>", 2: "2 · write 1 byte ✗" };
  const strip = new Timeline({ go: (number) => gone.push(number), name: (number) => names[number] });
  document.body.replaceChildren(strip.root, strip.tip);
  strip.draw(past);
  strip.stand(0, 1);
  const key = (name: string, more: KeyboardEventInit = {}) => {
    const event = new window.KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more });
    strip.root.dispatchEvent(event as unknown as Event);
  };
  const text = () => strip.root.getAttribute("aria-valuetext");
  return { strip, gone, key, text, names };
}

test("arrows point from mark to mark and say the operation, Enter goes there", () => {
  const { gone, key, text, strip } = setUp();
  key("ArrowRight");
  key("ArrowRight");
  assert.equal(text(), "2 · write 1 byte ✗ · in the group <b>two</b>");
  assert.equal(strip.tip.textContent, text());
  assert.equal(strip.tip.hidden, false);
  key("Enter");
  assert.deepEqual(gone, [2]);
  key("End");
  assert.equal(text(), "4 · freed · panic", "its kind, while its name is under way");
  key("ArrowLeft");
  assert.equal(text(), "3 · new · mark after <i>fork</i>");
});

test("a name that comes later is said where it is pointed at", () => {
  const { key, text, names, strip } = setUp();
  key("End");
  names[4] = "4 · exit ✗ panic";
  strip.named();
  assert.equal(text(), "4 · exit ✗ panic");
});

test("a key with Ctrl, Alt or Meta is not the strip's", () => {
  const { key, gone, text } = setUp();
  key("ArrowRight");
  const before = text();
  for (const more of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) {
    key("ArrowRight", more);
    key("Enter", more);
  }
  assert.deepEqual([text(), gone], [before, []]);
});

test("names are text, whatever they look like", () => {
  const { key, strip } = setUp();
  key("ArrowRight");
  assert.equal(strip.tip.children.length, 0);
  assert.match(strip.tip.textContent ?? "", /<script>/);
});

test("failures, groups and named moments have looks of their own", () => {
  const { strip } = setUp();
  const looks = [...strip.root.querySelectorAll("path")].map((path) => path.getAttribute("class"));
  assert.deepEqual(looks.sort(), ["done", "failed", "group", "moment"]);
  const path = (ends: string) => {
    const { strip } = setUp({ ...PAST, kinds: "n", ends, weights: [1], groups: [], marks: [] });
    return strip.root.querySelector("path")?.getAttribute("d");
  };
  assert.notEqual(path("e"), path("."), "not by colour alone");
});

test("of an empty machine nothing is drawn, and keys lead nowhere", () => {
  const { strip, key, gone } = setUp({ kinds: "", ends: "", weights: [], groups: [], marks: [] });
  key("ArrowRight");
  key("Enter");
  assert.deepEqual([strip.count, gone, strip.tip.hidden], [0, [], true]);
});
