import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { cut } from "../src/node.ts";
import { Renderer } from "../src/renderer.ts";
import { node, scene } from "./dom.ts";

/** A font in which each letter, and an ellipsis too, has ten pixels. */
const tens = (text: string): number => 10 * Array.from(text).length;

test("a text that fits is whole, however short its room was thought to be", () => {
  assert.equal(cut("anonymous", 90, tens), "anonymous");
  assert.equal(cut("anonymous", -90, tens), "anonymous");
});

test("a text that is too long keeps as much as fits, with an ellipsis", () => {
  for (const room of [89, 70, 45, 20]) {
    const shown = cut("anonymous", room, tens);
    assert.ok(shown.endsWith("…") && "anonymous".startsWith(shown.slice(0, -1)));
    assert.ok(tens(shown) <= room && tens(shown) + 10 > room, `${shown} in ${room}`);
  }
  assert.equal(cut("anonymous", 19, tens), "");
});

test("where the end says most, the middle is cut", () => {
  assert.equal(cut("/usr/lib/libc.so.6", -100, tens), "/us…c.so.6");
});

test("a letter of two code units is not cut in two", () => {
  assert.equal(cut("𝒂𝒃𝒄𝒅", 30, tens), "𝒂𝒃…");
});

test("where nothing can be measured a text is whole, on screen and in its name", () => {
  const renderer = new Renderer();
  renderer.draw(scene([node("a", { lane: "list", text: [[0, 12, "anonymous", "label", "start", 30]] })]));
  assert.equal(renderer.root.querySelector("text")?.textContent, "anonymous");
  assert.equal(renderer.root.querySelector('[data-id="a"]')?.getAttribute("aria-label"), "anonymous");
  assert.equal(renderer.root.querySelector("title"), null);
});
