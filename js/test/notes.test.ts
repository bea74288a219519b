import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.ts";
import { Notes } from "../src/screen.ts";

Object.assign(globalThis, { KeyboardEvent: window.KeyboardEvent });

/** What the second window says when a key is pressed in it. */
function said(key: string): Event {
  const source = { opener: window, closed: false };
  const data = { vmwidgets: "notes", began: 0, key };
  return Object.assign(new window.Event("message"), { data, source }) as unknown as Event;
}

test("a key in the second window is pressed once, though each kernel of a page has brought the script", () => {
  const pressed: string[] = [];
  document.body.addEventListener("keydown", (event) => pressed.push(event.key));
  let presents = true;
  const shown = new Notes(() => presents);
  const other = new Notes(() => false);
  dispatchEvent(said("PageDown"));
  assert.deepEqual(pressed, ["PageDown"]);
  assert.deepEqual([shown.opened, other.opened], [true, false]);
  presents = false;
  dispatchEvent(said("PageDown"));
  assert.deepEqual(pressed, ["PageDown"]);
});
