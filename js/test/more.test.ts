import assert from "node:assert/strict";
import { test } from "node:test";
import { More } from "../src/offers.ts";
import { button, html } from "../src/svg.ts";
import "./dom.ts";

/** A menu of two rows; one of its buttons is disabled, one is hidden. */
function setUp() {
  const items = ["play", "gone", "never", "save"].map((name) => button(name, name));
  Object.assign(items[1] as HTMLElement, { hidden: true });
  Object.assign(items[2] as HTMLElement, { disabled: true });
  const field = html("input");
  const more = new More({ move: [...items.slice(0, 3), field], take: items.slice(3) });
  document.body.replaceChildren(more.press, more.root);
  const heard: string[] = [];
  document.body.onkeydown = (event) => void heard.push(event.key);
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(
      new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event,
    );
  const held = () => document.activeElement?.textContent || document.activeElement?.tagName;
  return { more, field, heard, press, held };
}

test("the button opens a toolbar of named rows with the focus in it; Escape closes it and gives the focus back", () => {
  const { more, press, held, heard } = setUp();
  assert.deepEqual([more.opened, more.press.getAttribute("aria-expanded")], [false, "false"]);
  more.press.click();
  assert.deepEqual([more.opened, more.press.getAttribute("aria-expanded"), held()], [true, "true", "play"]);
  const named = [more.root, ...more.root.querySelectorAll("[role]")].map(
    (one) => `${one.getAttribute("role")} ${one.getAttribute("aria-label")}`,
  );
  assert.deepEqual(named, ["toolbar more for this picture", "group move", "group take"]);
  press("Escape");
  assert.deepEqual([more.opened, more.press.getAttribute("aria-expanded"), held()], [false, "false", "…"]);
  assert.deepEqual(heard, [], "nothing else closes with it");
});

test("arrows go round among what can be pressed, and a field keeps its keys", () => {
  const { more, field, press, held, heard } = setUp();
  more.press.click();
  const way = ["ArrowLeft", "ArrowRight", "End", "Home", "ArrowDown"].map((key) => {
    press(key);
    return held();
  });
  assert.deepEqual(way, ["save", "play", "save", "play", "INPUT"]);
  assert.equal(document.activeElement, field);
  for (const key of ["ArrowRight", "s"]) press(key);
  assert.deepEqual([held(), heard], ["INPUT", []]);
  press("Escape");
  assert.equal(more.opened, false);
});

test("a letter means in the menu what it means in the picture", () => {
  const { more, press, heard } = setUp();
  more.press.click();
  press("s");
  assert.deepEqual(heard, ["s"]);
});
