import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Functions } from "../src/words.ts";

const TEXTS = { vm_map_enter: "vm_map_enter(map)\n    one\n", pmap_enter: "pmap_enter(pmap)\n    two\n" };

function drawn(...names: string[]): Functions {
  const functions = new Functions(Object.keys(TEXTS));
  functions.learn(TEXTS);
  document.body.append(functions.root, functions.panel);
  functions.draw(names);
  return functions;
}

const press = (functions: Functions, name: string): void =>
  [...functions.root.querySelectorAll("button")].find((one) => one.textContent === name)?.click();

const text = ({ panel }: Functions): string => panel.querySelector("pre")?.textContent ?? "";

test("names with pseudocode are buttons, the others are words", () => {
  const functions = drawn("mmap", "vm_map_enter", "toString");
  assert.equal(functions.root.textContent, "mmap → vm_map_enter → toString");
  assert.deepEqual(
    [...functions.root.querySelectorAll("button")].map((one) => one.textContent),
    ["vm_map_enter"],
  );
  assert.equal(functions.panel.hidden, true);
});

test("without names there is no element for code", () => {
  const functions = drawn("mmap");
  assert.equal(functions.root.querySelectorAll("code").length, 1);
  functions.draw([]);
  assert.equal(functions.root.querySelectorAll("code").length, 0);
  assert.equal(new Functions([]).root.querySelectorAll("code").length, 0);
});

test("a press opens the lines, another name takes their place, the same name closes them", () => {
  const functions = drawn("vm_map_enter", "pmap_enter");
  press(functions, "vm_map_enter");
  assert.deepEqual([functions.panel.hidden, text(functions)], [false, "vm_map_enter(map)\n    one"]);
  press(functions, "pmap_enter");
  assert.equal(text(functions), "pmap_enter(pmap)\n    two");
  const expanded = [...functions.root.querySelectorAll("button")].map((one) => one.getAttribute("aria-expanded"));
  assert.deepEqual(expanded, ["false", "true"]);
  press(functions, "pmap_enter");
  assert.equal(functions.panel.hidden, true);
});

test("what is open stays open in the next step, and Escape closes it and goes back to the name", () => {
  const functions = drawn("vm_map_enter");
  press(functions, "vm_map_enter");
  functions.draw(["mmap", "vm_map_enter"]);
  assert.equal(functions.panel.hidden, false);
  assert.equal(functions.root.querySelector("button")?.getAttribute("aria-expanded"), "true");
  functions.panel.dispatchEvent(Object.assign(new Event("keydown"), { key: "Escape" }));
  assert.equal(functions.panel.hidden, true);
  assert.equal(document.activeElement?.textContent, "vm_map_enter");
});

test("the name that has the focus keeps it when others come", () => {
  const functions = drawn("vm_map_enter", "pmap_enter");
  functions.root.querySelectorAll("button")[1]?.focus();
  functions.draw(["pmap_enter"]);
  assert.equal(document.activeElement?.textContent, "pmap_enter");
});
